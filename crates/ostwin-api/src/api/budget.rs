//! What a plan may use and has used, and a person who lets it use more; what is set for one room.

use axum::http::StatusCode;
use ostwin_core::budget::{self, BudgetError, Caps};
use ostwin_core::ids::PlanId;
use ostwin_core::json::nearest;
use ostwin_core::room::{RoomSettings, SetError};
use ostwin_watch::Changed;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::plan_text::settings_of_plan;
use super::plans::PlanPath;
use super::rooms::RoomPath;
use crate::call::Call;
use crate::http::{Nothing, Problem, Route, get, post, put};
use crate::project::Served;

/// The routes.
pub(super) fn routes() -> Vec<Route> {
    vec![
        get("/api/plans/{id}/budget", "What a plan may use, and has used", budget),
        post("/api/plans/{id}/budget", "Lets a plan use more, or less", 200, set_budget),
        put("/api/rooms/{id}/settings", "Sets one value for this room only", 200, set_of_room),
    ]
}

/// What a plan may use, and has used.
#[derive(Debug, Serialize, JsonSchema)]
struct PlanBudget {
    /// The plan.
    plan_id: PlanId,
    /// Tokens that it may use; null for no limit.
    budget_tokens: Option<u64>,
    /// US dollars that it may cost; null for no limit.
    budget_usd: Option<f64>,
    /// Tokens that its sessions reported.
    tokens: u64,
    /// US dollars that they reported; null if none reported any.
    cost_usd: Option<f64>,
    /// How much is gone of what is nearest to its end; null without a limit.
    percent: Option<u64>,
    /// Whether nothing starts until it may use more.
    used_up: bool,
    /// The person who set it last; null if nobody did.
    set_by: Option<String>,
}

fn budget(call: &Call, path: PlanPath, _: Nothing) -> Result<PlanBudget, Problem> {
    told(call.one()?, path.id)
}

fn told(served: &Served, id: PlanId) -> Result<PlanBudget, Problem> {
    let current = served.current();
    let plan = served.view(&id)?.plan;
    let text = ostwin_core::plan_review::running_text(&current.project, &plan)?;
    // Settings that cannot be read have a plan's own budget count all the same.
    let config = match settings_of_plan(&current, &plan, &text) {
        Ok(settings) => settings.config,
        Err(_) => current.settings.config,
    };
    let caps = budget::caps_of_plan(&plan.paths, &config)?;
    let spent = budget::spent_by_plan(&current.project, &id)?;
    Ok(PlanBudget {
        budget_tokens: caps.tokens,
        budget_usd: caps.usd,
        tokens: spent.tokens,
        cost_usd: spent.cost_usd,
        percent: caps.percent(&spent),
        used_up: caps.used_up(&spent).is_some(),
        set_by: budget::of_plan(&plan.paths)?.map(|own| own.by),
        plan_id: id,
    })
}

/// What a plan may use from now on. What is left out stays as it is.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewBudget {
    /// Tokens.
    #[serde(default)]
    tokens: Option<u64>,
    /// US dollars.
    #[serde(default)]
    #[schemars(range(min = 0.0))]
    usd: Option<f64>,
}

fn set_budget(call: &Call, path: PlanPath, new: NewBudget) -> Result<PlanBudget, Problem> {
    let served = call.one()?;
    let plan = served.view(&path.id)?.plan;
    let caps = Caps { tokens: new.tokens, usd: new.usd };
    if !caps.is_set() {
        return Err(Problem::unprocessable("give `tokens`, `usd`, or both"));
    }
    budget::decide(served.project().store(), &plan, caps, &call.app.actor)?;
    served.refresh(Some(Changed::PlanEvents(path.id.clone())));
    told(served, path.id)
}

/// A value for one room.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewRoomSetting {
    /// Which one.
    key: RoomKey,
    /// The value; null takes it back.
    value: Value,
}

/// What can be set for one room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum RoomKey {
    /// The agent program: a key of `agents`.
    Agent,
    /// The model.
    Model,
    /// Seconds that one attempt may take.
    TimeoutSeconds,
    /// Tokens that the room may use, all attempts together.
    BudgetTokens,
    /// US dollars that the room may cost, all attempts together.
    BudgetUsd,
}

impl RoomKey {
    fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Model => "model",
            Self::TimeoutSeconds => "timeout_seconds",
            Self::BudgetTokens => "budget_tokens",
            Self::BudgetUsd => "budget_usd",
        }
    }
}

fn set_of_room(call: &Call, path: RoomPath, new: NewRoomSetting) -> Result<RoomSettings, Problem> {
    let (served, room) = call.room(&path.id)?;
    if let (RoomKey::Agent, Value::String(name)) = (new.key, &new.value) {
        let agents = served.current().settings.config.agents;
        if !agents.contains_key(name) {
            let near = nearest(name, agents.keys().map(String::as_str));
            let near = near.map_or_else(String::new, |near| format!(" (did you mean `{near}`?)"));
            return Err(Problem::unprocessable(format!("no agent is called `{name}`{near}")));
        }
    }
    let set = room.set(new.key.as_str(), &new.value)?;
    served.refresh(Some(Changed::RoomAudit(room.id().clone())));
    Ok(set)
}

impl From<BudgetError> for Problem {
    fn from(error: BudgetError) -> Self {
        match error {
            BudgetError::Json(error) => error.into(),
            BudgetError::Fs(error) => error.into(),
            BudgetError::Lock(error) => error.into(),
            BudgetError::Event(error) => error.into(),
            BudgetError::NoAmount { .. } => Self::of(StatusCode::UNPROCESSABLE_ENTITY, &error),
        }
    }
}

impl From<SetError> for Problem {
    fn from(error: SetError) -> Self {
        match error {
            SetError::Room(error) => error.into(),
            error => Self::of(StatusCode::UNPROCESSABLE_ENTITY, &error),
        }
    }
}
