//! `channel.jsonl`: the messages of one room.
//!
//! This module knows what a message is and how messages are read. Whether a message may *move* the
//! room is decided where signals are posted, in [`crate::room`].

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ids::{AttemptId, MessageId, RoleRef, SignalName, entropy};
use crate::json::Version;
use crate::jsonl::{self, Appended, JsonlError, Scanned};
use crate::lifecycle::names;
use crate::redact::Redactor;
use crate::store::Store;
use crate::time::Timestamp;

/// Longest body of a message, in bytes of UTF-8, unless `channel.max_message_bytes` says another.
pub const DEFAULT_MAX_MESSAGE_BYTES: usize = 64 * 1024;
/// Longest structured part of a message, in bytes of JSON.
pub const MAX_DATA_BYTES: usize = 256 * 1024;

/// Types that are messages only and never move a room.
pub const PLAIN_TYPES: &[&str] = &[
    "task",
    "review",
    "note",
    "question",
    "answer",
    "approval-request",
    "approval",
    "plan-update",
];
/// Types that can be a signal, in the states that declare it.
pub const SIGNAL_TYPES: &[&str] = &[
    "done", "pass", "fail", "fix", "redesign", "replan", "reject", "error", "signoff", "escalate",
];

/// One line of the channel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Message {
    /// Format version.
    pub v: Version<1>,
    /// Unique id.
    pub id: MessageId,
    /// Position in the channel, counted from 1.
    pub seq: u64,
    /// When it was appended.
    pub ts: Timestamp,
    /// The attempt that spoke; none for people and the engine.
    #[serde(default)]
    pub attempt: Option<AttemptId>,
    /// Who spoke: a role, `engine` or `human`.
    pub from: RoleRef,
    /// Who is meant: a role, `engine` or `human`.
    pub to: RoleRef,
    /// The type, which is also the name of the signal it may be.
    #[serde(rename = "type")]
    pub kind: SignalName,
    /// What it is about, such as an epic's id.
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Markdown.
    pub body: String,
    /// The structured part: a verdict, an artifact list, a usage record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
}

impl Message {
    /// The key under which an action of a transition posted this message, if one did.
    pub fn key(&self) -> Option<&str> {
        self.data.as_ref()?.get("key")?.as_str()
    }

    /// Whether the rehearsal agent wrote it.
    pub fn is_rehearsed(&self) -> bool {
        self.data.as_ref().and_then(|data| data.get("rehearsed")) == Some(&Value::Bool(true))
    }
}

/// A message that has no place in the channel yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// The attempt that speaks; none for people and the engine.
    pub attempt: Option<AttemptId>,
    /// Who speaks.
    pub from: RoleRef,
    /// Who is meant.
    pub to: RoleRef,
    /// The type.
    pub kind: SignalName,
    /// What it is about.
    pub reference: Option<String>,
    /// Markdown.
    pub body: String,
    /// The structured part.
    pub data: Option<Value>,
}

/// Why a message was not appended. The channel is as it was.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    /// The type is neither one of the fixed types nor declared by the room's machine.
    #[error("`{kind}` is not a message type of this room; use one of: {}", allowed.join(", "))]
    UnknownType {
        /// The refused type.
        kind: SignalName,
        /// The types that exist.
        allowed: Vec<String>,
    },
    /// The body or the data is too long.
    #[error(
        "the message's {part} has {bytes} bytes and at most {limit} are allowed: write an artifact and link it"
    )]
    TooLarge {
        /// `body` or `data`.
        part: &'static str,
        /// Its length.
        bytes: usize,
        /// The longest allowed.
        limit: usize,
    },
    /// The file could not be written.
    #[error(transparent)]
    Jsonl(#[from] JsonlError),
    /// The system gave no random bits for an id.
    #[error("no random bits for a message id")]
    Entropy(#[source] std::io::Error),
}

/// Which messages are wanted; an empty filter takes all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of this type.
    pub kind: Option<SignalName>,
    /// From this role.
    pub from: Option<String>,
    /// To this role.
    pub to: Option<String>,
    /// About this reference.
    pub reference: Option<String>,
    /// Holding this text, in any case.
    pub text: Option<String>,
}

impl Filter {
    /// Whether `message` is wanted.
    pub fn takes(&self, message: &Message) -> bool {
        let is = |wanted: &Option<String>, found: &str| {
            wanted.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(found))
        };
        self.kind.as_ref().is_none_or(|kind| *kind == message.kind)
            && is(&self.from, &message.from.to_string())
            && is(&self.to, &message.to.to_string())
            && is(&self.reference, message.reference.as_deref().unwrap_or_default())
            && self
                .text
                .as_ref()
                .is_none_or(|text| message.body.to_lowercase().contains(&text.to_lowercase()))
    }
}

/// A part of the channel, oldest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// The messages.
    pub messages: Vec<Message>,
    /// There are more in the direction that was read.
    pub more: bool,
    /// Lines on the way that could not be read.
    pub skipped: usize,
}

/// The channel of one room.
#[derive(Clone, Debug)]
pub struct Channel {
    path: PathBuf,
}

impl Channel {
    /// The channel in this file.
    pub fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// The channel's file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends `draft`, without the secrets that the store's redactor finds in it. What is left is
    /// held against `max_bytes`; nothing is cut. `declared` are the signal names of the room's
    /// machine.
    ///
    /// # Errors
    /// [`PostError`]; the channel is then as it was.
    pub fn post(
        &self,
        store: &Store,
        draft: Draft,
        declared: &[SignalName],
        max_bytes: usize,
    ) -> Result<(Message, Appended), PostError> {
        self.append(store, draft, None, declared, max_bytes)
    }

    /// Appends what was said before, elsewhere: as [`Channel::post`], with the time of then.
    ///
    /// # Errors
    /// As [`Channel::post`].
    pub fn post_past(
        &self,
        store: &Store,
        draft: Draft,
        at: Timestamp,
        declared: &[SignalName],
        max_bytes: usize,
    ) -> Result<(Message, Appended), PostError> {
        self.append(store, draft, Some(at), declared, max_bytes)
    }

    fn append(
        &self,
        store: &Store,
        mut draft: Draft,
        at: Option<Timestamp>,
        declared: &[SignalName],
        max_bytes: usize,
    ) -> Result<(Message, Appended), PostError> {
        redact(&store.redactor, &mut draft);
        check(&draft, declared, max_bytes)?;
        let random = entropy().map_err(PostError::Entropy)?;
        let appended = jsonl::append(store, &self.path, |seq| {
            let ts = at.unwrap_or_else(|| store.now());
            Message {
                v: Version::default(),
                id: MessageId::generate(ts, random),
                seq,
                ts,
                attempt: draft.attempt,
                from: draft.from,
                to: draft.to,
                kind: draft.kind,
                reference: draft.reference,
                body: draft.body,
                data: draft.data,
            }
        })?;
        Ok(appended)
    }

    /// The newest `limit` messages that `filter` takes, oldest first; with `before`, only those
    /// whose number is lower. What stands behind them is not read.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn newest(
        &self,
        filter: &Filter,
        limit: usize,
        before: Option<u64>,
    ) -> Result<Page, JsonlError> {
        let mut page = Page::default();
        let end = match before {
            Some(before) => jsonl::start_of(&self.path, before)?,
            None => u64::MAX,
        };
        let scanned = jsonl::scan_back_from::<Message>(&self.path, end, |_, message| {
            if before.is_some_and(|before| message.seq >= before) || !filter.takes(&message) {
                return ControlFlow::Continue(());
            }
            if page.messages.len() == limit {
                page.more = true;
                return ControlFlow::Break(());
            }
            page.messages.push(message);
            ControlFlow::Continue(())
        })?;
        page.messages.reverse();
        page.skipped = scanned.skipped;
        Ok(page)
    }

    /// The oldest `limit` messages behind number `after` that `filter` takes. What stands before
    /// them is not read.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn after(&self, filter: &Filter, after: u64, limit: usize) -> Result<Page, JsonlError> {
        let start = jsonl::start_of(&self.path, after.saturating_add(1))?;
        let mut page = Page::default();
        let scanned = self.scan(start, |message| {
            if message.seq <= after || !filter.takes(&message) {
                return ControlFlow::Continue(());
            }
            if page.messages.len() == limit {
                page.more = true;
                return ControlFlow::Break(());
            }
            page.messages.push(message);
            ControlFlow::Continue(())
        })?;
        page.skipped = scanned.skipped;
        Ok(page)
    }

    /// Visits the messages from byte `offset` on, until `visit` breaks.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn scan(
        &self,
        offset: u64,
        mut visit: impl FnMut(Message) -> ControlFlow<()>,
    ) -> Result<Scanned, JsonlError> {
        jsonl::scan::<Message>(&self.path, offset, |_, message| visit(message))
    }

    /// The newest message that `wanted` takes, searched from the end.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn latest(
        &self,
        wanted: impl FnMut(&Message) -> bool,
    ) -> Result<Option<Message>, JsonlError> {
        jsonl::find_last(&self.path, wanted)
    }
}

/// Replaces secrets in everything that is free text. The engine's own key and the ids of criteria
/// stay: they are what the message is found and judged by.
fn redact(redactor: &Redactor, draft: &mut Draft) {
    if redactor.is_idle() {
        return;
    }
    redactor.in_text(&mut draft.body);
    redactor.in_option(&mut draft.reference);
    let Some(data) = &mut draft.data else { return };
    let key = data.get("key").filter(|_| draft.attempt.is_none()).cloned();
    let id_of = |item: &Value| item.get("id").filter(|id| is_criterion_id(id)).cloned();
    let criteria = data.get("criteria").and_then(Value::as_array);
    let ids: Vec<_> = criteria.into_iter().flatten().map(id_of).collect();
    redactor.in_value(data);
    if let Some(key) = key {
        data["key"] = key;
    }
    let criteria = data.get_mut("criteria").and_then(Value::as_array_mut);
    for (item, id) in criteria.into_iter().flatten().zip(ids) {
        if let Some(id) = id {
            item["id"] = id;
        }
    }
}

/// Whether it has the form of a criterion's id, such as `AC-1`, which no secret has.
fn is_criterion_id(id: &Value) -> bool {
    id.as_str().and_then(|id| id.split_once('-')).is_some_and(|(word, number)| {
        (1..=8).contains(&word.len())
            && word.bytes().all(|byte| byte.is_ascii_uppercase())
            && (1..=4).contains(&number.len())
            && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

fn check(draft: &Draft, declared: &[SignalName], max_bytes: usize) -> Result<(), PostError> {
    let kind = draft.kind.as_str();
    let fixed = || PLAIN_TYPES.iter().chain(SIGNAL_TYPES).copied();
    let known = fixed().any(|known| known == kind) || declared.contains(&draft.kind);
    if !known || names::ENGINE_SIGNALS.contains(&kind) {
        let mut allowed: Vec<String> = fixed().map(str::to_owned).collect();
        for name in declared {
            if !allowed.iter().any(|known| known == name.as_str()) {
                allowed.push(name.to_string());
            }
        }
        return Err(PostError::UnknownType { kind: draft.kind.clone(), allowed });
    }
    if draft.body.len() > max_bytes {
        let bytes = draft.body.len();
        return Err(PostError::TooLarge { part: "body", bytes, limit: max_bytes });
    }
    let bytes = draft.data.as_ref().map_or(0, |data| data.to_string().len());
    if bytes > MAX_DATA_BYTES {
        return Err(PostError::TooLarge { part: "data", bytes, limit: MAX_DATA_BYTES });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::store::Durability;

    fn draft(kind: &str, body: &str) -> Draft {
        Draft {
            attempt: None,
            from: "engineer".parse().unwrap(),
            to: "qa".parse().unwrap(),
            kind: kind.parse().unwrap(),
            reference: Some("EPIC-001".to_owned()),
            body: body.to_owned(),
            data: None,
        }
    }

    fn channel(dir: &Path, bodies: &[&str]) -> Channel {
        let channel = Channel::new(dir.join("channel.jsonl"));
        for body in bodies {
            channel.post(&store(), draft("note", body), &[], 100).unwrap();
        }
        channel
    }

    fn store() -> Store {
        Store { durability: Durability::Os, ..Store::default() }
    }

    fn bodies(page: &Page) -> Vec<&str> {
        page.messages.iter().map(|message| message.body.as_str()).collect()
    }

    #[test]
    fn pages_are_read_from_either_end() {
        let dir = tempfile::tempdir().unwrap();
        let channel = channel(dir.path(), &["a", "b", "c", "d"]);
        let all = Filter::default();
        let newest = channel.newest(&all, 2, None).unwrap();
        assert_eq!((bodies(&newest), newest.more), (vec!["c", "d"], true));
        let earlier = channel.newest(&all, 2, Some(3)).unwrap();
        assert_eq!((bodies(&earlier), earlier.more), (vec!["a", "b"], false));
        let later = channel.after(&all, 1, 2).unwrap();
        assert_eq!((bodies(&later), later.more), (vec!["b", "c"], true));
        let text = Filter { text: Some("C".to_owned()), ..Filter::default() };
        assert_eq!(bodies(&channel.newest(&text, 9, None).unwrap()), vec!["c"]);
    }

    #[test]
    fn a_secret_does_not_get_into_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let channel = Channel::new(dir.path().join("channel.jsonl"));
        let secrets = crate::redact::Secrets::of([("A_KEY", "s3cr3t-value")]);
        let redactor = Redactor::new(&secrets, &["AC-[0-9]".to_owned()]).unwrap();
        let store = Store { redactor, ..store() };
        let data = json!({
            "key": "room-001:1:s3cr3t-value",
            "criteria": [
                { "id": "AC-1", "evidence": "AC-1: s3cr3t-value" },
                { "id": "s3cr3t-value" },
            ],
        });
        let draft = Draft { data: Some(data), ..draft("note", "it is s3cr3t-value") };
        let limit = "it is [redacted:A_KEY]".len();
        let (message, _) = channel.post(&store, draft, &[], limit).unwrap();
        assert_eq!(message.body, "it is [redacted:A_KEY]");
        assert_eq!(
            message.data.unwrap(),
            json!({
                // Whoever has no attempt is no agent: the engine finds its own messages by it.
                "key": "room-001:1:s3cr3t-value",
                "criteria": [
                    { "id": "AC-1", "evidence": "[redacted]: [redacted:A_KEY]" },
                    { "id": "[redacted:A_KEY]" },
                ],
            })
        );
    }

    #[test]
    fn what_is_no_message_is_refused_and_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let channel = channel(dir.path(), &["a"]);
        for kind in ["timeout", "ready", "celebrate"] {
            let error = channel.post(&store(), draft(kind, ""), &[], 100).unwrap_err();
            assert!(matches!(error, PostError::UnknownType { .. }), "{kind}: {error}");
        }
        let declared = ["celebrate".parse().unwrap()];
        channel.post(&store(), draft("celebrate", ""), &declared, 100).unwrap();
        let error = channel.post(&store(), draft("note", &"x".repeat(101)), &[], 100).unwrap_err();
        assert!(error.to_string().contains("write an artifact"), "{error}");
        assert_eq!(channel.newest(&Filter::default(), 9, None).unwrap().messages.len(), 2);
    }
}
