//! `run`: from a plan's file, or its id, to a plan that is driven.

use std::path::Path;

use ostwin_core::board;
use ostwin_core::board::PlanState;
use ostwin_core::config::{Layer, REHEARSAL, Settings};
use ostwin_core::plan::LineIndex;
use ostwin_core::plans::StoredPlan;
use ostwin_core::project::Project;
use ostwin_engine::{Mode, SubmitError, Submitted, unsupported};
use ostwin_service::{Exit, Explain, Failure};

use super::plan_text::{PlanText, options_of};
use super::{detach, drive, preview};
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
    let preview = preview::of(project, settings, &text.parsed.plan)?;
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
    drive::drive(context, project, &plan, settings.clone(), wait)
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
        let (project, settings) = context.project()?;
        let options = options_of(project.layout(), &settings);
        let (stored, text) = match PlanRef::of(&args.plan) {
            PlanRef::File(path) => {
                let bytes = super::plan::read(&path)?;
                (None, PlanText::of(path.display().to_string(), bytes, &options))
            }
            PlanRef::Id(_) => {
                let stored = stored_plan(&project, Some(&args.plan))?;
                let name = stored.paths.plan().display().to_string();
                let text = PlanText::of(name, stored.text()?, &options);
                (Some(stored), text)
            }
        };
        let mut further = vec![flags(args)?];
        if !text.parsed.has_errors() {
            further.push(plan_layer(&text)?);
        }
        let settings = context.settings(Some(project.layout()), further)?;
        if let Some(problem) = unsupported::in_settings(&settings.config) {
            let advice = "`ostwin config list` says where each setting comes from";
            return Err(Failure::new(Exit::Usage, problem).hint(advice).into());
        }
        let project = configured(project.layout().clone(), &settings)?;
        Ok(Self { project, settings, text, stored })
    }

    fn rehearsed(&self) -> bool {
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
    Ok(layer)
}

/// The settings that the plan sets.
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
        Err(error) => Err(refused(error)),
    }
}

fn refused(error: SubmitError) -> anyhow::Error {
    let exit = match &error {
        SubmitError::NothingToResume { .. } | SubmitError::Changed { .. } => Some(Exit::Usage),
        _ => None,
    };
    let changes = match &error {
        SubmitError::Changed { diff, .. } => {
            let ids = |ids: &[ostwin_core::ids::EpicId]| {
                ids.iter().map(|id| id.as_str().to_owned()).collect::<Vec<_>>().join(", ")
            };
            let lists =
                [("added", &diff.added), ("removed", &diff.removed), ("changed", &diff.changed)];
            let lists = lists.iter().filter(|(_, list)| !list.is_empty());
            lists.map(|(word, list)| format!("{word}: {}", ids(list))).collect::<Vec<_>>()
        }
        _ => Vec::new(),
    };
    let is_change = matches!(error, SubmitError::Changed { .. });
    let failed: Result<(), SubmitError> = Err(error);
    let mut failed = match exit {
        Some(exit) => failed.exit(exit),
        None => failed.map_err(anyhow::Error::from),
    };
    if is_change {
        let epics =
            if changes.is_empty() { "no epic differs".to_owned() } else { changes.join("; ") };
        failed = failed
            .hint(format!("what was edited: {epics}"))
            .hint("run it as a plan of its own with `--new`, or go on with the old text by its id");
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
