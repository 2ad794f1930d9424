//! What an audit says: the state of a room and every counter, derived line by line.
//!
//! Nothing here is stored, so nothing can disagree with the audit. A [`Replay`] can be fed the
//! whole file once and then each new line as it comes.

use std::iter::Sum;
use std::ops::AddAssign;

use super::audit::{AuditEntry, AuditLine};
use super::guard::Counters;
use super::machine::{Action, Machine, StateKind, names};
use crate::ids::{SignalName, StateName};
use crate::time::Timestamp;

/// What the lines so far say.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Replay {
    /// The current state; `None` before the first line.
    pub state: Option<StateName>,
    /// The `seq` of the last transition; 0 before the first.
    pub last_seq: u64,
    /// When the current state was entered.
    pub entered_at: Option<Timestamp>,
    /// The signal that led to the current state.
    pub last_signal: Option<SignalName>,
    /// Why the last transition happened, in its own words.
    pub last_reason: String,
    /// Who made the last transition: `engine`, or a person's name.
    pub last_actor: String,
    /// What `@previous` means now: the latest work or review state before the current one.
    pub previous: Option<StateName>,
    /// The signal by which `previous` was left; `None` if a person moved the room away from it.
    pub left_by: Option<SignalName>,
    /// Retries used.
    pub retries: u32,
    /// Retries granted beyond the machine's `max_retries`.
    pub granted_retries: u32,
    /// How often a triage was entered.
    pub triages: u32,
    /// How often a state with a session was entered.
    pub attempts: u32,
    /// How often a session's state was left by `error`, `timeout` or `fail`.
    pub failed_attempts: u32,
    /// When the first session's state was entered.
    pub started_at: Option<Timestamp>,
    /// The last transition, while its actions are not marked as done.
    unapplied: Option<AuditEntry>,
}

/// A line that does not follow from the lines before. The audit still counts: what it says last
/// is the state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Oddity {
    /// A number is missing between this line and the one before.
    #[error("transition {found} follows {last}: lines between them are missing")]
    Gap {
        /// The last number before.
        last: u64,
        /// The number of the line.
        found: u64,
    },
    /// The number was there before; the line is ignored.
    #[error("transition {found} is here again after {last}; the line is ignored")]
    Repeated {
        /// The last number before.
        last: u64,
        /// The number of the line.
        found: u64,
    },
    /// The line starts in another state than the one before ended in.
    #[error("transition {seq} starts in {}, but the state was {}", shown(found.as_ref()), shown(expected.as_ref()))]
    WrongFrom {
        /// The number of the line.
        seq: u64,
        /// The state before, by the lines before.
        expected: Option<StateName>,
        /// The state before, by this line.
        found: Option<StateName>,
    },
    /// A mark for a transition that is not there.
    #[error("transition {seq} is marked as applied, but the last one is {last}")]
    EarlyMark {
        /// The last number before.
        last: u64,
        /// The number in the mark.
        seq: u64,
    },
}

fn shown(state: Option<&StateName>) -> String {
    state.map_or_else(|| "nothing".to_owned(), |state| format!("`{state}`"))
}

/// What sessions used, which the audit does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Spent {
    /// US dollars, of the sessions that told a cost; `None` if none did.
    pub cost_usd: Option<f64>,
    /// Tokens.
    pub tokens: u64,
}

impl Spent {
    /// US dollars as far as anybody told them.
    pub fn usd(&self) -> f64 {
        self.cost_usd.unwrap_or_default()
    }
}

impl AddAssign for Spent {
    fn add_assign(&mut self, more: Self) {
        self.cost_usd =
            self.cost_usd.into_iter().chain(more.cost_usd).reduce(|sum, cost| sum + cost);
        self.tokens = self.tokens.saturating_add(more.tokens);
    }
}

impl Sum for Spent {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |mut sum, one| {
            sum += one;
            sum
        })
    }
}

impl Replay {
    /// Replays a whole audit; odd lines are counted in by the same rules as [`Replay::feed`].
    pub fn of<'a>(machine: &Machine, lines: impl IntoIterator<Item = &'a AuditLine>) -> Self {
        let mut replay = Self::default();
        for line in lines {
            // What is odd is doctor's business; the state is what the audit says last.
            let _ = replay.feed(machine, line);
        }
        replay
    }

    /// Takes one more line.
    ///
    /// # Errors
    ///
    /// An [`Oddity`] if the line does not follow from those before. It has been taken in all the
    /// same, unless it repeats a number.
    pub fn feed(&mut self, machine: &Machine, line: &AuditLine) -> Result<(), Oddity> {
        match line {
            AuditLine::Entry(entry) => self.feed_entry(machine, entry),
            AuditLine::Applied(mark) => {
                if mark.applied > self.last_seq {
                    return Err(Oddity::EarlyMark { last: self.last_seq, seq: mark.applied });
                }
                if self.unapplied.as_ref().is_some_and(|entry| entry.seq <= mark.applied) {
                    self.unapplied = None;
                }
                Ok(())
            }
        }
    }

    fn feed_entry(&mut self, machine: &Machine, entry: &AuditEntry) -> Result<(), Oddity> {
        if entry.seq <= self.last_seq {
            return Err(Oddity::Repeated { last: self.last_seq, found: entry.seq });
        }
        let odd = if entry.seq != self.last_seq + 1 {
            Err(Oddity::Gap { last: self.last_seq, found: entry.seq })
        } else if entry.from != self.state {
            Err(Oddity::WrongFrom {
                seq: entry.seq,
                expected: self.state.clone(),
                found: entry.from.clone(),
            })
        } else {
            Ok(())
        };
        self.leave(machine, entry);
        self.enter(machine, entry);
        odd
    }

    fn leave(&mut self, machine: &Machine, entry: &AuditEntry) {
        let Some(from) = &entry.from else { return };
        let kind = machine.kind(from);
        if kind.is_some_and(StateKind::is_previous) {
            self.previous = Some(from.clone());
            self.left_by.clone_from(&entry.signal);
        }
        let failed = entry.signal.as_ref().is_some_and(|signal| {
            [names::ERROR, names::TIMEOUT, names::FAIL].contains(&signal.as_str())
        });
        if failed && kind.is_some_and(StateKind::has_session) {
            self.failed_attempts += 1;
        }
    }

    fn enter(&mut self, machine: &Machine, entry: &AuditEntry) {
        for action in &entry.actions {
            match action {
                Action::IncrementRetries => self.retries += 1,
                Action::GrantRetry => self.granted_retries += 1,
                Action::PostFix
                | Action::ReviseBrief
                | Action::RequestReplan
                | Action::PublishMemory => {}
            }
        }
        let kind = machine.kind(&entry.to);
        if kind == Some(StateKind::Triage) {
            self.triages += 1;
        }
        if kind.is_some_and(StateKind::has_session) {
            self.attempts += 1;
            self.started_at = self.started_at.or(Some(entry.ts));
        }
        self.state = Some(entry.to.clone());
        self.last_seq = entry.seq;
        self.entered_at = Some(entry.ts);
        self.last_signal.clone_from(&entry.signal);
        self.last_reason.clone_from(&entry.reason);
        self.last_actor.clone_from(&entry.actor);
        self.unapplied = Some(entry.clone());
    }

    /// The last transition, if its actions are not marked as done: whoever holds the room's lock
    /// finishes it first.
    pub fn unapplied(&self) -> Option<&AuditEntry> {
        self.unapplied.as_ref()
    }

    /// How many retries the room has in all.
    pub fn max_retries(&self, machine: &Machine) -> u32 {
        machine.max_retries.saturating_add(self.granted_retries)
    }

    /// The values that guards ask for, at `now`.
    pub fn counters(&self, machine: &Machine, now: Timestamp, spent: Spent) -> Counters {
        Counters {
            retries: self.retries,
            max_retries: self.max_retries(machine),
            triages: self.triages,
            max_triages: machine.max_triages,
            attempts: self.attempts,
            elapsed_seconds: self.started_at.map_or(0, |start| now.since(start).as_secs()),
            cost_usd: spent.usd(),
            tokens: spent.tokens,
        }
    }
}
