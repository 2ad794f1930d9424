use super::*;
use crate::view::{line, table};

/// A transcript as a session writes it.
const LINES: &str = r#"
{"v":1,"ts":"2026-01-31T08:15:30.250Z","type":"session","agent":"codex 1.0","session_id":"s-1","resumed":false}
{"v":1,"ts":"2026-01-31T08:15:31.000Z","type":"prompt","turn":1,"text":null,"bytes":2048}
{"v":1,"ts":"2026-01-31T08:15:32.000Z","type":"thought","text":"one\ntwo\nthree\nfour\nfive"}
{"v":1,"ts":"2026-01-31T08:15:33.000Z","type":"plan","steps":[{"content":"Read","status":"completed"},{"content":"Write \u001b[31mred","status":"in_progress"},{"content":"Test","status":"pending"}]}
{"v":1,"ts":"2026-01-31T08:15:34.000Z","type":"tool_call","id":"1","title":"cargo test","kind":"execute","input":{"command":["cargo","test"]}}
{"v":1,"ts":"2026-01-31T08:15:36.000Z","type":"tool_result","id":"1","title":"cargo test","status":"failed","output":"1\n2\n3\n4\n5\n6\n7\n8","duration_ms":2000}
{"v":1,"ts":"2026-01-31T08:15:37.000Z","type":"tool_result","id":"2","title":"Edit","status":"completed","output":null,"diffs":[{"path":"src/a.rs","old_text":null,"new_text":"x"}],"duration_ms":12}
{"v":1,"ts":"2026-01-31T08:15:38.000Z","type":"text","text":"It is done.\nSee `src/a.rs`."}
{"v":1,"ts":"2026-01-31T08:15:38.100Z","type":"usage","tokens":null,"context_used":100,"context_size":200000,"cost_usd":0.01}
{"v":1,"ts":"2026-01-31T08:15:39.000Z","type":"usage","tokens":{"input":1000,"output":234,"total":1234,"thought":0,"cached_read":0,"cached_write":0},"context_used":1234,"context_size":200000,"cost_usd":0.02}
{"v":1,"ts":"2026-01-31T08:15:39.000Z","type":"permission","tool_call":"1","title":"cargo test","choice":"allow","decided_by":"policy"}
{"v":1,"ts":"2026-01-31T08:15:40.000Z","type":"turn_end","turn":1,"stop_reason":"end_turn","duration_ms":9000}
{"v":1,"ts":"2026-01-31T08:15:41.000Z","type":"end","outcome":"done","detail":null}
"#;

fn shown(full: bool) -> String {
    let entries = LINES.trim().lines().map(|line| Entry::parse(line).unwrap());
    let lines: Vec<Line> = entries.flat_map(|found| entry(&found, full)).collect();
    line::render(&lines, false)
}

#[test]
fn a_transcript_reads_from_top_to_bottom() {
    insta::assert_snapshot!(shown(false), @r#"
    08:15:30 codex 1.0 opens session s-1
    08:15:31 prompt 1, 2.0 KiB
    08:15:32 thinks: one
             two
             three
        … 2 lines more; --full shows all
    08:15:33 plan
        [x] Read
        [>] Write �[31mred
        [ ] Test
    08:15:34 → cargo test  execute
        {"command":["cargo","test"]}
    08:15:36 ← failed cargo test  2.0s
        1
        2
        3
        4
        5
        6
        … 2 lines more; --full shows all
    08:15:37 ← ok Edit  12ms
        changed src/a.rs
    08:15:38 It is done.
             See `src/a.rs`.
    08:15:39 used: 1.2k tokens, 1.2k of 200k in the context, $0.02 so far
    08:15:39 permission for cargo test: allow, by policy
    08:15:40 turn 1 ends after 9.0s: end_turn
    08:15:41 the session ended: done
    "#);
}

#[test]
fn everything_is_shown_when_asked_for() {
    let full = shown(true);
    for whole in ["four\n", "    8\n", "100 of 200k in the context"] {
        assert!(full.contains(whole), "{whole:?} in\n{full}");
        assert!(!shown(false).contains(whole), "{whole:?}");
    }
    assert!(!full.contains("--full"), "{full}");
    assert!(!full.contains('\u{1b}'), "{full}");
}

#[test]
fn the_head_says_who_and_by_whose_word() {
    let record: AttemptRecord = serde_json::from_value(serde_json::json!({
        "schema_version": 1, "id": "att-01ARZ3NDEKTSV4RRFFQ69G5FAV", "number": 2,
        "state": "developing", "audit_seq": 3, "role": "engineer:fe", "agent": "rehearsal",
        "model": "small", "rehearsed": true, "run_id": "run-01ARZ3NDEKTSV4RRFFQ69G5FAV",
        "host": "box", "boot_id": "b", "opened_at": "2026-01-31T08:15:30.250Z",
        "deadline_at": "2026-01-31T08:30:30.250Z", "channel_offset": 0,
        "provenance": {
            "role": {"tier": "shipped", "prompt_file": "built in/engineer/ROLE.md"},
            "settings": {
                "agent": {"value": "rehearsal", "source": {"kind": "flag", "place": "--agent"}},
                "model": {"value": "small", "source": {"kind": "role_file", "place": "role.json"}},
            },
        },
        "closed_at": "2026-01-31T08:15:42.000Z", "outcome": "done", "reason": null,
        "usage": {"input_tokens": 1000, "output_tokens": 234, "cached_tokens": 0, "total_tokens": 0},
        "cost_usd": 0.02, "exit_code": 0,
    }))
    .unwrap();
    insta::assert_snapshot!(table::pairs(&head(&record)), @r"
    attempt   2 in developing
    role      engineer:fe  (from: shipped built in/engineer/ROLE.md)
    agent     rehearsal (rehearsed)  (from: flag --agent)
    model     small  (from: role file role.json)
    began     2026-01-31 08:15:30Z
    deadline  2026-01-31 08:30:30Z
    end       done after 11s
    used      1.2k tokens (1.0k in, 234 out), $0.02
    id        att-01ARZ3NDEKTSV4RRFFQ69G5FAV
    ");
}
