//! Skills: what each tier has, installing one into the project, removing it.

use std::time::{Duration, Instant};

use axum::http::StatusCode;
use ostwin_core::env;
use ostwin_core::ids::{RoleName, RoleRef, SkillName};
use ostwin_core::room::HUMAN;
use ostwin_core::time::Timestamp;
use ostwin_skills::install::{
    InstallError, Installed, Installer, Outcome, Registry, Report, Request, Shelf, SourceError,
    State, installed,
};
use ostwin_skills::tiers::{Broken, Catalog, Entry, Places};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::call::Call;
use crate::http::{Nothing, Page, Problem, Route, delete, get, page, post};
use crate::project::{Current, Served};

/// How long something may be fetched: shorter than a request may take.
const FETCH: Duration = Duration::from_secs(45);

/// The routes.
pub(super) fn routes() -> Vec<Route> {
    vec![
        get("/api/skills", "Every skill, where it is found and where it came from", skills),
        post("/api/skills/install", "Installs a skill into the project", 201, install).or(&[502]),
        delete("/api/skills/{name}", "Removes a skill that was installed", 200, remove),
    ]
}

/// A skill.
#[derive(Debug, Serialize, JsonSchema)]
struct SkillItem {
    /// Its name.
    name: String,
    /// What it does and when to use it.
    description: String,
    /// Words to find it by.
    tags: Vec<String>,
    /// Its version.
    version: Option<String>,
    /// Where it is found: `role`, `project`, `user` or `shipped`.
    tier: &'static str,
    /// The role whose sessions get it; null for every role.
    role: Option<RoleName>,
    /// Its folder.
    path: String,
    /// Whether sessions get it: its author did not switch it off.
    enabled: bool,
    /// Whether it was installed, and can be removed like that.
    installed: bool,
    /// Where it was installed from.
    source: Option<String>,
    /// When it was installed.
    installed_at: Option<Timestamp>,
    /// Whether its files were changed since.
    edited: bool,
    /// What is odd about it.
    warnings: Vec<String>,
    /// Why it cannot be used, if it cannot.
    problem: Option<String>,
}

impl SkillItem {
    fn found(entry: &Entry, record: Option<&Installed>) -> Self {
        let skill = &entry.skill;
        Self {
            name: skill.name.to_string(),
            description: skill.description.clone(),
            tags: skill.tags.clone(),
            version: skill.version.clone(),
            tier: entry.tier.as_str(),
            role: entry.role.clone(),
            path: entry.place.path().display().to_string(),
            enabled: skill.enabled,
            installed: record.is_some(),
            source: record.map(|record| record.entry.source.clone()),
            installed_at: record.map(|record| record.entry.installed_at),
            edited: record.is_some_and(|record| record.state == State::Edited),
            warnings: entry.warnings.clone(),
            problem: None,
        }
    }

    fn broken(broken: &Broken, record: Option<&Installed>) -> Self {
        Self {
            name: broken.name.clone(),
            description: String::new(),
            tags: Vec::new(),
            version: None,
            tier: broken.tier.as_str(),
            role: broken.role.clone(),
            path: broken.path.display().to_string(),
            enabled: false,
            installed: record.is_some(),
            source: record.map(|record| record.entry.source.clone()),
            installed_at: record.map(|record| record.entry.installed_at),
            edited: true,
            warnings: Vec::new(),
            problem: Some(broken.problem.clone()),
        }
    }

    /// What was installed and is gone.
    fn missing(record: &Installed, tier: &'static str) -> Self {
        let entry = &record.entry;
        Self {
            name: entry.name.to_string(),
            description: String::new(),
            tags: Vec::new(),
            version: entry.version.clone(),
            tier: if entry.role.is_some() { "role" } else { tier },
            role: entry.role.clone(),
            path: record.path.display().to_string(),
            enabled: false,
            installed: true,
            source: Some(entry.source.clone()),
            installed_at: Some(entry.installed_at),
            edited: true,
            warnings: Vec::new(),
            problem: Some("it was installed, and its folder is gone".to_owned()),
        }
    }
}

fn skills(call: &Call, _: Nothing, _: Nothing) -> Result<Page<SkillItem>, Problem> {
    let project = call.one()?.project();
    let home = env::home();
    let catalog = Catalog::discover(&Places::everywhere(Some(project.layout()), home.as_deref()));
    let of_project = installed(&Shelf::of_project(project.layout().clone(), None))?;
    let of_user = match home {
        Some(home) => installed(&Shelf::of_user(home))?,
        None => Vec::new(),
    };
    let records = || of_project.iter().chain(&of_user);
    let mut items: Vec<SkillItem> = Vec::new();
    items.extend(catalog.skills.iter().map(|entry| {
        let path = entry.place.path();
        SkillItem::found(entry, records().find(|record| record.path == path))
    }));
    items.extend(catalog.broken.iter().map(|broken| {
        SkillItem::broken(broken, records().find(|record| record.path == broken.path))
    }));
    let missing = |record: &&Installed| record.state == State::Missing;
    items.extend(of_project.iter().filter(missing).map(|of| SkillItem::missing(of, "project")));
    items.extend(of_user.iter().filter(missing).map(|of| SkillItem::missing(of, "user")));
    items.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(page(items))
}

/// A skill to install.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewSkill {
    /// A folder, an archive, a Git address, or a name of the index.
    source: String,
    /// The version that it must have.
    #[serde(default)]
    version: Option<String>,
    /// The SHA-256 that it must have, in hex.
    #[serde(default)]
    sha256: Option<String>,
    /// Only for sessions of this role.
    #[serde(default)]
    role: Option<RoleName>,
    /// Replace what was not installed from there, or was changed since.
    #[serde(default)]
    force: bool,
    /// Only say what it would be.
    #[serde(default)]
    dry_run: bool,
}

/// A skill that was installed, or would be.
#[derive(Debug, Serialize, JsonSchema)]
struct InstalledNow {
    /// Its name.
    name: SkillName,
    /// `added`, `replaced` or `unchanged`.
    outcome: &'static str,
    /// Whether it was only looked at.
    dry_run: bool,
    /// The role whose sessions get it; null for every role.
    role: Option<RoleName>,
    /// Its folder.
    path: String,
    /// Where it came from.
    source: String,
    /// What the source was: a commit, or the hash of an archive.
    revision: Option<String>,
    /// Its version.
    version: Option<String>,
    /// SHA-256 over its files, in hex.
    sha256: String,
    /// How many files it has.
    files: usize,
    /// Their length together.
    size_bytes: u64,
    /// What was there and is not installed: files whose names start with a dot.
    left_out: Vec<String>,
    /// What is odd about it.
    warnings: Vec<String>,
}

impl From<Report> for InstalledNow {
    fn from(report: Report) -> Self {
        let outcome = match report.outcome {
            Outcome::Added => "added",
            Outcome::Replaced => "replaced",
            Outcome::Unchanged => "unchanged",
        };
        Self {
            name: report.name,
            outcome,
            dry_run: report.dry_run,
            role: report.role,
            path: report.path.display().to_string(),
            source: report.source,
            revision: report.revision,
            version: report.version,
            sha256: report.sha256,
            files: report.files.len(),
            size_bytes: report.bytes,
            left_out: report.left_out,
            warnings: report.warnings,
        }
    }
}

fn install(call: &Call, _: Nothing, new: NewSkill) -> Result<InstalledNow, Problem> {
    let request = Request {
        source: new.source.parse().map_err(InstallError::Source)?,
        version: new.version,
        sha256: new.sha256,
        force: new.force,
        dry_run: new.dry_run,
    };
    let report = with_installer(call.one()?, |installer, served| {
        installer.install(&shelf(served, new.role), &request)
    })?;
    Ok(report.into())
}

fn shelf(served: &Served, role: Option<RoleName>) -> Shelf {
    Shelf::of_project(served.project().layout().clone(), role)
}

/// Fetches for as long as somebody waits for the answer.
fn with_installer<R>(
    served: &Served,
    work: impl FnOnce(&Installer<'_>, &Served) -> Result<R, InstallError>,
) -> Result<R, Problem> {
    let Current { project, settings } = served.current();
    let base = project.layout().root();
    let index = settings.config.skills.registry_url.as_deref();
    let registry = index.map(|text| Registry::parse(text, base)).transpose();
    let registry = registry.map_err(|error: SourceError| {
        Problem::conflict(format!("`skills.registry_url` of the settings: {error}"))
    })?;
    let human = RoleRef::new(HUMAN)?;
    let began = Instant::now();
    let pause = |time: Duration| {
        std::thread::sleep(time);
        began.elapsed() < FETCH
    };
    let installer = Installer {
        store: project.store(),
        registry: registry.as_ref(),
        base,
        by: &human,
        pause: &pause,
    };
    Ok(work(&installer, served)?)
}

/// A skill in a path.
#[derive(Debug, Deserialize, JsonSchema)]
struct SkillInPath {
    /// The skill.
    name: SkillName,
}

/// Which skill of that name is meant.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Removal {
    /// The one of this role; that of every role if left out.
    #[serde(default)]
    role: Option<RoleName>,
    /// Also if it was changed since it was installed, or nobody installed it.
    #[serde(default)]
    force: bool,
}

/// What was removed.
#[derive(Debug, Serialize, JsonSchema)]
struct Removed {
    /// The skill.
    name: SkillName,
    /// Where it had come from.
    source: String,
}

fn remove(call: &Call, path: SkillInPath, removal: Removal) -> Result<Removed, Problem> {
    let removed = with_installer(call.one()?, |installer, served| {
        installer.remove(&shelf(served, removal.role), &path.name, removal.force)
    })?;
    Ok(Removed { name: removed.name, source: removed.source })
}

impl From<InstallError> for Problem {
    fn from(error: InstallError) -> Self {
        use InstallError as E;
        let status = match &error {
            E::NotInstalled { .. } | E::NotInRegistry { .. } => StatusCode::NOT_FOUND,
            E::Conflict { .. } | E::InPlace { .. } | E::OtherContent { .. } => StatusCode::CONFLICT,
            E::Download(_) | E::Git(_) => StatusCode::BAD_GATEWAY,
            E::Lock(_) => StatusCode::SERVICE_UNAVAILABLE,
            E::Fs(_) | E::Entropy(_) | E::LockFile(_) => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        };
        Self::of(status, &error)
    }
}
