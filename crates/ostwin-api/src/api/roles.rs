//! Roles: which there are, what their files say, and editing those of the project.

use axum::http::StatusCode;
use ostwin_core::env;
use ostwin_core::ids::RoleName;
use ostwin_runner::mcp;
use ostwin_runner::roles::{
    Nameable, RoleError, RoleListing, RolePlaces, RoleSeverity, RoleTier, check_role, every_role,
    list_roles, read_listed, remove_role, role_text, save_role,
};
use ostwin_skills::tiers::{Catalog, Places};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::call::Call;
use crate::http::{Mistake, Nothing, Page, Problem, Route, delete, get, page, put};
use crate::project::{Current, Served};

/// The routes.
pub(super) fn routes() -> Vec<Route> {
    vec![
        get("/api/roles", "Every role of every tier, and where it is found", roles),
        get("/api/roles/{name}", "One role: its settings, its prompt, what is odd about it", role),
        put("/api/roles/{name}", "Writes a role of the project", 200, write),
        delete("/api/roles/{name}", "Removes a role of the project", 200, remove),
    ]
}

/// A role in a list.
#[derive(Debug, Serialize, JsonSchema)]
struct RoleItem {
    /// Its name.
    name: RoleName,
    /// Where it is found: `project`, `user`, `shipped` or `registry`.
    tier: &'static str,
    /// Its folder.
    dir: String,
    /// Whether a nearer tier has a role of this name, which sessions get instead.
    shadowed: bool,
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
    Ok(RolePlaces::of(served.project().layout(), None, env::home().as_deref())?)
}

fn roles(call: &Call, _: Nothing, _: Nothing) -> Result<Page<RoleItem>, Problem> {
    let places = places(call.one()?)?;
    let items = every_role(&places).into_iter().map(|listed| {
        let read = read_listed(&listed, &places);
        let problem = read.as_ref().err().map(ToString::to_string);
        let spec = read.ok().map(|role| role.spec);
        RoleItem {
            tier: listed.tier.as_str(),
            dir: listed.dir.display().to_string(),
            shadowed: listed.shadowed,
            description: spec.as_ref().and_then(|spec| spec.description.clone()),
            capabilities: spec.as_ref().map(|spec| spec.capabilities.clone()).unwrap_or_default(),
            agent: spec.as_ref().and_then(|spec| spec.agent.clone()),
            model: spec.and_then(|spec| spec.model),
            problem,
            name: listed.name,
        }
    });
    Ok(page(items.collect()))
}

/// A role in a path.
#[derive(Debug, Deserialize, JsonSchema)]
struct RoleInPath {
    /// The role.
    name: RoleName,
}

/// One role.
#[derive(Debug, Serialize, JsonSchema)]
struct RoleStory {
    /// Its name.
    name: RoleName,
    /// Where it is found: `project`, `user`, `shipped` or `registry`.
    tier: &'static str,
    /// Its folder.
    dir: String,
    /// Whether its files are the project's own; writing makes them so.
    of_project: bool,
    /// Its `role.json`; null if there is none, or it is no JSON object.
    role_json: Option<Map<String, Value>>,
    /// Its prompt, as it is written; null if it is not there.
    role_md: Option<String>,
    /// What is not in order about it.
    findings: Vec<RoleFinding>,
}

/// Something about a role that is not in order.
#[derive(Debug, Serialize, JsonSchema)]
struct RoleFinding {
    /// How bad it is.
    severity: Severity,
    /// What it is, and what to do.
    problem: String,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Severity {
    /// A session of the role cannot be had.
    Error,
    /// It was probably meant otherwise.
    Warning,
}

fn role(call: &Call, path: RoleInPath, _: Nothing) -> Result<RoleStory, Problem> {
    let served = call.one()?;
    let places = places(served)?;
    let name = &path.name;
    let listed = list_roles(&places).into_iter().find(|listed| listed.name == *name);
    let listed = listed.ok_or_else(|| {
        Problem::not_found(format!("no tier has the role `{name}`; `/api/roles` lists them"))
    })?;
    let text = role_text(&listed)?;
    Ok(RoleStory {
        findings: findings(served, &places, &listed)?,
        tier: listed.tier.as_str(),
        dir: listed.dir.display().to_string(),
        of_project: listed.tier == RoleTier::Project,
        role_json: text.settings,
        role_md: text.prompt,
        name: listed.name,
    })
}

fn findings(
    served: &Served,
    places: &RolePlaces,
    listed: &RoleListing,
) -> Result<Vec<RoleFinding>, Problem> {
    let Current { project, settings } = served.current();
    let layout = project.layout();
    let (servers, _) = mcp::read_tiers(env::config_dir().as_deref(), layout, None)?;
    let home = env::home();
    let skills =
        Catalog::discover(&Places::of_session(layout, None, &listed.name, home.as_deref()));
    let known = Nameable { agents: &settings.config.agents, skills: &skills, servers: &servers };
    let found = check_role(listed, places, &known).into_iter().map(|finding| RoleFinding {
        severity: match finding.severity {
            RoleSeverity::Error => Severity::Error,
            RoleSeverity::Warning => Severity::Warning,
        },
        problem: finding.problem,
    });
    Ok(found.collect())
}

/// The files of a role.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewRole {
    /// Its `role.json`.
    role_json: Map<String, Value>,
    /// Its prompt, in Markdown.
    #[schemars(regex(pattern = r"\S"))]
    role_md: String,
}

fn write(call: &Call, path: RoleInPath, new: NewRole) -> Result<RoleStory, Problem> {
    let project = call.one()?.project();
    let (layout, store) = (project.layout(), project.store());
    save_role(layout, store, &path.name, &new.role_json, &new.role_md)?;
    role(call, path, Nothing {})
}

/// What sessions get instead of a role that was removed.
#[derive(Debug, Serialize, JsonSchema)]
struct RoleRemoved {
    /// The role.
    name: RoleName,
    /// The tier in which it is found now; null if there is none any more.
    tier_now: Option<&'static str>,
}

fn remove(call: &Call, path: RoleInPath, _: Nothing) -> Result<RoleRemoved, Problem> {
    let served = call.one()?;
    let project = served.project();
    remove_role(project.layout(), project.store(), &path.name)?;
    let left = list_roles(&places(served)?).into_iter().find(|role| role.name == path.name);
    Ok(RoleRemoved { name: path.name, tier_now: left.map(|role| role.tier.as_str()) })
}

impl From<RoleError> for Problem {
    fn from(error: RoleError) -> Self {
        match error {
            RoleError::NotFound { .. } | RoleError::NotOwn { .. } => {
                Self::of(StatusCode::NOT_FOUND, &error)
            }
            RoleError::Json(error) => {
                let mistake = Mistake { message: error.to_string(), ..Mistake::default() };
                Self::of(StatusCode::UNPROCESSABLE_ENTITY, &error).with(vec![mistake])
            }
            RoleError::EmptyPrompt { .. } => Self::of(StatusCode::UNPROCESSABLE_ENTITY, &error),
            RoleError::Fs(error) => error.into(),
            RoleError::Lock(error) => error.into(),
            error => Self::of(StatusCode::CONFLICT, &error),
        }
    }
}
