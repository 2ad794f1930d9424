//! `skills`: list, search, install, update, remove.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use ostwin_core::config::Settings;
use ostwin_core::env;
use ostwin_core::ids::{RoleName, RoleRef, SkillName};
use ostwin_core::project::Project;
use ostwin_core::store::Store;
use ostwin_service::{Exit, Explain, Failure};
use ostwin_skills::install::{
    DownloadError, GitError, InstallError, Installed, Installer, Registry, Report, Request, Shelf,
    State, installed,
};
use ostwin_skills::offers;
use ostwin_skills::tiers::{Catalog, Places, Tier};
use serde_json::json;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use crate::args::{
    SearchSource, SkillsCommand, SkillsInstallArgs, SkillsSearchArgs, SkillsUpdateArgs,
};
use crate::context::{Context, here};
use crate::out::remark;
use crate::view::{skills as view, table, text};

pub(crate) fn run(context: &Context, command: &SkillsCommand) -> anyhow::Result<Exit> {
    let bench = Bench::new(context)?;
    match command {
        SkillsCommand::List { role, user, installed } => {
            bench.list(context, role.as_ref(), *user, *installed)
        }
        SkillsCommand::Search(args) => bench.search(context, args),
        SkillsCommand::Install(args) => bench.install(context, args),
        SkillsCommand::Update(args) => bench.update(context, args),
        SkillsCommand::Remove { name, role, user, force } => {
            bench.remove(context, name, role.clone(), *user, *force)
        }
    }
}

/// What every one of these commands works with: the project, if there is one, and the user's own.
struct Bench {
    project: Option<(Project, Settings)>,
    settings: Settings,
    home: Option<PathBuf>,
    store: Store,
    human: RoleRef,
    /// Set by Ctrl-C.
    interrupted: Arc<AtomicBool>,
}

impl Bench {
    fn new(context: &Context) -> anyhow::Result<Self> {
        let project = context.project_if_any()?;
        let settings = match &project {
            Some((_, settings)) => settings.clone(),
            None => context.settings(None, Vec::new())?,
        };
        let store = match &project {
            Some((project, _)) => project.store().clone(),
            None => Store::new(
                settings.config.durability,
                Duration::from_millis(settings.config.lock_timeout_ms),
            ),
        };
        Ok(Self {
            project,
            settings,
            home: env::home(),
            store,
            human: RoleRef::new("human")?,
            interrupted: Arc::default(),
        })
    }

    fn shelf(
        &self,
        context: &Context,
        role: Option<RoleName>,
        user: bool,
    ) -> anyhow::Result<Shelf> {
        if user {
            let home = self.home.clone().ok_or_else(|| {
                Failure::new(Exit::Environment, "there is no home directory for your own skills")
            })?;
            return Ok(Shelf::of_user(home));
        }
        match &self.project {
            Some((project, _)) => Ok(Shelf::of_project(project.layout().clone(), role)),
            None => {
                let missing = context.base.layout().map(|_| ());
                missing.hint("`--user` is for your own skills, outside of projects")?;
                Err(Failure::new(Exit::Usage, "there is no project here").into())
            }
        }
    }

    fn places(&self, role: Option<&RoleName>) -> Places {
        let layout = self.project.as_ref().map(|(project, _)| project.layout());
        match (layout, role) {
            (Some(layout), Some(role)) => {
                Places::of_session(layout, None, role, self.home.as_deref())
            }
            (layout, _) => Places::everywhere(layout, self.home.as_deref()),
        }
    }

    fn registry(&self) -> anyhow::Result<Option<Registry>> {
        let base = match &self.project {
            Some((project, _)) => project.layout().root().to_owned(),
            None => here()?,
        };
        let set = self.settings.config.skills.registry_url.as_deref();
        set.map(|text| Registry::parse(text, &base))
            .transpose()
            .exit(Exit::Usage)
            .hint("`ostwin config get skills.registry_url` says where that is set")
    }

    /// Runs something that fetches, until it is done or somebody presses Ctrl-C: what was fetched
    /// is cleaned up then. A second time ends it at once.
    fn with_installer<R>(&self, work: impl FnOnce(&Installer<'_>) -> R) -> anyhow::Result<R> {
        for signal in [SIGINT, SIGTERM] {
            flag::register_conditional_default(signal, Arc::clone(&self.interrupted))
                .and_then(|_| flag::register(signal, Arc::clone(&self.interrupted)))
                .context("cannot wait for Ctrl-C")?;
        }
        let (registry, base) = (self.registry()?, here()?);
        let pause = |time: Duration| {
            std::thread::sleep(time);
            !self.interrupted.load(Ordering::Relaxed)
        };
        Ok(work(&Installer {
            store: &self.store,
            registry: registry.as_ref(),
            base: &base,
            by: &self.human,
            pause: &pause,
        }))
    }

    /// What was installed into the project and by the user.
    fn installed(&self) -> anyhow::Result<Vec<Installed>> {
        let project = self.project.as_ref();
        let project = project.map(|(project, _)| Shelf::of_project(project.layout().clone(), None));
        let user = self.home.clone().map(Shelf::of_user);
        let mut all = Vec::new();
        for shelf in project.into_iter().chain(user) {
            all.extend(installed(&shelf).map_err(failure)?);
        }
        Ok(all)
    }

    fn list(
        &self,
        context: &Context,
        role: Option<&RoleName>,
        user: bool,
        only_installed: bool,
    ) -> anyhow::Result<Exit> {
        let catalog = Catalog::discover(&self.places(role));
        let recorded = self.installed()?;
        let is_wanted = |tier: Tier| !user || tier == Tier::User;
        let skills = catalog.skills.iter().filter(|entry| is_wanted(entry.tier)).map(|entry| {
            let path = entry.place.path();
            (entry, recorded.iter().find(|known| known.path == path))
        });
        let skills: Vec<_> =
            skills.filter(|(_, record)| !only_installed || record.is_some()).collect();
        let broken: Vec<_> =
            catalog.broken.iter().filter(|broken| is_wanted(broken.tier)).collect();
        let missing: Vec<_> = recorded
            .iter()
            .filter(|known| known.state == State::Missing)
            .filter(|known| {
                role.is_none() || known.entry.role.as_ref().is_none_or(|r| Some(r) == role)
            })
            .collect();
        if context.out.json {
            let listed: Vec<_> = skills
                .iter()
                .map(|(entry, record)| view::entry_json(entry, record.as_deref()))
                .collect();
            context.out.json(&json!({"skills": listed, "broken": broken, "missing": missing}))?;
            return Ok(Exit::Ok);
        }
        if skills.is_empty() {
            remark("no skills; `ostwin skills install SOURCE` installs one");
        } else {
            let rows: Vec<Vec<String>> =
                skills.iter().map(|(entry, record)| view::row(entry, record.as_deref())).collect();
            let head = ["skill", "version", "tier", "from", "what it is for"];
            context.out.text(&table::table(&head, &rows, context.out.width()))?;
        }
        for broken in broken {
            remark(&format!("broken: {}", text::one_line(&broken.problem)));
        }
        for known in missing {
            let (name, path) = (&known.entry.name, known.path.display());
            remark(&format!("missing: `{name}` was installed and `{path}` is gone"));
        }
        Ok(Exit::Ok)
    }

    fn search(&self, context: &Context, args: &SkillsSearchArgs) -> anyhow::Result<Exit> {
        let catalog = match args.source {
            SearchSource::Registry => Catalog::default(),
            SearchSource::Local | SearchSource::All => {
                Catalog::discover(&self.places(args.role.as_ref()))
            }
        };
        let index = match args.source {
            SearchSource::Local => Vec::new(),
            SearchSource::Registry | SearchSource::All => {
                let registry = self.registry()?.ok_or_else(|| {
                    Failure::new(Exit::Usage, "no index of skills is set")
                        .hint("`ostwin config set skills.registry_url URL` names one")
                })?;
                self.with_installer(|installer| registry.read(installer.pause))?
                    .map_err(failure)?
                    .skills
            }
        };
        let local = catalog.in_force().map(|entry| (entry, &entry.skill)).filter(|(_, skill)| {
            skill.enabled && args.role.as_ref().is_none_or(|role| skill.is_for(role))
        });
        let local = local.map(|(entry, _)| entry);
        let found = offers::find(&args.query.join(" "), &args.tags, local, &index);
        let shown = &found[..found.len().min(args.limit)];
        if context.out.json {
            let skills: Vec<_> = shown.iter().map(view::offer_json).collect();
            context.out.json(&json!({"skills": skills, "more": found.len() - shown.len()}))?;
            return Ok(Exit::Ok);
        }
        if shown.is_empty() {
            remark("nothing found");
            return Ok(Exit::Ok);
        }
        let rows: Vec<Vec<String>> = shown.iter().map(view::offer_row).collect();
        let head = ["skill", "version", "where", "what it is for"];
        context.out.text(&table::table(&head, &rows, context.out.width()))?;
        if found.len() > shown.len() {
            remark(&format!("{} more; `-n` shows more", found.len() - shown.len()));
        }
        Ok(Exit::Ok)
    }

    fn install(&self, context: &Context, args: &SkillsInstallArgs) -> anyhow::Result<Exit> {
        let shelf = self.shelf(context, args.role.clone(), args.user)?;
        let request = Request {
            source: args.source.clone(),
            version: args.version.clone(),
            sha256: args.sha256.clone(),
            force: args.force,
            dry_run: args.dry_run,
        };
        let report = self
            .with_installer(|installer| installer.install(&shelf, &request))?
            .map_err(failure)?;
        self.tell(context, &report)
    }

    fn tell(&self, context: &Context, report: &Report) -> anyhow::Result<Exit> {
        if context.out.json {
            context.out.json(report)?;
        } else {
            context.out.text(&view::report(report))?;
        }
        for warning in &report.warnings {
            remark(&format!("warning: {}", text::one_line(warning)));
        }
        Ok(Exit::Ok)
    }

    fn update(&self, context: &Context, args: &SkillsUpdateArgs) -> anyhow::Result<Exit> {
        let shelf = self.shelf(context, args.role.clone(), args.user)?;
        let all = installed(&shelf).map_err(failure)?;
        let is_wanted = |known: &&Installed| {
            let (name, role) = (&known.entry.name, &known.entry.role);
            (args.role.is_none() || *role == args.role)
                && (args.names.is_empty() || args.names.contains(name))
        };
        let wanted: Vec<&Installed> = all.iter().filter(is_wanted).collect();
        for name in &args.names {
            if !wanted.iter().any(|known| known.entry.name == *name) {
                let error = InstallError::NotInstalled {
                    name: name.clone(),
                    role: args.role.clone(),
                    advice: "`ostwin skills list --installed` lists what was",
                };
                return Err(failure(error));
            }
        }
        let mut outcomes = Vec::new();
        for known in wanted {
            let (name, role) = (&known.entry.name, known.entry.role.clone());
            let shelf = self.shelf(context, role.clone(), args.user)?;
            let outcome = self.with_installer(|installer| {
                installer.update(&shelf, name, args.force, args.dry_run)
            })?;
            if self.interrupted.load(Ordering::Relaxed) {
                return Err(Failure::new(Exit::Interrupted, "interrupted").into());
            }
            outcomes.push((name.clone(), role, outcome));
        }
        let failed = outcomes.iter().any(|(_, _, outcome)| outcome.is_err());
        if let [(_, _, Err(_))] = outcomes.as_slice()
            && let Some((_, _, Err(error))) = outcomes.pop()
        {
            return Err(failure(error));
        }
        if context.out.json {
            let updates: Vec<_> = outcomes
                .iter()
                .map(|(name, role, outcome)| view::update_json(name, role.as_ref(), outcome))
                .collect();
            context.out.json(&json!({"updates": updates}))?;
        } else if outcomes.is_empty() {
            remark("nothing was installed, so there is nothing to update");
        } else {
            let rows: Vec<Vec<String>> = outcomes
                .iter()
                .map(|(name, role, outcome)| view::update_row(name, role.as_ref(), outcome))
                .collect();
            let head = ["skill", "role", "outcome"];
            context.out.text(&table::table(&head, &rows, context.out.width()))?;
        }
        Ok(if failed { Exit::NotPassed } else { Exit::Ok })
    }

    fn remove(
        &self,
        context: &Context,
        name: &SkillName,
        role: Option<RoleName>,
        user: bool,
        force: bool,
    ) -> anyhow::Result<Exit> {
        let shelf = self.shelf(context, role, user)?;
        let path = shelf.skill(name);
        let removed = self
            .with_installer(|installer| installer.remove(&shelf, name, force))?
            .map_err(failure)?;
        if context.out.json {
            context.out.json(&json!({"name": name, "path": path, "removed": removed}))?;
        } else {
            remark(&format!("removed `{name}` from `{}`", path.display()));
        }
        Ok(Exit::Ok)
    }
}

/// The error with its exit code and what to do about it.
fn failure(error: InstallError) -> anyhow::Error {
    use InstallError as E;
    let exit = match &error {
        E::Download(DownloadError::GivenUp { .. }) | E::Git(GitError::GivenUp { .. }) => {
            Exit::Interrupted
        }
        E::Download(DownloadError::Nothing { .. } | DownloadError::TooLarge { .. })
        | E::Git(GitError::Refused { .. } | GitError::TooLarge { .. }) => Exit::Usage,
        E::Download(_) | E::Git(_) | E::Lock(_) | E::Fs(_) | E::Entropy(_) => Exit::Environment,
        _ => Exit::Usage,
    };
    let hint = match &error {
        E::Conflict { .. } => Some("`--force` does it anyway"),
        E::OtherContent { .. } => Some("`--dry-run` without `--sha256` shows what is there now"),
        E::NoRegistry { .. } => Some("`ostwin config set skills.registry_url URL` names an index"),
        E::NotInRegistry { .. } => {
            Some("`ostwin skills search --source registry` lists what is there")
        }
        _ => None,
    };
    match hint {
        Some(hint) => Err::<(), _>(error).exit(exit).hint(hint),
        None => Err::<(), _>(error).exit(exit),
    }
    .err()
    .unwrap_or_else(|| anyhow::anyhow!("the error of installing was lost"))
}
