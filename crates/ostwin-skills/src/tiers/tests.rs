use std::path::Path;

use ostwin_core::ids::{RoleName, RoomId, SkillName};
use ostwin_core::layout::Layout;

use super::*;
use crate::place::shipped_skills;

/// A project in a temporary folder, with a home beside it.
struct World {
    dir: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    fn layout(&self) -> Layout {
        Layout::new(self.dir.path().join("project"))
    }

    fn write(&self, dir: &Path, folder: &str, text: &str) {
        std::fs::create_dir_all(dir.join(folder)).unwrap();
        ostwin_core::fs::replace_hint(&dir.join(folder).join("SKILL.md"), text.as_bytes()).unwrap();
    }

    fn skill(&self, dir: &Path, name: &str, description: &str) {
        self.write(dir, name, &format!("---\nname: {name}\ndescription: {description}\n---\nx\n"));
    }

    fn session(&self, room: Option<&RoomId>) -> Places {
        let room = room.map(|room| self.layout().room(room));
        let role = RoleName::new("qa").unwrap();
        let home = self.dir.path().join("home");
        Places::of_session(&self.layout(), room.as_ref(), &role, Some(&home))
    }

    fn relative(&self, text: &str) -> String {
        text.replace(&self.dir.path().display().to_string(), "DIR")
    }
}

fn name(text: &str) -> SkillName {
    SkillName::new(text).unwrap()
}

#[test]
fn the_nearest_tier_wins() {
    let world = World::new();
    let room = RoomId::numbered(1);
    let places = world.session(Some(&room));
    for place in &places.folders {
        world.skill(&place.dir, "a", place.tier.as_str());
        world.skill(&place.dir, &format!("only-{}", place.tier.as_str()), "x");
    }
    world.skill(&world.layout().roles().join("engineer/skills"), "foreign", "x");
    let catalog = Catalog::discover(&places);
    assert_eq!(catalog.broken, []);
    let found = |name_of: &str| match catalog.find(&name(name_of)) {
        Some(Hit::Skill(entry)) => Some((entry.tier, entry.skill.description.as_str())),
        _ => None,
    };
    assert_eq!(found("a"), Some((Tier::Room, "room")));
    assert_eq!(found("only-role"), Some((Tier::Role, "x")));
    assert_eq!(found("only-user"), Some((Tier::User, "x")));
    assert_eq!(found("foreign"), None);
    let shipped = shipped_skills();
    assert_eq!(found(shipped[0].as_str()).map(|(tier, _)| tier), Some(Tier::Shipped));
    assert_eq!(catalog.skills.len(), 8 + shipped.len());
    assert_eq!(catalog.in_force().count(), 5 + shipped.len());
    let outside = Catalog::discover(&world.session(None));
    assert!(
        matches!(outside.find(&name("a")), Some(Hit::Skill(entry)) if entry.tier == Tier::Role)
    );
    assert_eq!(outside.nearest("only-usr"), Some("only-user"));
}

#[test]
fn what_is_broken_is_listed_and_hides_what_lies_below() {
    let world = World::new();
    let places = world.session(None);
    let project = world.layout().skills();
    let user = &places.folders[2].dir;
    world.write(&project, "a", "no front matter");
    world.skill(user, "a", "x");
    world.write(&project, "b", "---\nname: c\ndescription: x\n---\nx\n");
    world.skill(&project, "good", "x");
    std::fs::create_dir_all(project.join("my skill")).unwrap();
    std::fs::create_dir_all(project.join("empty")).unwrap();
    std::fs::create_dir_all(project.join(".git")).unwrap();
    std::os::unix::fs::symlink("nowhere", project.join("lost")).unwrap();
    ostwin_core::fs::replace_hint(&project.join("README.md"), b"x").unwrap();
    let catalog = Catalog::discover(&places);
    let broken: Vec<String> =
        catalog.broken.iter().map(|broken| world.relative(&broken.problem)).collect();
    assert_eq!(
        broken,
        [
            "DIR/project/.agents/skills/a/SKILL.md:1:1: there is no front matter: the file must \
             begin with YAML between two lines `---`, with `name` and `description`",
            "DIR/project/.agents/skills/b/SKILL.md: the skill is found by its folder `b`, but its \
             name is `c`; give both the same name",
            "DIR/project/.agents/skills/empty: there is no `SKILL.md`, which makes a folder a skill",
            "DIR/project/.agents/skills/lost: there is no `SKILL.md`, which makes a folder a skill",
            "DIR/project/.agents/skills/my skill: `my skill` is not a valid skill name: it may \
             hold only ASCII letters, digits, `-`, `_` and `.`",
        ]
    );
    assert!(matches!(catalog.find(&name("a")), Some(Hit::Broken(_))));
    assert!(matches!(catalog.find(&name("good")), Some(Hit::Skill(_))));
    assert!(!catalog.in_force().any(|entry| entry.skill.name == name("a")));
}

#[test]
fn everywhere_is_every_role_the_project_and_the_user() {
    let world = World::new();
    for role in ["qa", "engineer"] {
        let dir = world.layout().roles().join(role).join("skills");
        world.skill(&dir, &format!("for-{role}"), "x");
    }
    let places = Places::everywhere(Some(&world.layout()), None);
    let catalog = Catalog::discover(&places);
    let found: Vec<(&str, Option<&str>)> = catalog
        .skills
        .iter()
        .filter(|entry| entry.tier != Tier::Shipped)
        .map(|entry| (entry.skill.name.as_str(), entry.role.as_ref().map(RoleName::as_str)))
        .collect();
    assert_eq!(found, [("for-engineer", Some("engineer")), ("for-qa", Some("qa"))]);
    let searched: Vec<String> = catalog.searched.iter().map(|text| world.relative(text)).collect();
    assert_eq!(
        searched,
        [
            "role `DIR/project/.agents/roles/engineer/skills`",
            "role `DIR/project/.agents/roles/qa/skills`",
            "project `DIR/project/.agents/skills`",
            "the shipped skills",
        ]
    );
    assert_eq!(Places::everywhere(None, None).folders, []);
}
