//! A project with one room at work, and the place of a session in it.

use anyhow::{Context, Result};
use ostwin_core::ids::{AttemptId, PlanId, RoomId};
use ostwin_core::layout::Layout;
use ostwin_core::plan::{self, ParseOptions};
use ostwin_core::project::{self, Project};
use ostwin_core::room::Room;
use ostwin_core::store::{Durability, Store};
use serde_json::json;

use crate::rooms;

const PLAN: &str = "# Plan: Bench\n\n## EPIC-001: Work\n\nRoles: engineer, qa\n\nDo it.\n";

/// A project and the open attempt of its only room.
pub(crate) struct Seat {
    dir: tempfile::TempDir,
    room: Room,
    attempt: AttemptId,
}

impl Seat {
    /// A new project whose writes count once the system has them.
    pub(crate) fn new() -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let store = Store { durability: Durability::Os, ..Store::default() };
        let settings = json!({ "schema_version": 1, "durability": "os" });
        project::init(dir.path(), None, &settings, &store)?;
        let core = Project::new(Layout::new(dir.path()), store);
        let plan = plan::parse(PLAN, &ParseOptions::default()).plan;
        let epic = plan.epics.first().context("the plan of the benchmark has an epic")?;
        let room = rooms::make(&core, epic, &PlanId::new("bench-000001")?, RoomId::numbered(1))?;
        let attempt = rooms::begin(&room)?;
        Ok(Self { dir, room, attempt: attempt.record.id })
    }

    /// The files of the project.
    pub(crate) fn layout(&self) -> Layout {
        Layout::new(self.dir.path())
    }

    /// The room.
    pub(crate) fn room(&self) -> &Room {
        &self.room
    }

    /// The arguments that bind a server to the attempt.
    pub(crate) fn binding(&self) -> Vec<String> {
        let project = self.dir.path().display().to_string();
        let [room, attempt] = [self.room.id().to_string(), self.attempt.to_string()];
        [
            ("--project", project),
            ("--room", room),
            ("--role", "engineer".to_owned()),
            ("--attempt", attempt),
        ]
        .into_iter()
        .flat_map(|(name, value)| [name.to_owned(), value])
        .collect()
    }
}
