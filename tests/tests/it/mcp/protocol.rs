//! What holds for every server, whatever its tools do.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::client::{Client, Table, unpack};

pub(super) const SERVERS: [&str; 4] =
    ["ostwin-mcp-warroom", "ostwin-mcp-memory", "ostwin-mcp-dashboard", "ostwin-mcp-skills"];

/// The revisions that begin with a greeting, the newest last.
const GREETED: [&str; 4] = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"];

/// What a request of the newest revision carries.
fn meta() -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { "name": "lines", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": {},
    })
}

#[test]
fn every_revision_with_a_greeting_is_spoken() {
    let table = Table::new();
    for server in SERVERS {
        for version in GREETED {
            let mut client = Client::start(&table.project, server, &[]);
            let greeting = client.initialize(version);
            assert_eq!(greeting["protocolVersion"], version);
            assert_eq!(greeting["serverInfo"]["name"], server.replace("-mcp", ""));
            assert!(greeting["instructions"].as_str().is_some_and(|text| text.len() > 100));
            let tools = client.request("tools/list", &json!({}));
            assert!(tools["result"]["tools"].as_array().is_some_and(|tools| tools.len() >= 5));
        }
    }
}

#[test]
fn an_unknown_revision_is_answered_with_the_newest() {
    let table = Table::new();
    for server in SERVERS {
        // The last one begins without a greeting: whoever greets by it is not of its time.
        for version in ["1999-01-01", "2999-12-31", "", "newest", "2026-07-28"] {
            let mut client = Client::start(&table.project, server, &[]);
            let greeting = client.initialize(version);
            assert_eq!(greeting["protocolVersion"], "2025-11-25", "{server} {version}");
        }
    }
}

#[test]
fn the_revision_without_a_greeting_is_spoken() {
    let (table, attempt) = Table::at_work();
    let room = table.room.id().as_str();
    let args = ["--room", room, "--role", "engineer", "--attempt", attempt.record.id.as_str()];
    let mut client = Client::start(&table.project, "ostwin-mcp-warroom", &args);
    let discovered = client.request("server/discover", &json!({ "_meta": meta() }));
    let all: Vec<&str> = GREETED.into_iter().chain(["2026-07-28"]).collect();
    assert_eq!(discovered["result"]["supportedVersions"], json!(all), "{discovered}");
    let listed = client.request("tools/list", &json!({ "_meta": meta() }));
    assert_eq!(listed["result"]["resultType"], "complete");
    let params = json!({
        "_meta": meta(),
        "name": "report_progress",
        "arguments": { "percent": 40, "message": "half way" }
    });
    let (content, is_error) = unpack(&client.request("tools/call", &params));
    assert!(!is_error, "{content}");
    assert_eq!(table.room.progress().unwrap().unwrap().percent, 40);
}

#[test]
fn the_list_of_tools_is_an_interface() {
    let (table, attempt) = Table::at_work();
    // Those of the other servers stand beside the tests of their tools.
    for server in ["ostwin-mcp-warroom", "ostwin-mcp-memory"] {
        let mut client = table.seat(server, "engineer", &attempt.record.id);
        let listed = client.request("tools/list", &json!({}));
        let tools = &listed["result"]["tools"];
        for tool in tools.as_array().unwrap() {
            assert_eq!(tool["inputSchema"]["additionalProperties"], false, "{tool}");
            assert_eq!(tool["outputSchema"]["type"], "object", "{tool}");
            // No agent can say who it is or where.
            for argument in ["role", "author", "attempt", "room_dir"] {
                assert!(tool["inputSchema"]["properties"].get(argument).is_none(), "{tool}");
            }
        }
        insta::assert_json_snapshot!(server, tools);
    }
}

#[test]
fn a_person_names_the_room_in_each_call() {
    let table = Table::new();
    let mut client = Client::greeted(&table.project, "ostwin-mcp-warroom", &[]);
    let listed = client.request("tools/list", &json!({}));
    for tool in listed["result"]["tools"].as_array().unwrap() {
        assert!(tool["inputSchema"]["properties"]["room_id"].is_object(), "{tool}");
        let required = tool["inputSchema"]["required"].as_array().unwrap();
        assert!(required.contains(&json!("room_id")), "{tool}");
    }
    let (code, _) = client.refused("read_messages", &json!({}));
    assert_eq!(code, "invalid_argument");
    let (code, _) = client.refused("read_messages", &json!({ "room_id": "../x" }));
    assert_eq!(code, "invalid_argument");
    let (code, _) = client.refused("read_messages", &json!({ "room_id": "room-404" }));
    assert_eq!(code, "not_found");
    let note = json!({ "room_id": "room-001", "to": "engineer", "type": "note", "body": "hi" });
    client.ok("post_message", &note);
    let posted = table.messages().pop().unwrap();
    assert_eq!((posted.from.to_string().as_str(), posted.attempt), ("human", None));
}

#[test]
fn an_identity_in_parts_is_refused_at_the_start() {
    let table = Table::new();
    let client = Client::start(&table.project, "ostwin-mcp-warroom", &["--role", "human"]);
    let (status, lines) = client.hang_up();
    assert_eq!((status.code(), lines), (Some(2), Vec::new()));
}

#[test]
fn wrong_arguments_are_named_and_change_nothing() {
    let table = Table::new();
    let mut client = Client::greeted(&table.project, "ostwin-mcp-memory", &[]);
    let cases = [
        (json!({}), "kind", "missing field `kind`"),
        (
            json!({ "kind": "rumour", "summary": "s", "tags": ["t"] }),
            "kind",
            "unknown variant `rumour`",
        ),
        (json!({ "kind": "code", "summary": "", "tags": ["t"] }), "summary", "at least 1"),
        (json!({ "kind": "code", "summary": "s", "tags": [] }), "tags", "empty"),
        (json!({ "kind": "code", "summary": "s", "tags": "t" }), "tags", "invalid type: string"),
        (
            json!({ "kind": "code", "summary": "s", "tags": ["t"], "author_role": "qa" }),
            "author_role",
            "unknown field `author_role`",
        ),
        (
            json!({ "kind": "code", "summary": "s", "tags": ["t"], "supersedes": "mem-1" }),
            "supersedes",
            "ULID",
        ),
    ];
    for (arguments, field, words) in cases {
        let (content, is_error) = client.call("publish", &arguments);
        assert!(is_error, "{arguments}");
        assert_eq!(content["code"], "invalid_argument", "{content}");
        assert_eq!(content["field"], field, "{content}");
        assert_eq!(content["retryable"], false, "{content}");
        assert!(content["message"].as_str().unwrap().contains(words), "{content}");
    }
    assert!(!table.project.layout().ledger().exists());
}

#[test]
fn the_end_of_the_input_ends_the_process() {
    let table = Table::new();
    for server in SERVERS {
        let ungreeted = Client::start(&table.project, server, &[]);
        assert_eq!(ungreeted.hang_up().0.code(), Some(0));
        let greeted = Client::greeted(&table.project, server, &[]);
        assert_eq!(greeted.hang_up().0.code(), Some(0));
    }
}

/// A call that waits for a person is not waited for, and is answered all the same.
#[test]
fn the_end_of_the_input_ends_an_open_call_at_once() {
    /// The time after which the protocol library gives up on open calls.
    const GIVING_UP: Duration = Duration::from_secs(5);
    let (table, attempt) = Table::at_work();
    let mut asked = 0;
    let took = || {
        let mut asking = table.seat("ostwin-mcp-warroom", "engineer", &attempt.record.id);
        let question = json!({ "name": "ask_human", "arguments": { "question": "Which port?" } });
        asking.send("tools/call", &question);
        asked += 1;
        ostwin_testkit::wait_until("the question", Duration::from_secs(120), || {
            let messages = table.messages();
            let questions = messages.iter().filter(|message| message.kind.as_str() == "question");
            (questions.count() == asked).then_some(())
        })
        .unwrap();
        let began = Instant::now();
        let (status, lines) = asking.hang_up();
        let took = began.elapsed();
        assert_eq!(status.code(), Some(0));
        let (content, is_error) = unpack(&serde_json::from_str(&lines[0]).unwrap());
        assert_eq!((is_error, &content["code"]), (true, &json!("unavailable")), "{content}");
        took
    };
    // A busy machine may hold up one; whoever waits for something holds up each.
    let times: Vec<Duration> = std::iter::repeat_with(took).take(3).collect();
    assert!(times.iter().any(|took| *took < GIVING_UP), "{times:?}");
}

#[test]
fn what_was_sent_before_the_end_is_still_answered() {
    let table = Table::new();
    let mut client = Client::greeted(&table.project, "ostwin-mcp-memory", &[]);
    let publish = json!({
        "name": "publish",
        "arguments": { "kind": "code", "summary": "last words", "tags": ["end"] }
    });
    client.send("tools/call", &publish);
    let (status, lines) = client.hang_up();
    assert_eq!((status.code(), lines.len()), (Some(0), 1), "{lines:?}");
    let ledger = std::fs::read_to_string(table.project.layout().ledger()).unwrap();
    assert!(ledger.contains("last words"), "{ledger}");
}
