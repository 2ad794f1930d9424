//! Plans: the list, one of them, its events.

use ostwin_core::board::Board;
use ostwin_core::events::Event;
use ostwin_core::fs;
use ostwin_core::ids::{PlanId, RoomId};
use ostwin_core::jsonl;
use ostwin_core::plan::MAX_PLAN_BYTES;
use ostwin_core::plan_review;
use ostwin_core::plans::{StoredPlan, sha256};
use ostwin_core::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::ops::ControlFlow;

use super::config::{SettingOf, set_by_somebody};
use super::plan_text::settings_of_plan;
use crate::call::Call;
use crate::http::{Nothing, Page, Problem, Route, get, get_of_boards, part};
use crate::live::{PlanSummary, Review};

/// Events in one answer, unless asked for another number.
const EVENTS: usize = 200;
/// Most events in one answer.
const MOST_EVENTS: usize = 1_000;

/// The routes.
pub(super) fn routes() -> Vec<Route> {
    vec![
        get_of_boards("/api/plans", "Every plan in short", plans),
        get("/api/plans/{id}", "One plan: board, text, review", plan),
        get("/api/plans/{id}/events", "What happened to a plan, oldest first", events),
    ]
}

/// A plan in a path.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct PlanPath {
    /// The plan.
    pub(super) id: PlanId,
}

/// Which part of the plans is wanted.
#[derive(Debug, Deserialize, JsonSchema)]
struct PlansQuery {
    /// Only behind this one, as `next_cursor` named it.
    after: Option<String>,
    /// At most so many; all if left out.
    limit: Option<usize>,
}

fn plans(call: &Call, _: Nothing, query: PlansQuery) -> Result<Page<PlanSummary>, Problem> {
    let mut plans = Vec::new();
    for served in call.all() {
        plans.extend(
            served.views.all().iter().map(|view| {
                (view.plan.meta.imported_at, PlanSummary::of(&served.key, &view.board))
            }),
        );
    }
    // The newest first.
    plans.sort_by(|(one, _), (other, _)| other.cmp(one));
    let plans = plans.into_iter().map(|(_, plan)| plan).collect();
    let name = |plan: &PlanSummary| format!("{}/{}", plan.project, plan.plan_id);
    part(plans, query.after.as_deref(), query.limit, name)
}

/// One plan.
#[derive(Debug, Serialize, JsonSchema)]
struct Plan {
    /// The project.
    project: String,
    /// The plan in short.
    summary: PlanSummary,
    /// Its board.
    board: Board,
    /// The text by which it runs.
    markdown: String,
    /// SHA-256 of that text, in hex.
    sha256: String,
    /// Whether the review wrote that text.
    refined: bool,
    /// The file that it was imported from.
    source_path: String,
    /// 1 for the first text, one more for each revision.
    revision: u32,
    /// When this revision was imported.
    imported_at: Timestamp,
    /// Whether its rooms are made.
    begun: bool,
    /// Whether the file that it was imported from has another text now; null if there is no file.
    source_differs: Option<bool>,
    /// What is set for its runs, each with its source; all else has the value that is shipped.
    config: Vec<SettingOf>,
    /// Why its own settings cannot be read; those of the project are told then.
    config_problem: Option<String>,
    /// How its review stands.
    review: PlanReview,
}

/// How the review of a plan stands.
#[derive(Debug, Serialize, JsonSchema)]
struct PlanReview {
    /// How it stands.
    state: Review,
    /// The review's room.
    room: Option<RoomId>,
}

fn plan(call: &Call, path: PlanPath, _: Nothing) -> Result<Plan, Problem> {
    let served = call.one()?;
    let view = served.view(&path.id)?;
    let current = served.current();
    let text = plan_review::running_text(&current.project, &view.plan)?;
    let own = settings_of_plan(&current, &view.plan, &text);
    let (settings, config_problem) = match own {
        Ok(settings) => (settings, None),
        Err(problem) => (current.settings, Some(problem.detail().to_owned())),
    };
    let review = view.board.rows.iter().find(|row| row.epic.is_plan_review());
    Ok(Plan {
        project: served.key.clone(),
        summary: PlanSummary::of(&served.key, &view.board),
        markdown: String::from_utf8_lossy(&text.bytes).into_owned(),
        sha256: text.sha256,
        refined: text.refined,
        source_path: view.plan.meta.source_path.display().to_string(),
        revision: view.plan.meta.revision,
        imported_at: view.plan.meta.imported_at,
        begun: view.plan.paths.dag().is_file(),
        source_differs: source_differs(&view.plan),
        config: set_by_somebody(&settings, &current.project.store().redactor),
        config_problem,
        review: PlanReview {
            state: Review::of(&view.board),
            room: review.and_then(|row| row.room.clone()),
        },
        board: view.board.as_ref().clone(),
    })
}

/// Whether the file that a plan was imported from has another text now. One that cannot be read is
/// none that could be run.
fn source_differs(plan: &StoredPlan) -> Option<bool> {
    let bytes = fs::read_optional(&plan.meta.source_path, MAX_PLAN_BYTES as u64).ok()??;
    Some(sha256(&bytes) != plan.meta.source_sha256)
}

/// Which events are wanted.
#[derive(Debug, Deserialize, JsonSchema)]
struct EventsQuery {
    /// Only events behind this number; without it, the newest.
    after: Option<u64>,
    /// Only events before this number: the newest of those.
    before: Option<u64>,
    /// At most so many; 200 if left out, 1000 at most.
    limit: Option<usize>,
}

fn events(call: &Call, path: PlanPath, query: EventsQuery) -> Result<Page<Event>, Problem> {
    let view = call.one()?.view(&path.id)?;
    let file = view.plan.paths.events();
    let limit = query.limit.unwrap_or(EVENTS).clamp(1, MOST_EVENTS);
    let mut events: Vec<Event> = Vec::new();
    let mut more = false;
    match query.after {
        Some(after) => {
            jsonl::scan::<Event>(&file, 0, |_, event| {
                if event.seq > after {
                    more = events.len() == limit;
                    if more {
                        return ControlFlow::Break(());
                    }
                    events.push(event);
                }
                ControlFlow::Continue(())
            })?;
        }
        None => {
            jsonl::scan_back::<Event>(&file, |_, event| {
                if query.before.is_some_and(|before| event.seq >= before) {
                    return ControlFlow::Continue(());
                }
                events.push(event);
                if events.len() == limit {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            })?;
            events.reverse();
        }
    }
    let next_cursor = events.last().filter(|_| more).map(|event| event.seq.to_string());
    Ok(Page { items: events, next_cursor })
}
