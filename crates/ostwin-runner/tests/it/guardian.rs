//! The guardian against agents that behave and agents that don't.

use std::time::{Duration, Instant};

use libtest_mimic::Trial;
use ostwin_runner::guardian::{
    Cause, Guardian, GuardianError, GuardianProgram, Reservation, StartFailure,
};
use ostwin_runner::process::{ExitStatus, ProcessId, Sweep, sweep};
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _};

use crate::support::{Sandbox, program, trial, until};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("guardian::relays_and_reports_the_exit_code", relays_and_reports_the_exit_code),
        trial("guardian::the_environment_is_exact_and_marked", the_environment_is_exact_and_marked),
        trial("guardian::a_closed_lifeline_ends_the_agent", a_closed_lifeline_ends_the_agent),
        trial(
            "guardian::an_agent_that_ignores_term_is_killed",
            an_agent_that_ignores_term_is_killed,
        ),
        trial("guardian::a_setsid_grandchild_is_swept", a_setsid_grandchild_is_swept),
        trial(
            "guardian::a_lost_guardian_is_noticed_and_swept",
            a_lost_guardian_is_noticed_and_swept,
        ),
        trial("guardian::standard_error_is_bounded", standard_error_is_bounded),
        trial("guardian::a_flood_waits_for_its_reader", a_flood_waits_for_its_reader),
        trial(
            "guardian::an_unread_flood_does_not_hold_up_the_end",
            an_unread_flood_does_not_hold_up_the_end,
        ),
        trial(
            "guardian::input_that_nobody_reads_does_not_hide_the_end",
            input_that_nobody_reads_does_not_hide_the_end,
        ),
        trial(
            "guardian::output_held_open_by_a_grandchild_ends",
            output_held_open_by_a_grandchild_ends,
        ),
        trial(
            "guardian::an_early_close_of_stdout_is_passed_on",
            an_early_close_of_stdout_is_passed_on,
        ),
        trial("guardian::failures_to_start_are_told_apart", failures_to_start_are_told_apart),
        trial("guardian::slots_are_limited_and_freed", slots_are_limited_and_freed),
        trial("guardian::one_session_per_attempt", one_session_per_attempt),
        trial("guardian::signals_end_it_in_order_or_at_once", signals_end_it_in_order_or_at_once),
        trial(
            "guardian::a_hangup_of_the_terminal_means_nothing",
            a_hangup_of_the_terminal_means_nothing,
        ),
        trial(
            "guardian::nothing_is_started_for_an_engine_that_is_gone",
            nothing_is_started_for_an_engine_that_is_gone,
        ),
        trial(
            "guardian::something_else_than_a_guardian_is_an_error",
            something_else_than_a_guardian_is_an_error,
        ),
        trial("process::a_sweep_finds_marked_strays", a_sweep_finds_marked_strays),
    ]
}

fn alive(pid: u32) -> bool {
    ProcessId::of(pid).is_some_and(|process| process.is_alive())
}

fn pid(raw: u32) -> Pid {
    Pid::from_raw(i32::try_from(raw).unwrap()).unwrap()
}

/// The guardian of an agent: its parent.
fn guardian_of(agent: ProcessId) -> Pid {
    let stat = fs_err::read_to_string(format!("/proc/{}/stat", agent.pid)).unwrap();
    let (_, fields) = stat.rsplit_once(')').unwrap();
    pid(fields.split_whitespace().nth(1).unwrap().parse().unwrap())
}

async fn relays_and_reports_the_exit_code() {
    let sandbox = Sandbox::new();
    let mut running = sandbox.run(&sandbox.shell("read line; echo \"got $line\"; exit 7")).await;
    let (mut reader, mut writer) = running.take_relay().unwrap();
    writer.write_all(b"this\n").await.unwrap();
    let mut said = String::new();
    reader.read_to_string(&mut said).await.unwrap();
    assert_eq!(said, "got this\n");
    let ended = running.wait().await;
    assert_eq!(ended.status, ExitStatus { code: Some(7), signal: None });
    assert_eq!((ended.cause, ended.swept, ended.survivors), (Cause::Exited, 0, 0));
}

async fn the_environment_is_exact_and_marked() {
    let sandbox = Sandbox::new();
    let mut start = sandbox.start(&["/usr/bin/env"]);
    start.env.insert("ONE".to_owned(), "two words".to_owned());
    let mut running = sandbox.run(&start).await;
    let (mut reader, _writer) = running.take_relay().unwrap();
    let mut said = String::new();
    reader.read_to_string(&mut said).await.unwrap();
    let mut lines: Vec<&str> = said.lines().collect();
    lines.sort_unstable();
    let mark = format!("OSTWIN_ATTEMPT={}", sandbox.attempt);
    assert_eq!(lines, ["ONE=two words", &mark, "PATH=/usr/bin:/bin"]);
}

async fn a_closed_lifeline_ends_the_agent() {
    let sandbox = Sandbox::new();
    let script = "trap 'echo asked > asked; exit 0' TERM; echo ready; while :; do sleep 0.05; done";
    let mut start = sandbox.shell(script);
    start.grace_seconds = 20;
    let mut running = sandbox.run(&start).await;
    let (mut reader, writer) = running.take_relay().unwrap();
    let mut ready = String::new();
    reader.read_line(&mut ready).await.unwrap();
    drop(writer);
    let ended = running.wait().await;
    assert_eq!(ended.cause, Cause::Lifeline);
    assert_eq!(ended.status, ExitStatus { code: Some(0), signal: None });
    assert_eq!(ended.killed, 0);
    assert_eq!(sandbox.read("asked"), "asked\n");
    assert_eq!(sandbox.marked(), Vec::<u32>::new());
}

async fn an_agent_that_ignores_term_is_killed() {
    let sandbox = Sandbox::new();
    let script = "trap '' TERM; echo ready; while :; do sleep 0.05; done";
    let mut running = sandbox.run(&sandbox.shell(script)).await;
    let (mut reader, writer) = running.take_relay().unwrap();
    reader.read_line(&mut String::new()).await.unwrap();
    let asked = Instant::now();
    drop(writer);
    let ended = running.wait().await;
    assert!(asked.elapsed() >= Duration::from_secs(1), "the grace was cut short");
    assert_eq!(ended.status, ExitStatus { code: None, signal: Some(9) });
    assert!(ended.killed >= 1);
    assert_eq!(ended.survivors, 0);
    assert_eq!(sandbox.marked(), Vec::<u32>::new());
}

/// Forks a child in a session of its own, which ignores TERM, has lost its mark
/// and its parent, and sleeps.
const ESCAPEE: &str = "setsid env -i PATH=/usr/bin:/bin \
    sh -c 'trap \"\" TERM HUP; echo $$ > escapee; while :; do sleep 0.05; done' \
    < /dev/null > /dev/null 2>&1 & ";

async fn a_setsid_grandchild_is_swept() {
    let sandbox = Sandbox::new();
    let script = format!("{ESCAPEE} while [ ! -s escapee ]; do sleep 0.01; done; exit 0");
    let mut running = sandbox.run(&sandbox.shell(&script)).await;
    let escapee = sandbox.pid_in("escapee").await;
    let ended = running.wait().await;
    assert_eq!(ended.status, ExitStatus { code: Some(0), signal: None });
    assert!(ended.swept >= 1 && ended.killed >= 1, "{ended:?}");
    assert!(!alive(escapee), "the escapee outlived its session");
}

async fn a_lost_guardian_is_noticed_and_swept() {
    let sandbox = Sandbox::new();
    let limit = sandbox.slots(1);
    let script = "trap '' TERM; echo $$ > agent; \
        setsid sh -c 'trap \"\" TERM; echo $$ > child; while :; do sleep 0.05; done' & \
        while :; do sleep 0.05; done";
    let guardian = sandbox.reserve(vec![limit.clone()]).await;
    let mut running = guardian.start(&sandbox.shell(script)).await.unwrap();
    let (agent, child) = (sandbox.pid_in("agent").await, sandbox.pid_in("child").await);
    let before = fs_err::metadata(&limit.dir).unwrap().modified().unwrap();
    kill_process(guardian_of(running.agent()), Signal::KILL).unwrap();
    let ended = running.wait().await;
    assert_eq!(ended.cause, Cause::GuardianLost);
    assert!(ended.killed >= 2, "{ended:?}");
    assert!(!alive(agent) && !alive(child));
    assert_eq!(sandbox.marked(), Vec::<u32>::new());
    let after = fs_err::metadata(&limit.dir).unwrap().modified().unwrap();
    assert!(after > before, "nobody woke those who wait for the slot");
}

async fn standard_error_is_bounded() {
    let sandbox = Sandbox::new();
    let mut start = sandbox.shell("head -c 5000000 /dev/zero | tr '\\0' x >&2");
    start.stderr_max_bytes = 1_000;
    let ended = sandbox.run(&start).await.wait().await;
    assert_eq!(ended.stderr_dropped_bytes, 4_999_000);
    let log = sandbox.read("stderr.log");
    let note = "\n[ostwin: 4999000 more bytes were dropped here]\n";
    assert_eq!(log, format!("{}{note}", "x".repeat(1_000)));
}

async fn a_flood_waits_for_its_reader() {
    let sandbox = Sandbox::new();
    let script = "head -c 20000000 /dev/zero; echo done > done";
    let mut running = sandbox.run(&sandbox.shell(script)).await;
    let (mut reader, _writer) = running.take_relay().unwrap();
    let guardian = guardian_of(running.agent());
    let mut first = [0; 1];
    reader.read_exact(&mut first).await.unwrap();
    // Pipes and buffers are full now, or will be in a moment: far less than the flood.
    let resident = || {
        let status = fs_err::read_to_string(format!("/proc/{guardian}/status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap()
    };
    assert!(!sandbox.path("done").exists(), "the flood went somewhere without a reader");
    let mut count = 1;
    let mut chunk = vec![0; 1 << 16];
    while count < 10_000_000 {
        count += reader.read(&mut chunk).await.unwrap();
    }
    assert!(resident() < 32 << 10, "the guardian holds {} KiB", resident());
    loop {
        match reader.read(&mut chunk).await.unwrap() {
            0 => break,
            read => count += read,
        }
    }
    assert_eq!(count, 20_000_000);
    assert_eq!(running.wait().await.cause, Cause::Exited);
}

async fn an_unread_flood_does_not_hold_up_the_end() {
    let sandbox = Sandbox::new();
    let mut running = sandbox.run(&sandbox.shell("trap '' TERM; yes")).await;
    let (_reader, writer) = running.take_relay().unwrap();
    drop(writer);
    let ended = running.wait().await;
    assert_eq!((ended.cause, ended.survivors), (Cause::Lifeline, 0));
    assert_eq!(sandbox.marked(), Vec::<u32>::new());
}

async fn input_that_nobody_reads_does_not_hide_the_end() {
    let sandbox = Sandbox::new();
    let mut running = sandbox.run(&sandbox.start(&["/bin/sleep", "1000"])).await;
    let (_reader, mut writer) = running.take_relay().unwrap();
    // More than pipes and buffers hold: the write stays unfinished.
    let flood = vec![b'x'; 1 << 20];
    let unfinished = tokio::time::timeout(Duration::from_millis(300), writer.write_all(&flood));
    assert!(unfinished.await.is_err(), "somebody read it");
    drop(writer);
    let ended = running.wait().await;
    assert_eq!(ended.cause, Cause::Lifeline);
    assert_eq!(ended.status, ExitStatus { code: None, signal: Some(15) });
}

async fn output_held_open_by_a_grandchild_ends() {
    let sandbox = Sandbox::new();
    let script = "setsid sleep 1000 & echo $! > holder; echo last words; exit 3";
    let mut running = sandbox.run(&sandbox.shell(script)).await;
    let (mut reader, _writer) = running.take_relay().unwrap();
    let mut said = String::new();
    reader.read_to_string(&mut said).await.unwrap();
    assert_eq!(said, "last words\n");
    let ended = running.wait().await;
    assert_eq!(ended.status, ExitStatus { code: Some(3), signal: None });
    assert_eq!(ended.swept, 1);
    assert!(!alive(sandbox.pid_in("holder").await));
}

async fn an_early_close_of_stdout_is_passed_on() {
    let sandbox = Sandbox::new();
    let script = "echo bye; exec >&-; echo $$ > pid; exec sleep 1000";
    let mut running = sandbox.run(&sandbox.shell(script)).await;
    let (mut reader, writer) = running.take_relay().unwrap();
    let mut said = String::new();
    reader.read_to_string(&mut said).await.unwrap();
    assert_eq!(said, "bye\n");
    assert!(alive(sandbox.pid_in("pid").await), "only its output is closed");
    drop(writer);
    assert_eq!(running.wait().await.cause, Cause::OutputClosed);
}

async fn failures_to_start_are_told_apart() {
    let sandbox = Sandbox::new();
    let failure = async |start| match sandbox.reserve(Vec::new()).await.start(&start).await {
        Err(GuardianError::Agent(failure)) => failure,
        other => panic!("{other:?}"),
    };
    let missing = failure(sandbox.start(&["no-such-agent"])).await;
    assert!(
        matches!(&missing, StartFailure::NotFound(text) if text.contains("`no-such-agent`")),
        "{missing:?}"
    );
    assert!(matches!(failure(sandbox.start(&["/etc/passwd"])).await, StartFailure::Permission(_)));
    let mut elsewhere = sandbox.shell("exit");
    elsewhere.cwd = sandbox.path("nowhere");
    let nowhere = failure(elsewhere).await;
    assert!(
        matches!(&nowhere, StartFailure::NotFound(text) if text.contains("nowhere")),
        "{nowhere:?}"
    );
    assert!(matches!(failure(sandbox.start(&[])).await, StartFailure::NotFound(_)));
    let mut unlogged = sandbox.shell("exit");
    unlogged.stderr_log = sandbox.path("no/such/dir/stderr.log");
    assert!(matches!(failure(unlogged).await, StartFailure::Io(_)));
}

async fn slots_are_limited_and_freed() {
    let sandbox = Sandbox::new();
    let limit = sandbox.slots(2);
    let first = sandbox.reserve(vec![limit.clone()]).await;
    let second = sandbox.reserve(vec![limit.clone()]).await;
    // Ends with its input, however late a busy machine lets it see that.
    let mut cat = sandbox.shell("trap '' TERM; exec cat");
    cat.grace_seconds = 20;
    let mut running = second.start(&cat).await.unwrap();
    let third = Guardian::reserve(&program(), vec![limit.clone()]).await.unwrap();
    assert!(matches!(third, Reservation::Full { dir } if dir == limit.dir));
    let before = fs_err::metadata(&limit.dir).unwrap().modified().unwrap();
    assert_eq!(running.end().await.status.code, Some(0), "cat ends with its input");
    let after = fs_err::metadata(&limit.dir).unwrap().modified().unwrap();
    assert!(after > before, "nobody woke those who wait for the slot");
    let fourth = sandbox.reserve(vec![limit.clone()]).await;
    // One that never started anything gives its slot back when it is dropped.
    drop(first);
    let fifth = async {
        loop {
            match Guardian::reserve(&program(), vec![limit.clone()]).await.unwrap() {
                Reservation::Granted(guardian) => return guardian,
                Reservation::Full { .. } => tokio::task::yield_now().await,
            }
        }
    };
    drop((fourth, fifth.await));
}

async fn one_session_per_attempt() {
    let sandbox = Sandbox::new();
    let start = sandbox.start(&["/bin/cat"]);
    let mut running = sandbox.run(&start).await;
    match sandbox.reserve(Vec::new()).await.start(&start).await {
        Err(GuardianError::Agent(StartFailure::Busy(text))) => {
            assert!(text.contains("session.lock"), "{text}");
        }
        other => panic!("{other:?}"),
    }
    running.end().await;
    let mut patient = start.clone();
    patient.session_lock_wait_ms = 5_000;
    sandbox.run(&patient).await.end().await;
}

async fn signals_end_it_in_order_or_at_once() {
    let sandbox = Sandbox::new();
    let mut start = sandbox.shell("trap '' TERM; echo ready; while :; do sleep 0.05; done");
    start.grace_seconds = 3_600;
    let mut running = sandbox.run(&start).await;
    let (mut reader, _writer) = running.take_relay().unwrap();
    reader.read_line(&mut String::new()).await.unwrap();
    // The orderly end would take an hour; giving it up and asking for the hasty
    // one must not.
    let orderly = tokio::time::timeout(Duration::from_millis(500), running.end()).await;
    assert!(orderly.is_err());
    let ended = running.kill().await;
    assert_eq!((ended.cause, ended.status.signal), (Cause::Signalled, Some(9)));
    assert_eq!(sandbox.marked(), Vec::<u32>::new());
}

async fn a_hangup_of_the_terminal_means_nothing() {
    let sandbox = Sandbox::new();
    let mut running = sandbox.run(&sandbox.start(&["/bin/cat"])).await;
    let (mut reader, mut writer) = running.take_relay().unwrap();
    let guardian = guardian_of(running.agent());
    assert_eq!(
        rustix::process::getsid(Some(guardian)),
        Ok(guardian),
        "not in a session of its own"
    );
    kill_process(guardian, Signal::HUP).unwrap();
    writer.write_all(b"still here\n").await.unwrap();
    let mut said = String::new();
    reader.read_line(&mut said).await.unwrap();
    assert_eq!(said, "still here\n");
    running.end().await;
}

async fn nothing_is_started_for_an_engine_that_is_gone() {
    let sandbox = Sandbox::new();
    let start = sandbox.shell("echo ran > ran");
    // Both requests are in the pipe, and its writer is closed, before the
    // guardian reads the first.
    let (reader, mut writer) = std::io::pipe().unwrap();
    let requests = serde_json::json!([{"reserve": {"slots": []}}, {"start": &start}])
        .as_array()
        .unwrap()
        .clone();
    for request in requests {
        std::io::Write::write_all(&mut writer, format!("{request}\n").as_bytes()).unwrap();
    }
    drop(writer);
    let mut guardian = ostwin_runner::process::command(program().program);
    guardian.envs(program().env).stdin(reader).stdout(std::process::Stdio::null());
    assert!(guardian.status().unwrap().success());
    assert!(sandbox.path("session.lock").exists());
    assert!(!sandbox.path("ran").exists(), "the agent was started for nobody");
}

async fn something_else_than_a_guardian_is_an_error() {
    let not_there =
        GuardianProgram { program: "/no/such/guardian".into(), args: Vec::new(), env: Vec::new() };
    let error = Guardian::reserve(&not_there, Vec::new()).await.unwrap_err();
    assert!(matches!(error, GuardianError::Spawn { .. }), "{error:?}");
    let silent = GuardianProgram { program: "/bin/false".into(), ..not_there.clone() };
    let error = Guardian::reserve(&silent, Vec::new()).await.unwrap_err();
    assert!(
        matches!(error, GuardianError::Gone { status, .. } if status.code == Some(1)),
        "{error:?}"
    );
    let babbling = GuardianProgram {
        program: "/bin/echo".into(),
        args: vec!["hello".to_owned()],
        ..not_there
    };
    let error = Guardian::reserve(&babbling, Vec::new()).await.unwrap_err();
    assert!(matches!(error, GuardianError::Protocol(_)), "{error:?}");
}

async fn a_sweep_finds_marked_strays() {
    let sandbox = Sandbox::new();
    let script = "setsid sh -c 'trap \"\" TERM; echo $$ > stray; while :; do sleep 0.05; done' &";
    let mut start = ostwin_runner::process::command("/bin/sh");
    start.args(["-c", script]).current_dir(sandbox.path("."));
    start.env("OSTWIN_ATTEMPT", &sandbox.attempt);
    assert!(start.status().unwrap().success());
    let stray = sandbox.pid_in("stray").await;
    let mark = sandbox.attempt.clone();
    let report = tokio::task::spawn_blocking(move || {
        let grace = Duration::from_millis(200);
        sweep(Sweep { mark: Some(&mark), grace, ..Sweep::default() })
    });
    let report = report.await.unwrap();
    assert!(report.killed.iter().any(|process| process.pid == stray), "{report:?}");
    assert_eq!(report.survivors.len(), 0);
    until(|| (!alive(stray)).then_some(())).await;
}
