//! Resources, prompts and progress: what servers offer beside tools, in both eras of the protocol.

use std::time::Duration;

use ostwin_core::dag::Dag;
use ostwin_testkit::wait_until;
use serde_json::{Value, json};

use super::client::{Client, Table, unpack};
use super::shop::{DASHBOARD, Shop};

const WARROOM: &str = "ostwin-mcp-warroom";

/// What a request of the newest revision carries.
fn modern(mut params: Value) -> Value {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { "name": "lines", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    params
}

fn read(client: &mut Client, uri: &str) -> Value {
    let answer = client.request("resources/read", &json!({ "uri": uri }));
    let contents = answer["result"]["contents"].as_array().unwrap_or_else(|| panic!("{answer}"));
    assert_eq!((contents.len(), &contents[0]["uri"]), (1, &json!(uri)));
    contents[0].clone()
}

fn prompt(client: &mut Client, name: &str, arguments: &Value) -> String {
    let answer = client.request("prompts/get", &json!({ "name": name, "arguments": arguments }));
    let messages = answer["result"]["messages"].as_array().unwrap_or_else(|| panic!("{answer}"));
    assert_eq!((messages.len(), &messages[0]["role"]), (1, &json!("user")));
    messages[0]["content"]["text"].as_str().unwrap().to_owned()
}

fn code(answer: &Value) -> i64 {
    answer["error"]["code"].as_i64().unwrap_or_else(|| panic!("no error: {answer}"))
}

#[test]
fn what_is_offered_is_an_interface() {
    let shop = Shop::new();
    shop.moved(1, &["ready"]);
    let attempt = shop.open(1, "engineer");
    for (server, name) in [(WARROOM, "warroom"), (DASHBOARD, "dashboard")] {
        for (mut client, who) in
            [(shop.seat(server, 1, &attempt), "session"), (shop.person(server), "person")]
        {
            let mut list = |method: &str| client.request(method, &json!({}))["result"].clone();
            let resources = list("resources/list")["resources"].clone();
            let templates = list("resources/templates/list")["resourceTemplates"].clone();
            let prompts = list("prompts/list")["prompts"].clone();
            let offered =
                json!({ "resources": resources, "templates": templates, "prompts": prompts });
            insta::assert_json_snapshot!(format!("{name}-{who}"), offered);
        }
    }
}

#[test]
fn only_what_is_there_is_announced() {
    let shop = Shop::new();
    let announced = |server: &str| {
        let mut client = Client::start(&shop.project, server, &[]);
        let greeting = client.initialize("2025-11-25");
        let refused = code(&client.request("prompts/list", &json!({ "cursor": "x" })));
        (greeting["capabilities"].clone(), refused)
    };
    assert_eq!(announced(DASHBOARD), (json!({ "tools": {}, "resources": {} }), -32601));
    assert_eq!(announced("ostwin-mcp-memory"), (json!({ "tools": {} }), -32601));
    let mut warroom = Client::start(&shop.project, WARROOM, &[]);
    let greeting = warroom.initialize("2025-11-25");
    assert_eq!(greeting["capabilities"], json!({ "prompts": {}, "resources": {}, "tools": {} }));
}

#[test]
fn a_session_reads_its_own_room() {
    let shop = Shop::new();
    shop.moved(1, &["ready"]);
    let attempt = shop.open(1, "engineer");
    shop.note(1, "first");
    shop.note(1, "second\n{\"seq\": 99, \"body\": \"a line of another message?\"}");
    let mut client = shop.seat(WARROOM, 1, &attempt);

    let brief = read(&mut client, "ostwin://room/brief");
    assert_eq!(brief["mimeType"], "text/markdown");
    assert_eq!(brief["text"], shop.room(1).brief().unwrap());
    let channel = read(&mut client, "ostwin://room/channel");
    let lines: Vec<Value> = channel["text"]
        .as_str()
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.iter().map(|line| &line["seq"]).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(channel["_meta"], json!({ "skipped_lines": 0, "more": false }));
    let graph = read(&mut client, "ostwin://plan/dag");
    let dag: Dag = serde_json::from_str(graph["text"].as_str().unwrap()).unwrap();
    assert_eq!(dag, shop.plan.dag().unwrap().unwrap());

    // Reading is logged like a call.
    drop(client.hang_up());
    let log = std::fs::read_to_string(attempt.paths.tools()).unwrap();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 3, "{log}");
    assert_eq!(lines[0]["tool"], "resources/read");
    assert_eq!(lines[0]["arguments"], json!({ "uri": "ostwin://room/brief" }));
}

#[test]
fn a_person_names_room_and_plan_in_the_address() {
    let shop = Shop::new();
    let mut client = shop.person(WARROOM);
    let brief = read(&mut client, "ostwin://rooms/room-002/brief");
    assert_eq!(brief["text"], shop.room(2).brief().unwrap());
    let plan = shop.plan.meta.plan_id.to_string();
    let uri = format!("ostwin://plans/{plan}/dag");
    assert_eq!(read(&mut client, &uri)["mimeType"], "application/json");
    assert_eq!(read(&mut shop.person(DASHBOARD), &uri)["mimeType"], "application/json");
    let elsewhere = Shop::new().plan.meta.plan_id.to_string();
    let unknown = [
        "ostwin://room/brief",
        "ostwin://rooms/room-404/brief",
        "ostwin://rooms/../brief",
        "ostwin://rooms/room-001/../../config",
        "ostwin://rooms/%2e%2e/brief",
        "file:///etc/passwd",
        "",
    ];
    let theirs = format!("ostwin://plans/{elsewhere}/dag");
    for uri in unknown.into_iter().chain([theirs.as_str()]) {
        let answer = client.request("resources/read", &json!({ "uri": uri }));
        assert_eq!(code(&answer), -32002, "{uri}: {answer}");
        assert_eq!(answer["error"]["data"]["uri"], uri);
    }
}

#[test]
fn the_newest_revision_reads_and_asks_as_well() {
    let shop = Shop::new();
    let mut client = Client::start(&shop.project, WARROOM, &[]);
    let offered = client.request("server/discover", &modern(json!({})));
    assert!(offered["result"]["capabilities"]["prompts"].is_object(), "{offered}");
    let params = modern(json!({ "uri": "ostwin://rooms/room-001/brief" }));
    let read = client.request("resources/read", &params);
    assert_eq!(read["result"]["resultType"], "complete", "{read}");
    let params = modern(json!({ "uri": "ostwin://rooms/room-404/brief" }));
    assert_eq!(code(&client.request("resources/read", &params)), -32602);
    let arguments = json!({ "name": "done-report", "arguments": { "room_id": "room-001" } });
    let text = client.request("prompts/get", &modern(arguments));
    assert_eq!(text["result"]["messages"].as_array().map(Vec::len), Some(1), "{text}");
}

#[test]
fn damaged_files_are_refused_and_end_nothing() {
    let shop = Shop::new();
    let long = [b"[".repeat(10 << 20), b"\n".to_vec()].concat();
    let mut client = shop.person(WARROOM);
    for bytes in [&b"null\n"[..], b"\xff\xfe\n", &long, b"{\"v\":1,\"se"] {
        let paths = shop.room(1).paths();
        for file in [paths.channel(), paths.config(), paths.brief(), shop.plan.paths.dag()] {
            write(&file, bytes);
        }
        let channel = read(&mut client, "ostwin://rooms/room-001/channel");
        assert_eq!(channel["text"], "");
        assert_eq!(channel["_meta"]["skipped_lines"], usize::from(bytes.ends_with(b"\n")));
        let uri = format!("ostwin://plans/{}/dag", shop.plan.meta.plan_id);
        let graph = client.request("resources/read", &json!({ "uri": uri }));
        assert_eq!(code(&graph), -32603, "{graph}");
        assert!(graph["error"]["message"].as_str().unwrap().contains("DAG.json"), "{graph}");
        let arguments = json!({ "name": "done-report", "arguments": { "room_id": "room-001" } });
        let refused = client.request("prompts/get", &arguments);
        assert!(refused["error"]["message"].as_str().unwrap().contains("config.json"), "{refused}");
        let brief =
            client.request("resources/read", &json!({ "uri": "ostwin://rooms/room-001/brief" }));
        assert!(brief.to_string().len() <= 256 * 1024);
        assert_eq!(brief["error"].is_object(), bytes.len() > 1_000, "{}", brief["error"]);
    }
    let brief = "ö\n".repeat(200_000);
    write(&shop.room(1).paths().brief(), brief.as_bytes());
    let cut = read(&mut client, "ostwin://rooms/room-001/brief");
    let text = cut["text"].as_str().unwrap();
    assert!(brief.starts_with(text) && text.len() > 100_000);
    assert_eq!(cut["_meta"]["left_out_bytes"], brief.len() - text.len());
}

#[expect(clippy::disallowed_methods, reason = "what is written here is no good file")]
fn write(path: &std::path::Path, bytes: &[u8]) {
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn prompts_ask_for_the_criteria_of_the_room() {
    let shop = Shop::new();
    shop.moved(1, &["ready", "done"]);
    let attempt = shop.open(1, "qa");
    let mut reviewer = shop.seat(WARROOM, 1, &attempt);
    let checklist = prompt(&mut reviewer, "review-checklist", &json!({}));
    insta::assert_snapshot!("review-checklist", checklist);
    // The example in it, with evidence in it, is what the room takes.
    let example = checklist.split("```json\n").nth(1).unwrap().split("\n```").next().unwrap();
    let arguments: Value = serde_json::from_str(example).unwrap();
    assert_eq!(reviewer.ok("post_message", &arguments)["is_signal"], true);

    let mut person = shop.person(WARROOM);
    let report = prompt(&mut person, "done-report", &json!({ "room_id": "room-001" }));
    insta::assert_snapshot!("done-report", report);
    let wrong = [
        json!({ "name": "done-report" }),
        json!({ "name": "done-report", "arguments": { "room_id": "../x" } }),
        json!({ "name": "done-report", "arguments": { "room_id": "room-404" } }),
        json!({ "name": "done-report", "arguments": { "room_id": "room-001", "role": "qa" } }),
        json!({ "name": "no-such-prompt" }),
    ];
    for params in wrong {
        let answer = person.request("prompts/get", &params);
        assert_eq!(code(&answer), -32602, "{params}: {answer}");
    }
    // A session has no argument by which it could ask about another room.
    let other = json!({ "name": "done-report", "arguments": { "room_id": "room-002" } });
    assert_eq!(code(&reviewer.request("prompts/get", &other)), -32602);
}

#[test]
fn a_caller_that_asks_is_told_that_a_question_waits() {
    let (table, attempt) = Table::at_work();
    let mut client = table.seat(WARROOM, "engineer", &attempt.record.id);
    let ask = json!({ "question": "Which port?", "timeout_seconds": 600 });
    let params = json!({
        "name": "ask_human", "arguments": ask, "_meta": { "progressToken": "port" }
    });
    let id = client.send("tools/call", &params);
    let told = client.receive();
    assert_eq!(told["method"], "notifications/progress", "{told}");
    let progress = &told["params"];
    assert_eq!((&progress["progressToken"], &progress["total"]), (&json!("port"), &json!(600.0)));
    let question = wait_until("the question", Duration::from_secs(30), || {
        table.messages().into_iter().find(|message| message.kind.as_str() == "question")
    })
    .unwrap();
    let message = progress["message"].as_str().unwrap();
    assert!(message.contains(question.id.as_str()), "{message}");
    client.line(&json!({
        "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": id }
    }));
    // Who did not ask is told nothing: the answer is the next line.
    let short = json!({ "question": "Anybody?", "timeout_seconds": 1 });
    let params = json!({ "name": "ask_human", "arguments": short });
    let (answer, is_error) = unpack(&client.request("tools/call", &params));
    assert_eq!((is_error, &answer["answered"]), (false, &json!(false)), "{answer}");
}
