//! Skills in a run: who gets them, how a session reads them, and what stops it.

use ostwin_core::ids::RoomId;
use ostwin_core::layout::AttemptPaths;
use serde_json::{Value, json};

use crate::field::{Field, one_epic};

fn skill(field: &Field, dir: &str, name: &str, more: &str) {
    let text = format!("---\nname: {name}\ndescription: About {name}.\n{more}---\n\nDo it.\n");
    field.project.write(&format!("{dir}/{name}/SKILL.md"), &text).unwrap();
}

/// The attempts of a room, oldest first.
fn attempts(field: &Field, room: u32) -> Vec<AttemptPaths> {
    let room = field.project.layout().room(&RoomId::numbered(room));
    let mut attempts: Vec<AttemptPaths> = std::fs::read_dir(room.attempts())
        .unwrap()
        .map(|entry| AttemptPaths::at(entry.unwrap().path()))
        .collect();
    attempts.sort_by_key(AttemptPaths::number);
    attempts
}

fn lines(path: &std::path::Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_session_gets_its_skills_and_loads_one() {
    let field = Field::built_in();
    skill(&field, ".agents/skills", "adding-carts", "applicable_roles: [engineer]\n");
    skill(&field, "../home/.agents/skills", "weighing", "");
    field.plan("PLAN.md", &one_epic("- Skills: weighing"));
    let checked = field.expect(&["plan", "check", "PLAN.md"], 0);
    assert!(!format!("{}{}", checked.stdout, checked.stderr).contains("warning"), "{checked:?}");
    field.expect(&["run", "PLAN.md", "--no-wait"], 0);
    let attempts = attempts(&field, 1);
    let [work, review] = attempts.as_slice() else { panic!("{attempts:?}") };

    let has = |attempt: &AttemptPaths, name: &str| attempt.skills().join(name).is_dir();
    let (mine, weighing, shipped) = ("adding-carts", "weighing", "working-in-a-room");
    assert!(has(work, mine) && has(work, weighing) && has(work, shipped));
    assert!(!has(review, mine) && has(review, weighing) && has(review, shipped));

    let calls = lines(&work.tools());
    let loaded: Vec<&Value> = calls.iter().filter(|call| call["tool"] == "load_skill").collect();
    assert_eq!(loaded.len(), 1, "{calls:?}");
    assert_eq!((&loaded[0]["server"], &loaded[0]["outcome"]), (&json!("skills"), &json!("ok")));
    assert_eq!(loaded[0]["arguments"], json!({ "name": mine }));

    let record: Value = serde_json::from_slice(&std::fs::read(work.record()).unwrap()).unwrap();
    let given = record["provenance"]["skills"]["given"].as_array().unwrap();
    let of = |name: &str| given.iter().find(|skill| skill["name"] == name).unwrap();
    assert_eq!(of(mine)["asked_by"], json!([{"by": "folder", "place": "project"}]));
    assert_eq!(of(weighing)["tier"], "user");
    assert_eq!(of(weighing)["asked_by"][0]["by"], "epic");
    let prompt = std::fs::read_to_string(work.prompt()).unwrap();
    assert!(prompt.contains("- `adding-carts`: About adding-carts."));
}

#[test]
fn a_skill_that_is_missing_stops_the_run_before_anything_starts() {
    let field = Field::built_in();
    field.plan("PLAN.md", &one_epic("- Skills: no-such-skill"));
    let refused = field.expect(&["run", "PLAN.md", "--no-wait"], 2);
    for named in ["skill `no-such-skill`, wanted by epic", "looked in role", "the shipped skills"] {
        assert!(refused.stderr.contains(named), "{named:?} in {}", refused.stderr);
    }
    assert!(field.plans().is_empty());
    field.expect(&["config", "set", "skills.preflight", "warn"], 0);
    field.expect(&["run", "PLAN.md", "--no-wait"], 0);
}

#[test]
fn resolve_says_who_asked_and_why_not() {
    let field = Field::built_in();
    skill(&field, ".agents/skills", "for-engineers", "applicable_roles: [engineer]\n");
    skill(&field, ".agents/skills", "new", "trust_level: experimental\n");
    let told = field.expect(&["resolve", "skills", "--role", "qa", "--json"], 0);
    let told: Value = serde_json::from_str(&told.stdout).unwrap();
    let given: Vec<&str> =
        told["skills"].as_array().unwrap().iter().filter_map(|it| it["name"].as_str()).collect();
    assert!(given.contains(&"reviewing-against-criteria"), "{given:?}");
    assert_eq!(
        told["left_out"],
        json!([
            {
                "name": "for-engineers",
                "why": { "reason": "other_roles", "roles": ["engineer"] },
                "asked_by": [{ "by": "folder", "place": "project" }]
            },
            {
                "name": "new",
                "why": { "reason": "experimental" },
                "asked_by": [{ "by": "folder", "place": "project" }]
            }
        ])
    );
    let text = field.expect(&["resolve", "skills", "--role", "engineer"], 0).stdout;
    for word in ["SKILL ", "for-engineers", "project folder", "LEFT OUT", "built in/implementing"] {
        assert!(text.contains(word), "{word:?} in {text}");
    }
    field.plan("PLAN.md", &one_epic(""));
    field.expect(&["run", "PLAN.md", "--no-wait"], 0);
    let args = ["resolve", "skills", "--role", "engineer", "--room", "room-001", "--json"];
    let told: Value = serde_json::from_str(&field.expect(&args, 0).stdout).unwrap();
    assert!(told["searched"][0].as_str().unwrap().starts_with("room `"), "{told}");
    field.expect(&["resolve", "skills", "--role", "engineer", "--room", "room-009"], 2);
}

#[test]
fn a_circle_is_shown_whole() {
    let field = Field::built_in();
    skill(&field, ".agents/skills", "one", "dependencies: [two]\n");
    skill(&field, ".agents/skills", "two", "dependencies: [one]\n");
    let refused = field.expect(&["resolve", "skills", "--role", "qa"], 2);
    assert!(refused.stderr.contains("in a circle: `one` -> `two` -> `one`"), "{}", refused.stderr);
}

#[test]
fn who_names_a_skill_gets_it_whichever_roles_it_is_for() {
    let field = Field::built_in();
    field
        .project
        .write(".agents/roles/builder/role.json", r#"{"skill_refs": ["implementing"]}"#)
        .unwrap();
    field.project.write(".agents/roles/builder/ROLE.md", "You build.").unwrap();
    let told = field.expect(&["resolve", "skills", "--role", "builder", "--json"], 0);
    let told: Value = serde_json::from_str(&told.stdout).unwrap();
    let skill = told["skills"].as_array().unwrap().iter().find(|it| it["name"] == "implementing");
    let skill = skill.unwrap();
    assert_eq!(skill["asked_by"][0]["by"], "role.json");
    assert!(skill["applicable_roles"].as_array().is_some_and(|roles| !roles.is_empty()), "{skill}");
    let text = field.expect(&["resolve", "skills", "--role", "builder"], 0).stdout;
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("counts more"), "{text}");
}

#[test]
fn a_plan_gets_a_skill_without_an_edit_of_its_text() {
    let field = Field::built_in();
    skill(&field, "../home/.agents/skills", "weighing", "");
    field.plan("PLAN.md", &one_epic(""));
    let set = ["config", "set", "--plan", "PLAN.md", "skill_refs", "weighing"];
    let unknown = field.expect(&set, 2);
    assert!(unknown.stderr.contains("no plan was imported"), "{}", unknown.stderr);
    field.expect(&["run", "PLAN.md", "--no-wait"], 0);
    field.expect(&set, 0);
    let stored = field.plans()[0].paths.skills();
    let said: Value = serde_json::from_slice(&std::fs::read(&stored).unwrap()).unwrap();
    assert_eq!(said, json!({ "schema_version": 1, "skill_refs": ["weighing"] }));
    let args = ["resolve", "skills", "--role", "engineer", "--room", "room-001", "--json"];
    let told: Value = serde_json::from_str(&field.expect(&args, 0).stdout).unwrap();
    let found = told["skills"].as_array().unwrap().iter().find(|it| it["name"] == "weighing");
    let by = &found.unwrap()["asked_by"];
    assert_eq!(by, &json!([{ "by": "plan", "place": stored }]));

    let refused = field.expect(&["config", "set", "--plan", "PLAN.md", "max_retries", "1"], 2);
    assert!(refused.stderr.contains("kept beside a plan"), "{}", refused.stderr);
    field.expect(&["config", "set", "--plan", "PLAN.md", "roles.engineer.model", "larger"], 0);
    let args = ["resolve", "role", "--role", "engineer", "--room", "room-001", "--json"];
    let model = field.expect(&args, 0).stdout;
    assert!(model.contains("larger"), "{model}");
    ostwin_core::fs::replace_hint(&stored, b"{\"skills\": []}").unwrap();
    let broken =
        field.expect(&["resolve", "skills", "--role", "engineer", "--room", "room-001"], 2);
    assert!(broken.stderr.contains("PLAN.skills.json"), "{}", broken.stderr);
}
