//! What a session runs with where the room, the project, the user and what is shipped disagree: each
//! value names the place that decided it.

use serde_json::{Value, json};

use crate::field::{Field, one_epic};

/// Where each tier keeps its files, from the project's root.
const ROOM: &str = ".agents/war-rooms/room-001";
const PROJECT: &str = ".agents";
const USER: &str = "../home/.agents";
const USER_SETTINGS: &str = "../home/.config/ostwin";

/// A finished plan of one epic that sets its own timeout.
fn field() -> Field {
    let settings = json!({
        "default_model": "of-the-project",
        "skill_refs": ["everywhere", "at-home", "shared"],
        "roles": { "qa": { "timeout_seconds": 60 } },
    });
    let field = Field::new(&json!({ "v": 1 }), &settings);
    let of_user =
        json!({ "default_model": "of-the-user", "agent_retries": 2, "timeout_seconds": 700 });
    write(&field, &format!("{USER_SETTINGS}/config.json"), &of_user);
    for tier in [PROJECT, USER] {
        skill(&field, tier, "everywhere");
        role(&field, tier, "engineer");
    }
    skill(&field, PROJECT, "shared");
    skill(&field, USER, "at-home");
    role(&field, USER, "architect");
    servers(
        &field,
        &format!("{USER_SETTINGS}/mcp.json"),
        "user",
        &["everywhere", "shared", "at-home"],
    );
    servers(&field, &format!("{PROJECT}/mcp/config.json"), "project", &["everywhere", "shared"]);
    field.plan("PLAN.md", &one_epic("- timeout: 77\n- max_retries: 5\n"));
    field.expect(&["run", "PLAN.md", "--no-wait"], 0);
    skill(&field, ROOM, "everywhere");
    role(&field, ROOM, "engineer");
    servers(&field, &format!("{ROOM}/mcp.json"), "room", &["everywhere"]);
    field.expect(&["room", "set", "room-001", "model", "of-the-room"], 0);
    field
}

fn write(field: &Field, path: &str, value: &Value) {
    field.project.write(path, &value.to_string()).unwrap();
}

fn skill(field: &Field, tier: &str, name: &str) {
    let text = format!("---\nname: {name}\ndescription: About {name}.\n---\n\nDo it.\n");
    field.project.write(&format!("{tier}/skills/{name}/SKILL.md"), &text).unwrap();
}

/// A role that wants its own model and retries, named after its tier.
fn role(field: &Field, tier: &str, name: &str) {
    let spec = json!({ "model": format!("by-role-json-in {tier}"), "max_retries": 9 });
    write(field, &format!("{tier}/roles/{name}/role.json"), &spec);
    field.project.write(&format!("{tier}/roles/{name}/ROLE.md"), "Work.\n").unwrap();
}

fn servers(field: &Field, file: &str, tier: &str, names: &[&str]) {
    let entry =
        |name: &&str| ((*name).to_owned(), json!({ "command": [format!("{tier}-server")] }));
    let servers: serde_json::Map<String, Value> = names.iter().map(entry).collect();
    write(field, file, &json!({ "mcp": servers }));
}

/// What `resolve` says of a role, in the room or outside of it.
fn resolve(field: &Field, what: &str, role: &str, room: bool) -> Value {
    let mut args = vec!["resolve", what, "--role", role, "--json"];
    if room {
        args.extend(["--room", "room-001"]);
    }
    serde_json::from_str(&field.expect(&args, 0).stdout).unwrap()
}

/// `[name, tier]` of everything in a list, without what is shipped or our own.
fn tiers(list: &Value) -> Value {
    let named = list.as_array().unwrap().iter().map(|it| json!([it["name"], it["tier"]]));
    named.filter(|it| !["shipped", "own"].contains(&it[1].as_str().unwrap())).collect()
}

#[test]
fn a_role_comes_from_the_nearest_tier() {
    let field = field();
    let found = |role: &str, room: bool| {
        let role = resolve(&field, "role", role, room)["role"].clone();
        (role["tier"].clone(), role["prompt_file"].as_str().unwrap_or_default().to_owned())
    };
    for (role, in_room, tier, file) in [
        ("engineer", true, "room", "war-rooms/room-001/roles/engineer/ROLE.md"),
        ("engineer", false, "project", "project/.agents/roles/engineer/ROLE.md"),
        ("architect", true, "user", "home/.agents/roles/architect/ROLE.md"),
        ("qa", true, "shipped", "ROLE.md"),
    ] {
        let (found_tier, found_file) = found(role, in_room);
        assert_eq!(found_tier, json!(tier), "{role}");
        assert!(found_file.ends_with(file), "{role}: {found_file}");
    }
}

#[test]
fn every_value_of_a_session_names_who_set_it() {
    let field = field();
    let told = |role: &str, room: bool, key: &str| {
        let setting = resolve(&field, "model", role, room)["settings"][key].clone();
        (setting["value"].clone(), setting["source"]["kind"].clone())
    };
    for (role, in_room, key, value, kind) in [
        ("engineer", true, "model", json!("of-the-room"), "room"),
        ("engineer", false, "model", json!(format!("by-role-json-in {PROJECT}")), "role_file"),
        ("architect", false, "model", json!(format!("by-role-json-in {USER}")), "role_file"),
        ("qa", false, "model", json!("of-the-project"), "project"),
        ("engineer", true, "timeout_seconds", json!(77), "epic"),
        ("qa", false, "timeout_seconds", json!(60), "role"),
        ("engineer", false, "timeout_seconds", json!(700), "user"),
        ("engineer", true, "max_retries", json!(5), "epic"),
        ("engineer", false, "max_retries", json!(9), "role_file"),
        ("qa", false, "max_retries", json!(3), "shipped"),
        ("engineer", true, "agent", json!("rehearsal"), "project"),
        ("engineer", true, "agent_retries", json!(2), "user"),
        ("engineer", true, "retry_delay_seconds", json!(0), "shipped"),
    ] {
        assert_eq!(told(role, in_room, key), (value, json!(kind)), "{key} of {role}");
    }
    // The nearest things of all: a variable, and the file that a value stands in.
    let mut command = field.ostwin(&["resolve", "model", "--role", "qa", "--json"]);
    command.env("OSTWIN_DEFAULT_MODEL", "of-the-environment");
    let said = ostwin_testkit::Process::finish(&mut command, crate::field::PATIENCE).unwrap();
    let said: Value = serde_json::from_str(&said.stdout).unwrap();
    let model = &said["settings"]["model"];
    assert_eq!(model["value"], json!("of-the-environment"));
    assert_eq!(model["source"]["kind"], json!("environment"));
    let timeout =
        resolve(&field, "model", "engineer", false)["settings"]["timeout_seconds"].clone();
    assert!(timeout["source"].to_string().contains(".config/ostwin/config.json"), "{timeout}");
}

#[test]
fn a_skill_comes_from_the_nearest_tier() {
    let field = field();
    assert_eq!(
        tiers(&resolve(&field, "skills", "engineer", true)["skills"]),
        json!([["at-home", "user"], ["everywhere", "room"], ["shared", "project"]])
    );
    assert_eq!(
        tiers(&resolve(&field, "skills", "engineer", false)["skills"]),
        json!([["at-home", "user"], ["everywhere", "project"], ["shared", "project"]])
    );
}

#[test]
fn a_server_comes_from_the_nearest_tier() {
    let field = field();
    let listed = resolve(&field, "mcp", "engineer", true)["servers"].clone();
    let mut found = tiers(&listed);
    found.as_array_mut().unwrap().sort_by_key(ToString::to_string);
    assert_eq!(found, json!([["at-home", "user"], ["everywhere", "room"], ["shared", "project"]]));
    let of = |name: &str| {
        let server = listed.as_array().unwrap().iter().find(|it| it["name"] == name).unwrap();
        (server["command"].clone(), server["source"].as_str().unwrap().to_owned())
    };
    for (name, command, file) in [
        ("everywhere", "room-server", "war-rooms/room-001/mcp.json"),
        ("shared", "project-server", ".agents/mcp/config.json"),
        ("at-home", "user-server", ".config/ostwin/mcp.json"),
    ] {
        let (found, source) = of(name);
        assert_eq!(found, json!(command), "{name}");
        assert!(source.ends_with(file), "{name}: {source}");
    }
}

#[test]
fn a_room_has_the_retries_that_its_role_is_said_to_have() {
    let field = Field::built_in();
    role(&field, PROJECT, "engineer");
    let of_room = |plan: &str, variables: &[(&str, &str)]| {
        field.plan("PLAN.md", &one_epic(plan));
        let mut command = field.ostwin(&["run", "PLAN.md", "--new", "--no-wait"]);
        command.envs(variables.iter().copied());
        let run = ostwin_testkit::Process::finish(&mut command, crate::field::PATIENCE).unwrap();
        assert_eq!(run.status.code(), Some(0), "{}", run.stderr);
        let newest = field.plans().into_iter().max_by_key(|plan| plan.meta.imported_at).unwrap();
        let (room, _) = field.rooms(&newest.meta.plan_id).remove(0);
        room.machine().unwrap().max_retries
    };
    let said = resolve(&field, "model", "engineer", false);
    assert_eq!(said["settings"]["max_retries"]["value"], json!(9));
    assert_eq!(of_room("", &[]), 9);
    assert_eq!(of_room("- max_retries: 5\n", &[]), 5);
    assert_eq!(of_room("- max_retries: 5\n", &[("OSTWIN_MAX_RETRIES", "2")]), 2);
}
