//! A plan of three epics with their rooms, made as an engine makes them, and what happens there.

use std::collections::BTreeMap;
use std::time::Duration;

use ostwin_core::dag::{self, BuildOptions};
use ostwin_core::fs;
use ostwin_core::ids::{RoleRef, RoomId, RunId};
use ostwin_core::lifecycle::{GenerateOptions, ReviewRestart, TriageMode, generate};
use ostwin_core::plan::{ParseOptions, parse};
use ostwin_core::plans::{self, StoredPlan};
use ostwin_core::project::Project;
use ostwin_core::room::{
    self, Attempt, Contract, Ended, NewAttempt, NewRoom, Outcome, PostRequest, Room, Speaker,
    Usage, Why,
};
use ostwin_core::store::{Durability, Store};
use ostwin_core::time::Timestamp;
use ostwin_testkit::TestProject;
use serde_json::{Value, json};

use super::client::Client;

pub(super) const DASHBOARD: &str = "ostwin-mcp-dashboard";

const PLAN: &str = "# Plan: Shop\n\n## EPIC-001: Cart\nRoles: engineer, qa\n\n\
    ### Acceptance Criteria\n- [ ] A cart holds items\n- [ ] Totals are in cents\n\n\
    ## EPIC-002: Payment\ndepends_on: [EPIC-001]\nRoles: engineer, qa\n\n\
    ## EPIC-003: Mail\nRoles: engineer, qa\n";

/// A project with plans and rooms.
pub(super) struct Shop {
    pub(super) project: TestProject,
    core: Project,
    pub(super) plan: StoredPlan,
    pub(super) rooms: Vec<Room>,
}

impl Shop {
    pub(super) fn new() -> Self {
        let project = TestProject::new().unwrap();
        let store = Store { durability: Durability::Os, ..Store::default() };
        let core = Project::new(project.layout().clone(), store);
        let (plan, rooms) = plan_with_rooms(&core, 1);
        Self { project, core, plan, rooms }
    }

    /// Adds another plan of this kind, with rooms of its own.
    pub(super) fn another(&self) -> (StoredPlan, Vec<Room>) {
        let next = Room::list(&self.core).unwrap().len() + 1;
        plan_with_rooms(&self.core, u32::try_from(next).unwrap())
    }

    /// Room `number`, counted from 1.
    pub(super) fn room(&self, number: usize) -> &Room {
        &self.rooms[number - 1]
    }

    /// Moves a room by these signals.
    pub(super) fn moved(&self, number: usize, signals: &[&str]) {
        for signal in signals {
            let why = Why::engine("test", format!("{signal}, as the test wants it"));
            let moved =
                |room: &mut room::LockedRoom<'_>| room.signal(&signal.parse().unwrap(), why);
            self.room(number).locked(moved).unwrap();
        }
    }

    /// Opens an attempt in a room.
    pub(super) fn open(&self, number: usize, role: &str) -> Attempt {
        let new = NewAttempt {
            role: role.parse().unwrap(),
            agent: "lines".to_owned(),
            model: Some("small".to_owned()),
            rehearsed: false,
            run_id: RunId::generate(Timestamp::from_millis(1), 1),
            timeout: Duration::from_secs(900),
            provenance: Value::Null,
        };
        self.room(number).locked(|room| room.open_attempt(new)).unwrap()
    }

    /// Closes the open attempt of a room, which used some tokens.
    pub(super) fn close(&self, number: usize, outcome: Outcome) {
        let usage = Usage { input_tokens: 100, output_tokens: 20, ..Usage::default() };
        let ended = Ended {
            usage: Some(usage),
            cost_usd: Some(0.5),
            ..Ended::with(outcome, "as the test wants it")
        };
        let open = self.room(number).open_attempt().unwrap().unwrap();
        self.room(number).locked(|room| room.close_attempt(&open.record.id, ended)).unwrap();
    }

    /// A message of a person in a room.
    pub(super) fn note(&self, number: usize, body: &str) {
        let speaker = Speaker { role: "human".parse().unwrap(), attempt: None };
        let request = PostRequest {
            to: "engineer".parse().unwrap(),
            kind: "note".parse().unwrap(),
            reference: None,
            body: body.to_owned(),
            data: None,
        };
        room::post(self.room(number), &speaker, request).unwrap();
    }

    /// A server for a person's own client.
    pub(super) fn person(&self, server: &str) -> Client {
        Client::greeted(&self.project, server, &[])
    }

    /// A server for an attempt in a room.
    pub(super) fn seat(&self, server: &str, number: usize, attempt: &Attempt) -> Client {
        let (room, role) = (self.room(number).id(), attempt.record.role.to_string());
        let args = ["--room", room.as_str(), "--role", &role];
        let identity = ["--attempt", attempt.record.id.as_str()];
        Client::greeted(&self.project, server, &[&args[..], &identity[..]].concat())
    }
}

fn plan_with_rooms(core: &Project, first: u32) -> (StoredPlan, Vec<Room>) {
    let source = core.layout().root().join(format!("PLAN-{first}.md"));
    let stored = plans::import(core, &source, PLAN.as_bytes(), "Shop", false).unwrap();
    let plan = parse(PLAN, &ParseOptions::default()).plan;
    let id = &stored.meta.plan_id;
    let options = GenerateOptions {
        default_role: "engineer".parse().unwrap(),
        review_role: None,
        skip_review: false,
        review_restart: ReviewRestart::Stage,
        triage: TriageMode::Person,
        max_retries: 3,
        max_triages: 1,
    };
    let mut rooms = Vec::new();
    let mut places = BTreeMap::new();
    for (number, epic) in (first..).zip(&plan.epics) {
        let roles: Vec<RoleRef> = epic.roles.clone();
        let room_id = RoomId::numbered(number);
        let dir = core.layout().root().to_owned();
        let at = Timestamp::from_millis(0);
        let contract = Contract::of_epic(epic, id, room_id.clone(), &roles, dir, at).unwrap();
        places.insert(epic.id.clone(), room_id);
        let new = NewRoom {
            brief: room::brief(epic, &contract),
            tasks: room::tasks(epic),
            contract,
            machine: generate(&roles, &options).unwrap(),
            actor: "engine".to_owned(),
        };
        rooms.push(room::create(core, new).unwrap());
    }
    let made =
        BuildOptions::new(id.clone(), stored.meta.source_sha256.clone(), Timestamp::from_millis(0));
    let dag = dag::build(&plan, &made).unwrap().with_rooms(&places).unwrap();
    fs::replace_json(&stored.paths.dag(), &dag, Durability::Os).unwrap();
    (stored, rooms)
}

/// The texts of one field in a list.
pub(super) fn each<'a>(list: &'a Value, field: &str) -> Vec<&'a str> {
    let items = list.as_array().unwrap_or_else(|| panic!("no list: {list}"));
    items.iter().map(|item| item[field].as_str().unwrap_or_default()).collect()
}

/// Walks a list to its end by its cursor, a page of `limit` at a time.
pub(super) fn walk(client: &mut Client, tool: &str, field: &str, limit: usize) -> Vec<Value> {
    let mut arguments = json!({ "limit": limit });
    let mut seen = Vec::new();
    loop {
        let page = client.ok(tool, &arguments);
        let items = page[field].as_array().unwrap();
        assert!(items.len() <= limit, "{page}");
        seen.extend(items.iter().cloned());
        if page["next_cursor"].is_null() {
            return seen;
        }
        arguments["cursor"] = page["next_cursor"].clone();
    }
}
