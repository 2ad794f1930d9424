use serde_json::{Value, json};

use super::*;
use crate::project::{self, Project};
use crate::store::{Durability, Store};

fn project() -> (tempfile::TempDir, Project) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store { durability: Durability::Os, ..Store::default() };
    let settings = json!({"schema_version": 1, "max_retries": 2});
    let (layout, _) = project::init(dir.path(), None, &settings, &store).unwrap();
    (dir, Project::new(layout, store))
}

fn put(path: &std::path::Path, text: &str) {
    crate::fs::create_dirs(path.parent().unwrap()).unwrap();
    crate::fs::replace_hint(path, text.as_bytes()).unwrap();
}

#[test]
fn every_versioned_file_is_found_with_its_version() {
    let (_dir, project) = project();
    let layout = project.layout().clone();
    let role = layout.roles().join("qa").join("role.json");
    put(&role, r#"{"description":"without a version it is the first"}"#);
    put(&layout.ledger(), "{\"v\":1}\nno line\n{\"v\":3}\n");
    put(&layout.registry(), "[]");
    let found = survey(&project).unwrap();
    let file = |kind, path, version, state| Versioned { kind, path, version, state };
    assert_eq!(
        found.files,
        [
            file(Kind::Config, layout.config(), 1, State::Current),
            file(Kind::Ledger, layout.ledger(), 3, State::Newer),
            file(Kind::Role, role, 1, State::Current),
        ]
    );
    assert_eq!(found.newer().count(), 1);
    let problems: Vec<String> = found.unreadable.iter().map(ToString::to_string).collect();
    assert!(matches!(&problems[..], [one] if one.contains("registry.json:1:1")), "{problems:?}");
}

#[test]
fn an_older_file_is_moved_on_by_its_step_and_a_copy_is_kept() {
    let (_dir, project) = project();
    let config = project.layout().config();
    let old = "{\"retries\":2}";
    put(&config, old);
    let file =
        Versioned { kind: Kind::Config, path: config.clone(), version: 0, state: State::Older };
    let found = Found { files: vec![file], unreadable: Vec::new() };
    let error = migrate(&project, &found, MIGRATIONS, true).unwrap_err();
    assert!(error.to_string().contains("has version 0, and no step leads on"), "{error}");

    let rename = Migration {
        kind: Kind::Config,
        from: 0,
        step: |object| match object.remove("retries") {
            Some(retries) => {
                object.insert("max_retries".to_owned(), retries);
                Ok(())
            }
            None => Err("it has no `retries`".to_owned()),
        },
    };
    let would = migrate(&project, &found, &[rename], false).unwrap();
    assert_eq!(std::fs::read_to_string(&config).unwrap(), old);
    let done = migrate(&project, &found, &[rename], true).unwrap();
    assert_eq!(would, done);
    let new: Value = serde_json::from_slice(&std::fs::read(&config).unwrap()).unwrap();
    assert_eq!(new, json!({"max_retries": 2, "schema_version": 1}));
    assert_eq!(std::fs::read_to_string(&done[0].copy).unwrap(), old);

    put(&config, "{}");
    let error = migrate(&project, &found, &[rename], true).unwrap_err();
    assert!(error.to_string().ends_with("from version 0: it has no `retries`"), "{error}");
}
