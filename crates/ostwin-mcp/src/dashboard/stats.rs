//! `aggregate_stats`: the figures of the project or of one plan.

use std::borrow::Cow;
use std::time::Duration;

use ostwin_core::board::{self, Stats};
use ostwin_core::ids::PlanId;
use schemars::transform::transform_subschemas;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use super::clipped::{Clipped, terse};
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

/// The figures, as far as a schema has to tell of them.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(super) struct Figures(Clipped<Stats>);

impl JsonSchema for Figures {
    fn schema_name() -> Cow<'static, str> {
        "Figures".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = Stats::json_schema(generator);
        transform_subschemas(&mut |field: &mut Schema| terse(field), &mut schema);
        schema
    }
}

pub(super) fn aggregate_stats(
    binding: &Binding,
    args: AggregateStats,
    _: &Waiting,
) -> Result<Figures, ToolError> {
    let AggregateStats { plan_id, window_days } = args;
    let window = DAY * window_days.map_or(7, Whole::small);
    let stats = board::survey(&binding.project, &binding.settings, plan_id.as_ref(), window)?;
    Ok(Figures(Clipped(stats)))
}
