//! Chores: commands that run to their end beside the sessions.

use std::collections::BTreeMap;
use std::time::Duration;

use libtest_mimic::Trial;
use ostwin_runner::chore::{self, Chore, ChoreEnd, MAX_OUTPUT_BYTES};
use ostwin_runner::guardian::Redact;
use ostwin_runner::process::{Sweep, sweep};

use crate::support::{Sandbox, program, trial};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("chore::what_it_says_and_how_it_ends_is_kept", what_it_says_and_how_it_ends_is_kept),
        trial("chore::its_input_is_one_line_and_ends", its_input_is_one_line_and_ends),
        trial("chore::one_that_takes_too_long_is_ended", one_that_takes_too_long_is_ended),
        trial("chore::of_a_flood_the_end_is_kept", of_a_flood_the_end_is_kept),
    ]
}

fn chore(sandbox: &Sandbox, argv: &[&str]) -> Chore {
    Chore {
        argv: argv.iter().map(ToString::to_string).collect(),
        input: None,
        cwd: sandbox.path("."),
        env: BTreeMap::from([("PATH".to_owned(), "/usr/bin:/bin".to_owned())]),
        mark: sandbox.attempt.clone(),
        lock: sandbox.path("chore.lock"),
        stderr: sandbox.path("chore.stderr.log"),
        limit: Duration::from_secs(25),
        grace: Duration::from_secs(1),
        redact: Redact::default(),
    }
}

async fn run(chore: Chore) -> ChoreEnd {
    chore::run(&program(), chore).await.unwrap()
}

fn said(end: &ChoreEnd) -> String {
    String::from_utf8(end.output.clone()).unwrap()
}

async fn what_it_says_and_how_it_ends_is_kept() {
    let sandbox = Sandbox::new();
    let end = run(chore(&sandbox, &["sh", "-c", "echo out; echo err >&2; cat; exit 3"])).await;
    // Without input it reads the end at once.
    assert_eq!((said(&end).as_str(), end.succeeded()), ("out\nerr\n", false));
    assert_eq!(end.status.unwrap().code, Some(3));
    assert!(run(chore(&sandbox, &["true"])).await.succeeded());
    let missing = run(chore(&sandbox, &["no-such-program-here"])).await;
    assert_eq!(missing.status.unwrap().code, Some(127));
}

async fn its_input_is_one_line_and_ends() {
    let sandbox = Sandbox::new();
    let input = r#"{"text":"a \"quoted\" $HOME \\n"}"#;
    let end = run(Chore { input: Some(input.to_owned()), ..chore(&sandbox, &["cat"]) }).await;
    assert_eq!(said(&end), format!("{input}\n"));
    assert!(end.succeeded());
}

async fn one_that_takes_too_long_is_ended() {
    let sandbox = Sandbox::new();
    let slow = ["sh", "-c", "echo begun; (trap '' TERM; sleep 1000) & sleep 1000"];
    let end = run(Chore { limit: Duration::from_secs(1), ..chore(&sandbox, &slow) }).await;
    assert_eq!((end.status, said(&end).as_str()), (None, "begun\n"));
    let left = sweep(Sweep { mark: Some(&sandbox.attempt), ..Sweep::default() });
    assert!(left.found.is_empty(), "{left:?}");
}

async fn of_a_flood_the_end_is_kept() {
    let sandbox = Sandbox::new();
    let end = run(chore(&sandbox, &["sh", "-c", "yes | head -c 3000000; echo last"])).await;
    assert!(said(&end).ends_with("y\nlast\n"));
    assert_eq!(end.output.len() as u64 + end.dropped_bytes, 3_000_005);
    assert!(end.output.len() <= 2 * MAX_OUTPUT_BYTES);
}
