//! The war-room server: who may move the room, what gets out of the folder, who answers.

use std::os::unix::fs::symlink;
use std::time::Duration;

use ostwin_core::room::{self, PostRequest, Speaker};
use ostwin_testkit::wait_until;
use serde_json::{Value, json};

use super::client::{Table, unpack};

const SERVER: &str = "ostwin-mcp-warroom";

fn done() -> Value {
    json!({ "to": "qa", "type": "done", "body": "It works.", "ref": "EPIC-001" })
}

fn verdict(criteria: &Value) -> Value {
    let data = json!({ "verdict": "pass", "summary": "ran it", "criteria": criteria });
    json!({ "to": "engineer", "type": "pass", "body": "Good.", "data": data })
}

#[test]
fn a_signal_is_accepted_once() {
    let (table, attempt) = Table::at_work();
    let mut client = table.seat(SERVER, "engineer", &attempt.record.id);
    client.ok("report_progress", &json!({ "percent": 100, "message": "all there" }));
    let posted = client.ok("post_message", &done());
    assert_eq!(posted["is_signal"], true);
    let (code, message) = client.refused("post_message", &done());
    assert_eq!(code, "conflict");
    assert!(message.contains("sent its signal already"), "{message}");
    let (code, _) = client.refused("update_status", &json!({ "signal": "error", "reason": "x" }));
    assert_eq!(code, "conflict");

    let latest = client.ok("get_latest", &json!({ "type": "done" }));
    assert_eq!(latest["message"]["id"], posted["id"]);
    assert_eq!(latest["message"]["attempt"], attempt.record.id.as_str());
    let notes: Vec<_> =
        table.messages().into_iter().filter(|m| m.kind.as_str() == "note").collect();
    assert_eq!(notes.len(), 2, "each refusal leaves a trace");
}

#[test]
fn nobody_moves_the_room_as_somebody_else() {
    let (table, attempt) = Table::at_work();
    let other = "att-00000000000000000000000001".parse().unwrap();
    let seats = [
        ("qa", &attempt.record.id, "forbidden"),
        ("engineer:other", &attempt.record.id, "forbidden"),
        ("engineer", &other, "conflict"),
    ];
    for (count, (role, id, expected)) in seats.into_iter().enumerate() {
        let mut client = table.seat(SERVER, role, id);
        let (code, message) = client.refused("post_message", &done());
        assert_eq!(code, expected, "{role}: {message}");
        let trace = table.messages();
        assert_eq!(trace.len(), count + 1);
        assert_eq!(trace[count].kind.as_str(), "note");
        assert!(
            trace[count].body.contains(&format!("`done` of `{role}`")),
            "{}",
            trace[count].body
        );
    }
    assert_eq!(table.state(), "developing");
}

#[test]
fn what_the_state_does_not_allow_is_refused_with_what_it_does() {
    let (table, attempt) = Table::at_work();
    let mut client = table.seat(SERVER, "engineer", &attempt.record.id);
    let pass = verdict(&json!([]));
    let (code, message) = client.refused("post_message", &pass);
    assert_eq!(code, "forbidden");
    assert!(message.ends_with("allowed here: done, error, escalate"), "{message}");

    for status in ["passed", "failed-final", "cancelled"] {
        let arguments = json!({ "status": status, "reason": "I say so" });
        let (code, message) = client.refused("update_status", &arguments);
        assert_eq!(code, "forbidden", "{message}");
        let trace = table.messages().pop().unwrap();
        assert_eq!((trace.kind.as_str(), trace.from.to_string().as_str()), ("note", "engine"));
        assert!(trace.body.starts_with(&format!("Refused `{status}` of `engineer`")));
    }
    let unknown = json!({ "to": "qa", "type": "passed", "body": "" });
    assert_eq!(client.refused("post_message", &unknown).0, "invalid_argument");
    let engine = json!({ "to": "qa", "type": "timeout", "body": "" });
    assert_eq!(client.refused("post_message", &engine).0, "invalid_argument");
    let expected = json!({ "signal": "done", "expected": "review", "reason": "x" });
    assert_eq!(client.refused("update_status", &expected).0, "conflict");
    let both = json!({ "signal": "done", "status": "review", "reason": "x" });
    assert_eq!(client.refused("update_status", &both).0, "invalid_argument");
    let nowhere = json!({ "status": "fixing", "reason": "x" });
    assert_eq!(client.refused("update_status", &nowhere).0, "invalid_argument");
    assert_eq!(table.state(), "developing");

    let moved = client.ok("update_status", &json!({ "status": "review", "reason": "done" }));
    assert_eq!((&moved["signal"], &moved["state"]), (&json!("done"), &json!("developing")));
    assert_eq!(moved["message"]["is_signal"], true);
}

#[test]
fn nothing_counts_after_the_deadline() {
    let table = Table::new();
    table.signal("ready");
    let attempt = table.open("engineer", Duration::ZERO);
    let mut client = table.seat(SERVER, "engineer", &attempt.record.id);
    let (code, message) = client.refused("post_message", &done());
    assert_eq!(code, "conflict");
    assert!(message.contains("deadline"), "{message}");
    let file = json!({ "path": "late.md", "content": "late" });
    assert_eq!(client.refused("write_artifact", &file).0, "conflict");
    let progress = json!({ "percent": 1, "message": "late" });
    assert_eq!(client.refused("report_progress", &progress).0, "conflict");
    assert_eq!(table.state(), "developing");
    let trace = table.messages();
    assert_eq!((trace.len(), trace[0].kind.as_str()), (1, "note"));
    assert!(!table.room.paths().artifacts().join("late.md").exists());
}

#[test]
fn a_pass_answers_every_criterion() {
    let table = Table::new();
    table.signal("ready");
    table.signal("done");
    let attempt = table.open("qa", Duration::from_secs(900));
    let mut client = table.seat(SERVER, "qa", &attempt.record.id);
    let good = json!({ "id": "AC-1", "met": true, "evidence": "cargo test: ok" });
    let bad = [
        json!([good]),
        json!([good, { "id": "AC-2", "met": true, "evidence": " " }]),
        json!([good, { "id": "AC-9", "met": true, "evidence": "x" }]),
    ];
    for criteria in bad {
        let (code, message) = client.refused("post_message", &verdict(&criteria));
        assert_eq!(code, "invalid_argument");
        assert!(message.contains("AC-2"), "{message}");
    }
    let (code, _) = client.refused("update_status", &json!({ "signal": "pass", "reason": "x" }));
    assert_eq!(code, "invalid_argument");
    let all = json!([good, { "id": "AC-2", "met": true, "evidence": "curl: 200" }]);
    assert_eq!(client.ok("post_message", &verdict(&all))["is_signal"], true);
}

#[test]
fn artifacts_stay_in_their_folder() {
    let (table, attempt) = Table::at_work();
    let outside = table.project.write("outside/secret.txt", "secret").unwrap();
    let folder = table.room.paths().artifacts();
    symlink(outside.parent().unwrap(), folder.join("out")).unwrap();
    symlink(&outside, folder.join("file.txt")).unwrap();
    let mut client = table.seat(SERVER, "engineer", &attempt.record.id);
    let paths = [
        ("../../../../outside/secret.txt", "invalid_argument"),
        ("a/../../config.json", "invalid_argument"),
        ("/etc/passwd", "invalid_argument"),
        ("a\0b", "invalid_argument"),
        (".hidden", "invalid_argument"),
        ("out/secret.txt", "forbidden"),
        ("out/new.txt", "forbidden"),
        ("file.txt", "forbidden"),
    ];
    for (path, expected) in paths {
        let write = client.refused("write_artifact", &json!({ "path": path, "content": "x" }));
        assert_eq!(write.0, expected, "{path}: {}", write.1);
        let read = client.refused("read_artifact", &json!({ "path": path }));
        assert_eq!(read.0, expected, "{path}: {}", read.1);
    }
    assert_eq!(std::fs::read_to_string(&outside).unwrap(), "secret");
    assert!(!outside.with_file_name("new.txt").exists());

    let content = "größe\n".repeat(20_000);
    let written =
        client.ok("write_artifact", &json!({ "path": "docs/report.md", "content": content }));
    assert_eq!((&written["bytes"], &written["replaced"]), (&json!(160_000), &json!(false)));
    let mut read = String::new();
    let mut offset = json!(0);
    while !offset.is_null() {
        let arguments = json!({ "path": "docs/report.md", "offset": offset, "limit": 50_001 });
        let part = client.ok("read_artifact", &arguments);
        read.push_str(part["content"].as_str().unwrap());
        offset = part["next_offset"].clone();
    }
    assert!(read == content, "the parts are the whole");
    let listed = client.ok("list_artifacts", &json!({ "sha256": true }));
    assert_eq!(listed["artifacts"].as_array().map(Vec::len), Some(1));
    assert_eq!(listed["artifacts"][0]["sha256"], written["sha256"]);
    let links: Vec<_> =
        listed["unreadable"].as_array().unwrap().iter().map(|e| &e["path"]).collect();
    assert_eq!(links, ["file.txt", "out"]);
}

#[test]
fn messages_are_paged_within_the_bound_of_an_answer() {
    let (table, attempt) = Table::at_work();
    let mut client = table.seat(SERVER, "engineer", &attempt.record.id);
    let body = "\"quoted\" text ".repeat(2_000);
    for number in 1..=12 {
        let body = format!("{number}: {body}");
        client.ok("post_message", &json!({ "to": "qa", "type": "note", "body": body }));
    }
    let mut seen = Vec::new();
    let mut arguments = json!({ "limit": 200 });
    loop {
        let params = json!({ "name": "read_messages", "arguments": arguments });
        let answer = client.request("tools/call", &params);
        assert!(answer.to_string().len() <= 256 * 1024, "{}", answer.to_string().len());
        let (page, is_error) = unpack(&answer);
        assert!(!is_error, "{page}");
        let numbers =
            page["messages"].as_array().unwrap().iter().map(|m| m["seq"].as_u64().unwrap());
        seen.splice(0..0, numbers);
        if page["more"] == false {
            break;
        }
        arguments["before"] = page["oldest_seq"].clone();
    }
    assert_eq!(seen, (1..=12).collect::<Vec<_>>());
    let short = client.ok("read_messages", &json!({ "after": 10, "body_chars": 3 }));
    assert_eq!(short["messages"][0]["body"], "11:");
    assert_eq!((&short["newest_seq"], &short["more"]), (&json!(12), &json!(false)));
    // A body over the limit is refused, and the answer says what to do instead.
    let long = json!({ "to": "qa", "type": "note", "body": "x".repeat(65_537) });
    let (code, message) = client.refused("post_message", &long);
    assert_eq!(code, "too_large");
    assert!(message.contains("artifact"), "{message}");
    assert_eq!(table.messages().len(), 12);
}

#[test]
fn a_line_that_cannot_be_read_is_counted() {
    let (table, attempt) = Table::at_work();
    let mut client = table.seat(SERVER, "engineer", &attempt.record.id);
    let note = json!({ "to": "qa", "type": "note", "body": "before" });
    client.ok("post_message", &note);
    let mut channel = ostwin_core::fs::open_log(table.room.channel().path()).unwrap();
    std::io::Write::write_all(&mut channel, b"{\"torn\": tru\n").unwrap();
    client.ok("post_message", &note);
    let read = client.ok("read_messages", &json!({}));
    assert_eq!(
        (read["messages"].as_array().map(Vec::len), &read["skipped_lines"]),
        (Some(2), &json!(1))
    );
}

#[test]
fn a_person_answers_a_question() {
    let (table, attempt) = Table::at_work();
    let mut client = table.seat(SERVER, "engineer", &attempt.record.id);
    let question = json!({ "question": "Which port?", "options": ["80", "8080"] });
    client.send("tools/call", &json!({ "name": "ask_human", "arguments": question }));
    let asked = wait_until("the question", Duration::from_secs(30), || {
        table.messages().into_iter().find(|message| message.kind.as_str() == "question")
    })
    .unwrap();
    assert_eq!(asked.data.as_ref().unwrap()["options"], json!(["80", "8080"]));
    let answer = |role: &str, attempt: Option<_>, body: &str| {
        let speaker = Speaker { role: role.parse().unwrap(), attempt };
        let request = PostRequest {
            to: "engineer".parse().unwrap(),
            kind: "answer".parse().unwrap(),
            reference: Some(asked.id.to_string()),
            body: body.to_owned(),
            data: None,
        };
        room::post(&table.room, &speaker, request).unwrap();
    };
    answer("engineer", Some(attempt.record.id), "I answer myself");
    answer("human", None, "8080");
    let (content, is_error) = unpack(&client.receive());
    assert!(!is_error, "{content}");
    assert_eq!((&content["answered"], &content["answer"]), (&json!(true), &json!("8080")));
    assert_eq!(content["question_id"], asked.id.as_str());

    let unanswered =
        client.ok("ask_human", &json!({ "question": "Anybody?", "timeout_seconds": 1 }));
    assert_eq!((&unanswered["answered"], &unanswered["answer"]), (&json!(false), &Value::Null));
}

#[test]
fn every_call_is_in_the_log_of_the_attempt() {
    let (table, attempt) = Table::at_work();
    let mut client = table.seat(SERVER, "engineer", &attempt.record.id);
    let content = "x".repeat(5_000);
    client.ok("write_artifact", &json!({ "path": "a.md", "content": content }));
    client.refused("get_latest", &json!({}));
    drop(client.hang_up());
    let log = std::fs::read_to_string(attempt.paths.tools()).unwrap();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2, "{log}");
    assert_eq!(lines[0]["server"], "warroom");
    assert_eq!(lines[0]["tool"], "write_artifact");
    assert_eq!(lines[0]["arguments"]["path"], "a.md");
    assert_eq!(lines[0]["arguments"]["content"]["bytes"], 5_000);
    assert_eq!(
        (&lines[0]["outcome"], &lines[1]["outcome"]),
        (&json!("ok"), &json!("invalid_argument"))
    );
    assert!(lines.iter().all(|line| line["duration_ms"].is_u64() && line["ts"].is_string()));
}
