use std::path::{Path, PathBuf};

use ostwin_core::ids::{RoleName, RoomId};
use ostwin_core::layout::Layout;
use ostwin_core::store::{Durability, Store};

use super::*;

struct Place {
    dir: tempfile::TempDir,
    layout: Layout,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::new(dir.path().join("project"));
        std::fs::create_dir_all(layout.roles()).unwrap();
        Self { dir, layout }
    }

    fn home(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    /// Files of a role in one of the tiers.
    fn role(&self, roles: &Path, name: &str, settings: Option<&str>, prompt: Option<&str>) {
        let dir = roles.join(name);
        std::fs::create_dir_all(&dir).unwrap();
        for (file, text) in [("role.json", settings), ("ROLE.md", prompt)] {
            if let Some(text) = text {
                ostwin_core::fs::replace_hint(&dir.join(file), text.as_bytes()).unwrap();
            }
        }
    }

    fn room_roles(&self) -> PathBuf {
        self.layout.room(&RoomId::numbered(1)).roles()
    }

    fn places(&self) -> RolePlaces {
        let room = self.layout.room(&RoomId::numbered(1));
        RolePlaces::of(&self.layout, Some(&room), Some(&self.home())).unwrap()
    }

    fn find(
        &self,
        name: &str,
        capabilities: &[&str],
        dynamic: bool,
    ) -> Result<ResolvedRole, String> {
        let name = RoleName::new(name).unwrap();
        let capabilities: Vec<String> = capabilities.iter().map(|c| (*c).to_owned()).collect();
        let wanted = Wanted {
            name: &name,
            capabilities: &capabilities,
            description: Some("Draws\nthe maps."),
        };
        let dir = self.dir.path().to_string_lossy().into_owned();
        find_role(&wanted, &self.places(), dynamic)
            .map_err(|error| error.to_string().replace(&dir, "DIR"))
    }

    fn found(&self, name: &str) -> (RoleTier, String) {
        let role = self.find(name, &[], false).unwrap();
        (role.tier, role.prompt)
    }
}

#[test]
fn the_first_tier_that_has_the_role_wins() {
    let place = Place::new();
    let user = ostwin_core::layout::user_roles(&place.home());
    let elsewhere = place.dir.path().join("elsewhere");
    place.role(&elsewhere, "poet", Some("{}"), Some("from the registry"));
    let entry = format!(
        r#"{{"roles":[{{"name":"poet","path":"{}"}}],"assignment_rules":{{"default_role":"poet"}}}}"#,
        elsewhere.join("poet").display()
    );
    ostwin_core::fs::replace_hint(&place.layout.registry(), entry.as_bytes()).unwrap();
    assert_eq!(place.found("poet"), (RoleTier::Registry, "from the registry".to_owned()));
    assert_eq!(place.found("qa").0, RoleTier::Shipped);

    for name in ["poet", "qa"] {
        place.role(&user, name, Some("{}"), Some("from the user"));
        assert_eq!(place.found(name), (RoleTier::User, "from the user".to_owned()));
        // A folder that only holds skills is no role.
        std::fs::create_dir_all(place.layout.roles().join(name).join("skills")).unwrap();
        assert_eq!(place.found(name).0, RoleTier::User);
        place.role(&place.layout.roles(), name, None, Some("from the project"));
        assert_eq!(place.found(name), (RoleTier::Project, "from the project".to_owned()));
        place.role(&place.room_roles(), name, Some("{}"), Some("from the room"));
        assert_eq!(place.found(name), (RoleTier::Room, "from the room".to_owned()));
    }
    let tiers: Vec<(String, RoleTier)> = list_roles(&place.places())
        .into_iter()
        .map(|role| (role.name.to_string(), role.tier))
        .filter(|(name, _)| ["poet", "qa", "engineer"].contains(&name.as_str()))
        .collect();
    let expected =
        [("engineer", RoleTier::Shipped), ("poet", RoleTier::Room), ("qa", RoleTier::Room)];
    assert_eq!(tiers, expected.map(|(name, tier)| (name.to_owned(), tier)));
}

#[test]
fn capabilities_find_a_stand_in() {
    let place = Place::new();
    let role = place.find("penetration-tester", &["appsec", "privacy"], false).unwrap();
    assert_eq!(role.name.as_str(), "penetration-tester");
    assert_eq!(role.stands_in.as_ref().map(RoleName::as_str), Some("security-auditor"));
    assert_eq!((role.tier, role.warnings.len()), (RoleTier::Registry, 1));
}

#[test]
fn what_no_tier_has_is_made_or_named() {
    let place = Place::new();
    assert_eq!(
        place.find("enginer", &[], false).unwrap_err(),
        "there is no role `enginer` (did you mean `engineer`?); looked in room \
         `DIR/project/.agents/war-rooms/room-001/roles`, project `DIR/project/.agents/roles`, \
         user `DIR/home/.agents/roles`, the shipped roles, registry `built in/registry.json`; \
         make it with `ostwin role new enginer` or set `dynamic_roles` to true"
    );
    let role = place.find("map-maker", &["cartography"], true).unwrap();
    assert_eq!(role.tier, RoleTier::Dynamic);
    assert!(
        role.prompt.starts_with(
            "# map maker\n\nYou are the map maker of a team that carries out a plan. What you are \
             here for: Draws the maps.\n\nThe team counts on you for: cartography.\n\n## How"
        ),
        "{}",
        role.prompt
    );
    assert_eq!(role, place.find("map-maker", &["cartography"], true).unwrap());
}

#[test]
fn a_made_role_is_written_once_and_then_found() {
    let place = Place::new();
    let store = Store { durability: Durability::Os, ..Store::default() };
    let made = place.find("map-maker", &["cartography"], true).unwrap();
    let create = || {
        create_dynamic_role(&place.layout, &store, &made.spec, &made.prompt, &made.name).unwrap()
    };
    let dir = place.layout.roles().join("map-maker");
    assert_eq!(create(), Created::New(dir.clone()));
    let found = place.find("map-maker", &[], false).unwrap();
    assert_eq!(
        (found.tier, &found.spec, &found.prompt),
        (RoleTier::Project, &made.spec, &made.prompt)
    );
    assert_eq!(found.warnings, Vec::<String>::new());
    let stand_in = place.find("globe-maker", &["cartography"], false).unwrap();
    assert_eq!(stand_in.stands_in.as_ref(), Some(&made.name));
    // The rest of the shipped registry came along.
    assert!(place.places().registry.1.role(&"qa".parse().unwrap()).is_some());
    assert_eq!(create(), Created::Kept(dir));
}

#[test]
fn a_broken_role_is_an_error_and_not_passed_over() {
    let place = Place::new();
    let roles = place.layout.roles();
    place.role(&roles, "qa", Some("{\n \"capabilities\": 3}"), None);
    assert_eq!(
        place.find("qa", &[], true).unwrap_err(),
        "DIR/project/.agents/roles/qa/role.json:2:18: invalid type: integer `3`, expected a \
         sequence"
    );
    place.role(&roles, "qa", Some(r#"{"prompt_file":"WHO.md"}"#), Some("x"));
    assert_eq!(
        place.find("qa", &[], true).unwrap_err(),
        "role `qa`: its prompt `DIR/project/.agents/roles/qa/WHO.md` does not exist; write it, or \
         name another file in `prompt_file` of `DIR/project/.agents/roles/qa/role.json`"
    );
}

#[test]
fn front_matter_is_stripped() {
    let place = Place::new();
    for (text, expected) in [
        ("---\nname: qa\n---\n\n# QA\n", "# QA\n"),
        ("\u{feff}---\r\nname: qa\r\n...\r\n# QA\n", "# QA\n"),
        ("---\nnever closed\n", "---\nnever closed\n"),
        ("# QA\n---\nx\n---\n", "# QA\n---\nx\n---\n"),
        ("---\n---", ""),
        ("", ""),
    ] {
        place.role(&place.layout.roles(), "qa", None, Some(text));
        assert_eq!(place.found("qa").1, expected, "{text:?}");
    }
}

#[test]
fn every_shipped_role_resolves_without_a_warning() {
    let place = Place::new();
    let mut names: Vec<String> = shipped::names().iter().map(ToString::to_string).collect();
    names.sort();
    let registry = shipped_registry().unwrap().1;
    for name in &names {
        let role = place.find(name, &[], false).unwrap();
        assert_eq!((role.tier, role.warnings.as_slice()), (RoleTier::Shipped, [].as_slice()));
        assert!(role.prompt.starts_with("# "), "{name}");
        assert!(registry.role(&role.name).is_some(), "{name}");
    }
    assert_eq!(names.len(), 8);
    assert_eq!(shipped_files().len(), 16);
}
