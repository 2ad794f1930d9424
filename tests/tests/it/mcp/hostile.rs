//! What the tests of bad files and of bad arguments share: every server, a call of every tool, and
//! a picture of a folder.

use std::collections::BTreeMap;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use ostwin_core::room::Attempt;
use serde_json::{Value, json};

use super::client::Client;
use super::shop::Shop;

/// Every server that sessions get.
pub(super) const SERVERS: [&str; 4] =
    ["ostwin-mcp-warroom", "ostwin-mcp-memory", "ostwin-mcp-dashboard", "ostwin-mcp-skills"];

/// A plan whose first room is at work: the engineer's attempt, and an artifact.
pub(super) fn shop_at_work() -> (Shop, Attempt) {
    let shop = Shop::new();
    shop.moved(1, &["ready"]);
    let attempt = shop.open(1, "engineer");
    shop.note(1, "The first message.");
    let mut client = shop.seat(SERVERS[0], 1, &attempt);
    client.ok("write_artifact", &json!({ "path": "report.md", "content": "as it was" }));
    client.ok("report_progress", &json!({ "percent": 5, "message": "begun" }));
    let mut client = shop.seat(SERVERS[1], 1, &attempt);
    client.ok(
        "publish",
        &json!({ "kind": "decision", "summary": "Totals are in cents.", "tags": ["money"] }),
    );
    (shop, attempt)
}

/// Arguments with which a tool does its work, or says at once why it cannot. A new tool needs a
/// line here, and is tested by it.
pub(super) fn arguments(tool: &str) -> Value {
    match tool {
        "post_message" => json!({ "to": "qa", "type": "note", "body": "b", "ref": "EPIC-001" }),
        "read_messages" => json!({ "limit": 2 }),
        "get_latest" => json!({ "type": "note" }),
        // The state that it expects is none, so it never moves the room.
        "update_status" => json!({ "signal": "done", "expected": "fixing", "reason": "r" }),
        "report_progress" => json!({ "percent": 10, "message": "m" }),
        "list_artifacts" => json!({ "limit": 5 }),
        "write_artifact" => json!({ "path": "report.md", "content": "c" }),
        "read_artifact" => json!({ "path": "report.md" }),
        "ask_human" => json!({ "question": "q?", "timeout_seconds": 1 }),
        "publish" => json!({ "kind": "decision", "summary": "s", "tags": ["t"] }),
        "query" | "list_memories" | "list_plans" | "list_rooms" => json!({ "limit": 2 }),
        // Not by meaning: that would start the sentence encoder.
        "search" => json!({ "text": "cents", "mode": "lexical" }),
        "get_context" => json!({ "brief_keywords": ["cents"] }),
        "get_room_state" => json!({ "room_id": "room-001" }),
        "get_plan_status" | "aggregate_stats" | "list_installed" => json!({}),
        "search_skills" => json!({ "query": "review", "source": "local" }),
        "load_skill" => json!({ "name": "no-such-skill" }),
        "read_skill_file" => json!({ "name": "no-such-skill", "path": "SKILL.md" }),
        "install_skill" => json!({ "source": "no/such/folder", "dry_run": true }),
        other => panic!("the tool `{other}` is new: say with which arguments it is tried"),
    }
}

/// The tools of a server, as it lists them.
pub(super) fn tools(client: &mut Client) -> Vec<Value> {
    let answer = client.request("tools/list", &json!({}));
    answer["result"]["tools"].as_array().unwrap_or_else(|| panic!("{answer}")).clone()
}

/// Every entry below `dir` that `wanted` takes, and what it holds. Links are not followed.
pub(super) fn picture(dir: &Path, wanted: &dyn Fn(&Path) -> bool) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![dir.to_owned()];
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(&dir).unwrap().map(Result::unwrap) {
            let (path, kind) = (entry.path(), entry.file_type().unwrap());
            if !wanted(&path) {
                continue;
            }
            let held = if kind.is_dir() {
                open.push(path.clone());
                b"folder".to_vec()
            } else if kind.is_symlink() {
                std::fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes()
            } else if kind.is_fifo() {
                b"pipe".to_vec()
            } else {
                std::fs::read(&path).unwrap()
            };
            found.insert(path, held);
        }
    }
    found
}
