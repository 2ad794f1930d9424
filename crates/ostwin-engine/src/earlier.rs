//! The room of one epic with its past: brought from a project of the earlier program.

use std::path::PathBuf;

use ostwin_core::config::Settings;
use ostwin_core::earlier::nearest_state;
use ostwin_core::ids::{EpicId, RoomId, StateName};
use ostwin_core::lifecycle::Cause;
use ostwin_core::plan_review;
use ostwin_core::plans::StoredPlan;
use ostwin_core::project::Project;
use ostwin_core::room::{self, Past, PastMessage, Room, Why};

use crate::by_hand::{ByHandError, for_epic};
use crate::error::EngineError;
use crate::rooms;

/// What is known of an epic's room in the earlier project.
#[derive(Clone, Debug, PartialEq)]
pub struct EarlierPast {
    /// The state that it was in.
    pub status: String,
    /// Where that is from, for the audit.
    pub source: String,
    /// What was said, oldest first.
    pub messages: Vec<PastMessage>,
    /// Its tasks, in Markdown; those of the plan, if there are none.
    pub tasks: Option<String>,
    /// Where its sessions worked; where the plan says, if it is not known.
    pub working_dir: Option<PathBuf>,
    /// The folder of its artifacts.
    pub artifacts: PathBuf,
}

/// A room that was brought.
#[derive(Clone, Debug)]
pub struct Brought {
    /// The room.
    pub room: Room,
    /// The state that it has come to.
    pub state: StateName,
    /// What to know where that is not the same as before.
    pub note: Option<String>,
}

/// Makes the room of one epic with what happened to it before, of a plan that no engine drives. Its
/// contract and its machine are those that the plan makes here; a review of the plan is not waited
/// for, since the epic has begun.
///
/// # Errors
/// [`ByHandError`]; nothing was made then.
pub fn bring_room(
    project: &Project,
    stored: &StoredPlan,
    settings: &Settings,
    epic: &EpicId,
    past: EarlierPast,
    actor: &str,
) -> Result<Brought, ByHandError> {
    let text = || plan_review::running_text(project, stored).map_err(EngineError::from);
    let rehearsed = stored.meta.rehearsed;
    for_epic(project, stored, settings, epic, rehearsed, text, |making, wanted| {
        let (roles, machine) = rooms::machine(making, wanted)?;
        let first = RoomId::numbered(1);
        let mut new = rooms::new_room(making, wanted, &roles, &machine, first, actor)?;
        if let Some(tasks) = past.tasks {
            new.tasks = tasks;
        }
        if let Some(dir) = past.working_dir {
            new.contract.working_dir = dir;
        }
        let (state, note) = nearest_state(&machine, &past.status);
        let reason = format!("imported: it was `{}` in `{}`", past.status, past.source);
        let why = Why {
            cause: Cause::Override("import".to_owned()),
            attempt: None,
            actor: actor.to_owned(),
            reason,
        };
        let past = Past { messages: past.messages, state, why, artifacts: past.artifacts };
        let room = room::create_with_past(project, new, &past).map_err(EngineError::from)?;
        Ok(Brought { room, state: past.state, note })
    })
}
