//! `room new`: the room of one epic, by hand.

use ostwin_engine::{ByHandError, new_room};
use ostwin_service::{Exit, Explain};
use serde_json::json;

use super::drive;
use crate::args::RoomNewArgs;
use crate::context::{Context, actor, stored_plan};
use crate::out::remark;

pub(super) fn new(context: &Context, args: &RoomNewArgs) -> anyhow::Result<Exit> {
    let (project, settings) = context.project()?;
    let plan = stored_plan(&project, Some(&args.plan))?;
    let room = match new_room(&project, &plan, &settings, &args.epic, &actor()) {
        Ok(room) => room,
        Err(ByHandError::Engine(error)) => return Err(drive::explained(error)),
        Err(error) => {
            let exit = match error {
                ByHandError::Driven { .. } => Exit::Owned,
                _ => Exit::Usage,
            };
            return Err(error).exit(exit);
        }
    };
    if context.out.json {
        let dir = room.paths().dir();
        context.out.json(&json!({"room": room.id(), "epic": args.epic, "dir": dir}))?;
    } else {
        remark(&format!("`{}` is the room of {}", room.id(), args.epic));
    }
    Ok(Exit::Ok)
}
