//! What a room waits for a person to say before its next attempt: an answer, or more budget.

use ostwin_core::budget::Caps;
use ostwin_core::config::Protocol;
use ostwin_core::events::{Event, EventKind};
use ostwin_core::ids::EpicId;
use ostwin_core::room::{AttemptRecord, Contract, Outcome, Question, Room, Usage};
use ostwin_runner::prepare::Settled;

use crate::error::EngineError;
use crate::sessions::Shared;
use crate::snapshot::{PersonWait, RoomView};

impl Shared {
    /// What the room may use, by the settings of a session of it.
    pub(crate) fn room_caps(&self, settled: &Settled) -> Caps {
        let settings = &settled.settings;
        Caps { tokens: settings.budget_tokens.value, usd: settings.budget_usd.value }
    }

    /// What `room` waits for a person to say, as far as its files and the books tell. Brings the
    /// books up to date with what its attempts used.
    ///
    /// # Errors
    /// The room cannot be read.
    pub(crate) fn person_wait(
        &self,
        room: &Room,
        view: &RoomView,
    ) -> Result<Option<PersonWait>, EngineError> {
        self.meter().note(room.id(), room.spent()?);
        if !view.kind.has_session() && !view.has_ready {
            return Ok(None);
        }
        if view.kind.has_session()
            && let Some(seen) = &view.attempt
            && seen.outcome == Some(Outcome::Waiting)
            && let Some(last) = room.last_attempt()?.filter(|last| last.record.id == seen.id)
        {
            let now = room.project().store().now();
            let mut questions = room.questions(&last.record, self.patience().ask)?;
            questions.retain(|question| question.is_open(now));
            if let Some(until) = questions.iter().map(|question| question.expires_at).min() {
                let why: Vec<String> = questions.iter().map(Question::line).collect();
                return Ok(Some(PersonWait { why: why.join("; "), until: Some(until) }));
            }
        }
        let contract = room.contract()?;
        if !self.is_limited(room, &contract)? {
            return Ok(None);
        }
        let Some(role) = crate::attempt::upcoming(room, &contract)? else { return Ok(None) };
        // What cannot be settled is told by the attempt that tries to.
        let Ok(settled) = self.settle(room, &contract, &role) else { return Ok(None) };
        let caps = self.room_caps(&settled);
        let agent = &settled.settings.agent.value;
        for attempt in room.attempts()?.iter().filter(|other| other.record.agent == *agent) {
            self.learn(&attempt.record, caps);
        }
        let spent = self.meter().spent(room.id());
        let why = caps.used_up(&spent).map(|words| {
            let id = room.id();
            format!("the room's budget is used up: {words}; `ostwin room set {id} budget_tokens N` (or budget_usd) raises it")
        });
        let why = why.or_else(|| self.refusal(&settled));
        Ok(why.map(|why| PersonWait { why, until: None }))
    }

    /// Why a session with these settings may not start under the caps in force: nobody would know
    /// what it uses.
    pub(crate) fn refusal(&self, settled: &Settled) -> Option<String> {
        let (plan, room) = (self.meter().caps(), self.room_caps(settled));
        if self.config().budget_unmetered || !(plan.is_set() || room.is_set()) {
            return None;
        }
        let settings = &settled.settings;
        let agent = &settings.agent.value;
        let spec = &settings.agent_spec;
        let known = spec.unmetered || spec.protocol == Protocol::Command;
        (known || self.meter().knows_unmetered(agent)).then(|| {
            format!(
                "agent `{agent}` does not report what it uses, and there is a budget: name another \
                 agent, or set `budget_unmetered` to true"
            )
        })
    }

    /// A warning about the agent of a closed attempt, if it told nothing of what a budget counts.
    pub(crate) fn unmetered(
        &self,
        epic: &EpicId,
        room: &Room,
        record: &AttemptRecord,
    ) -> Option<Event> {
        let contract = room.contract().ok()?;
        let caps = match self.is_limited(room, &contract) {
            Ok(true) => self.settle(room, &contract, &record.role).ok(),
            _ => None,
        };
        let caps = caps.map(|settled| self.room_caps(&settled)).unwrap_or_default();
        let was_known = self.meter().knows_unmetered(&record.agent);
        let what = self.learn(record, caps).filter(|_| !was_known)?;
        Some(Event {
            epic: Some(epic.clone()),
            room: Some(room.id().clone()),
            attempt: Some(record.id.clone()),
            reason: Some(format!(
                "agent `{}` reports {what}: its sessions are not counted against the budget",
                record.agent
            )),
            ..Event::new(EventKind::Warning)
        })
    }

    /// Whether anything limits what the room may use.
    fn is_limited(&self, room: &Room, contract: &Contract) -> Result<bool, EngineError> {
        let own = room.settings()?;
        let constraints = &contract.constraints;
        let by_role = self.config().roles.values().any(|role| {
            let mut instances = role.instances.values();
            role.budget_tokens.is_some()
                || role.budget_usd.is_some()
                || instances.any(|i| i.budget_tokens.is_some() || i.budget_usd.is_some())
        });
        Ok(by_role
            || self.meter().caps().is_set()
            || own.budget_tokens.is_some()
            || own.budget_usd.is_some()
            || constraints.budget_tokens_max.is_some()
            || constraints.budget_cost_max_usd.is_some())
    }

    /// Takes into the books that the agent of an attempt told nothing of what a budget counts.
    fn learn(&self, record: &AttemptRecord, room: Caps) -> Option<&'static str> {
        if record.turns == 0 || record.is_open() {
            return None;
        }
        let tokens = record.usage.as_ref().map(Usage::total);
        let told = |caps: Caps| caps.unmetered(tokens, record.cost_usd);
        let missing = told(self.meter().caps()).or_else(|| told(room))?;
        self.meter().is_unmetered(&record.agent);
        Some(missing)
    }
}
