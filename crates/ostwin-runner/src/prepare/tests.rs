use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ostwin_core::artifacts::Artifacts;
use ostwin_core::config::{Layer, Settings};
use ostwin_core::fs;
use ostwin_core::ids::{ArtifactPath, EpicId, PlanId, RoleRef, RoomId, RunId};
use ostwin_core::ledger::{self, Kind, Ledger};
use ostwin_core::lifecycle::{
    Cause, GenerateOptions, ReviewRestart, StateKind, TriageMode, generate,
};
use ostwin_core::plan::{Criterion, Entry, Epic};
use ostwin_core::project::Project;
use ostwin_core::room::{
    self, Attempt, Contract, Ended, NewAttempt, NewRoom, Outcome, PostRequest, Room, Speaker, Why,
    brief, tasks,
};
use ostwin_core::store::{Durability, Store};
use ostwin_core::time::Timestamp;
use ostwin_testkit::{FakeClock, TestProject};
use serde_json::{Value, json};

use super::*;
use crate::agents::Programs;
use crate::mcp;
use crate::prompt::Text;

mod skills;

/// A project with programs of its own, and rooms of one plan.
struct World {
    files: TestProject,
    project: Project,
    host: Host,
    settings: Settings,
}

impl World {
    fn new() -> Self {
        Self::with(&json!({ "default_agent": "rehearsal" }))
    }

    fn with(settings: &Value) -> Self {
        let files = TestProject::new().unwrap();
        let clock = Arc::new(FakeClock::default());
        let store = Store { durability: Durability::Os, clock, ..Store::default() };
        let project = Project::new(files.layout().clone(), store);
        let own = mcp::OWN.map(|name| format!("ostwin-mcp-{name}"));
        for name in ["ostwin", "ostwin-rehearsal"].into_iter().chain(own.iter().map(String::as_str))
        {
            let path = files.write(&format!("bin/{name}"), "").unwrap();
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
            std::fs::set_permissions(path, mode).unwrap();
        }
        let host = Host {
            programs: Programs { own: vec![files.root().join("bin")], path: Vec::new() },
            environment: [("PATH", "/bin"), ("HOME", "/home/me"), ("SECRET", "hidden")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .to_vec(),
            home: Some(files.home()),
            config_dir: Some(files.home().join(".config/ostwin")),
            ..Host::default()
        };
        let file = ostwin_core::config::Source::file(
            ostwin_core::config::SourceKind::Project,
            "config.json",
        );
        let layer = Layer::from_values(&file, settings.as_object().unwrap()).unwrap();
        let settings = Settings::merge([layer]).unwrap();
        Self { files, project, host, settings }
    }

    fn room(&self, number: u32, title: &str, depends_on: &[&str], roles: &[&str]) -> Room {
        let mut epic = Epic::new(EpicId::new(&format!("EPIC-{number:03}")).unwrap(), Entry::Epic);
        epic.title = title.to_owned();
        epic.objective = Some(format!("{title} that works."));
        epic.depends_on = depends_on.iter().map(|id| id.parse().unwrap()).collect();
        let criterion = |id: &str, text: &str| Criterion {
            id: id.to_owned(),
            text: text.to_owned(),
            checked: false,
        };
        epic.acceptance_criteria = vec![criterion("AC-1", "It answers"), criterion("AC-2", "Fast")];
        let roles: Vec<RoleRef> = roles.iter().map(|role| role.parse().unwrap()).collect();
        let contract = Contract::of_epic(
            &epic,
            &PlanId::new("shop-000001").unwrap(),
            RoomId::numbered(number),
            &roles,
            self.files.root().to_owned(),
            Timestamp::from_millis(0),
        )
        .unwrap();
        let options = GenerateOptions {
            default_role: "engineer".parse().unwrap(),
            review_role: None,
            skip_review: false,
            review_restart: ReviewRestart::Stage,
            triage: TriageMode::Person,
            max_retries: 3,
            max_triages: 1,
        };
        let machine = generate(&roles, &options).unwrap().normalise();
        let new = NewRoom {
            brief: brief(&epic, &contract),
            tasks: tasks(&epic),
            contract,
            machine,
            actor: "engine".to_owned(),
        };
        let room = room::create(&self.project, new).unwrap();
        signal(&room, "ready");
        room
    }

    fn occasion<R>(&self, room: &Room, role: &str, ask: impl FnOnce(&Occasion<'_>) -> R) -> R {
        ask(&Occasion {
            room,
            contract: &room.contract().unwrap(),
            role: &role.parse().unwrap(),
            capabilities: &[],
            settings: &self.settings,
            host: &self.host,
        })
    }

    fn prepare(&self, room: &Room, attempt: &Attempt) -> Result<PreparedSession, String> {
        let plan = PlanFacts {
            title: Some("Shop".to_owned()),
            goal: Some(Text::new("Sell things.", "`PLAN.md`")),
        };
        self.occasion(room, &attempt.record.role.to_string(), |occasion| {
            let settled = settle(occasion)?;
            prepare_session(occasion, &settled, &AttemptFacts::from(attempt), &plan)
        })
        .map_err(|error| self.relative(&error.to_string()))
    }

    fn relative(&self, text: &str) -> String {
        text.replace(&self.files.root().display().to_string(), "PROJECT")
    }

    /// One section of a prompt, without its heading.
    fn section(&self, session: &PreparedSession, heading: &str) -> Option<String> {
        let text = self.relative(&session.prompt.text);
        let start = text.find(&format!("# {heading}\n\n"))? + heading.len() + 4;
        let end = text[start..].find("\n# ").map_or(text.len(), |end| start + end);
        Some(text[start..end].trim().to_owned())
    }
}

fn signal(room: &Room, name: &str) {
    let why = Why::engine("test", "test");
    room.locked(|locked| locked.signal(&name.parse().unwrap(), why)).unwrap();
}

fn open(room: &Room, role: &str) -> Attempt {
    let new = NewAttempt {
        role: role.parse().unwrap(),
        agent: "rehearsal".to_owned(),
        model: None,
        rehearsed: true,
        run_id: RunId::generate(Timestamp::from_millis(1), 1),
        timeout: Duration::from_secs(900),
        provenance: Value::Null,
    };
    room.locked(|locked| locked.open_attempt(new)).unwrap()
}

fn close(room: &Room, attempt: &Attempt, outcome: Outcome) {
    let mut ended = Ended::with(outcome, "the engine was stopped");
    ended.agent_session = Some("session-7".to_owned());
    room.locked(|locked| locked.close_attempt(&attempt.record.id, ended)).unwrap();
}

fn say(room: &Room, attempt: &Attempt, kind: &str, body: &str, data: Value) {
    let speaker =
        Speaker { role: attempt.record.role.clone(), attempt: Some(attempt.record.id.clone()) };
    let request = PostRequest {
        to: "engine".parse().unwrap(),
        kind: kind.parse().unwrap(),
        reference: None,
        body: body.to_owned(),
        data: Some(data),
    };
    room::post(room, &speaker, request).unwrap();
}

/// Posts the signal of an open attempt, closes it and moves the room.
fn finish(room: &Room, attempt: &Attempt, kind: &str, body: &str, data: Value) {
    say(room, attempt, kind, body, data);
    let closed = room
        .locked(|locked| {
            locked.close_attempt(&attempt.record.id, Ended::with(Outcome::NoSignal, ""))
        })
        .unwrap();
    let signal = closed.signal.unwrap();
    let why = Why {
        cause: Cause::Message(signal.message.id.clone()),
        attempt: Some(attempt.record.id.clone()),
        actor: "engine".to_owned(),
        reason: "test".to_owned(),
    };
    room.locked(|locked| locked.signal(&signal.name, why)).unwrap();
}

fn verdict(met: bool) -> Value {
    json!({ "criteria": [
        { "id": "AC-1", "met": true, "evidence": "ran it" },
        { "id": "AC-2", "met": met, "evidence": "took 3 s" },
    ] })
}

#[test]
fn a_session_says_what_to_start_and_what_to_write() {
    let world = World::new();
    let room = world.room(1, "Cart", &[], &["engineer", "qa"]);
    let attempt = open(&room, "engineer");
    let session = world.prepare(&room, &attempt).unwrap();
    let bin = world.files.root().join("bin");
    assert_eq!(session.argv, [bin.join("ostwin-rehearsal").display().to_string()]);
    assert_eq!(session.cwd, world.files.root());
    assert_eq!((session.warnings.as_slice(), &session.resume), ([].as_slice(), &None));
    let env: Vec<(&str, String)> =
        session.env.iter().map(|(name, value)| (name.as_str(), world.relative(value))).collect();
    let tmp = world.relative(&attempt.paths.tmp().display().to_string());
    let expected = [
        ("HOME", "/home/me".to_owned()),
        ("OSTWIN_ATTEMPT", attempt.record.id.to_string()),
        ("OSTWIN_ROLE", "engineer".to_owned()),
        ("PATH", "/bin".to_owned()),
        ("TMPDIR", tmp),
    ];
    assert_eq!(env, expected);
    let servers: Vec<(&str, PathBuf)> =
        session.mcp_servers().iter().map(|s| (s.name.as_str(), s.command.clone())).collect();
    let own = ["warroom", "memory", "skills"];
    assert_eq!(servers, own.map(|name| (name, bin.join(format!("ostwin-mcp-{name}")))));

    session.write(world.project.store()).unwrap();
    assert!(attempt.paths.tmp().is_dir());
    let prompt = fs::read(&attempt.paths.prompt(), 1 << 20).unwrap();
    assert_eq!(prompt, session.prompt.text.as_bytes());
    let record: Value =
        serde_json::from_slice(&fs::read(&attempt.paths.mcp(), 1 << 20).unwrap()).unwrap();
    assert_eq!(record, session.servers.record);

    assert_eq!(
        world.section(&session, "The task").unwrap(),
        "## EPIC-001: Cart\n\n### Objective\n\nCart that works."
    );
    assert_eq!(
        world.section(&session, "Acceptance Criteria").unwrap(),
        "- **AC-1**: It answers\n- **AC-2**: Fast"
    );
    assert_eq!(world.section(&session, "What the plan is for").unwrap(), "Sell things.");
    assert_eq!(world.section(&session, "What others left for this task"), None);
    let identity = session.prompt.sections.first().unwrap();
    assert_eq!(identity.source, "`built in/engineer/ROLE.md`");
}

#[test]
fn a_repair_starts_from_the_findings_and_its_review_checks_them_again() {
    let world = World::new();
    let room = world.room(1, "Cart", &[], &["engineer", "qa"]);
    finish(&room, &open(&room, "engineer"), "done", "It is there.", json!({"artifacts": ["a.md"]}));

    let review = open(&room, "qa");
    let session = world.prepare(&room, &review).unwrap();
    assert_eq!(
        world.section(&session, "The message that this session answers").unwrap(),
        format!(
            "`done` from `engineer`, message #1 of {}:\n\nIt is there.\n\nArtifacts: `a.md`",
            room.channel().latest(|_| true).unwrap().unwrap().ts
        )
    );
    assert_eq!(world.section(&session, "Open findings of the last review"), None);
    finish(&room, &review, "fail", "Too slow: `time` says 3 s.", verdict(false));

    let fix = open(&room, "engineer");
    let session = world.prepare(&room, &fix).unwrap();
    let message = world.section(&session, "The message that this session answers").unwrap();
    assert!(message.starts_with("`fix` from `engine`, message #3"), "{message}");
    assert!(message.contains("Too slow: `time` says 3 s."), "{message}");
    let unmet = "- **AC-2** (Fast) is not met: took 3 s";
    assert_eq!(world.section(&session, "Open findings of the last review").unwrap(), unmet);
    finish(&room, &fix, "done", "Fast now.", json!({}));

    let session = world.prepare(&room, &open(&room, "qa")).unwrap();
    assert_eq!(
        world.section(&session, "Open findings of the last review").unwrap(),
        format!(
            "Each of these is checked again, the same way.\n\n{unmet}\n\nFrom `qa`, message \
             #2:\n\nToo slow: `time` says 3 s."
        )
    );
    assert_eq!(
        world.section(&session, "The room's latest messages").unwrap(),
        "- #1 `done` from `engineer` to `engine`: It is there.\n- #2 `fail` from `qa` to \
         `engine`: Too slow: `time` says 3 s.\n- #3 `fix` from `engine` to `engineer`: Too slow: \
         `time` says 3 s. Not met: - **AC-2** took 3 s"
    );
}

#[test]
fn an_epic_is_told_what_its_dependencies_left() {
    let world = World::new();
    let first = world.room(1, "Catalogue", &[], &["engineer", "qa"]);
    let attempt = open(&first, "engineer");
    let artifacts = Artifacts::new(first.paths().artifacts());
    let report = ArtifactPath::new("report.md").unwrap();
    artifacts.write(world.project.store(), &report, &[b'x'; 2_000]).unwrap();
    finish(&first, &attempt, "done", "Long.", json!({"summary": "Products are in a file."}));
    finish(&first, &open(&first, "qa"), "pass", "Good.", verdict(true));
    let ledger = Ledger::new(world.project.layout().ledger());
    let publish = |room: u32, kind, summary: &str, supersedes| {
        let draft = ledger::Draft {
            kind,
            room_id: Some(RoomId::numbered(room)),
            plan_id: None,
            author_role: "engineer".parse().unwrap(),
            reference: None,
            tags: Vec::new(),
            summary: summary.to_owned(),
            detail: None,
            supersedes,
            key: None,
        };
        ledger.publish(world.project.store(), draft).unwrap().id
    };
    let old = publish(1, Kind::Interface, "load() reads XML", None);
    let new = publish(1, Kind::Interface, "load() reads JSON", Some(old));
    let other = publish(9, Kind::Decision, "A cart counts in cents", None);
    publish(9, Kind::Decision, "An unrelated remark", None);
    publish(2, Kind::Decision, "Cart: what this room said itself", None);

    let second = world.room(2, "Cart", &["PLAN-REVIEW", "EPIC-001"], &["engineer", "qa"]);
    let session = world.prepare(&second, &open(&second, "engineer")).unwrap();
    assert_eq!(
        world.section(&session, "What others left for this task").unwrap(),
        format!(
            "### EPIC-001: Catalogue (`room-001`, passed)\n\nProducts are in a file.\n\n\
             Artifacts, in `PROJECT/.agents/war-rooms/room-001/artifacts`:\n\n- `report.md`, 2 \
             KiB\n\n- interface: load() reads JSON (`{new}`, engineer)\n\n### What else the \
             shared memory knows\n\n- decision: A cart counts in cents (`{other}`, engineer)"
        )
    );
}

#[test]
fn an_interrupted_attempt_is_gone_on_with() {
    let world = World::new();
    let room = world.room(1, "Cart", &[], &["engineer", "qa"]);
    let first = open(&room, "engineer");
    let call = json!({"v": 1, "ts": "2026-01-31T08:15:30.250Z", "server": "warroom", "tool":
        "report_progress", "arguments": {"percent": 40, "message": "routes\nanswer"}, "outcome":
        "ok", "duration_ms": 1});
    fs::replace_hint(&first.paths.tools(), format!("{call}\nnot json\n").as_bytes()).unwrap();
    let did = json!({"v": 1, "ts": "2026-01-31T08:15:30.250Z", "type": "tool_call", "id": "1",
        "title": "edit src/cart.rs", "kind": "edit", "input": null});
    fs::replace_hint(&first.paths.transcript(), format!("{did}\n").as_bytes()).unwrap();
    close(&room, &first, Outcome::Interrupted);

    let session = world.prepare(&room, &open(&room, "engineer")).unwrap();
    assert_eq!(session.resume.as_deref(), Some("session-7"));
    let told = world.section(&session, "Go on from here").unwrap();
    assert!(told.starts_with("An earlier session did part of this work and was cut off"), "{told}");
    assert!(
        told.ends_with(
            "- Attempt 1: interrupted: the engine was stopped\n- Last progress: 40 %: routes \
             answer\n- What it did, oldest first:\n  - edit src/cart.rs"
        ),
        "{told}"
    );
}

#[test]
fn a_session_without_servers_posts_by_the_command_line() {
    let mut world = World::with(&json!({
        "default_agent": "rehearsal",
        "roles": { "engineer": { "no_mcp": true, "env_allow": ["SECRET"] } },
        "agents": { "rehearsal": { "home": "session" } },
    }));
    world.host.programs.path.clear();
    let room = world.room(1, "Cart", &[], &["engineer", "qa"]);
    let attempt = open(&room, "engineer");
    let session = world.prepare(&room, &attempt).unwrap();
    assert_eq!(session.mcp_servers(), []);
    let value = |name: &str| session.env.get(name).map(|value| world.relative(value));
    assert_eq!(value("OSTWIN_BIN").as_deref(), Some("PROJECT/bin/ostwin"));
    assert_eq!(value("OSTWIN_ROOM").as_deref(), Some("room-001"));
    assert_eq!(value("OSTWIN_PROJECT").as_deref(), Some("PROJECT"));
    assert_eq!(value("SECRET").as_deref(), Some("hidden"));
    assert_eq!(value("HOME"), Some(world.relative(&attempt.paths.home().display().to_string())));
    assert!(session.prompt.text.contains("`\"$OSTWIN_BIN\" room post --type TYPE`"));
    session.write(world.project.store()).unwrap();
    assert!(attempt.paths.home().is_dir());
}

#[test]
fn servers_of_the_room_replace_those_of_the_project() {
    let world = World::new();
    let room = world.room(1, "Cart", &[], &["engineer", "qa"]);
    let write = |path: PathBuf, text: &str| {
        fs::create_dirs(path.parent().unwrap()).unwrap();
        fs::replace_hint(&path, text.as_bytes()).unwrap();
    };
    let layout = world.project.layout();
    let user = ostwin_core::layout::user_mcp(world.host.config_dir.as_ref().unwrap());
    write(user, r#"{"mcp":{"a":{"command":["user-a"]},"b":{"command":["user-b"]}}}"#);
    write(layout.mcp_config(), r#"{"mcp":{"a":{"command":["project-a","${SECRET}"]}}}"#);
    write(room.paths().mcp(), r#"{"mcp":{"b":null},"mcpServers":{"c":{"url":"http://c","x":1}}}"#);
    let session = world.prepare(&room, &open(&room, "engineer")).unwrap();
    let found: Vec<(&str, &[String])> = session
        .mcp_servers()
        .iter()
        .skip(3)
        .map(|s| (s.name.as_str(), s.args.as_slice()))
        .collect();
    assert_eq!(found, [("a", ["hidden".to_owned()].as_slice())]);
    assert!(!session.servers.record.to_string().contains("hidden"));
    assert!(!format!("{session:?}").contains("hidden"));
    let warnings: Vec<String> = session.warnings.iter().map(|text| world.relative(text)).collect();
    assert_eq!(
        warnings,
        ["PROJECT/.agents/war-rooms/room-001/mcp.json: MCP server `c`: field `x` is unknown"]
    );
    let remote: Vec<&str> = session.servers.remote.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(remote, ["c"]);
    assert!(session.prompt.text.contains("Further servers of this session: `a`."));
}

#[test]
fn what_is_missing_is_named_before_anything_starts() {
    let mut world = World::with(&json!({ "default_agent": "goose" }));
    let room = world.room(1, "Cart", &[], &["engineer", "qa"]);
    let attempt = open(&room, "engineer");
    assert_eq!(
        world.prepare(&room, &attempt).unwrap_err(),
        "agent `goose`: the program `goose` is neither on PATH nor beside this executable; \
         install it (see https://block.github.io/goose), or set `agents.goose.command`"
    );
    world.host.programs = Programs::default();
    assert_eq!(
        world.prepare(&room, &attempt).unwrap_err(),
        "`ostwin-mcp-warroom` is neither beside this executable nor on PATH; build it (`cargo \
         build --bin ostwin-mcp-warroom`), or name its folder in OSTWIN_BIN_DIR"
    );
    let mut contract = room.contract().unwrap();
    contract.working_dir = PathBuf::from("nowhere");
    fs::replace_json_hint(&room.paths().config(), &contract).unwrap();
    assert_eq!(
        world.prepare(&room, &attempt).unwrap_err(),
        "the working directory `PROJECT/nowhere` of room `room-001` does not exist; make it, or \
         mend `working_dir` in the plan"
    );
}

#[test]
fn a_made_role_is_kept_and_its_origin_recorded() {
    let world = World::new();
    let room = world.room(1, "Map", &[], &["map-maker", "qa"]);
    let attempt = open(&room, "map-maker");
    let settled = world.occasion(&room, "map-maker", settle).unwrap();
    let provenance = settled.provenance().unwrap();
    assert_eq!(provenance["role"]["tier"], "dynamic");
    assert_eq!(
        provenance["settings"]["agent"],
        json!({"value": "rehearsal", "source": {"kind": "project", "place": "config.json"}})
    );
    let session = world.prepare(&room, &attempt).unwrap();
    assert_eq!(session.warnings.len(), 1);
    session.write(world.project.store()).unwrap();
    let kept = world.occasion(&room, "map-maker", settle).unwrap();
    assert_eq!(kept.role.tier, crate::roles::RoleTier::Project);
    assert_eq!(kept.role.prompt, settled.role.prompt);
}

#[test]
fn a_prompt_can_be_looked_at_without_an_attempt() {
    let world = World::new();
    let room = world.room(1, "Cart", &[], &["engineer", "qa"]);
    let standing = room.standing().unwrap();
    assert_eq!(standing.kind(), StateKind::Work);
    let role: RoleRef = "engineer".parse().unwrap();
    let preview = AttemptFacts::preview(&room, &role, &standing.state).unwrap();
    let prepared = world
        .occasion(&room, "engineer", |occasion| {
            let settled = settle(occasion)?;
            prepare_session(occasion, &settled, &preview, &PlanFacts::default())
        })
        .unwrap();
    let ids: Vec<&str> = prepared.prompt.sections.iter().map(|section| section.id).collect();
    let expected =
        ["identity", "rules", "task", "acceptance_criteria", "skills", "tools", "verdict_contract"];
    assert_eq!(ids, expected);
    assert_eq!(room.last_attempt().unwrap(), None);
}
