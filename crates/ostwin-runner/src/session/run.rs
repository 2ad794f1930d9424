//! The course of one session.

use std::sync::Arc;
use std::time::Duration;

use ostwin_core::time::Timestamp;
use tokio::sync::mpsc::{Receiver, UnboundedSender};
use tokio::time::{Instant, sleep_until, timeout};

use super::backoff::Next;
use super::quiet::Quiet;
use super::recorder::Recorder;
use super::spec::{Control, Durations, Event, Outcome, SessionEnd, SessionSpec};
use crate::acp::{AcpError, PromptEnd, Session, reset};
use crate::guardian::{Cause, Ended, Guardian, GuardianError, Running};

/// How much longer than its wait for `session.lock` a guardian may take to
/// start an agent.
const START_MARGIN: Duration = Duration::from_secs(30);

/// Runs one session under a guardian that holds its slots, and returns when
/// nothing of it runs any more.
///
/// A closed `control` means that the engine is gone, and ends the session. If
/// the future itself is dropped, the guardian sees its lifeline close and ends
/// the session without anybody waiting for it.
pub async fn run(
    guardian: Guardian,
    spec: SessionSpec,
    control: Receiver<Control>,
    events: UnboundedSender<Event>,
) -> SessionEnd {
    let recorder = Recorder::open(&spec, events.clone());
    let quiet = Quiet::new(&spec.start.stderr_log, Arc::clone(&spec.clock));
    let desk = Desk { control, deadline: spec.deadline, hurry: false };
    let mut course = Course {
        spec,
        recorder,
        events,
        desk,
        quiet,
        durations: Durations::default(),
        agent: None,
        turns: 0,
        retries: 0,
        resume_at: None,
    };
    let (outcome, exit) = course.run(guardian).await;
    course.recorder.end(&outcome);
    SessionEnd {
        outcome,
        usage: course.recorder.totals(),
        exit,
        durations: course.durations,
        agent: course.agent,
        turns: course.turns,
        retries: course.retries,
        resume_at: course.resume_at,
    }
}

/// The way to the end that was chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Stop {
    Signalled,
    Finish,
    Deadline,
    Cancel { reason: String },
    Kill,
}

impl Stop {
    fn outcome(self) -> Outcome {
        match self {
            Self::Signalled => Outcome::Finished { signalled: true },
            Self::Finish => Outcome::Finished { signalled: false },
            Self::Deadline => Outcome::Deadline,
            Self::Cancel { reason } => Outcome::Cancelled { reason },
            Self::Kill => Outcome::Cancelled { reason: "killed".to_owned() },
        }
    }
}

/// What the engine says, including the deadline, which it may move.
#[derive(Debug)]
struct Desk {
    control: Receiver<Control>,
    deadline: Instant,
    /// There was an order to kill: the end has no grace.
    hurry: bool,
}

/// Something that the engine said and that isn't about the deadline.
#[derive(Debug)]
enum Order {
    Stop(Stop),
    Nudge(String),
}

impl Desk {
    /// The next order. Dropping the future loses none.
    async fn order(&mut self) -> Order {
        loop {
            let said = tokio::select! {
                // What the engine said before the deadline comes before it.
                biased;
                said = self.control.recv() => said,
                () = sleep_until(self.deadline) => return Order::Stop(Stop::Deadline),
            };
            return match said {
                Some(Control::Deadline(deadline)) => {
                    self.deadline = deadline;
                    continue;
                }
                Some(Control::Signalled) => Order::Stop(Stop::Signalled),
                Some(Control::Finish) => Order::Stop(Stop::Finish),
                Some(Control::Kill) => {
                    self.hurry = true;
                    Order::Stop(Stop::Kill)
                }
                Some(Control::Cancel { reason }) => Order::Stop(Stop::Cancel { reason }),
                Some(Control::Nudge(text)) => Order::Nudge(text),
                None => Order::Stop(Stop::Cancel { reason: "the engine is gone".to_owned() }),
            };
        }
    }

    /// The next order to stop; a nudge has no place now and is passed over.
    async fn stop(&mut self) -> Stop {
        loop {
            if let Order::Stop(stop) = self.order().await {
                return stop;
            }
        }
    }

    /// Waits for an order to kill, and for nothing else.
    async fn kill(&mut self) {
        loop {
            match self.control.recv().await {
                Some(Control::Kill) => {
                    self.hurry = true;
                    return;
                }
                Some(_) => {}
                None => return std::future::pending().await,
            }
        }
    }
}

/// How a turn went.
#[derive(Debug)]
enum Turn {
    Ended(PromptEnd),
    Failed(AcpError),
    Stopped(Stop),
}

struct Course {
    spec: SessionSpec,
    recorder: Recorder,
    events: UnboundedSender<Event>,
    desk: Desk,
    quiet: Quiet,
    durations: Durations,
    agent: Option<crate::acp::AgentInfo>,
    turns: u32,
    retries: u32,
    resume_at: Option<Timestamp>,
}

impl Course {
    async fn run(&mut self, guardian: Guardian) -> (Outcome, Option<Ended>) {
        let began = Instant::now();
        let mut running = match self.start(guardian).await {
            Ok(running) => running,
            Err(outcome) => return (outcome, None),
        };
        self.durations.start_ms = millis(began.elapsed());
        self.tell(Event::Started { agent: running.agent() });

        let began = Instant::now();
        let opened = self.open(&mut running).await;
        self.durations.open_ms = millis(began.elapsed());
        let outcome = match opened {
            Ok(session) => {
                let began = Instant::now();
                let outcome = self.turns(&session).await;
                self.durations.turns_ms = millis(began.elapsed());
                if session.noise() > 0 {
                    let noise = session.noise();
                    self.recorder.notice(format!("{noise} lines of the agent were no messages"));
                }
                session.close().await;
                outcome
            }
            Err(outcome) => outcome,
        };

        let began = Instant::now();
        let ended = self.end(&mut running).await;
        self.durations.end_ms = millis(began.elapsed());
        (explain(outcome, &ended), Some(ended))
    }

    async fn start(&mut self, guardian: Guardian) -> Result<Running, Outcome> {
        let patience = Duration::from_millis(self.spec.start.session_lock_wait_ms) + START_MARGIN;
        match timeout(patience, guardian.start(&self.spec.start)).await {
            Ok(Ok(running)) => Ok(running),
            Ok(Err(error)) if error.is_interrupt() => Err(Outcome::Interrupted),
            Ok(Err(error)) => Err(Outcome::SpawnFailed { message: in_full(&error) }),
            Err(_) => Err(Outcome::SpawnFailed {
                message: format!("the guardian did not start the agent within {patience:?}"),
            }),
        }
    }

    async fn open(&mut self, running: &mut Running) -> Result<Session, Outcome> {
        let Some((reader, writer)) = running.take_relay() else {
            return Err(Outcome::Failed(AcpError::Closed));
        };
        let observer = self.recorder.clone();
        let opening = Session::open(
            reader,
            writer,
            &self.spec.open,
            self.recorder.sink(),
            Arc::clone(&self.spec.policy),
            move |ask, decision| observer.permission(ask, decision),
        );
        let opened = tokio::select! {
            opened = opening => opened,
            stop = self.desk.stop() => return Err(stop.outcome()),
        };
        let session = match opened {
            Ok(session) => session,
            // There is no session that could wait.
            Err(error) => match self.after_refusal(&error, 1, Duration::ZERO) {
                Next::End(rest) if error.is_transient() => return Err(self.refused(error, rest)),
                _ => return Err(Outcome::Failed(error)),
            },
        };
        self.recorder.opened(session.info());
        for left_out in &session.info().left_out {
            self.recorder.notice(left_out.clone());
        }
        self.agent = Some(session.info().clone());
        self.tell(Event::Opened(session.info().clone()));
        Ok(session)
    }

    /// Prompts until the session is to end, and says why it does.
    async fn turns(&mut self, session: &Session) -> Outcome {
        let mut text = std::mem::take(&mut self.spec.prompt);
        loop {
            match self.turn(session, &text).await {
                Turn::Ended(end) => {
                    self.tell(Event::TurnEnded { turn: self.turns, stop_reason: end.stop_reason });
                    match self.desk.order().await {
                        Order::Stop(stop) => return stop.outcome(),
                        Order::Nudge(nudge) => text = nudge,
                    }
                }
                Turn::Failed(error) => match self.before_retry(error).await {
                    Ok(()) => {}
                    Err(outcome) => return outcome,
                },
                Turn::Stopped(stop) => return stop.outcome(),
            }
        }
    }

    /// One prompt and its answer.
    async fn turn(&mut self, session: &Session, text: &str) -> Turn {
        self.turns += 1;
        self.recorder.prompt(self.turns, text);
        let began = Instant::now();
        let mut answer = std::pin::pin!(session.prompt(text));
        let stop = tokio::select! {
            answer = &mut answer => match answer {
                Ok(end) => {
                    self.recorder.turn_ended(self.turns, &end, began.elapsed());
                    return Turn::Ended(end);
                }
                Err(error) => return Turn::Failed(error),
            },
            limit = self.quiet.limit(&self.recorder, self.spec.retries.max_wait) => {
                session.cancel();
                return Turn::Failed(limit);
            }
            stop = self.desk.stop() => stop,
        };
        // The work is done or given up. Leave the agent a moment to close its
        // turn in order, which is what makes a session loadable later.
        let (before_cancel, after_cancel) = match stop {
            Stop::Signalled | Stop::Finish => (self.spec.finish_grace, self.spec.cancel_grace),
            Stop::Cancel { .. } => (Duration::ZERO, self.spec.cancel_grace),
            Stop::Deadline | Stop::Kill => return Turn::Stopped(stop),
        };
        let closing = async {
            if let Ok(answer) = timeout(before_cancel, &mut answer).await {
                return answer.ok();
            }
            session.cancel();
            timeout(after_cancel, &mut answer).await.ok()?.ok()
        };
        let end = tokio::select! {
            end = closing => end,
            () = self.desk.kill() => return Turn::Stopped(Stop::Kill),
        };
        if let Some(end) = end {
            self.recorder.turn_ended(self.turns, &end, began.elapsed());
        }
        Turn::Stopped(stop)
    }

    /// Waits until a failed prompt may be repeated, or says why it is not.
    async fn before_retry(&mut self, error: AcpError) -> Result<(), Outcome> {
        if !error.is_transient() {
            return Err(Outcome::Failed(error));
        }
        let left = self.desk.deadline.saturating_duration_since(Instant::now());
        let wait = match self.after_refusal(&error, self.retries + 1, left) {
            Next::Wait(wait) => wait,
            Next::End(rest) => return Err(self.refused(error, rest)),
        };
        let until = Instant::now() + wait;
        self.retries += 1;
        self.recorder.notice(format!("{error}; asked again in {:.1} s", wait.as_secs_f64()));
        self.tell(Event::Retrying { number: self.retries, wait, error: error.to_string() });
        tokio::select! {
            () = sleep_until(until) => Ok(()),
            stop = self.desk.stop() => Err(stop.outcome()),
        }
    }

    /// What follows refusal `number` of the model's service, with so much time left to wait.
    fn after_refusal(&self, error: &AcpError, number: u32, left: Duration) -> Next {
        let now = self.spec.clock.now();
        let known = reset::reset_in(&error.to_string(), now).map(|at| at.since(now));
        self.spec.retries.after(number, known, left, fastrand::f64())
    }

    /// The end of a session that the model's service refused; the room rests for so long.
    fn refused(&mut self, error: AcpError, rest: Option<Duration>) -> Outcome {
        self.resume_at = rest.map(|rest| self.spec.clock.now().plus(rest));
        Outcome::Failed(error)
    }

    /// Ends every process of the session.
    async fn end(&mut self, running: &mut Running) -> Ended {
        if !self.desk.hurry {
            tokio::select! {
                ended = running.end() => return ended,
                () = self.desk.kill() => {}
            }
        }
        running.kill().await
    }

    fn tell(&self, event: Event) {
        // An engine that no longer listens shows as a closed `control`.
        let _ = self.events.send(event);
    }
}

/// A closed connection usually means that the agent's process has ended: how is
/// known only now.
fn explain(outcome: Outcome, ended: &Ended) -> Outcome {
    match (outcome, ended.cause) {
        (Outcome::Failed(AcpError::Closed), Cause::Exited) => {
            Outcome::Failed(AcpError::Ended(ended.status))
        }
        (outcome, _) => outcome,
    }
}

/// An error with its causes, in one line.
fn in_full(error: &GuardianError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
