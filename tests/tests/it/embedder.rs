//! The sentence encoder as a process of its own, and searches that lose it.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use ostwin_core::embedding::{Answer, Code, Greeting, MAX_LINE_BYTES, PROGRAM};
use ostwin_core::ledger::{Draft, Kind, Ledger};
use ostwin_core::store::{Durability, Store};
use ostwin_testkit::{Process, TestProject, bin};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(60);

/// A running encoder and the two ends of its conversation.
struct Encoder {
    process: Process,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    greeting: Greeting,
}

impl Encoder {
    fn start(args: &[&str]) -> Self {
        let project = TestProject::empty().unwrap();
        let mut command = project.command(PROGRAM).unwrap();
        command.args(args).current_dir("/").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = Process::spawn(&mut command).unwrap();
        let input = process.child().stdin.take();
        let mut output = BufReader::new(process.child().stdout.take().unwrap());
        let greeting = serde_json::from_str(&line(&mut output)).unwrap();
        Self { process, input, output, greeting }
    }

    fn say(&mut self, line: &str) {
        let input = self.input.as_mut().unwrap();
        input.write_all(line.as_bytes()).and_then(|()| input.write_all(b"\n")).unwrap();
    }

    fn answer(&mut self) -> Answer {
        serde_json::from_str(&line(&mut self.output)).unwrap()
    }

    fn vectors(&mut self, texts: &[&str]) -> Vec<Vec<f32>> {
        self.say(&json!({ "id": 1, "texts": texts }).to_string());
        let answer = self.answer();
        assert_eq!((answer.id, answer.error), (Some(1), None));
        answer.vectors.unwrap()
    }

    fn problem(&mut self, line: &str) -> (Option<u64>, Code) {
        self.say(line);
        let answer = self.answer();
        assert_eq!(answer.vectors, None);
        (answer.id, answer.error.unwrap().code)
    }
}

fn line(output: &mut impl BufRead) -> String {
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    line
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[test]
fn near_in_meaning_is_near_in_direction() {
    let mut encoder = Encoder::start(&[]);
    let vectors = encoder.vectors(&[
        "Failed logins are limited to five in fifteen minutes.",
        "How do we stop somebody from guessing passwords?",
        "The thermostat measures the temperature of the room.",
    ]);
    assert_eq!(encoder.greeting.dimensions, Some(vectors[0].len()));
    for vector in &vectors {
        assert!((cosine(vector, vector) - 1.0).abs() < 1e-3);
    }
    let (near, far) = (cosine(&vectors[0], &vectors[1]), cosine(&vectors[0], &vectors[2]));
    assert!(near > far + 0.2, "near {near}, far {far}");
}

#[test]
fn garbage_is_answered_and_stops_nothing() {
    let mut encoder = Encoder::start(&[]);
    assert_eq!(encoder.problem("garbage"), (None, Code::InvalidArgument));
    assert_eq!(encoder.problem("{\"id\":3}"), (Some(3), Code::InvalidArgument));
    let blank = r#"{"id":4,"texts":["fine","  "]}"#;
    assert_eq!(encoder.problem(blank), (Some(4), Code::InvalidArgument));
    let many = json!({ "id": 5, "texts": vec!["a"; 300] }).to_string();
    assert_eq!(encoder.problem(&many), (Some(5), Code::TooLarge));
    let endless = "x".repeat(MAX_LINE_BYTES + 1);
    assert_eq!(encoder.problem(&endless), (None, Code::TooLarge));
    // Far more than a model reads, in letters of several bytes.
    let long = "größer und größer ".repeat(10_000);
    assert_eq!(encoder.vectors(&[&long, "日本語"]).len(), 2);
}

#[test]
fn it_ends_with_its_input_and_when_nothing_is_asked() {
    let mut encoder = Encoder::start(&[]);
    drop(encoder.input.take());
    assert!(encoder.process.wait(PATIENCE).unwrap().success());
    let mut idle = Encoder::start(&["--idle-seconds", "1"]);
    assert!(idle.process.wait(PATIENCE).unwrap().success());
}

#[test]
fn what_cannot_be_had_is_said_in_the_greeting() {
    let mut none = Encoder::start(&["--kind", "static", "--path", "/nowhere/model"]);
    let problem = none.greeting.error.take().unwrap();
    assert_eq!(problem.code, Code::InvalidArgument);
    assert!(problem.message.contains("/nowhere/model"), "{problem}");
    assert_eq!(none.process.wait(PATIENCE).unwrap().code(), Some(6));
}

/// A project with memories, whose searches find `ostwin-embedder` in a folder of the test's own.
struct Searched {
    project: TestProject,
    bins: PathBuf,
}

impl Searched {
    fn new(memories: usize) -> Self {
        let project = TestProject::new().unwrap();
        let ledger = Ledger::new(project.layout().ledger());
        let store = Store { durability: Durability::Os, ..Store::default() };
        let first = "Failed logins are limited to five in fifteen minutes.".to_owned();
        let further = (1..memories).map(|number| format!("Prices are integers, rule {number}."));
        for summary in std::iter::once(first).chain(further) {
            let draft = Draft {
                kind: Kind::Decision,
                room_id: None,
                plan_id: None,
                author_role: "engineer".parse().unwrap(),
                reference: None,
                tags: Vec::new(),
                summary,
                detail: None,
                supersedes: None,
                key: None,
            };
            ledger.publish(&store, draft).unwrap();
        }
        let bins = project.home().join("bin");
        ostwin_core::fs::create_dirs(&bins).unwrap();
        Self { project, bins }
    }

    /// Makes this script the encoder.
    fn script(&self, script: &str) {
        let path = self.bins.join(PROGRAM);
        ostwin_core::fs::replace_hint(&path, format!("#!/bin/sh\n{script}\n").as_bytes()).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Makes the real program the encoder.
    fn install(&self) {
        let path = self.bins.join(PROGRAM);
        if path.exists() {
            ostwin_core::fs::remove_file(&path).unwrap();
        }
        symlink(bin(PROGRAM).unwrap(), path).unwrap();
    }

    fn command(&self) -> Command {
        let mut command = self.project.command("ostwin").unwrap();
        command.env("OSTWIN_BIN_DIR", &self.bins);
        // Nothing of the login, the limit or the minutes: only the meaning is near.
        command.args(["memory", "search", "guessing", "a", "password", "--json"]);
        command
    }

    fn search(&self) -> Value {
        let finished = Process::finish(&mut self.command(), PATIENCE).unwrap();
        assert!(finished.status.success(), "{}", finished.stderr);
        serde_json::from_str(&finished.stdout).unwrap()
    }
}

#[test]
fn an_encoder_that_dies_leaves_the_search_to_words_and_the_next_one_is_whole() {
    let searched = Searched::new(3);
    let greeting = r#"echo '{"model":"fake","dimensions":2,"v":1}'; read line"#;
    searched.script(&format!("{greeting}; kill -9 $$"));
    let found = searched.search();
    assert_eq!((&found["mode_used"], &found["hits"]), (&json!("lexical"), &json!([])));
    let note = found["note"].as_str().unwrap();
    assert!(note.contains("words only") && note.contains("SIGKILL"), "{note}");

    searched.install();
    let found = searched.search();
    assert_eq!((&found["mode_used"], &found["note"]), (&json!("hybrid"), &Value::Null), "{found}");
    let first = &found["hits"][0]["entry"]["summary"];
    assert_eq!(first, "Failed logins are limited to five in fifteen minutes.");
}

#[test]
fn one_that_is_killed_over_a_question_is_started_again_and_asked_anew() {
    // So few that one question is enough: what takes long is left to the next search.
    let searched = Searched::new(3);
    let real = Encoder::start(&[]).greeting;
    let greeting = json!({ "model": real.model, "dimensions": real.dimensions, "v": 1 });
    let program = bin(PROGRAM).unwrap();
    let first_time = format!("echo '{greeting}'; read line; kill -9 $$");
    searched.script(&format!(
        "if mkdir '{}' 2>/dev/null; then {first_time}; fi; exec '{}' \"$@\"",
        searched.bins.join("was-here").display(),
        program.display(),
    ));
    let found = searched.search();
    assert!(searched.bins.join("was-here").exists(), "the encoder that dies was never started");
    assert_eq!((&found["mode_used"], &found["note"]), (&json!("hybrid"), &Value::Null), "{found}");
    let first = &found["hits"][0]["entry"]["summary"];
    assert_eq!(first, "Failed logins are limited to five in fifteen minutes.");
    assert_eq!(searched.project.processes(), Vec::<u32>::new());
}
