//! A secret of a session, and everything that is recorded of it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use ostwin_testkit::{Process, wait_until};
use serde_json::{Value, json};

use crate::field::{Field, PATIENCE, lines_of, messages};

/// A key with characters that every notation spells in its own way.
const KEY: &str = "p4ss/w?rd \"ä\"+1";
const NAME: &str = "SHOP_API_KEY";

/// How it may be spelled: as it is, in JSON (once, twice, all ASCII), in an address, in a form, in
/// Base64 (by itself, behind `me:`), in hexadecimal digits.
const SPELLINGS: [&str; 9] = [
    KEY,
    r#"p4ss/w?rd \"ä\"+1"#,
    r#"p4ss/w?rd \\\"ä\\\"+1"#,
    r#"p4ss/w?rd \"\u00e4\"+1"#,
    "p4ss%2Fw%3Frd%20%22%C3%A4%22%2B1",
    "p4ss%2fw%3frd+%22%c3%a4%22%2b1",
    "cDRzcy93P3JkICLDpCIrMQ",
    "bWU6cDRzcy93P3JkICLDpCIrMQ",
    "703473732f773f72642022c3a4222b31",
];

/// What the project's own pattern matches.
const MATCH: &str = "tok-20260131";

/// An agent that tells its key in every spelling, wherever it can.
fn telltale(settings: &Value) -> Field {
    let all = format!("{} {MATCH}", SPELLINGS.join(" "));
    let half = KEY.len() / 2;
    let script = json!({ "v": 1, "rules": [{
        "when": { "state_type": ["work"] },
        "before": [
            { "do": "say", "text": all },
            { "do": "think", "text": all },
            { "do": "say", "text": &KEY[..half] },
            { "do": "say", "text": &KEY[half..] },
            { "do": "progress", "percent": 10, "message": all },
            { "do": "remember", "kind": "warning", "summary": all, "tags": [MATCH] },
            { "do": "post", "to": "qa", "type": "note", "body": all },
            // Short enough to be logged as it is.
            { "do": "post", "to": "qa", "type": "note", "body": KEY },
        ],
        "verdict": { "summary": all },
    }] });
    let field = Field::new(&script, &json!({}));
    // The agent's own words come from a file that is no record of the project.
    let script = field.project.root().join("rehearsal.json");
    let aside = field.project.home().join("rehearsal.json");
    ostwin_core::fs::claim(&script, &aside).unwrap();
    let chatter = r#"printf 'the key is %s' "${SHOP_API_KEY%??????}" >&2
        printf '%s and ' "${SHOP_API_KEY#??????????}" >&2
        printf '%s\n' "$SHOP_API_KEY" >&2
        exec ostwin-rehearsal"#;
    let bins = ostwin_testkit::bin("ostwin-rehearsal").unwrap();
    let path = format!("{}:/usr/bin:/bin", bins.parent().unwrap().display());
    let mut config = json!({
        "schema_version": 1, "durability": "os", "default_agent": "rehearsal",
        "plan_review": "off",
        "kill_grace_seconds": 1, "max_retries": 0, "agent_retries": 0, "redact": ["tok-[0-9]+"],
        "agents": { "rehearsal": {
            "command": ["sh", "-c", chatter],
            "env": { "OSTWIN_REHEARSAL_PACE": "0", "OSTWIN_REHEARSAL_SCRIPT": aside, "PATH": path },
            "env_allow": ["SHOP_*"],
        } },
    });
    config.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    field.project.write(".agents/config.json", &config.to_string()).unwrap();
    field
}

fn with_key(mut command: Command) -> Command {
    command.env(NAME, KEY).env("OTHER_TOKEN", "of-nobody-s-business");
    command
}

/// Every file below the project's records, artifacts excepted: those are the deliverable.
fn records(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap().map(Result::unwrap) {
        let kind = entry.file_type().unwrap();
        if kind.is_dir() && entry.file_name() != "artifacts" {
            records(&entry.path(), found);
        } else if kind.is_file() {
            found.push(entry.path());
        }
    }
}

fn spelled_in(bytes: &[u8]) -> Option<&'static str> {
    let holds = |text: &&&str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
    SPELLINGS.iter().find(holds).copied()
}

fn check_records(field: &Field) -> usize {
    let mut files = Vec::new();
    records(field.project.root(), &mut files);
    for file in &files {
        let bytes = std::fs::read(file).unwrap();
        let found = spelled_in(&bytes);
        assert_eq!(found, None, "{} holds the key", file.display());
    }
    files.len()
}

/// The key in the arguments of any process of this machine.
fn in_a_process_list() -> Option<String> {
    let entries = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let mut lines = entries.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    lines.find(|line| spelled_in(line).is_some()).map(|l| String::from_utf8_lossy(&l).into_owned())
}

#[test]
fn a_key_is_in_no_record_of_a_run() {
    let field = telltale(&json!({}));
    field.plan("PLAN.md", &crate::field::one_epic("- Note: the goal\n"));
    let mut command = with_key(field.ostwin(&["run", "PLAN.md", "--detach", "--json"]));
    let started = Process::finish(&mut command, PATIENCE).unwrap();
    assert_eq!(started.status.code(), Some(0), "{}\n{}", started.stdout, started.stderr);
    let plan = field.plans().remove(0);
    wait_until("the end of the run", PATIENCE, || {
        assert_eq!(in_a_process_list(), None);
        (!ostwin_core::control::is_driven(&plan.paths).unwrap()).then_some(())
    })
    .unwrap();
    let room = field.room(1);
    let states = field.states(&plan.meta.plan_id);
    assert!(crate::field::all_passed(&states), "{states:?}");

    assert!(check_records(&field) > 20);
    let marked = |path: &Path| {
        let text = std::fs::read_to_string(path).unwrap();
        text.matches("[redacted:SHOP_API_KEY]").count()
    };
    let attempt = room.attempts().unwrap().remove(0).paths;
    let places = [
        (room.paths().channel(), 9),
        (field.project.layout().ledger(), 9),
        (attempt.transcript(), 19),
        (attempt.tools(), 1),
        (attempt.stderr(), 2),
    ];
    for (path, least) in places {
        assert!(marked(&path) >= least, "{}: {} marks", path.display(), marked(&path));
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(!text.contains(MATCH), "{} holds what the pattern matches", path.display());
    }
    let servers = std::fs::read_to_string(attempt.mcp()).unwrap();
    assert!(servers.contains(r#""OSTWIN_SECRETS": "***""#), "{servers}");
    let note = messages(&room).into_iter().find(|m| m.kind.as_str() == "note").unwrap();
    assert!(note.body.ends_with("[redacted]"), "{}", note.body);

    // What sessions have no part in is not handed to them, and not recorded either.
    let body = field.project.home().join("body.md");
    ostwin_core::fs::replace_hint(&body, format!("{KEY} of-nobody-s-business").as_bytes()).unwrap();
    let args = ["room", "post", "room-001", "--to", "engineer", "--body-file"];
    let mut post = with_key(field.ostwin(&args));
    let posted = Process::finish(post.arg(&body), PATIENCE).unwrap();
    assert_eq!(posted.status.code(), Some(0), "{}", posted.stderr);
    let last = messages(&room).pop().unwrap();
    assert_eq!(last.body, "[redacted:SHOP_API_KEY] [redacted:OTHER_TOKEN]");
    assert_eq!(spelled_in(posted.stdout.as_bytes()), None);
}

#[test]
fn an_error_that_quotes_a_key_is_recorded_without_it() {
    let field = telltale(&json!({}));
    let script = json!({ "v": 1, "rules": [{
        "when": { "state_type": ["work"] },
        "before": [{ "do": "agent_error", "text": format!("401: wrong key {KEY} ({MATCH})") }],
    }] });
    let aside = field.project.home().join("rehearsal.json");
    ostwin_core::fs::replace_hint(&aside, script.to_string().as_bytes()).unwrap();
    field.plan("PLAN.md", &crate::field::one_epic(&format!("- Note: {MATCH}\n\nUse {MATCH}.\n")));
    let mut command = with_key(field.ostwin(&["run", "PLAN.md", "--no-wait"]));
    command.env("RUST_LOG", "debug").stdin(Stdio::null());
    let run = Process::finish(&mut command, Duration::from_secs(120)).unwrap();
    assert_eq!(run.status.code(), Some(4), "{}\n{}", run.stdout, run.stderr);
    assert_eq!(spelled_in(run.stdout.as_bytes()), None, "{}", run.stdout);
    assert_eq!(spelled_in(run.stderr.as_bytes()), None, "{}", run.stderr);
    check_records(&field);
    let attempt = field.room(1).attempts().unwrap().remove(0);
    let reason = attempt.record.reason.unwrap();
    assert!(reason.contains("wrong key [redacted:SHOP_API_KEY] ([redacted])"), "{reason}");
    let end = lines_of(&attempt.paths.transcript()).pop().unwrap();
    assert!(end["detail"].as_str().unwrap().contains("[redacted:SHOP_API_KEY]"), "{end}");
    // The brief is the user's own text; what is recorded of the prompt is not.
    let prompt = std::fs::read_to_string(attempt.paths.prompt()).unwrap();
    assert!(prompt.contains("Use [redacted]."), "{prompt}");
    assert!(!prompt.contains(MATCH));
}

#[test]
fn a_pattern_that_is_none_is_named_before_anything_starts() {
    let field = telltale(&json!({ "redact": ["fine", "sk-(["] }));
    field.plan("PLAN.md", &crate::field::one_epic(""));
    let run = field.finish(&["run", "PLAN.md", "--no-wait"]);
    assert_eq!(run.status.code(), Some(2));
    assert!(
        run.stderr.contains("setting `redact`, pattern 2 (`sk-([`), column 5"),
        "{}",
        run.stderr
    );
    assert!(field.plans().is_empty());
}
