use super::*;
use crate::plans;

/// A finished room of a plan, with one session and an artifact.
fn finished() -> (Fixture, Attempt) {
    let fixture = Fixture::new();
    fixture.signal("ready", Why::engine("dependencies", "go"));
    let attempt = fixture.open("engineer");
    assert_eq!(fixture.post("engineer", &attempt, "done", None), SIGNAL);
    let (signal, why) = by(&fixture.close(&attempt, Outcome::NoSignal));
    fixture.signal(signal.as_str(), why);
    for (path, text) in [
        (attempt.paths.transcript(), "said and done"),
        (fixture.room.paths().artifacts().join("out/report.md"), "# Report"),
        (fixture.room.paths().artifacts().join("run.sh"), "#!/bin/sh"),
    ] {
        fs::create_dirs(path.parent().unwrap()).unwrap();
        fs::replace_hint(&path, text.as_bytes()).unwrap();
    }
    let script = fixture.room.paths().artifacts().join("run.sh");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&script, mode).unwrap();
    fixture.set("passed");
    (fixture, attempt)
}

impl Fixture {
    fn set(&self, state: &str) {
        let why = Why::engine("test", "by hand");
        let state = state.parse().unwrap();
        self.room.locked(|room| room.set_state(&state, true, why)).unwrap();
    }
}

/// Every file below a folder with its content, without locks.
fn content(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(content(&path));
        } else if path.extension().is_none_or(|extension| extension != "lock") {
            found.push((path.clone(), std::fs::read(&path).unwrap()));
        }
    }
    found.sort();
    found
}

#[test]
fn an_archived_room_keeps_its_records_and_comes_back_as_it_was() {
    let (fixture, attempt) = finished();
    let room = &fixture.room;
    let before = content(room.paths().dir());
    let standing = room.standing().unwrap();

    let (file, archived) = archive(room, "ada").unwrap();
    assert_eq!(archived.files, before.len());
    let bytes: usize = before.iter().map(|(_, content)| content.len()).sum();
    assert_eq!(archived.bytes, bytes as u64);
    assert_eq!(room.archived().unwrap(), Some(archived.clone()));
    assert_eq!(room.standing().unwrap(), standing);
    assert_eq!(room.attempts().unwrap().len(), 1);
    assert!(!attempt.paths.transcript().exists());
    assert_eq!(content(&room.paths().artifacts()), []);
    assert_eq!(archive(room, "ada").unwrap(), (file.clone(), archived), "only once");

    let why = Why::engine("test", "again");
    let again = "developing".parse().unwrap();
    let refused = room.locked(|room| room.set_state(&again, true, why)).unwrap_err();
    assert!(refused.to_string().contains("archive room-001 --restore"), "{refused}");

    restore(room).unwrap();
    assert_eq!(content(room.paths().dir()), before);
    let script = std::fs::metadata(room.paths().artifacts().join("run.sh")).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::mode(&script.permissions());
    assert_eq!(mode & 0o777, 0o755);
    assert!(!file.exists());
    assert!(matches!(restore(room), Err(ArchiveError::NotArchived { .. })));
    fixture.set("developing");
}

#[test]
fn only_what_is_finished_and_not_needed_is_archived() {
    let (fixture, _) = finished();
    let project = fixture.room.project();
    let mut new = new_room(&["engineer", "qa"]);
    new.contract.task_ref = "EPIC-002".parse().unwrap();
    new.contract.depends_on = vec![fixture.room.contract().unwrap().task_ref];
    let dependant = create(project, new).unwrap();
    let refused = archive(&fixture.room, "ada").unwrap_err();
    assert_eq!(refused.to_string(), "EPIC-002 still build on `room-001` and are not finished");
    let refused = archive(&dependant, "ada").unwrap_err();
    assert!(refused.to_string().contains("only a finished room"), "{refused}");
}

#[test]
fn a_room_is_not_archived_while_its_plan_runs() {
    let (fixture, _) = finished();
    let project = fixture.room.project();
    let plan = fixture.room.contract().unwrap().plan_id;
    fs::create_dirs(project.layout().plan(&plan).dir()).unwrap();
    assert!(plans::list(project).unwrap().is_empty());
    let lock = project.layout().plan(&plan).engine_lock();
    let tried = || archive(&fixture.room, "ada");
    let refused = crate::lock::exclusive(&lock, Duration::ZERO, tried).unwrap();
    assert!(matches!(refused, Err(ArchiveError::Driven { .. })));
    assert_eq!(fixture.room.archived().unwrap(), None);
}

#[test]
fn what_was_cut_off_goes_on_and_a_damaged_archive_removes_nothing() {
    let (fixture, attempt) = finished();
    let room = &fixture.room;
    let (file, archived) = archive(room, "ada").unwrap();
    restore(room).unwrap();
    let before = content(room.paths().dir());
    // As if it had been killed after the note: the archive is there, and nothing has left.
    archive(room, "ada").unwrap();
    let packed = std::fs::read(&file).unwrap();
    restore(room).unwrap();
    fs::replace_hint(&file, &packed[..packed.len() / 2]).unwrap();
    fs::replace_json_hint(&room.paths().archived(), &archived).unwrap();
    let refused = archive(room, "ada").unwrap_err();
    assert!(matches!(refused, ArchiveError::Damaged { .. }), "{refused}");

    fs::replace_hint(&file, &packed).unwrap();
    archive(room, "ada").unwrap();
    assert!(!attempt.paths.transcript().exists());
    restore(room).unwrap();
    assert_eq!(content(room.paths().dir()), before);
}
