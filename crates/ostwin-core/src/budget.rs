//! Budgets: what a plan or a room may use, and how much of that is gone.
//!
//! Caps are compared with what agents say they used. A plan's caps come from its settings unless a
//! person has decided otherwise for this plan (`budget.json`); a room's are settled like any other
//! value of its sessions.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::config::Config;
use crate::events::{Event, EventKind};
use crate::fs::{self, FsError};
use crate::ids::PlanId;
use crate::json::{self, Extra, JsonError, Version};
use crate::jsonl::JsonlError;
use crate::layout::PlanPaths;
use crate::lifecycle::Spent;
use crate::lock::{self, LockError};
use crate::plans::StoredPlan;
use crate::project::Project;
use crate::room::{self, RoomError};
use crate::store::Store;
use crate::time::Timestamp;

/// Largest file that is read, in bytes.
const MAX_BYTES: u64 = 64 << 10;

/// From this share on people are warned, in percent.
pub const WARN_PERCENT: u64 = 80;

/// The most that may be used; null for no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Caps {
    /// Tokens.
    pub tokens: Option<u64>,
    /// US dollars.
    pub usd: Option<f64>,
}

impl Caps {
    /// Whether anything is limited.
    pub fn is_set(&self) -> bool {
        self.tokens.is_some() || self.usd.is_some()
    }

    /// How much is gone, in percent of the cap that is nearest to its end; `None` without a cap.
    pub fn percent(&self, spent: &Spent) -> Option<u64> {
        let tokens = self.tokens.map(|cap| {
            let share = u128::from(spent.tokens) * 100;
            match cap {
                0 => 100,
                cap => u64::try_from(share / u128::from(cap)).unwrap_or(u64::MAX),
            }
        });
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a percentage; what is too large saturates"
        )]
        let usd = self.usd.map(|cap| {
            if cap > 0.0 { (spent.usd() / cap * 100.0 + 1e-9).max(0.0) as u64 } else { 100 }
        });
        tokens.max(usd)
    }

    /// What is used up, in words: `1200 of 1000 tokens`; `None` while something is left of each.
    pub fn used_up(&self, spent: &Spent) -> Option<String> {
        (self.percent(spent)? >= 100).then(|| self.words(spent))
    }

    /// What is gone of what there is, in words.
    pub fn words(&self, spent: &Spent) -> String {
        let tokens = self.tokens.map(|cap| format!("{} of {cap} tokens", spent.tokens));
        let usd = self.usd.map(|cap| format!("{:.2} of {cap:.2} US dollars", spent.usd()));
        let words: Vec<String> = tokens.into_iter().chain(usd).collect();
        if words.is_empty() { "no limit".to_owned() } else { words.join(", ") }
    }

    /// What these caps count and a session has not reported, in words; `None` if it has told all
    /// that they count.
    pub fn unmetered(&self, tokens: Option<u64>, cost_usd: Option<f64>) -> Option<&'static str> {
        match (self.tokens.is_some() && tokens.is_none(), self.usd.is_some() && cost_usd.is_none())
        {
            (true, true) => Some("neither tokens nor cost"),
            (true, false) => Some("no tokens"),
            (false, true) => Some("no cost"),
            (false, false) => None,
        }
    }
}

/// `budget.json`: what a person lets a plan use, instead of what the settings say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "PlanBudget")]
pub struct PlanBudget {
    /// Version of this file's schema.
    #[serde(default)]
    pub schema_version: Version<1>,
    /// Tokens; null for what the settings say.
    #[serde(default)]
    pub tokens: Option<u64>,
    /// US dollars; null for what the settings say.
    #[serde(default)]
    pub usd: Option<f64>,
    /// Who decided last.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Fields that this version does not know.
    #[serde(skip)]
    pub extra: Extra,
}
crate::keep_extra!(PlanBudget);

/// Why a budget could not be read or set.
#[derive(Debug, thiserror::Error)]
pub enum BudgetError {
    /// The file is malformed.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// The file could not be read or written.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// Somebody else holds the plan's budget.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The event that tells of it could not be written.
    #[error(transparent)]
    Event(#[from] JsonlError),
    /// No amount of money.
    #[error("{usd} US dollars are no budget: 0 or a positive number is")]
    NoAmount {
        /// What was given.
        usd: f64,
    },
}

/// What a person decided about a plan's budget, if anybody has.
///
/// # Errors
/// The file is malformed or cannot be read.
pub fn of_plan(plan: &PlanPaths) -> Result<Option<PlanBudget>, BudgetError> {
    let path = plan.budget();
    match fs::read_optional(&path, MAX_BYTES)? {
        Some(bytes) => Ok(Some(json::from_slice_located(&path, &bytes)?)),
        None => Ok(None),
    }
}

/// The caps of a plan: what a person decided for it, else what the settings say.
///
/// # Errors
/// The file is malformed or cannot be read.
pub fn caps_of_plan(plan: &PlanPaths, config: &Config) -> Result<Caps, BudgetError> {
    let own = of_plan(plan)?;
    let (tokens, usd) = own.map_or((None, None), |own| (own.tokens, own.usd));
    Ok(Caps { tokens: tokens.or(config.budget_tokens), usd: usd.or(config.budget_usd) })
}

/// Sets the budget of a plan: what is given replaces, what is not stays as it was.
///
/// # Errors
/// The amount is none, or the file is malformed or cannot be written; nothing changed then.
pub fn set_of_plan(
    store: &Store,
    plan: &PlanPaths,
    caps: Caps,
    by: &str,
) -> Result<PlanBudget, BudgetError> {
    if let Some(usd) = caps.usd.filter(|usd| !usd.is_finite() || *usd < 0.0) {
        return Err(BudgetError::NoAmount { usd });
    }
    lock::exclusive(&plan.budget_lock(), store.lock_timeout, || {
        let before = of_plan(plan)?;
        let budget = PlanBudget {
            schema_version: Version::default(),
            tokens: caps.tokens.or(before.as_ref().and_then(|before| before.tokens)),
            usd: caps.usd.or(before.as_ref().and_then(|before| before.usd)),
            by: by.to_owned(),
            at: store.now(),
            extra: before.map(|before| before.extra).unwrap_or_default(),
        };
        fs::replace_json(&plan.budget(), &budget, store.durability)?;
        Ok(budget)
    })?
}

/// Sets the budget of a plan by a person's word, and has the plan's events tell of it.
///
/// # Errors
/// As [`set_of_plan`], or the event cannot be written: the budget is set then.
pub fn decide(
    store: &Store,
    plan: &StoredPlan,
    caps: Caps,
    by: &str,
) -> Result<PlanBudget, BudgetError> {
    let budget = set_of_plan(store, &plan.paths, caps, by)?;
    let tokens = caps.tokens.map(|tokens| format!("{tokens} tokens"));
    let usd = caps.usd.map(|usd| format!("{usd:.2} US dollars"));
    let words: Vec<String> = tokens.into_iter().chain(usd).collect();
    let event = Event {
        reason: Some(format!("{by} set the plan's budget: {}", words.join(", "))),
        data: Some(json!({ "budget_tokens": caps.tokens, "budget_usd": caps.usd, "by": by })),
        ..Event::new(EventKind::Budget)
    };
    plan.events().append(store, event)?;
    Ok(budget)
}

/// What the rooms of a plan have used together.
///
/// # Errors
/// A room cannot be read.
pub fn spent_by_plan(project: &Project, plan: &PlanId) -> Result<Spent, RoomError> {
    let mut spent = Spent::default();
    for (room, _) in room::of_plan(project, plan)? {
        spent += room.spent()?;
    }
    Ok(spent)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spent(tokens: u64, cost_usd: f64) -> Spent {
        Spent { tokens, cost_usd: Some(cost_usd) }
    }

    #[test]
    fn the_cap_that_is_nearest_to_its_end_counts() {
        let caps = Caps { tokens: Some(1_000), usd: Some(2.0) };
        assert_eq!(caps.percent(&spent(100, 1.0)), Some(50));
        assert_eq!(caps.percent(&spent(799, 0.0)), Some(79));
        assert_eq!(caps.percent(&spent(0, 1.6)), Some(80));
        assert_eq!(caps.used_up(&spent(999, 1.99)), None);
        let words = "1000 of 1000 tokens, 0.50 of 2.00 US dollars";
        assert_eq!(caps.used_up(&spent(1_000, 0.5)).as_deref(), Some(words));
        assert_eq!(Caps::default().percent(&spent(u64::MAX, 1e300)), None);
        let nothing = Caps { tokens: Some(0), usd: None };
        assert_eq!(nothing.used_up(&spent(0, 0.0)).as_deref(), Some("0 of 0 tokens"));
    }

    #[test]
    fn what_a_cap_counts_has_to_be_told() {
        let both = Caps { tokens: Some(1), usd: Some(1.0) };
        assert_eq!(both.unmetered(Some(5), Some(0.1)), None);
        assert_eq!(both.unmetered(Some(5), None), Some("no cost"));
        assert_eq!(both.unmetered(None, None), Some("neither tokens nor cost"));
        assert_eq!(Caps { usd: None, ..both }.unmetered(Some(5), None), None);
        assert_eq!(Caps::default().unmetered(None, None), None);
    }

    #[test]
    fn a_person_decides_above_the_settings_and_piece_by_piece() {
        let dir = tempfile::tempdir().unwrap();
        let layout = crate::layout::Layout::new(dir.path());
        let plan = layout.plan(&"shop-3fa9c1".parse().unwrap());
        fs::create_dirs(plan.dir()).unwrap();
        let store = Store { durability: crate::store::Durability::Os, ..Store::default() };
        let config = Config { budget_tokens: Some(10), budget_usd: Some(1.0), ..Config::default() };
        let caps = || caps_of_plan(&plan, &config).unwrap();
        assert_eq!(caps(), Caps { tokens: Some(10), usd: Some(1.0) });
        set_of_plan(&store, &plan, Caps { tokens: Some(20), usd: None }, "ada").unwrap();
        assert_eq!(caps(), Caps { tokens: Some(20), usd: Some(1.0) });
        set_of_plan(&store, &plan, Caps { tokens: None, usd: Some(3.0) }, "bob").unwrap();
        assert_eq!(caps(), Caps { tokens: Some(20), usd: Some(3.0) });
        assert_eq!(of_plan(&plan).unwrap().unwrap().by, "bob");
        let wrong = Caps { tokens: None, usd: Some(-1.0) };
        assert!(set_of_plan(&store, &plan, wrong, "bob").is_err());
        assert_eq!(caps(), Caps { tokens: Some(20), usd: Some(3.0) });
    }
}
