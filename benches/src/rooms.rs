//! Rooms as an engine makes them, without an engine.

use std::time::Duration;

use anyhow::{Context, Result};
use ostwin_core::ids::{PlanId, RoleRef, RoomId, RunId};
use ostwin_core::lifecycle::{GenerateOptions, ReviewRestart, TriageMode, generate};
use ostwin_core::plan::Epic;
use ostwin_core::project::Project;
use ostwin_core::room::{self, Attempt, Contract, NewAttempt, NewRoom, Room, Why};
use ostwin_core::time::Timestamp;
use serde_json::Value;

/// Makes the room of an epic, with a worker and a reviewer.
pub(crate) fn make(core: &Project, epic: &Epic, plan: &PlanId, id: RoomId) -> Result<Room> {
    let roles: [RoleRef; 2] = ["engineer".parse()?, "qa".parse()?];
    let now = core.store().now();
    let contract = Contract::of_epic(epic, plan, id, &roles, "/".into(), now)
        .context("the epic of a benchmark becomes a contract")?;
    let options = GenerateOptions {
        default_role: roles[0].clone(),
        review_role: None,
        skip_review: false,
        review_restart: ReviewRestart::Stage,
        triage: TriageMode::Person,
        max_retries: 3,
        max_triages: 1,
    };
    let new = NewRoom {
        brief: room::brief(epic, &contract),
        tasks: room::tasks(epic),
        contract,
        machine: generate(&roles, &options)?,
        actor: "bench".to_owned(),
    };
    Ok(room::create(core, new)?)
}

/// Lets the room's work begin.
pub(crate) fn begin(room: &Room) -> Result<Attempt> {
    let (ready, why) = ("ready".parse()?, Why::engine("bench", "it is due"));
    room.locked(|room| room.signal(&ready, why))?;
    let attempt = NewAttempt {
        role: "engineer".parse()?,
        agent: "bench".to_owned(),
        model: None,
        rehearsed: false,
        run_id: RunId::generate(Timestamp::from_millis(1), 1),
        timeout: Duration::from_secs(3600),
        provenance: Value::Null,
    };
    Ok(room.locked(|room| room.open_attempt(attempt))?)
}
