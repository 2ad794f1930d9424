//! Reading what the figures of a project are computed from.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::time::Duration;

use super::load::{BoardError, load, with_causes};
use super::stats::{Figures, Stats};
use crate::channel::Message;
use crate::config::Config;
use crate::ids::{PlanId, RoomId};
use crate::jsonl;
use crate::ledger::Entry;
use crate::lifecycle::AuditLine;
use crate::plans::{self, StoredPlan};
use crate::project::Project;
use crate::room::{Room, RoomError};

/// The figures of the project, or of one plan of it, of the last `window`. Channels and the ledger
/// are read from their ends, as far as the window reaches. What cannot be read is listed in the
/// answer and ends nothing.
///
/// # Errors
/// There is no such plan, or its record cannot be read.
pub fn survey(
    project: &Project,
    config: &Config,
    plan: Option<&PlanId>,
    window: Duration,
) -> Result<Stats, BoardError> {
    let now = project.store().now();
    let mut surveyor =
        Surveyor { project, config, plan, figures: Figures::new(now.minus(window), now) };
    surveyor.run()?;
    Ok(surveyor.figures.finish())
}

struct Surveyor<'a> {
    project: &'a Project,
    config: &'a Config,
    /// The one plan that is meant.
    plan: Option<&'a PlanId>,
    figures: Figures,
}

impl Surveyor<'_> {
    fn run(&mut self) -> Result<(), BoardError> {
        let shown = self.plans()?;
        self.rooms(&shown);
        self.memories();
        Ok(())
    }

    /// Counts the plans; the rooms that their boards show.
    fn plans(&mut self) -> Result<HashSet<RoomId>, BoardError> {
        let plans: Vec<StoredPlan> = match self.plan {
            Some(plan) => vec![plans::open(self.project, plan)?],
            None => {
                let found = plans::survey(self.project)?;
                for (plan, error) in found.unreadable {
                    self.unreadable(&format!("plan {plan}"), &error);
                }
                found.plans
            }
        };
        let mut shown = HashSet::new();
        for plan in plans {
            match load(self.project, &plan, self.config) {
                Ok(board) => {
                    self.figures.board(&board);
                    shown.extend(board.rows.into_iter().filter_map(|row| row.room));
                }
                Err(error) => self.unreadable(&format!("plan {}", plan.meta.plan_id), &error),
            }
        }
        Ok(shown)
    }

    fn rooms(&mut self, shown: &HashSet<RoomId>) {
        let rooms = match Room::list(self.project) {
            Ok(rooms) => rooms,
            Err(error) => return self.unreadable("rooms", &error),
        };
        for room in rooms {
            if !shown.contains(room.id()) && !self.stray(&room) {
                continue;
            }
            if let Err(error) = self.transitions(&room) {
                self.unreadable(room.id().as_str(), &error);
            }
            if let Err(error) = self.attempts(&room) {
                self.unreadable(room.id().as_str(), &error);
            }
            let counted = jsonl::scan_back::<Message>(room.channel().path(), |_, message| {
                go_on(self.figures.message(&message))
            });
            match counted {
                Ok(scanned) => self.figures.skipped(scanned.skipped),
                Err(error) => self.unreadable(room.id().as_str(), &error),
            }
        }
    }

    /// Counts a room that no board shows; whether it is one that is meant.
    fn stray(&mut self, room: &Room) -> bool {
        match (room.contract(), self.plan) {
            (Ok(contract), Some(plan)) if contract.plan_id != *plan => return false,
            // Nobody knows whose it is.
            (Err(_), Some(_)) => return false,
            (Err(error), None) => self.unreadable(room.id().as_str(), &error),
            (Ok(_), _) => {}
        }
        let standing = room.standing();
        self.figures.stray_room(standing.as_ref().ok().map(|standing| &standing.state));
        true
    }

    fn transitions(&mut self, room: &Room) -> Result<(), RoomError> {
        let machine = room.machine()?;
        let (audit, scanned) = jsonl::read_all::<AuditLine>(&room.paths().audit())?;
        self.figures.skipped(scanned.skipped);
        self.figures.transitions(&machine, &audit);
        Ok(())
    }

    fn attempts(&mut self, room: &Room) -> Result<(), RoomError> {
        for attempt in room.each_attempt()? {
            match attempt {
                Ok(attempt) => self.figures.attempt(&attempt.record),
                Err(error) => self.unreadable(room.id().as_str(), &error),
            }
        }
        Ok(())
    }

    fn memories(&mut self) {
        let plan = self.plan;
        let counted = jsonl::scan_back::<Entry>(&self.project.layout().ledger(), |_, entry| {
            if plan.is_some_and(|plan| entry.plan_id.as_ref() != Some(plan)) {
                return ControlFlow::Continue(());
            }
            go_on(self.figures.memory(&entry))
        });
        match counted {
            Ok(scanned) => self.figures.skipped(scanned.skipped),
            Err(error) => self.unreadable("ledger", &error),
        }
    }

    fn unreadable(&mut self, what: &str, error: &dyn std::error::Error) {
        self.figures.unreadable(what, &with_causes(error));
    }
}

fn go_on(more: bool) -> ControlFlow<()> {
    if more { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
}
