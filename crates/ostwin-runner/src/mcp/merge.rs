//! Merging the tiers: a pure union by name, in which the higher tier wins.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::config::{ConfigFile, Entry};

/// What a name stands for after merging, and which file said so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// The server; `None` if the file removes it. Kept, so that merging stays associative.
    pub entry: Option<Entry>,
    /// The file.
    pub source: PathBuf,
}

/// Servers by name, from any number of tiers.
pub type Servers = BTreeMap<String, Slot>;

/// The servers of one file as a tier.
pub fn layer(source: &Path, file: ConfigFile) -> Servers {
    file.servers
        .into_iter()
        .map(|(name, entry)| (name, Slot { entry, source: source.to_owned() }))
        .collect()
}

/// Both tiers as one: whole entries of `higher` replace those of `lower`.
#[must_use]
pub fn merge(mut lower: Servers, higher: Servers) -> Servers {
    lower.extend(higher);
    lower
}

#[cfg(test)]
mod tests {
    use super::super::config::Server;
    use super::*;
    use proptest::prelude::*;

    fn servers() -> impl Strategy<Value = Servers> {
        let entry =
            prop::option::of(("[a-z]{1,4}", any::<bool>()).prop_map(|(program, enabled)| {
                let server = Server::Local { command: vec![program], environment: BTreeMap::new() };
                Entry { server, enabled, timeout_ms: None }
            }));
        let slot = (entry, "[a-z]{1,3}")
            .prop_map(|(entry, source)| Slot { entry, source: PathBuf::from(source) });
        prop::collection::btree_map("[a-e]", slot, 0..5)
    }

    proptest! {
        #[test]
        fn merging_is_associative_idempotent_and_the_higher_wins(
            a in servers(), b in servers(), c in servers(),
        ) {
            let left = merge(merge(a.clone(), b.clone()), c.clone());
            let right = merge(a.clone(), merge(b.clone(), c.clone()));
            prop_assert_eq!(&left, &right);
            prop_assert_eq!(&merge(left.clone(), left.clone()), &left);
            prop_assert_eq!(&merge(left.clone(), c.clone()), &left);
            prop_assert_eq!(&merge(Servers::new(), a.clone()), &a);
            for (name, slot) in &left {
                let expected = c.get(name).or_else(|| b.get(name)).or_else(|| a.get(name));
                prop_assert_eq!(Some(slot), expected);
            }
        }
    }
}
