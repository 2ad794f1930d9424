//! Figures of a project or a plan, in a window of time.

use std::collections::BTreeMap;
use std::time::Duration;

use ostwin_core::board::{self, Stats};
use ostwin_core::ids::PlanId;
use ostwin_core::room::{AttemptRecord, Room, Usage};
use ostwin_core::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::call::Call;
use crate::http::{Nothing, Problem, Route, get};

/// How many parts a window has.
const PARTS: u64 = 24;
/// What `all` means: longer than any project.
const ALL: Duration = Duration::from_secs(3_650 * 24 * 3_600);
/// Most names that are told apart.
const MOST_NAMES: usize = 100;

/// The routes.
pub(super) fn routes() -> Vec<Route> {
    vec![get("/api/stats", "Figures of a project or a plan, in a window of time", stats)]
}

/// Which figures are wanted.
#[derive(Debug, Deserialize, JsonSchema)]
struct StatsQuery {
    /// Only of this plan.
    plan: Option<PlanId>,
    /// `1h`, `24h`, `7d`, `30d` or `all`; `7d` if left out.
    window: Option<String>,
}

/// Figures, with what was used by whom, and when.
#[derive(Debug, Serialize, JsonSchema)]
struct Figures {
    /// The figures.
    #[serde(flatten)]
    stats: Stats,
    /// What sessions of the window used, by role.
    by_role: Vec<Used>,
    /// By model; `(the agent's own)` where none was asked for.
    by_model: Vec<Used>,
    /// By epic.
    by_epic: Vec<Used>,
    /// What happened in each part of the window, oldest first.
    series: Vec<Part>,
}

/// What sessions used.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
struct Used {
    /// By whom or for what.
    name: String,
    /// Sessions.
    attempts: u64,
    /// Tokens that they reported.
    tokens: u64,
    /// US dollars that they reported; null if none did.
    cost_usd: Option<f64>,
    /// How long they ran.
    seconds: u64,
}

/// What happened in a part of the window.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct Part {
    /// When it begins.
    from: Timestamp,
    /// Sessions that ended.
    attempts_ended: u64,
    /// Epics that passed.
    passed: u64,
    /// Epics that were given up.
    failed: u64,
}

fn window(text: Option<&str>) -> Result<Duration, Problem> {
    let hours = match text.unwrap_or("7d") {
        "1h" => 1,
        "24h" => 24,
        "7d" => 7 * 24,
        "30d" => 30 * 24,
        "all" => return Ok(ALL),
        other => {
            let words = format!("`{other}` is no window: use 1h, 24h, 7d, 30d or all");
            return Err(Problem::bad_request(words));
        }
    };
    Ok(Duration::from_secs(hours * 3_600))
}

fn stats(call: &Call, _: Nothing, query: StatsQuery) -> Result<Figures, Problem> {
    let current = call.one()?.current();
    let window = window(query.window.as_deref())?;
    let config = &current.settings.config;
    let stats = board::survey(&current.project, config, query.plan.as_ref(), window)?;
    let mut sums = Sums::default();
    let mut moments = Vec::new();
    for room in Room::list(&current.project)? {
        // What cannot be read is among the problems of the figures.
        let Ok(contract) = room.contract() else { continue };
        if query.plan.as_ref().is_some_and(|plan| *plan != contract.plan_id) {
            continue;
        }
        for attempt in room.each_attempt()?.into_iter().flatten() {
            if attempt.record.closed_at.is_none_or(|closed| closed >= stats.since) {
                sums.add(&attempt.record, contract.task_ref.as_str(), stats.at);
                moments.extend(attempt.record.closed_at.map(|at| (at, Moment::Ended)));
            }
        }
        moments.extend(ending(&room).filter(|(at, _)| *at >= stats.since));
    }
    let begin = match window {
        ALL => moments.iter().map(|(at, _)| *at).min().unwrap_or(stats.since),
        _ => stats.since,
    };
    Ok(Figures {
        by_role: listed(sums.role),
        by_model: listed(sums.model),
        by_epic: listed(sums.epic),
        series: series(begin, stats.at, &moments),
        stats,
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
        let model = record.model.as_deref().unwrap_or("(the agent's own)");
        let role = record.role.to_string();
        let to = record.closed_at.unwrap_or(now);
        for (sums, name) in
            [(&mut self.role, role.as_str()), (&mut self.model, model), (&mut self.epic, epic)]
        {
            let used = sums.entry(name.to_owned()).or_default();
            used.attempts += 1;
            used.tokens += record.usage.as_ref().map_or(0, Usage::total);
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
    use ostwin_core::lifecycle::names::PASSED;
    let standing = room.standing().ok().filter(ostwin_core::room::Standing::is_terminal);
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
    fn a_window_has_a_name() {
        assert_eq!(window(None).unwrap(), Duration::from_secs(7 * 24 * 3_600));
        assert_eq!(window(Some("all")).unwrap(), ALL);
        assert_eq!(window(Some("2w")).unwrap_err().status().as_u16(), 400);
    }
}
