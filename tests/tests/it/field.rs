//! A project on the rehearsal agent, and what its files say after a run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use ostwin_core::channel::{Filter, Message};
use ostwin_core::ids::{PlanId, RoomId};
use ostwin_core::jsonl;
use ostwin_core::lifecycle::{AuditLine, Replay};
use ostwin_core::plans::{self, StoredPlan};
use ostwin_core::project::Project;
use ostwin_core::room::{self, Contract, Room};
use ostwin_core::store::{Durability, Store};
use ostwin_testkit::{Finished, Process, TestProject, bin, wait_until};
use serde_json::{Value, json};

/// Longest time that any run of a test plan may take, on a slow and busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(240);

pub(crate) const HELLO: &str = include_str!("../../../.agents/examples/hello/PLAN.md");
pub(crate) const SHOP: &str = include_str!("../../../.agents/examples/shop/PLAN.md");

pub(crate) struct Field {
    pub(crate) project: TestProject,
}

impl Field {
    /// A project whose agent plays `script` at full speed; `settings` on top of the usual ones.
    /// Plans are not reviewed unless the settings say so: a test of something else would have one
    /// more room in its way.
    pub(crate) fn new(script: &Value, settings: &Value) -> Self {
        let mut config = json!({
            "default_agent": "rehearsal",
            "plan_review": "off",
            "kill_grace_seconds": 1,
            "agents": { "rehearsal": { "env": { "OSTWIN_REHEARSAL_PACE": "0" } } },
        });
        let further = settings.as_object().cloned().unwrap_or_default();
        config.as_object_mut().unwrap().extend(further);
        let project = TestProject::empty().unwrap();
        let script = project.write("rehearsal.json", &script.to_string()).unwrap();
        let env = &mut config["agents"]["rehearsal"]["env"];
        env["OSTWIN_REHEARSAL_SCRIPT"] = json!(script);
        let store = Store { durability: Durability::Os, ..Store::default() };
        let mut all = json!({ "schema_version": 1, "durability": "os" });
        all.as_object_mut().unwrap().extend(config.as_object().unwrap().clone());
        ostwin_core::project::init(project.root(), Some(&project.home()), &all, &store).unwrap();
        Self { project }
    }

    /// A project whose agent plays the built-in script at full speed.
    pub(crate) fn built_in() -> Self {
        Self::new(&json!({ "v": 1 }), &json!({}))
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the program under test is started as a person would"
    )]
    pub(crate) fn ostwin(&self, args: &[&str]) -> Command {
        let mut command = Command::new(bin("ostwin").unwrap());
        command.args(args).current_dir(self.project.root()).env_clear().envs(self.project.env());
        command
    }

    /// Runs a command to its end.
    pub(crate) fn finish(&self, args: &[&str]) -> Finished {
        Process::finish(&mut self.ostwin(args), PATIENCE).unwrap()
    }

    /// Runs a command to its end and checks its exit code.
    pub(crate) fn expect(&self, args: &[&str], code: i32) -> Finished {
        let finished = self.finish(args);
        assert_eq!(
            finished.status.code(),
            Some(code),
            "ostwin {args:?}\n{}\n{}",
            finished.stdout,
            finished.stderr
        );
        finished
    }

    pub(crate) fn spawn(&self, args: &[&str]) -> Process {
        let mut command = self.ostwin(args);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Process::spawn(&mut command).unwrap()
    }

    /// Waits until a session is open in a room.
    pub(crate) fn wait_for_session(&self, number: u32) {
        wait_until("an open session", PATIENCE, || {
            let room = Room::open(&self.core(), &RoomId::numbered(number)).ok()?;
            let attempt = room.open_attempt().ok()??;
            attempt.record.agent_session.map(drop)
        })
        .unwrap();
    }

    pub(crate) fn plan(&self, name: &str, text: &str) -> PathBuf {
        self.project.write(name, text).unwrap()
    }

    pub(crate) fn core(&self) -> Project {
        let store = Store { durability: Durability::Os, ..Store::default() };
        Project::new(self.project.layout().clone(), store)
    }

    pub(crate) fn plans(&self) -> Vec<StoredPlan> {
        plans::list(&self.core()).unwrap()
    }

    pub(crate) fn rooms(&self, plan: &PlanId) -> Vec<(Room, Contract)> {
        room::of_plan(&self.core(), plan).unwrap()
    }

    /// The room of this number, once it is made.
    pub(crate) fn room_if_any(&self, number: u32) -> Option<Room> {
        Room::open(&self.core(), &RoomId::numbered(number)).ok()
    }

    pub(crate) fn room(&self, number: u32) -> Room {
        Room::open(&self.core(), &RoomId::numbered(number)).unwrap()
    }

    /// The state of every epic of a plan, by its audit; the status says the same.
    pub(crate) fn states(&self, plan: &PlanId) -> BTreeMap<String, String> {
        let rooms = self.rooms(plan);
        rooms
            .iter()
            .map(|(room, contract)| {
                let state = room.standing().unwrap().state.to_string();
                let status = std::fs::read_to_string(room.paths().status()).unwrap();
                assert_eq!(status.trim_end(), state, "{}", room.id());
                (contract.task_ref.to_string(), state)
            })
            .collect()
    }

    /// Checks what holds for every room at any time after a run: the audit is whole and follows
    /// from itself, the channel has no gap, no attempt is left open.
    pub(crate) fn check_rooms(&self, plan: &PlanId) {
        for (room, contract) in self.rooms(plan) {
            let machine = room.machine().unwrap();
            let mut replay = Replay::default();
            let mut passes = 0;
            for line in room.audit().unwrap() {
                replay.feed(&machine, &line).unwrap_or_else(|odd| panic!("{}: {odd}", room.id()));
                if let AuditLine::Entry(entry) = &line {
                    passes += usize::from(entry.to.as_str() == "passed");
                }
            }
            // A review passes again with each revision.
            let once = passes <= 1 || contract.task_ref.is_plan_review();
            assert!(once, "{} passed {passes} times", room.id());
            assert_eq!(replay.unapplied(), None, "{}", room.id());
            assert_eq!(room.open_attempt().unwrap(), None, "{}", room.id());
            let (messages, scanned) = jsonl::read_all::<Message>(room.channel().path()).unwrap();
            let numbers: Vec<u64> = messages.iter().map(|message| message.seq).collect();
            let expected: Vec<u64> = (1..=numbers.len() as u64).collect();
            assert_eq!(numbers, expected, "{}: a gap in the channel", room.id());
            assert_eq!(scanned.skipped, 0, "{}: a broken line", room.id());
        }
    }

    /// Nothing of this project runs any more.
    pub(crate) fn check_no_process(&self) {
        assert_eq!(self.project.processes(), Vec::<u32>::new(), "processes were left behind");
    }
}

pub(crate) fn messages(room: &Room) -> Vec<Message> {
    room.channel().newest(&Filter::default(), usize::MAX, None).unwrap().messages
}

pub(crate) fn all_passed(states: &BTreeMap<String, String>) -> bool {
    !states.is_empty() && states.values().all(|state| state == "passed")
}

/// A plan of one epic with these lines in it.
pub(crate) fn one_epic(lines: &str) -> String {
    format!(
        "# Plan: One\n\n## EPIC-001: Only\n\n- Roles: engineer, qa\n{lines}\n\
         ### Definition of Done\n\n- [ ] It is there\n\n\
         ### Acceptance Criteria\n\n- [ ] It works\n"
    )
}

pub(crate) fn lines_of(path: &Path) -> Vec<Value> {
    std::fs::read_to_string(path)
        .unwrap_or_default()
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}
