//! The memory server: what rooms leave for each other.

use serde_json::{Value, json};

use super::client::{Client, Table};

const SERVER: &str = "ostwin-mcp-memory";

/// Settings by which search is by words alone, whatever is installed beside the servers.
fn without_encoder(table: &Table) {
    let settings = json!({ "schema_version": 1, "memory": { "embedding": { "kind": "none" } } });
    let config = table.project.layout().config();
    ostwin_core::fs::replace_hint(&config, settings.to_string().as_bytes()).unwrap();
}

fn publish(client: &mut Client, kind: &str, summary: &str, tags: &[&str]) -> Value {
    client.ok("publish", &json!({ "kind": kind, "summary": summary, "tags": tags }))["id"].clone()
}

fn summaries(answer: &Value) -> Vec<&str> {
    let memories = answer["memories"].as_array().unwrap();
    memories.iter().map(|memory| memory["summary"].as_str().unwrap()).collect()
}

#[test]
fn a_room_sees_what_others_published_and_not_itself() {
    let (table, attempt) = Table::at_work();
    without_encoder(&table);
    let mut person = Client::greeted(&table.project, SERVER, &[]);
    let mut room = table.seat(SERVER, "engineer", &attempt.record.id);
    publish(&mut person, "convention", "Prices are integers of cents.", &["money"]);
    publish(&mut room, "decision", "The cart keeps cents in `cart_total`.", &["money", "cart"]);

    let theirs = room.ok("query", &json!({ "tags": ["MONEY"] }));
    assert_eq!(summaries(&theirs), ["Prices are integers of cents."]);
    assert_eq!(theirs["memories"][0]["author_role"], "human");
    let all = room.ok("query", &json!({ "tags": ["money"], "include_own": true }));
    assert_eq!(summaries(&all).len(), 2);
    let own = &all["memories"][0];
    assert_eq!((&own["room_id"], &own["plan_id"]), (&json!("room-001"), &json!("shop-000001")));
    assert_eq!(own["author_role"], "engineer");
    // Naming a room asks for it.
    let named = room.ok("query", &json!({ "room_id": "room-001" }));
    assert_eq!(summaries(&named), ["The cart keeps cents in `cart_total`."]);

    let found = person.ok("search", &json!({ "text": "cartTotal", "explain": true }));
    assert_eq!(found["hits"][0]["memory"]["id"], own["id"]);
    assert_eq!((&found["mode_used"], &found["not_yet_embedded"]), (&json!("lexical"), &json!(0)));
    let note = found["note"].as_str().unwrap();
    assert!(note.contains("words only") && note.contains("`none`"), "{note}");
    let explain = &found["hits"][0]["explain"];
    assert!(explain["lexical"].as_f64().is_some_and(|score| score > 0.0), "{explain}");
    assert_eq!(explain["lexical_rank"], 1);
    assert!(explain["decay"].as_f64().is_some_and(|decay| decay > 0.99), "{explain}");
    let terms: Vec<&str> =
        explain["terms"].as_array().unwrap().iter().map(|t| t["term"].as_str().unwrap()).collect();
    assert!(terms.contains(&"carttotal"), "{terms:?}");
    let (code, message) = person.refused("search", &json!({ "text": "cents", "mode": "semantic" }));
    assert_eq!(code, "unavailable");
    assert!(message.contains("`none`"), "{message}");
    let context = room.ok("get_context", &json!({ "brief_keywords": ["cents"] }));
    let markdown = context["markdown"].as_str().unwrap();
    assert!(markdown.starts_with("## Conventions\n\n- Prices are integers"), "{markdown}");
    assert!(!markdown.contains("cart_total"), "{markdown}");
}

#[test]
fn a_tool_that_is_not_for_the_role_is_neither_listed_nor_called() {
    let (table, attempt) = Table::at_work();
    without_encoder(&table);
    let id = attempt.record.id.to_string();
    let seat = ["--room", "room-001", "--role", "engineer", "--attempt", &id];
    let listed = |lists: &[&str]| {
        let mut client = Client::greeted(&table.project, SERVER, &[&seat[..], lists].concat());
        let answer = client.request("tools/list", &json!({}));
        let tools = answer["result"]["tools"].as_array().unwrap().iter();
        let names: Vec<String> =
            tools.map(|tool| tool["name"].as_str().unwrap().to_owned()).collect();
        (client, names)
    };
    let (mut client, names) = listed(&["--denied-tools", "publish,memory_query"]);
    assert_eq!(names, ["search", "get_context", "list_memories"]);
    let memory = json!({ "kind": "warning", "summary": "It leaks.", "tags": [] });
    let (code, why) = client.refused("publish", &memory);
    assert_eq!(code, "forbidden");
    assert_eq!(why, "`publish` is not for the role `engineer`: its `denied_tools` names it");
    assert_eq!(client.refused("query", &json!({})).0, "forbidden");
    assert_eq!(client.ok("list_memories", &json!({}))["memories"], json!([]));
    let (_client, names) = listed(&["--allowed-tools", "publish,query"]);
    assert_eq!(names, ["publish", "query"]);
    let (_client, names) = listed(&["--allowed-tools", ""]);
    assert_eq!(names, Vec::<String>::new());
}

#[test]
fn what_is_superseded_is_not_shown() {
    let table = Table::new();
    without_encoder(&table);
    let mut client = Client::greeted(&table.project, SERVER, &[]);
    let old = publish(&mut client, "decision", "Sessions last a day.", &["auth"]);
    // The index has seen the old one before the new one comes.
    let found = client.ok("search", &json!({ "text": "sessions" }));
    assert_eq!(found["hits"].as_array().map(Vec::len), Some(1));
    let new = json!({
        "kind": "decision", "summary": "Sessions last an hour.", "tags": ["auth"], "supersedes": old
    });
    client.ok("publish", &new);
    let found = client.ok("search", &json!({ "text": "sessions", "mode": "lexical" }));
    assert_eq!(found["hits"].as_array().map(Vec::len), Some(1));
    assert_eq!(found["hits"][0]["memory"]["summary"], "Sessions last an hour.");
    assert_eq!(found.get("note"), None);
    assert_eq!(summaries(&client.ok("query", &json!({}))), ["Sessions last an hour."]);
    let all = client.ok("query", &json!({ "include_superseded": true }));
    assert_eq!(summaries(&all).len(), 2);
    let missing = json!({
        "kind": "code", "summary": "s", "tags": ["t"],
        "supersedes": "mem-00000000000000000000000000"
    });
    let (code, message) = client.refused("publish", &missing);
    assert_eq!(code, "invalid_argument");
    assert!(message.contains("not in the ledger"), "{message}");
}

#[test]
fn lists_are_walked_by_cursor() {
    let table = Table::new();
    let mut client = Client::greeted(&table.project, SERVER, &[]);
    for number in 1..=7 {
        publish(&mut client, "code", &format!("memory {number}"), &["n"]);
    }
    let mut seen = Vec::new();
    let mut arguments = json!({ "limit": 3 });
    loop {
        let page = client.ok("list_memories", &arguments);
        let headlines = page["memories"].as_array().unwrap();
        seen.extend(headlines.iter().map(|m| m["headline"].as_str().unwrap().to_owned()));
        if page["next_cursor"].is_null() {
            break;
        }
        arguments["cursor"] = page["next_cursor"].clone();
    }
    let expected: Vec<_> = (1..=7).rev().map(|number| format!("memory {number}")).collect();
    assert_eq!(seen, expected);
    let newest = client.ok("query", &json!({ "last_n": 2 }));
    assert_eq!(summaries(&newest), ["memory 7", "memory 6"]);
    assert_eq!(newest["next_cursor"], Value::Null);
    let (code, _) = client.refused("query", &json!({ "cursor": "next" }));
    assert_eq!(code, "invalid_argument");
}

#[test]
fn a_context_keeps_to_its_budget() {
    let table = Table::new();
    let mut client = Client::greeted(&table.project, SERVER, &[]);
    for number in 1..=30 {
        publish(&mut client, "warning", &format!("trap {number} {}", "x".repeat(300)), &["t"]);
    }
    let context = client.ok("get_context", &json!({ "max_bytes": 2_000 }));
    assert!(context["markdown"].as_str().unwrap().len() <= 2_000);
    let shown = context["memory_ids"].as_array().unwrap().len();
    assert!(shown >= 3, "{context}");
    assert_eq!(context["left_out"], 30 - shown);
    let few = client.ok("get_context", &json!({ "max_entries": 2 }));
    assert_eq!(few["memory_ids"].as_array().map(Vec::len), Some(2));
}

#[test]
fn servers_share_one_index_and_outlive_its_loss() {
    let table = Table::new();
    without_encoder(&table);
    let mut clients: Vec<Client> =
        (0..3).map(|_| Client::greeted(&table.project, SERVER, &[])).collect();
    let layout = table.project.layout();
    assert!(!layout.memory_index().exists(), "opened before it was needed");
    for round in 0..6 {
        for (at, client) in clients.iter_mut().enumerate() {
            publish(client, "code", &format!("round {round} of client {at}"), &["t"]);
        }
        match round {
            2 => ostwin_core::fs::remove_dir_all(&layout.cache()).unwrap(),
            4 => ostwin_core::fs::replace_hint(&layout.memory_index(), b"rubbish").unwrap(),
            _ => {}
        }
        for client in &mut clients {
            let text = format!("round {round}");
            let found = client.ok("search", &json!({ "text": text, "max_results": 50 }));
            let hits = found["hits"].as_array().unwrap();
            assert_eq!(hits.len(), 3 * (round + 1), "round {round}");
            let best = hits[0]["memory"]["summary"].as_str().unwrap();
            assert!(best.starts_with(&text), "{best}");
        }
    }
    let whole = std::fs::read(layout.ledger()).unwrap();
    let poisoned = [b"[]\n{\"v\":1\n", whole.as_slice()].concat();
    ostwin_core::fs::replace_hint(&layout.ledger(), &poisoned).unwrap();
    let found = clients[0].ok("search", &json!({ "text": "client" }));
    assert_eq!(
        (&found["skipped_lines"], &found["hits"][0]["memory"]["kind"]),
        (&json!(2), &json!("code"))
    );
}
