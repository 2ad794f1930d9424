//! The plan as JSON for programs.

use serde_json::{Value, json};

use super::parse::ParsedPlan;
use super::render::locate;

/// `{plan: {title, goal, config, notes}, epics: [...], diagnostics: [...]}`, where diagnostics have
/// one-based lines and columns in `source`.
///
/// # Errors
///
/// A value has no JSON form, which no plan that was parsed has.
pub fn to_json(parsed: &ParsedPlan, source: &str) -> Result<Value, serde_json::Error> {
    let plan = &parsed.plan;
    let epics = plan.epics.iter().map(serde_json::to_value).collect::<Result<Vec<_>, _>>()?;
    let diagnostics = serde_json::to_value(locate(&parsed.diagnostics, source))?;
    Ok(json!({
        "plan": {
            "title": plan.title,
            "goal": plan.goal,
            "config": plan.config,
            "notes": plan.notes,
        },
        "epics": epics,
        "diagnostics": diagnostics,
    }))
}
