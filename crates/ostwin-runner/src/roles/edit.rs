//! The two files of a role as a person edits them: its settings and its prompt.
//!
//! Only roles of the project are written. Saving one of another tier gives the project its own,
//! which a search finds first; removing that brings the other back.

use std::path::Path;

use ostwin_core::fs::{self, FsError};
use ostwin_core::ids::RoleName;
use ostwin_core::layout::{Layout, RolePaths};
use ostwin_core::lock;
use ostwin_core::roles::RoleSpec;
use ostwin_core::store::Store;
use serde_json::{Map, Value};

use super::discover::{RoleTier, read_registry};
use super::error::RoleError;
use super::listing::RoleListing;
use super::make::new_role;
use super::read::{MAX_FILE_BYTES, PROMPT_FILE};
use super::shipped;

/// What the files of a role say, word for word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleText {
    /// Its settings; none if it is nothing but its prompt, or they are no JSON object.
    pub settings: Option<Map<String, Value>>,
    /// Its prompt; none if it is not there.
    pub prompt: Option<String>,
}

/// Reads the files of a listed role. What is wrong with them is no error here, so that it can be
/// mended.
///
/// # Errors
/// A file cannot be read.
pub fn role_text(role: &RoleListing) -> Result<RoleText, RoleError> {
    let paths = RolePaths::at(&role.dir);
    let file = |name: &str| match role.tier {
        RoleTier::Shipped => Ok(shipped::file(&role.name, name).map(<[u8]>::to_vec)),
        _ => fs::read_optional(&paths.file(name), MAX_FILE_BYTES),
    };
    let name = paths.settings();
    let name = name.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let bytes = file(name)?;
    let settings: Option<Map<String, Value>> =
        bytes.as_deref().and_then(|bytes| serde_json::from_slice(bytes).ok());
    let prompt = file(&prompt_file(&role.name, &paths, bytes.as_deref()))?;
    let prompt = prompt.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    Ok(RoleText { settings, prompt })
}

/// The file that holds the prompt, by the settings if they can be read.
fn prompt_file(role: &RoleName, paths: &RolePaths, settings: Option<&[u8]>) -> String {
    let read = settings.and_then(|bytes| RoleSpec::read(role, &paths.settings(), bytes).ok());
    read.map_or_else(|| PROMPT_FILE.to_owned(), |read| read.spec.prompt_file)
}

/// Writes a role of the project: makes it, with its entry in the registry, or replaces its settings
/// and its prompt. Whether it is new.
///
/// # Errors
/// The settings are none of a role, the prompt is empty, or a file cannot be written; the role is
/// then as it was, unless the last of its two files is the one that failed.
pub fn save_role(
    layout: &Layout,
    store: &Store,
    name: &RoleName,
    settings: &Map<String, Value>,
    prompt: &str,
) -> Result<bool, RoleError> {
    let paths = RolePaths::new(&layout.roles(), name);
    let file = paths.settings();
    let bytes =
        fs::json_bytes(settings).map_err(|error| FsError::new("serialise", &file, error))?;
    let spec = RoleSpec::read(name, &file, &bytes)?.spec;
    if prompt.trim().is_empty() {
        return Err(RoleError::EmptyPrompt { role: name.clone() });
    }
    match new_role(layout, store, name, &spec, prompt) {
        Ok(_) => return Ok(true),
        Err(RoleError::Exists { .. }) => {}
        Err(error) => return Err(error),
    }
    lock::exclusive(&layout.registry_lock(), store.lock_timeout, || {
        // The prompt first: settings that name a prompt which is not there are a broken role.
        fs::replace_record(&paths.file(&spec.prompt_file), prompt.as_bytes(), store.durability)?;
        fs::replace_record(&file, &bytes, store.durability)?;
        Ok(false)
    })?
}

/// Removes a role of the project, with its entry in the registry. Skills in its folder stay.
///
/// # Errors
/// The project has no such role, or a file cannot be read or removed.
pub fn remove_role(layout: &Layout, store: &Store, name: &RoleName) -> Result<(), RoleError> {
    let paths = RolePaths::new(&layout.roles(), name);
    lock::exclusive(&layout.registry_lock(), store.lock_timeout, || {
        let bytes = fs::read_optional(&paths.settings(), MAX_FILE_BYTES)?;
        if bytes.is_none() && !paths.file(PROMPT_FILE).is_file() {
            return Err(RoleError::NotOwn { role: name.clone(), dir: paths.dir().to_owned() });
        }
        unregister(layout, store, name)?;
        let prompt = prompt_file(name, &paths, bytes.as_deref());
        fs::remove_file(&paths.settings())?;
        for file in [prompt.as_str(), PROMPT_FILE] {
            fs::remove_file(&paths.file(file))?;
        }
        if is_empty(paths.dir()) {
            fs::remove_dir_all(paths.dir())?;
        }
        Ok(())
    })?
}

/// Takes the entry away that making the role has added: one that names a role of this project by
/// nothing but its name. The entries of what is shipped stay.
fn unregister(layout: &Layout, store: &Store, name: &RoleName) -> Result<(), RoleError> {
    if shipped::names().contains(name) {
        return Ok(());
    }
    let (_, mut registry) = read_registry(&layout.registry())?;
    let before = registry.roles.len();
    registry.roles.retain(|entry| entry.name != *name || entry.path.is_some());
    if registry.roles.len() < before {
        fs::replace_json(&layout.registry(), &registry, store.durability)?;
    }
    Ok(())
}

fn is_empty(dir: &Path) -> bool {
    std::fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_none())
}

#[cfg(test)]
mod tests {
    use ostwin_core::project::init;
    use ostwin_core::store::Durability;
    use serde_json::json;

    use super::*;
    use crate::roles::{RolePlaces, list_roles};

    struct Fixture {
        _dir: tempfile::TempDir,
        layout: Layout,
        store: Store,
    }

    fn fixture() -> Fixture {
        let dir = tempfile::tempdir().unwrap();
        let store = Store { durability: Durability::Os, ..Store::default() };
        let (layout, _) = init(dir.path(), None, &json!({}), &store).unwrap();
        Fixture { _dir: dir, layout, store }
    }

    impl Fixture {
        fn save(&self, name: &str, settings: &Value, prompt: &str) -> Result<bool, RoleError> {
            let settings = settings.as_object().unwrap();
            save_role(&self.layout, &self.store, &name.parse().unwrap(), settings, prompt)
        }

        fn listed(&self, name: &str) -> Option<RoleListing> {
            let places = RolePlaces::of(&self.layout, None, None).unwrap();
            list_roles(&places).into_iter().find(|role| role.name.as_str() == name)
        }

        fn registered(&self) -> Vec<String> {
            let (_, registry) = read_registry(&self.layout.registry()).unwrap();
            registry.roles.into_iter().map(|role| role.name.to_string()).collect()
        }
    }

    #[test]
    fn a_role_is_made_changed_and_removed() {
        let project = fixture();
        let before = project.registered();
        let settings = json!({ "description": "Writes", "agent": "x", "own": 1 });
        assert!(project.save("writer", &settings, "You write.").unwrap());
        let role = project.listed("writer").unwrap();
        assert_eq!(role.tier, RoleTier::Project);
        let text = role_text(&role).unwrap();
        assert_eq!(text.prompt.as_deref(), Some("You write."));
        assert_eq!(text.settings.unwrap()["own"], 1);
        assert!(project.registered().contains(&"writer".to_owned()));

        let changed = json!({ "description": "Writes well" });
        assert!(!project.save("writer", &changed, "---\na: b\n---\nYou write.").unwrap());
        let text = role_text(&role).unwrap();
        assert_eq!(text.prompt.as_deref(), Some("---\na: b\n---\nYou write."));
        assert_eq!(Some(&text.settings.unwrap()), changed.as_object());

        let name = "writer".parse().unwrap();
        remove_role(&project.layout, &project.store, &name).unwrap();
        assert_eq!((project.listed("writer"), project.registered()), (None, before));
        assert!(!role.dir.exists());
        let again = remove_role(&project.layout, &project.store, &name).unwrap_err();
        assert!(matches!(again, RoleError::NotOwn { .. }), "{again}");
    }

    #[test]
    fn what_is_wrong_changes_nothing() {
        let project = fixture();
        for (settings, prompt) in [
            (json!({ "timeout_seconds": "soon" }), "You write."),
            (json!({ "schema_version": 9 }), "You write."),
            (json!({}), " \n"),
        ] {
            assert!(project.save("writer", &settings, prompt).is_err(), "{settings}");
            assert_eq!(project.listed("writer"), None);
        }
        project.save("writer", &json!({ "description": "a" }), "You write.").unwrap();
        assert!(project.save("writer", &json!({ "capabilities": 3 }), "Other.").is_err());
        let text = role_text(&project.listed("writer").unwrap()).unwrap();
        assert_eq!(text.prompt.as_deref(), Some("You write."));
    }

    #[test]
    fn a_shipped_role_comes_back_and_skills_stay() {
        let project = fixture();
        let shipped = project.listed("engineer").unwrap();
        assert_eq!(shipped.tier, RoleTier::Shipped);
        let text = role_text(&shipped).unwrap();
        let before = project.registered();
        let (settings, prompt) = (text.settings.unwrap(), text.prompt.unwrap());
        assert!(project.save("engineer", &Value::Object(settings), &prompt).unwrap());
        let own = project.listed("engineer").unwrap();
        assert_eq!(own.tier, RoleTier::Project);
        let skill = own.dir.join("skills/x/SKILL.md");
        fs::create_dirs(skill.parent().unwrap()).unwrap();
        fs::replace_hint(&skill, b"x").unwrap();
        remove_role(&project.layout, &project.store, &"engineer".parse().unwrap()).unwrap();
        assert_eq!(project.listed("engineer"), Some(shipped));
        assert!(skill.is_file());
        assert_eq!(project.registered(), before);
    }

    #[test]
    fn a_broken_role_can_be_read_mended_and_removed() {
        let project = fixture();
        project.save("writer", &json!({}), "You write.").unwrap();
        let role = project.listed("writer").unwrap();
        let file = RolePaths::at(&role.dir).settings();
        fs::replace_hint(&file, b"{ no").unwrap();
        let text = role_text(&role).unwrap();
        assert_eq!(text, RoleText { settings: None, prompt: Some("You write.".to_owned()) });
        assert!(!project.save("writer", &json!({}), "You write.").unwrap());
        fs::replace_hint(&file, b"{ no").unwrap();
        remove_role(&project.layout, &project.store, &"writer".parse().unwrap()).unwrap();
        assert_eq!(project.listed("writer"), None);
    }
}
