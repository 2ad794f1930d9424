//! A project with one room at work, and the place of a session in it.

use std::time::Duration;

use anyhow::{Context, Result};
use ostwin_core::ids::{AttemptId, PlanId, RoleRef, RoomId, RunId};
use ostwin_core::layout::Layout;
use ostwin_core::lifecycle::{GenerateOptions, ReviewRestart, TriageMode, generate};
use ostwin_core::plan::{self, ParseOptions};
use ostwin_core::project::{self, Project};
use ostwin_core::room::{self, Contract, NewAttempt, NewRoom, Room, Why};
use ostwin_core::store::{Durability, Store};
use ostwin_core::time::Timestamp;
use serde_json::{Value, json};

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
        let room = room::create(&core, new_room()?)?;
        let ready = Why::engine("bench", "it is due");
        let signal = "ready".parse()?;
        room.locked(|room| room.signal(&signal, ready))?;
        let attempt = NewAttempt {
            role: "engineer".parse()?,
            agent: "bench".to_owned(),
            model: None,
            rehearsed: false,
            run_id: RunId::generate(Timestamp::from_millis(1), 1),
            timeout: Duration::from_secs(3600),
            provenance: Value::Null,
        };
        let attempt = room.locked(|room| room.open_attempt(attempt))?;
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

fn new_room() -> Result<NewRoom> {
    let roles: [RoleRef; 2] = ["engineer".parse()?, "qa".parse()?];
    let plan = plan::parse(PLAN, &ParseOptions::default()).plan;
    let epic = plan.epics.first().context("the plan of the benchmark has an epic")?;
    let contract = Contract::of_epic(
        epic,
        &PlanId::new("bench-000001")?,
        RoomId::numbered(1),
        &roles,
        "/".into(),
        Timestamp::from_millis(0),
    )
    .context("the epic of the benchmark becomes a contract")?;
    let options = GenerateOptions {
        default_role: roles[0].clone(),
        review_role: None,
        skip_review: false,
        review_restart: ReviewRestart::Stage,
        triage: TriageMode::Person,
        max_retries: 3,
        max_triages: 1,
    };
    Ok(NewRoom {
        brief: room::brief(epic, &contract),
        tasks: room::tasks(epic),
        contract,
        machine: generate(&roles, &options)?,
        actor: "bench".to_owned(),
    })
}
