//! Fail closed: whatever goes wrong, nothing passes and nothing starts that waits for it.
//!
//! | what goes wrong | in an epic | in the review of a plan |
//! |---|---|---|
//! | a crash | here | `plan_review::closed`, `a_crash_is_no_approval` |
//! | silence | here | `plan_review::closed`, `silence_is_no_approval` |
//! | a missing program | here | here |
//! | a malformed verdict | here | `plan_review::closed`, `a_verdict_in_other_words_...` |
//! | half-met criteria | here | there are none |
//! | a plan that changes after its approval | | `plan_review::closed`, `a_plan_that_is_changed_...` and the two after it |
//!
//! That a verdict of somebody else, of another attempt or after the deadline counts for nothing is in
//! `misbehaviour`; that the servers refuse it, in `mcp::warroom`.

use ostwin_core::room::Outcome;
use serde_json::{Value, json};

use crate::field::{Field, messages};

/// An epic that somebody works on and somebody else reviews, and one that waits for it.
const PLAN: &str = "# Plan: Two\n\n\
    ## EPIC-001: First\n\n- Roles: engineer, qa\n\n\
    ### Definition of Done\n\n- [ ] It is there\n\n### Acceptance Criteria\n\n- [ ] It works\n\n\
    ## EPIC-002: Second\n\n- Roles: engineer, qa\n- depends_on: [EPIC-001]\n\n\
    ### Definition of Done\n\n- [ ] It is there\n";

fn settings() -> Value {
    json!({ "max_retries": 0 })
}

/// Runs the plan, which nobody may pass; gives how the sessions of EPIC-001 ended, without that of
/// the manager, who leaves it to a person.
fn closed(field: &Field) -> Vec<String> {
    field.plan("PLAN.md", PLAN);
    field.expect(&["run", "PLAN.md", "--no-wait"], 4);
    let plan = field.plans().remove(0).meta.plan_id;
    let states = field.states(&plan);
    assert_eq!(states["EPIC-001"], "escalated", "{states:?}");
    assert_eq!(states["EPIC-002"], "pending", "{states:?}");
    assert_eq!(field.room(2).attempts().unwrap(), [], "the second epic has started");
    field.check_rooms(&plan);
    field.check_no_process();
    let attempts = field.room(1).attempts().unwrap().into_iter().map(|attempt| attempt.record);
    let working = attempts.filter(|record| record.state.as_str() != "triage");
    working.filter_map(|record| Some(record.outcome?.to_string())).collect()
}

#[test]
fn neither_a_worker_nor_a_reviewer_who_fails_lets_anything_through() {
    let crash = json!({ "before": [{ "do": "crash" }] });
    let quits = json!({ "before_verdict": [{ "do": "crash", "exit_code": 0 }] });
    let silence = json!({ "before_verdict": [{ "do": "silence", "nudge": "ignore" }] });
    // A reviewer who lets it pass although a criterion is not met, and says so: that is a `fail`.
    let half = json!({ "verdict": { "signal": "pass", "fail_first": 9, "unmet": ["AC-1"] } });
    for (state, part, ends) in [
        ("work", &crash, &["agent-error"][..]),
        ("work", &quits, &["agent-error"]),
        ("work", &silence, &["no-signal"]),
        ("review", &crash, &["done", "agent-error"]),
        ("review", &quits, &["done", "agent-error"]),
        ("review", &silence, &["done", "no-signal"]),
        ("review", &half, &["done", "fail"]),
    ] {
        let mut rule = json!({ "when": { "state_type": [state] } });
        rule.as_object_mut().unwrap().extend(part.as_object().unwrap().clone());
        let field = Field::new(&json!({ "v": 1, "rules": [rule] }), &settings());
        assert_eq!(closed(&field), ends, "{state}: {part}");
    }
}

/// A reviewer who posts one line of `verdicts.jsonl` after the other and counts how many were taken.
const REVIEWER: &str = r#"
cat > /dev/null
while IFS= read -r data; do
  "$OSTWIN_BIN" room post "$OSTWIN_ROOM" --type pass --body 'Fine.' --data "$data" && echo taken >> taken.txt
  echo tried >> tried.txt
done < verdicts.jsonl
"$OSTWIN_BIN" room post "$OSTWIN_ROOM" --type approved --body 'Fine.' && echo taken >> taken.txt
"$OSTWIN_BIN" room post "$OSTWIN_ROOM" --type pass --body 'Fine.' && echo taken >> taken.txt
exit 0
"#;

#[test]
fn a_malformed_verdict_is_none() {
    let met = |id: &str| json!({ "id": id, "met": true, "evidence": "seen by running it" });
    let verdict = |criteria: Value| json!({ "verdict": "pass", "criteria": criteria });
    let verdicts = [
        json!({}),
        json!("pass"),
        json!({ "verdict": "pass" }),
        json!({ "verdict": "pass", "criteria": "all of them" }),
        verdict(json!([])),
        // One is not answered, one is answered twice, one is not of this room.
        verdict(json!([met("DOD-1")])),
        verdict(json!([met("DOD-1"), met("DOD-1")])),
        verdict(json!([met("DOD-1"), met("AC-9")])),
        // No evidence, met in a word.
        verdict(json!([met("DOD-1"), { "id": "AC-1", "met": true, "evidence": "" }])),
        verdict(json!([met("DOD-1"), { "id": "AC-1", "met": true }])),
        verdict(json!([met("DOD-1"), { "id": "AC-1", "met": "yes", "evidence": "seen" }])),
        // It calls itself something else.
        json!({ "verdict": "fail", "criteria": [met("DOD-1"), met("AC-1")] }),
    ];
    let mut settings = settings();
    settings["roles"] = json!({ "qa": { "agent": "script" } });
    settings["agents"] = json!({
        "rehearsal": { "env": { "OSTWIN_REHEARSAL_PACE": "0" } },
        "script": { "protocol": "command", "command": ["/bin/sh", "reviewer.sh"] },
    });
    let field = Field::new(&json!({ "v": 1 }), &settings);
    let lines: Vec<String> = verdicts.iter().map(Value::to_string).collect();
    field.project.write("verdicts.jsonl", &(lines.join("\n") + "\n")).unwrap();
    field.project.write("reviewer.sh", REVIEWER).unwrap();
    assert_eq!(closed(&field), ["done", "no-signal"]);

    let root = field.project.root();
    let tried = std::fs::read_to_string(root.join("tried.txt")).unwrap().lines().count();
    // Silence is asked about once, by one further run.
    assert_eq!(tried, 2 * verdicts.len());
    assert!(!root.join("taken.txt").exists(), "a verdict was taken");
    let passes = messages(&field.room(1)).into_iter().filter(|m| m.kind.as_str() == "pass");
    assert_eq!(passes.count(), 0);
}

#[test]
fn without_its_program_nothing_is_begun() {
    for (role, review) in [("engineer", "off"), ("qa", "off"), ("architect", "auto")] {
        let mut settings = settings();
        settings["plan_review"] = json!(review);
        settings["roles"] = json!({ role: { "agent": "absent" } });
        settings["agents"] = json!({
            "rehearsal": { "env": { "OSTWIN_REHEARSAL_PACE": "0" } },
            "absent": { "command": ["no-such-agent-program"] },
        });
        let field = Field::new(&json!({ "v": 1 }), &settings);
        field.plan("PLAN.md", PLAN);
        let mut commands = vec![vec!["run", "PLAN.md", "--no-wait"]];
        if role == "architect" {
            commands.push(vec!["plan", "review", "PLAN.md"]);
            commands.push(vec!["plan", "create", "A goal", "--out", "new.md"]);
        }
        for command in commands {
            let refused = field.expect(&command, 6).stderr;
            assert!(refused.contains("no-such-agent-program"), "{command:?}: {refused}");
            assert_eq!(field.plans().len(), 0, "{command:?} has imported a plan");
            assert!(field.room_if_any(1).is_none(), "{command:?} has made a room");
        }
    }
}

#[test]
fn a_program_that_is_gone_when_its_session_begins_fails_it() {
    let mut settings = settings();
    settings["roles"] = json!({ "qa": { "agent": "script" } });
    settings["agents"] = json!({
        "rehearsal": { "env": { "OSTWIN_REHEARSAL_PACE": "0" } },
        "script": { "protocol": "command", "command": ["./reviewer"] },
    });
    let script = json!({ "v": 1, "rules": [{
        "when": { "state_type": ["work"] }, "before": [{ "do": "await_file", "path": "go" }],
    }] });
    let field = Field::new(&script, &settings);
    let reviewer = field.project.write("reviewer", "#!/bin/sh\nexit 0\n").unwrap();
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&reviewer, executable).unwrap();
    field.plan("PLAN.md", PLAN);
    let mut run = field.spawn(&["run", "PLAN.md", "--no-wait"]);
    field.wait_for_session(1);
    ostwin_core::fs::remove_file(&reviewer).unwrap();
    field.plan("go", "");
    assert_eq!(run.wait(crate::field::PATIENCE).unwrap().code(), Some(4));
    let review = field.room(1).attempts().unwrap().remove(1).record;
    assert_eq!(review.outcome, Some(Outcome::SpawnFailed), "{review:?}");
    assert_eq!(field.room(1).standing().unwrap().state.as_str(), "escalated");
    assert_eq!(field.room(2).attempts().unwrap(), []);
    field.check_no_process();
}
