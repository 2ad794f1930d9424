//! The conversation with the session of an open attempt, until nothing of it runs any more.
//!
//! It hears three sides at once: the session, the room's channel, and what the engine's loop tells.
//! What it owns is what was said so far: whether the signal is there, whether the session was
//! reminded of it, and how far its quality gates are.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use ostwin_core::budget::Caps;
use ostwin_core::channel::Message;
use ostwin_core::events::{Event, EventKind};
use ostwin_core::ids::EpicId;
use ostwin_core::jsonl::Follower;
use ostwin_core::lifecycle::{Machine, Spent, names};
use ostwin_core::room::{self, Attempt, Ended, Manifest, Outcome, Question, Room, Usage};
use ostwin_runner::acp::{AcpError, AgentInfo};
use ostwin_runner::session::{self, Control, SessionEnd, UsageTotals};
use serde_json::json;
use tokio::sync::mpsc::{self, Sender, UnboundedReceiver, UnboundedSender};
use tokio::time::Instant;

use crate::attempt::Tell;
use crate::blocking::block_in_place;
use crate::error::EngineError;
use crate::gates::{Gates, Tried};
use crate::permissions::Waiting;
use crate::sessions::Shared;
use crate::waiting::{Turn, Waits};
use crate::world::Seat;

/// How many messages of the channel are looked at in one go.
const MESSAGES: usize = 256;

/// How often the record of a running attempt is brought up to date with what it used.
const USAGE_INTERVAL: Duration = Duration::from_secs(1);

/// Longer than any gates take: while they run, the attempt has no deadline.
const NO_DEADLINE: Duration = Duration::from_secs(365 * 24 * 3600);

/// Looks for the attempt's signal in what is added to the channel.
pub(crate) struct Watch {
    follower: Follower,
    attempt: room::AttemptRecord,
    machine: Machine,
    /// The signal that is there.
    signal: Option<Message>,
    /// What the attempt has asked a person.
    waits: Waits,
    /// Questions that were asked or answered and that nobody was told of yet.
    news: Vec<Question>,
}

impl Watch {
    pub(crate) fn new(room: &Room, attempt: &Attempt, machine: Machine, waits: Waits) -> Self {
        Self {
            follower: Follower::new(&room.paths().channel(), attempt.record.channel_offset),
            attempt: attempt.record.clone(),
            machine,
            signal: None,
            waits,
            news: Vec::new(),
        }
    }

    /// The signal, if it is there. A channel that cannot be read now is read again when it
    /// changes, and when the attempt is closed.
    fn signal(&mut self) -> Option<&Message> {
        while self.signal.is_none() {
            let Ok(batch) = self.follower.poll::<Message>(MESSAGES) else { return None };
            for message in batch.lines {
                self.news.extend(self.waits.heard(&message).cloned());
                let is_first = self.signal.is_none();
                if is_first && room::is_signal(&self.machine, &self.attempt, &message) {
                    self.signal = Some(message);
                }
            }
            if !batch.more {
                break;
            }
        }
        self.signal.as_ref()
    }
}

/// Why the engine ended a session before its time.
pub(crate) enum Stop {
    /// The engine ends.
    Interrupt,
    /// Somebody else decided about the room.
    Cancel(String),
    /// A person was asked and has not answered while the session was kept.
    Waiting(String),
    /// A budget is used up.
    Budget(String),
}

/// Everything that a conversation is about.
pub(crate) struct Talk<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) room: &'a Room,
    pub(crate) attempt: &'a Attempt,
    pub(crate) watch: Watch,
    /// What has to succeed before a `done` counts.
    pub(crate) gates: Option<Gates>,
    /// When the attempt is over.
    pub(crate) deadline: Instant,
    /// The room's epic.
    pub(crate) epic: &'a EpicId,
    /// Hears what people should know.
    pub(crate) happened: UnboundedSender<Event>,
    /// What the room may use, and what its earlier attempts have used.
    pub(crate) caps: Caps,
    pub(crate) spent_before: Spent,
    /// What the session is made of.
    pub(crate) manifest: Manifest,
}

/// What was said so far.
struct Course<'a> {
    talk: Talk<'a>,
    control: Sender<Control>,
    nudge: String,
    nudged: bool,
    /// The session was told that its signal is there.
    signalled: bool,
    /// The session has ended its turn and waits for what it is told.
    idle: bool,
    gating: Gating<'a>,
    /// The session was told of a gate that failed.
    gate_told: bool,
    usage_noted: Instant,
    /// What was left of the attempt's time when the session began to wait for a person.
    left: Option<Duration>,
    /// What the session itself has used.
    used: Spent,
    /// The budget that is used up, and until when the session may go on.
    over_budget: Option<(String, Instant)>,
    stop: Option<Stop>,
}

/// How far the gates are.
enum Gating<'a> {
    /// Nothing to run now.
    Rest,
    /// They run, and so much was left of the attempt's time when they began.
    Running { trial: Trial<'a>, began: Instant, left: Duration },
    /// One failed, and the session is to be told this once it listens.
    ToTell(String),
}

type Trial<'a> = Pin<Box<dyn Future<Output = Result<Tried, EngineError>> + Send + 'a>>;

/// Runs the session to its end.
pub(crate) async fn converse(
    talk: Talk<'_>,
    seat: Box<dyn Seat>,
    spec: session::SessionSpec,
    told: &mut UnboundedReceiver<Tell>,
    mut asked: UnboundedReceiver<Waiting>,
) -> (Ended, Option<Stop>) {
    let signals = talk.watch.machine.allowed_agent_signals(&talk.attempt.record.state);
    let (control, controlled) = mpsc::channel(16);
    let (event_sender, mut events) = mpsc::unbounded_channel();
    let mut running = seat.run(spec, controlled, event_sender);
    let mut course = Course {
        talk,
        control,
        nudge: ostwin_runner::prompt::nudge(&signals),
        nudged: false,
        signalled: false,
        idle: false,
        gating: Gating::Rest,
        gate_told: false,
        usage_noted: Instant::now(),
        left: None,
        used: Spent::default(),
        over_budget: None,
        stop: None,
    };
    let mut books = course.talk.shared.meter().watch();
    let end = loop {
        let wake = course.wake();
        tokio::select! {
            // In a fixed order, so that the same inputs always lead to the same course.
            biased;
            end = &mut running => break end,
            Some(waiting) = asked.recv() => course.asked(waiting),
            Ok(()) = books.changed() => course.compare(),
            () = at(wake) => course.woken(),
            Some(event) = events.recv() => course.hear(event),
            Some(tell) = told.recv() => course.tell(tell),
            tried = course.gating.trial() => course.tried(tried),
        }
    };
    course.used(&end.usage);
    let manifest = course.talk.manifest;
    (ended(end, manifest), course.stop)
}

async fn at(wake: Option<Instant>) {
    match wake {
        Some(wake) => tokio::time::sleep_until(wake).await,
        None => std::future::pending().await,
    }
}

impl<'a> Gating<'a> {
    /// Waits for the gates that run; for ever if none do.
    async fn trial(&mut self) -> Result<Tried, EngineError> {
        match self {
            Self::Running { trial, .. } => trial.await,
            Self::Rest | Self::ToTell(_) => std::future::pending().await,
        }
    }
}

impl Course<'_> {
    fn order(&self, order: Control) {
        // Full or closed: the session is ending already.
        let _ = self.control.try_send(order);
    }

    /// What the session tells.
    fn hear(&mut self, event: session::Event) {
        let (room, attempt) = (self.talk.room, self.talk.attempt);
        match event {
            session::Event::TurnEnded { .. } => {
                self.idle = true;
                self.look();
                self.go_on();
            }
            session::Event::Opened(info) => {
                for left_out in &info.left_out {
                    let id = &attempt.record.id;
                    tracing::warn!(room = %room.id(), attempt = %id, "{left_out}");
                }
                let manifest = made_by(self.talk.manifest.clone(), &info);
                note(room, attempt, |record| {
                    record.agent_session = Some(info.session_id);
                    record.manifest = Some(manifest);
                });
            }
            session::Event::Usage(totals) => {
                self.used(&totals);
                self.compare();
                if self.usage_noted.elapsed() >= USAGE_INTERVAL {
                    self.usage_noted = Instant::now();
                    note(room, attempt, |record| {
                        record.usage = usage(&totals);
                        record.cost_usd = totals.cost_usd;
                    });
                }
            }
            session::Event::Started { .. } | session::Event::Retrying { .. } => {}
        }
    }

    /// What the engine's loop tells.
    fn tell(&mut self, tell: Tell) {
        match tell {
            Tell::ChannelChanged => self.look(),
            Tell::Interrupt => {
                self.stop = Some(Stop::Interrupt);
                self.order(Control::Cancel { reason: "the engine is ending".to_owned() });
            }
            Tell::Cancel { reason } => {
                self.stop = Some(Stop::Cancel(reason.clone()));
                self.order(Control::Cancel { reason });
            }
            Tell::Kill => {
                self.stop.get_or_insert(Stop::Interrupt);
                self.order(Control::Kill);
            }
        }
    }

    /// Looks for the signal. It ends the session, but for a `done` that has gates to pass.
    fn look(&mut self) {
        if self.signalled || matches!(self.gating, Gating::Running { .. }) {
            return;
        }
        let signal = block_in_place(|| self.talk.watch.signal());
        let Some(is_done) = signal.map(|signal| signal.kind.as_str() == names::DONE) else {
            return self.wait();
        };
        match self.talk.gates.clone().filter(|_| is_done) {
            Some(gates) => self.begin_gates(gates),
            None => self.finish(),
        }
    }

    fn finish(&mut self) {
        self.signalled = true;
        self.order(Control::Signalled);
    }

    fn begin_gates(&mut self, gates: Gates) {
        let Talk { shared, room, attempt, deadline, .. } = self.talk;
        let now = Instant::now();
        let left = deadline.saturating_duration_since(now);
        let trial = Box::pin(async move { gates.run(shared, room, attempt).await });
        self.gating = Gating::Running { trial, began: now, left };
        self.order(Control::Deadline(now + NO_DEADLINE));
    }

    /// What came of the gates. The first failure is told to the session, which gets the time back
    /// that they took.
    fn tried(&mut self, tried: Result<Tried, EngineError>) {
        let gating = std::mem::replace(&mut self.gating, Gating::Rest);
        let Gating::Running { began, left, .. } = gating else { return };
        let (room, attempt) = (self.talk.room, self.talk.attempt);
        let told = match tried {
            Ok(tried) => tried.failed().map(|failed| (failed.clone(), tried.told(failed))),
            Err(error) => {
                // They are due still, and are run again when the session has ended.
                tracing::warn!(room = %room.id(), %error, "could not run the quality gates");
                None
            }
        };
        // One failure is told, once: if a gate fails again, the attempt has failed.
        let Some((failed, text)) = told.filter(|_| !self.gate_told) else {
            return self.finish();
        };
        let id = &attempt.record.id;
        let took = began.elapsed();
        let taken =
            block_in_place(|| room.locked(|locked| locked.take_back_done(id, &failed, took)));
        if let Err(error) = taken {
            tracing::warn!(room = %room.id(), %error, "could not take the `done` back");
            return self.finish();
        }
        self.talk.watch.signal = None;
        self.talk.deadline = Instant::now() + left;
        self.order(Control::Deadline(self.talk.deadline));
        self.nudged = false;
        self.gate_told = true;
        self.gating = Gating::ToTell(text);
        self.go_on();
    }

    /// Tells a session that has ended its turn what it is to do next.
    fn go_on(&mut self) {
        if !self.idle || self.signalled || self.stop.is_some() {
            return;
        }
        let rests = matches!(self.gating, Gating::Rest);
        if rests && self.talk.watch.waits.is_waiting() {
            // It has given up waiting by itself: the answer opens the next session.
            return self.end_waiting();
        }
        if rests && let Some((reason, _)) = &self.over_budget {
            self.stop = Some(Stop::Budget(reason.clone()));
            return self.order(Control::Finish);
        }
        match std::mem::replace(&mut self.gating, Gating::Rest) {
            running @ Gating::Running { .. } => {
                self.gating = running;
                return;
            }
            Gating::ToTell(text) => self.order(Control::Nudge(text)),
            Gating::Rest if self.nudged => self.order(Control::Finish),
            Gating::Rest => {
                self.nudged = true;
                self.order(Control::Nudge(self.nudge.clone()));
            }
        }
        self.idle = false;
    }
}

/// What people are asked, and what the session may use.
impl Course<'_> {
    /// A request for a permission that a person has to answer.
    fn asked(&mut self, waiting: Waiting) {
        self.talk.watch.waits.asked(waiting);
        self.look();
    }

    /// Brings the waiting for people up to date: the deadline stands still meanwhile.
    fn wait(&mut self) {
        let (room, attempt) = (self.talk.room, self.talk.attempt);
        let now = room.project().store().now();
        for question in std::mem::take(&mut self.talk.watch.news) {
            let event = question_event(self.talk.epic, room, &question);
            let _ = self.talk.happened.send(event);
        }
        match self.talk.watch.waits.turn(now) {
            Some(Turn::Began) => {
                let left = self.talk.deadline.saturating_duration_since(Instant::now());
                self.left = Some(left);
                self.order(Control::Deadline(Instant::now() + NO_DEADLINE));
                // What is answered in time may still be posted.
                let until = now.plus(self.talk.shared.patience().live + left);
                note(room, attempt, |record| record.deadline_at = until);
            }
            Some(Turn::Over(_)) => {
                let left = self.left.take().unwrap_or_default();
                self.talk.deadline = Instant::now() + left;
                self.order(Control::Deadline(self.talk.deadline));
                note(room, attempt, |record| record.deadline_at = now.plus(left));
            }
            None => {}
        }
        if self.talk.watch.waits.is_over() {
            self.end_waiting();
        }
    }

    fn end_waiting(&mut self) {
        if self.stop.is_none() {
            let now = self.talk.room.project().store().now();
            let reason = self.talk.watch.waits.words(now);
            self.stop = Some(Stop::Waiting(reason));
            let reason = "a person has not answered yet".to_owned();
            self.order(Control::Cancel { reason });
        }
    }

    /// What the session has used by now, into the books of the run.
    fn used(&mut self, totals: &UsageTotals) {
        let tokens = usage(totals).map_or(0, |usage| usage.total());
        self.used = Spent { tokens, cost_usd: totals.cost_usd };
        let Talk { shared, room, epic, caps, .. } = &self.talk;
        for event in shared.meter().report(epic, room.id(), self.spent(), *caps) {
            let _ = self.talk.happened.send(event);
        }
    }

    /// What the room has used by now.
    fn spent(&self) -> Spent {
        [self.talk.spent_before, self.used].into_iter().sum()
    }

    /// Compares what is used with what may be. A session whose budget is used up may finish its
    /// turn, for a while; one whose budget was raised meanwhile goes on.
    fn compare(&mut self) {
        let room = self.talk.caps.used_up(&self.spent());
        let room = room.map(|words| format!("the room's budget is used up: {words}"));
        let plan = || {
            let words = self.talk.shared.meter().plan_used_up()?;
            Some(format!("the plan's budget is used up: {words}"))
        };
        match (room.or_else(plan), &self.over_budget) {
            (None, _) => self.over_budget = None,
            (Some(reason), Some((_, until))) => self.over_budget = Some((reason, *until)),
            (Some(reason), None) => {
                let grace = Duration::from_secs(self.talk.shared.config().budget_grace_seconds);
                self.over_budget = Some((reason, Instant::now() + grace));
            }
        }
    }

    /// When something is due by itself.
    fn wake(&self) -> Option<Instant> {
        if self.stop.is_some() || self.signalled {
            return None;
        }
        let now = self.talk.room.project().store().now();
        let person = self.talk.watch.waits.next(now);
        let budget = self.over_budget.as_ref().map(|(_, until)| *until);
        person.into_iter().chain(budget).min()
    }

    fn woken(&mut self) {
        self.look();
        let over = self.over_budget.as_ref().filter(|(_, until)| *until <= Instant::now());
        if let Some((reason, _)) = over
            && self.stop.is_none()
            && !self.signalled
        {
            let reason = reason.clone();
            self.order(Control::Cancel { reason: reason.clone() });
            self.stop = Some(Stop::Budget(reason));
        }
    }
}

/// A question that a session asks a person, or its answer.
fn question_event(epic: &EpicId, room: &Room, question: &Question) -> Event {
    let reason = match &question.reply {
        Some(reply) => format!("{} answered {}", reply.by, question.from),
        None => question.line(),
    };
    Event {
        epic: Some(epic.clone()),
        room: Some(room.id().clone()),
        attempt: Some(question.attempt.clone()),
        reason: Some(reason),
        data: Some(json!({
            "question": question.id,
            "asks": question.asks,
            "from": question.from,
            "text": question.line(),
            "options": question.options,
            "expires_at": question.expires_at,
            "answer": question.reply.as_ref().map(|reply| &reply.id),
        })),
        ..Event::new(EventKind::Question)
    }
}

fn note(room: &Room, attempt: &Attempt, note: impl FnOnce(&mut room::AttemptRecord)) {
    let noted = block_in_place(|| room.locked(|locked| locked.note(&attempt.record.id, note)));
    if let Err(error) = noted {
        // Only a hint: the close writes the same.
        tracing::debug!(room = %room.id(), %error, "could not note in the attempt's record");
    }
}

fn usage(totals: &UsageTotals) -> Option<Usage> {
    totals.metered.then_some(Usage {
        input_tokens: totals.tokens.input,
        output_tokens: totals.tokens.output,
        cached_tokens: totals.tokens.cached_read,
        total_tokens: totals.tokens.total,
    })
}

/// The manifest with what the agent said of itself.
fn made_by(manifest: Manifest, agent: &AgentInfo) -> Manifest {
    let says = [agent.name.as_deref(), agent.version.as_deref()];
    let says: Vec<&str> = says.into_iter().flatten().filter(|word| !word.is_empty()).collect();
    let wanted = manifest.model.is_some();
    Manifest {
        agent_version: Some(says.join(" ")).filter(|says| !says.is_empty()),
        model_selected: wanted.then_some(agent.model_selected),
        ..manifest
    }
}

fn ended(end: SessionEnd, manifest: Manifest) -> Ended {
    let manifest = match &end.agent {
        Some(agent) => made_by(manifest, agent),
        None => manifest,
    };
    let outcome = match &end.outcome {
        session::Outcome::Finished { .. } => Outcome::NoSignal,
        session::Outcome::Deadline => Outcome::Timeout,
        session::Outcome::Cancelled { .. } => Outcome::Cancelled,
        session::Outcome::Interrupted => Outcome::Interrupted,
        session::Outcome::SpawnFailed { .. } => Outcome::SpawnFailed,
        session::Outcome::Failed(AcpError::Auth(_)) => Outcome::Auth,
        session::Outcome::Failed(AcpError::RateLimited(_)) => Outcome::RateLimited,
        session::Outcome::Failed(_) => Outcome::AgentError,
    };
    let reason = match (&outcome, end.outcome.detail()) {
        (_, Some(detail)) => detail,
        (Outcome::NoSignal, None) => "the session ended without a signal".to_owned(),
        (Outcome::Timeout, None) => "the attempt's time was up".to_owned(),
        (Outcome::Interrupted, None) => "the session was interrupted".to_owned(),
        (_, None) => String::new(),
    };
    Ended {
        outcome,
        reason,
        usage: usage(&end.usage),
        cost_usd: end.usage.cost_usd,
        turns: end.usage.turns,
        agent_session: end.agent.map(|agent| agent.session_id),
        exit_code: end.exit.as_ref().and_then(|exit| exit.status.code),
        exit_signal: end.exit.as_ref().and_then(|exit| exit.status.signal),
        resume_at: end.resume_at,
        manifest: Some(manifest),
    }
}

/// An end that the engine itself brought about is told apart from the agent's own.
pub(crate) fn explain(ended: Ended, stop: Option<Stop>) -> Ended {
    match stop {
        None => ended,
        Some(Stop::Interrupt) => Ended {
            outcome: Outcome::Interrupted,
            reason: "the engine was ended".to_owned(),
            ..ended
        },
        Some(Stop::Cancel(reason)) => Ended { outcome: Outcome::Cancelled, reason, ..ended },
        Some(Stop::Waiting(reason)) => Ended { outcome: Outcome::Waiting, reason, ..ended },
        Some(Stop::Budget(reason)) => Ended { outcome: Outcome::Budget, reason, ..ended },
    }
}
