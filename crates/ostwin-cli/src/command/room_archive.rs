//! `room archive`: a finished room gives back its space, and gets it again.

use ostwin_core::ids::RoomId;
use ostwin_core::room::{self, ArchiveError, Room};
use ostwin_service::{Exit, Explain};
use serde_json::json;

use crate::context::{Context, actor};
use crate::out::remark;
use crate::view::figures::{self, plural};

pub(super) fn archive(context: &Context, id: &RoomId, restore: bool) -> anyhow::Result<Exit> {
    let (project, _) = context.project()?;
    let room = Room::open(&project, id).exit(Exit::Usage)?;
    let done = match restore {
        true => room::restore(&room),
        false => room::archive(&room, &actor()),
    };
    let (file, archived) = match done {
        Err(error @ ArchiveError::Driven { .. }) => return Err(error).exit(Exit::Owned),
        Err(error @ (ArchiveError::Needed { .. } | ArchiveError::NotArchived { .. })) => {
            return Err(error).exit(Exit::Usage);
        }
        Err(error @ ArchiveError::Damaged { .. }) => return Err(error).exit(Exit::Environment),
        done => done?,
    };
    if context.out.json {
        let (room, restored) = (room.id(), restore);
        context.out.json(&json!({
            "room": room,
            "archive": file,
            "archived": archived,
            "restored": restored,
        }))?;
        return Ok(Exit::Ok);
    }
    let files = plural(archived.files, "file");
    let (bytes, packed) = (figures::bytes(archived.bytes), figures::bytes(archived.archive_bytes));
    remark(&match restore {
        true => format!("`{id}` is unpacked: {files}, {bytes}"),
        false => {
            format!("`{id}` is archived: {files}, {bytes}, as {packed} in `{}`", file.display())
        }
    });
    Ok(Exit::Ok)
}
