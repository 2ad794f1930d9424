//! Roles by command: which there are, new ones, copies, drafts, and whether they are in order.

use ostwin_testkit::Finished;
use serde_json::{Value, json};

use crate::field::Field;

fn value(finished: &Finished) -> Value {
    serde_json::from_str(&finished.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", finished.stdout))
}

fn read(field: &Field, path: &str) -> String {
    std::fs::read_to_string(field.project.root().join(path)).unwrap()
}

/// What lies in the project's folder of roles.
fn roles(field: &Field) -> Vec<String> {
    let entries = std::fs::read_dir(field.project.layout().roles()).into_iter().flatten();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn listed(field: &Field, all: bool, name: &str) -> Vec<(String, bool)> {
    let args: &[&str] =
        if all { &["role", "list", "--all", "--json"] } else { &["role", "list", "--json"] };
    let listed = value(&field.expect(args, 0));
    let of_name = listed.as_array().unwrap().iter().filter(|role| role["name"] == name);
    of_name
        .map(|role| {
            (role["tier"].as_str().unwrap().to_owned(), role["shadowed"].as_bool().unwrap())
        })
        .collect()
}

#[test]
fn a_new_role_is_two_files_and_an_entry_and_is_made_once() {
    let field = Field::built_in();
    let args = [
        "role",
        "new",
        "map-maker",
        "--description",
        "Draws the maps.",
        "--capabilities",
        "cartography, svg",
    ];
    let made = field.expect(&args, 0);
    assert!(made.stderr.contains("ostwin role check map-maker"), "{}", made.stderr);
    let spec: Value =
        serde_json::from_str(&read(&field, ".agents/roles/map-maker/role.json")).unwrap();
    assert_eq!(
        spec,
        json!({
            "schema_version": 1, "name": "map-maker", "display_name": "map maker",
            "description": "Draws the maps.", "capabilities": ["cartography", "svg"],
            "prompt_file": "ROLE.md", "instance_type": "worker",
        })
    );
    let prompt = read(&field, ".agents/roles/map-maker/ROLE.md");
    assert!(prompt.starts_with("# map maker\n") && prompt.contains("Draws the maps."), "{prompt}");
    let registry: Value = serde_json::from_str(&read(&field, ".agents/registry.json")).unwrap();
    let entries = registry["roles"].as_array().unwrap();
    assert_eq!(entries.iter().filter(|entry| entry["name"] == "map-maker").count(), 1);
    assert_eq!(listed(&field, false, "map-maker"), [("project".to_owned(), false)]);
    assert_eq!(roles(&field), ["map-maker"], "nothing is left of the making");
    field.expect(&["role", "check", "map-maker"], 0);

    let again = field.expect(&args, 2);
    assert!(again.stderr.contains("there is a role `map-maker`"), "{}", again.stderr);
    let shipped = field.expect(&["role", "new", "engineer"], 2);
    assert!(shipped.stderr.contains("ostwin role clone engineer engineer"), "{}", shipped.stderr);
    field.expect(&["role", "new", "../x"], 2);
    assert_eq!(roles(&field), ["map-maker"]);
}

#[test]
fn a_role_is_made_whole_or_not_at_all() {
    let field = Field::built_in();
    field.project.write(".agents/registry.json", "{\"roles\":").unwrap();
    let refused = field.expect(&["role", "new", "map-maker", "--description", "Draws."], 2);
    assert!(refused.stderr.contains("registry.json:1"), "{}", refused.stderr);
    assert_eq!(roles(&field), Vec::<String>::new());
}

#[test]
fn a_copy_has_everything_and_its_own_name() {
    let field = Field::built_in();
    field.expect(&["role", "clone", "engineer", "builder"], 0);
    let spec: Value =
        serde_json::from_str(&read(&field, ".agents/roles/builder/role.json")).unwrap();
    assert_eq!((&spec["name"], spec.get("display_name")), (&json!("builder"), None));
    assert!(!read(&field, ".agents/roles/builder/ROLE.md").is_empty());

    field.project.write(".agents/roles/builder/skills/own/SKILL.md", "kept").unwrap();
    field.expect(&["role", "clone", "builder", "mason"], 0);
    assert_eq!(read(&field, ".agents/roles/mason/skills/own/SKILL.md"), "kept");

    // Under its own name it is the project's, and hides the shipped one.
    field.expect(&["role", "clone", "qa", "qa"], 0);
    assert_eq!(listed(&field, false, "qa"), [("project".to_owned(), false)]);
    assert_eq!(
        listed(&field, true, "qa"),
        [("project".to_owned(), false), ("shipped".to_owned(), true)]
    );
    assert!(read(&field, ".agents/roles/qa/role.json").contains("display_name"));
    field.expect(&["role", "clone", "qa", "qa"], 2);
    let unknown = field.expect(&["role", "clone", "enginer", "x"], 2);
    assert!(unknown.stderr.contains("did you mean `engineer`?"), "{}", unknown.stderr);

    let link = field.project.root().join(".agents/roles/builder/secrets");
    std::os::unix::fs::symlink("/etc", &link).unwrap();
    let refused = field.expect(&["role", "clone", "builder", "thief"], 2);
    assert!(refused.stderr.contains("neither a file nor a folder"), "{}", refused.stderr);
    assert_eq!(roles(&field), ["builder", "mason", "qa"]);
}

#[test]
fn what_is_not_in_order_is_named_with_what_was_meant() {
    let field = Field::built_in();
    let clean = field.expect(&["role", "check"], 0);
    assert!(clean.stderr.contains("8 roles checked: in order"), "{}", clean.stderr);
    let spec = json!({
        "capabilites": ["x"], "agent": "opencod", "skill_refs": ["triag"],
        "disabled_skills": ["no-such-thing"], "mcp_refs": ["memory", "browsr"],
    });
    field.project.write(".agents/roles/odd/role.json", &spec.to_string()).unwrap();
    let broken = field.expect(&["role", "check", "odd"], 2);
    assert!(broken.stdout.contains("ROLE.md` does not exist"), "{}", broken.stdout);

    field.project.write(".agents/roles/odd/ROLE.md", "# Odd\n").unwrap();
    let servers = json!({ "mcp": { "browser": { "command": ["b"] } } });
    field.project.write(".agents/mcp/config.json", &servers.to_string()).unwrap();
    let found = value(&field.expect(&["role", "check", "odd", "--json"], 2));
    let told: Vec<(String, String)> = found["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            let text = |name: &str| one[name].as_str().unwrap().to_owned();
            (text("severity"), text("problem"))
        })
        .collect();
    let expected = [
        ("warning", "did you mean `capabilities`?"),
        ("error", "no agent `opencod` (did you mean `opencode`?)"),
        ("error", "no tier has the skill `triag` (did you mean `triage`?)"),
        ("warning", "no tier has the skill `no-such-thing`"),
        ("error", "no tier has the MCP server `browsr` (did you mean `browser`?)"),
    ];
    assert_eq!(told.len(), expected.len(), "{told:?}");
    for ((severity, problem), (level, part)) in told.iter().zip(expected) {
        assert!(severity == level && problem.contains(part), "{severity}: {problem}");
    }
    let text = field.expect(&["role", "check"], 2);
    assert!(text.stderr.contains("9 roles checked: 3 errors, 2 warnings"), "{}", text.stderr);
    field.expect(&["role", "check", "engineer"], 0);
    field.expect(&["role", "check", "nobody"], 2);
}

fn drafting(content: Option<&str>) -> Field {
    let before = content.map_or_else(Vec::new, |content| {
        vec![json!({ "do": "artifact", "path": "ROLE.md", "content": content })]
    });
    Field::new(
        &json!({ "v": 1, "rules": [{ "when": { "role": ["manager"] }, "before": before }] }),
        &json!({}),
    )
}

const DRAFT: [&str; 6] =
    ["role", "new", "map-maker", "--description", "Draws the maps.", "--draft"];

#[test]
fn the_manager_drafts_a_role() {
    let field = drafting(Some("# Map maker\n\nYou draw maps that people find their way with.\n"));
    let made = field.expect(&DRAFT, 0);
    assert!(made.stdout.contains("You draw maps"), "{}", made.stdout);
    let prompt = read(&field, ".agents/roles/map-maker/ROLE.md");
    assert!(prompt.contains("You draw maps that people find"), "{prompt}");
    let room = field.room(1);
    let attempts = room.attempts().unwrap();
    assert_eq!(attempts.len(), 1, "one session, and no review");
    assert_eq!(attempts[0].record.role.to_string(), "manager");
    field.expect(&["role", "check", "map-maker"], 0);
    field.check_no_process();
}

#[test]
fn a_draft_that_is_none_makes_no_role() {
    for content in [None, Some("no heading")] {
        let field = drafting(content);
        let failed = field.finish(&DRAFT);
        assert_eq!(failed.status.code(), Some(1), "{}\n{}", failed.stdout, failed.stderr);
        assert_eq!(roles(&field), Vec::<String>::new(), "{}", failed.stderr);
        let registry = field.project.layout().registry();
        let known = std::fs::read_to_string(registry).unwrap_or_default();
        assert!(!known.contains("map-maker"));
    }
}
