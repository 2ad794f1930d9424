use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::fs;
use crate::ids::RoomId;
use crate::lifecycle::{Cause, GenerateOptions, ReviewRestart, TriageMode, generate, names};
use crate::lock;
use crate::plan::{Entry, Epic};
use crate::plans::{self, StoredPlan};
use crate::project::{self, Project};
use crate::room::{Contract, Ended, NewAttempt, NewRoom, Outcome, Room, Why, create};
use crate::store::{Durability, Store};
use crate::time::{Clock, Timestamp};

const DAY: Duration = Duration::from_secs(86_400);

#[derive(Debug)]
struct FakeClock(Mutex<Timestamp>);

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

/// A project with one plan whose first epic passed in one session, long before now.
struct Fixture {
    _dir: tempfile::TempDir,
    plan: StoredPlan,
    room: Room,
    attempt: crate::layout::AttemptPaths,
}

impl Fixture {
    fn new(finish: bool) -> Self {
        let dir = tempfile::tempdir().unwrap();
        // Files of the cache have the times of the machine, and are a day old here.
        let now = crate::time::system_clock().now().plus(DAY);
        let clock = Arc::new(FakeClock(Mutex::new(now.minus(40 * DAY))));
        let store = Store { durability: Durability::Os, clock: clock.clone(), ..Store::default() };
        let (layout, _) = project::init(dir.path(), None, &json!({}), &store).unwrap();
        let project = Project::new(layout, store);
        let plan = plans::import(&project, Path::new("/P.md"), b"# P", "P", false).unwrap();
        let roles = ["engineer".parse().unwrap(), "qa".parse().unwrap()];
        let options = GenerateOptions {
            default_role: "engineer".parse().unwrap(),
            review_role: None,
            skip_review: false,
            review_restart: ReviewRestart::Stage,
            triage: TriageMode::Person,
            max_retries: 3,
            max_triages: 1,
        };
        let epic = Epic::new("EPIC-001".parse().unwrap(), Entry::Epic);
        let id = &plan.meta.plan_id;
        let first = RoomId::numbered(1);
        let contract = Contract::of_epic(&epic, id, first, &roles, "/w".into(), now).unwrap();
        let new = NewRoom {
            contract,
            machine: generate(&roles, &options).unwrap(),
            brief: String::new(),
            tasks: String::new(),
            actor: "engine".to_owned(),
        };
        let room = create(&project, new).unwrap();
        let ready = "ready".parse().unwrap();
        room.locked(|room| room.signal(&ready, Why::engine("dependencies", "go"))).unwrap();
        let new = NewAttempt {
            role: "engineer".parse().unwrap(),
            agent: "rehearsal".to_owned(),
            model: None,
            rehearsed: true,
            run_id: "run-01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap(),
            timeout: DAY,
            provenance: Value::Null,
        };
        let opened = room.locked(|room| room.open_attempt(new)).unwrap();
        let attempt = opened.paths.clone();
        for (file, bytes) in [
            (attempt.transcript(), 1000),
            (attempt.stderr(), 20),
            (attempt.tmp().join("deep/er.txt"), 3),
            (attempt.prompt(), 500),
        ] {
            put(&file, bytes);
        }
        let ended = Ended::with(Outcome::NoSignal, "ended");
        room.locked(|room| room.close_attempt(&opened.record.id, ended)).unwrap();
        if finish {
            let why =
                Why { cause: Cause::Override("test".to_owned()), ..Why::engine("test", "done") };
            let passed = names::PASSED.parse().unwrap();
            room.locked(|room| room.set_state(&passed, true, why)).unwrap();
        }
        *clock.0.lock().unwrap() = now;
        Self { _dir: dir, plan, room, attempt }
    }

    fn project(&self) -> &Project {
        self.room.project()
    }

    fn sweep(&self, days: u32, remove: bool) -> Sweep {
        let keep = Keep { transcripts: Some(DAY * days), archives: None };
        sweep(self.project(), keep, remove).unwrap()
    }
}

fn put(path: &Path, bytes: usize) {
    fs::create_dirs(path.parent().unwrap()).unwrap();
    fs::replace_hint(path, &vec![b'x'; bytes]).unwrap();
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

#[test]
fn what_a_session_of_a_finished_room_left_goes_and_its_records_stay() {
    let fixture = Fixture::new(true);
    assert_eq!(fixture.sweep(41, true), Sweep::default(), "it is not old enough");

    let before = files(fixture.project().layout().root());
    let expected = Sweep {
        items: vec![Item {
            what: What::Session,
            path: fixture.attempt.dir().to_owned(),
            files: 3,
            bytes: 1023,
        }],
        kept: Vec::new(),
    };
    assert_eq!(fixture.sweep(30, false), expected);
    assert_eq!(files(fixture.project().layout().root()), before, "a dry run writes nothing");

    assert_eq!(fixture.sweep(30, true), expected);
    let left: Vec<String> = files(fixture.attempt.dir())
        .iter()
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    assert_eq!(left, ["attempt.json", "prompt.md", "removed.json"]);
    let removed = Removed::of(&fixture.attempt).unwrap().unwrap();
    assert_eq!(removed.files, ["stderr.log", "tmp", "transcript.jsonl"]);
    assert_eq!(removed.bytes, 1023);
    assert_eq!(fixture.room.standing().unwrap().state.as_str(), "passed");
    assert_eq!(fixture.sweep(30, true), Sweep::default(), "nothing is left to remove");
}

#[test]
fn a_room_that_is_not_finished_and_a_plan_that_runs_keep_everything() {
    let unfinished = Fixture::new(false);
    assert_eq!(unfinished.sweep(0, true), Sweep::default());
    assert!(unfinished.attempt.transcript().exists());

    let running = Fixture::new(true);
    let lock = running.plan.paths.engine_lock();
    let swept = lock::exclusive(&lock, Duration::ZERO, || running.sweep(0, true)).unwrap();
    let kept = Kept {
        what: format!("plan {}", running.plan.meta.plan_id),
        reason: "an engine drives it".to_owned(),
    };
    assert_eq!(swept, Sweep { items: Vec::new(), kept: vec![kept] });
    assert!(running.attempt.transcript().exists());
}

#[test]
fn no_link_is_followed() {
    let fixture = Fixture::new(true);
    let outside = tempfile::tempdir().unwrap();
    put(&outside.path().join("precious"), 7);
    let inner = outside.path().join("attempt");
    put(&inner.join("transcript.jsonl"), 9);
    fs::remove_dir_all(&fixture.attempt.tmp()).unwrap();
    std::os::unix::fs::symlink(outside.path(), fixture.attempt.tmp()).unwrap();
    // A folder of an attempt that is a link leads away too.
    let record = fixture.attempt.record();
    std::fs::copy(&record, inner.join("attempt.json")).unwrap();
    let linked = fixture.room.paths().attempts().join("009-review-qa");
    std::os::unix::fs::symlink(&inner, linked).unwrap();

    let swept = fixture.sweep(30, true);
    let paths: Vec<&Path> = swept.items.iter().map(|item| item.path.as_path()).collect();
    assert_eq!(paths, [fixture.attempt.dir()]);
    assert!(outside.path().join("precious").exists());
    assert!(inner.join("transcript.jsonl").exists());
    assert!(std::fs::symlink_metadata(fixture.attempt.tmp()).is_err(), "the link itself goes");
}

#[test]
fn caches_go_by_age_and_archives_only_if_they_are_asked_for() {
    let fixture = Fixture::new(true);
    let layout = fixture.project().layout();
    let vectors = layout.memory_vectors("a-model");
    let archive = layout.archive(&RoomId::numbered(7));
    let mine = layout.cache().join("mine.txt");
    let half_built = layout.new_room(&format!("{}-room-009", fixture.plan.meta.plan_id));
    for path in [&layout.memory_index(), &vectors, &archive, &mine, &half_built.config()] {
        put(path, 10);
    }
    let what = |sweep: &Sweep| -> Vec<(What, u64)> {
        sweep.items.iter().map(|item| (item.what, item.bytes)).collect()
    };
    // What a killed engine left goes by no age: nobody drives the plan.
    let session = (What::Session, 1023);
    assert_eq!(what(&fixture.sweep(30, false)), [(What::Leftover, 10), session]);
    let caches = [(What::Leftover, 10), session, (What::Cache, 10), (What::Cache, 10)];
    assert_eq!(what(&fixture.sweep(0, true)), caches);
    assert!(archive.exists() && mine.exists() && !vectors.exists());
    assert!(!half_built.dir().exists());

    let keep = Keep { transcripts: None, archives: Some(Duration::ZERO) };
    let swept = sweep(fixture.project(), keep, true).unwrap();
    assert_eq!(what(&swept), [(What::Archive, 10)]);
    assert!(!archive.exists());
}
