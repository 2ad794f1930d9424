//! Installing skills from a shell: what people see, and what a death in the middle leaves.

use std::net::TcpListener;
use std::process::Stdio;
use std::time::Duration;

use ostwin_core::layout::SkillStaging;
use ostwin_testkit::{Finished, Process, TestProject, wait_until};
use rustix::process::Signal;
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(120);

struct Bench {
    project: TestProject,
}

impl Bench {
    fn new() -> Self {
        Self { project: TestProject::new().unwrap() }
    }

    fn source(&self, name: &str, version: u32) {
        let text = format!("---\nname: {name}\ndescription: d\nversion: {version}\n---\n\nbody\n");
        self.project.write(&format!("shelf/{name}/SKILL.md"), &text).unwrap();
        self.project.write(&format!("shelf/{name}/more/notes.md"), &version.to_string()).unwrap();
    }

    fn finish(&self, args: &[&str], fail: &str) -> Finished {
        let mut command = self.project.command("ostwin").unwrap();
        command.args(args);
        if !fail.is_empty() {
            command.env("OSTWIN_FAIL", fail);
        }
        Process::finish(&mut command, PATIENCE).unwrap()
    }

    fn expect(&self, args: &[&str], code: i32) -> Finished {
        let finished = self.finish(args, "");
        assert_eq!(
            finished.status.code(),
            Some(code),
            "{args:?}: {}{}",
            finished.stdout,
            finished.stderr
        );
        finished
    }

    fn json(&self, args: &[&str]) -> Value {
        let finished = self.expect(&[args, &["--json"]].concat(), 0);
        serde_json::from_str(&finished.stdout).unwrap()
    }

    /// Version, and whether it is what was installed.
    fn standing(&self) -> Vec<(String, String)> {
        let listed = self.json(&["skills", "list", "--installed"]);
        assert_eq!((&listed["broken"], &listed["missing"]), (&json!([]), &json!([])), "{listed}");
        let skills = listed["skills"].as_array().unwrap();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        skills.iter().map(|s| (text(&s["skill"]["version"]), text(&s["state"]))).collect()
    }

    fn left_behind(&self) -> usize {
        SkillStaging::list(&self.project.layout().agents()).unwrap().len()
    }
}

fn intact(version: &str) -> Vec<(String, String)> {
    vec![(version.to_owned(), "intact".to_owned())]
}

#[test]
fn a_skill_is_installed_listed_found_updated_and_removed() {
    let bench = Bench::new();
    bench.source("testing", 1);
    let seen = bench.expect(&["skills", "install", "./shelf/testing", "--dry-run"], 0);
    assert!(
        seen.stdout.starts_with("would install `testing` 1 for this project\n"),
        "{}",
        seen.stdout
    );
    assert!(seen.stdout.contains("more/notes.md"), "{}", seen.stdout);
    let done = bench.expect(&["skills", "install", "./shelf/testing"], 0);
    assert!(done.stdout.starts_with("installed `testing` 1 for this project\n"), "{}", done.stdout);
    assert!(
        done.stdout.contains("./shelf/testing"),
        "paths are relative to the project: {}",
        done.stdout
    );
    let listed = bench.expect(&["skills", "list"], 0);
    assert!(listed.stdout.contains("testing"), "{}", listed.stdout);
    let found = bench.json(&["skills", "search", "testing", "-n", "1"]);
    assert_eq!(found["skills"][0]["name"], "testing");

    let same = bench.expect(&["skills", "update"], 0);
    assert!(same.stdout.contains("up to date"), "{}", same.stdout);
    bench.source("testing", 2);
    let updated = bench.expect(&["skills", "update", "testing"], 0);
    assert!(updated.stdout.contains("updated: 1 -> 2"), "{}", updated.stdout);
    bench.project.write(".agents/skills/testing/mine.md", "x").unwrap();
    bench.source("testing", 3);
    let refused = bench.expect(&["skills", "update"], 2);
    assert!(refused.stderr.contains("was changed since it was installed"), "{}", refused.stderr);
    assert!(refused.stderr.contains("--force"), "{}", refused.stderr);
    assert_eq!(bench.expect(&["skills", "remove", "testing"], 2).stdout, "");
    bench.expect(&["skills", "update", "--force"], 0);
    assert_eq!(bench.standing(), intact("3"));
    bench.expect(&["skills", "remove", "testing"], 0);
    bench.expect(&["skills", "remove", "testing"], 2);
    assert_eq!(bench.standing(), []);

    for source in ["ext::sh -c x", "--force-me", "http://example.org/x.zip", "./none", "testing"] {
        let refused = bench.expect(&["skills", "install", "--", source], 2);
        assert!(!refused.stderr.is_empty());
    }
    assert_eq!(bench.left_behind(), 0);
}

#[test]
fn a_user_has_skills_outside_of_projects() {
    let bench = Bench::new();
    bench.source("testing", 1);
    bench.expect(&["skills", "install", "./shelf/testing", "--user"], 0);
    assert!(bench.project.home().join(".agents/skills/testing/SKILL.md").is_file());
    let mut command = bench.project.command("ostwin").unwrap();
    command.args(["skills", "list", "--user", "--json"]).current_dir(bench.project.home());
    let listed = Process::finish(&mut command, PATIENCE).unwrap();
    let listed: Value = serde_json::from_str(&listed.stdout).unwrap();
    assert_eq!(listed["skills"][0]["skill"]["name"], "testing");
    assert_eq!(listed["skills"].as_array().map(Vec::len), Some(1));
    let mut command = bench.project.command("ostwin").unwrap();
    command.args(["skills", "install", "./x"]).current_dir(bench.project.home());
    let refused = Process::finish(&mut command, PATIENCE).unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert!(refused.stderr.contains("--user"), "{}", refused.stderr);
    bench.expect(&["skills", "remove", "testing", "--user"], 0);
}

/// Every point at which an installation can be cut off, and whether it counts then.
const POINTS: [(&str, bool); 6] = [
    ("skill_staged", false),
    ("before_rename", false),
    ("after_rename", false),
    ("skill_swapped", true),
    ("before_rename:2", true),
    ("skill_recorded", true),
];

#[test]
fn a_death_at_any_point_leaves_the_old_skill_or_the_new_one() {
    let bench = Bench::new();
    bench.source("other", 1);
    for (point, counts) in POINTS {
        for old in [None, Some("1")] {
            if old.is_some() {
                bench.source("testing", 1);
                bench.expect(&["skills", "install", "./shelf/testing"], 0);
            }
            bench.source("testing", 2);
            let died = bench.finish(&["skills", "install", "./shelf/testing"], point);
            assert_eq!(died.status.code(), None, "{point}: {}{}", died.stdout, died.stderr);
            assert_eq!(bench.left_behind(), 1, "{point}");
            // Whatever comes next tidies up, and what it finds is whole.
            bench.expect(&["skills", "install", "./shelf/other"], 0);
            bench.expect(&["skills", "remove", "other"], 0);
            assert_eq!(bench.left_behind(), 0, "{point}");
            let expected = match (counts, old) {
                (true, _) => intact("2"),
                (false, Some(old)) => intact(old),
                (false, None) => vec![],
            };
            assert_eq!(bench.standing(), expected, "{point} {old:?}");
            if !expected.is_empty() {
                bench.expect(&["skills", "remove", "testing"], 0);
            }
        }
    }
}

#[test]
fn a_removal_that_was_cut_off_is_finished_or_never_was() {
    let bench = Bench::new();
    bench.source("other", 1);
    for (point, removed) in
        [("after_rename", false), ("skill_moved_away", true), ("before_rename:2", true)]
    {
        bench.source("testing", 1);
        bench.expect(&["skills", "install", "./shelf/testing"], 0);
        let died = bench.finish(&["skills", "remove", "testing"], point);
        assert_eq!(died.status.code(), None, "{point}: {}{}", died.stdout, died.stderr);
        bench.expect(&["skills", "install", "./shelf/other"], 0);
        bench.expect(&["skills", "remove", "other"], 0);
        assert_eq!(bench.left_behind(), 0, "{point}");
        assert_eq!(bench.standing(), if removed { vec![] } else { intact("1") }, "{point}");
    }
}

#[test]
fn a_fetch_that_is_interrupted_leaves_nothing_and_one_that_is_killed_is_swept() {
    let bench = Bench::new();
    bench.source("other", 1);
    // A server that takes calls and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/x.git", silent.local_addr().unwrap());
    let start = || {
        let mut command = bench.project.command("ostwin").unwrap();
        command.args(["skills", "install", &address]).stdout(Stdio::null()).stderr(Stdio::null());
        let process = Process::spawn(&mut command).unwrap();
        // Git has called: it waits now.
        (process, silent.accept().unwrap())
    };
    let (mut process, _kept) = start();
    process.signal(Signal::INT).unwrap();
    assert_eq!(process.wait(PATIENCE).unwrap().code(), Some(130));
    assert_eq!(bench.left_behind(), 0);
    // Git's helpers were killed, and are gone in a moment, while their server still listens.
    let gone = || bench.project.processes().is_empty().then_some(());
    wait_until("git's end", PATIENCE, gone).unwrap();

    let (mut process, kept) = start();
    assert_eq!(bench.left_behind(), 1);
    process.kill().unwrap();
    bench.expect(&["skills", "install", "./shelf/other"], 0);
    assert_eq!(bench.left_behind(), 0);
    assert_eq!(bench.standing(), intact("1"));
    // The server goes away, and so does the orphan that waited for it.
    drop((kept, silent));
    wait_until("the orphan's end", PATIENCE, gone).unwrap();
}

#[test]
fn several_at_once_install_one_after_the_other() {
    let bench = Bench::new();
    let names: Vec<String> = (0..6).map(|number| format!("skill-{number}")).collect();
    for name in &names {
        bench.source(name, 1);
    }
    let mut processes = Vec::new();
    for name in &names {
        let mut command = bench.project.command("ostwin").unwrap();
        command.args(["skills", "install", &format!("./shelf/{name}")]);
        command.stdout(Stdio::null());
        processes.push(Process::spawn(&mut command).unwrap());
    }
    for mut process in processes {
        assert!(process.wait(PATIENCE).unwrap().success());
    }
    let listed = bench.json(&["skills", "list", "--installed"]);
    assert_eq!(listed["skills"].as_array().map(Vec::len), Some(6));
    assert_eq!(bench.left_behind(), 0);
}
