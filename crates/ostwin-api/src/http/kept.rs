//! Answers that were made from boards alone: kept until one changes, so that asking again costs
//! nothing.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use axum::body::Bytes;
use axum::http::Uri;
use sha2::{Digest as _, Sha256};

/// Most answers that are kept of a route.
const MOST: usize = 32;
/// A longer address is not kept.
const LONGEST: usize = 512;

/// An answer with its entity tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Snapshot {
    /// What is sent.
    pub(super) body: Bytes,
    /// Changes with the body.
    pub(super) tag: String,
}

impl Snapshot {
    pub(super) fn of(body: Vec<u8>) -> Self {
        let digest = Sha256::digest(&body);
        let tag: String = digest.iter().take(12).map(|byte| format!("{byte:02x}")).collect();
        Self { body: body.into(), tag: format!("\"{tag}\"") }
    }
}

/// What a route answered, by address, since the boards changed last.
#[derive(Debug, Default)]
pub(super) struct Kept(Mutex<Answers>);

#[derive(Debug, Default)]
struct Answers {
    /// How often boards had changed.
    changes: u64,
    by_address: HashMap<String, Snapshot>,
}

impl Kept {
    /// What was answered, if no board has changed since.
    pub(super) fn get(&self, uri: &Uri, changes: u64) -> Option<Snapshot> {
        let answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if answers.changes != changes {
            return None;
        }
        answers.by_address.get(&address(uri)?).cloned()
    }

    /// Keeps what was answered. `changes` was taken before anything was read.
    pub(super) fn put(&self, uri: &Uri, changes: u64, answer: &Snapshot) {
        let Some(address) = address(uri) else { return };
        let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if changes < answers.changes {
            // It was long in the making: what is kept is newer.
            return;
        }
        if changes > answers.changes {
            *answers = Answers { changes, by_address: HashMap::new() };
        }
        if answers.by_address.len() < MOST {
            answers.by_address.insert(address, answer.clone());
        }
    }
}

fn address(uri: &Uri) -> Option<String> {
    let address = uri.path_and_query()?.as_str();
    (address.len() <= LONGEST).then(|| address.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_kept_until_a_board_changes() {
        let kept = Kept::default();
        let uri = |text: &str| text.parse::<Uri>().unwrap();
        let (all, one) = (uri("/api/rooms"), uri("/api/rooms?plan=x"));
        let answer = Snapshot::of(b"[]".to_vec());
        assert_eq!(kept.get(&all, 0), None);
        kept.put(&all, 0, &answer);
        assert_eq!(kept.get(&all, 0), Some(answer.clone()));
        assert_eq!(kept.get(&one, 0), None);
        assert_eq!(kept.get(&all, 1), None, "a board has changed");
        kept.put(&one, 1, &answer);
        assert_eq!((kept.get(&one, 1), kept.get(&all, 1)), (Some(answer.clone()), None));
        kept.put(&all, 0, &answer);
        assert_eq!((kept.get(&one, 1), kept.get(&all, 1)), (Some(answer), None), "too late");
    }

    #[test]
    fn what_is_kept_has_bounds() {
        let kept = Kept::default();
        let answer = Snapshot::of(Vec::new());
        let uri = |number: usize| format!("/api/rooms?plan={number}").parse::<Uri>().unwrap();
        (0..2 * MOST).for_each(|number| kept.put(&uri(number), 0, &answer));
        assert_eq!(kept.get(&uri(MOST - 1), 0), Some(answer.clone()));
        assert_eq!(kept.get(&uri(MOST), 0), None);
        let long = format!("/api/rooms?plan={}", "x".repeat(LONGEST)).parse().unwrap();
        let kept = Kept::default();
        kept.put(&long, 0, &answer);
        assert_eq!(kept.get(&long, 0), None);
    }
}
