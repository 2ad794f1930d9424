//! Edits of a plan: what they change, and taking them into the project.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use ostwin_core::control;
use ostwin_core::ids::EpicId;
use ostwin_core::lock::{self, LockError};
use ostwin_core::plan::{self, ParseOptions, PlanDiff};
use ostwin_core::plan_review::{self, Judgement, Reviewed};
use ostwin_core::plans::{self, Begun, StoredPlan};
use ostwin_core::project::Project;
use ostwin_core::room;
use ostwin_engine::{EngineError, Revision, Touched};
use ostwin_service::{Exit, Explain, Failure};
use serde_json::json;
use similar::TextDiff;

use super::drive::explained;
use super::plan_text::PlanText;
use super::review;
use super::run::Wanted;
use crate::args::BegunAnswer;
use crate::context::{Context, PlanRef, source_path, stored_plan};
use crate::out::remark;
use crate::view::figures::plural;
use crate::view::text;

/// Takes the edited file as a revision of its plan. What has begun is asked about first.
pub(super) fn resume(
    context: &Context,
    wanted: &Wanted,
    answer: Option<BegunAnswer>,
) -> anyhow::Result<StoredPlan> {
    let Wanted { project, text, .. } = wanted;
    let known = known(project, Path::new(&text.name))?;
    let revision =
        ostwin_engine::revision(project, &known, &text.parsed.plan).map_err(explained)?;
    if !context.out.json {
        remark(&format!("`{}` was edited: {}", text.name, words(&revision.diff)));
    }
    let Revision { touched, settled: mut answers, .. } = revision;
    if !touched.is_empty() {
        let answer = match answer {
            Some(BegunAnswer::Keep) => Begun::Keep,
            Some(BegunAnswer::Redo) => Begun::Redo,
            None => ask(context, text, &touched)?,
        };
        answers.extend(touched.into_iter().map(|touched| (touched.epic, answer)));
    }
    take(project, &known, text, answers)
}

fn ask(context: &Context, text: &PlanText, touched: &[Touched]) -> anyhow::Result<Begun> {
    let lines: Vec<String> = touched.iter().map(line).collect();
    let open = || {
        let problem = format!("the edit changes epics that have begun:\n{}", lines.join("\n"));
        let name = &text.name;
        Failure::new(Exit::NeedsPerson, problem)
            .hint(format!(
                "`ostwin run {name} --resume --begun redo` starts them over by the new text"
            ))
            .hint(format!("`ostwin run {name} --resume --begun keep` leaves them as they are"))
    };
    if !context.out.terminal || context.out.json {
        return Err(open().into());
    }
    remark(&format!("the edit changes epics that have begun:\n{}", lines.join("\n")));
    match review::answered("[r]edo them by the new text, [k]eep them, or enter to stop: ")?.as_str()
    {
        "r" | "redo" => Ok(Begun::Redo),
        "k" | "keep" => Ok(Begun::Keep),
        _ => Err(open().into()),
    }
}

fn line(touched: &Touched) -> String {
    let Touched { epic, room, state, removed } = touched;
    let what = if *removed { "removed: it will be cancelled" } else { "changed" };
    format!("  {epic} (`{room}`, {state}): {what}")
}

/// Replaces the text of a plan that nobody drives.
pub(super) fn take(
    project: &Project,
    known: &StoredPlan,
    text: &PlanText,
    answers: BTreeMap<EpicId, Begun>,
) -> anyhow::Result<StoredPlan> {
    let title = text.parsed.plan.title.as_deref().unwrap_or("plan");
    let revised = lock::exclusive(&known.paths.engine_lock(), Duration::ZERO, || {
        plans::revise(project, known, &text.bytes, title, answers)
    });
    match revised {
        Ok(revised) => Ok(revised?),
        Err(LockError::Busy { .. }) => Err(driven(known)),
        Err(error) => Err(error).exit(Exit::Environment),
    }
}

fn driven(plan: &StoredPlan) -> anyhow::Error {
    explained(EngineError::Owned {
        plan: plan.meta.plan_id.clone(),
        engine: control::engine_record(&plan.paths).ok().flatten().map(Box::new),
    })
}

fn known(project: &Project, file: &Path) -> anyhow::Result<StoredPlan> {
    plans::find_by_source(project, &source_path(file)?)?.ok_or_else(|| {
        let text = format!("no plan was imported from `{}`", file.display());
        Failure::new(Exit::Usage, text).hint("`ostwin run` imports it").into()
    })
}

/// `plan diff`.
pub(super) fn diff(context: &Context, named: &str) -> anyhow::Result<Exit> {
    let (project, _) = context.project()?;
    let (id, old, new) = match PlanRef::of(named) {
        PlanRef::File(path) => {
            let known = known(&project, &path)?;
            let running = plan_review::running_text(&project, &known)?.bytes;
            (known.meta.plan_id, running, super::plan::read(&path)?)
        }
        PlanRef::Id(_) => {
            let plan = stored_plan(&project, Some(named))?;
            let old = plan.text()?;
            let new = proposed_text(&project, &plan, &old)?;
            (plan.meta.plan_id, old, new)
        }
    };
    let parse = |bytes: &[u8]| plan::parse_bytes(bytes, &ParseOptions::default()).plan;
    let found = plan::diff(&parse(&old), &parse(&new));
    let same = old == new;
    if context.out.json {
        context.out.json(&json!({
            "plan_id": id,
            "same": same,
            "added": found.added,
            "removed": found.removed,
            "changed": found.changed,
            "old_sha256": plans::sha256(&old),
            "new_sha256": plans::sha256(&new),
        }))?;
    } else if same {
        remark("no difference");
    } else {
        context.out.text(&format!("{}\n{}", words(&found), lines(&old, &new)))?;
    }
    Ok(if same { Exit::Ok } else { Exit::NotPassed })
}

/// What the review of a plan wants it to be, or what it has made of it.
fn proposed_text(project: &Project, plan: &StoredPlan, own: &[u8]) -> anyhow::Result<Vec<u8>> {
    let approved = plan_review::gate(project, plan, ostwin_core::config::PlanReview::Human);
    if let plan_review::Gate::Open(text) = approved.exit(Exit::Usage)? {
        return Ok(text.bytes);
    }
    let proposal = review::proposal(project, plan)?;
    Ok(proposal.reviewed.revision.unwrap_or_else(|| own.to_owned()))
}

/// What a review wants, for the person who decides.
pub(super) fn proposed(plan: &StoredPlan, reviewed: &Reviewed) -> anyhow::Result<String> {
    let own = plan.text()?;
    let summary = text::block(reviewed.verdict.summary.trim());
    let said = if summary.is_empty() { String::new() } else { format!("{summary}\n\n") };
    Ok(match (reviewed.verdict.verdict, &reviewed.revision) {
        (Judgement::Revise, Some(revision)) => {
            format!("The review wants the plan changed.\n\n{said}{}", lines(&own, revision))
        }
        _ => format!("The review approves the plan as it is.\n\n{said}"),
    })
}

/// The lines that differ, for people.
fn lines(old: &[u8], new: &[u8]) -> String {
    let (old, new) = (String::from_utf8_lossy(old), String::from_utf8_lossy(new));
    let diff = TextDiff::from_lines(old.as_ref(), new.as_ref());
    text::block(&diff.unified_diff().header("now", "then").to_string())
}

/// `added: EPIC-003; changed: EPIC-001`
pub(super) fn words(diff: &PlanDiff) -> String {
    let lists = [("added", &diff.added), ("removed", &diff.removed), ("changed", &diff.changed)];
    let named = lists.iter().filter(|(_, ids)| !ids.is_empty()).map(|(word, ids)| {
        let ids: Vec<&str> = ids.iter().map(EpicId::as_str).collect();
        format!("{word}: {}", ids.join(", "))
    });
    let named: Vec<String> = named.collect();
    if named.is_empty() { "no epic differs".to_owned() } else { named.join("; ") }
}

/// `plan rm`.
pub(super) fn remove(context: &Context, named: &str, with_rooms: bool) -> anyhow::Result<Exit> {
    let (project, _) = context.project()?;
    let plan = stored_plan(&project, Some(named))?;
    let id = plan.meta.plan_id.clone();
    let removed = lock::exclusive(&plan.paths.engine_lock(), Duration::ZERO, || {
        let rooms = room::of_plan(&project, &id)?;
        if !rooms.is_empty() && !with_rooms {
            let names: Vec<&str> = rooms.iter().map(|(room, _)| room.id().as_str()).collect();
            let text = format!("plan `{id}` has rooms: {}", names.join(", "));
            return Err(anyhow::Error::from(Failure::new(Exit::Usage, text).hint(
                "`--with-rooms` removes them too, with all messages, transcripts and artifacts",
            )));
        }
        let rooms: Vec<_> = rooms.into_iter().map(|(room, _)| room.id().clone()).collect();
        plans::remove(&project, &plan, &rooms)?;
        Ok(rooms)
    });
    let rooms = match removed {
        Ok(rooms) => rooms?,
        Err(LockError::Busy { .. }) => return Err(driven(&plan)),
        Err(error) => return Err(error).exit(Exit::Environment),
    };
    if context.out.json {
        context.out.json(&json!({ "plan_id": id, "removed_rooms": rooms }))?;
    } else {
        remark(&format!("plan `{id}` is removed, with {}", plural(rooms.len(), "room")));
    }
    Ok(Exit::Ok)
}
