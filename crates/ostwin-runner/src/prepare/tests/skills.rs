//! The skills of a session.

use super::*;

impl World {
    fn skill(&self, dir: &str, name: &str, more: &str) {
        let text = format!("---\nname: {name}\ndescription: About {name}.\n{more}---\n\nDo it.\n");
        self.files.write(&format!("{dir}/{name}/SKILL.md"), &text).unwrap();
    }

    fn settled(&self, room: &Room, role: &str) -> Result<Settled, String> {
        let home = self.files.home().display().to_string();
        self.occasion(room, role, settle)
            .map_err(|error| self.relative(&error.to_string()).replace(&home, "HOME"))
    }
}

fn given(settled: &Settled) -> Vec<(String, Vec<String>)> {
    let told = |skill: &ostwin_skills::resolve::ResolvedSkill| {
        let askers = skill.asked_by.iter().map(ToString::to_string).collect();
        (skill.name.to_string(), askers)
    };
    settled.skills.given.iter().map(told).collect()
}

fn with_role(role: &Value, settings: &Value) -> World {
    let mut world = World::with(settings);
    world.host.environment.clear();
    world.files.write(".agents/roles/engineer/role.json", &role.to_string()).unwrap();
    world.files.write(".agents/roles/engineer/ROLE.md", "Build.").unwrap();
    world
}

#[test]
fn every_place_adds_its_skills_and_is_named() {
    let world = with_role(
        &json!({ "skill_refs": ["of-role"], "disabled_skills": ["unwanted"] }),
        &json!({
            "default_agent": "rehearsal",
            "skill_refs": ["of-config"],
            "roles": { "engineer": { "skill_refs": ["of-settings"] } },
        }),
    );
    let user = "../home/.agents/skills";
    for name in ["of-role", "of-config", "of-settings", "unasked"] {
        world.skill(user, name, "");
    }
    world.skill(".agents/skills", "of-project", "dependencies: [base]\n");
    world.skill(".agents/skills", "unwanted", "");
    world.skill(user, "base", "");
    world.skill(".agents/roles/engineer/skills", "of-folder", "");
    let room = world.room(1, "Cart", &[], &["engineer", "qa"]);
    let mut contract = room.contract().unwrap();
    contract.skill_refs = vec!["base".parse().unwrap()];
    fs::replace_json_hint(&room.paths().config(), &contract).unwrap();
    world.skill(".agents/war-rooms/room-001/skills", "of-role", "");

    let settled = world.settled(&room, "engineer").unwrap();
    let told: Vec<(String, Vec<String>)> = given(&settled)
        .into_iter()
        .map(|(name, askers)| (name, askers.iter().map(|asker| world.relative(asker)).collect()))
        .collect();
    let expected = [
        ("base", vec!["skill `of-project`", "epic PROJECT/.agents/war-rooms/room-001/config.json"]),
        ("of-config", vec!["project config.json"]),
        ("of-folder", vec!["role folder"]),
        ("of-project", vec!["project folder"]),
        ("of-role", vec!["room folder", "role.json PROJECT/.agents/roles/engineer"]),
        ("of-settings", vec!["role roles.engineer.skill_refs"]),
    ]
    .map(|(name, askers)| (name.to_owned(), askers.into_iter().map(str::to_owned).collect()));
    assert_eq!(told, expected);
    assert_eq!(settled.skills.warnings, Vec::<String>::new());
    let record = settled.provenance().unwrap();
    assert_eq!(record["skills"]["given"][4]["tier"], "room");
    assert_eq!(
        world.relative(&record["skills"]["left_out"].to_string()),
        r#"[{"name":"unwanted","why":{"reason":"disabled","by":{"by":"role.json","place":"PROJECT/.agents/roles/engineer"}},"asked_by":[{"by":"folder","place":"project"}]}]"#
    );
    // Who reviews has other files, and gets what is for everybody.
    let names: Vec<String> =
        given(&world.settled(&room, "qa").unwrap()).into_iter().map(|(name, _)| name).collect();
    for name in ["base", "of-config", "of-project", "of-role", "unwanted"] {
        assert!(names.contains(&name.to_owned()), "{names:?}");
    }
    assert!(!names.contains(&"of-folder".to_owned()));
}

#[test]
fn a_session_reads_its_skills_from_a_copy_by_their_server() {
    let world = with_role(
        &json!({ "skill_refs": ["testing-carts"] }),
        &json!({ "default_agent": "rehearsal" }),
    );
    world.skill(".agents/skills", "testing-carts", "applicable_roles: [engineer]\n");
    world.files.write(".agents/skills/testing-carts/references/list.md", "- a\n").unwrap();
    let outside = world.files.write("secret", "hidden").unwrap();
    let link = world.files.root().join(".agents/skills/testing-carts/link.md");
    std::os::unix::fs::symlink(outside, link).unwrap();
    let room = world.room(1, "Cart", &[], &["engineer", "qa"]);
    let attempt = open(&room, "engineer");
    let session = world.prepare(&room, &attempt).unwrap();
    assert_eq!(
        world.section(&session, "Skills").unwrap(),
        "Each of these is a set of instructions for one kind of work, written to be followed. \
         Before you begin such work, load its skill: `load_skill` of the server `skills`, with the \
         name.\n\n- `testing-carts`: About testing-carts."
    );
    let tools = world.section(&session, "Tools").unwrap();
    assert!(tools.contains("Server `skills`:\n\n- `load_skill`"), "{tools}");
    assert!(!tools.contains("install_skill"), "{tools}");
    assert_eq!(
        session.warnings,
        [
            "skill `testing-carts`: `link.md` is not copied: it is a link, and links are not followed"
        ]
    );
    assert!(!attempt.paths.skills().exists());
    session.write(world.project.store()).unwrap();
    let copy = attempt.paths.skills().join("testing-carts");
    assert_eq!(fs::read(&copy.join("references/list.md"), 99).unwrap(), b"- a\n");
    assert!(!copy.join("link.md").exists());
}

#[test]
fn without_the_server_skills_are_read_from_their_folder() {
    let world = with_role(
        &json!({ "skill_refs": ["typing"], "mcp_refs": [] }),
        &json!({ "default_agent": "rehearsal" }),
    );
    world.skill(".agents/skills", "typing", "");
    let room = world.room(1, "Cart", &[], &["engineer", "qa"]);
    let attempt = open(&room, "engineer");
    let session = world.prepare(&room, &attempt).unwrap();
    let index = world.section(&session, "Skills").unwrap();
    let dir = world.relative(&attempt.paths.skills().display().to_string());
    assert!(index.contains(&format!("in the folder of that name below `{dir}`.")), "{index}");
    assert!(!session.prompt.text.contains("load_skill"));
}

#[test]
fn a_server_that_is_not_there_is_missed_aloud() {
    let world = with_role(
        &json!({ "skill_refs": ["typing"], "capabilities": ["reporting"] }),
        &json!({ "default_agent": "rehearsal", "skills": { "install_roles": ["engineer"] } }),
    );
    world.skill(".agents/skills", "typing", "");
    let room = world.room(1, "Cart", &[], &["engineer", "qa"]);
    let attempt = open(&room, "engineer");
    let names = |session: &PreparedSession| -> Vec<String> {
        session.mcp_servers().iter().map(|server| server.name.clone()).collect()
    };
    let session = world.prepare(&room, &attempt).unwrap();
    assert_eq!(names(&session), mcp::OWN);
    assert!(world.section(&session, "Tools").unwrap().contains("install_skill"));
    for name in ["skills", "dashboard"] {
        fs::remove_file(&world.files.root().join(format!("bin/ostwin-mcp-{name}"))).unwrap();
    }
    let session = world.prepare(&room, &attempt).unwrap();
    assert_eq!(names(&session), ["warroom", "memory"]);
    assert_eq!(session.warnings.len(), 2);
    assert!(
        session.warnings[0].starts_with(
            "the session has no server `skills`: `ostwin-mcp-skills` is neither beside"
        )
    );
}

#[test]
fn a_skill_that_is_named_and_missing_stops_the_session_unless_told_otherwise() {
    let role = json!({ "skill_refs": ["testin"] });
    let world = with_role(&role, &json!({ "default_agent": "rehearsal" }));
    let room = world.room(1, "Cart", &[], &["engineer", "qa"]);
    assert_eq!(
        world.settled(&room, "engineer").unwrap_err(),
        "skill `testin`, wanted by role.json PROJECT/.agents/roles/engineer: no tier has it (did \
         you mean `testing`?); looked in room `PROJECT/.agents/war-rooms/room-001/skills`, role \
         `PROJECT/.agents/roles/engineer/skills`, project `PROJECT/.agents/skills`, user `HOME/.agents/skills`, the shipped skills; mend, install or take out what is \
         named, or set `skills.preflight` to `warn`"
    );
    let lenient = json!({ "default_agent": "rehearsal", "skills": { "preflight": "warn" } });
    let world = with_role(&role, &lenient);
    let room = world.room(1, "Cart", &[], &["engineer", "qa"]);
    let settled = world.settled(&room, "engineer").unwrap();
    assert_eq!((settled.skills.given.len(), settled.skills.warnings.len()), (0, 1));
}

#[test]
fn the_shipped_roles_get_the_skills_that_they_name() {
    let world = World::new();
    let room = world.room(1, "Cart", &[], &["engineer", "qa"]);
    for role in shipped_roles() {
        let settled = world.settled(&room, &role).unwrap();
        let names: Vec<String> = given(&settled).into_iter().map(|(name, _)| name).collect();
        for wanted in &settled.role.spec.skill_refs {
            assert!(names.contains(&wanted.to_string()), "{role} lacks {wanted}");
        }
        assert!(!names.is_empty(), "{role} has no skill");
        assert_eq!(settled.skills.warnings, Vec::<String>::new(), "{role}");
    }
}

fn shipped_roles() -> Vec<String> {
    let roles = crate::roles::shipped_files();
    let folder =
        |path: &std::path::Path| path.parent().and_then(std::path::Path::to_str).map(str::to_owned);
    let mut roles: Vec<String> = roles.iter().filter_map(|file| folder(file.path)).collect();
    roles.sort();
    roles.dedup();
    assert_eq!(roles.len(), 8);
    roles
}
