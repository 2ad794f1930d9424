//! A place at the table: one room, and who sits there.

use std::time::Duration;

use ostwin_core::artifacts::Artifacts;
use ostwin_core::ids::RoomId;
use ostwin_core::room::{Room, Speaker};

use crate::binding::Binding;
use crate::error::{Code, ToolError};
use crate::tool::Arguments;

/// The argument by which a person's client names the room; a session has no such argument.
pub(super) const ROOM_ARGUMENT: &str = "room_id";

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
        let (room, attempt) = match &binding.session {
            Some(session) => (session.room.clone(), Some(session.attempt.clone())),
            None => (named_room(binding, arguments)?, None),
        };
        Ok(Self {
            room,
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

fn named_room(binding: &Binding, arguments: &mut Arguments) -> Result<Room, ToolError> {
    let named = arguments.remove(ROOM_ARGUMENT);
    let Some(text) = named.as_ref().and_then(serde_json::Value::as_str) else {
        let text = format!("`{ROOM_ARGUMENT}` is missing: name the room, such as `room-001`");
        return Err(ToolError::invalid(ROOM_ARGUMENT, text));
    };
    let id =
        RoomId::new(text).map_err(|error| ToolError::invalid(ROOM_ARGUMENT, error.to_string()))?;
    Ok(Room::open(&binding.project, &id)?)
}
