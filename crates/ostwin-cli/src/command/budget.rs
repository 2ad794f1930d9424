//! `plan budget`: what a plan may use and has used, and raising it.

use ostwin_core::budget::{self, BudgetError, Caps};
use ostwin_core::events::{Event, EventKind};
use ostwin_core::lifecycle::Spent;
use ostwin_core::room;
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
        let actor = actor();
        match budget::set_of_plan(project.store(), &plan.paths, caps, &actor) {
            Ok(_) => {}
            Err(error @ BudgetError::NoAmount { .. }) => return Err(error).exit(Exit::Usage),
            Err(error) => return Err(error).exit(Exit::Environment),
        }
        let tokens = caps.tokens.map(|tokens| format!("{tokens} tokens"));
        let usd = caps.usd.map(|usd| format!("{usd:.2} US dollars"));
        let words: Vec<String> = tokens.into_iter().chain(usd).collect();
        let words = words.join(", ");
        let event = Event {
            reason: Some(format!("{actor} set the plan's budget: {words}")),
            data: Some(
                json!({ "budget_tokens": caps.tokens, "budget_usd": caps.usd, "by": actor }),
            ),
            ..Event::new(EventKind::Budget)
        };
        plan.events().append(project.store(), event)?;
    }
    let options = options_of(project.layout(), &settings);
    let text = PlanText::of(plan.paths.plan().display().to_string(), plan.text()?, &options);
    let layers = plan_layers(&text, Some(&plan))?;
    let settings = context.settings(Some(project.layout()), layers)?;
    let caps = budget::caps_of_plan(&plan.paths, &settings.config)?;
    let mut spent = Spent::default();
    for (room, _) in room::of_plan(&project, id)? {
        let used = room.spent()?;
        spent.tokens = spent.tokens.saturating_add(used.tokens);
        spent.cost_usd += used.cost_usd;
    }
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
