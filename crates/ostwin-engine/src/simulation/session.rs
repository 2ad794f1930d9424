//! A simulated session: it follows the behaviour that the seed gives it, and does what a session
//! does under a guardian.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ostwin_core::ids::{AttemptId, EpicId, RoleRef, RoomId, SignalName, StateName};
use ostwin_core::lifecycle::{Machine, names};
use ostwin_core::room::{self, AttemptRecord, Contract, Outcome as Ended, Room, Speaker};
use ostwin_runner::acp::{AcpError, AgentInfo, StopReason};
use ostwin_runner::session::{
    Control, Durations, Event, Outcome, SessionEnd, SessionSpec, UsageTotals,
};
use serde_json::{Value, json};
use tokio::sync::mpsc::{Receiver, UnboundedSender};
use tokio::time::{Instant, sleep_until};

use super::case::{Behaviour, Ending, Trick};
use super::model::{Broken, words};
use super::stage::{Answer, Stage, Wish};

/// Longer than any plan takes.
const FOR_EVER: Duration = Duration::from_secs(400 * 24 * 3600);

/// Plays one session to its end.
pub(super) async fn play(
    stage: Arc<Stage>,
    spec: SessionSpec,
    control: Receiver<Control>,
    events: UnboundedSender<Event>,
) -> SessionEnd {
    let desk = Desk { control, deadline: spec.deadline };
    let outcome = match Player::new(&stage, &spec, desk, events) {
        Ok(mut player) => {
            stage.begins(&player.part.room, &spec.start.attempt);
            let outcome = player.play().await;
            // The processes take a moment to end.
            let takes = stage.random(|random| random.u64(0..400));
            tokio::time::sleep(Duration::from_millis(takes)).await;
            player.has_ended = true;
            player.leave_something_on_its_way(&outcome);
            outcome
        }
        Err(broken) => {
            stage.hold(Err(broken.clone()));
            Outcome::SpawnFailed { message: broken }
        }
    };
    SessionEnd {
        outcome,
        usage: UsageTotals::default(),
        exit: None,
        durations: Durations::default(),
        agent: None,
        turns: 1,
        retries: 0,
        resume_at: None,
    }
}

/// Whether the gate succeeds whose lock is this file of an attempt.
pub(super) fn gate_passes(stage: &Stage, lock: &Path) -> bool {
    let part = room_of(lock).and_then(|room| {
        let room = stage.room(&room).ok()?;
        let last = room.last_attempt().ok()??;
        Part::new(&room, last.record).ok()
    });
    part.is_none_or(|part| stage.case.gate_passes(&part.epic, &part.state, part.before))
}

fn room_of(file: &Path) -> Option<RoomId> {
    file.ancestors().find_map(|path| path.file_name()?.to_str()?.parse().ok())
}

/// What a session is about.
struct Part {
    room: RoomId,
    epic: EpicId,
    contract: Contract,
    machine: Machine,
    attempt: AttemptId,
    role: RoleRef,
    state: StateName,
    /// How many sessions came to an end of their own in this state before.
    before: usize,
    /// An attempt that is over.
    earlier: Option<AttemptId>,
}

impl Part {
    fn new(room: &Room, record: AttemptRecord) -> Result<Self, room::RoomError> {
        let contract = room.contract()?;
        let attempts = room.attempts()?;
        let others = || attempts.iter().map(|other| &other.record).filter(|o| o.id != record.id);
        let before = others()
            .filter(|other| other.state == record.state && other.number < record.number)
            .filter(|other| !matches!(other.outcome, None | Some(Ended::Interrupted)))
            .count();
        Ok(Self {
            room: room.id().clone(),
            epic: contract.task_ref.clone(),
            machine: room.machine()?,
            contract,
            earlier: others().next().map(|other| other.id.clone()),
            attempt: record.id,
            role: record.role,
            state: record.state,
            before,
        })
    }
}

/// Why a session stops before its script does.
enum Stop {
    Signalled,
    Finish,
    Deadline,
    Cancel(String),
    Kill,
}

impl Stop {
    fn outcome(self) -> Outcome {
        match self {
            Self::Signalled => Outcome::Finished { signalled: true },
            Self::Finish => Outcome::Finished { signalled: false },
            Self::Deadline => Outcome::Deadline,
            Self::Cancel(reason) => Outcome::Cancelled { reason },
            Self::Kill => Outcome::Cancelled { reason: "killed".to_owned() },
        }
    }
}

/// What the engine says, its deadline included.
struct Desk {
    control: Receiver<Control>,
    deadline: Instant,
}

enum Order {
    Stop(Stop),
    Nudge,
}

impl Desk {
    /// The next order; none within `patience`.
    async fn order(&mut self, patience: Duration) -> Option<Order> {
        let end = Instant::now() + patience;
        loop {
            let said = tokio::select! {
                biased;
                said = self.control.recv() => said,
                () = sleep_until(self.deadline) => return Some(Order::Stop(Stop::Deadline)),
                () = sleep_until(end) => return None,
            };
            let stop = match said {
                Some(Control::Deadline(deadline)) => {
                    self.deadline = deadline;
                    continue;
                }
                Some(Control::Nudge(_)) => return Some(Order::Nudge),
                Some(Control::Signalled) => Stop::Signalled,
                Some(Control::Finish) => Stop::Finish,
                Some(Control::Kill) => Stop::Kill,
                Some(Control::Cancel { reason }) => Stop::Cancel(reason),
                None => Stop::Cancel("the engine is gone".to_owned()),
            };
            return Some(Order::Stop(stop));
        }
    }

    /// Works for a while, unless the session has to stop. A nudge has no place then.
    async fn work(&mut self, takes: Duration) -> Result<(), Stop> {
        let end = Instant::now() + takes;
        loop {
            match self.order(end.saturating_duration_since(Instant::now())).await {
                None => return Ok(()),
                Some(Order::Nudge) => {}
                Some(Order::Stop(stop)) => return Err(stop),
            }
        }
    }
}

struct Player {
    stage: Arc<Stage>,
    part: Part,
    behaviour: Behaviour,
    desk: Desk,
    events: UnboundedSender<Event>,
    turn: u32,
    has_ended: bool,
}

impl Drop for Player {
    /// With its engine, a session is gone too. What it was about to say may still arrive.
    fn drop(&mut self) {
        let offered = self.stage.take_offer(&self.part.attempt);
        if let Some(wish) = offered.filter(|_| !self.has_ended)
            && self.stage.random(fastrand::Rng::bool)
        {
            self.stage.leave_late(wish);
        }
        self.stage.ends(&self.part.room);
    }
}

impl Player {
    fn new(
        stage: &Arc<Stage>,
        spec: &SessionSpec,
        desk: Desk,
        events: UnboundedSender<Event>,
    ) -> Result<Self, Broken> {
        let room = room_of(&spec.start.session_lock);
        let room = stage.room(&room.ok_or("the session has no room")?).map_err(words)?;
        let last = room.last_attempt().map_err(words)?.ok_or("the room has no attempt")?;
        let part = Part::new(&room, last.record).map_err(words)?;
        let behaviour = stage.case.behaviour(&part.epic, &part.machine, &part.state, part.before);
        stage.tell(|| {
            let Part { room, epic, state, before, .. } = &part;
            format!("{room}: {epic} `{state}` {before}: {behaviour:?}")
        });
        let stage = Arc::clone(stage);
        Ok(Self { stage, part, behaviour, desk, events, turn: 0, has_ended: false })
    }

    async fn play(&mut self) -> Outcome {
        let takes = Duration::from_millis(self.stage.random(|random| random.u64(1..200)));
        if let Err(stop) = self.desk.work(takes).await {
            return stop.outcome();
        }
        let info = AgentInfo {
            name: Some("simulated".to_owned()),
            version: None,
            session_id: format!("session-{}", self.part.attempt),
            resumed: false,
            can_resume: false,
            models: Vec::new(),
            model_selected: false,
            left_out: Vec::new(),
        };
        let _ = self.events.send(Event::Opened(info));
        match self.script().await {
            Ok(outcome) => outcome,
            Err(stop) => {
                let is_late = matches!(stop, Stop::Deadline) && self.behaviour.wakes_up;
                if (is_late || self.behaviour.tricks.contains(&Trick::LastWords))
                    && let Some(wish) = self.signal()
                {
                    self.stage.post(&wish);
                }
                stop.outcome()
            }
        }
    }

    async fn script(&mut self) -> Result<Outcome, Stop> {
        let Behaviour { thinks, notes, tricks, ending, .. } = self.behaviour.clone();
        let parts = u32::try_from(notes + tricks.len() + 1).unwrap_or(1);
        let step = thinks / parts;
        for _ in 0..notes {
            self.desk.work(step).await?;
            self.say("note", None);
        }
        for trick in tricks {
            self.desk.work(step).await?;
            self.play_trick(trick);
        }
        match ending {
            Ending::Signal(..) => {
                if let Some(wish) = self.signal() {
                    self.stage.offer(&self.part.attempt, wish);
                }
                self.desk.work(step).await?;
                self.give_signal();
            }
            Ending::Silence => self.desk.work(step).await?,
            Ending::Hangs => self.desk.work(FOR_EVER).await?,
            Ending::Dies => {
                self.desk.work(step).await?;
                return Ok(Outcome::Failed(AcpError::Closed));
            }
        }
        self.turns().await
    }

    /// A signal that was not given may have been on its way to the server when the session ended. It
    /// counts if it arrives before the attempt is closed, so it is left out where the way of the
    /// plan is compared with that of a twin.
    fn leave_something_on_its_way(&self, outcome: &Outcome) {
        let gave_signal = matches!(outcome, Outcome::Finished { signalled: true });
        if gave_signal || self.stage.case.has_twin() || self.stage.random(fastrand::Rng::bool) {
            return;
        }
        if let Some(wish) = self.signal() {
            self.stage.leave_late(wish);
        }
    }

    /// Ends the turn, and does what it is told then.
    async fn turns(&mut self) -> Result<Outcome, Stop> {
        loop {
            self.turn += 1;
            let stop_reason = StopReason::EndTurn;
            let _ = self.events.send(Event::TurnEnded { turn: self.turn, stop_reason });
            match self.desk.order(FOR_EVER).await {
                None => return Ok(Outcome::Finished { signalled: false }),
                Some(Order::Stop(stop)) => return Err(stop),
                Some(Order::Nudge) => {}
            }
            self.desk.work(Duration::from_millis(300)).await?;
            let says = match self.behaviour.ending {
                Ending::Signal(..) => true,
                _ => self.behaviour.wakes_up,
            };
            if says && let Some(wish) = self.signal() {
                self.stage.post(&wish);
            }
        }
    }

    fn give_signal(&mut self) {
        if let Some(wish) = self.stage.take_offer(&self.part.attempt)
            && self.stage.post(&wish) == Answer::Taken
            && self.behaviour.tricks.contains(&Trick::Twice)
        {
            self.stage.post(&wish);
        }
    }

    /// What the session would post as its signal.
    fn signal(&self) -> Option<Wish> {
        let allowed = self.part.machine.allowed_agent_signals(&self.part.state);
        let (kind, met) = match &self.behaviour.ending {
            Ending::Signal(kind, met) => (kind.clone(), *met),
            _ => (allowed.first()?.clone(), true),
        };
        let data = (kind.as_str() == names::PASS).then(|| self.verdict(met));
        Some(self.wish(kind, data))
    }

    fn verdict(&self, met: bool) -> Value {
        let goals = self.part.contract.goals.all();
        let criteria: Vec<Value> = goals
            .enumerate()
            .map(|(number, goal)| {
                json!({ "id": goal.id, "met": met || number > 0, "evidence": "I looked" })
            })
            .collect();
        json!({ "verdict": "pass", "summary": "Read.", "criteria": criteria })
    }

    fn wish(&self, kind: SignalName, data: Option<Value>) -> Wish {
        let speaker =
            Speaker { role: self.part.role.clone(), attempt: Some(self.part.attempt.clone()) };
        Wish { room: self.part.room.clone(), speaker, kind, data }
    }

    fn say(&self, kind: &str, data: Option<Value>) {
        if let Ok(kind) = SignalName::new(kind) {
            self.stage.post(&self.wish(kind, data));
        }
    }

    fn play_trick(&self, trick: Trick) {
        match trick {
            Trick::OtherRole => {
                if let (Some(mut wish), Ok(role)) = (self.signal(), RoleRef::new("stranger")) {
                    wish.speaker.role = role;
                    self.stage.post(&wish);
                }
            }
            Trick::OtherAttempt => {
                if let (Some(mut wish), Some(earlier)) = (self.signal(), &self.part.earlier) {
                    wish.speaker.attempt = Some(earlier.clone());
                    self.stage.post(&wish);
                }
            }
            Trick::OtherSignal => {
                let allowed = self.part.machine.allowed_agent_signals(&self.part.state);
                for kind in [names::DONE, names::PASS] {
                    if !allowed.iter().any(|signal| signal.as_str() == kind) {
                        self.say(kind, None);
                    }
                }
            }
            Trick::EmptyPass => self.say_empty_pass(),
            Trick::TornLine => {
                if let Ok(kind) = SignalName::new("note") {
                    self.stage.tear(&self.wish(kind, None));
                }
            }
            Trick::Progress => {
                let report = room::ProgressReport {
                    percent: 50,
                    attempt: Some(self.part.attempt.clone()),
                    ..Default::default()
                };
                let id = &self.part.room;
                self.stage.as_another(|| {
                    if let Ok(room) = self.stage.room(id) {
                        let _ = room::report(&room, report);
                    }
                });
            }
            // Played where the signal is, and at the end.
            Trick::Twice | Trick::LastWords => {}
        }
    }

    fn say_empty_pass(&self) {
        self.say(names::PASS, Some(json!({ "verdict": "pass", "criteria": [] })));
    }
}
