//! Figures of a project or a plan, in a window of time.

use std::time::Duration;

use ostwin_core::board::{self, Breakdown, Stats};
use ostwin_core::ids::PlanId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::call::Call;
use crate::http::{Nothing, Problem, Route, get};

/// What `all` means: longer than any project.
const ALL: Duration = Duration::from_secs(3_650 * 24 * 3_600);

/// The routes.
pub(super) fn routes() -> Vec<Route> {
    vec![get("/api/stats", "Figures of a project or a plan, in a window of time", stats)]
}

/// Which figures are wanted.
#[derive(Debug, Deserialize, JsonSchema)]
struct StatsQuery {
    /// Only of this plan.
    plan: Option<PlanId>,
    /// How far back; `7d` if left out.
    #[serde(default)]
    window: Window,
}

/// How far back figures reach.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
enum Window {
    /// An hour.
    #[serde(rename = "1h")]
    Hour,
    /// A day.
    #[serde(rename = "24h")]
    Day,
    /// A week.
    #[default]
    #[serde(rename = "7d")]
    Week,
    /// 30 days.
    #[serde(rename = "30d")]
    Month,
    /// To the beginning.
    #[serde(rename = "all")]
    All,
}

impl Window {
    fn length(self) -> Duration {
        let hours = match self {
            Self::Hour => 1,
            Self::Day => 24,
            Self::Week => 7 * 24,
            Self::Month => 30 * 24,
            Self::All => return ALL,
        };
        Duration::from_secs(hours * 3_600)
    }
}

/// Figures, with what was used by whom, and when.
#[derive(Debug, Serialize, JsonSchema)]
struct Figures {
    /// The figures.
    #[serde(flatten)]
    stats: Stats,
    /// What is behind them.
    #[serde(flatten)]
    breakdown: Breakdown,
}

fn stats(call: &Call, _: Nothing, query: StatsQuery) -> Result<Figures, Problem> {
    let current = call.one()?.current();
    let config = &current.settings.config;
    let (plan, window) = (query.plan.as_ref(), query.window.length());
    let stats = board::survey(&current.project, config, plan, window)?;
    let since = Some(stats.since).filter(|_| query.window != Window::All);
    Ok(Figures { breakdown: board::breakdown(&current.project, plan, since)?, stats })
}
