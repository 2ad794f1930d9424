//! Arguments that try to get out: of the room's artifacts, of the project, of the session's role.
//! They are made from the tools' own schemas, so that a new tool is tried without a word here.

use std::collections::BTreeMap;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use ostwin_core::room::Attempt;
use serde_json::{Value, json};

use super::client::Client;
use super::hostile::{SERVERS, arguments, picture, shop_at_work, tools};
use super::shop::Shop;

/// What stands outside and must never be in an answer.
const CANARY: &str = "canary-that-nobody-may-read";

/// A folder outside of the project with a file in it, and links to both among the artifacts.
struct Outside {
    dir: PathBuf,
}

impl Outside {
    fn of(shop: &Shop) -> Self {
        let dir = shop.project.home().join("outside");
        std::fs::create_dir_all(dir.join("skill")).unwrap();
        let put = |name: &str, text: &str| {
            ostwin_core::fs::replace_hint(&dir.join(name), text.as_bytes()).unwrap();
        };
        put("secret.txt", CANARY);
        put("skill/SKILL.md", &format!("---\nname: skill\ndescription: {CANARY}\n---\n{CANARY}\n"));
        for number in 1..=2 {
            let artifacts = shop.room(number).paths().artifacts();
            symlink(dir.join("secret.txt"), artifacts.join("link-file")).unwrap();
            symlink(&dir, artifacts.join("link-folder")).unwrap();
        }
        // What another room delivers is not for this one to change.
        let other = shop.room(2).paths().artifacts().join("theirs.md");
        ostwin_core::fs::replace_hint(&other, b"theirs").unwrap();
        Self { dir }
    }

    /// What a hostile model could write for any text.
    fn hostile(&self) -> Vec<String> {
        let outside = self.dir.display();
        let mut all: Vec<String> = [
            "",
            " ",
            ".",
            "..",
            "../..",
            "../../../../../../etc/passwd",
            "../channel.jsonl",
            "../../room-002/artifacts/theirs.md",
            "a/../../config.json",
            "./../lifecycle.json",
            "link-file",
            "link-folder",
            "link-folder/secret.txt",
            "link-folder/new.txt",
            "link-folder/skill",
            "report.md/below",
            "/etc/passwd",
            "//etc/passwd",
            "~/outside/secret.txt",
            "$HOME/outside/secret.txt",
            "..\\..\\outside",
            "..%2f..%2foutside%2fsecret.txt",
            "\u{ff0e}\u{ff0e}/\u{ff0e}\u{ff0e}/outside",
            "..\u{2215}outside",
            "\u{202e}txt.terces",
            "report.md\0.txt",
            "\0",
            "line\nbreak",
            "-rf",
            "room-002",
            "room-999",
            "qa",
            "human",
            "engine",
            "manager",
            "passed",
            "failed-final",
            "cancelled",
            "pass",
            "timeout",
            "retry",
            "ostwin://room/../../outside/secret.txt",
            "git+ssh://example.invalid/x",
            "{\"role\":\"human\"}",
        ]
        .map(str::to_owned)
        .to_vec();
        all.extend([
            format!("{outside}/secret.txt"),
            format!("{outside}/skill"),
            format!("file://{outside}/secret.txt"),
            "../../../../../home/outside/secret.txt".to_owned(),
            "x".repeat(70_000),
            "../".repeat(300),
            "ä".repeat(5_000),
        ]);
        all
    }
}

/// What a session may change: its own room's messages, progress and artifacts, the log of its
/// calls, the memory, and what can be made anew.
fn is_out_of_bounds(shop: &Shop, attempt: &Attempt) -> impl Fn(&Path) -> bool {
    let (room, layout) = (shop.room(1).paths().clone(), shop.project.layout().clone());
    let own = [
        room.channel(),
        room.progress(),
        room.artifacts(),
        attempt.paths.tools(),
        layout.ledger(),
        layout.cache(),
    ];
    move |path| {
        let is_lock = path.extension().is_some_and(|ext| ext == "lock");
        !is_lock && !own.iter().any(|own| path == own)
    }
}

/// Where a schema takes text: the names of arguments, and whether each is a list.
fn text_arguments(tool: &Value) -> Vec<(String, bool)> {
    let properties = tool["inputSchema"]["properties"].as_object().cloned().unwrap_or_default();
    let takes_text = |schema: &Value| {
        let kinds = [&schema["type"], &schema["anyOf"][0]["type"], &schema["oneOf"][0]["type"]];
        let named = kinds.iter().any(|kind| kind.to_string().contains("string"));
        named
            || schema.get("enum").is_some()
            || schema.get("$ref").is_some()
            || schema.get("const").is_some()
    };
    properties
        .iter()
        .filter_map(|(name, schema)| {
            let is_list = schema["type"].to_string().contains("array");
            let text = if is_list { takes_text(&schema["items"]) } else { takes_text(schema) };
            text.then(|| (name.clone(), is_list))
        })
        .collect()
}

/// Calls a tool with every hostile text in every argument that takes text. Arguments by which it
/// would act for another it does not have.
fn try_tool(client: &mut Client, tool: &Value, hostile: &[String], base: &dyn Fn(&str) -> Value) {
    let name = tool["name"].as_str().unwrap();
    let properties = &tool["inputSchema"]["properties"];
    for foreign in ["role", "from", "author_role", "attempt", "room_dir", "project", "dir"] {
        if properties.get(foreign).is_none() {
            let mut call = base(name);
            call[foreign] = json!("human");
            let (answer, is_error) = client.call(name, &call);
            assert!(is_error && answer["field"] == foreign, "{name} takes `{foreign}`: {answer}");
        }
    }
    for (argument, is_list) in text_arguments(tool) {
        for text in hostile {
            let mut call = base(name);
            call[&argument] = if is_list { json!([text]) } else { json!(text) };
            let (answer, _) = client.call(name, &call);
            let told = answer.to_string();
            assert!(!told.contains(CANARY), "{name} told the canary for {argument} = {text:?}");
            assert!(!told.contains("root:x:"), "{name} read a file of the system: {text:?}");
        }
    }
}

fn difference(
    before: &BTreeMap<PathBuf, Vec<u8>>,
    after: &BTreeMap<PathBuf, Vec<u8>>,
) -> Vec<PathBuf> {
    let paths: std::collections::BTreeSet<_> = before.keys().chain(after.keys()).collect();
    paths.into_iter().filter(|path| before.get(*path) != after.get(*path)).cloned().collect()
}

#[test]
fn no_argument_leads_out_of_a_session() {
    for server in SERVERS {
        let (shop, attempt) = shop_at_work();
        let outside = Outside::of(&shop);
        let hostile = outside.hostile();
        let base = shop.project.root().parent().unwrap().to_owned();
        let wanted = is_out_of_bounds(&shop, &attempt);
        let before = picture(&base, &wanted);

        let mut client = shop.seat(server, 1, &attempt);
        for tool in tools(&mut client) {
            // A question waits for its answer: a few of them say enough.
            let few = tool["name"] == "ask_human";
            let hostile = if few { &hostile[5..7] } else { &hostile[..] };
            try_tool(&mut client, &tool, hostile, &arguments);
        }
        for text in &hostile {
            let answer = client.request("resources/read", &json!({ "uri": text }));
            assert!(!answer.to_string().contains(CANARY), "{server} told the canary for {text:?}");
        }

        assert_eq!(
            difference(&before, &picture(&base, &wanted)),
            Vec::<PathBuf>::new(),
            "{server}"
        );
        assert_eq!(shop.room(1).standing().unwrap().state.as_str(), "developing", "{server}");
        let artifacts = picture(&shop.room(1).paths().artifacts(), &|_| true);
        for (path, held) in artifacts {
            let kept = path.ends_with("link-file") || path.ends_with("link-folder");
            assert!(!kept || held.starts_with(b"/"), "{} was replaced", path.display());
        }
        // Whoever spoke spoke as who it is.
        for message in
            shop.room(1).channel().newest(&Default::default(), usize::MAX, None).unwrap().messages
        {
            let from = message.from.to_string();
            let is_own = message.attempt.as_ref() == Some(&attempt.record.id);
            assert!(
                if is_own { from == "engineer" || from == "engine" } else { from == "human" },
                "{message:?}"
            );
        }
    }
}

#[test]
fn no_room_that_a_person_names_leads_out_of_the_project() {
    for server in SERVERS {
        let (shop, attempt) = shop_at_work();
        let outside = Outside::of(&shop);
        let base = shop.project.root().parent().unwrap().to_owned();
        let wanted = is_out_of_bounds(&shop, &attempt);
        // What a person may change besides: the second room is as much theirs as the first.
        let second = shop.room(2).paths().channel();
        let wanted = |path: &Path| wanted(path) && path != second;
        let before = picture(&base, &wanted);
        let mut client = shop.person(server);
        let listed = tools(&mut client);
        // A person installs skills from wherever they like.
        for tool in listed.iter().filter(|tool| tool["name"] != "install_skill") {
            let takes = |name: &str| tool["inputSchema"]["properties"].get(name).is_some();
            let base = |name: &str| {
                let mut call = arguments(name);
                if takes("room_id") {
                    call["room_id"] = json!("room-001");
                }
                call
            };
            // The way through the arguments is the same as in a session, but for the room's.
            let every = if tool["name"] == "ask_human" { 40 } else { 2 };
            let hostile: Vec<String> = outside.hostile().into_iter().step_by(every).collect();
            try_tool(&mut client, tool, &hostile, &base);
        }
        let mut changed = difference(&before, &picture(&base, &wanted));
        // Naming the second room is no way out; only its messages may differ, and its progress.
        let theirs = shop.room(2).paths().clone();
        changed.retain(|path| {
            *path != theirs.progress() && *path != theirs.artifacts().join("report.md")
        });
        assert_eq!(changed, Vec::<PathBuf>::new(), "{server}");
    }
}
