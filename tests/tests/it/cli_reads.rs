//! The commands that look: logs, attempts, graphs, what a session would get, settings.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use ostwin_testkit::{Finished, Process, TestProject};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::field::{Field, HELLO, PATIENCE, messages, one_epic};

/// A finished run in which the first review is rejected and its finding fixed.
fn rejected_once() -> Field {
    let script = json!({ "v": 1, "rules": [{
        "when": { "role": ["qa"] },
        "verdict": { "fail_first": 1, "unmet": ["AC-1"] },
    }] });
    let field = Field::new(&script, &json!({}));
    field.plan("PLAN.md", &one_epic("- priority: high"));
    field.expect(&["run", "PLAN.md", "--no-wait"], 0);
    field
}

fn value(finished: &Finished) -> Value {
    serde_json::from_str(&finished.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", finished.stdout))
}

fn lines(finished: &Finished) -> Vec<Value> {
    finished.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn logs_tell_the_rejection_and_its_fix() {
    let field = rejected_once();
    let posted = messages(&field.room(1));
    let kinds: Vec<&str> = posted.iter().map(|message| message.kind.as_str()).collect();
    assert_eq!(kinds, ["done", "fail", "fix", "done", "pass"]);

    let shown = field.expect(&["logs", "--json"], 0);
    let expected: Vec<Value> = posted
        .iter()
        .map(|message| {
            let mut line = serde_json::to_value(message).unwrap();
            line["room"] = json!("room-001");
            line
        })
        .collect();
    assert_eq!(lines(&shown), expected);

    let text = field.expect(&["logs"], 0).stdout;
    for line in ["room-001 #2 qa → engine  fail", "room-001 #5 qa → engine  pass", "unmet "] {
        assert!(text.contains(line), "{line:?} in {text}");
    }
    assert!(!text.contains('\u{1b}'), "no colours into a pipe: {text}");
    let coloured = field.expect(&["logs", "--color", "always"], 0).stdout;
    assert!(coloured.contains('\u{1b}'), "{coloured}");

    let fails = lines(&field.expect(&["logs", "--json", "--type", "fail"], 0));
    assert_eq!(fails, [expected[1].clone()]);
    let last = lines(&field.expect(&["logs", "room-001", "--json", "--from", "qa", "-n", "1"], 0));
    assert_eq!(last, [expected[4].clone()]);
    let none = field.expect(&["logs", "--type", "escalate"], 0);
    assert_eq!((none.stdout.as_str(), none.stderr.as_str()), ("", "no message\n"));
    let plan = field.plans()[0].meta.plan_id.to_string();
    assert_eq!(lines(&field.expect(&["logs", "--json", "--plan", &plan], 0)), expected);
}

#[test]
fn what_does_not_exist_is_named_and_exits_with_2() {
    let field = rejected_once();
    let asked: [(&[&str], &str); 8] = [
        (&["logs", "room-009"], "room-009"),
        (&["logs", "--plan", "no-plan-123456"], "no-plan-123456"),
        (&["attempt", "show", "room-009"], "room-009"),
        (&["attempt", "show", "room-001", "9"], "there are: 1, 2, 3, 4"),
        (&["dag", "show", "NO.md"], "NO.md"),
        (&["resolve", "role", "--role", "engineer", "--room", "room-009"], "room-009"),
        (&["resolve", "prompt", "--room", "room-001", "--role", "architect"], "engineer in"),
        (&["config", "get", "max_retrys"], "did you mean `max_retries`?"),
    ];
    for (args, named) in asked {
        let refused = field.expect(args, 2);
        assert!(refused.stderr.contains(named), "{args:?}: {}", refused.stderr);
        assert_eq!(refused.stdout, "", "{args:?}");
    }
}

#[test]
fn logs_follow_rooms_that_come_later_until_nobody_reads() {
    let field = rejected_once();
    let mut command = field.ostwin(&["logs", "--follow", "--json", "-n", "1"]);
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut followed = Process::spawn(&mut command).unwrap();
    let mut shown = BufReader::new(followed.child().stdout.take().unwrap()).lines();
    let mut next = || -> Value { serde_json::from_str(&shown.next().unwrap().unwrap()).unwrap() };
    // Once the newest of the past is shown, everything later has to come as an event.
    assert_eq!(next()["room"], json!("room-001"));

    field.plan("NEXT.md", &one_epic(""));
    field.expect(&["run", "NEXT.md", "--no-wait"], 0);
    let posted = messages(&field.room(2));
    assert!(posted.len() > 1, "{posted:?}");
    for message in &posted {
        let told = next();
        let place = (told["room"].clone(), told["id"].clone());
        assert_eq!(place, (json!("room-002"), json!(message.id)));
    }
    // The reader goes away, and so does the command, without another message.
    drop(shown);
    assert_eq!(followed.wait(PATIENCE).unwrap().code(), Some(0));
}

#[test]
fn ctrl_c_ends_following_with_130() {
    let field = rejected_once();
    let mut command = field.ostwin(&["logs", "-f", "-n", "1", "--json"]);
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut followed = Process::spawn(&mut command).unwrap();
    let mut shown = BufReader::new(followed.child().stdout.take().unwrap()).lines();
    let first: Value = serde_json::from_str(&shown.next().unwrap().unwrap()).unwrap();
    assert_eq!(first["type"], json!("pass"));
    followed.signal(Signal::INT).unwrap();
    assert_eq!(followed.wait(PATIENCE).unwrap().code(), Some(130));
}

#[test]
fn an_attempt_shows_who_worked_and_what_was_done() {
    let field = rejected_once();
    let last = field.expect(&["attempt", "show", "room-001"], 0).stdout;
    let record = field.room(1).last_attempt().unwrap().unwrap().record;
    for line in ["4 in review", "rehearsal (rehearsed)", "pass after", record.id.as_str()] {
        assert!(last.contains(line), "{line:?} in {last}");
    }
    assert!(last.contains("the session ended: signalled"), "{last}");

    let second = value(&field.expect(&["attempt", "show", "room-001", "2", "--json"], 0));
    assert_eq!(second["attempt"]["outcome"], json!("fail"));
    let types: Vec<&str> = second["transcript"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|e| e["type"].as_str())
        .collect();
    assert_eq!((types.first(), types.last()), (Some(&"session"), Some(&"end")));

    let told = field.expect(&["attempt", "show", "room-001", "1", "--prompt"], 0).stdout;
    let prompt =
        std::fs::read_to_string(field.room(1).attempts().unwrap()[0].paths.prompt()).unwrap();
    assert_eq!(told, prompt);
}

#[test]
fn a_graph_is_shown_in_every_format_and_built_only_before_the_run() {
    let field = Field::built_in();
    field.plan("PLAN.md", HELLO);
    let first = "EPIC-001\nEPIC-003\n";
    let ids = |finished: Finished| -> String {
        let ids = finished.stdout.lines().filter_map(|line| line.split_whitespace().next());
        ids.map(|id| format!("{id}\n")).collect()
    };
    assert_eq!(ids(field.expect(&["dag", "next-wave", "PLAN.md"], 0)), first);
    assert_eq!(
        ids(field.expect(&["dag", "next-wave", "PLAN.md", "--slots", "1"], 0)),
        "EPIC-001\n"
    );
    let refused = field.expect(&["dag", "build", "PLAN.md"], 2).stderr;
    assert!(refused.contains("--stdout"), "{refused}");
    let planned = value(&field.expect(&["dag", "build", "PLAN.md", "--stdout"], 0));
    assert_eq!(planned["stage"], json!("planning"));
    assert_eq!(planned["waves"], json!([["EPIC-001", "EPIC-003"], ["EPIC-002"]]));

    field.expect(&["run", "PLAN.md", "--no-wait"], 0);
    let solid = value(&field.expect(&["dag", "show", "--format", "json"], 0));
    assert_eq!((&solid["stage"], &solid["waves"]), (&json!("solid"), &planned["waves"]));
    assert_eq!(value(&field.expect(&["dag", "show", "--json"], 0)), solid);
    for (format, drawn) in [("text", "wave 1"), ("dot", "digraph"), ("mermaid", "graph LR")] {
        let shown = field.expect(&["dag", "show", "PLAN.md", "--format", format], 0).stdout;
        assert!(shown.contains(drawn) && shown.contains("EPIC-002"), "{format}: {shown}");
    }
    let next = value(&field.expect(&["dag", "next-wave", "--json"], 0));
    assert_eq!(next["next"], json!([]));
    let plan = field.plans()[0].meta.plan_id.to_string();
    field.expect(&["dag", "build", &plan], 2);
}

#[test]
fn resolving_gives_each_value_its_source() {
    let field = rejected_once();
    let role = value(&field.expect(&["resolve", "role", "--role", "qa", "--json"], 0));
    assert_eq!(role["role"]["tier"], json!("shipped"));
    let source = |value: &Value| value["source"]["kind"].clone();
    assert_eq!(role["settings"]["agent"]["value"], json!("rehearsal"));
    assert_eq!(source(&role["settings"]["agent"]), json!("project"));
    assert_eq!(source(&role["settings"]["max_retries"]), json!("shipped"));

    let prompt = |args: &[&str]| {
        let args = [&["resolve", "prompt", "--room", "room-001", "--json"], args].concat();
        value(&field.expect(&args, 0))
    };
    let worker = prompt(&[]);
    assert_eq!((&worker["role"], &worker["state"]), (&json!("engineer"), &json!("developing")));
    let reviewer = prompt(&["--role", "qa"]);
    assert_eq!(reviewer["state"], json!("review"));
    let bytes = reviewer["text"].as_str().unwrap().len();
    assert_eq!(reviewer["bytes"], json!(bytes));
    let sections = reviewer["sections"].as_array().unwrap();
    assert_eq!(sections.last().unwrap()["id"], json!("verdict_contract"));
    let text = ["resolve", "prompt", "--room", "room-001", "--role", "qa", "--text"];
    assert_eq!(json!(field.expect(&text, 0).stdout), reviewer["text"]);
}

#[test]
fn what_the_plan_sets_counts_for_its_rooms() {
    let field = Field::built_in();
    let plan =
        one_epic("").replace("# Plan: One\n", "# Plan: One\n\n## Config\n\n- max_retries: 7\n");
    field.plan("PLAN.md", &plan);
    field.expect(&["run", "PLAN.md", "--no-wait"], 0);
    let ask = ["resolve", "role", "--role", "engineer", "--room", "room-001", "--json"];
    let settled = value(&field.expect(&ask, 0));
    let retries = &settled["settings"]["max_retries"];
    assert_eq!((&retries["value"], &retries["source"]["kind"]), (&json!(7), &json!("plan")));
}

#[test]
fn a_setting_is_checked_written_and_found_again() {
    let field = Field::built_in();
    let file = field.project.layout().config();
    let content = || std::fs::read_to_string(&file).unwrap();
    let get = |key: &str| value(&field.expect(&["config", "get", key, "--json"], 0));
    let kind = |key: &str| get(key)["source"]["kind"].clone();
    assert_eq!(
        (get("max_retries")["value"].clone(), kind("max_retries")),
        (json!(3), json!("shipped"))
    );

    field.expect(&["config", "set", "max_retries", "5"], 0);
    assert_eq!(
        (get("max_retries")["value"].clone(), kind("max_retries")),
        (json!(5), json!("project"))
    );
    let shown = field.expect(&["config", "get", "max_retries"], 0);
    assert_eq!(shown.stdout, "5\n");
    assert!(shown.stderr.contains(&file.display().to_string()), "{}", shown.stderr);
    let listed = field.expect(&["config", "list"], 0).stdout;
    assert!(listed.contains("max_retries") && !listed.contains("lock_timeout_ms"), "{listed}");

    let before = content();
    for (args, said) in [
        (["config", "set", "max_retrys", "5"], "max_retries"),
        (["config", "set", "max_retries", "often"], "a whole number"),
    ] {
        let refused = field.expect(&args, 2).stderr;
        assert!(refused.contains(said), "{args:?}: {refused}");
        assert_eq!(content(), before, "{args:?}");
    }

    let unfit = field.expect(&["config", "set", "default_agent", "opencod"], 2).stderr;
    assert!(unfit.contains("nothing was written") && unfit.contains("opencode"), "{unfit}");
    assert_eq!(content(), before);
    ostwin_core::fs::replace_hint(
        &file,
        before.replace("\"rehearsal\",", "\"opencod\",").as_bytes(),
    )
    .unwrap();
    let mending = field.expect(&["config", "set", "max_retries", "5"], 0).stderr;
    assert!(mending.contains("wrong otherwise"), "{mending}");
    ostwin_core::fs::replace_hint(&file, before.as_bytes()).unwrap();

    let mut overruled = field.ostwin(&["config", "set", "max_retries", "6"]);
    overruled.env("OSTWIN_MAX_RETRIES", "2");
    let overruled = Process::finish(&mut overruled, PATIENCE).unwrap();
    assert_eq!(overruled.status.code(), Some(0));
    assert!(overruled.stderr.contains("OSTWIN_MAX_RETRIES overrules it"), "{}", overruled.stderr);

    field.expect(&["config", "set", "--unset", "max_retries"], 0);
    assert_eq!(
        (get("max_retries")["value"].clone(), kind("max_retries")),
        (json!(3), json!("shipped"))
    );
    let keys = value(&field.expect(&["config", "list", "--keys", "--json"], 0));
    assert!(keys.as_array().unwrap().iter().any(|doc| doc["key"] == json!("max_retries")));
    field.expect(&["config", "set", "--user", "default_model", "small"], 0);
    assert_eq!(kind("default_model"), json!("user"));
}

#[test]
fn the_generated_files_are_current_and_a_stale_one_is_named() {
    let field = Field::built_in();
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let root = root.to_str().unwrap();
    let checked = field.expect(&["__gen", "--check", "--root", root], 0);
    assert_eq!(checked.stdout, "");

    let empty = TestProject::empty().unwrap();
    let other = empty.root().to_str().unwrap();
    let stale = field.expect(&["__gen", "--check", "--root", other], 1).stdout;
    assert!(stale.contains("schemas/config.schema.json: is not current"), "{stale}");
    field.expect(&["__gen", "--root", other], 0);
    field.expect(&["__gen", "--check", "--root", other], 0);
    field.expect(&["__gen", "--check"], 2);
}
