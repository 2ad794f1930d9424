//! A project of the earlier program comes in: what is taken, what is not, and that it can be
//! repeated.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ostwin_core::ids::RoomId;
use ostwin_core::ledger::{Ledger, Query};
use ostwin_core::room::Room;
use ostwin_testkit::Finished;
use serde_json::{Value, json};

use crate::field::{Field, messages};

const PLAN: &str = "\
# Plan: Lamp

> Created: 2026-03-01T10:00:00Z
> Status: active

## Goal

A lamp that can be switched.

## Epics

### EPIC-001 - Switch

Roles: engineer, qa
Objective: A switch that works.

#### Definition of Done
- [ ] The switch works

#### Acceptance Criteria
- [ ] On is on

depends_on: []

### EPIC-002 - Dimmer

Roles: engineer, qa
Objective: A dimmer.

#### Definition of Done
- [ ] It dims

depends_on: [\"EPIC-001\"]

### EPIC-003 - Manual

Roles: engineer, qa
Objective: Say how it is used.

depends_on: [\"EPIC-002\"]
";

/// A project as the earlier program left it, with what its writers did besides.
struct Earlier {
    dir: tempfile::TempDir,
}

impl Earlier {
    fn new() -> Self {
        let earlier = Self { dir: tempfile::tempdir().unwrap() };
        earlier.put(".agents/plans/a1b2c3d4e5f6.md", PLAN);
        earlier.put(".agents/plans/a1b2c3d4e5f6.refined.md", PLAN);
        earlier.put(
            ".agents/plans/broken.md",
            "# Plan: Broken\n\n## EPIC-009 - A\n\ndepends_on: [\"EPIC-010\"]\n",
        );
        earlier.put(".agents/config.json", r#"{"manager":{"max_concurrent_rooms":50}}"#);
        earlier.room("room-000", "PLAN-REVIEW", "passed", "");
        earlier.room(
            "room-001",
            "EPIC-001",
            "passed",
            concat!(
                "\u{feff}",
                r#"{"v":1,"id":"manager-task-1-7","ts":"2026-03-01T10:00:01Z","from":"manager","to":"engineer","type":"task","ref":"EPIC-001","body":"Make the switch"}"#,
                "\nnot a line of it\n",
                r#"{"v":1,"id":"engineer-done-2-8","ts":"2026-03-01T11:00:00Z","from":"engineer","to":"qa","type":"done","ref":"EPIC-001","body":"It works."}"#,
                "\n",
                r#"{"v":1,"id":"qa-x-3-9","ts":"2026-03-01T12:00:00Z","from":"qa","to":"manager","type":"design-review","ref":"EPIC-001","body":"Well designed."}"#,
                "\n",
                r#"{"v":1,"id":"qa-y-4-9","from":"qa","to":"manager","type":"pass","ref":"EPIC-001","body":"No time on it."}"#,
                "\n{\"v\":1,\"id\":\"cut",
            ),
        );
        earlier.put(".war-rooms/room-001/artifacts/docs/switch.md", "# Switch");
        earlier.put(".war-rooms/room-001/contexts/qa.md", "scratch");
        earlier.put(".war-rooms/room-001/TASKS.md", "# Tasks\n\n- [x] TASK-001 - Wire it\n");
        earlier.put(".war-rooms/room-001/engineer_001.json", "{}");
        earlier.room("room-002", "EPIC-002", "qa-review", "");
        earlier.put(".war-rooms/room-002/retries", "2");
        earlier.room("room-007", "EPIC-042", "pending", "");
        earlier.put(
            ".agents/memory/ledger.jsonl",
            &[
                r#"{"id":"mem-dec-1","ts":"2026-03-01T10:30:00Z","kind":"decision","room_id":"room-001","author_role":"engineer","ref":"EPIC-001","tags":["power"],"summary":"12 volts"}"#,
                "garbage",
                r#"{"id":"mem-dec-2","ts":"2026-03-01T10:40:00Z","kind":"decision","room_id":"room-001","author_role":"engineer","ref":"EPIC-001","tags":["power"],"summary":"24 volts","detail":"12 are too few","supersedes":"mem-dec-1"}"#,
                r#"{"id":"mem-gos-3","ts":"2026-03-01T10:50:00Z","kind":"gossip","room_id":"room-001","author_role":"qa","summary":"no such kind"}"#,
            ]
            .join("\n"),
        );
        let settings = r#"{"name":"electrician","description":"Wires things","capabilities":["wiring"],"prompt_file":"ROLE.md","quality_gates":["lint-clean"],"skill_refs":["wiring-lamps","absent"],"model":"some/model","timeout":600,"cli":"agent"}"#;
        earlier.put(".agents/roles/electrician/role.json", settings);
        earlier.put(".agents/roles/electrician/ROLE.md", "# Electrician\n\nYou wire things.\n");
        earlier.put(".agents/roles/ghost/role.json", "{");
        let skill = |name: &str| {
            format!(
                "---\nname: {name}\ndescription: How to do {name}, step by step.\n---\n\n# {name}\n"
            )
        };
        earlier.put(".agents/skills/global/wiring-lamps/SKILL.md", &skill("wiring-lamps"));
        let own = ".agents/skills/roles/electrician/measuring/SKILL.md";
        earlier.put(own, &skill("measuring"));
        earlier.put(".agents/skills/global/no-skill/SKILL.md", "nothing that it says of itself");
        let servers = json!({ "mcp": {
            "channel": {"type": "local", "command": ["{env:OSTWIN_PYTHON}", "{env:AGENT_DIR}/mcp/channel-server.py"]},
            "database": {"type": "local", "command": ["db-mcp", "--read-only"], "environment": {"DB": "{env:DB}"}},
        }});
        earlier.put(".agents/mcp/config.json", &servers.to_string());
        earlier
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn put(&self, path: &str, text: &str) {
        let path = self.path().join(path);
        ostwin_core::fs::create_dirs(path.parent().unwrap()).unwrap();
        ostwin_core::fs::replace_hint(&path, text.as_bytes()).unwrap();
    }

    fn room(&self, name: &str, epic: &str, status: &str, channel: &str) {
        let config = json!({
            "room_id": name, "task_ref": epic, "plan_id": "a1b2c3d4e5f6",
            "working_dir": self.path(), "status": {"current": "pending", "retries": 0},
        });
        let dir = format!(".war-rooms/{name}");
        self.put(&format!("{dir}/config.json"), &format!("\u{feff}{config:#}"));
        self.put(&format!("{dir}/status"), status);
        self.put(&format!("{dir}/task-ref"), epic);
        self.put(&format!("{dir}/channel.jsonl"), channel);
        self.put(&format!("{dir}/brief.md"), "# Brief\n");
    }

    /// Every file with its content.
    fn content(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        content(self.path())
    }
}

fn content(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(content(&path));
        } else if path.extension().is_none_or(|extension| extension != "lock") {
            found.insert(path.clone(), std::fs::read(&path).unwrap());
        }
    }
    found
}

fn import(field: &Field, earlier: &Earlier, further: &[&str]) -> Finished {
    let dir = earlier.path().to_str().unwrap();
    field.expect(&[&["import", dir, "--json"], further].concat(), 0)
}

/// What became of each item, and why, without what differs from run to run.
fn outcomes(finished: &Finished) -> Vec<(String, String, String, Vec<String>)> {
    let report: Value = serde_json::from_str(&finished.stdout).unwrap();
    let text = |item: &Value, key: &str| item[key].as_str().unwrap().to_owned();
    let items = report["items"].as_array().unwrap();
    items
        .iter()
        .map(|item| {
            let source = text(item, "source");
            let source = source.rsplit('/').next().unwrap().to_owned();
            let notes = item["notes"].as_array().unwrap();
            let notes = notes.iter().map(|note| note.as_str().unwrap().to_owned()).collect();
            (text(item, "what"), source, text(item, "outcome"), notes)
        })
        .collect()
}

fn short(outcomes: &[(String, String, String, Vec<String>)]) -> Vec<String> {
    outcomes
        .iter()
        .map(|(what, source, outcome, _)| format!("{what} {source}: {outcome}"))
        .collect()
}

#[test]
fn what_the_earlier_program_left_comes_in_once_and_what_cannot_is_named() {
    let (field, earlier) = (Field::built_in(), Earlier::new());
    let before = earlier.content();
    let untouched = content(field.project.root());

    let dry = outcomes(&import(&field, &earlier, &["--dry-run"]));
    assert_eq!(content(field.project.root()), untouched, "a dry run writes nothing");

    let done = outcomes(&import(&field, &earlier, &[]));
    let expected = [
        "plan a1b2c3d4e5f6.md: imported",
        "plan broken.md: not_mapped",
        "room room-000: not_mapped",
        "room room-001: imported",
        "room room-002: imported",
        "room room-007: not_mapped",
        "memory shared memory: imported",
        "skill no-skill: not_mapped",
        "skill wiring-lamps: imported",
        "role electrician: imported",
        "role ghost: not_mapped",
        "skill measuring: imported",
        "server channel: not_mapped",
        "server database: imported",
        "file a1b2c3d4e5f6.refined.md: not_mapped",
        "file config.json: not_mapped",
    ];
    assert_eq!(short(&done), expected);
    let would: Vec<String> =
        expected.iter().map(|line| line.replace(": imported", ": would")).collect();
    // The skill of a role that is not here yet cannot be tried.
    let tried: Vec<String> = short(&dry);
    let differ: Vec<&String> = tried.iter().filter(|line| !would.contains(line)).collect();
    assert_eq!(differ, ["skill measuring: not_mapped"]);

    let notes = |source: &str| -> &[String] {
        &done.iter().find(|(_, found, ..)| found == source).unwrap().3
    };
    assert_eq!(
        notes("room-001"),
        ["message in line 5: it has no time", "no message: 2 lines (2, 6)", "not taken: contexts",]
    );
    assert_eq!(
        notes("room-002"),
        ["2 retries before are not counted", "`qa-review`: it is reviewed"]
    );
    assert!(notes("room-007")[0].contains("no EPIC-042 any more"), "{:?}", notes("room-007"));
    assert_eq!(
        notes("shared memory"),
        ["entry in line 4: there is no kind `gossip`", "no entry: line 2"]
    );
    assert!(notes("electrician").iter().any(|note| note.contains("`some/model` is not taken")));
    assert!(notes("electrician").iter().any(|note| note.contains("`absent` is not here")));
    assert!(
        notes("database")[0].contains("variable `DB`, which is not set"),
        "{:?}",
        notes("database")
    );

    what_is_here_now(&field, &earlier);

    let again = outcomes(&import(&field, &earlier, &[]));
    let there: Vec<String> =
        expected.iter().map(|line| line.replace(": imported", ": there")).collect();
    assert_eq!(short(&again), there);
    assert_eq!(field.plans().len(), 1);
    assert_eq!(messages(&field.room(1)).len(), 3);
    assert_eq!(earlier.content(), before, "the earlier project is as it was");
}

fn what_is_here_now(field: &Field, earlier: &Earlier) {
    let plan = &field.plans()[0];
    assert_eq!(plan.meta.title, "Lamp");
    let states = field.states(&plan.meta.plan_id);
    let expected = [("EPIC-001", "passed"), ("EPIC-002", "review")];
    assert_eq!(states, expected.map(|(epic, state)| (epic.to_owned(), state.to_owned())).into());

    let room = Room::open(&field.core(), &RoomId::numbered(1)).unwrap();
    let told = messages(&room);
    let told: Vec<(&str, String, &str, &Value)> = told
        .iter()
        .map(|message| {
            let data = message.data.as_ref().unwrap();
            (message.kind.as_str(), message.ts.to_string(), message.body.as_str(), data)
        })
        .collect();
    assert_eq!(
        told,
        [
            (
                "task",
                "2026-03-01T10:00:01.000Z".to_owned(),
                "Make the switch",
                &json!({"imported": {"id": "manager-task-1-7"}})
            ),
            (
                "done",
                "2026-03-01T11:00:00.000Z".to_owned(),
                "It works.",
                &json!({"imported": {"id": "engineer-done-2-8"}})
            ),
            (
                "note",
                "2026-03-01T12:00:00.000Z".to_owned(),
                "Well designed.",
                &json!({"imported": {"id": "qa-x-3-9", "type": "design-review"}})
            ),
        ]
    );
    let artifact = room.paths().artifacts().join("docs/switch.md");
    assert_eq!(std::fs::read_to_string(artifact).unwrap(), "# Switch");
    let tasks = std::fs::read_to_string(room.paths().tasks()).unwrap();
    assert!(tasks.contains("[x] TASK-001"), "{tasks}");
    assert_eq!(room.contract().unwrap().working_dir, earlier.path());
    let reason = room.standing().unwrap().replay.last_reason;
    assert!(reason.starts_with("imported: it was `passed` in "), "{reason}");

    let ledger = Ledger::new(field.project.layout().ledger());
    let found = ledger.query(&Query::default(), 9).unwrap().entries;
    let live: Vec<(&str, Option<&RoomId>)> =
        found.iter().map(|entry| (entry.summary.as_str(), entry.room_id.as_ref())).collect();
    assert_eq!(live, [("24 volts", Some(&RoomId::numbered(1)))]);

    let role = field.expect(&["resolve", "role", "--role", "electrician", "--json"], 0);
    assert!(role.stdout.contains("Wires things"), "{}", role.stdout);
    let servers = field.expect(&["mcp", "list", "--json"], 0);
    assert!(servers.stdout.contains("db-mcp"), "{}", servers.stdout);
}

#[test]
fn what_was_begun_goes_on_here() {
    let (field, earlier) = (Field::built_in(), Earlier::new());
    // Its server wants a variable that is not set, without which no session is started.
    earlier.put(".agents/mcp/config.json", "{}");
    import(&field, &earlier, &[]);
    let plan = field.plans()[0].meta.plan_id.clone();
    field.expect(&["run", plan.as_str(), "--no-wait"], 0);
    let states: Vec<String> = field.states(&plan).into_values().collect();
    assert_eq!(states, ["passed", "passed", "passed"]);
    assert!(field.room(1).attempts().unwrap().is_empty(), "what had passed is not done again");
    let roles: Vec<String> = field
        .room(2)
        .attempts()
        .unwrap()
        .iter()
        .map(|attempt| attempt.record.role.to_string())
        .collect();
    assert_eq!(roles.first().map(String::as_str), Some("qa"), "what was in review is reviewed");
}

#[test]
fn a_folder_that_is_no_such_project_is_refused() {
    let field = Field::built_in();
    let empty = tempfile::tempdir().unwrap();
    let refused = field.expect(&["import", empty.path().to_str().unwrap()], 2);
    assert!(
        refused.stderr.contains("holds no project of the earlier OSTwin"),
        "{}",
        refused.stderr
    );
    let refused = field.expect(&["import", "."], 2);
    assert!(refused.stderr.contains("is this very project"), "{}", refused.stderr);
    field.expect(&["import", "no-such-folder"], 2);
}
