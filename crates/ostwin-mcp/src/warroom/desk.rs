//! A place at the table: one room, and who sits there.

use std::time::Duration;

use ostwin_core::artifacts::Artifacts;
use ostwin_core::room::{Room, Speaker};
use serde_json::Value;

use crate::binding::Binding;
use crate::error::{Code, ToolError};
use crate::subject;
use crate::tool::Arguments;

/// One room and who speaks in it.
#[derive(Clone, Debug)]
pub struct Desk {
    pub(super) room: Room,
    pub(super) speaker: Speaker,
    /// How long a question waits unless it says another.
    pub(super) ask_timeout: Duration,
}

impl Desk {
    /// The desk of a call: that of the session, or for a person in the room that `arguments`
    /// names, which is taken out of them.
    pub(super) fn of_call(binding: &Binding, arguments: &mut Arguments) -> Result<Self, ToolError> {
        // A session has no such argument: what it may send is refused like any unknown one.
        let named = match binding.session {
            Some(_) => None,
            None => arguments.remove(subject::ROOM),
        };
        let attempt = binding.session.as_ref().map(|session| session.attempt.clone());
        Ok(Self {
            room: subject::room(binding, named.as_ref().and_then(Value::as_str))?,
            speaker: Speaker { role: binding.speaker.clone(), attempt },
            ask_timeout: Duration::from_secs(binding.settings.ask_timeout_seconds),
        })
    }

    pub(super) fn artifacts(&self) -> Artifacts {
        Artifacts::new(self.room.paths().artifacts())
    }

    /// Refuses to go on for a session whose attempt is over: what it leaves behind now would look
    /// like the work of the next one. A person may always.
    pub(super) fn still_open(&self) -> Result<(), ToolError> {
        let Some(attempt) = &self.speaker.attempt else { return Ok(()) };
        let open = self.room.open_attempt()?.filter(|open| open.record.id == *attempt);
        let problem = match open {
            None => "is not the open one of this room".to_owned(),
            Some(open) if open.record.role != self.speaker.role => {
                format!("is not of role `{}`", self.speaker.role)
            }
            Some(open) if self.room.project().store().now() >= open.record.deadline_at => {
                format!("had its deadline at {}", open.record.deadline_at)
            }
            Some(_) => return Ok(()),
        };
        Err(ToolError::new(Code::Conflict, format!("attempt {attempt} {problem}")))
    }
}
