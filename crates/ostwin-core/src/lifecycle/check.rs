//! What must be true of a machine before a room lives by it.
//!
//! A machine that passes can't lead nowhere, can't wait for a session of nobody, and can't spin:
//! every state has a way to an end, every session may fail, and every way through decisions alone
//! uses something up.

use std::collections::BTreeSet;

use super::guard::{Comparison, Counter, Counters, Guard, Op, Operand};
use super::machine::{Action, Edge, Machine, StateKind, Target, names};
use crate::ids::{RoleName, SignalName, StateName};
use crate::json::nearest;

/// A mistake in a machine. The text names the state, and the signal where there is one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MachineError {
    /// The machine begins nowhere.
    #[error("`initial_state` is `{state}`, which is not a state{}", meant(near.as_deref()))]
    NoInitialState {
        /// The name written.
        state: StateName,
        /// The nearest state.
        near: Option<String>,
    },
    /// An edge leads nowhere.
    #[error("state `{state}`, signal `{signal}`: target `{target}` is not a state{}", meant(near.as_deref()))]
    NoTarget {
        /// The state of the edge.
        state: StateName,
        /// The signal of the edge.
        signal: SignalName,
        /// The name written.
        target: StateName,
        /// The nearest state.
        near: Option<String>,
    },
    /// `@previous` without anything that could have come before.
    #[error(
        "state `{state}`, signal `{signal}`: `@previous` needs a work or review state, and there is none"
    )]
    NoPrevious {
        /// The state of the edge.
        state: StateName,
        /// The signal of the edge.
        signal: SignalName,
    },
    /// Nothing ends the room.
    #[error("no state is terminal: add one, such as `\"passed\": {{\"type\": \"terminal\"}}`")]
    NoTerminal,
    /// A state that no signal leads out of to an end.
    #[error("state `{state}`: no signals lead from it to a terminal state")]
    NoWayOut {
        /// The state.
        state: StateName,
    },
    /// A terminal state that draws signals.
    #[error("state `{state}`, signal `{signal}`: a terminal state has no signals")]
    TerminalWithSignal {
        /// The state.
        state: StateName,
        /// Its first signal.
        signal: SignalName,
    },
    /// A session of nobody.
    #[error("state `{state}` is of type {kind} and needs a `role`")]
    NoRole {
        /// The state.
        state: StateName,
        /// Its kind.
        kind: StateKind,
    },
    /// A session of a role that does not resolve.
    #[error("state `{state}`: role `{role}` is not known in any tier")]
    UnknownRole {
        /// The state.
        state: StateName,
        /// The role.
        role: RoleName,
    },
    /// A session whose failure leads nowhere.
    #[error(
        "state `{state}` has no signal `error`: say where the room goes when its session ends \
         without a signal, such as `\"error\": {{\"target\": \"failed-final\"}}`"
    )]
    NoErrorSignal {
        /// The state.
        state: StateName,
    },
    /// A decision that some value of the counters leaves open.
    #[error("state `{state}`: no guard holds when {when}; let the last signal have no guard")]
    OpenDecision {
        /// The state.
        state: StateName,
        /// Counter values under which the decision has no answer.
        when: String,
    },
    /// A signal of a session that some value of the counters leaves without an answer.
    #[error(
        "state `{state}`, signal `{signal}`: no guard holds when {when}; let the last edge have no guard"
    )]
    OpenSignal {
        /// The state.
        state: StateName,
        /// The signal.
        signal: SignalName,
        /// Counter values under which it leads nowhere.
        when: String,
    },
    /// Decisions that lead to each other for ever.
    #[error(
        "state `{state}`, signal `{signal}`: a cycle of decisions ({}) needs a guard that limits \
         `retries` and the action `increment_retries`, or it never ends",
        arrows(cycle)
    )]
    EndlessDecision {
        /// A state on the cycle.
        state: StateName,
        /// The signal that leads on from it.
        signal: SignalName,
        /// The states of the cycle, in order.
        cycle: Vec<StateName>,
    },
}

fn meant(near: Option<&str>) -> String {
    near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"))
}

fn arrows(cycle: &[StateName]) -> String {
    let names: Vec<_> = cycle.iter().chain(cycle.first()).map(StateName::as_str).collect();
    names.join(" -> ")
}

/// Checks a machine, normalised or not; `role_exists` says whether a role resolves.
///
/// # Errors
///
/// Every mistake that was found, in the order of the file.
pub fn check(
    machine: &Machine,
    role_exists: &dyn Fn(&RoleName) -> bool,
) -> Result<(), Vec<MachineError>> {
    let machine = &machine.clone().normalise();
    let mut errors = Vec::new();
    initial_state(machine, &mut errors);
    targets(machine, &mut errors);
    roles(machine, role_exists, &mut errors);
    // What leads nowhere would only be reported again, in other words.
    if errors.is_empty() {
        ways_out(machine, &mut errors);
        session_signals(machine, &mut errors);
        decisions(machine, &mut errors);
    }
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

fn initial_state(machine: &Machine, errors: &mut Vec<MachineError>) {
    let state = &machine.initial_state;
    if machine.state(state).is_none() {
        let near = near_state(machine, state);
        errors.push(MachineError::NoInitialState { state: state.clone(), near });
    }
}

fn near_state(machine: &Machine, name: &StateName) -> Option<String> {
    nearest(name.as_str(), machine.states.keys().map(StateName::as_str)).map(str::to_owned)
}

/// Every edge with its place.
fn edges(machine: &Machine) -> impl Iterator<Item = (&StateName, &SignalName, &Edge)> {
    machine.states.iter().flat_map(|(name, state)| {
        state
            .signals
            .iter()
            .flat_map(move |(signal, edges)| edges.0.iter().map(move |edge| (name, signal, edge)))
    })
}

/// The states an edge may lead to: `@previous` may be any work or review state.
fn heads<'a>(machine: &'a Machine, edge: &'a Edge) -> Vec<&'a StateName> {
    match &edge.target {
        Target::State(target) => vec![target],
        Target::Previous => machine
            .states
            .iter()
            .filter(|(_, state)| state.kind.is_previous())
            .map(|(name, _)| name)
            .collect(),
    }
}

fn targets(machine: &Machine, errors: &mut Vec<MachineError>) {
    for (state, signal, edge) in edges(machine) {
        let (state, signal) = (state.clone(), signal.clone());
        match &edge.target {
            Target::State(target) if machine.state(target).is_none() => {
                let near = near_state(machine, target);
                let target = target.clone();
                errors.push(MachineError::NoTarget { state, signal, target, near });
            }
            Target::Previous if heads(machine, edge).is_empty() => {
                errors.push(MachineError::NoPrevious { state, signal });
            }
            Target::State(_) | Target::Previous => {}
        }
    }
}

fn roles(
    machine: &Machine,
    role_exists: &dyn Fn(&RoleName) -> bool,
    errors: &mut Vec<MachineError>,
) {
    for (name, state) in machine.states.iter().filter(|(_, state)| state.kind.has_session()) {
        match &state.role {
            None => {
                errors.push(MachineError::NoRole { state: name.clone(), kind: state.kind });
            }
            Some(role) if !role_exists(&role.role) => {
                let role = role.role.clone();
                errors.push(MachineError::UnknownRole { state: name.clone(), role });
            }
            Some(_) => {}
        }
    }
}

fn ways_out(machine: &Machine, errors: &mut Vec<MachineError>) {
    let is_end = |name: &StateName| machine.is_terminal(name) && name.as_str() != names::CANCELLED;
    for (name, state) in machine.states.iter() {
        if let (StateKind::Terminal, Some(signal)) = (state.kind, state.signals.keys().next()) {
            let (state, signal) = (name.clone(), signal.clone());
            errors.push(MachineError::TerminalWithSignal { state, signal });
        }
    }
    // Giving up is a person's override, so `cancelled` alone is no end that work can reach.
    let mut ending: BTreeSet<&StateName> =
        machine.states.keys().filter(|name| is_end(name)).collect();
    if ending.is_empty() {
        errors.push(MachineError::NoTerminal);
        return;
    }
    loop {
        let before = ending.len();
        for (name, _, edge) in edges(machine) {
            if heads(machine, edge).iter().any(|head| ending.contains(head)) {
                ending.insert(name);
            }
        }
        if ending.len() == before {
            break;
        }
    }
    for name in machine.states.keys() {
        if !ending.contains(name) && !machine.is_terminal(name) {
            errors.push(MachineError::NoWayOut { state: name.clone() });
        }
    }
}

/// What a session has said moves the room, whatever the counters are: nobody would say it again.
/// That it said nothing moves the room too.
fn session_signals(machine: &Machine, errors: &mut Vec<MachineError>) {
    for (name, state) in machine.states.iter().filter(|(_, state)| state.kind.has_session()) {
        if !state.signals.contains_key(names::ERROR) {
            errors.push(MachineError::NoErrorSignal { state: name.clone() });
        }
        for (signal, edges) in state.signals.iter() {
            let guards: Vec<Option<&Guard>> = edges.0.iter().map(|e| e.guard.as_ref()).collect();
            if let Some(when) = open_case(&guards) {
                let (state, signal) = (name.clone(), signal.clone());
                errors.push(MachineError::OpenSignal { state, signal, when });
            }
        }
    }
}

fn decisions(machine: &Machine, errors: &mut Vec<MachineError>) {
    for (name, state) in machine.states.iter().filter(|(_, s)| s.kind == StateKind::Decision) {
        let guards: Vec<Option<&Guard>> = state
            .signals
            .iter()
            .flat_map(|(_, edges)| edges.0.iter().map(|edge| edge.guard.as_ref()))
            .collect();
        if let Some(when) = open_case(&guards) {
            errors.push(MachineError::OpenDecision { state: name.clone(), when });
        }
    }
    let is_decision = |name: &StateName| machine.kind(name) == Some(StateKind::Decision);
    let hops: Vec<Hop<'_>> = edges(machine)
        .filter(|(state, _, _)| is_decision(state))
        .filter_map(|(from, signal, edge)| match &edge.target {
            Target::State(to) if is_decision(to) => Some(Hop { from, signal, to, edge }),
            Target::State(_) | Target::Previous => None,
        })
        .collect();
    let grants = hops.iter().any(|hop| hop.edge.actions.contains(&Action::GrantRetry));
    let endless = find_cycle(&hops, |hop| !limits_retries(hop.edge, grants))
        .or_else(|| find_cycle(&hops, |hop| !hop.edge.actions.contains(&Action::IncrementRetries)));
    if let Some(cycle) = endless
        && let Some(first) = cycle.first()
    {
        errors.push(MachineError::EndlessDecision {
            state: first.from.clone(),
            signal: first.signal.clone(),
            cycle: cycle.iter().map(|hop| hop.from.clone()).collect(),
        });
    }
}

/// An edge from one decision to another.
struct Hop<'a> {
    from: &'a StateName,
    signal: &'a SignalName,
    to: &'a StateName,
    edge: &'a Edge,
}

/// Whether the edge is closed once enough retries were used. A limit that the same cycle may raise
/// is none.
fn limits_retries(edge: &Edge, grants: bool) -> bool {
    let fixed = |operand: Operand| match operand {
        Operand::Number(_) => true,
        Operand::Counter(counter) => counter == Counter::MaxRetries && !grants,
    };
    let limits = |comparison: &Comparison| match comparison {
        Comparison { left: Counter::Retries, op, right } => {
            matches!(op, Op::Less | Op::LessOrEqual | Op::Equal) && fixed(*right)
        }
        Comparison { left, op, right: Operand::Counter(Counter::Retries) } => {
            matches!(op, Op::Greater | Op::GreaterOrEqual | Op::Equal)
                && fixed(Operand::Counter(*left))
        }
        _ => false,
    };
    edge.guard.as_ref().is_some_and(|guard| guard.comparisons().iter().any(limits))
}

/// A cycle over those hops that `counts`, as the hops on it.
fn find_cycle<'h, 'm>(
    hops: &'h [Hop<'m>],
    counts: impl Fn(&Hop<'m>) -> bool,
) -> Option<Vec<&'h Hop<'m>>> {
    let mut left: Vec<&Hop<'_>> = hops.iter().filter(|hop| counts(hop)).collect();
    // What can't be entered or left by the rest is on no cycle.
    loop {
        let before = left.len();
        let tails: BTreeSet<_> = left.iter().map(|hop| hop.from).collect();
        left.retain(|hop| tails.contains(hop.to));
        if left.len() == before {
            break;
        }
    }
    // From any hop that is left one can go on for ever, so a state comes twice.
    let mut path: Vec<&Hop<'_>> = vec![left.first()?];
    loop {
        let last = path.last()?;
        if let Some(start) = path.iter().position(|hop| hop.from == last.to) {
            return Some(path.split_off(start));
        }
        path.push(left.iter().find(|hop| hop.from == last.to)?);
    }
}

/// More combinations than this are not tried.
const MAX_CASES: usize = 50_000;

/// Counter values under which none of the guards holds, if there are any. Trying the numbers that
/// the guards name, and those beside them, is enough: between them no comparison changes.
fn open_case(guards: &[Option<&Guard>]) -> Option<String> {
    if guards.iter().any(Option::is_none) {
        return None;
    }
    let comparisons: Vec<Comparison> =
        guards.iter().flatten().flat_map(|guard| guard.comparisons()).copied().collect();
    let mut asked = BTreeSet::new();
    let mut values = BTreeSet::from([0, 1]);
    for Comparison { left, right, .. } in &comparisons {
        asked.insert(*left);
        match right {
            Operand::Counter(counter) => {
                asked.insert(*counter);
            }
            Operand::Number(number) => {
                values.extend([number.saturating_sub(1), *number, number.saturating_add(1)]);
            }
        }
    }
    // Enough different values for every order of the counters among themselves.
    values.extend((0_u64..).take(asked.len()));
    let (asked, values): (Vec<_>, Vec<_>) =
        (asked.into_iter().collect(), values.into_iter().collect());
    let cases = values.len().checked_pow(u32::try_from(asked.len()).ok()?)?;
    (0..cases.min(MAX_CASES)).find_map(|case| {
        let mut counters = Counters::default();
        let mut rest = case;
        for counter in &asked {
            set(&mut counters, *counter, values[rest % values.len()]);
            rest /= values.len();
        }
        let open = !guards.iter().flatten().any(|guard| guard.holds(&counters));
        open.then(|| {
            let shown = asked
                .iter()
                .map(|counter| format!("{} is {}", counter.as_str(), counters.get(*counter)));
            match shown.collect::<Vec<_>>() {
                none if none.is_empty() => "it has no signals".to_owned(),
                some => some.join(" and "),
            }
        })
    })
}

fn set(counters: &mut Counters, counter: Counter, value: u64) {
    let small = u32::try_from(value).unwrap_or(u32::MAX);
    match counter {
        Counter::Retries => counters.retries = small,
        Counter::MaxRetries => counters.max_retries = small,
        Counter::Triages => counters.triages = small,
        Counter::MaxTriages => counters.max_triages = small,
        Counter::Attempts => counters.attempts = small,
        Counter::ElapsedSeconds => counters.elapsed_seconds = value,
        Counter::CostUsd => counters.cost_usd = value as f64,
        Counter::Tokens => counters.tokens = value,
    }
}

#[cfg(test)]
mod tests;
