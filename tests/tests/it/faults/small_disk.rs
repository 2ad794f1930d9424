//! Skills and the shared memory on a disk that is full, almost full or read-only.

use std::path::{Path, PathBuf};

use ostwin_core::layout::SkillStaging;
use serde_json::{Value, json};

use super::disk::{Mount, assert_names, fill, use_up_page};
use crate::field::{Field, lines_of};

/// The step by which a disk in memory gives space away.
const PAGE: u64 = 4096;

fn source(field: &Field, name: &str, version: u32) {
    let text = format!("---\nname: {name}\ndescription: d\nversion: {version}\n---\n\nbody\n");
    field.project.write(&format!("shelf/{name}/SKILL.md"), &text).unwrap();
    let notes = version.to_string().repeat(5_000);
    field.project.write(&format!("shelf/{name}/more/notes.md"), &notes).unwrap();
}

/// Each installed skill with its version, and whether it is still what was installed.
fn installed(field: &Field) -> Vec<(String, String, String)> {
    let listed = field.expect(&["skills", "list", "--installed", "--json"], 0);
    let listed: Value = serde_json::from_str(&listed.stdout).unwrap();
    assert_eq!((&listed["broken"], &listed["missing"]), (&json!([]), &json!([])), "{listed}");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let row = |skill: &Value| {
        (text(&skill["skill"]["name"]), text(&skill["installed"]["version"]), text(&skill["state"]))
    };
    listed["skills"].as_array().unwrap().iter().map(row).collect()
}

fn intact(name: &str, version: &str) -> (String, String, String) {
    (name.to_owned(), version.to_owned(), "intact".to_owned())
}

fn half_done(field: &Field) -> Vec<SkillStaging> {
    SkillStaging::list(&field.project.layout().agents()).unwrap()
}

/// Frees this much of a disk that `filler` has filled.
#[expect(clippy::disallowed_methods, reason = "a test may shorten its own file")]
fn free(filler: &Path, bytes: u64) {
    let file = std::fs::OpenOptions::new().write(true).open(filler).unwrap();
    let length = file.metadata().unwrap().len();
    file.set_len(length.saturating_sub(bytes)).unwrap();
}

/// A project with the skill `testing` in version 1, on a disk of its own that is full.
fn full() -> Option<(Field, Mount, PathBuf)> {
    let field = Field::built_in();
    let agents = field.project.layout().agents();
    let mount = Mount::small_disk(&agents, "2m")?;
    source(&field, "testing", 1);
    field.expect(&["skills", "install", "./shelf/testing"], 0);
    source(&field, "testing", 2);
    source(&field, "writing", 1);
    let filler = agents.join("filler");
    fill(&filler);
    Some((field, mount, filler))
}

#[test]
fn skills_on_a_full_disk_stay_as_they_are() {
    let Some((field, _mount, filler)) = full() else { return };
    let agents = field.project.layout().agents();
    let before = [intact("testing", "1")];
    for args in [
        &["skills", "install", "./shelf/writing"][..],
        &["skills", "update", "testing"],
        &["skills", "remove", "testing"],
    ] {
        assert_names(&field.finish(args), &agents, "No space left on device");
        assert_eq!(installed(&field), before, "{args:?}");
        assert_eq!(half_done(&field), [], "{args:?}");
    }
    ostwin_core::fs::remove_file(&filler).unwrap();
    field.expect(&["skills", "update", "testing"], 0);
    field.expect(&["skills", "install", "./shelf/writing"], 0);
    assert_eq!(installed(&field), [intact("testing", "2"), intact("writing", "1")]);
    field.expect(&["skills", "remove", "testing"], 0);
    assert_eq!(installed(&field), [intact("writing", "1")]);
}

#[test]
fn whatever_space_is_left_a_skill_is_changed_whole_or_not_at_all() {
    let Some((field, _mount, filler)) = full() else { return };
    let agents = field.project.layout().agents();
    let mut refused = 0;
    loop {
        let update = field.finish(&["skills", "update", "testing"]);
        if update.status.success() {
            break;
        }
        refused += 1;
        assert_names(&update, &agents, "No space left on device");
        assert_eq!(installed(&field), [intact("testing", "1")]);
        assert!(refused < 100, "there is space enough by now");
        free(&filler, PAGE);
    }
    assert_eq!(installed(&field), [intact("testing", "2")]);
    assert_eq!(half_done(&field), []);
    // It was refused at more than one of the files that it writes.
    assert!(refused > 3, "{refused}");
}

#[test]
fn skills_on_a_read_only_disk_can_be_read() {
    let field = Field::built_in();
    source(&field, "testing", 1);
    field.expect(&["skills", "install", "./shelf/testing"], 0);
    source(&field, "testing", 2);
    source(&field, "writing", 1);
    let agents = field.project.layout().agents();
    let Some(mount) = Mount::over_itself(&agents) else { return };
    for args in [
        &["skills", "install", "./shelf/writing"][..],
        &["skills", "update", "testing"],
        &["skills", "remove", "testing"],
    ] {
        assert_names(&field.finish(args), &agents, "Read-only file system");
        assert_eq!(installed(&field), [intact("testing", "1")], "{args:?}");
    }
    let seen = field.expect(&["skills", "install", "./shelf/writing", "--dry-run"], 0);
    assert!(seen.stdout.contains("writing"), "{}", seen.stdout);
    let found = field.expect(&["skills", "search", "testing"], 0);
    assert!(found.stdout.contains("testing"), "{}", found.stdout);
    drop(mount);
    field.expect(&["skills", "update", "testing"], 0);
    assert_eq!(installed(&field), [intact("testing", "2")]);
}

/// A project whose search is by words alone, whatever is installed beside the programs.
fn remembering() -> Field {
    let settings = json!({ "memory": { "embedding": { "kind": "none" } } });
    Field::new(&json!({ "v": 1 }), &settings)
}

fn publish(summary: &str) -> [&str; 6] {
    ["memory", "publish", "--kind", "decision", "--summary", summary]
}

fn found(field: &Field, words: &str) -> usize {
    let found = field.expect(&["memory", "search", words, "--json"], 0);
    let found: Value = serde_json::from_str(&found.stdout).unwrap();
    found["hits"].as_array().unwrap().len()
}

#[test]
fn a_memory_that_does_not_fit_is_refused_and_none_is_lost() {
    let field = remembering();
    let agents = field.project.layout().agents();
    let Some(_mount) = Mount::small_disk(&agents, "2m") else { return };
    field.expect(&publish("Prices are integers of cents."), 0);
    let ledger = field.project.layout().ledger();
    use_up_page(&ledger);
    let filler = agents.join("filler");
    fill(&filler);
    let before = std::fs::read(&ledger).unwrap();
    let refused = field.finish(&publish("Prices are floats."));
    assert_names(&refused, &ledger, "No space left on device");
    assert_eq!(std::fs::read(&ledger).unwrap(), before);
    // What is there is found, though nothing can be kept of the search.
    assert_eq!(found(&field, "prices cents"), 1);
    ostwin_core::fs::remove_file(&filler).unwrap();
    field.expect(&publish("Prices are shown with two digits."), 0);
    assert_eq!(lines_of(&ledger).len(), 2);
    assert_eq!(found(&field, "prices"), 2);
}

#[test]
fn a_search_needs_no_space_of_its_own() {
    let field = remembering();
    let cache = field.project.layout().cache();
    let Some(_mount) = Mount::small_disk(&cache, "256k") else { return };
    for number in 0..40 {
        field.expect(&publish(&format!("Decision {number}: prices are integers of cents.")), 0);
    }
    let filler = cache.join("filler");
    fill(&filler);
    assert_eq!(found(&field, "prices"), 10);
    for _ in 0..8 {
        free(&filler, 2 * PAGE);
        assert_eq!(found(&field, "prices"), 10);
    }
    ostwin_core::fs::remove_file(&filler).unwrap();
    assert_eq!(found(&field, "prices"), 10);
}
