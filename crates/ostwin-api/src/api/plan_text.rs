//! The text of a plan: checked, imported, revised, removed.

use std::collections::BTreeMap;
use std::time::Duration;

use ostwin_core::config::{self, Layer, REHEARSAL, Settings};
use ostwin_core::dag::{self, BuildOptions};
use ostwin_core::ids::{EpicId, PlanId, RoomId, entropy};
use ostwin_core::lock::{self, LockError};
use ostwin_core::plan::{self, LineIndex, ParseOptions, ParsedPlan};
use ostwin_core::plan_review::{self, Text as RunningText};
use ostwin_core::plans::{self, Begun, StoredPlan, sha256};
use ostwin_core::room;
use ostwin_engine::{Mode, Submitted};
use ostwin_runner::roles::plan_options;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::dag::{Graph, graph};
use super::plans::PlanPath;
use crate::call::Call;
use crate::http::{Mistake, Nothing, Problem, Route, delete, post, put, with_causes};
use crate::project::{Current, Served};

/// The routes.
pub(super) fn routes() -> Vec<Route> {
    vec![
        post("/api/plans", "Imports a plan, or begins one with a goal", 201, create),
        post("/api/plans/check", "What is wrong with a text, and its graph", 200, check),
        put("/api/plans/{id}", "Saves a new revision of a plan's text", 200, revise),
        delete("/api/plans/{id}", "Removes a plan that nobody drives", 200, remove),
    ]
}

/// A plan to import: its text, or its goal.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewPlan {
    /// The text.
    #[serde(default)]
    markdown: Option<String>,
    /// What is to be reached; the review of the plan writes its epics then.
    #[serde(default)]
    goal: Option<String>,
}

/// The plan that was imported or changed.
#[derive(Debug, Serialize, JsonSchema)]
struct TakenPlan {
    /// The plan.
    plan_id: PlanId,
    /// SHA-256 of its text, in hex.
    sha256: String,
    /// 1 for the first text, one more for each revision.
    revision: u32,
    /// What is odd about the text.
    warnings: Vec<Diagnostic>,
}

/// Something that is wrong or odd with a text.
#[derive(Debug, Serialize, JsonSchema)]
struct Diagnostic {
    /// `error` or `warning`.
    severity: String,
    /// What kind of mistake.
    code: String,
    /// One sentence.
    message: String,
    /// What to do about it.
    suggestion: Option<String>,
    /// The line, counted from 1.
    line: usize,
    /// The column, counted from 1 in characters.
    column: usize,
    /// The line of the end.
    end_line: usize,
    /// The column behind the last character.
    end_column: usize,
}

fn diagnostics(parsed: &ParsedPlan, text: &str) -> Vec<Diagnostic> {
    let located = plan::locate(&parsed.diagnostics, text).into_iter();
    located
        .map(|found| Diagnostic {
            severity: found.severity.to_string(),
            code: found.code.as_str().to_owned(),
            message: found.message,
            suggestion: found.help,
            line: found.line,
            column: found.column,
            end_line: found.end_line,
            end_column: found.end_column,
        })
        .collect()
}

/// The text as a plan, or what is wrong with it.
fn parsed(current: &Current, text: &str) -> Result<ParsedPlan, Problem> {
    let options = plan_options(current.project.layout(), &current.settings.config);
    let parsed = plan::parse_bytes(text.as_bytes(), &options);
    if !parsed.has_errors() {
        return Ok(parsed);
    }
    let found = diagnostics(&parsed, text).into_iter().filter(|found| found.severity == "error");
    let mistakes = found.map(|found| Mistake {
        message: found.message,
        code: Some(found.code),
        line: Some(found.line),
        column: Some(found.column),
        suggestion: found.suggestion,
    });
    let mistakes: Vec<Mistake> = mistakes.collect();
    let first = mistakes.first().map(|mistake| mistake.message.clone()).unwrap_or_default();
    let text = match mistakes.len() {
        1 => format!("the text is no plan: {first}"),
        count => format!("the text has {count} mistakes; the first: {first}"),
    };
    Err(Problem::unprocessable(text).with(mistakes))
}

/// The settings with those of a plan's text on top.
fn settings_of(current: &Current, parsed: &ParsedPlan) -> Result<Settings, Problem> {
    let layout = current.project.layout();
    let wrong = |text: String| Problem::unprocessable(text);
    let (layer, _) =
        Layer::from_plan(&layout.plans(), &parsed.plan.config, &|_| None).map_err(|errors| {
            wrong(errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
        })?;
    let loaded = config::load(&config::Places::of_process(Some(layout)), vec![layer]);
    loaded.map(|loaded| loaded.settings).map_err(|error| wrong(error.to_string()))
}

/// The settings of a run of a plan: with those of its text, and of the files beside it.
pub(super) fn settings_of_plan(
    current: &Current,
    plan: &StoredPlan,
    running: &RunningText,
) -> Result<Settings, Problem> {
    let file = if running.refined { plan.paths.refined() } else { plan.paths.plan() };
    let text = String::from_utf8_lossy(&running.bytes);
    let parsed = plan::parse_bytes(&running.bytes, &ParseOptions::default()).plan;
    let index = LineIndex::new(&text);
    let line = |key: &str| {
        let (_, span) = parsed.config_spans.iter().find(|(name, _)| name == key)?;
        Some(index.position(span.start).line)
    };
    let wrong = |error: &dyn std::error::Error| Problem::conflict(with_causes(error));
    let (layer, _) = Layer::from_plan(&file, &parsed.config, &line).map_err(|errors| {
        Problem::conflict(errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    })?;
    let mut layers = vec![layer];
    layers.extend(config::of_plan(&plan.paths).map_err(|error| wrong(&error))?);
    let places = config::Places::of_process(Some(current.project.layout()));
    let loaded = config::load(&places, layers).map_err(|error| wrong(&error))?;
    Ok(loaded.settings)
}

fn create(call: &Call, _: Nothing, new: NewPlan) -> Result<TakenPlan, Problem> {
    let served = call.one()?;
    let current = served.current();
    let text = match (new.markdown, new.goal) {
        (Some(text), None) => text,
        (None, Some(goal)) if !goal.trim().is_empty() => plan::draft(&goal).1,
        (None, Some(_)) => {
            let words = "the goal is empty: say in a sentence what is to be reached";
            return Err(Problem::unprocessable(words));
        }
        _ => return Err(Problem::unprocessable("give either `markdown` or `goal`")),
    };
    let parsed = parsed(&current, &text)?;
    let settings = settings_of(&current, &parsed)?;
    let rehearsed = settings.config.default_agent.as_deref() == Some(REHEARSAL);
    // A plan that comes from no file is found by its id only.
    let random = entropy().map_err(|error| Problem::internal(&error))?;
    let source = current.project.layout().plans().join(format!("draft-{random:032x}"));
    let submitted = ostwin_engine::submit(
        &current.project,
        &source,
        text.as_bytes(),
        &parsed.plan,
        rehearsed,
        Mode::New,
    );
    let plan = match submitted.map_err(|error| Problem::internal(&error))? {
        Submitted::New(plan) | Submitted::Resumed(plan) | Submitted::Finished(plan) => plan,
    };
    served.refresh(None);
    Ok(taken(&plan, &parsed, &text))
}

fn taken(plan: &StoredPlan, parsed: &ParsedPlan, text: &str) -> TakenPlan {
    TakenPlan {
        plan_id: plan.meta.plan_id.clone(),
        sha256: plan.meta.source_sha256.clone(),
        revision: plan.meta.revision,
        warnings: diagnostics(parsed, text),
    }
}

/// A text to look at.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Text {
    /// The text.
    markdown: String,
}

/// What there is to say about a text.
#[derive(Debug, Serialize, JsonSchema)]
struct Checked {
    /// Whether it is a plan.
    ok: bool,
    /// Its title.
    title: Option<String>,
    /// What is wrong or odd.
    diagnostics: Vec<Diagnostic>,
    /// Its graph; null if it has none.
    dag: Option<Graph>,
}

fn check(call: &Call, _: Nothing, text: Text) -> Result<Checked, Problem> {
    let current = call.one()?.current();
    let options = plan_options(current.project.layout(), &current.settings.config);
    let parsed = plan::parse_bytes(text.markdown.as_bytes(), &options);
    let options = BuildOptions::new(
        PlanId::new("draft-000000")?,
        sha256(text.markdown.as_bytes()),
        current.project.store().now(),
    );
    let dag = dag::build(&parsed.plan, &options).ok();
    Ok(Checked {
        ok: !parsed.has_errors(),
        diagnostics: diagnostics(&parsed, &text.markdown),
        dag: dag.map(|dag| graph(&dag, &[])),
        title: parsed.plan.title,
    })
}

/// A new revision of a plan.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewRevision {
    /// The text.
    markdown: String,
    /// SHA-256 of the text that was edited, as it was given.
    base_sha256: String,
    /// What becomes of epics that have begun and that the edit changes or removes.
    #[serde(default)]
    begun: Option<BegunAnswer>,
}

/// What becomes of an epic that has begun when a revision changes it.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum BegunAnswer {
    /// It keeps the text that it was begun by.
    Keep,
    /// It starts over by the new text; one that the revision removes is cancelled.
    Redo,
}

impl BegunAnswer {
    /// As the command line takes it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Redo => "redo",
        }
    }
}

fn revise(call: &Call, path: PlanPath, new: NewRevision) -> Result<TakenPlan, Problem> {
    let served = call.one()?;
    let current = served.current();
    let project = &current.project;
    let plan = plans::open(project, &path.id)?;
    let running = plan_review::running_text(project, &plan)?;
    if running.sha256 != new.base_sha256 {
        let text = "the plan is not the one that was edited any more: somebody else saved it, or \
                    its review changed it; load it again";
        return Err(Problem::conflict(text));
    }
    let parsed = parsed(&current, &new.markdown)?;
    let mut answers = BTreeMap::new();
    if plan.paths.dag().is_file() {
        let revision = ostwin_engine::revision(project, &plan, &parsed.plan)
            .map_err(|error| Problem::internal(&error))?;
        answers = revision.settled;
        for touched in &revision.touched {
            let answer = match new.begun {
                Some(BegunAnswer::Keep) => Begun::Keep,
                Some(BegunAnswer::Redo) => Begun::Redo,
                None => return Err(touches(&revision.touched)),
            };
            answers.insert(touched.epic.clone(), answer);
        }
    }
    let title = parsed.plan.title.as_deref().unwrap_or("plan");
    let plan = alone(&plan, || {
        Ok(plans::revise(project, &plan, new.markdown.as_bytes(), title, answers)?)
    })?;
    served.refresh(Some(ostwin_watch::Changed::PlanFile(path.id)));
    Ok(taken(&plan, &parsed, &new.markdown))
}

/// Epics that have begun are not changed without a word about them.
fn touches(touched: &[ostwin_engine::Touched]) -> Problem {
    let mistakes = touched.iter().map(|touched| Mistake {
        message: format!(
            "{} (`{}`, {}) has begun, and the edit {} it",
            touched.epic,
            touched.room,
            touched.state,
            if touched.removed { "removes" } else { "changes" }
        ),
        code: Some(touched.epic.to_string()),
        ..Mistake::default()
    });
    let text = "the edit changes epics that have begun: send `begun` as `redo` to start them over \
                by the new text, or as `keep` to leave them as they are";
    Problem::conflict(text).with(mistakes.collect())
}

/// Does something to a plan while nobody drives it, nor can begin to.
fn alone<R>(plan: &StoredPlan, section: impl FnOnce() -> Result<R, Problem>) -> Result<R, Problem> {
    match lock::exclusive(&plan.paths.engine_lock(), Duration::ZERO, section) {
        Ok(done) => done,
        Err(LockError::Busy { .. }) => {
            let id = &plan.meta.plan_id;
            Err(Problem::conflict(format!("an engine drives plan `{id}`: stop it first")))
        }
        Err(error) => Err(error.into()),
    }
}

/// How a plan is removed.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Removal {
    /// Also its rooms, with all messages, transcripts and artifacts.
    #[serde(default)]
    with_rooms: bool,
}

/// What was removed.
#[derive(Debug, Serialize, JsonSchema)]
struct Removed {
    /// The plan.
    plan_id: PlanId,
    /// Its rooms.
    rooms: Vec<RoomId>,
}

fn remove(call: &Call, path: PlanPath, removal: Removal) -> Result<Removed, Problem> {
    let served: &Served = call.one()?;
    let project = served.project();
    let plan = plans::open(&project, &path.id)?;
    let rooms = alone(&plan, || {
        let rooms = room::of_plan(&project, &path.id)?;
        let rooms: Vec<RoomId> = rooms.into_iter().map(|(room, _)| room.id().clone()).collect();
        if !rooms.is_empty() && !removal.with_rooms {
            let text = format!(
                "plan `{}` has {} rooms: `with_rooms` removes them too, with all messages, \
                 transcripts and artifacts",
                path.id,
                rooms.len()
            );
            return Err(Problem::conflict(text));
        }
        plans::remove(&project, &plan, &rooms)?;
        Ok(rooms)
    })?;
    served.refresh(None);
    Ok(Removed { plan_id: path.id, rooms })
}

/// The epics of a list as texts.
pub(super) fn names(epics: &[EpicId]) -> Vec<String> {
    epics.iter().map(ToString::to_string).collect()
}
