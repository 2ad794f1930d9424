//! A room by hand: what the engine does for every epic before the first session, for one of them.

use std::time::Duration;

use ostwin_core::config::{REHEARSAL, Settings};
use ostwin_core::env;
use ostwin_core::ids::{EpicId, PlanId, RoomId};
use ostwin_core::lock::{self, LockError};
use ostwin_core::plan::{self, Epic, ParseOptions};
use ostwin_core::plan_review::Text;
use ostwin_core::plans::StoredPlan;
use ostwin_core::project::Project;
use ostwin_core::room::{self, Room};
use ostwin_runner::roles::{RoleError, RolePlaces};

use crate::error::EngineError;
use crate::machine::LocalProcesses;
use crate::rooms::{self, Making};
use crate::run::gated_text;

/// Why no room was made.
#[derive(Debug, thiserror::Error)]
pub enum ByHandError {
    /// The plan has no such epic.
    #[error("plan `{plan}` has no epic `{epic}`; it has {}", known.join(", "))]
    UnknownEpic {
        /// The plan.
        plan: PlanId,
        /// What was asked for.
        epic: EpicId,
        /// Its epics.
        known: Vec<String>,
    },
    /// The epic has its room.
    #[error("{epic} has its room already: `{room}`")]
    HasRoom {
        /// The epic.
        epic: EpicId,
        /// The room.
        room: RoomId,
    },
    /// An engine drives the plan: it makes the rooms.
    #[error("an engine drives plan `{plan}`, and it makes the rooms")]
    Driven {
        /// The plan.
        plan: PlanId,
    },
    /// The registry cannot be read.
    #[error(transparent)]
    Role(#[from] RoleError),
    /// The room could not be made.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// Makes the room of one epic of a plan that no engine drives. The plan's next run takes it as its
/// own.
///
/// # Errors
/// [`ByHandError`]; nothing was made then.
pub fn new_room(
    project: &Project,
    stored: &StoredPlan,
    settings: &Settings,
    epic: &EpicId,
    actor: &str,
) -> Result<Room, ByHandError> {
    let rehearsed = settings.config.default_agent.as_deref() == Some(REHEARSAL);
    let text = || gated_text(project, stored, settings);
    for_epic(project, stored, settings, epic, rehearsed, text, |making, wanted| {
        let (roles, machine) = rooms::machine(making, wanted)?;
        Ok(rooms::make(making, wanted, &roles, &machine, RoomId::numbered(1), actor)?)
    })
}

/// Makes something of an epic that has no room yet, with the plan's lock held meanwhile.
pub(crate) fn for_epic<T>(
    project: &Project,
    stored: &StoredPlan,
    settings: &Settings,
    epic: &EpicId,
    rehearsed: bool,
    text: impl FnOnce() -> Result<Text, EngineError>,
    make: impl FnOnce(&Making<'_>, &Epic) -> Result<T, ByHandError>,
) -> Result<T, ByHandError> {
    let id = &stored.meta.plan_id;
    let made = lock::exclusive(&stored.paths.engine_lock(), Duration::ZERO, || {
        let text = text()?;
        let parsed = plan::parse_bytes(&text.bytes, &ParseOptions::default());
        let Some(wanted) = parsed.plan.epic(epic) else {
            let known = parsed.plan.epics.iter().map(|epic| epic.id.to_string()).collect();
            return Err(ByHandError::UnknownEpic { plan: id.clone(), epic: epic.clone(), known });
        };
        let rooms = room::of_plan(project, id).map_err(EngineError::from)?;
        if let Some((room, _)) = rooms.iter().find(|(_, contract)| contract.task_ref == *epic) {
            return Err(ByHandError::HasRoom { epic: epic.clone(), room: room.id().clone() });
        }
        let home = env::home();
        let places = RolePlaces::of(project.layout(), None, home.as_deref())?;
        let making = Making {
            project,
            stored,
            text: &text,
            plan: &parsed.plan,
            settings,
            places: &places,
            rehearsed,
            left: &LocalProcesses,
        };
        make(&making, wanted)
    });
    match made {
        Ok(outcome) => outcome,
        Err(LockError::Busy { .. }) => Err(ByHandError::Driven { plan: id.clone() }),
        Err(error) => Err(EngineError::from(error).into()),
    }
}
