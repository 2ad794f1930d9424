//! `plan budget`: what a plan may use and has used, and raising it.

use ostwin_core::budget::{self, BudgetError, Caps};
use ostwin_service::{Exit, Explain};
use serde_json::json;

use super::plan_text::{PlanText, options_of};
use super::run::plan_layers;
use crate::context::{Context, actor, stored_plan};
use crate::out::remark;

pub(crate) fn budget(context: &Context, named: Option<&str>, caps: Caps) -> anyhow::Result<Exit> {
    let (project, settings) = context.project()?;
    let plan = stored_plan(&project, named)?;
    let id = &plan.meta.plan_id;
    if caps.is_set() {
        match budget::decide(project.store(), &plan, caps, &actor()) {
            Ok(_) => {}
            Err(error @ BudgetError::NoAmount { .. }) => return Err(error).exit(Exit::Usage),
            Err(error) => return Err(error).exit(Exit::Environment),
        }
    }
    let options = options_of(project.layout(), &settings);
    let text = PlanText::of(plan.paths.plan().display().to_string(), plan.text()?, &options);
    let layers = plan_layers(&text, Some(&plan))?;
    let settings = context.settings(Some(project.layout()), layers)?;
    let caps = budget::caps_of_plan(&plan.paths, &settings.config)?;
    let spent = budget::spent_by_plan(&project, id)?;
    if context.out.json {
        context.out.json(&json!({
            "plan_id": id,
            "budget_tokens": caps.tokens,
            "budget_usd": caps.usd,
            "tokens": spent.tokens,
            "cost_usd": spent.cost_usd,
            "percent": caps.percent(&spent),
        }))?;
    } else if caps.is_set() {
        context.out.text(&format!("{id}: {}\n", caps.words(&spent)))?;
    } else {
        remark(&format!("`{id}` has no budget; `--tokens` or `--usd` sets one"));
    }
    Ok(Exit::Ok)
}
