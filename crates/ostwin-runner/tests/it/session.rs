//! Whole sessions: guardian, agent and driver together.

use std::sync::Arc;
use std::time::Duration;

use libtest_mimic::Trial;
use ostwin_core::redact::Redactor;
use ostwin_core::time::SystemClock;
use ostwin_runner::acp::transcript::{DEFAULT_MAX_BYTES, Entry, Event as Line};
use ostwin_runner::acp::{AcpError, Allow, Open, StopReason, TokenUsage};
use ostwin_runner::process::ExitStatus;
use ostwin_runner::session::{
    Control, Event, Outcome, Retries, SessionEnd, SessionSpec, UsageTotals, run,
};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::AS_AGENT;
use crate::support::{Sandbox, trial};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("session::a_turn_ends_and_is_nudged", a_turn_ends_and_is_nudged),
        trial(
            "session::a_signal_lets_the_turn_end_for_a_moment",
            a_signal_lets_the_turn_end_for_a_moment,
        ),
        trial("session::a_cancelled_session_ends_in_order", a_cancelled_session_ends_in_order),
        trial(
            "session::the_deadline_ends_an_agent_that_hangs",
            the_deadline_ends_an_agent_that_hangs,
        ),
        trial("session::the_deadline_can_be_moved", the_deadline_can_be_moved),
        trial("session::a_busy_service_is_asked_again", a_busy_service_is_asked_again),
        trial(
            "session::a_service_that_stays_busy_is_given_up",
            a_service_that_stays_busy_is_given_up,
        ),
        trial("session::a_limit_that_ends_soon_is_told", a_limit_that_ends_soon_is_told),
        trial("session::an_agent_that_dies_says_how", an_agent_that_dies_says_how),
        trial(
            "session::a_missing_agent_is_a_failure_to_start",
            a_missing_agent_is_a_failure_to_start,
        ),
        trial("session::a_mute_agent_can_be_killed", a_mute_agent_can_be_killed),
        trial(
            "session::an_engine_that_is_gone_ends_the_session",
            an_engine_that_is_gone_ends_the_session,
        ),
    ]
}

/// A session of an agent that behaves like this.
fn spec(sandbox: &Sandbox, behaviour: &str) -> SessionSpec {
    let program = std::env::current_exe().unwrap();
    let mut start = sandbox.start(&[&program.to_string_lossy()]);
    start.grace_seconds = 20;
    start.env.insert(AS_AGENT.to_owned(), behaviour.to_owned());
    SessionSpec {
        start,
        open: Open {
            cwd: sandbox.path("."),
            mcp_servers: Vec::new(),
            remote_servers: Vec::new(),
            resume: None,
            model: None,
            options: Vec::new(),
            handshake_timeout: Duration::from_secs(20),
            client_version: "1".into(),
        },
        earlier_cost_usd: 0.0,
        prompt: "work".into(),
        transcript: sandbox.path("transcript.jsonl"),
        transcript_max_bytes: DEFAULT_MAX_BYTES,
        redactor: Redactor::default(),
        policy: Arc::new(Allow),
        retries: Retries {
            max: 2,
            first_wait: Duration::from_millis(10),
            max_wait: Duration::from_millis(20),
        },
        deadline: Instant::now() + Duration::from_secs(25),
        finish_grace: Duration::from_millis(50),
        cancel_grace: Duration::from_secs(10),
        clock: Arc::new(SystemClock),
    }
}

/// A running session, seen from the engine.
struct Desk {
    control: mpsc::Sender<Control>,
    events: mpsc::UnboundedReceiver<Event>,
    end: tokio::task::JoinHandle<SessionEnd>,
}

impl Desk {
    async fn of(sandbox: &Sandbox, spec: SessionSpec) -> Self {
        let guardian = sandbox.reserve(Vec::new()).await;
        let (control, orders) = mpsc::channel(8);
        let (sender, events) = mpsc::unbounded_channel();
        let end = tokio::spawn(run(guardian, spec, orders, sender));
        Self { control, events, end }
    }

    async fn say(&self, control: Control) {
        self.control.send(control).await.unwrap();
    }

    /// Waits for an event that `wanted` takes something out of.
    async fn wait<T>(&mut self, mut wanted: impl FnMut(&Event) -> Option<T>) -> T {
        loop {
            let event = self.events.recv().await.expect("the session ended before");
            if let Some(found) = wanted(&event) {
                return found;
            }
        }
    }

    async fn opened(&mut self) {
        self.wait(|event| matches!(event, Event::Opened(_)).then_some(())).await;
    }

    async fn turn_ended(&mut self) -> u32 {
        self.wait(|event| match event {
            Event::TurnEnded { turn, .. } => Some(*turn),
            _ => None,
        })
        .await
    }

    async fn end(self) -> SessionEnd {
        let Self { control, events: _events, end } = self;
        let end = end.await.unwrap();
        drop(control);
        end
    }
}

fn transcript(sandbox: &Sandbox) -> Vec<Line> {
    let text = sandbox.read("transcript.jsonl");
    text.lines().map(|line| Entry::parse(line).unwrap().event).collect()
}

async fn a_turn_ends_and_is_nudged() {
    let sandbox = Sandbox::new();
    let mut desk = Desk::of(&sandbox, spec(&sandbox, "polite")).await;
    assert_eq!(desk.turn_ended().await, 1);
    desk.say(Control::Nudge("and your signal?".into())).await;
    assert_eq!(desk.turn_ended().await, 2);
    desk.say(Control::Finish).await;
    let end = desk.end().await;
    let tokens = TokenUsage { input: 20, output: 10, total: 30, ..TokenUsage::default() };
    assert_eq!(end.outcome, Outcome::Finished { signalled: false });
    assert_eq!(end.usage, UsageTotals { tokens, cost_usd: None, metered: true, turns: 2 });
    assert_eq!((end.turns, end.retries), (2, 0));
    let exit = end.exit.unwrap();
    assert_eq!((exit.status, exit.killed), (ExitStatus { code: Some(0), signal: None }, 0));
    assert_eq!(sandbox.marked(), Vec::<u32>::new());

    let lines = transcript(&sandbox);
    let kinds: Vec<String> = lines
        .iter()
        .map(|line| serde_json::to_value(line).unwrap()["type"].as_str().unwrap().to_owned())
        .collect();
    let turn = ["prompt", "text", "usage", "turn_end"];
    assert_eq!(kinds, [&["session"][..], &turn, &turn, &["end"]].concat());
    assert_eq!(lines[1], Line::Prompt { turn: 1, text: None, bytes: 4 });
    assert_eq!(lines[2], Line::Text { text: "you said: work".into() });
    let nudge = "and your signal?".to_owned();
    assert_eq!(lines[5], Line::Prompt { turn: 2, bytes: nudge.len(), text: Some(nudge) });
    assert_eq!(lines[9], Line::End { outcome: "no-signal".into(), detail: None });
}

async fn a_signal_lets_the_turn_end_for_a_moment() {
    let sandbox = Sandbox::new();
    let mut desk = Desk::of(&sandbox, spec(&sandbox, "long")).await;
    desk.opened().await;
    desk.say(Control::Signalled).await;
    let end = desk.end().await;
    assert_eq!(end.outcome, Outcome::Finished { signalled: true });
    let reason = transcript(&sandbox).into_iter().find_map(|line| match line {
        Line::TurnEnd { stop_reason, .. } => Some(stop_reason),
        _ => None,
    });
    assert_eq!(reason.as_deref(), Some("cancelled"), "the agent did not end its turn itself");
}

async fn a_cancelled_session_ends_in_order() {
    let sandbox = Sandbox::new();
    let mut desk = Desk::of(&sandbox, spec(&sandbox, "long")).await;
    desk.opened().await;
    desk.say(Control::Cancel { reason: "stopped by a person".into() }).await;
    let end = desk.end().await;
    assert_eq!(end.outcome, Outcome::Cancelled { reason: "stopped by a person".into() });
    assert_eq!(end.exit.unwrap().status.code, Some(0));
    assert_eq!(
        transcript(&sandbox).last(),
        Some(&Line::End {
            outcome: "cancelled".into(),
            detail: Some("stopped by a person".into())
        })
    );
}

async fn the_deadline_ends_an_agent_that_hangs() {
    let sandbox = Sandbox::new();
    let mut desk = Desk::of(&sandbox, spec(&sandbox, "deaf")).await;
    desk.opened().await;
    // Some time ahead, so that it comes of itself, and after the agent was there.
    desk.say(Control::Deadline(Instant::now() + Duration::from_millis(100))).await;
    let end = desk.end().await;
    assert_eq!(end.outcome, Outcome::Deadline);
    assert_eq!(end.exit.unwrap().status.signal, Some(15));
    assert_eq!(sandbox.marked(), Vec::<u32>::new());
}

async fn the_deadline_can_be_moved() {
    let sandbox = Sandbox::new();
    let mut desk = Desk::of(&sandbox, spec(&sandbox, "polite")).await;
    desk.turn_ended().await;
    desk.say(Control::Deadline(Instant::now())).await;
    assert_eq!(desk.end().await.outcome, Outcome::Deadline);
}

async fn a_busy_service_is_asked_again() {
    let sandbox = Sandbox::new();
    let mut desk = Desk::of(&sandbox, spec(&sandbox, "busy")).await;
    let mut numbers = Vec::new();
    let reason = desk
        .wait(|event| match event {
            Event::Retrying { number, .. } => {
                numbers.push(*number);
                None
            }
            Event::TurnEnded { stop_reason, .. } => Some(*stop_reason),
            _ => None,
        })
        .await;
    assert_eq!((numbers, reason), (vec![1, 2], StopReason::EndTurn));
    desk.say(Control::Signalled).await;
    let end = desk.end().await;
    assert_eq!((end.outcome, end.retries), (Outcome::Finished { signalled: true }, 2));
}

async fn a_service_that_stays_busy_is_given_up() {
    let sandbox = Sandbox::new();
    let mut spec = spec(&sandbox, "busy");
    spec.retries.max = 1;
    let end = Desk::of(&sandbox, spec).await.end().await;
    assert_eq!(end.outcome, Outcome::Failed(AcpError::RateLimited("too many requests".into())));
    assert_eq!(end.outcome.word(), "rate-limited");
    assert_eq!(end.retries, 1);
}

async fn a_limit_that_ends_soon_is_told() {
    // Without tries left, and without the time for one.
    for (max, seconds) in [(0, 25), (9, 6)] {
        let sandbox = Sandbox::new();
        let mut spec = spec(&sandbox, "limited");
        spec.retries = Retries::up_to(max);
        spec.deadline = Instant::now() + Duration::from_secs(seconds);
        let clock = spec.clock.clone();
        let end = Desk::of(&sandbox, spec).await.end().await;
        assert_eq!((end.outcome.word(), end.turns, end.retries), ("rate-limited", 1, 0));
        let rest = end.resume_at.unwrap().since(clock.now());
        let eight = Duration::from_secs(8);
        assert!(rest <= eight && rest > Duration::from_secs(2), "{rest:?}");
    }
}

async fn an_agent_that_dies_says_how() {
    let sandbox = Sandbox::new();
    let end = Desk::of(&sandbox, spec(&sandbox, "mortal")).await.end().await;
    let status = ExitStatus { code: Some(3), signal: None };
    assert_eq!(end.outcome, Outcome::Failed(AcpError::Ended(status)));
    assert_eq!(end.outcome.word(), "agent-error");
}

async fn a_missing_agent_is_a_failure_to_start() {
    let sandbox = Sandbox::new();
    let mut spec = spec(&sandbox, "polite");
    spec.start.argv = vec!["no-such-agent".into()];
    let end = Desk::of(&sandbox, spec).await.end().await;
    let Outcome::SpawnFailed { message } = &end.outcome else { panic!("{end:?}") };
    assert!(message.contains("`no-such-agent` was not found"), "{message}");
    assert_eq!((end.exit, end.turns), (None, 0));
}

async fn a_mute_agent_can_be_killed() {
    let sandbox = Sandbox::new();
    let mut spec = spec(&sandbox, "mute");
    spec.start.grace_seconds = 3_600;
    let mut desk = Desk::of(&sandbox, spec).await;
    desk.wait(|event| matches!(event, Event::Started { .. }).then_some(())).await;
    desk.say(Control::Kill).await;
    let end = desk.end().await;
    assert_eq!(end.outcome, Outcome::Cancelled { reason: "killed".into() });
    assert_eq!(sandbox.marked(), Vec::<u32>::new());
}

async fn an_engine_that_is_gone_ends_the_session() {
    let sandbox = Sandbox::new();
    let mut desk = Desk::of(&sandbox, spec(&sandbox, "long")).await;
    desk.opened().await;
    let Desk { control, events, end } = desk;
    drop((control, events));
    let end = end.await.unwrap();
    assert_eq!(end.outcome, Outcome::Cancelled { reason: "the engine is gone".into() });
}
