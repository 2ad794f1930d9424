//! `room show --lifecycle`: the machine that a room lives by.

use ostwin_core::ids::RoomId;
use ostwin_core::lifecycle::{drawing_of, mermaid, outline};
use ostwin_core::room::Room;
use ostwin_service::{Exit, Explain};

use crate::args::LifecycleFormat;
use crate::context::Context;

/// Shows the machine of a room and where the room stands in it.
pub(super) fn show(
    context: &Context,
    id: &RoomId,
    format: LifecycleFormat,
) -> anyhow::Result<Exit> {
    let (project, _) = context.project()?;
    let standing = Room::open(&project, id).exit(Exit::Usage)?.standing()?;
    let (machine, here) = (&standing.machine, Some(&standing.state));
    match format {
        LifecycleFormat::Json => context.out.json(machine)?,
        _ if context.out.json => context.out.json(machine)?,
        LifecycleFormat::Mermaid => context.out.text(&mermaid(machine, here))?,
        LifecycleFormat::Text => {
            if let Some(drawing) = drawing_of(machine) {
                context.out.text(&format!("{drawing}\n"))?;
            }
            context.out.text(&outline(machine, here))?;
        }
    }
    Ok(Exit::Ok)
}
