//! Who works and with what: roles, skills, tool servers, agents.
//!
//! Roles are files, read and written here. What the command line finds out by starting programs or
//! fetching from elsewhere, it finds out for this page too.

use std::path::Path;
use std::time::Duration;

use ostwin_core::env;
use ostwin_core::fs;
use ostwin_core::ids::RoleName;
use ostwin_core::layout::RolePaths;
use ostwin_core::roles::RoleSpec;
use ostwin_core::store::Durability;
use ostwin_runner::roles::{
    RoleError, RolePlaces, RoleTier, Wanted, find_role, list_roles, shipped_files,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::call::Call;
use crate::http::{Mistake, Nothing, Page, Problem, Route, delete, get, page, post, put};
use crate::project::Served;
use crate::sibling::ostwin;

/// How long a list may take.
const LIST: Duration = Duration::from_secs(20);
/// How long a test or an installation may take.
const TRIAL: Duration = Duration::from_secs(50);
/// Longest file of a role.
const MAX_BYTES: u64 = 1 << 20;

/// The routes.
pub(super) fn routes() -> Vec<Route> {
    vec![
        get("/api/roles", "Every role, and where it is found", roles),
        get("/api/roles/{name}", "One role: its settings and its prompt", role),
        put("/api/roles/{name}", "Writes a role of the project", 200, write_role),
        delete("/api/roles/{name}", "Removes the project's files of a role", 200, remove_role),
        get("/api/skills", "Every skill, and where it is found", skills),
        post("/api/skills/install", "Installs a skill into the project", 201, install_skill),
        delete("/api/skills/{name}", "Removes an installed skill", 200, remove_skill),
        get("/api/mcp", "The tool servers of sessions", servers),
        post("/api/mcp/{name}/test", "Whether a tool server answers", 200, test_server),
        get("/api/agents", "The agent programs of the settings", agents),
        post("/api/agents/{name}/test", "Whether an agent program answers", 200, test_agent),
    ]
}

/// A role in a list.
#[derive(Debug, Serialize, JsonSchema)]
struct RoleShort {
    /// Its name.
    name: RoleName,
    /// Where it is found: `room`, `project`, `user`, `shipped`, `registry`.
    tier: &'static str,
    /// Its folder.
    dir: String,
    /// What it is for.
    description: Option<String>,
    /// What it can do.
    capabilities: Vec<String>,
    /// Its own agent program.
    agent: Option<String>,
    /// Its own model.
    model: Option<String>,
    /// Why it cannot be used, if it cannot.
    problem: Option<String>,
}

fn places(served: &Served) -> Result<RolePlaces, Problem> {
    let project = served.project();
    RolePlaces::of(project.layout(), None, env::home().as_deref()).map_err(Problem::from)
}

fn roles(call: &Call, _: Nothing, _: Nothing) -> Result<Page<RoleShort>, Problem> {
    let places = places(call.one()?)?;
    let told = list_roles(&places).into_iter().map(|listed| {
        let wanted = Wanted { name: &listed.name, capabilities: &[], description: None };
        let found = find_role(&wanted, &places, false);
        let problem = found.as_ref().err().map(ToString::to_string);
        let spec = found.ok().map(|role| role.spec);
        RoleShort {
            tier: listed.tier.as_str(),
            dir: listed.dir.display().to_string(),
            description: spec.as_ref().and_then(|spec| spec.description.clone()),
            capabilities: spec.as_ref().map(|spec| spec.capabilities.clone()).unwrap_or_default(),
            agent: spec.as_ref().and_then(|spec| spec.agent.clone()),
            model: spec.and_then(|spec| spec.model),
            problem,
            name: listed.name,
        }
    });
    Ok(page(told.collect()))
}

/// A role in a path.
#[derive(Debug, Deserialize, JsonSchema)]
struct RolePath {
    /// The role.
    name: RoleName,
}

/// One role.
#[derive(Debug, Serialize, JsonSchema)]
struct RoleStory {
    /// Its name.
    name: RoleName,
    /// Where it is found.
    tier: &'static str,
    /// Its folder.
    dir: String,
    /// Whether its files are the project's own; writing makes them so.
    of_project: bool,
    /// Its `role.json`, as it is written.
    role_json: String,
    /// Its prompt, as it is written.
    role_md: String,
    /// What is odd about it.
    warnings: Vec<String>,
}

fn role(call: &Call, path: RolePath, _: Nothing) -> Result<RoleStory, Problem> {
    let places = places(call.one()?)?;
    let wanted = Wanted { name: &path.name, capabilities: &[], description: None };
    let role = find_role(&wanted, &places, false)?;
    let files = RolePaths::at(&role.dir);
    let shipped = |name: &str| {
        let path = Path::new(role.name.as_str()).join(name);
        let file = shipped_files().into_iter().find(|file| file.path == path);
        file.map(|file| file.content.to_vec())
    };
    let read = |path: &Path, name: &str| match role.tier {
        RoleTier::Shipped => Ok(shipped(name)),
        _ => fs::read_optional(path, MAX_BYTES),
    };
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let role_json = match read(&files.settings(), "role.json")? {
        Some(bytes) => text(bytes),
        // A role may be nothing but its prompt.
        None => serde_json::to_string_pretty(&role.spec).unwrap_or_default(),
    };
    let prompt = &role.spec.prompt_file;
    let role_md = read(&files.file(prompt), prompt)?.map_or(role.prompt, text);
    Ok(RoleStory {
        name: role.name,
        tier: role.tier.as_str(),
        dir: role.dir.display().to_string(),
        of_project: role.tier == RoleTier::Project,
        role_json,
        role_md,
        warnings: role.warnings,
    })
}

/// The files of a role.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewRole {
    /// Its `role.json`.
    role_json: String,
    /// Its prompt, in Markdown.
    role_md: String,
}

fn write_role(call: &Call, path: RolePath, new: NewRole) -> Result<RoleStory, Problem> {
    let served = call.one()?;
    let layout = served.project().layout().clone();
    let files = RolePaths::new(&layout.roles(), &path.name);
    // Settings that cannot be read are not written.
    let read = RoleSpec::read(&path.name, &files.settings(), new.role_json.as_bytes());
    let read = read.map_err(|error| {
        let mistake = Mistake { message: error.to_string(), ..Mistake::default() };
        Problem::unprocessable(format!("`role.json`: {error}")).with(vec![mistake])
    })?;
    if new.role_md.trim().is_empty() {
        return Err(Problem::unprocessable("the prompt is empty: say who the role is"));
    }
    let prompt = files.file(&read.spec.prompt_file);
    if let Some(dir) = prompt.parent() {
        fs::create_dirs(dir)?;
    }
    // The prompt first: settings without their prompt are a broken role.
    fs::replace_record(&prompt, new.role_md.as_bytes(), Durability::Sync)?;
    fs::replace_record(&files.settings(), new.role_json.as_bytes(), Durability::Sync)?;
    role(call, path, Nothing {})
}

fn remove_role(call: &Call, path: RolePath, _: Nothing) -> Result<Nothing, Problem> {
    let layout = call.one()?.project().layout().clone();
    let files = RolePaths::new(&layout.roles(), &path.name);
    if !files.dir().is_dir() {
        let text = format!("the project has no role `{}` of its own", path.name);
        return Err(Problem::not_found(text));
    }
    fs::remove_dir_all(files.dir())?;
    Ok(Nothing {})
}

impl From<RoleError> for Problem {
    fn from(error: RoleError) -> Self {
        match error {
            RoleError::NotFound { .. } => Self::not_found(error.to_string()),
            error => Self::of(axum::http::StatusCode::CONFLICT, &error),
        }
    }
}

/// Something in a path by its name.
#[derive(Debug, Deserialize, JsonSchema)]
struct NamePath {
    /// Its name.
    name: String,
}

impl NamePath {
    /// The name, which is no option of a command.
    fn plain(&self) -> Result<&str, Problem> {
        let fine = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        let name = self.name.as_str();
        if name.starts_with('-') || name.is_empty() || !name.chars().all(fine) {
            let text = format!("`{name}` is no name: letters, digits, `-`, `_` and `.` are");
            return Err(Problem::bad_request(text));
        }
        Ok(name)
    }
}

/// A list of the command line as a page.
fn list(served: &Served, args: &[&str]) -> Result<Page<Value>, Problem> {
    match ostwin(served, args, LIST)? {
        Value::Array(items) => Ok(page(items)),
        other => Ok(page(vec![other])),
    }
}

fn skills(call: &Call, _: Nothing, _: Nothing) -> Result<Page<Value>, Problem> {
    list(call.one()?, &["skills", "list"])
}

/// A skill to install.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewSkill {
    /// A folder, a Git address, an archive, or a name of the registry.
    source: String,
}

fn install_skill(call: &Call, _: Nothing, new: NewSkill) -> Result<Value, Problem> {
    ostwin(call.one()?, &["skills", "install", "--", &new.source], TRIAL)
}

fn remove_skill(call: &Call, path: NamePath, _: Nothing) -> Result<Value, Problem> {
    ostwin(call.one()?, &["skills", "remove", path.plain()?], LIST)
}

fn servers(call: &Call, _: Nothing, _: Nothing) -> Result<Page<Value>, Problem> {
    list(call.one()?, &["mcp", "list"])
}

fn test_server(call: &Call, path: NamePath, _: Nothing) -> Result<Value, Problem> {
    let tested = ostwin(call.one()?, &["mcp", "test", path.plain()?], TRIAL)?;
    Ok(match tested {
        Value::Array(mut tested) if tested.len() == 1 => tested.swap_remove(0),
        other => other,
    })
}

fn agents(call: &Call, _: Nothing, _: Nothing) -> Result<Page<Value>, Problem> {
    list(call.one()?, &["agent", "list"])
}

fn test_agent(call: &Call, path: NamePath, _: Nothing) -> Result<Value, Problem> {
    ostwin(call.one()?, &["agent", "test", path.plain()?], TRIAL)
}
