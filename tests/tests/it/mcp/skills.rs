//! The skills server: what a session can learn, and what it may bring in.

use std::path::Path;

use ostwin_core::layout::user_skills;
use ostwin_testkit::TestProject;
use serde_json::{Value, json};

use super::client::{Client, Table};

const SERVER: &str = "ostwin-mcp-skills";

fn document(name: &str, more: &str) -> String {
    format!("---\nname: {name}\ndescription: How to do {name} well.\n{more}---\n\n# {name}\n")
}

/// Puts a skill into a folder of skills.
fn put(skills: &Path, name: &str, more: &str) {
    let dir = skills.join(name);
    ostwin_core::fs::create_dirs(&dir).unwrap();
    let text = document(name, more);
    ostwin_core::fs::replace_hint(&dir.join("SKILL.md"), text.as_bytes()).unwrap();
}

fn names(answer: &Value) -> Vec<&str> {
    let skills = answer["skills"].as_array().unwrap();
    skills.iter().map(|skill| skill["name"].as_str().unwrap()).collect()
}

fn let_engineers_install(project: &TestProject) {
    let settings = json!({
        "schema_version": 1, "durability": "os",
        "skills": { "install_roles": ["engineer"], "registry_url": "shelf" }
    });
    project.write(".agents/config.json", &settings.to_string()).unwrap();
}

#[test]
fn the_list_of_tools_is_an_interface() {
    let (table, attempt) = Table::at_work();
    let mut client = table.seat(SERVER, "engineer", &attempt.record.id);
    let listed = client.request("tools/list", &json!({}));
    let tools = &listed["result"]["tools"];
    for tool in tools.as_array().unwrap() {
        assert_eq!(tool["inputSchema"]["additionalProperties"], false, "{tool}");
        assert_eq!(tool["outputSchema"]["type"], "object", "{tool}");
        // A session looks with its own eyes; a role is named only to say for whom to install.
        let role = tool["inputSchema"]["properties"].get("role");
        assert_eq!(role.is_some(), tool["name"] == "install_skill", "{tool}");
    }
    insta::assert_json_snapshot!(SERVER, tools);
    let mut person = Client::greeted(&table.project, SERVER, &[]);
    let listed = person.request("tools/list", &json!({}));
    for tool in listed["result"]["tools"].as_array().unwrap() {
        assert!(tool["inputSchema"]["properties"]["role"].is_object(), "{tool}");
    }
}

#[test]
fn a_session_finds_what_its_role_may_use() {
    let (table, attempt) = Table::at_work();
    let layout = table.project.layout().clone();
    put(&layout.skills(), "for-qa", "applicable_roles: [qa]\ntags: [tiers]\n");
    put(&layout.skills(), "for-all", "tags: [tiers]\n");
    put(&layout.skills(), "risky", "trust_level: experimental\ntags: [tiers]\n");
    put(&layout.roles().join("engineer/skills"), "for-engineers", "tags: [tiers]\n");
    put(&layout.roles().join("qa/skills"), "of-qa", "tags: [tiers]\n");
    put(&user_skills(&table.project.home()), "my-own", "tags: [tiers]\n");
    let tiers = json!({ "query": "", "tags": ["TIERS"] });

    let mut session = table.seat(SERVER, "engineer", &attempt.record.id);
    let found = session.ok("search_skills", &tiers);
    assert_eq!(names(&found), ["for-all", "for-engineers", "my-own"]);
    let best = session.ok("search_skills", &json!({ "query": "engineers", "limit": 1 }));
    assert_eq!(names(&best), ["for-engineers"]);
    assert_eq!(best["skills"][0]["tier"], "role");
    let (code, message) = session.refused("load_skill", &json!({ "name": "for-qa" }));
    assert_eq!(code, "forbidden", "{message}");
    let (code, message) = session.refused("load_skill", &json!({ "name": "of-qa" }));
    assert_eq!(code, "not_found", "{message}");
    let (code, message) = session.refused("search_skills", &json!({ "query": "x", "role": "qa" }));
    assert_eq!(code, "invalid_argument", "{message}");

    let mut person = Client::greeted(&table.project, SERVER, &[]);
    let all = person.ok("search_skills", &tiers);
    assert_eq!(all["skills"].as_array().map(Vec::len), Some(6));
    let theirs = json!({ "query": "", "tags": ["tiers"], "role": "qa" });
    assert_eq!(
        names(&person.ok("search_skills", &theirs)),
        ["for-all", "for-qa", "my-own", "of-qa"]
    );
    let (code, _) = person.refused("search_skills", &json!({ "query": "", "role": "../qa" }));
    assert_eq!(code, "invalid_argument");
}

#[test]
fn a_skill_is_read_whole_and_nothing_beside_it() {
    let (table, attempt) = Table::at_work();
    let layout = table.project.layout().clone();
    put(&layout.skills(), "testing", "");
    table.project.write(".agents/skills/testing/docs/long.md", &"größe\n".repeat(20_000)).unwrap();
    table.project.write(".agents/skills/testing/secret.md", "x").unwrap();
    let dir = layout.skills().join("testing");
    ostwin_core::fs::remove_file(&dir.join("secret.md")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", dir.join("secret.md")).unwrap();
    std::os::unix::fs::symlink("/etc", dir.join("etc")).unwrap();
    ostwin_core::fs::create_file(
        &dir.join("tool.bin"),
        b"\xff\xfe\x00",
        true,
        ostwin_core::store::Durability::Os,
    )
    .unwrap();

    let mut session = table.seat(SERVER, "engineer", &attempt.record.id);
    let loaded = session.ok("load_skill", &json!({ "name": "testing" }));
    assert_eq!(loaded["body"], "# testing\n");
    assert_eq!((&loaded["tier"], &loaded["body_is_cut"]), (&json!("project"), &json!(false)));
    let files: Vec<&str> =
        loaded["files"].as_array().unwrap().iter().map(|f| f["path"].as_str().unwrap()).collect();
    assert_eq!(files, ["docs/long.md", "tool.bin"]);

    let mut text = String::new();
    let mut offset = json!(0);
    while !offset.is_null() {
        let args = json!({ "name": "testing", "path": "docs/long.md", "offset": offset });
        let part = session.ok("read_skill_file", &args);
        text.push_str(part["content"].as_str().unwrap());
        offset = part["next_offset"].clone();
    }
    assert_eq!(text, "größe\n".repeat(20_000));
    for (path, wanted) in [
        ("../../config.json", "invalid_argument"),
        ("/etc/passwd", "invalid_argument"),
        ("docs/../secret.md", "invalid_argument"),
        (".git/config", "invalid_argument"),
        ("secret.md", "forbidden"),
        ("etc/passwd", "forbidden"),
        ("none.md", "not_found"),
        ("docs", "invalid_argument"),
        ("tool.bin", "invalid_argument"),
    ] {
        let args = json!({ "name": "testing", "path": path });
        let (code, message) = session.refused("read_skill_file", &args);
        assert_eq!(code, wanted, "{path}: {message}");
    }
    for name in ["../skills/testing", "testing/docs", ""] {
        let (code, _) = session.refused("load_skill", &json!({ "name": name }));
        assert_eq!(code, "invalid_argument", "{name}");
    }
    let (_, message) = session.refused("load_skill", &json!({ "name": "testin" }));
    assert!(message.contains("did you mean `testing`?"), "{message}");
}

#[test]
fn what_the_session_was_given_goes_before_what_lies_there_now() {
    let (table, attempt) = Table::at_work();
    put(&table.project.layout().skills(), "testing", "version: 2\n");
    put(&attempt.paths.skills(), "testing", "version: 1\n");
    let mut session = table.seat(SERVER, "engineer", &attempt.record.id);
    let loaded = session.ok("load_skill", &json!({ "name": "testing" }));
    assert_eq!(loaded["tier"], "session");
    let args = json!({ "name": "testing", "path": "SKILL.md" });
    let read = session.ok("read_skill_file", &args);
    assert!(read["content"].as_str().unwrap().contains("version: 1"), "{read}");
}

#[test]
fn what_is_broken_is_listed_with_its_problem() {
    let (table, attempt) = Table::at_work();
    let layout = table.project.layout().clone();
    put(&layout.skills(), "sound", "");
    for (name, text) in [("number", "7"), ("other", "---\nname: x\ndescription: y\n---\n")] {
        table.project.write(&format!(".agents/skills/{name}/SKILL.md"), text).unwrap();
    }
    table.project.write(".agents/skills/bytes/SKILL.md", "").unwrap();
    ostwin_core::fs::replace_hint(&layout.skills().join("bytes/SKILL.md"), b"---\n\xff\n").unwrap();
    ostwin_core::fs::create_dirs(&layout.skills().join("empty")).unwrap();
    table.project.write(".agents/skills.lock.json", "{\"skills\": 7}").unwrap();
    let mut session = table.seat(SERVER, "engineer", &attempt.record.id);
    let listed = session.ok("list_installed", &json!({ "scope": "project" }));
    assert_eq!(names(&listed), ["sound"]);
    let broken: Vec<&str> =
        listed["broken"].as_array().unwrap().iter().map(|b| b["name"].as_str().unwrap()).collect();
    assert_eq!(broken.len(), 5, "{listed}");
    assert!(broken[0].ends_with("skills.lock.json"), "{broken:?}");
    assert_eq!(broken[1..], ["bytes", "empty", "number", "other"]);
    let (code, message) = session.refused("load_skill", &json!({ "name": "number" }));
    assert_eq!(code, "corrupt_state", "{message}");
    assert_eq!(session.ok("load_skill", &json!({ "name": "sound" }))["name"], "sound");
    let (code, message) = {
        let mut person = Client::greeted(&table.project, SERVER, &[]);
        table.project.write("elsewhere/new/SKILL.md", &document("new", "")).unwrap();
        person.refused("install_skill", &json!({ "source": "./elsewhere/new" }))
    };
    assert_eq!(code, "corrupt_state", "{message}");
    assert!(!layout.skills().join("new").exists());
}

#[test]
fn only_roles_with_the_right_install_and_only_into_their_project() {
    let (table, attempt) = Table::at_work();
    table.project.write("shelf/testing/SKILL.md", &document("testing", "version: 3\n")).unwrap();
    let from_folder = json!({ "source": "./shelf/testing" });
    let mut session = table.seat(SERVER, "engineer", &attempt.record.id);
    for arguments in [from_folder.clone(), json!({ "source": "./shelf/testing", "dry_run": true })]
    {
        let (code, message) = session.refused("install_skill", &arguments);
        assert_eq!(code, "forbidden");
        assert!(message.contains("skills.install_roles"), "{message}");
    }
    drop(session);

    let_engineers_install(&table.project);
    let mut session = table.seat(SERVER, "engineer", &attempt.record.id);
    let (code, _) =
        session.refused("install_skill", &json!({ "source": "./shelf/testing", "scope": "user" }));
    assert_eq!(code, "forbidden");
    let seen =
        session.ok("install_skill", &json!({ "source": "./shelf/testing", "dry_run": true }));
    assert_eq!((&seen["outcome"], &seen["dry_run"]), (&json!("added"), &json!(true)));
    assert!(!table.project.layout().skills().join("testing").exists());
    let entry = json!({
        "name": "testing", "description": "d", "version": "3", "source": "./testing",
        "sha256": seen["sha256"]
    });
    let index = json!({ "v": 1, "skills": [entry] }).to_string();
    table.project.write("shelf/index.json", &index).unwrap();
    let search = json!({ "query": "testing", "source": "registry" });
    let offered = session.ok("search_skills", &search);
    assert_eq!(offered["skills"][0]["tier"], "registry");
    let done = session.ok("install_skill", &json!({ "source": "testing", "version": "3" }));
    assert_eq!((&done["outcome"], &done["sha256"]), (&json!("added"), &seen["sha256"]));
    let listed = session.ok("list_installed", &json!({ "scope": "project" }));
    assert_eq!(listed["skills"][0]["installed"]["installed_by"], "engineer");
    assert_eq!(listed["skills"][0]["installed"]["edited"], false);
    assert_eq!(session.ok("load_skill", &json!({ "name": "testing" }))["tier"], "project");

    for (arguments, wanted, part) in [
        (json!({ "source": "testing@4" }), "not_found", "in version `4`"),
        (json!({ "source": "ext::sh -c x" }), "invalid_argument", "no programs"),
        (json!({ "source": "http://example.org/x.zip" }), "invalid_argument", "https://"),
        (json!({ "source": "./none" }), "not_found", "nothing at"),
        (
            json!({ "source": "./shelf/testing", "sha256": "0".repeat(64) }),
            "invalid_argument",
            "has changed",
        ),
        (json!({ "source": "./shelf/testing", "version": "9" }), "invalid_argument", "was wanted"),
        (json!({ "source": "./shelf/testing", "role": "a/b" }), "invalid_argument", "role"),
    ] {
        let (code, message) = session.refused("install_skill", &arguments);
        assert_eq!(code, wanted, "{arguments}: {message}");
        assert!(message.contains(part), "{message}");
    }
    table.project.write(".agents/skills/testing/mine.md", "x").unwrap();
    table.project.write("shelf/testing/SKILL.md", &document("testing", "version: 4\n")).unwrap();
    let (code, message) = session.refused("install_skill", &from_folder);
    assert_eq!(code, "conflict", "{message}");
    let (code, _) = session.refused("install_skill", &json!({ "source": "testing" }));
    assert_eq!(code, "invalid_argument", "the index promised another content");

    // The reviewer has no such right, and neither has a session that is over.
    let (code, _) =
        table.seat(SERVER, "qa", &attempt.record.id).refused("install_skill", &from_folder);
    assert_eq!(code, "forbidden");
    let other = "att-00000000000000000000000001".parse().unwrap();
    let (code, _) = table.seat(SERVER, "engineer", &other).refused("install_skill", &from_folder);
    assert_eq!(code, "conflict");
}

/// What a client that knows the extension finds, by name.
fn manifests(client: &mut Client) -> Vec<Value> {
    let mut all = Vec::new();
    let mut params = json!({});
    loop {
        let answer = client.request("skills/list", &params);
        all.extend(answer["result"]["skills"].as_array().unwrap().iter().cloned());
        match answer["result"].get("nextCursor") {
            Some(cursor) => params = json!({ "cursor": cursor }),
            None => return all,
        }
    }
}

#[test]
fn clients_that_know_the_extension_need_no_tool() {
    let (table, attempt) = Table::at_work();
    let layout = table.project.layout().clone();
    put(&layout.skills(), "testing", "version: 2\ntags: [a]\n");
    put(&attempt.paths.skills(), "testing", "version: 1\n");
    put(&layout.skills(), "for-qa", "applicable_roles: [qa]\n");
    put(&layout.skills(), "Odd_Name", "");
    table.project.write(".agents/skills/with-files/SKILL.md", &document("with-files", "")).unwrap();
    table.project.write(".agents/skills/with-files/a b/ü.md", "größe\n").unwrap();
    let dir = layout.skills().join("with-files");
    let sync = ostwin_core::store::Durability::Os;
    ostwin_core::fs::create_file(&dir.join("tool.bin"), b"\xff\xfe\x00", true, sync).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", dir.join("secret.md")).unwrap();

    let mut session = table.seat(SERVER, "engineer", &attempt.record.id);
    let all = manifests(&mut session);
    let mut names: Vec<&str> =
        all.iter().map(|skill| skill["frontmatter"]["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"testing") && names.contains(&"implementing"), "{names:?}");
    assert!(!names.contains(&"for-qa") && !names.contains(&"Odd_Name"), "{names:?}");
    let many = names.len();
    names.dedup();
    assert_eq!(names.len(), many);

    // What the session was given goes before what lies there now, as for the tools.
    let address = "skill://testing/SKILL.md";
    let got = session.request("skills/get", &json!({ "uri": address }));
    let skill = &got["result"]["skill"];
    assert_eq!(Some(skill), all.iter().find(|skill| skill["uri"] == address));
    assert_eq!(skill["frontmatter"]["version"], 1);
    assert_eq!(skill["frontmatter"]["description"], "How to do testing well.");
    let read = session.request("resources/read", &json!({ "uri": address }));
    let text = read["result"]["contents"][0]["text"].as_str().unwrap();
    assert!(text.contains("version: 1"), "{text}");
    let promised = &skill["resources"][0];
    let hash = format!("sha256:{}", ostwin_core::plans::sha256(text.as_bytes()));
    assert_eq!((&promised["digest"], &promised["size"]), (&json!(hash), &json!(text.len())));

    let got = session.request("skills/get", &json!({ "uri": "skill://with-files/SKILL.md" }));
    let files: Vec<&str> = got["result"]["skill"]["resources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| file["uri"].as_str().unwrap())
        .collect();
    assert_eq!(
        files,
        [
            "skill://with-files/SKILL.md",
            "skill://with-files/a%20b/%C3%BC.md",
            "skill://with-files/tool.bin"
        ]
    );
    let read = session.request("resources/read", &json!({ "uri": files[1] }));
    assert_eq!(read["result"]["contents"][0]["text"], "größe\n");
    let read = session.request("resources/read", &json!({ "uri": files[2] }));
    assert_eq!(read["result"]["contents"][0]["blob"], "//4A");

    for address in [
        "skill://with-files/secret.md",
        "skill://with-files/../testing/SKILL.md",
        "skill://with-files/%2e%2e/testing/SKILL.md",
        "skill://with-files/none.md",
        "skill://for-qa/SKILL.md",
        "skill://nowhere/SKILL.md",
        "file:///etc/passwd",
    ] {
        for method in ["resources/read", "skills/get"] {
            let answer = session.request(method, &json!({ "uri": address }));
            assert!(answer["error"]["code"].is_number(), "{method} {address}: {answer}");
        }
    }
    let answer = session.request("skills/list", &json!({ "cursor": "x" }));
    assert_eq!(answer["error"]["code"], -32602, "{answer}");
    let listed = session.request("resources/list", &json!({}));
    let listed = listed["result"]["resources"].as_array().unwrap();
    assert!(listed.iter().any(|resource| resource["uri"] == address), "{listed:?}");
    // The tools go on, and so do servers without skills.
    assert_eq!(session.ok("load_skill", &json!({ "name": "testing" }))["tier"], "session");
    let mut other = table.seat("ostwin-mcp-memory", "engineer", &attempt.record.id);
    let answer = other.request("skills/list", &json!({}));
    assert_eq!(answer["error"]["code"], -32601, "{answer}");
}
