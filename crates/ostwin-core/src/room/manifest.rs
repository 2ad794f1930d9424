//! What a session was made of: the answer to "why did it do that", after the files have changed.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What one attempt worked with. A hash is the SHA-256 of a file's bytes in hex, so that
/// `sha256sum` tells whether a file is still the one that the session saw.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Manifest {
    /// The attempt's `prompt.md`.
    pub prompt_sha256: String,
    /// The attempt's `mcp.json`, in which secrets are masked.
    pub mcp_sha256: String,
    /// The files of the role, by path; those that ship with OSTwin begin with `built in/`.
    pub role_files: BTreeMap<String, String>,
    /// The skills, by name: the SHA-256 over each copy in the attempt's `skills/`, as
    /// `skills.lock.json` counts it.
    pub skills: BTreeMap<String, String>,
    /// What the agent program says of itself: name and version; null if it says nothing.
    pub agent_version: Option<String>,
    /// The model that was asked for; null if the agent chose.
    pub model: Option<String>,
    /// Whether the agent took the model that was asked for; null if none was, or if the session
    /// did not come so far.
    pub model_selected: Option<bool>,
    /// The working tree when the session began; null outside a Git repository.
    pub begin: Option<WorkTree>,
    /// The working tree when the session had ended; null outside a Git repository.
    pub end: Option<WorkTree>,
}

/// Where a Git working tree stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct WorkTree {
    /// The commit that is checked out; null before the first.
    pub commit: Option<String>,
    /// Files that differ from it or that Git does not know, sorted, at most
    /// [`WorkTree::MOST_FILES`].
    pub dirty: Vec<String>,
    /// How many more there are.
    pub more: usize,
}

impl WorkTree {
    /// So many files are named at most.
    pub const MOST_FILES: usize = 200;

    /// The tree at `commit` with these files changed.
    pub fn new(commit: Option<String>, mut dirty: Vec<String>) -> Self {
        dirty.sort();
        let more = dirty.len().saturating_sub(Self::MOST_FILES);
        dirty.truncate(Self::MOST_FILES);
        Self { commit, dirty, more }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_with_many_changes_names_the_first_and_counts_the_rest() {
        let files: Vec<String> =
            (0..WorkTree::MOST_FILES + 3).rev().map(|number| format!("{number:04}")).collect();
        let tree = WorkTree::new(None, files);
        assert_eq!((tree.dirty.len(), tree.more), (WorkTree::MOST_FILES, 3));
        assert_eq!(tree.dirty[0], "0000");
    }

    #[test]
    fn an_older_or_a_shorter_manifest_is_read() {
        assert_eq!(serde_json::from_str::<Manifest>("{}").unwrap(), Manifest::default());
    }
}
