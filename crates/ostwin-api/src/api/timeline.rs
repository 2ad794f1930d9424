//! The sessions of a plan in the order of time, for whoever draws them.

use ostwin_core::ids::{EpicId, RoomId};
use ostwin_core::room::Room;
use schemars::JsonSchema;
use serde::Serialize;

use super::attempts::{AttemptShort, short};
use super::plans::PlanPath;
use crate::call::Call;
use crate::http::{Nothing, Page, Problem, Route, get, page};

/// The routes.
pub(super) fn routes() -> Vec<Route> {
    vec![get("/api/plans/{id}/timeline", "Every session of a plan, in the order of time", timeline)]
}

/// A session of a plan.
#[derive(Debug, Serialize, JsonSchema)]
struct TimelineAttempt {
    /// Its room.
    room: RoomId,
    /// The room's epic.
    epic: EpicId,
    /// The session.
    #[serde(flatten)]
    attempt: AttemptShort,
}

fn timeline(call: &Call, path: PlanPath, _: Nothing) -> Result<Page<TimelineAttempt>, Problem> {
    let served = call.one()?;
    let project = served.project();
    let view = served.view(&path.id)?;
    let mut attempts = Vec::new();
    for row in &view.board.rows {
        let Some(room) = &row.room else { continue };
        // A record that cannot be read hides no other; the room's row says so.
        for attempt in Room::open(&project, room)?.each_attempt()?.into_iter().flatten() {
            attempts.push((
                attempt.record.opened_at,
                TimelineAttempt {
                    room: room.clone(),
                    epic: row.epic.clone(),
                    attempt: short(&attempt.record),
                },
            ));
        }
    }
    attempts.sort_by_key(|(opened_at, _)| *opened_at);
    Ok(page(attempts.into_iter().map(|(_, attempt)| attempt).collect()))
}
