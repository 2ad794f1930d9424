//! Where a session's news goes: into the transcript, and into its totals.

use std::fs::File;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;

use super::cost::Cost;
use super::spec::{Event, Outcome, SessionSpec, UsageTotals};
use crate::acp::transcript::{Event as Entry, Writer};
use crate::acp::{AgentInfo, PermissionAsk, PermissionDecision, PromptEnd, Update, UpdateSink};

/// Shared between the task that reads the agent and the one that runs the session.
#[derive(Debug, Clone)]
pub(super) struct Recorder {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug)]
struct Inner {
    /// `None` if the file could not be opened; the session goes on without it.
    transcript: Option<Writer<File>>,
    totals: UsageTotals,
    cost: Cost,
    events: UnboundedSender<Event>,
    /// How many updates came from the agent.
    updates: u64,
}

impl Recorder {
    pub(super) fn open(spec: &SessionSpec, events: UnboundedSender<Event>) -> Self {
        let transcript = ostwin_core::fs::open_log(&spec.transcript)
            .inspect_err(|error| tracing::warn!(%error, "there will be no transcript"))
            .ok()
            .map(|file| {
                let (clock, redactor) = (Arc::clone(&spec.clock), spec.redactor.clone());
                Writer::new(file, clock, spec.transcript_max_bytes, redactor)
            });
        let inner = Inner {
            transcript,
            totals: UsageTotals::default(),
            cost: Cost::after(spec.earlier_cost_usd),
            events,
            updates: 0,
        };
        Self { inner: Arc::new(Mutex::new(inner)) }
    }

    /// The sink for the agent's updates.
    pub(super) fn sink(&self) -> Arc<Mutex<impl UpdateSink + use<>>> {
        Arc::clone(&self.inner)
    }

    pub(super) fn totals(&self) -> UsageTotals {
        self.with(|inner| inner.totals)
    }

    /// How many updates came from the agent so far.
    pub(super) fn updates(&self) -> u64 {
        self.with(|inner| inner.updates)
    }

    pub(super) fn opened(&self, agent: &AgentInfo) {
        let name = agent.name.as_ref().map(|name| match &agent.version {
            Some(version) => format!("{name} {version}"),
            None => name.clone(),
        });
        self.with(|inner| {
            inner.cost.opened(agent.resumed);
            inner.totals.cost_usd = inner.cost.own();
            inner.write(&Entry::Session {
                agent: name,
                session_id: agent.session_id.clone(),
                resumed: agent.resumed,
            });
        });
    }

    /// A prompt goes out. The first one is kept in a file of its own.
    pub(super) fn prompt(&self, turn: u32, text: &str) {
        let kept = (turn > 1).then(|| text.to_owned());
        self.write(&Entry::Prompt { turn, text: kept, bytes: text.len() });
    }

    pub(super) fn turn_ended(&self, turn: u32, end: &PromptEnd, took: Duration) {
        self.with(|inner| {
            inner.totals.turns += 1;
            if let Some(tokens) = &end.usage {
                inner.totals.tokens.add(tokens);
                inner.totals.metered = true;
                inner.write(&Entry::Usage {
                    tokens: Some(*tokens),
                    context_used: None,
                    context_size: None,
                    cost_usd: inner.totals.cost_usd,
                });
                inner.tell_usage();
            }
            let reason = serde_json::to_value(end.stop_reason).ok();
            inner.write(&Entry::TurnEnd {
                turn,
                stop_reason: reason
                    .and_then(|reason| reason.as_str().map(str::to_owned))
                    .unwrap_or_default(),
                duration_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            });
        });
    }

    pub(super) fn permission(&self, ask: &PermissionAsk, decision: &PermissionDecision) {
        self.write(&Entry::Permission {
            tool_call: ask.tool_call.clone(),
            title: ask.title.clone(),
            choice: decision.choice.clone(),
            decided_by: decision.decided_by.clone(),
        });
    }

    pub(super) fn notice(&self, text: String) {
        self.write(&Entry::Notice { severity: "warning".to_owned(), text });
    }

    pub(super) fn end(&self, outcome: &Outcome) {
        self.write(&Entry::End { outcome: outcome.word().to_owned(), detail: outcome.detail() });
    }

    fn write(&self, event: &Entry) {
        self.with(|inner| inner.write(event));
    }

    fn with<R>(&self, work: impl FnOnce(&mut Inner) -> R) -> R {
        work(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Inner {
    fn write(&mut self, event: &Entry) {
        if let Some(transcript) = &mut self.transcript {
            transcript.write(event);
        }
    }

    fn tell_usage(&self) {
        // An engine that no longer listens is about to end the session.
        let _ = self.events.send(Event::Usage(self.totals));
    }
}

impl UpdateSink for Inner {
    fn update(&mut self, update: Update) {
        self.updates += 1;
        if let Update::Context { cost_usd: Some(cost), .. } = update {
            self.cost.told(cost);
            let own = self.cost.own();
            if self.totals.cost_usd != own {
                self.totals.cost_usd = own;
                self.totals.metered = true;
                self.tell_usage();
            }
        }
        if let Some(transcript) = &mut self.transcript {
            transcript.update(update);
        }
    }
}
