//! Making a room: built aside, claimed by a rename that refuses to replace.
//!
//! A room is there whole or not at all, and no two plans can get the same one.

use std::path::Path;

use super::{Contract, Result, Room, names_in};
use crate::env::crash_point;
use crate::fs;
use crate::ids::{PlanId, RoomId};
use crate::jsonl;
use crate::layout::RoomPaths;
use crate::lifecycle::{AuditEntry, AuditLine, Machine};
use crate::project::Project;
use crate::store::{Durability, Store};

/// What a room is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct NewRoom {
    /// The contract; its `room_id` is set to the id that was claimed.
    pub contract: Contract,
    /// The machine, already checked.
    pub machine: Machine,
    /// The brief, in Markdown.
    pub brief: String,
    /// The tasks, in Markdown.
    pub tasks: String,
    /// Who makes it: `engine`, or a person's name.
    pub actor: String,
}

/// Makes a room with the first free number from that of `contract.room_id` on.
///
/// # Errors
/// A file failed; what was built is left aside under a name that is no room's.
pub fn create(project: &Project, new: NewRoom) -> Result<Room> {
    create_with(project, new, |_| Ok(()))
}

/// As [`create`]; `fill` puts further files into the room while nobody sees it yet.
pub(super) fn create_with(
    project: &Project,
    mut new: NewRoom,
    fill: impl Fn(&RoomPaths) -> Result<()>,
) -> Result<Room> {
    let layout = project.layout();
    fs::create_dirs(&layout.rooms())?;
    let taken = names_in(&layout.rooms())?;
    let mut number = new.contract.room_id.number().max(1);
    loop {
        let id = RoomId::numbered(number);
        number += 1;
        if taken.contains(id.as_str()) {
            continue;
        }
        new.contract.room_id = id.clone();
        let aside = layout.new_room(&format!("{}-{id}", new.contract.plan_id));
        fs::remove_dir_all(aside.dir())?;
        build(project.store(), &aside, &new)?;
        fill(&aside)?;
        crash_point("room_built");
        if fs::claim(aside.dir(), layout.room(&id).dir())? {
            if project.store().durability == Durability::Sync {
                fs::sync_dir(&layout.rooms())?;
            }
            return Room::open(project, &id);
        }
        fs::remove_dir_all(aside.dir())?;
    }
}

/// Removes what a killed engine of this plan left half built. Only for whoever drives the plan.
///
/// # Errors
/// A folder cannot be listed or removed.
pub fn remove_unfinished(project: &Project, plan: &PlanId) -> Result<()> {
    for unfinished in project.layout().unfinished_rooms(plan)? {
        fs::remove_dir_all(&unfinished)?;
    }
    Ok(())
}

fn build(store: &Store, paths: &RoomPaths, new: &NewRoom) -> Result<()> {
    fs::create_dirs(&paths.artifacts())?;
    fs::create_dirs(&paths.attempts())?;
    fs::replace_json_hint(&paths.config(), &new.contract)?;
    fs::replace_json_hint(&paths.lifecycle(), &new.machine)?;
    fs::replace_hint(&paths.brief(), new.brief.as_bytes())?;
    fs::replace_hint(&paths.tasks(), new.tasks.as_bytes())?;
    let initial = new.machine.initial_state.clone();
    fs::replace_hint(&paths.status(), format!("{initial}\n").as_bytes())?;
    // Nobody sees the room before the claim: one sync of each file at the end is enough.
    let quick = Store { durability: Durability::Os, ..store.clone() };
    let (entry, _) = jsonl::append(&quick, &paths.audit(), |seq| {
        AuditLine::from(AuditEntry::created(seq, store.now(), initial, &new.actor))
    })?;
    let seq = entry.entry().map_or(1, |entry| entry.seq);
    jsonl::append(&quick, &paths.audit(), |_| AuditLine::applied(seq))?;
    if store.durability == Durability::Sync {
        sync_all(paths)?;
    }
    Ok(())
}

fn sync_all(paths: &RoomPaths) -> Result<()> {
    let files = [
        paths.config(),
        paths.lifecycle(),
        paths.brief(),
        paths.tasks(),
        paths.status(),
        paths.audit(),
    ];
    for file in files.iter().map(AsRef::<Path>::as_ref) {
        fs::sync_file(file)?;
    }
    Ok(fs::sync_dir(paths.dir())?)
}
