//! What a request is about: the room and the plan of the session, or those that are named.

use ostwin_core::board::BoardError;
use ostwin_core::ids::{PlanId, RoomId};
use ostwin_core::plans::{self, PlanStoreError, StoredPlan};
use ostwin_core::room::Room;
use serde_json::{Value, json};

use crate::binding::Binding;
use crate::error::{Code, ToolError};
use crate::schema;
use crate::tool::Arguments;

/// The argument by which a room is named.
pub(crate) const ROOM: &str = "room_id";
/// The argument by which a plan is named.
pub(crate) const PLAN: &str = "plan_id";

/// The room that `named` names, else the session's own.
///
/// # Errors
/// It is no room's id, there is no such room, or a person's client names none.
pub(crate) fn room(binding: &Binding, named: Option<&str>) -> Result<Room, ToolError> {
    let Some(text) = named else {
        return match &binding.session {
            Some(session) => Ok(session.room.clone()),
            None => {
                let text = format!("`{ROOM}` is missing: name the room, such as `room-001`");
                Err(ToolError::invalid(ROOM, text))
            }
        };
    };
    let id = RoomId::new(text).map_err(|error| ToolError::invalid(ROOM, error.to_string()))?;
    Ok(Room::open(&binding.project, &id)?)
}

/// The plan that `named` names, else the session's own.
///
/// # Errors
/// It is no plan's id, there is no such plan, or a person's client names none.
pub(crate) fn plan(binding: &Binding, named: Option<&str>) -> Result<StoredPlan, ToolError> {
    let id = match named {
        Some(text) => {
            PlanId::new(text).map_err(|error| ToolError::invalid(PLAN, error.to_string()))?
        }
        None => own_plan(binding)?.ok_or_else(|| {
            let text =
                format!("`{PLAN}` is missing: `list_plans` of the dashboard names the plans");
            ToolError::invalid(PLAN, text)
        })?,
    };
    Ok(plans::open(&binding.project, &id)?)
}

/// The plan of the session; `None` for a person's client.
///
/// # Errors
/// The contract of the session's room cannot be read.
pub(crate) fn own_plan(binding: &Binding) -> Result<Option<PlanId>, ToolError> {
    match &binding.session {
        None => Ok(None),
        Some(session) => match &session.plan {
            Some(plan) => Ok(Some(plan.clone())),
            None => Ok(Some(session.room.contract()?.plan_id)),
        },
    }
}

/// Adds to a schema the argument that names the room, and demands it.
pub(crate) fn with_room(input: &mut Arguments) {
    let mut room = schema::of_arguments::<RoomId>();
    room.insert("description".to_owned(), "The room, such as `room-001`.".into());
    if let Some(Value::Object(properties)) = input.get_mut("properties") {
        properties.insert(ROOM.to_owned(), Value::Object(room));
    }
    demand_room(input);
}

/// Demands the argument that names the room.
pub(crate) fn demand_room(input: &mut Arguments) {
    match input.get_mut("required") {
        Some(Value::Array(required)) => required.push(ROOM.into()),
        _ => drop(input.insert("required".to_owned(), json!([ROOM]))),
    }
}

impl From<PlanStoreError> for ToolError {
    fn from(error: PlanStoreError) -> Self {
        match error {
            PlanStoreError::NotFound { .. } => {
                Self { field: Some(PLAN.to_owned()), ..Self::because(Code::NotFound, &error) }
            }
            PlanStoreError::NoRecord { .. } | PlanStoreError::Json(_) => {
                Self::because(Code::CorruptState, &error)
            }
            PlanStoreError::Fs(error) => error.into(),
            PlanStoreError::Entropy(_) => Self::because(Code::IoError, &error),
        }
    }
}

impl From<BoardError> for ToolError {
    fn from(error: BoardError) -> Self {
        match error {
            BoardError::Plan(error) => error.into(),
            BoardError::Fs(error) => error.into(),
            BoardError::Room(error) => error.into(),
            BoardError::Lock(error) => error.into(),
            BoardError::Events(error) => error.into(),
            BoardError::Text(_)
            | BoardError::Dag(_)
            | BoardError::Control(_)
            | BoardError::Budget(_) => Self::because(Code::CorruptState, &error),
        }
    }
}
