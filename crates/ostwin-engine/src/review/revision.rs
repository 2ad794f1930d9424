//! Applying a revision of a plan that has begun: what happens to each room, decided as a value,
//! and then done.
//!
//! A room is compared with the new text by the hash of its epic, which its contract holds and
//! which is replaced last. So what was done before a kill is seen as done, and the rest follows;
//! the graph is replaced when every room is as it should be.

use std::collections::BTreeMap;

use ostwin_core::ids::{EpicId, RoomId};
use ostwin_core::lifecycle::names;
use ostwin_core::plan::{self, Epic, ParseOptions, Plan, PlanDiff};
use ostwin_core::plan_review;
use ostwin_core::plans::{self, Begun, StoredPlan};
use ostwin_core::project::Project;
use ostwin_core::room::{self, Contract, Room, RoomError, Why};

use crate::error::EngineError;
use crate::rooms::Making;

/// What an edit changes in a plan, and where a person is asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Revision {
    /// The epics that differ from the text by which the plan runs.
    pub diff: PlanDiff,
    /// The epics that have begun and that the edit changes or removes.
    pub touched: Vec<Touched>,
    /// What is answered already: epics that have begun, that this edit leaves alone, and that keep
    /// the text they were begun by.
    pub settled: BTreeMap<EpicId, Begun>,
}

/// An epic that has begun and that an edit changes or removes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Touched {
    /// The epic.
    pub epic: EpicId,
    /// Its room.
    pub room: RoomId,
    /// The state of the room.
    pub state: String,
    /// Whether the edit removes it.
    pub removed: bool,
}

/// How far a room is, as far as a revision asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// No session ran in it, and it waits to start.
    Fresh,
    /// No session ran in it, and it was cancelled.
    Withdrawn,
    /// It passed, or ended in another way.
    Ended,
    /// Somewhere in between.
    Underway,
}

/// What is known of an epic's room.
#[derive(Clone, Debug)]
struct Known {
    room: Room,
    epic_sha256: Option<String>,
    progress: Progress,
    state: String,
}

/// One thing to do.
#[derive(Clone, Debug)]
pub(crate) enum Work {
    /// Give the room this text of its epic.
    Rewrite(Room, EpicId),
    /// Cancel the room: its epic is no more.
    Cancel(Room),
}

/// What an edit from the running text to `new` would change.
///
/// # Errors
/// A room or a text cannot be read.
pub fn revision(
    project: &Project,
    stored: &StoredPlan,
    new: &Plan,
) -> Result<Revision, EngineError> {
    let running = plan_review::running_text(project, stored)?;
    let old = plan::parse_bytes(&running.bytes, &ParseOptions::default()).plan;
    let diff = plan::diff(&old, new);
    // A revision that was cut off between its two files has replaced the text that it is compared
    // with: then whatever differs is asked about.
    let is_half_taken = plans::sha256(&stored.text()?) != stored.meta.source_sha256;
    let mut touched = Vec::new();
    let mut settled = BTreeMap::new();
    for (epic, known) in known(project, stored)? {
        let (differs, removed) = match new.epic(&epic) {
            Some(new) => (known.epic_sha256.as_ref() != Some(&plan::epic_hash(new)), false),
            None => (known.progress == Progress::Underway, true),
        };
        if !differs || !needs_answer(&known, removed) {
            continue;
        }
        let untouched = !diff.changed.contains(&epic) && !diff.added.contains(&epic);
        if !removed && untouched && !is_half_taken {
            settled.insert(epic, Begun::Keep);
            continue;
        }
        let room = known.room.id().clone();
        touched.push(Touched { epic, room, state: known.state, removed });
    }
    Ok(Revision { diff, touched, settled })
}

fn needs_answer(known: &Known, removed: bool) -> bool {
    match known.progress {
        Progress::Fresh | Progress::Withdrawn => false,
        Progress::Ended => !removed,
        Progress::Underway => true,
    }
}

/// What is to be done with the rooms that are there, by the new text and a person's answers.
///
/// # Errors
/// [`EngineError::Unanswered`] if an epic has begun and nobody has said what becomes of it.
pub(crate) fn work(
    project: &Project,
    stored: &StoredPlan,
    new: &Plan,
) -> Result<Vec<Work>, EngineError> {
    let answers = &stored.meta.answers;
    let mut work = Vec::new();
    let mut unanswered = Vec::new();
    for (epic, known) in known(project, stored)? {
        let wanted = new.epic(&epic);
        let same = |wanted: &Epic| known.epic_sha256.as_ref() == Some(&plan::epic_hash(wanted));
        match (wanted, known.progress) {
            (Some(wanted), progress) if same(wanted) => {
                if progress == Progress::Withdrawn {
                    work.push(Work::Rewrite(known.room, epic));
                }
            }
            (Some(_), Progress::Fresh | Progress::Withdrawn) => {
                work.push(Work::Rewrite(known.room, epic));
            }
            (None, Progress::Fresh) => work.push(Work::Cancel(known.room)),
            (None, Progress::Withdrawn | Progress::Ended) => {}
            (wanted, _) => match (answers.get(&epic), wanted) {
                (Some(Begun::Keep), Some(_)) => {}
                (Some(Begun::Redo), Some(_)) => work.push(Work::Rewrite(known.room, epic)),
                (Some(_), None) => work.push(Work::Cancel(known.room)),
                (None, _) => unanswered.push(epic),
            },
        }
    }
    if unanswered.is_empty() {
        Ok(work)
    } else {
        Err(EngineError::Unanswered { plan: stored.meta.plan_id.clone(), epics: unanswered })
    }
}

/// Does one thing.
///
/// # Errors
/// A file failed, or the machine of an epic is not sound.
pub(crate) fn apply(making: &Making<'_>, work: &Work) -> Result<(), EngineError> {
    let why = |what: &str| {
        let revision = making.stored.meta.revision;
        Why::engine("revision", format!("revision {revision} of the plan {what} the epic"))
    };
    match work {
        Work::Rewrite(room, epic) => {
            let Some(epic) = making.plan.epic(epic) else { return Ok(()) };
            crate::recovery::recover(room, making.left, making.kill_grace())?;
            let (roles, machine) = crate::rooms::machine(making, epic)?;
            let new = crate::rooms::new_room(
                making,
                epic,
                &roles,
                &machine,
                room.id().clone(),
                "engine",
            )?;
            room::rewrite(room, &new, &why("changes"))?;
        }
        Work::Cancel(room) => {
            crate::recovery::recover(room, making.left, making.kill_grace())?;
            let cancelled =
                ostwin_core::ids::StateName::new(names::CANCELLED).map_err(RoomError::from)?;
            room.locked(|locked| locked.set_state(&cancelled, false, why("removes")))?;
        }
    }
    Ok(())
}

fn known(project: &Project, stored: &StoredPlan) -> Result<Vec<(EpicId, Known)>, EngineError> {
    let mut found = Vec::new();
    for (room, contract) in room::of_plan(project, &stored.meta.plan_id)? {
        if contract.task_ref.is_plan_review() {
            continue;
        }
        let Contract { task_ref, epic_sha256, .. } = contract;
        let standing = room.standing()?;
        let untouched = room.last_attempt()?.is_none();
        let progress = match (standing.is_terminal(), untouched) {
            (false, true) if standing.state == standing.machine.initial_state => Progress::Fresh,
            (true, true) if standing.state.as_str() == names::CANCELLED => Progress::Withdrawn,
            (true, _) => Progress::Ended,
            (false, _) => Progress::Underway,
        };
        let state = standing.state.to_string();
        found.push((task_ref, Known { room, epic_sha256, progress, state }));
    }
    Ok(found)
}
