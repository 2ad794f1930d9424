//! `aggregate_stats`: the figures of the project or of one plan.

use std::time::Duration;

use ostwin_core::board::{self, Stats};
use ostwin_core::ids::PlanId;
use schemars::JsonSchema;
use serde::Deserialize;

use super::clipped::Clipped;
use crate::args::Whole;
use crate::binding::Binding;
use crate::error::ToolError;
use crate::waiting::Waiting;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AggregateStats {
    /// Of this plan only; the whole project if left out.
    #[serde(default)]
    plan_id: Option<PlanId>,
    /// How many days back attempts, messages and memories are counted; 7 if left out.
    #[serde(default)]
    window_days: Option<Whole<1, 3650>>,
}

pub(super) fn aggregate_stats(
    binding: &Binding,
    args: AggregateStats,
    _: &Waiting,
) -> Result<Clipped<Stats>, ToolError> {
    let AggregateStats { plan_id, window_days } = args;
    let window = DAY * window_days.map_or(7, Whole::small);
    Ok(Clipped(board::survey(&binding.project, &binding.settings, plan_id.as_ref(), window)?))
}
