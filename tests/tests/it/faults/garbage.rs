//! Files that hold what no program of ours would write.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use ostwin_core::channel::Message;
use ostwin_core::ids::{PlanId, RoomId};
use ostwin_core::jsonl;
use ostwin_core::room::Room;
use serde_json::json;

use super::{first_attempt, outcomes, unfinished_rooms, wait_for_quiet};
use crate::field::{Field, HELLO, all_passed};

/// A plan whose engine was killed while the first epic was worked on, with nothing running.
fn killed_in_the_middle() -> (Field, PlanId) {
    let field = first_attempt(&json!({ "do": "hang" }), &json!({}));
    field.plan("PLAN.md", HELLO);
    let mut run = field.spawn(&["run", "PLAN.md", "--no-wait"]);
    field.wait_for_session(1);
    run.kill().unwrap();
    wait_for_quiet(&field);
    let plan = field.plans().remove(0).meta.plan_id;
    (field, plan)
}

/// Every file of lines of the project.
fn files_of_lines(field: &Field, plan: &PlanId) -> Vec<PathBuf> {
    let layout = field.project.layout();
    let plan = layout.plan(plan);
    let mut files = vec![layout.ledger(), plan.events(), plan.control()];
    for room in Room::list(&field.core()).unwrap() {
        files.extend([room.paths().audit(), room.paths().channel()]);
    }
    files
}

#[expect(clippy::disallowed_methods, reason = "what is written here is no good line")]
fn add(path: &Path, bytes: &[u8]) {
    let mut file = std::fs::OpenOptions::new().append(true).create(true).open(path).unwrap();
    file.write_all(bytes).unwrap();
}

#[expect(clippy::disallowed_methods, reason = "what is written here is no good file")]
fn replace(path: &Path, bytes: &[u8]) {
    std::fs::write(path, bytes).unwrap();
}

/// Runs the plan to its end and checks that it is as if nothing had happened, but for lines that
/// cannot be read.
fn check_ends(field: &Field, plan: &PlanId, unreadable: usize, what: &str) {
    let run = field.finish(&["run", "PLAN.md", "--no-wait"]);
    assert_eq!(run.status.code(), Some(0), "{what}: {}\n{}", run.stdout, run.stderr);
    let states = field.states(plan);
    assert!(all_passed(&states), "{what}: {states:?}");
    let all = Room::list(&field.core()).unwrap();
    assert_eq!(all.len(), states.len(), "{what}: rooms without an epic");
    for room in &all {
        let standing = room.standing().unwrap();
        assert_eq!(standing.replay.unapplied(), None, "{what}: {}", room.id());
        let (messages, scanned) = jsonl::read_all::<Message>(room.channel().path()).unwrap();
        let numbers: Vec<u64> = messages.iter().map(|message| message.seq).collect();
        assert_eq!(
            numbers,
            (1..=numbers.len() as u64).collect::<Vec<_>>(),
            "{what}: {}",
            room.id()
        );
        assert_eq!(scanned.skipped, unreadable, "{what}: {} lost a line", room.id());
        let entries = room.audit().unwrap();
        let numbers: Vec<u64> =
            entries.iter().filter_map(|line| line.entry()).map(|entry| entry.seq).collect();
        assert_eq!(
            numbers,
            (1..=numbers.len() as u64).collect::<Vec<_>>(),
            "{what}: {}",
            room.id()
        );
    }
    let first = outcomes(&all[0]);
    assert_eq!(first[..2], ["interrupted", "done"], "{what}: {first:?}");
    assert_eq!(unfinished_rooms(field), Vec::<PathBuf>::new(), "{what}");
    field.check_no_process();
    field.expect(&["status"], 0);
    field.expect(&["logs", "room-001"], 0);
}

#[test]
fn lines_that_are_none_cost_only_themselves() {
    let line = |text: &[u8]| [text, b"\n"].concat();
    let small = [
        line(b"42"),
        line(b"null"),
        line(b"{}"),
        line(b""),
        line(b"{\"seq\":1,\"body\":\"\xff\xfe\"}"),
        line(format!("{{\"seq\":{}}}", u64::MAX).as_bytes()),
    ];
    let large = [line(&[b'z'; 10 << 20]), line(&[b'['; 100_000]), line(&[0; 5_000])];
    for (what, lines) in [("small", &small[..]), ("large", &large[..])] {
        let (field, plan) = killed_in_the_middle();
        for file in files_of_lines(&field, &plan) {
            add(&file, &lines.concat());
        }
        check_ends(&field, &plan, lines.len(), what);
    }
}

#[test]
fn torn_last_lines_cost_only_themselves() {
    let tails: [&[u8]; 2] = [br#"{"v":1,"seq":3,"body":"\u00"#, br#"{"v":1,"applied":1}"#];
    for tail in tails {
        let (field, plan) = killed_in_the_middle();
        for file in files_of_lines(&field, &plan) {
            add(&file, tail);
        }
        check_ends(&field, &plan, 1, &String::from_utf8_lossy(tail));
    }
}

#[test]
fn projections_and_hints_that_hold_nonsense_are_written_anew() {
    let nonsense: [&[u8]; 2] = [b"passed", b"{\"schema_version\":1,\"per\xff"];
    for bytes in nonsense {
        let (field, plan) = killed_in_the_middle();
        replace(&field.project.layout().plan(&plan).engine(), bytes);
        for room in Room::list(&field.core()).unwrap() {
            replace(&room.paths().status(), bytes);
            replace(&room.paths().progress(), bytes);
        }
        field.expect(&["status"], 0);
        check_ends(&field, &plan, 0, &String::from_utf8_lossy(bytes));
    }
}

#[test]
fn what_a_killed_engine_left_half_made_is_passed_over() {
    let (field, plan) = killed_in_the_middle();
    let layout = field.project.layout();
    for room in Room::list(&field.core()).unwrap() {
        std::fs::create_dir_all(room.paths().attempts().join("002-developing-engineer")).unwrap();
        std::fs::create_dir_all(room.paths().attempts().join("no attempt at all")).unwrap();
        add(&room.paths().dir().join(".tmp-0123456789"), b"half");
    }
    let aside = layout.new_room(&format!("{plan}-room-004"));
    std::fs::create_dir_all(aside.artifacts()).unwrap();
    add(&aside.config(), b"{\"schema_ver");
    std::fs::create_dir_all(layout.plans().join("half-made-0a1b2c")).unwrap();
    ostwin_core::fs::remove_file(&layout.plan(&plan).dag()).unwrap();
    check_ends(&field, &plan, 0, "half made");
}

#[test]
fn rooms_without_their_graph_are_adopted() {
    let (field, plan) = killed_in_the_middle();
    let dag = field.project.layout().plan(&plan).dag();
    let before = field.rooms(&plan);
    ostwin_core::fs::remove_file(&dag).unwrap();
    check_ends(&field, &plan, 0, "no graph");
    let after = field.rooms(&plan);
    let ids = |rooms: &[(Room, ostwin_core::room::Contract)]| -> Vec<(RoomId, String)> {
        rooms.iter().map(|(room, c)| (room.id().clone(), c.task_ref.to_string())).collect()
    };
    assert_eq!(ids(&before), ids(&after));
    assert!(dag.exists());
    // A finished plan whose graph is lost is finished all the same.
    ostwin_core::fs::remove_file(&dag).unwrap();
    field.expect(&["run", "PLAN.md", "--no-wait"], 0);
    assert_eq!(ids(&after), ids(&field.rooms(&plan)));
}

/// What a room or plan cannot do without: the run names file, line and column, and changes nothing.
#[test]
fn a_required_file_that_is_broken_is_named() {
    let pick: [fn(&Field, &PlanId) -> PathBuf; 4] = [
        |f, plan| f.project.layout().plan(plan).dag(),
        |f, _| f.room(1).paths().lifecycle(),
        |f, _| f.room(1).paths().config(),
        |f, _| f.room(1).last_attempt().unwrap().unwrap().paths.record(),
    ];
    let (field, plan) = killed_in_the_middle();
    for pick in pick {
        let path = pick(&field, &plan);
        let good = std::fs::read(&path).unwrap();
        replace(&path, &good[..good.len() / 2]);
        let run = field.finish(&["run", "PLAN.md", "--no-wait"]);
        assert!(matches!(run.status.code(), Some(2 | 6)), "{}\n{}", run.stdout, run.stderr);
        let place = format!("{}:", path.display());
        assert!(run.stderr.contains(&place), "{}", run.stderr);
        replace(&path, &good);
    }
    check_ends(&field, &plan, 0, "mended");
}
