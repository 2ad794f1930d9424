//! A room that has a past: what happened to its epic before this project had it.
//!
//! The past is put into the room while it is built aside, so the room is there with its messages,
//! artifacts and state, or not at all.

use std::path::{Path, PathBuf};

use super::create::create_with;
use super::{NewRoom, Result, Room, RoomError, Why};
use crate::channel::{self, Channel};
use crate::fs::{self, FsError};
use crate::ids::StateName;
use crate::json::{Extra, Version};
use crate::jsonl;
use crate::layout::RoomPaths;
use crate::lifecycle::{AuditEntry, AuditLine};
use crate::project::Project;
use crate::store::{Durability, Store};
use crate::time::Timestamp;

/// A message of the past.
#[derive(Clone, Debug, PartialEq)]
pub struct PastMessage {
    /// When it was said.
    pub at: Timestamp,
    /// What.
    pub draft: channel::Draft,
}

/// What happened before.
#[derive(Clone, Debug, PartialEq)]
pub struct Past {
    /// What was said, oldest first.
    pub messages: Vec<PastMessage>,
    /// The state that it has come to.
    pub state: StateName,
    /// Why it is in that state, for the audit.
    pub why: Why,
    /// The folder of its artifacts, which are copied. Links in it are passed over.
    pub artifacts: PathBuf,
}

/// Makes a room with a past, as [`super::create`] makes one without.
///
/// # Errors
/// A message is none of this room's, or a file failed; there is no such room then.
pub fn create_with_past(project: &Project, new: NewRoom, past: &Past) -> Result<Room> {
    let machine = new.machine.clone();
    create_with(project, new, |paths| {
        // Nobody sees the room before it is claimed: it is synced as a whole.
        let store = Store { durability: Durability::Os, ..project.store().clone() };
        let declared = machine.message_types();
        let channel = Channel::new(paths.channel());
        for PastMessage { at, draft } in &past.messages {
            let limit = project.max_message_bytes();
            channel.post_past(&store, draft.clone(), *at, &declared, limit)?;
        }
        copy(&past.artifacts, &paths.artifacts())?;
        if past.state != machine.initial_state {
            arrive(&store, paths, &machine.initial_state, past)?;
        }
        if project.store().durability == Durability::Sync {
            for file in [paths.channel(), paths.audit(), paths.status()] {
                if file.exists() {
                    fs::sync_file(&file)?;
                }
            }
        }
        Ok(())
    })
}

/// The room moves to the state of its past, by the word of whoever brings it.
fn arrive(store: &Store, paths: &RoomPaths, from: &StateName, past: &Past) -> Result<()> {
    let Past { state, why, .. } = past;
    let (entry, _) = jsonl::append(store, &paths.audit(), |seq| AuditEntry {
        v: Version::default(),
        seq,
        ts: store.now(),
        from: Some(from.clone()),
        to: state.clone(),
        signal: None,
        cause: why.cause.clone(),
        attempt: None,
        actor: why.actor.clone(),
        reason: store.redactor.text(&why.reason).into_owned(),
        retries: 0,
        actions: Vec::new(),
        forced: true,
        extra: Extra::new(),
    })?;
    jsonl::append(store, &paths.audit(), |_| AuditLine::applied(entry.seq))?;
    Ok(fs::replace_hint(&paths.status(), format!("{state}\n").as_bytes())?)
}

/// Copies the regular files below `from` into `to`.
fn copy(from: &Path, to: &Path) -> Result<(), RoomError> {
    let failed = |error| FsError::new("list", from, error);
    let entries = match std::fs::read_dir(from) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(error).into()),
    };
    for entry in entries {
        let entry = entry.map_err(failed)?;
        let kind = entry.file_type().map_err(failed)?;
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if kind.is_dir() {
            fs::create_dirs(&target)?;
            copy(&path, &target)?;
        } else if kind.is_file() {
            let mut source = fs::open(&path).map_err(|error| FsError::new("read", &path, error))?;
            fs::replace_streamed(&target, 0o644, Durability::Os, |file| {
                std::io::copy(&mut source, file)
                    .map(drop)
                    .map_err(|error| FsError::new("copy", &path, error))
            })?;
        }
    }
    Ok(())
}
