//! Files that hold what no program of ours would write, or that are no files at all: every tool
//! answers, and the server lives on.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use ostwin_core::ledger::{Draft, Kind, Ledger};
use ostwin_core::room::Attempt;
use ostwin_core::store::Store;
use serde_json::{Value, json};

use super::client::Client;
use super::hostile::{SERVERS, arguments, shop_at_work, tools};
use super::shop::{Shop, each};

/// What a call may fail with that is about a file.
const OF_FILES: [&str; 3] = ["corrupt_state", "io_error", "too_large"];
/// What it may fail with besides.
const OF_CALLS: [&str; 4] = ["not_found", "conflict", "forbidden", "invalid_argument"];

/// Most memory that a server may have used, in KiB, whatever it was given to read.
const MAX_PEAK_KIB: u64 = 160 * 1024;

type Poison = (&'static str, fn(&Path, &[u8]));

#[expect(clippy::disallowed_methods, reason = "what is written here is no good file")]
fn put(path: &Path, bytes: &[u8]) {
    std::fs::write(path, bytes).unwrap();
}

const POISONS: [Poison; 13] = [
    ("a number", |path, _| put(path, b"42\n")),
    ("null", |path, _| put(path, b"null\n")),
    ("an object", |path, _| put(path, b"{}\n")),
    ("a list", |path, _| put(path, b"[]\n")),
    ("no UTF-8", |path, _| put(path, b"{\"v\":1,\"body\":\"\xff\xfe\"}\n")),
    ("nothing", |path, _| put(path, b"")),
    ("zeros", |path, _| put(path, &[0; 4_096])),
    ("10 MB without an end", |path, _| put(path, &vec![b'z'; 10 << 20])),
    ("a 10 MB line", |path, good| put(path, &[&vec![b'['; 10 << 20], &b"\n"[..], good].concat())),
    ("a torn tail", |path, good| put(path, &[good, &b"{\"v\":1,\"seq\":99,\"bo"[..]].concat())),
    ("a folder", |path, _| std::fs::create_dir(path).unwrap()),
    ("a pipe", |path, _| {
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mkfifoat(rustix::fs::CWD, path, mode).unwrap();
    }),
    ("a link to nothing", |path, _| symlink("/no/such/place", path).unwrap()),
];

/// Puts a poison in the place of a file while `work` runs.
fn poisoned(path: &Path, poison: Poison, work: impl FnOnce()) {
    let good = std::fs::read(path).unwrap();
    ostwin_core::fs::remove_file(path).unwrap();
    poison.1(path, &good);
    work();
    if std::fs::symlink_metadata(path).unwrap().is_dir() {
        ostwin_core::fs::remove_dir_all(path).unwrap();
    }
    ostwin_core::fs::remove_file(path).unwrap();
    put(path, &good);
}

/// The files that servers read, of the room at work, of its plan and of the project.
fn files(shop: &Shop, attempt: &Attempt) -> Vec<PathBuf> {
    let (room, plan) = (shop.room(1).paths(), &shop.plan.paths);
    vec![
        room.config(),
        room.lifecycle(),
        room.audit(),
        room.status(),
        room.channel(),
        room.progress(),
        attempt.paths.record(),
        plan.dag(),
        plan.meta(),
        shop.project.layout().ledger(),
    ]
}

/// Calls every tool: each answers, and an error about a file names one.
fn call_all(client: &mut Client, names: &[String], what: &str) {
    for tool in names {
        let (answer, is_error) = client.call(tool, &arguments(tool));
        if !is_error {
            continue;
        }
        let code = answer["code"].as_str().unwrap_or_default();
        let message = answer["message"].as_str().unwrap_or_default();
        let of_file = OF_FILES.contains(&code);
        assert!(of_file || OF_CALLS.contains(&code), "{what}, {tool}: {answer}");
        assert!(!of_file || message.contains('/'), "{what}, {tool} names no file: {answer}");
    }
}

fn names(client: &mut Client) -> Vec<String> {
    let listed = tools(client);
    let names = each(&Value::Array(listed), "name").into_iter().map(str::to_owned).collect();
    // It waits for a person; what it reads meanwhile others read too.
    let waits = |name: &String| name != "ask_human";
    Vec::into_iter(names).filter(waits).collect()
}

#[test]
fn every_tool_answers_whatever_its_files_hold() {
    let (shop, attempt) = shop_at_work();
    for server in SERVERS {
        let mut client = shop.seat(server, 1, &attempt);
        let names = names(&mut client);
        for path in files(&shop, &attempt) {
            for poison in POISONS {
                let what = format!("{server}, {} is {}", path.display(), poison.0);
                poisoned(&path, poison, || call_all(&mut client, &names, &what));
            }
        }
        // With the good files back, everything is as before.
        for tool in names.iter().filter(|tool| !tool.contains("skill")) {
            let (answer, is_error) = client.call(tool, &arguments(tool));
            assert!(!is_error || answer["code"] == "conflict", "{server}, {tool}: {answer}");
        }
        let peak = client.peak_kib();
        assert!(peak < MAX_PEAK_KIB, "{server} used {peak} KiB");
    }
}

#[test]
fn a_server_starts_or_says_why_not() {
    let (shop, attempt) = shop_at_work();
    let layout = shop.project.layout();
    let paths =
        [layout.config(), shop.room(1).paths().config(), attempt.paths.record(), layout.ledger()];
    let id = attempt.record.id.to_string();
    let args = ["--room", "room-001", "--role", "engineer", "--attempt", &id];
    for server in SERVERS {
        for path in &paths {
            for poison in POISONS {
                poisoned(path, poison, || {
                    let mut client = Client::start(&shop.project, server, &args);
                    if client.try_initialize().is_none() {
                        let (status, _) = client.hang_up();
                        let what = format!("{server}, {} is {}", path.display(), poison.0);
                        assert!(matches!(status.code(), Some(2 | 6)), "{what}: {status}");
                    }
                });
            }
        }
    }
}

#[test]
fn a_question_is_asked_in_a_broken_channel_too() {
    let (shop, attempt) = shop_at_work();
    let mut client = shop.seat(SERVERS[0], 1, &attempt);
    let channel = shop.room(1).paths().channel();
    // Each waits a second for its answer.
    let waited = ["10 MB without an end", "a torn tail", "a folder", "a pipe", "a link to nothing"];
    for poison in POISONS.into_iter().filter(|poison| waited.contains(&poison.0)) {
        poisoned(&channel, poison, || {
            let (answer, is_error) = client.call("ask_human", &arguments("ask_human"));
            let code = answer["code"].as_str().unwrap_or_default();
            assert!(!is_error || OF_FILES.contains(&code), "{}: {answer}", poison.0);
        });
    }
}

#[test]
fn lines_that_cannot_be_read_are_counted_by_every_list() {
    let (shop, attempt) = shop_at_work();
    let bad = b"42\nnull\n{}\n[]\n{\"seq\":1,\"body\":\"\xff\"}\nno json\n".as_slice();
    for path in [shop.room(1).paths().channel(), shop.project.layout().ledger()] {
        let good = std::fs::read(&path).unwrap();
        put(&path, &[bad, &good, bad].concat());
    }
    let mut room = shop.seat(SERVERS[0], 1, &attempt);
    let all = room.ok("read_messages", &json!({ "limit": 50 }));
    assert_eq!(
        (each(&all["messages"], "body"), &all["skipped_lines"]),
        (vec!["The first message."], &json!(12))
    );
    let mut memory = shop.seat(SERVERS[1], 1, &attempt);
    let all = memory.ok("query", &json!({ "include_own": true, "limit": 50 }));
    assert_eq!(all["skipped_lines"], 12, "{all}");
    assert_eq!(all["memories"].as_array().map(Vec::len), Some(1), "{all}");
}

#[test]
fn a_ledger_that_is_replaced_is_read_anew() {
    let (shop, attempt) = shop_at_work();
    let ledger = shop.project.layout().ledger();
    let mut client = shop.seat(SERVERS[1], 1, &attempt);
    let found = |client: &mut Client, text: &str| {
        let asked = json!({ "text": text, "mode": "lexical", "include_own": true });
        let answer = client.ok("search", &asked);
        answer["hits"].as_array().unwrap_or_else(|| panic!("{answer}")).len()
    };
    assert_eq!(found(&mut client, "cents"), 1);
    let aside = Ledger::new(shop.project.root().join("other.jsonl"));
    let draft = Draft {
        kind: Kind::Warning,
        room_id: None,
        plan_id: None,
        author_role: "human".parse().unwrap(),
        reference: None,
        tags: Vec::new(),
        summary: "The mail server rejects attachments.".to_owned(),
        detail: None,
        supersedes: None,
        key: None,
    };
    aside.publish(&Store::default(), draft).unwrap();
    let other = std::fs::read(aside.path()).unwrap();
    for _ in 0..2 {
        // Another file under the name, then another content in the file.
        ostwin_core::fs::replace_hint(&ledger, &other).unwrap();
        assert_eq!((found(&mut client, "cents"), found(&mut client, "attachments")), (0, 1));
        put(&ledger, b"");
        assert_eq!((found(&mut client, "cents"), found(&mut client, "attachments")), (0, 0));
    }
    client.ok("publish", &arguments("publish"));
    let all = client.ok("query", &json!({ "include_own": true }));
    assert_eq!(all["memories"].as_array().map(Vec::len), Some(1), "{all}");
}
