//! `run`: from a plan's file, or its id, to a plan that is driven.

use std::path::Path;

use ostwin_core::board;
use ostwin_core::board::PlanState;
use ostwin_core::config::{self, Layer, PlanReview, REHEARSAL, Settings};
use ostwin_core::plan::LineIndex;
use ostwin_core::plans::{self, StoredPlan};
use ostwin_core::project::Project;
use ostwin_engine::{Mode, Scope, SubmitError, Submitted};
use ostwin_service::{Exit, Explain, Failure};

use super::plan_text::{PlanText, options_of};
use super::{detach, drive, preview, review, revision};
use crate::args::RunArgs;
use crate::context::{Context, PlanRef, configured, source_path, stored_plan};
use crate::out::remark;
use crate::view::figures::plural;

pub(crate) fn run(context: &Context, args: &RunArgs) -> anyhow::Result<Exit> {
    if args.detached {
        detach::leave_terminal();
    }
    let wanted = Wanted::read(context, args)?;
    let Wanted { project, settings, text, .. } = &wanted;
    if text.parsed.has_errors() {
        return text.refuse();
    }
    refuse_without_epics(&wanted, args.new)?;
    let reviewed = preview::is_review_due(&wanted, args.new)?;
    let preview = preview::of(project, settings, &text.parsed.plan, reviewed)?;
    if args.dry_run {
        return preview::show(context, &wanted, &preview);
    }
    preview.refuse_if_unready()?;
    tell_warnings(text);
    let Some(plan) = submit(context, &wanted, args)? else {
        return finished(context, &wanted);
    };
    if args.detach {
        return detach::detach(context, args, project, &plan);
    }
    let wait = match (args.wait, args.no_wait) {
        (true, _) => true,
        (_, true) => false,
        _ => context.out.terminal && !context.out.json,
    };
    let text = match review::before_run(context, project, &plan, settings, wait)? {
        Ok(text) => text,
        Err(exit) => return Ok(exit),
    };
    let mut settings = settings.clone();
    if text.sha256 != plans::sha256(&wanted.text.bytes) {
        // The review may have changed what the plan sets and whom it names.
        let (text, approved) =
            review::settings_of(context, project, &plan, &settings, &text, flags(args)?)?;
        preview::of(project, &approved, &text.parsed.plan, false)?.refuse_if_unready()?;
        settings = approved;
    }
    drive::drive(context, project, &plan, settings, wait, Scope::Plan)
}

/// A plan that has only a goal needs somebody who writes its epics.
fn refuse_without_epics(wanted: &Wanted, new: bool) -> anyhow::Result<()> {
    let reviewed = wanted.settings.config.plan_review != PlanReview::Off;
    if reviewed
        || !wanted.text.parsed.plan.epics.is_empty()
        || preview::has_approved_epics(wanted, new)?
    {
        return Ok(());
    }
    let text = format!("`{}` has a goal and no epic, and `plan_review` is `off`", wanted.text.name);
    Err(Failure::new(Exit::Usage, text)
        .hint("`--review auto` has the epics written; `--review human` also asks you about them")
        .into())
}

/// What is to be run.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) project: Project,
    /// The settings, with those of the plan and of flags.
    pub(super) settings: Settings,
    pub(super) text: PlanText,
    /// The plan, if it was named by its id.
    pub(super) stored: Option<StoredPlan>,
}

impl Wanted {
    fn read(context: &Context, args: &RunArgs) -> anyhow::Result<Self> {
        Self::read_with(context, &args.plan, vec![flags(args)?], args.new)
    }

    /// Reads the plan that is `named`, with the settings of these flags on top of its own.
    pub(super) fn read_with(
        context: &Context,
        named: &str,
        mut further: Vec<Layer>,
        new: bool,
    ) -> anyhow::Result<Self> {
        let (project, settings) = context.project()?;
        let options = options_of(project.layout(), &settings);
        let (stored, text) = match PlanRef::of(named) {
            PlanRef::File(path) => {
                let bytes = super::plan::read(&path)?;
                (None, PlanText::of(path.display().to_string(), bytes, &options))
            }
            PlanRef::Id(_) => {
                let stored = stored_plan(&project, Some(named))?;
                let name = stored.paths.plan().display().to_string();
                let text = PlanText::of(name, stored.text()?, &options);
                (Some(stored), text)
            }
        };
        if !text.parsed.has_errors() {
            // A new plan starts with nothing but its text.
            let known = match &stored {
                _ if new => None,
                Some(stored) => Some(stored.clone()),
                None => plans::find_by_source(&project, &source_path(Path::new(&text.name))?)?,
            };
            further.extend(plan_layers(&text, known.as_ref())?);
        }
        let settings = context.settings(Some(project.layout()), further)?;
        let project = configured(project.layout().clone(), &settings)?;
        Ok(Self { project, settings, text, stored })
    }

    pub(super) fn rehearsed(&self) -> bool {
        self.settings.config.default_agent.as_deref() == Some(REHEARSAL)
    }
}

/// The settings that flags set.
fn flags(args: &RunArgs) -> anyhow::Result<Layer> {
    let mut layer = Layer::default();
    let wrong = |errors: Vec<ostwin_core::config::ConfigError>| {
        let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
        Failure::new(Exit::Usage, lines.join("\n"))
    };
    if let Some(agent) = &args.agent {
        layer = layer.with_flag("--agent", "default_agent", agent.as_str()).map_err(wrong)?;
    }
    if let Some(model) = &args.model {
        layer = layer.with_flag("--model", "default_model", model.as_str()).map_err(wrong)?;
    }
    if let Some(rooms) = args.max_rooms {
        layer = layer.with_flag("--max-rooms", "max_concurrent_rooms", rooms).map_err(wrong)?;
    }
    if let Some(rule) = args.review {
        layer = layer.with_flag("--review", "plan_review", rule.as_str()).map_err(wrong)?;
    }
    Ok(layer)
}

/// The settings of a plan: what its text says, and what stands beside it once it is imported.
pub(super) fn plan_layers(
    text: &PlanText,
    stored: Option<&StoredPlan>,
) -> anyhow::Result<Vec<Layer>> {
    let mut layers = vec![plan_layer(text)?];
    if let Some(stored) = stored {
        layers.extend(config::of_plan(&stored.paths).exit(Exit::Usage)?);
    }
    Ok(layers)
}

/// The settings that the text of a plan sets.
pub(super) fn plan_layer(text: &PlanText) -> anyhow::Result<Layer> {
    let plan = &text.parsed.plan;
    let index = LineIndex::new(&text.text);
    let line = |key: &str| {
        let (_, span) = plan.config_spans.iter().find(|(name, _)| name == key)?;
        Some(index.position(span.start).line)
    };
    let file = Path::new(&text.name);
    match Layer::from_plan(file, &plan.config, &line) {
        // Unknown keys are among the plan's diagnostics.
        Ok((layer, _)) => Ok(layer),
        Err(errors) => {
            let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
            Err(Failure::new(Exit::Usage, lines.join("\n"))
                .hint("`ostwin config list --keys` lists every setting")
                .into())
        }
    }
}

fn tell_warnings(text: &PlanText) {
    let count = text.parsed.diagnostics.len();
    if count > 0 {
        let count = plural(count, "warning");
        remark(&format!("{}: {count}; `ostwin plan check {}` shows them", text.name, text.name));
    }
}

/// The plan in the project, imported if it is new; `None` if it is finished.
fn submit(
    context: &Context,
    wanted: &Wanted,
    args: &RunArgs,
) -> anyhow::Result<Option<StoredPlan>> {
    let Wanted { project, text, stored, .. } = wanted;
    let mode = match (args.resume, args.new) {
        (true, _) => Mode::Resume,
        (_, true) => Mode::New,
        _ => Mode::Auto,
    };
    let submitted = match stored {
        Some(stored) if mode != Mode::New => ostwin_engine::resume(project, stored.clone()),
        _ => {
            let source = match stored {
                Some(stored) => stored.meta.source_path.clone(),
                None => source_path(Path::new(&text.name))?,
            };
            let plan = &text.parsed.plan;
            ostwin_engine::submit(project, &source, &text.bytes, plan, wanted.rehearsed(), mode)
        }
    };
    let told = !context.out.json && !context.out.terminal;
    match submitted {
        Ok(Submitted::New(plan)) => {
            if told {
                remark(&format!("plan `{}`", plan.meta.plan_id));
            }
            Ok(Some(plan))
        }
        Ok(Submitted::Resumed(plan)) => {
            if told {
                remark(&format!("plan `{}` goes on", plan.meta.plan_id));
            }
            Ok(Some(plan))
        }
        Ok(Submitted::Finished(_)) => Ok(None),
        Err(SubmitError::Changed { .. }) if args.resume => {
            Ok(Some(revision::resume(context, wanted, args.begun)?))
        }
        Err(error) => Err(refused(error)),
    }
}

fn refused(error: SubmitError) -> anyhow::Error {
    let exit = match &error {
        SubmitError::NothingToResume { .. } | SubmitError::Changed { .. } => Some(Exit::Usage),
        _ => None,
    };
    let changes = match &error {
        SubmitError::Changed { diff, .. } => revision::words(diff),
        _ => String::new(),
    };
    let is_change = matches!(error, SubmitError::Changed { .. });
    let failed: Result<(), SubmitError> = Err(error);
    let mut failed = match exit {
        Some(exit) => failed.exit(exit),
        None => failed.map_err(anyhow::Error::from),
    };
    if is_change {
        failed = failed
            .hint(format!("what was edited: {changes}"))
            .hint("`--resume` applies the edit, `--new` runs it as a plan of its own")
            .hint("the plan's id instead of the file goes on with the old text");
    }
    failed.err().unwrap_or_else(|| anyhow::anyhow!("the plan was not taken"))
}

/// A plan of which nothing is left to do.
fn finished(context: &Context, wanted: &Wanted) -> anyhow::Result<Exit> {
    let Wanted { project, settings, text, stored } = wanted;
    let plan = match stored {
        Some(plan) => plan.clone(),
        None => stored_plan(project, Some(&text.name))?,
    };
    let board = board::load(project, &plan, &settings.config)?;
    if context.out.json {
        context.out.json_line(&board)?;
    } else {
        context.out.lines(&crate::view::board::board(&board, context.out.look()))?;
        let again = plan.meta.source_path.display();
        remark(&format!(
            "plan `{}` is {} already; `ostwin run {again} --new` runs it again, as a new plan",
            plan.meta.plan_id, board.state
        ));
    }
    Ok(if board.state == PlanState::Finished { Exit::Ok } else { Exit::NotPassed })
}
