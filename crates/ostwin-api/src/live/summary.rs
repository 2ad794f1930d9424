//! A plan and a room in short, as lists and events tell them.

use ostwin_core::board::{Board, Counts, Engine, PlanState, Row};
use ostwin_core::ids::{PlanId, StateName};
use ostwin_core::lifecycle::Tone;
use ostwin_core::plan_review::states;
use ostwin_core::time::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

/// A plan in short: its board without the rows.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct PlanSummary {
    /// The project.
    pub(crate) project: String,
    /// The plan.
    pub(crate) plan_id: PlanId,
    /// Its title.
    pub(crate) title: String,
    /// Whether the rehearsal agent works on it instead of a model.
    pub(crate) rehearsed: bool,
    /// When this was computed.
    pub(crate) at: Timestamp,
    /// How the plan stands.
    pub(crate) state: PlanState,
    /// The same in words.
    pub(crate) state_words: &'static str,
    /// Whether a person paused it.
    pub(crate) paused: bool,
    /// How its review stands.
    pub(crate) review: Review,
    /// Passed epics over all epics, running ones counted by their own percent; 0 to 100.
    pub(crate) progress_percent: u8,
    /// The process that drives it, or drove it last.
    pub(crate) engine: Option<Engine>,
    /// Since when an engine drives it; null while none does.
    pub(crate) running_since: Option<Timestamp>,
    /// How many epics there are of which kind.
    pub(crate) counts: Counts,
    /// How many waves the graph has.
    pub(crate) waves: usize,
    /// The first wave in which something is left to do, counted from 0; null if there is none.
    pub(crate) wave: Option<usize>,
    /// Tokens that all sessions reported.
    pub(crate) tokens: u64,
    /// US dollars that all sessions reported; null if none did.
    pub(crate) cost_usd: Option<f64>,
    /// Seconds from the first session to `at`, or to the end.
    pub(crate) elapsed_seconds: Option<u64>,
    /// The first cause for which the plan needs a person or has failed, in a sentence.
    pub(crate) why: Option<String>,
}

/// How the review of a plan stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Review {
    /// Nobody has reviewed it.
    None,
    /// A session reads it, or will.
    Reviewing,
    /// Somebody has to approve what it says.
    NeedsApproval,
    /// It was approved.
    Approved,
    /// It was rejected, or given up.
    Rejected,
}

impl Review {
    /// How the review stands by the board.
    pub(crate) fn of(board: &Board) -> Self {
        let row = board.rows.iter().find(|row| row.epic.is_plan_review());
        match row {
            None => Self::None,
            Some(row) if row.passed => Self::Approved,
            Some(row) => match row.state.as_ref().map(StateName::as_str) {
                Some(states::APPROVING) => Self::NeedsApproval,
                Some(_) if is_over(row) => Self::Rejected,
                _ => Self::Reviewing,
            },
        }
    }
}

/// Whether nothing happens to an epic any more.
fn is_over(row: &Row) -> bool {
    matches!(row.display.tone, Tone::Passed | Tone::Failed | Tone::Cancelled)
}

impl PlanSummary {
    /// A plan of `project` in short.
    pub(crate) fn of(project: &str, board: &Board) -> Self {
        let alive = board.engine.as_ref().filter(|engine| engine.alive);
        let epics = || board.rows.iter().filter(|row| !row.epic.is_plan_review());
        let left = epics().filter(|row| !is_over(row) && row.blocked_by.is_empty());
        let first = |tone| board.rows.iter().find(|row| row.display.tone == tone);
        let cause = first(Tone::Attention).or_else(|| first(Tone::Failed));
        Self {
            project: project.to_owned(),
            plan_id: board.plan_id.clone(),
            title: board.title.clone(),
            rehearsed: board.rehearsed,
            at: board.at,
            state: board.state,
            state_words: board.state.words(),
            paused: board.paused,
            review: Review::of(board),
            progress_percent: board.progress_percent,
            running_since: alive.map(|engine| engine.since),
            engine: board.engine.clone(),
            counts: board.counts,
            waves: epics().map(|row| row.wave + 1).max().unwrap_or(0),
            wave: left.map(|row| row.wave).min(),
            tokens: board.tokens,
            cost_usd: board.cost_usd,
            elapsed_seconds: board.elapsed_seconds,
            why: cause.map(|row| {
                let why = row.why.as_ref().or(row.display.detail.as_ref());
                format!("{}: {}", row.epic, why.unwrap_or(&row.display.word))
            }),
        }
    }

    /// The same without what changes with time alone.
    pub(super) fn timeless(&self) -> Self {
        Self { at: Timestamp::from_millis(0), elapsed_seconds: None, ..self.clone() }
    }
}

/// A room: the row of its plan's board, and where that is.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct RoomRow {
    /// The project.
    pub(crate) project: String,
    /// The plan.
    pub(crate) plan_id: PlanId,
    /// The plan's title.
    pub(crate) plan_title: String,
    /// When this was computed.
    pub(crate) at: Timestamp,
    /// When its newest message was posted.
    pub(crate) last_activity_at: Option<Timestamp>,
    /// The epic and its room.
    #[serde(flatten)]
    pub(crate) row: Row,
}

impl RoomRow {
    /// The room of `row` on `board`.
    pub(crate) fn of(project: &str, board: &Board, row: &Row) -> Self {
        Self {
            project: project.to_owned(),
            plan_id: board.plan_id.clone(),
            plan_title: board.title.clone(),
            at: board.at,
            last_activity_at: row.last_message.as_ref().map(|message| message.ts),
            row: row.clone(),
        }
    }
}
