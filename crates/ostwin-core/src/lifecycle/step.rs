//! Where a signal leads: one step of a machine, decided without any effect.

use super::guard::Counters;
use super::machine::{Action, Edges, Machine, State, StateKind, Target, names};
use crate::ids::{SignalName, StateName};

/// A step that a machine allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The state that follows.
    pub target: StateName,
    /// What is done on the way.
    pub actions: Vec<Action>,
}

/// Why a machine does not move.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StepError {
    /// The machine has no such state.
    #[error("the machine has no state `{state}`")]
    UnknownState {
        /// The state asked for.
        state: StateName,
    },
    /// The state does not draw the signal.
    #[error("signal `{signal}` means nothing in state `{state}`; {}", signals_there(allowed))]
    NotDrawn {
        /// The current state.
        state: StateName,
        /// The signal that came.
        signal: SignalName,
        /// What the state draws.
        allowed: Vec<SignalName>,
    },
    /// The signal is drawn, but no guard of it holds now.
    #[error("signal `{signal}` of state `{state}`: no guard of its {edges} edges holds")]
    NoGuardHolds {
        /// The current state.
        state: StateName,
        /// The signal that came.
        signal: SignalName,
        /// How many edges were tried.
        edges: usize,
    },
    /// `@previous` has nothing to lead to.
    #[error(
        "signal `{signal}` of state `{state}` leads to `@previous`, but no work or review came before"
    )]
    NoPrevious {
        /// The current state.
        state: StateName,
        /// The signal that came.
        signal: SignalName,
    },
}

fn signals_there(allowed: &[SignalName]) -> String {
    if allowed.is_empty() {
        return "it has no signals".to_owned();
    }
    let names: Vec<_> = allowed.iter().map(SignalName::as_str).collect();
    format!("it has {}", names.join(", "))
}

impl Machine {
    /// Where `signal` leads from `state`: the first edge whose guard holds. A `timeout` that the
    /// state does not draw is taken as the `error` that it also is.
    ///
    /// `previous` is what `@previous` means now: the latest work or review state before this one.
    ///
    /// # Errors
    ///
    /// [`StepError`] if the machine does not move; nothing changes then.
    pub fn next(
        &self,
        state: &StateName,
        signal: &SignalName,
        counters: &Counters,
        previous: Option<&StateName>,
    ) -> Result<Step, StepError> {
        let here =
            self.state(state).ok_or_else(|| StepError::UnknownState { state: state.clone() })?;
        let drawn = edges_for(here, signal.as_str()).ok_or_else(|| StepError::NotDrawn {
            state: state.clone(),
            signal: signal.clone(),
            allowed: here.signals.keys().cloned().collect(),
        })?;
        let edge = drawn
            .0
            .iter()
            .find(|edge| edge.guard.as_ref().is_none_or(|guard| guard.holds(counters)))
            .ok_or_else(|| StepError::NoGuardHolds {
                state: state.clone(),
                signal: signal.clone(),
                edges: drawn.0.len(),
            })?;
        let target = match &edge.target {
            Target::State(target) => target.clone(),
            Target::Previous => previous.cloned().ok_or_else(|| StepError::NoPrevious {
                state: state.clone(),
                signal: signal.clone(),
            })?,
        };
        Ok(Step { target, actions: edge.actions.clone() })
    }

    /// What the engine does in a `decision` state: its first signal, in file order, that leads
    /// anywhere now. `None` in any other state, or if no guard holds.
    pub fn decide(
        &self,
        state: &StateName,
        counters: &Counters,
        previous: Option<&StateName>,
    ) -> Option<(SignalName, Step)> {
        let here = self.state(state).filter(|state| state.kind == StateKind::Decision)?;
        here.signals.keys().find_map(|signal| {
            self.next(state, signal, counters, previous).ok().map(|step| (signal.clone(), step))
        })
    }

    /// Whether a person may move a room from `from` to `to` without force: along an edge, whatever
    /// its guard, with `@previous` leading to every work and review state; to `cancelled`, from
    /// where the room is not finished; and from an end to any state that is none, which reopens it.
    pub fn draws(&self, from: &StateName, to: &StateName) -> bool {
        let (Some(here), Some(there)) = (self.state(from), self.state(to)) else { return false };
        match (here.kind == StateKind::Terminal, there.kind == StateKind::Terminal) {
            (true, reached_end) => !reached_end,
            (false, true) if to.as_str() == names::CANCELLED => true,
            (false, _) => {
                here.signals.iter().flat_map(|(_, edges)| &edges.0).any(|edge| match &edge.target {
                    Target::State(target) => target == to,
                    Target::Previous => there.kind.is_previous(),
                })
            }
        }
    }
}

fn edges_for<'a>(state: &'a State, signal: &str) -> Option<&'a Edges> {
    let drawn = state.signals.get(signal);
    if drawn.is_none() && signal == names::TIMEOUT {
        return state.signals.get(names::ERROR);
    }
    drawn
}
