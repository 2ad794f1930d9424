//! A simulated person: looks at the plan now and then, decides about a room, pauses something, and
//! answers what waits for a decision.

use std::time::Duration;

use ostwin_core::control::{self, Ask, Decision, Wish, act_on_room};
use ostwin_core::ids::{PlanId, RoomId, SignalName};
use ostwin_core::lifecycle::{StateKind, names};
use ostwin_core::room::Room;

use super::stage::Stage;

/// How often a person decides as they like. After that, whatever waits is given up, so that every
/// plan comes to an end.
const MOODS: u32 = 10;

pub(super) struct Person {
    plan: PlanId,
    decided: u32,
    paused: Option<Option<RoomId>>,
}

impl Person {
    pub(super) fn new(plan: PlanId) -> Self {
        Self { plan, decided: 0, paused: None }
    }

    /// Lives beside an engine, for ever.
    pub(super) async fn live(&mut self, stage: &Stage) {
        loop {
            let waits = stage.random(|random| random.u64(1..60_000));
            tokio::time::sleep(Duration::from_millis(waits)).await;
            if let Some(ask) = self.wants(stage) {
                self.submit(stage, ask);
            }
        }
    }

    fn submit(&self, stage: &Stage, ask: Ask) {
        stage.tell(|| format!("a person asks: {ask:?}"));
        let project = stage.others();
        let paths = project.layout().plan(&self.plan);
        let _ = stage.as_another(|| control::submit(project.store(), &paths, "ada", ask, None));
    }

    /// Decides what waits for a decision, while no engine runs. Whether there was anything.
    pub(super) fn decide_here(&mut self, stage: &Stage) -> bool {
        let rooms = stage.model(|model| model.rooms());
        let mut any = false;
        for room in rooms {
            if let Some(decision) = self.decision(stage, &room, false) {
                stage.tell(|| format!("{room}: a person decides: {decision:?}"));
                let wish = Wish {
                    decision,
                    reason: "seen".to_owned(),
                    actor: "ada".to_owned(),
                    program: "test".to_owned(),
                };
                let acted = stage.as_another(|| {
                    stage.room(&room).ok().and_then(|room| act_on_room(&room, &wish).ok())
                });
                any |= acted.is_some();
            }
        }
        any
    }

    fn wants(&mut self, stage: &Stage) -> Option<Ask> {
        if let Some(room) = self.paused.take() {
            return Some(Ask::Resume { room });
        }
        let rooms = stage.model(|model| model.rooms());
        let room = stage.random(|random| random.choice(rooms.clone()))?;
        let pauses = self.decided < MOODS && stage.random(|random| random.u8(..)) < 48;
        if pauses {
            self.decided += 1;
            let room = Some(room).filter(|_| stage.random(fastrand::Rng::bool));
            self.paused = Some(room.clone());
            return Some(Ask::Pause { room });
        }
        let mut asked = rooms.iter().filter_map(|room| {
            let decision = self.decision(stage, room, true)?;
            Some(Ask::Room { room: room.clone(), decision, reason: "seen".to_owned() })
        });
        asked.next()
    }

    /// What the person decides about a room, if anything.
    fn decision(&mut self, stage: &Stage, id: &RoomId, engine_runs: bool) -> Option<Decision> {
        let room: Room = stage.room(id).ok()?;
        let standing = room.standing().ok()?;
        let waits = standing.kind() == StateKind::Wait && standing.replay.previous.is_some();
        let has_mood = self.decided < MOODS;
        if !waits {
            let meddles = engine_runs && has_mood && stage.random(|random| random.u8(..)) < 24;
            if !meddles || standing.is_terminal() {
                return None;
            }
            self.decided += 1;
            return Some(Decision::Cancel);
        }
        if !has_mood {
            return Some(Decision::Cancel);
        }
        self.decided += 1;
        let mut answers: Vec<SignalName> = standing.machine.allowed_person_signals(&standing.state);
        answers.retain(|signal| signal.as_str() != names::READY);
        Some(match stage.random(|random| random.u8(..)) {
            0..40 => Decision::Cancel,
            40..140 => Decision::Retry,
            _ => match stage.random(|random| random.choice(answers)) {
                Some(signal) => Decision::Verdict { signal },
                None => Decision::Cancel,
            },
        })
    }
}
