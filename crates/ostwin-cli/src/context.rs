//! What every command starts from: the project, its settings, its plans.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use ostwin_core::config::{self, ConfigError, Layer, LoadError, Places, Settings};
use ostwin_core::ids::PlanId;
use ostwin_core::layout::Layout;
use ostwin_core::plans::{self, StoredPlan};
use ostwin_core::project::Project;
use ostwin_core::redact::Secrets;
use ostwin_core::vault::{Keys, Vaults};
use ostwin_core::{control, env};
use ostwin_service::{BaseArgs, Exit, Explain, Failure, redact_log};

use crate::out::Out;

/// The frame of one command.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) base: BaseArgs,
    pub(crate) out: Out,
    /// What opens encrypted vaults, once somebody was asked for it.
    pub(crate) keys: OnceCell<Keys>,
}

impl Context {
    pub(crate) fn new(base: BaseArgs) -> Self {
        let out = Out::new(&base);
        Self { base, out, keys: OnceCell::new() }
    }

    /// The project, with its settings.
    pub(crate) fn project(&self) -> anyhow::Result<(Project, Settings)> {
        let layout = self.base.layout()?;
        let settings = self.settings(Some(&layout), Vec::new())?;
        Ok((configured(layout, &settings)?, settings))
    }

    /// The project, if the command is run in one.
    pub(crate) fn project_if_any(&self) -> anyhow::Result<Option<(Project, Settings)>> {
        match self.base.layout() {
            Ok(_) => self.project().map(Some),
            // A project that was named must be there.
            Err(failure) if self.base.project.is_some() => Err(failure.into()),
            Err(_) => Ok(None),
        }
    }

    /// The settings in force, with those of a plan and of flags.
    pub(crate) fn settings(
        &self,
        layout: Option<&Layout>,
        further: Vec<Layer>,
    ) -> anyhow::Result<Settings> {
        let loaded = config::load(&Places::of_process(layout), further);
        let is_agent = |error: &ConfigError| matches!(error, ConfigError::UnknownAgent { .. });
        let hint = match &loaded {
            Err(LoadError::Settings(errors)) if errors.iter().all(is_agent) => {
                "`ostwin agent list` lists the agents"
            }
            _ => "`ostwin config list --keys` lists every setting",
        };
        let loaded = loaded.exit(Exit::Usage).hint(hint)?;
        for warning in &loaded.warnings {
            tracing::warn!("{warning}");
        }
        Ok(loaded.settings)
    }
}

/// The project with these files and settings. What is logged from now on is redacted like what is
/// recorded in it.
pub(crate) fn configured(layout: Layout, settings: &Settings) -> anyhow::Result<Project> {
    // A vault that cannot be read is refused where its values are needed; here it only means that
    // they cannot be kept out of what is recorded, where they cannot come from either.
    let (vaults, problems) =
        Vaults::readable(&layout, env::config_dir().as_deref(), &Keys::of_this_process());
    for problem in problems.into_iter().filter(|problem| !problem.is_locked()) {
        tracing::warn!("{problem}");
    }
    let secrets = Secrets::of_this_process().and(&vaults.secrets());
    let project = Project::configured(layout, &settings.config, secrets).exit(Exit::Usage)?;
    redact_log(&project.store().redactor);
    Ok(project)
}

/// Who acts, for audits and requests: the name of the user.
pub(crate) fn actor() -> String {
    let name = ["USER", "LOGNAME"].into_iter().find_map(env::var);
    name.filter(|name| !name.trim().is_empty()).unwrap_or_else(|| "human".to_owned())
}

/// The working directory.
pub(crate) fn here() -> anyhow::Result<PathBuf> {
    std::env::current_dir().context("the working directory is gone").exit(Exit::Environment)
}

/// A path as plans remember their source: absolute, links resolved where it exists.
pub(crate) fn source_path(path: &Path) -> anyhow::Result<PathBuf> {
    match fs_err::canonicalize(path) {
        Ok(path) => Ok(path),
        Err(_) => Ok(here()?.join(path)),
    }
}

/// What somebody means by PLAN.
#[derive(Debug)]
pub(crate) enum PlanRef {
    /// A file.
    File(PathBuf),
    /// A plan of the project.
    Id(PlanId),
}

impl PlanRef {
    /// What is there under that name wins: a file, else the id of a plan. What is called like a
    /// Markdown file is meant as one, also if it is missing.
    pub(crate) fn of(text: &str) -> Self {
        let path = Path::new(text);
        let like_a_file = path.extension().is_some_and(|ext| ext.eq_ignore_ascii_case("md"));
        match PlanId::new(text) {
            Ok(id) if !path.exists() && !like_a_file => Self::Id(id),
            _ => Self::File(path.to_owned()),
        }
    }
}

/// The plan that is meant: by id, by the file it came from, or the one that people most likely
/// mean: the one that runs, else the one imported last.
pub(crate) fn stored_plan(project: &Project, named: Option<&str>) -> anyhow::Result<StoredPlan> {
    let advice = "`ostwin plan list` lists the plans";
    match named.map(PlanRef::of) {
        Some(PlanRef::Id(id)) => Ok(plans::open(project, &id).exit(Exit::Usage)?),
        Some(PlanRef::File(path)) => plans::find_by_source(project, &source_path(&path)?)?
            .ok_or_else(|| {
                let text = format!("no plan was imported from `{}`", path.display());
                Failure::new(Exit::Usage, text).hint(advice).into()
            }),
        None => {
            let mut known = plans::survey(project)?.whole().exit(Exit::Environment)?;
            known.sort_by_key(|plan| plan.meta.imported_at);
            let runs = |plan: &&StoredPlan| control::is_driven(&plan.paths).unwrap_or(false);
            let found = known.iter().rfind(runs).or(known.last());
            found.cloned().ok_or_else(|| {
                Failure::new(Exit::Usage, "this project has no plan yet")
                    .hint("run one with `ostwin run PLAN.md`")
                    .into()
            })
        }
    }
}
