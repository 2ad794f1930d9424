//! The review of a plan: before a run, alone, and what a person says to it.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::Path;

use ostwin_core::config::{Layer, PlanReview, Settings};
use ostwin_core::control::{Acted, Decision, Wish, act_on_room};
use ostwin_core::fs;
use ostwin_core::ids::PlanId;
use ostwin_core::plan;
use ostwin_core::plan_review::{self, Expected, Gate, PlanCheckError, Reviewed, Text};
use ostwin_core::plans::{self, StoredPlan};
use ostwin_core::project::Project;
use ostwin_core::room::{self, Contract, Room};
use ostwin_core::store::Durability;
use ostwin_engine::{Mode, Scope, SubmitError, Submitted};
use ostwin_service::{Exit, Explain, Failure};
use serde_json::json;

use super::plan_text::{PlanText, options_of};
use super::run::{Wanted, plan_layers};
use super::{drive, preview, revision};
use crate::args::ReviewRule;
use crate::context::{Context, actor, configured, here, source_path, stored_plan};
use crate::out::remark;
use crate::view::text;

/// So many reviews of one run are enough: a plan that changes faster than it is read never starts.
const MAX_ROUNDS: usize = 3;

/// What flags say about the sessions of a review.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Session<'a> {
    pub(super) agent: Option<&'a str>,
    pub(super) model: Option<&'a str>,
}

impl Session<'_> {
    fn layer(self, rule: Option<ReviewRule>) -> anyhow::Result<Layer> {
        let flags = [
            ("--agent", "default_agent", self.agent),
            ("--model", "default_model", self.model),
            ("--review", "plan_review", rule.map(ReviewRule::as_str)),
        ];
        let mut layer = Layer::default();
        for (flag, key, value) in flags {
            let Some(value) = value else { continue };
            layer = layer.with_flag(flag, key, value).map_err(|errors| {
                let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
                Failure::new(Exit::Usage, lines.join("\n"))
            })?;
        }
        Ok(layer)
    }
}

/// Has the plan reviewed where its rule wants that. Gives the text that it may run by, or the exit
/// code if it may not run.
pub(super) fn before_run(
    context: &Context,
    project: &Project,
    plan: &StoredPlan,
    settings: &Settings,
    wait: bool,
) -> anyhow::Result<Result<Text, Exit>> {
    let rule = settings.config.plan_review;
    let asks = rule == PlanReview::Human && can_ask(context);
    let mut rounds = 0;
    loop {
        let closed = match plan_review::gate(project, plan, rule).exit(Exit::Usage)? {
            Gate::Open(text) => return Ok(Ok(text)),
            Gate::Closed(closed) => closed,
        };
        if asks && closed.awaits_approval() {
            match ask(context, project, plan)? {
                Some(true) => continue,
                Some(false) => return Ok(Err(Exit::NotPassed)),
                None => {
                    how_to_decide(&plan.meta.plan_id);
                    return Ok(Err(Exit::NeedsPerson));
                }
            }
        }
        rounds += 1;
        if rounds > MAX_ROUNDS {
            return Err(closed).exit(Exit::NotPassed);
        }
        let scope = Scope::Review { again: false };
        match drive::drive(context, project, plan, settings.clone(), wait && !asks, scope)? {
            Exit::Ok => {}
            Exit::NeedsPerson if asks => {}
            exit => return Ok(Err(exit)),
        }
    }
}

/// `plan review`: reviews a plan that has not begun, whatever was said about it before.
pub(super) fn alone(
    context: &Context,
    named: &str,
    rule: Option<ReviewRule>,
    session: Session<'_>,
) -> anyhow::Result<Exit> {
    let wanted = Wanted::read_with(context, named, vec![session.layer(rule)?], false)?;
    let Wanted { project, settings, text, stored } = &wanted;
    if text.parsed.has_errors() {
        return text.refuse();
    }
    preview::refuse_without_reviewer(project, settings)?;
    let plan = match stored {
        Some(stored) => stored.clone(),
        None => imported(&wanted)?,
    };
    let id = &plan.meta.plan_id;
    if let Some(dag) = plan.dag()?
        && dag.plan_sha256 == plan_review::running_text(project, &plan)?.sha256
    {
        let text = format!("plan `{id}` has begun, and what runs is not reviewed any more");
        return Err(Failure::new(Exit::Usage, text)
            .hint("edit its file; `ostwin run FILE --resume` has the edit reviewed and applies it")
            .into());
    }
    let asks = settings.config.plan_review == PlanReview::Human && can_ask(context);
    let scope = Scope::Review { again: true };
    let exit = drive::drive(context, project, &plan, settings.clone(), false, scope)?;
    if exit == Exit::NeedsPerson && asks {
        return Ok(match ask(context, project, &plan)? {
            Some(true) => Exit::Ok,
            Some(false) => Exit::NotPassed,
            None => {
                how_to_decide(id);
                Exit::NeedsPerson
            }
        });
    }
    Ok(exit)
}

/// The plan of a file: imported if it is new, with the file's text if that was edited since.
fn imported(wanted: &Wanted) -> anyhow::Result<StoredPlan> {
    let Wanted { project, text, .. } = wanted;
    let source = source_path(Path::new(&text.name))?;
    let parsed = &text.parsed.plan;
    let submitted = ostwin_engine::submit(
        project,
        &source,
        &text.bytes,
        parsed,
        wanted.rehearsed(),
        Mode::Auto,
    );
    match submitted {
        Ok(Submitted::New(plan) | Submitted::Resumed(plan) | Submitted::Finished(plan)) => Ok(plan),
        Err(SubmitError::Changed { plan, .. }) => {
            let known = plans::open(project, &plan)?;
            if known.dag()?.is_some() {
                let text = format!("plan `{plan}` has begun, and `{}` was edited since", text.name);
                return Err(Failure::new(Exit::Usage, text)
                    .hint(format!("`ostwin run {} --resume` applies the edit", wanted.text.name))
                    .into());
            }
            revision::take(project, &known, text, std::collections::BTreeMap::new())
        }
        Err(error) => Err(error).exit(Exit::Usage),
    }
}

/// `plan create`: a plan with nothing but a goal is reviewed, and what the review makes of it is
/// written to a file.
pub(super) fn create(
    context: &Context,
    goal: &str,
    out: &Path,
    session: Session<'_>,
) -> anyhow::Result<Exit> {
    let out = here()?.join(out);
    if out.exists() {
        let text = format!("`{}` is there already, and is not overwritten", out.display());
        return Err(Failure::new(Exit::Usage, text).hint("name another file with --out").into());
    }
    let folder = out.parent().map(Path::to_owned).unwrap_or_default();
    if !folder.is_dir() {
        let text = format!("the folder `{}` does not exist", folder.display());
        return Err(Failure::new(Exit::Usage, text).hint("make it first").into());
    }
    if goal.trim().is_empty() {
        let text = "the goal is empty: say in a sentence what is to be reached";
        return Err(Failure::new(Exit::Usage, text).into());
    }
    let layout = context.base.layout()?;
    let layer = session.layer(Some(ReviewRule::Auto))?;
    let settings = context.settings(Some(&layout), vec![layer])?;
    let project = configured(layout, &settings)?;
    let (title, draft) = plan::draft(goal);
    let rehearsed =
        settings.config.default_agent.as_deref() == Some(ostwin_core::config::REHEARSAL);
    preview::refuse_without_reviewer(&project, &settings)?;
    let source = project.layout().plans().join("draft");
    let plan = plans::import(&project, &source, draft.as_bytes(), &title, rehearsed)?;
    let scope = Scope::Review { again: false };
    let text = match drive::drive(context, &project, &plan, settings.clone(), false, scope) {
        Ok(Exit::Ok) => {
            ostwin_engine::gated_text(&project, &plan, &settings).map_err(drive::explained)?
        }
        ended => {
            forget_draft(&project, &plan)?;
            return ended;
        }
    };
    fs::create_file(&out, &text.bytes, false, Durability::Sync).exit(Exit::Environment)?;
    if context.out.json {
        context.out.json_line(&json!({
            "plan_id": plan.meta.plan_id, "file": out, "sha256": text.sha256,
        }))?;
    } else {
        context.out.text(&format!("{}: written\n", out.display()))?;
        remark(&format!("read it, change it, then `ostwin run {}`", out.display()));
    }
    Ok(Exit::Ok)
}

/// Removes a draft that nobody worked on. What a session said about one is kept for the person.
pub(super) fn forget_draft(project: &Project, plan: &StoredPlan) -> anyhow::Result<()> {
    let id = &plan.meta.plan_id;
    let mut rooms = Vec::new();
    for (room, _) in room::of_plan(project, id)? {
        if room.last_attempt()?.is_some() {
            remark(&format!(
                "what was said is kept: `ostwin logs {}` shows it, `ostwin plan rm {id} \
                 --with-rooms` removes it",
                room.id()
            ));
            return Ok(());
        }
        rooms.push(room.id().clone());
    }
    Ok(plans::remove(project, plan, &rooms)?)
}

/// `plan approve`: a person approves what the review says, by its text.
pub(super) fn approve(
    context: &Context,
    named: &str,
    wanted: Option<&str>,
) -> anyhow::Result<Exit> {
    let (project, _) = context.project()?;
    let plan = stored_plan(&project, Some(named))?;
    let proposal = proposal(&project, &plan)?;
    let texts = Expected::of(&proposal.reviewed);
    if let Some(wanted) = wanted.filter(|wanted| *wanted != texts.text_sha256) {
        let text = format!(
            "the text that would run has the SHA-256 `{}`, and `{wanted}` was to be approved",
            texts.text_sha256
        );
        return Err(Failure::new(Exit::Usage, text)
            .hint(format!("`ostwin plan diff {}` shows it", plan.meta.plan_id))
            .into());
    }
    decide(&proposal.room, &texts)?;
    if context.out.json {
        context.out.json(&json!({
            "plan_id": plan.meta.plan_id,
            "approved": true,
            "plan_sha256": texts.plan_sha256,
            "text_sha256": texts.text_sha256,
        }))?;
    } else {
        let id = &plan.meta.plan_id;
        remark(&format!("plan `{id}` is approved; `ostwin run {id}` runs it"));
    }
    Ok(Exit::Ok)
}

/// `plan reject`: a person does not let the plan run.
pub(super) fn reject(context: &Context, named: &str, reason: &str) -> anyhow::Result<Exit> {
    let (project, _) = context.project()?;
    let plan = stored_plan(&project, Some(named))?;
    let (room, _) = review_room(&project, &plan)?;
    refuse(&room, reason)?;
    let id = &plan.meta.plan_id;
    if context.out.json {
        context.out.json(&json!({ "plan_id": id, "approved": false }))?;
    } else {
        remark(&format!("plan `{id}` is rejected; `ostwin plan review {id}` reviews it once more"));
    }
    Ok(Exit::Ok)
}

/// What a review says that waits for an approval.
pub(super) struct Proposal {
    pub(super) room: Room,
    pub(super) reviewed: Reviewed,
}

/// What the review of `plan` says that waits for an approval.
pub(super) fn proposal(project: &Project, plan: &StoredPlan) -> anyhow::Result<Proposal> {
    let (room, contract) = review_room(project, plan)?;
    let id = &plan.meta.plan_id;
    match plan_review::under_approval(&room, &contract) {
        Ok(Some(reviewed)) => Ok(Proposal { room, reviewed }),
        Ok(None) => {
            let state = room.standing()?.state;
            let text = format!(
                "the review of plan `{id}` is in state `{state}` and waits for no approval"
            );
            Err(Failure::new(Exit::Usage, text)
                .hint(format!("`ostwin status {id}` shows how it stands"))
                .into())
        }
        Err(error @ PlanCheckError::Verdict(_)) => {
            let text = format!("the review of plan `{id}` does not hold any more: {error}");
            Err(Failure::new(Exit::Usage, text)
                .hint(format!("`ostwin plan review {id}` reviews the plan as it is now"))
                .into())
        }
        Err(PlanCheckError::Room(error)) => Err(error.into()),
    }
}

fn review_room(project: &Project, plan: &StoredPlan) -> anyhow::Result<(Room, Contract)> {
    let id = &plan.meta.plan_id;
    plan_review::room_of(project, id)?.ok_or_else(|| {
        Failure::new(Exit::Usage, format!("plan `{id}` has not been reviewed"))
            .hint(format!("`ostwin plan review {id}` does that"))
            .into()
    })
}

fn decide(room: &Room, texts: &Expected) -> anyhow::Result<()> {
    let decision = Decision::ApprovePlan {
        plan_sha256: texts.plan_sha256.clone(),
        text_sha256: texts.text_sha256.clone(),
    };
    act(room, decision, "the plan may run")
}

fn refuse(room: &Room, reason: &str) -> anyhow::Result<()> {
    act(room, Decision::RejectPlan, reason)
}

fn act(room: &Room, decision: Decision, reason: &str) -> anyhow::Result<()> {
    let wish =
        Wish { decision, reason: reason.to_owned(), actor: actor(), program: "cli".to_owned() };
    let acted: Acted = act_on_room(room, &wish).exit(Exit::Usage)?;
    tracing::debug!(?acted, "decided about the plan");
    Ok(())
}

fn can_ask(context: &Context) -> bool {
    context.out.terminal && !context.out.json && std::io::stdin().is_terminal()
}

/// Shows what the review says and asks the person at the terminal. `None`: neither yes nor no.
fn ask(context: &Context, project: &Project, plan: &StoredPlan) -> anyhow::Result<Option<bool>> {
    let proposal = proposal(project, plan)?;
    context.out.text(&revision::proposed(plan, &proposal.reviewed)?)?;
    let texts = Expected::of(&proposal.reviewed);
    let answer = answered("Run the plan like this? [y]es, [n]o, or enter to decide later: ")?;
    match answer.as_str() {
        "y" | "yes" => {
            decide(&proposal.room, &texts)?;
            Ok(Some(true))
        }
        "n" | "no" => {
            refuse(&proposal.room, "not like this")?;
            Ok(Some(false))
        }
        _ => Ok(None),
    }
}

/// One line that the person at the terminal types, in lower case.
pub(super) fn answered(question: &str) -> anyhow::Result<String> {
    let mut terminal = std::io::stderr().lock();
    terminal.write_all(question.as_bytes())?;
    terminal.flush()?;
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    Ok(text::one_line(&line).trim().to_lowercase())
}

/// Tells how a review that waits is answered.
pub(super) fn how_to_decide(plan: &PlanId) {
    remark(&format!(
        "the plan waits for an approval: `ostwin plan diff {plan}` shows what the review changes, \
         `ostwin plan approve {plan}` lets it run, `ostwin plan reject {plan}` does not"
    ));
}

/// The settings of a plan that runs by a text other than the one that they were read with.
pub(super) fn settings_of(
    context: &Context,
    project: &Project,
    plan: &StoredPlan,
    settings: &Settings,
    text: &Text,
    flags: Layer,
) -> anyhow::Result<(PlanText, Settings)> {
    let file = if text.refined { plan.paths.refined() } else { plan.paths.plan() };
    let options = options_of(project.layout(), settings);
    let text = PlanText::of(file.display().to_string(), text.bytes.clone(), &options);
    if text.parsed.has_errors() {
        text.refuse()?;
    }
    let mut further = vec![flags];
    further.extend(plan_layers(&text, Some(plan))?);
    let settings = context.settings(Some(project.layout()), further)?;
    Ok((text, settings))
}
