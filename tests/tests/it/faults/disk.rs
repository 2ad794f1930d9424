//! Disks that are full or cannot be written to.
//!
//! They need a mount, and so the rights for one; without them the tests say so and pass.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use ostwin_testkit::{Finished, Process};
use serde_json::json;

use super::{check_passed, first_attempt, outcomes, unfinished_rooms, wait_for_quiet};
use crate::field::{Field, PATIENCE, lines_of, messages, one_epic};

/// Something mounted for as long as this lives.
pub(super) struct Mount(PathBuf);

impl Mount {
    /// Runs `mount` with these arguments and `at`; none if that is not permitted.
    fn new(args: &[&str], at: &Path) -> Option<Self> {
        run("mount", args, at).then(|| Self(at.to_owned())).or_else(|| {
            // Past the capture of the tests' output, so that it is seen.
            drop(writeln!(std::io::stderr(), "skipped: `mount` is not permitted here"));
            None
        })
    }

    /// A disk of its own for the project's folder at `at`, with what is in it.
    pub(super) fn small_disk(at: &Path, size: &str) -> Option<Self> {
        let parked = at.with_extension("parked");
        std::fs::create_dir_all(at).unwrap();
        ostwin_core::fs::claim(at, &parked).unwrap();
        std::fs::create_dir(at).unwrap();
        let mount = Self::new(&["-t", "tmpfs", "-o", &format!("size={size}"), "none"], at);
        assert!(run("cp", &["-a", "-T", parked.to_str().unwrap()], at));
        mount
    }

    /// The same folder over itself, so that it can be made read-only.
    pub(super) fn over_itself(at: &Path) -> Option<Self> {
        let mount = Self::new(&["--bind", at.to_str().unwrap()], at)?;
        assert!(run("mount", &["-o", "remount,ro,bind"], at));
        Some(mount)
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // A mount that stays shows when the project's folder cannot be removed.
        run("umount", &["-l"], &self.0);
    }
}

#[expect(clippy::disallowed_methods, reason = "mounting takes the system's own programs")]
fn run(program: &str, args: &[&str], last: &Path) -> bool {
    let mut command = Command::new(program);
    command.args(args).arg(last).stderr(std::process::Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Writes to a file until the disk is full.
#[expect(clippy::disallowed_methods, reason = "a test may fill a disk as it likes")]
pub(super) fn fill(path: &Path) {
    let mut file = std::fs::File::create(path).unwrap();
    for size in [1 << 16, 1 << 12, 1] {
        while file.write_all(&vec![b'x'; size]).is_ok() {}
    }
}

/// Lengthens a file of lines to the end of its last page, which a full disk would still let grow.
#[expect(clippy::disallowed_methods, reason = "a test may write such a line")]
pub(super) fn use_up_page(path: &Path) {
    const PAGE: u64 = 4096;
    let used = std::fs::metadata(path).unwrap().len() % PAGE;
    let blank = " ".repeat(usize::try_from(PAGE - used - 1).unwrap()) + "\n";
    let mut file = std::fs::OpenOptions::new().append(true).open(path).unwrap();
    file.write_all(blank.as_bytes()).unwrap();
}

/// It ended for want of a disk, and the message names the file and the reason.
pub(super) fn assert_names(run: &Finished, below: &Path, reason: &str) {
    assert_eq!(run.status.code(), Some(6), "{}\n{}", run.stdout, run.stderr);
    assert!(run.stderr.contains(below.to_str().unwrap()), "{}", run.stderr);
    assert!(run.stderr.contains(reason), "{}", run.stderr);
    assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
}

/// The disk that holds the folder `of` is filled while a worker works; once there is space again,
/// the plan ends as usual.
fn full_while_working(of: impl Fn(&Field) -> PathBuf) {
    let agents =
        json!({ "agents": { "rehearsal": { "env": { "OSTWIN_REHEARSAL_PACE": "0.01" } } } });
    let field = first_attempt(&json!({ "do": "wait", "ms": 100_000 }), &agents);
    let folder = of(&field);
    let Some(mount) = Mount::small_disk(&folder, "4m") else { return };
    field.plan("PLAN.md", &one_epic(""));
    let mut command = field.ostwin(&["run", "PLAN.md", "--no-wait"]);
    let run = std::thread::spawn(move || Process::finish(&mut command, PATIENCE).unwrap());
    field.wait_for_session(1);
    let filler = folder.join("filler");
    use_up_page(&field.plans()[0].paths.events());
    fill(&filler);
    let run = run.join().unwrap();
    assert_names(&run, &folder, "No space left on device");
    wait_for_quiet(&field);

    // Full as it is, it can be looked at, and says the same again.
    field.expect(&["status"], 0);
    let again = field.finish(&["run", "PLAN.md", "--no-wait"]);
    assert_names(&again, &folder, "No space left on device");
    wait_for_quiet(&field);

    ostwin_core::fs::remove_file(&filler).unwrap();
    field.expect(&["run", "PLAN.md", "--no-wait"], 0);
    check_passed(&field);
    assert_eq!(unfinished_rooms(&field), Vec::<PathBuf>::new());
    let room = field.room(1);
    let said = messages(&room);
    for attempt in room.attempts().unwrap() {
        let acknowledged = lines_of(&attempt.paths.tools())
            .iter()
            .filter(|call| call["tool"] == "post_message" && call["outcome"] == "ok")
            .count();
        let found = said.iter().filter(|m| m.attempt.as_ref() == Some(&attempt.record.id)).count();
        assert!(found >= acknowledged, "a message was lost");
    }
    drop(mount);
}

#[test]
fn rooms_on_a_full_disk_stop_the_run_and_lose_nothing() {
    full_while_working(|field| field.project.layout().rooms());
}

#[test]
fn plans_on_a_full_disk_stop_the_run_and_lose_nothing() {
    full_while_working(|field| field.project.layout().plans());
}

#[test]
fn a_plan_that_does_not_fit_is_taken_once_there_is_space() {
    for folder in [|f: &Field| f.project.layout().plans(), |f: &Field| f.project.layout().rooms()] {
        let field = Field::built_in();
        let folder = folder(&field);
        let Some(_mount) = Mount::small_disk(&folder, "1m") else { return };
        let filler = folder.join("filler");
        fill(&filler);
        field.plan("PLAN.md", &one_epic(""));
        let full = field.finish(&["run", "PLAN.md", "--no-wait"]);
        assert_names(&full, &folder, "No space left on device");
        ostwin_core::fs::remove_file(&filler).unwrap();
        field.expect(&["run", "PLAN.md", "--no-wait"], 0);
        check_passed(&field);
        assert_eq!(unfinished_rooms(&field), Vec::<PathBuf>::new());
    }
}

#[test]
fn what_cannot_be_written_to_is_named() {
    let places = [
        |f: &Field| f.project.layout().agents(),
        |f: &Field| f.project.layout().plans(),
        |f: &Field| f.project.layout().rooms(),
        |f: &Field| f.project.layout().cache(),
    ];
    for place in places {
        let field = Field::built_in();
        field.plan("PLAN.md", &one_epic(""));
        let folder = place(&field);
        std::fs::create_dir_all(&folder).unwrap();
        let Some(mount) = Mount::over_itself(&folder) else { return };
        let run = field.finish(&["run", "PLAN.md", "--no-wait"]);
        assert_names(&run, &folder, "Read-only file system");
        wait_for_quiet(&field);
        field.finish(&["status"]);
        drop(mount);
        field.expect(&["run", "PLAN.md", "--no-wait"], 0);
        check_passed(&field);
    }
}

#[test]
fn a_disk_that_turns_read_only_stops_the_run() {
    let field = first_attempt(&json!({ "do": "hang" }), &json!({}));
    field.plan("PLAN.md", &one_epic(""));
    let mut command = field.ostwin(&["run", "PLAN.md", "--no-wait"]);
    let run = std::thread::spawn(move || Process::finish(&mut command, PATIENCE).unwrap());
    field.wait_for_session(1);
    let rooms = field.project.layout().rooms();
    // What is open for writing stays so; what is opened from now on is not.
    let Some(mount) = Mount::over_itself(&rooms) else {
        field.expect(&["stop"], 0);
        drop(run.join().unwrap());
        return;
    };
    let agent = super::processes(&field, "ostwin-rehearsal")[0];
    super::send(agent, rustix::process::Signal::KILL);
    assert_names(&run.join().unwrap(), &rooms, "Read-only file system");
    wait_for_quiet(&field);
    drop(mount);
    field.expect(&["run", "PLAN.md", "--no-wait"], 0);
    check_passed(&field);
    assert_eq!(outcomes(&field.room(1)), ["interrupted", "done", "pass"]);
}
