//! `ledger.jsonl`: what the rooms of a project remember for each other.
//!
//! Entries are never changed or removed. One that another supersedes leaves every query and stays
//! in the file.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{MemoryId, PlanId, RoleRef, RoomId, entropy};
use crate::json::Version;
use crate::jsonl::{self, JsonlError};
use crate::redact::Redactor;
use crate::store::Store;
use crate::time::Timestamp;

/// Longest summary, in bytes.
pub const MAX_SUMMARY_BYTES: usize = 4 * 1024;
/// Longest detail, in bytes.
pub const MAX_DETAIL_BYTES: usize = 16 * 1024;
/// Most tags of one entry.
pub const MAX_TAGS: usize = 32;
/// Longest tag, in bytes.
pub const MAX_TAG_BYTES: usize = 64;

/// What an entry is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Something that was delivered, and where it is.
    Artifact,
    /// A choice, and why it was made.
    Decision,
    /// How two parts talk to each other.
    Interface,
    /// A habit that everybody follows.
    Convention,
    /// A trap that others should know.
    Warning,
    /// A piece of code worth knowing.
    Code,
}

impl Kind {
    /// Every kind, in the order in which a digest shows them.
    pub const ALL: [Self; 6] = [
        Self::Decision,
        Self::Interface,
        Self::Convention,
        Self::Warning,
        Self::Artifact,
        Self::Code,
    ];

    /// The kind's name, as files and tools write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Artifact => "artifact",
            Self::Decision => "decision",
            Self::Interface => "interface",
            Self::Convention => "convention",
            Self::Warning => "warning",
            Self::Code => "code",
        }
    }
}

/// One line of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Entry {
    /// Format version.
    pub v: Version<1>,
    /// Unique id.
    pub id: MemoryId,
    /// Position in the ledger, counted from 1.
    pub seq: u64,
    /// When it was published.
    pub ts: Timestamp,
    /// What it is.
    pub kind: Kind,
    /// The room that published it; none for a person.
    #[serde(default)]
    pub room_id: Option<RoomId>,
    /// The plan of that room.
    #[serde(default)]
    pub plan_id: Option<PlanId>,
    /// The role that published it.
    pub author_role: RoleRef,
    /// What it is about, such as an epic's id.
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Words to find it by.
    #[serde(default)]
    pub tags: Vec<String>,
    /// What to know, in a sentence or a few.
    pub summary: String,
    /// More, for who needs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The entry that this one replaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supersedes: Option<MemoryId>,
    /// The key of the transition's action that published it, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// An entry that has no place in the ledger yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// What it is.
    pub kind: Kind,
    /// The room that publishes it.
    pub room_id: Option<RoomId>,
    /// The plan of that room.
    pub plan_id: Option<PlanId>,
    /// The role that publishes it.
    pub author_role: RoleRef,
    /// What it is about.
    pub reference: Option<String>,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// What to know.
    pub summary: String,
    /// More, for who needs it.
    pub detail: Option<String>,
    /// The entry that this one replaces.
    pub supersedes: Option<MemoryId>,
    /// The key of the transition's action that publishes it.
    pub key: Option<String>,
}

/// Why an entry was not published. The ledger is as it was.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// A part of the entry is missing, too long or refers to nothing.
    #[error("`{field}` {problem}")]
    Invalid {
        /// The part.
        field: &'static str,
        /// What is wrong with it, and what to do.
        problem: String,
    },
    /// The file could not be read or written.
    #[error(transparent)]
    Jsonl(#[from] JsonlError),
    /// The system gave no random bits for an id.
    #[error("no random bits for a memory id")]
    Entropy(#[source] std::io::Error),
}

/// Which entries are wanted; an empty query takes all that are not superseded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// Having any of these tags, in any case.
    pub tags: Vec<String>,
    /// Having all of these tags, in any case.
    pub all_tags: Vec<String>,
    /// Of this kind.
    pub kind: Option<Kind>,
    /// About this reference.
    pub reference: Option<String>,
    /// Published by this room.
    pub room_id: Option<RoomId>,
    /// Not published by this room.
    pub exclude_room: Option<RoomId>,
    /// Published by this role.
    pub author_role: Option<String>,
    /// Also those that another entry replaces.
    pub include_superseded: bool,
    /// Only entries with a lower number: the cursor of the page before.
    pub before: Option<u64>,
}

impl Query {
    fn takes(&self, entry: &Entry) -> bool {
        let has = |tag: &String| entry.tags.iter().any(|found| found.eq_ignore_ascii_case(tag));
        (self.tags.is_empty() || self.tags.iter().any(has))
            && self.all_tags.iter().all(has)
            && self.kind.is_none_or(|kind| kind == entry.kind)
            && self.reference.as_ref().is_none_or(|wanted| {
                entry.reference.as_ref().is_some_and(|found| found.eq_ignore_ascii_case(wanted))
            })
            && self.room_id.as_ref().is_none_or(|room| entry.room_id.as_ref() == Some(room))
            && self.exclude_room.as_ref().is_none_or(|room| entry.room_id.as_ref() != Some(room))
            && self.author_role.as_ref().is_none_or(|role| entry.author_role.to_string() == *role)
            && self.before.is_none_or(|before| entry.seq < before)
    }
}

/// The entries of a query, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The entries.
    pub entries: Vec<Entry>,
    /// There are older ones: ask again with `before` set to the number of the last one.
    pub more: bool,
    /// Lines on the way that could not be read.
    pub skipped: usize,
}

/// The ledger of one project.
#[derive(Clone, Debug)]
pub struct Ledger {
    path: PathBuf,
}

impl Ledger {
    /// The ledger in this file.
    pub fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// The ledger's file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Publishes `draft`, without the secrets that the store's redactor finds in it.
    ///
    /// # Errors
    /// [`PublishError`]; the ledger is then as it was.
    pub fn publish(&self, store: &Store, draft: Draft) -> Result<Entry, PublishError> {
        self.append(store, draft, None)
    }

    /// Publishes what was published before, elsewhere: as [`Ledger::publish`], with the time of
    /// then.
    ///
    /// # Errors
    /// As [`Ledger::publish`].
    pub fn publish_past(
        &self,
        store: &Store,
        draft: Draft,
        at: Timestamp,
    ) -> Result<Entry, PublishError> {
        self.append(store, draft, Some(at))
    }

    fn append(
        &self,
        store: &Store,
        mut draft: Draft,
        at: Option<Timestamp>,
    ) -> Result<Entry, PublishError> {
        redact(&store.redactor, &mut draft);
        check(&draft)?;
        if let Some(old) = &draft.supersedes
            && self.find(old)?.is_none()
        {
            return Err(PublishError::Invalid {
                field: "supersedes",
                problem: format!("names {old}, which is not in the ledger"),
            });
        }
        let random = entropy().map_err(PublishError::Entropy)?;
        let (entry, _) = jsonl::append(store, &self.path, |seq| {
            let ts = at.unwrap_or_else(|| store.now());
            Entry {
                v: Version::default(),
                id: MemoryId::generate(ts, random),
                seq,
                ts,
                kind: draft.kind,
                room_id: draft.room_id,
                plan_id: draft.plan_id,
                author_role: draft.author_role,
                reference: draft.reference,
                tags: draft.tags,
                summary: draft.summary,
                detail: draft.detail,
                supersedes: draft.supersedes,
                key: draft.key,
            }
        })?;
        Ok(entry)
    }

    /// The newest `limit` entries that `query` takes. Reads from the end: an entry is superseded
    /// only by a later one, so what was passed already says what to leave out.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn query(&self, query: &Query, limit: usize) -> Result<Page, JsonlError> {
        let mut page = Page::default();
        let mut superseded = HashSet::new();
        let scanned = jsonl::scan_back::<Entry>(&self.path, |_, entry| {
            let hidden = superseded.remove(&entry.id) && !query.include_superseded;
            if let Some(old) = &entry.supersedes {
                superseded.insert(old.clone());
            }
            if hidden || !query.takes(&entry) {
                return ControlFlow::Continue(());
            }
            if page.entries.len() == limit {
                page.more = true;
                return ControlFlow::Break(());
            }
            page.entries.push(entry);
            ControlFlow::Continue(())
        })?;
        page.skipped = scanned.skipped;
        Ok(page)
    }

    /// The entry with this id.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn find(&self, id: &MemoryId) -> Result<Option<Entry>, JsonlError> {
        jsonl::find_last(&self.path, |entry: &Entry| entry.id == *id)
    }

    /// The entry that replaces `entry`, if one does.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn successor(&self, entry: &Entry) -> Result<Option<Entry>, JsonlError> {
        jsonl::find_last(&self.path, |later: &Entry| {
            later.seq > entry.seq && later.supersedes.as_ref() == Some(&entry.id)
        })
    }

    /// The entry that an action published under this key.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn find_key(&self, key: &str) -> Result<Option<Entry>, JsonlError> {
        jsonl::find_last(&self.path, |entry: &Entry| entry.key.as_deref() == Some(key))
    }
}

/// Replaces secrets in everything that is free text.
fn redact(redactor: &Redactor, draft: &mut Draft) {
    redactor.in_text(&mut draft.summary);
    redactor.in_option(&mut draft.detail);
    redactor.in_option(&mut draft.reference);
    draft.tags.iter_mut().for_each(|tag| redactor.in_text(tag));
}

fn check(draft: &Draft) -> Result<(), PublishError> {
    let refuse = |field, problem: String| Err(PublishError::Invalid { field, problem });
    if draft.summary.trim().is_empty() {
        return refuse("summary", "is empty: say in a sentence what others should know".into());
    }
    let limits = [
        ("summary", draft.summary.len(), MAX_SUMMARY_BYTES),
        ("detail", draft.detail.as_ref().map_or(0, String::len), MAX_DETAIL_BYTES),
        ("ref", draft.reference.as_ref().map_or(0, String::len), 256),
    ];
    for (field, bytes, limit) in limits {
        if bytes > limit {
            return refuse(
                field,
                format!(
                    "has {bytes} bytes and at most {limit} are allowed: write an artifact and link it"
                ),
            );
        }
    }
    if draft.tags.len() > MAX_TAGS {
        return refuse(
            "tags",
            format!("are {} and at most {MAX_TAGS} are allowed", draft.tags.len()),
        );
    }
    if let Some(tag) = draft.tags.iter().find(|tag| tag.is_empty() || tag.len() > MAX_TAG_BYTES) {
        return refuse("tags", format!("hold `{tag}`: a tag has 1 to {MAX_TAG_BYTES} bytes"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Durability;

    fn draft(summary: &str, tags: &[&str], supersedes: Option<&Entry>) -> Draft {
        Draft {
            kind: Kind::Decision,
            room_id: Some(RoomId::numbered(1)),
            plan_id: None,
            author_role: "architect".parse().unwrap(),
            reference: None,
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            summary: summary.to_owned(),
            detail: None,
            supersedes: supersedes.map(|entry| entry.id.clone()),
            key: None,
        }
    }

    #[test]
    fn a_superseded_entry_leaves_queries_and_stays_in_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store { durability: Durability::Os, ..Store::default() };
        let ledger = Ledger::new(dir.path().join("ledger.jsonl"));
        let old = ledger.publish(&store, draft("use md5", &["auth"], None)).unwrap();
        ledger.publish(&store, draft("ports start at 8000", &["net"], None)).unwrap();
        let new = ledger.publish(&store, draft("use argon2", &["auth"], Some(&old))).unwrap();

        let auth = Query { tags: vec!["AUTH".into()], ..Query::default() };
        assert_eq!(ledger.query(&auth, 9).unwrap().entries, vec![new.clone()]);
        let all = Query { include_superseded: true, ..auth };
        assert_eq!(ledger.query(&all, 9).unwrap().entries, vec![new, old.clone()]);
        assert_eq!(ledger.find(&old.id).unwrap(), Some(old));
    }

    #[test]
    fn bad_entries_are_refused_by_name_of_the_field() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::default();
        let ledger = Ledger::new(dir.path().join("ledger.jsonl"));
        let long = "x".repeat(MAX_SUMMARY_BYTES + 1);
        for (bad, expected) in [
            (draft(" ", &[], None), "summary"),
            (draft(&long, &[], None), "summary"),
            (draft("a", &[""], None), "tags"),
        ] {
            let Err(PublishError::Invalid { field, .. }) = ledger.publish(&store, bad) else {
                panic!("accepted")
            };
            assert_eq!(field, expected);
        }
        assert!(!ledger.path().exists());
    }
}
