use std::path::{Path, PathBuf};

use serde_json::json;

use super::*;
use crate::ids::{PlanId, RoomId};
use crate::ledger::Kind;
use crate::lifecycle::{GenerateOptions, Machine, ReviewRestart, TriageMode, generate};
use crate::roles::InstanceType;

fn machine(triage: TriageMode) -> Machine {
    let options = GenerateOptions {
        default_role: "engineer".parse().unwrap(),
        review_role: None,
        skip_review: false,
        review_restart: ReviewRestart::Stage,
        triage,
        max_retries: 3,
        max_triages: 1,
    };
    let roles = ["engineer".parse().unwrap(), "qa".parse().unwrap()];
    generate(&roles, &options).unwrap()
}

#[test]
fn every_state_has_a_nearest_one_and_the_same_name_needs_no_word() {
    let with_manager = machine(TriageMode::Session("manager".parse().unwrap()));
    let nearest = |status: &str| {
        let (state, note) = nearest_state(&with_manager, status);
        (state.to_string(), note.is_some())
    };
    for (status, state, told) in [
        ("", "pending", false),
        ("pending", "pending", false),
        ("developing", "developing", false),
        ("review", "review", false),
        ("fixing", "fixing", false),
        ("passed", "passed", false),
        ("failed-final", "failed-final", false),
        ("engineering", "developing", true),
        ("optimize", "developing", true),
        ("failed", "developing", true),
        ("qa-review", "review", true),
        ("manager-triage", "triage", true),
        ("subcommand-redesign", "triage", true),
        ("architect-review", "triage", true),
        ("signoff", "escalated", true),
        ("paused", "pending", true),
        ("blocked", "pending", true),
        ("on the moon", "pending", true),
    ] {
        assert_eq!(nearest(status), (state.to_owned(), told), "{status}");
    }
    let (state, _) = nearest_state(&machine(TriageMode::Person), "manager-triage");
    assert_eq!(state.as_str(), "escalated");
}

#[test]
fn a_message_keeps_its_time_and_its_type_where_there_is_one() {
    let value = json!({
        "v": 1, "id": "qa-fail-9", "ts": "2026-03-21T05:33:02Z", "from": "qa", "to": "Big Boss",
        "type": "fail", "ref": "TASK-7", "body": "line 10",
    });
    let taken = message(&value, 100).unwrap();
    assert_eq!(taken.at.to_string(), "2026-03-21T05:33:02.000Z");
    let draft = &taken.draft;
    assert_eq!((draft.kind.as_str(), draft.from.to_string()), ("fail", "qa".to_owned()));
    assert_eq!(draft.to.to_string(), "engine", "a name that is none");
    assert_eq!((&draft.attempt, draft.reference.as_deref()), (&None, Some("TASK-7")));
    assert_eq!(draft.data, Some(json!({"imported": {"id": "qa-fail-9"}})));

    let mut other = value.clone();
    other["type"] = json!("subcommand-redesigned");
    let taken = message(&other, 100).unwrap();
    assert_eq!(taken.draft.kind.as_str(), "note");
    assert_eq!(taken.draft.data.unwrap()["imported"]["type"], "subcommand-redesigned");

    assert_eq!(message(&value, 6).unwrap_err(), "its text has 7 bytes and at most 6 are taken");
    for (key, bad, problem) in [
        ("ts", json!("yesterday"), "`yesterday` is no time"),
        ("ts", json!(7), "it has no time"),
        ("type", json!(null), "it has no type"),
    ] {
        let mut wrong = value.clone();
        wrong[key] = bad;
        assert_eq!(message(&wrong, 100).unwrap_err(), problem);
    }
}

#[test]
fn a_memory_finds_its_room_and_a_long_one_keeps_every_word() {
    let became = || Some((RoomId::numbered(4), PlanId::new("lamp-1").unwrap()));
    let room = |name: &str| (name == "room-001").then(became).flatten();
    let mut value = json!({
        "id": "mem-dec-5", "ts": "2026-04-01T10:00:00Z", "kind": "decision",
        "room_id": "room-001", "author_role": "architect", "ref": "EPIC-001",
        "tags": ["auth", "", 7], "summary": "Use tokens", "supersedes": "mem-dec-1",
    });
    let taken = memory(&value, room).unwrap();
    assert_eq!((taken.id.as_str(), taken.supersedes.as_deref()), ("mem-dec-5", Some("mem-dec-1")));
    assert_eq!(taken.draft.room_id.zip(taken.draft.plan_id), became());
    assert_eq!((taken.draft.kind, taken.draft.tags), (Kind::Decision, vec!["auth".to_owned()]));
    assert_eq!(taken.draft.key.as_deref(), Some("import:mem-dec-5"));

    let long = "é".repeat(3_000);
    value["summary"] = json!(long);
    value["room_id"] = json!("room-009");
    let taken = memory(&value, room).unwrap();
    assert_eq!(taken.draft.room_id, None);
    assert_eq!(taken.draft.summary, format!("{} …", "é".repeat(200)));
    assert_eq!(taken.draft.detail, Some(long));
    value["kind"] = json!("gossip");
    assert_eq!(memory(&value, room).unwrap_err(), "there is no kind `gossip`");
    assert_eq!(memory(&json!({}), room).unwrap_err(), "it has no id");
}

#[test]
fn a_role_keeps_what_it_is_and_says_what_it_lost() {
    let of = |text: &str, prompt: Option<&str>| EarlierRole {
        name: "auditor".to_owned(),
        settings: PathBuf::from("auditor/role.json"),
        text: text.to_owned(),
        prompt: prompt.map(str::to_owned),
    };
    let text = r#"{"description":"Audits","instance_type":"evaluator","timeout":900,
        "model":"a/b","mcp_refs":["web"],"skill_refs":["risk","a b"],"capabilities":["audit"]}"#;
    let mapped = role(&of(text, Some("# Auditor"))).unwrap();
    assert_eq!(mapped.spec.instance_type, InstanceType::Evaluator);
    assert_eq!((mapped.spec.timeout_seconds, &mapped.spec.model), (Some(900), &None));
    assert_eq!(mapped.spec.skill_refs, ["risk".parse().unwrap()]);
    assert_eq!(mapped.notes.len(), 3, "{:?}", mapped.notes);
    assert_eq!(role(&of(text, Some(" \n"))).unwrap_err(), "it has no prompt");
    assert!(role(&of("{", Some("x"))).unwrap_err().starts_with("`auditor/role.json`: "));
}

#[test]
fn a_folder_with_nothing_of_it_is_no_such_project() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(read(dir.path(), None), Err(EarlierError::Nothing { .. })));
    // Rooms of several plans, each in a folder of its plan, and plans kept elsewhere.
    let put = |path: &str, text: &str| {
        let path = dir.path().join(path);
        crate::fs::create_dirs(path.parent().unwrap()).unwrap();
        crate::fs::replace_hint(&path, text.as_bytes()).unwrap();
    };
    put(".war-rooms/lamp/room-001/status", "developing");
    put(".war-rooms/lamp/room-001/task-ref", "EPIC-001\n");
    put(".war-rooms/DAG.json", "{}");
    put("elsewhere/lamp.md", "\u{feff}# Plan: Lamp");
    put("elsewhere/lamp.meta.json", r#"{"plan_id":"known-as"}"#);
    let found = read(dir.path(), Some(&dir.path().join("elsewhere"))).unwrap();
    assert_eq!(found.rooms.len(), 1);
    let room = &found.rooms[0];
    let named = (room.name.as_str(), room.task_ref.as_str(), room.status.as_str());
    assert_eq!(named, ("lamp/room-001", "EPIC-001", "developing"));
    assert_eq!(found.plans[0].text, "# Plan: Lamp");
    let hash = crate::plans::sha256(format!("{}:lamp", dir.path().display()).as_bytes());
    let ids = ["known-as", "lamp", &hash[..12]].map(str::to_owned);
    assert_eq!(found.plans[0].ids, ids.into());
    assert!(Path::new(&found.plans[0].path).ends_with("elsewhere/lamp.md"));
}
