//! Programs that speak no protocol: a prompt on standard input, an exit code, and an answer by the
//! command line or in the last line.

use std::os::unix::fs::PermissionsExt as _;

use ostwin_core::room::{AttemptRecord, Outcome};
use serde_json::{Value, json};

use crate::field::{Field, all_passed, lines_of, messages, one_epic};

/// A project whose sessions run this shell script.
fn field(script: &str, agent: &Value) -> Field {
    let mut entry = json!({ "protocol": "command", "command": ["/bin/sh", "agent.sh"] });
    entry.as_object_mut().unwrap().extend(agent.as_object().unwrap().clone());
    let settings = json!({
        "default_agent": "script",
        "max_retries": 0,
        "agents": { "script": entry },
    });
    let field = Field::new(&json!({ "v": 1 }), &settings);
    field.project.write("agent.sh", script).unwrap();
    field.plan("PLAN.md", &one_epic(""));
    field
}

fn first_attempt(field: &Field) -> AttemptRecord {
    field.room(1).attempts().unwrap().remove(0).record
}

/// The answers of a worker and a reviewer, by role.
const BY_COMMAND: &str = r#"
prompt=$(cat)
case "$prompt" in *"You are \`$OSTWIN_ROLE\`"*) ;; *) exit 9 ;; esac
test -n "$OSTWIN_PROJECT" && test -n "$OSTWIN_ROOM" && test -n "$OSTWIN_ATTEMPT" || exit 8
echo "working as $OSTWIN_ROLE"
case "$OSTWIN_ROLE" in
engineer) "$OSTWIN_BIN" room post "$OSTWIN_ROOM" --type done --body 'It is there.' ;;
qa) "$OSTWIN_BIN" room post "$OSTWIN_ROOM" --type pass --body 'It works.' --data \
  '{"verdict":"pass","criteria":[{"id":"DOD-1","met":true,"evidence":"seen"},{"id":"AC-1","met":true,"evidence":"run"}]}' ;;
esac
"#;

#[test]
fn a_program_posts_by_the_command_line() {
    let field = field(BY_COMMAND, &json!({}));
    field.expect(&["run", "PLAN.md", "--no-wait"], 0);
    let plan = field.plans().remove(0).meta.plan_id;
    assert!(all_passed(&field.states(&plan)));
    field.check_rooms(&plan);
    field.check_no_process();
    for attempt in field.room(1).attempts().unwrap() {
        assert!(attempt.record.usage.is_none(), "it reports none");
        let lines = lines_of(&attempt.paths.transcript());
        let said = format!("working as {}", attempt.record.role);
        assert!(lines.iter().any(|line| line["text"].as_str().is_some_and(|t| t.contains(&said))));
    }
}

#[test]
fn the_last_line_is_posted_for_it() {
    let script = r#"
cat > /dev/null
echo '{"note":"on the way"}'
case "$OSTWIN_ROLE" in
engineer) echo '{"signal":"done","body":"It is there.","data":{"files":1}}' ;;
qa) echo '{"signal":"pass","body":"It works.","data":{"criteria":[{"id":"DOD-1","met":true,"evidence":"seen"},{"id":"AC-1","met":true,"evidence":"run"}]}}' ;;
esac
"#;
    let field = field(script, &json!({ "output": "jsonl" }));
    field.expect(&["run", "PLAN.md", "--no-wait"], 0);
    let room = field.room(1);
    let posted: Vec<(String, String)> = messages(&room)
        .iter()
        .filter(|message| message.attempt.is_some())
        .map(|message| (message.from.to_string(), message.kind.to_string()))
        .collect();
    let expected = [("engineer", "done"), ("qa", "pass")];
    assert_eq!(posted, expected.map(|(from, kind)| (from.to_owned(), kind.to_owned())));
    let prompt = std::fs::read_to_string(room.attempts().unwrap()[0].paths.prompt()).unwrap();
    assert!(prompt.contains("the last line that you print"), "{prompt}");
}

#[test]
fn an_exit_says_how_it_ended_and_silence_is_asked_once_more() {
    let crashed = field("cat > /dev/null; exit 3", &json!({}));
    crashed.expect(&["run", "PLAN.md", "--no-wait"], 4);
    let attempt = first_attempt(&crashed);
    assert_eq!(attempt.outcome, Some(Outcome::AgentError));
    assert!(attempt.reason.unwrap().contains("exit code 3"));

    let silent = field("cat >> said.txt; echo run >> runs.txt", &json!({}));
    silent.expect(&["run", "PLAN.md", "--no-wait"], 4);
    assert_eq!(first_attempt(&silent).outcome, Some(Outcome::NoSignal));
    let runs = std::fs::read_to_string(silent.project.root().join("runs.txt")).unwrap();
    let of_the_worker = runs.lines().count();
    assert!(of_the_worker >= 2, "the nudge is one further run: {runs}");
    silent.check_no_process();
}

#[test]
fn the_servers_are_in_a_file_that_is_private_and_gone_with_the_session() {
    let script = r#"
cat > /dev/null
stat -c %a "$1" > mode.txt
cp "$1" servers.json
echo "$1" > place.txt
"$OSTWIN_BIN" room post "$OSTWIN_ROOM" --type error --body 'That is all.'
"#;
    let agent = json!({ "command": ["/bin/sh", "agent.sh", "{mcp_config}"] });
    let field = field(script, &agent);
    field.expect(&["run", "PLAN.md", "--no-wait"], 4);
    let read = |name: &str| std::fs::read_to_string(field.project.root().join(name)).unwrap();
    assert_eq!(read("mode.txt").trim(), "600");
    let servers: Value = serde_json::from_str(&read("servers.json")).unwrap();
    assert!(servers["mcpServers"]["warroom"]["command"].is_string(), "{servers}");
    assert!(!std::path::Path::new(read("place.txt").trim()).exists(), "it outlived the session");
    let attempt = field.room(1).attempts().unwrap().remove(0);
    let masked = std::fs::metadata(attempt.paths.mcp()).unwrap();
    assert_ne!(masked.permissions().mode() & 0o777, 0o600, "the record is for people");
}

#[test]
fn a_program_that_hangs_is_ended_at_its_deadline() {
    let script = "cat > /dev/null; test \"$OSTWIN_ROLE\" = engineer || exit 1\n\
        trap '' TERM; (sleep 1000 &); while :; do sleep 1; done";
    let field = field(script, &json!({}));
    field.plan("PLAN.md", &one_epic("- timeout: 3\n"));
    field.expect(&["run", "PLAN.md", "--no-wait"], 4);
    assert_eq!(first_attempt(&field).outcome, Some(Outcome::Timeout));
    field.check_no_process();
}

#[test]
fn the_record_says_what_a_session_was_made_of() {
    let field = field(BY_COMMAND, &json!({}));
    field.expect(&["run", "PLAN.md", "--no-wait"], 0);
    let attempt = field.room(1).attempts().unwrap().remove(0);
    let manifest = attempt.record.manifest.unwrap();
    let prompt = std::fs::read(attempt.paths.prompt()).unwrap();
    assert_eq!(manifest.prompt_sha256, ostwin_core::plans::sha256(&prompt));
    let servers = std::fs::read(attempt.paths.mcp()).unwrap();
    assert_eq!(manifest.mcp_sha256, ostwin_core::plans::sha256(&servers));
    assert!(manifest.role_files.keys().any(|path| path.ends_with("ROLE.md")), "{manifest:?}");
    assert_eq!(manifest.agent_version.as_deref(), Some("sh"));
    let shown = field.expect(&["attempt", "show", "room-001", "1"], 0).stdout;
    assert!(shown.contains(&manifest.prompt_sha256[..12]), "{shown}");
}
