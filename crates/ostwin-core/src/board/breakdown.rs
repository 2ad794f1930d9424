//! Who used how much, and what happened when: the figures behind the figures.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use super::load::BoardError;
use crate::ids::PlanId;
use crate::lifecycle::names::PASSED;
use crate::project::Project;
use crate::room::{AttemptRecord, Room, Standing, Usage};
use crate::time::Timestamp;

/// How many parts a window has.
const PARTS: u64 = 24;
/// Most names that are told apart.
const MOST_NAMES: usize = 100;
/// What stands for the model where none was asked for.
const NO_MODEL: &str = "(the agent's own)";

/// What the sessions of a window used by whom, and what happened in each part of it.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Breakdown {
    /// What sessions used, by role; the largest first.
    pub by_role: Vec<Used>,
    /// By model; `(the agent's own)` where none was asked for.
    pub by_model: Vec<Used>,
    /// By epic.
    pub by_epic: Vec<Used>,
    /// What happened in each part of the window, oldest first.
    pub series: Vec<Part>,
}

/// What sessions used.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Used {
    /// By whom or for what.
    pub name: String,
    /// Sessions.
    pub attempts: u64,
    /// Tokens that they reported.
    pub tokens: u64,
    /// US dollars that they reported; null if none reported any.
    pub cost_usd: Option<f64>,
    /// How long they ran.
    pub seconds: u64,
}

/// What happened in a part of the window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Part {
    /// When it begins.
    pub from: Timestamp,
    /// Sessions that ended.
    pub attempts_ended: u64,
    /// Epics that passed.
    pub passed: u64,
    /// Epics that were given up.
    pub failed: u64,
}

/// The breakdown of a project, or of one plan of it, since `since`; of all that ever happened if
/// that is left out. What cannot be read is left out; [`super::survey`] says what that is.
///
/// # Errors
/// The rooms cannot be listed.
pub fn breakdown(
    project: &Project,
    plan: Option<&PlanId>,
    since: Option<Timestamp>,
) -> Result<Breakdown, BoardError> {
    let now = project.store().now();
    let counts = |at: Timestamp| since.is_none_or(|since| at >= since);
    let mut sums = Sums::default();
    let mut moments = Vec::new();
    for room in Room::list(project)? {
        let Ok(contract) = room.contract() else { continue };
        if plan.is_some_and(|plan| *plan != contract.plan_id) {
            continue;
        }
        for attempt in room.each_attempt()?.into_iter().flatten() {
            if attempt.record.closed_at.is_none_or(counts) {
                sums.add(&attempt.record, contract.task_ref.as_str(), now);
                moments.extend(attempt.record.closed_at.map(|at| (at, Moment::Ended)));
            }
        }
        moments.extend(ending(&room).filter(|(at, _)| counts(*at)));
    }
    let first = || moments.iter().map(|(at, _)| *at).min().unwrap_or(now);
    let begin = since.unwrap_or_else(first);
    Ok(Breakdown {
        by_role: listed(sums.role),
        by_model: listed(sums.model),
        by_epic: listed(sums.epic),
        series: series(begin, now, &moments),
    })
}

#[derive(Default)]
struct Sums {
    role: BTreeMap<String, Used>,
    model: BTreeMap<String, Used>,
    epic: BTreeMap<String, Used>,
}

impl Sums {
    fn add(&mut self, record: &AttemptRecord, epic: &str, now: Timestamp) {
        let model = record.model.as_deref().unwrap_or(NO_MODEL);
        let role = record.role.to_string();
        let to = record.closed_at.unwrap_or(now);
        for (sums, name) in
            [(&mut self.role, role.as_str()), (&mut self.model, model), (&mut self.epic, epic)]
        {
            let used = sums.entry(name.to_owned()).or_default();
            used.attempts += 1;
            used.tokens = used.tokens.saturating_add(record.usage.as_ref().map_or(0, Usage::total));
            used.seconds += to.since(record.opened_at).as_secs();
            if let Some(cost) = record.cost_usd {
                *used.cost_usd.get_or_insert(0.0) += cost;
            }
        }
    }
}

/// The largest first.
fn listed(sums: BTreeMap<String, Used>) -> Vec<Used> {
    let mut used: Vec<Used> = sums.into_iter().map(|(name, used)| Used { name, ..used }).collect();
    used.sort_by_key(|used| std::cmp::Reverse((used.tokens, used.seconds)));
    used.truncate(MOST_NAMES);
    used
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    Ended,
    Passed,
    Failed,
}

/// When a room was finished, and how.
fn ending(room: &Room) -> impl Iterator<Item = (Timestamp, Moment)> {
    let standing = room.standing().ok().filter(Standing::is_terminal);
    standing.into_iter().filter_map(|standing| {
        let passed = standing.state.as_str() == PASSED;
        let moment = if passed { Moment::Passed } else { Moment::Failed };
        Some((standing.replay.entered_at?, moment))
    })
}

/// The window in parts of the same length, with what happened in each.
fn series(begin: Timestamp, end: Timestamp, moments: &[(Timestamp, Moment)]) -> Vec<Part> {
    let whole = u64::try_from(end.since(begin).as_millis()).unwrap_or(u64::MAX).max(PARTS);
    let length = whole.div_ceil(PARTS);
    let mut parts: Vec<Part> = (0..PARTS)
        .map(|number| Part {
            from: begin.plus(Duration::from_millis(number * length)),
            attempts_ended: 0,
            passed: 0,
            failed: 0,
        })
        .collect();
    for (at, moment) in moments {
        let millis = u64::try_from(at.since(begin).as_millis()).unwrap_or(u64::MAX);
        let number = usize::try_from(millis / length).unwrap_or(usize::MAX);
        let last = parts.len().saturating_sub(1);
        let Some(part) = parts.get_mut(number.min(last)) else { continue };
        match moment {
            Moment::Ended => part.attempts_ended += 1,
            Moment::Passed => part.passed += 1,
            Moment::Failed => part.failed += 1,
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_moment_is_in_one_part() {
        let at = Timestamp::from_millis;
        let moments = [
            (at(1_000), Moment::Ended),
            (at(1_999), Moment::Passed),
            (at(2_000), Moment::Failed),
            (at(24_999), Moment::Ended),
            (at(25_000), Moment::Ended),
        ];
        let parts = series(at(1_000), at(25_000), &moments);
        let counts: Vec<_> = parts
            .iter()
            .map(|p| (p.from.as_millis(), p.attempts_ended, p.passed, p.failed))
            .collect();
        assert_eq!(counts.len(), 24);
        assert_eq!((counts[0], counts[1]), ((1_000, 1, 1, 0), (2_000, 0, 0, 1)));
        assert_eq!(counts[23], (24_000, 2, 0, 0));
        // A window without length still has its parts.
        assert_eq!(series(at(5), at(5), &[(at(5), Moment::Ended)])[0].attempts_ended, 1);
    }

    #[test]
    fn a_cost_that_nobody_reported_is_none() {
        let at = Timestamp::from_millis;
        let record = |cost: Option<f64>| -> AttemptRecord {
            serde_json::from_value(json!({
                "id": "att-01ARZ3NDEKTSV4RRFFQ69G5FAV", "number": 1, "state": "developing",
                "audit_seq": 1, "role": "engineer", "agent": "opencode",
                "run_id": "run-01ARZ3NDEKTSV4RRFFQ69G5FAV", "host": "h", "boot_id": "b",
                "opened_at": at(0), "deadline_at": at(9_000), "channel_offset": 0,
                "closed_at": at(2_000), "outcome": "done", "cost_usd": cost,
            }))
            .unwrap()
        };
        let mut sums = Sums::default();
        sums.add(&record(None), "EPIC-001", at(9_000));
        sums.add(&record(None), "EPIC-001", at(9_000));
        sums.add(&record(Some(0.5)), "EPIC-002", at(9_000));
        let costs: Vec<_> =
            sums.epic.iter().map(|(name, used)| (name.as_str(), used.cost_usd)).collect();
        assert_eq!(costs, [("EPIC-001", None), ("EPIC-002", Some(0.5))]);
        let roles = listed(sums.role);
        assert_eq!((roles[0].attempts, roles[0].seconds, roles[0].cost_usd), (3, 6, Some(0.5)));
    }
}
