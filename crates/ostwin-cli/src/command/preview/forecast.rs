//! What past attempts say about the time, tokens and cost of a plan.

use ostwin_core::project::Project;
use ostwin_core::room::{AttemptRecord, Outcome, Room};
use serde::Serialize;

use super::Preview;

/// What a plan will probably take, if no review fails.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Forecast {
    /// How many past attempts it is made from.
    pub(super) attempts: usize,
    /// Seconds of the longest way through the plan.
    pub(super) seconds: u64,
    /// Tokens of all sessions.
    pub(super) tokens: u64,
    /// US dollars of all sessions.
    pub(super) cost_usd: f64,
}

/// The forecast from all attempts of this project that ended with a signal, by the agents that
/// would work; `None` if there are none.
pub(super) fn of(project: &Project, preview: &Preview) -> anyhow::Result<Option<Forecast>> {
    let would_work = |record: &AttemptRecord| {
        preview.sessions().any(|session| session.agent.as_deref() == Some(record.agent.as_str()))
    };
    let mut past = Past::default();
    for room in Room::list(project)? {
        // A room that cannot be read has nothing to tell.
        for attempt in room.attempts().unwrap_or_default() {
            let record = attempt.record;
            if matches!(record.outcome, Some(Outcome::Signal(_))) && would_work(&record) {
                past.add(&record);
            }
        }
    }
    let path = &preview.dag.critical_path;
    let on_path = preview.epics.iter().filter(|epic| path.contains(&epic.epic));
    let review = usize::from(preview.review.is_some());
    let longest = review + on_path.map(|epic| epic.sessions.len()).sum::<usize>();
    Ok(past.forecast(preview.sessions().count(), longest))
}

/// Sums over past attempts.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Past {
    attempts: usize,
    seconds: f64,
    tokens: f64,
    cost_usd: f64,
}

impl Past {
    fn add(&mut self, record: &AttemptRecord) {
        let Some(closed_at) = record.closed_at else { return };
        self.attempts += 1;
        self.seconds += closed_at.since(record.opened_at).as_secs_f64();
        self.tokens += record.usage.map_or(0.0, |usage| usage.total() as f64);
        self.cost_usd += record.cost_usd.unwrap_or(0.0);
    }

    /// What `sessions` will take, of which `longest` follow each other.
    fn forecast(&self, sessions: usize, longest: usize) -> Option<Forecast> {
        let mean = |sum: f64, count: usize| sum / self.attempts as f64 * count as f64;
        (self.attempts > 0).then(|| Forecast {
            attempts: self.attempts,
            seconds: mean(self.seconds, longest).round() as u64,
            tokens: mean(self.tokens, sessions).round() as u64,
            cost_usd: mean(self.cost_usd, sessions),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forecast_is_the_mean_times_what_is_to_come() {
        let past = Past { attempts: 4, seconds: 40.0, tokens: 4_000.0, cost_usd: 1.0 };
        let expected = Forecast { attempts: 4, seconds: 30, tokens: 6_000, cost_usd: 1.5 };
        assert_eq!(past.forecast(6, 3), Some(expected));
        assert_eq!(Past::default().forecast(6, 3), None);
    }
}
