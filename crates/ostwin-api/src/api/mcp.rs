//! The tool servers of sessions: which there are, and whether one answers.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::http::StatusCode;
use ostwin_core::env;
use ostwin_core::programs::Programs;
use ostwin_core::project::Project;
use ostwin_core::redact::{Redactor, is_secret_name};
use ostwin_runner::mcp::{self, EditError, McpError, Removed, Server, Servers, TierFile};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::named::NameInPath;
use crate::call::Call;
use crate::http::{Nothing, Page, Problem, Route, delete, get, page, post, put};
use crate::project::Served;
use crate::sibling::ostwin;

/// How long a test may take: shorter than a request may.
const TRIAL: Duration = Duration::from_secs(50);
/// How long the server itself may take of that.
const PATIENCE: &str = "40";

/// The routes.
pub(super) fn routes() -> Vec<Route> {
    vec![
        get("/api/mcp", "The tool servers that sessions get, and those that they do not", servers),
        put("/api/mcp/{name}", "Names a tool server in the project's file", 200, add),
        delete(
            "/api/mcp/{name}",
            "Takes a tool server out of it, or hides the user's",
            200,
            remove,
        ),
        post("/api/mcp/{name}/test", "Starts a tool server and asks what it offers", 200, test)
            .or(&[504]),
    ]
}

/// A tool server.
#[derive(Debug, Serialize, JsonSchema)]
struct ServerItem {
    /// Its name.
    name: String,
    /// Who names it: `own` for one of OSTwin's, `user` or `project`.
    tier: ServerTier,
    /// The file that names it; null for one of OSTwin's.
    file: Option<String>,
    /// How it is reached; null for one that a tier removes.
    transport: Option<Transport>,
    /// Its command, placeholders as they are written.
    command: Option<String>,
    /// Its address, if it is reached over the network.
    url: Option<String>,
    /// Where its program is, if it is here.
    program: Option<String>,
    /// Whether sessions get it.
    state: ServerState,
}

/// Who names a tool server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum ServerTier {
    /// It is one of OSTwin's.
    Own,
    /// The user's file.
    User,
    /// The project's file.
    Project,
}

/// How a tool server is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Transport {
    /// It is started, and spoken to by its standard input and output.
    Stdio,
    /// Over the network.
    Http,
}

/// Whether sessions get a tool server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum ServerState {
    /// They do.
    Enabled,
    /// Its entry says no.
    Disabled,
    /// A nearer file removes it.
    Removed,
    /// It has the name of one of OSTwin's.
    PassedOver,
    /// They would, and its program is not on this machine.
    NoProgram,
}

fn servers(call: &Call, _: Nothing, _: Nothing) -> Result<Page<ServerItem>, Problem> {
    let served = call.one()?;
    let merged = merged(served)?;
    let lister = Lister { served, programs: Programs::of_this_process() };
    let mut items: Vec<ServerItem> = mcp::OWN.into_iter().map(|name| lister.own(name)).collect();
    items.extend(lister.named(&merged));
    Ok(page(items))
}

/// What the files of user and project name together.
fn merged(served: &Served) -> Result<Servers, Problem> {
    let project = served.project();
    let (merged, warnings) = mcp::read_tiers(env::config_dir().as_deref(), project.layout(), None)?;
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    Ok(merged)
}

struct Lister<'a> {
    served: &'a Served,
    programs: Programs,
}

impl Lister<'_> {
    fn own(&self, name: &str) -> ServerItem {
        let command = mcp::own_program(name);
        let program = self.programs.find(&command);
        ServerItem {
            name: name.to_owned(),
            tier: ServerTier::Own,
            file: None,
            transport: Some(Transport::Stdio),
            state: state_with(program.as_ref()),
            command: Some(command),
            url: None,
            program: program.map(|program| program.display().to_string()),
        }
    }

    fn named(&self, merged: &Servers) -> Vec<ServerItem> {
        let project = self.served.project();
        let redactor: &Redactor = &project.store().redactor;
        let told = |text: &str| Some(redactor.text(text).into_owned());
        let tier = |file: &Path| match *file == project.layout().mcp_config() {
            true => ServerTier::Project,
            false => ServerTier::User,
        };
        let items = merged.iter().map(|(name, slot)| {
            let server = slot.entry.as_ref().map(|entry| &entry.server);
            let (transport, command, url, program) = match server {
                Some(Server::Local { command, .. }) => {
                    let program = command.first().and_then(|first| self.programs.find(first));
                    (Some(Transport::Stdio), told(&command.join(" ")), None, program)
                }
                Some(Server::Remote { url, .. }) => (Some(Transport::Http), None, told(url), None),
                None => (None, None, None, None),
            };
            let state = match &slot.entry {
                None => ServerState::Removed,
                Some(_) if mcp::OWN.contains(&name.as_str()) => ServerState::PassedOver,
                Some(entry) if !entry.enabled => ServerState::Disabled,
                Some(_) if transport == Some(Transport::Stdio) => state_with(program.as_ref()),
                Some(_) => ServerState::Enabled,
            };
            ServerItem {
                name: name.clone(),
                tier: tier(&slot.source),
                file: Some(slot.source.display().to_string()),
                transport,
                command,
                url,
                program: program.map(|program| program.display().to_string()),
                state,
            }
        });
        items.collect()
    }
}

fn state_with(program: Option<&PathBuf>) -> ServerState {
    if program.is_some() { ServerState::Enabled } else { ServerState::NoProgram }
}

/// A tool server to name: one that is started, or one that is reached.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewServer {
    /// Its program and arguments, for one that is started.
    #[serde(default)]
    command: Option<Vec<String>>,
    /// Variables that it needs; `${vault:SERVER/KEY}` stands for a secret.
    #[serde(default)]
    environment: BTreeMap<String, String>,
    /// Its address, for one that is reached over the network.
    #[serde(default)]
    url: Option<String>,
    /// Headers of every request to it.
    #[serde(default)]
    headers: BTreeMap<String, String>,
}

impl fmt::Debug for NewServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What stands in variables and headers may be a secret.
        f.debug_struct("NewServer").field("url", &self.url).finish_non_exhaustive()
    }
}

/// A tool server that was named.
#[derive(Debug, Serialize, JsonSchema)]
struct ServerNamed {
    /// Its name.
    name: String,
    /// The file that names it.
    file: String,
    /// Whether there was one of this name.
    replaced: bool,
    /// What to mind, such as a secret that everybody can read there.
    warnings: Vec<String>,
}

fn add(call: &Call, path: NameInPath, new: NewServer) -> Result<ServerNamed, Problem> {
    let project = call.one()?.project();
    let name = path.plain()?;
    let server = match (new.command, new.url) {
        (Some(command), None) if new.headers.is_empty() => {
            Server::Local { command, environment: new.environment }
        }
        (None, Some(url)) if new.environment.is_empty() => {
            Server::Remote { url, headers: new.headers, sse: false }
        }
        _ => {
            let text = "give either `command`, with `environment`, or `url`, with `headers`";
            return Err(Problem::unprocessable(text));
        }
    };
    let file = file_of(&project);
    let replaced = file.add(project.store(), name, &server, true)?;
    let (Server::Local { environment: values, .. } | Server::Remote { headers: values, .. }) =
        &server;
    let plain = |text: &str| !text.contains("${") && !text.contains("{env:");
    let secrets = values.iter().filter(|(key, value)| is_secret_name(key) && plain(value));
    let warnings = secrets.map(|(key, _)| {
        format!(
            "the value of `{key}` stands in the file for everybody who reads it: keep it in the \
             vault, and write `${{vault:{name}/{key}}}` here"
        )
    });
    Ok(ServerNamed {
        name: name.to_owned(),
        file: file.path.display().to_string(),
        replaced,
        warnings: warnings.collect(),
    })
}

/// A tool server that sessions get no more, or not this one.
#[derive(Debug, Serialize, JsonSchema)]
struct ServerTaken {
    /// Its name.
    name: String,
    /// Whether the project's file hides the user's now; else its own entry is gone.
    hidden: bool,
    /// Whether sessions get the user's of this name now.
    user_now: bool,
}

fn remove(call: &Call, path: NameInPath, _: Nothing) -> Result<ServerTaken, Problem> {
    let served = call.one()?;
    let project = served.project();
    let name = path.plain()?;
    let file = file_of(&project);
    let of_user = |servers: &Servers| {
        let slot = servers.get(name).filter(|slot| slot.source != file.path);
        slot.is_some_and(|slot| slot.entry.is_some())
    };
    // What the project's file says itself is taken out whatever is below it.
    let removed = file.remove(project.store(), name, of_user(&merged(served)?))?;
    let hidden = removed == Removed::Hidden;
    Ok(ServerTaken { name: name.to_owned(), hidden, user_now: of_user(&merged(served)?) })
}

fn file_of(project: &Project) -> TierFile {
    let layout = project.layout();
    TierFile { path: layout.mcp_config(), guard: layout.mcp_lock() }
}

/// How a tool server answered.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
struct ServerTest {
    /// Its name.
    name: String,
    /// Whether it can be used.
    ok: bool,
    /// Milliseconds in all.
    took_ms: u64,
    /// What it said; null if it is of no use.
    #[serde(default)]
    answer: Option<ServerAnswer>,
    /// Why it is of no use.
    #[serde(default)]
    error: Option<String>,
}

/// What a tool server says about itself.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
struct ServerAnswer {
    /// The revision of the protocol that it speaks.
    revision: String,
    /// What it calls itself.
    #[serde(default)]
    server: Option<String>,
    /// Its version.
    #[serde(default)]
    version: Option<String>,
    /// Its tools.
    tools: Vec<ServerTool>,
    /// Milliseconds until it was ready.
    handshake_ms: u64,
    /// Milliseconds until it had listed its tools.
    list_ms: u64,
    /// Lines on its standard output that are no protocol.
    noise_lines: usize,
}

/// A tool.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
struct ServerTool {
    /// Its name.
    name: String,
    /// What it does.
    description: String,
}

fn test(call: &Call, path: NameInPath, _: Nothing) -> Result<ServerTest, Problem> {
    let served = call.one()?;
    let name = path.plain()?;
    let merged = merged(served)?;
    let named = merged.get(name).is_some_and(|slot| slot.entry.is_some());
    if !named && !mcp::OWN.contains(&name) {
        return Err(Problem::not_found(format!("no tier has the MCP server `{name}`")));
    }
    // The command line does it, as it does for a person: what it starts ends with it.
    let told = ostwin(served, &["mcp", "test", name, "--timeout", PATIENCE], TRIAL)?;
    let tests: Vec<ServerTest> =
        serde_json::from_value(told).map_err(|error| Problem::internal(&error))?;
    let none = || Problem::not_found(format!("no tier has the MCP server `{name}`"));
    tests.into_iter().next().ok_or_else(none)
}

impl From<McpError> for Problem {
    fn from(error: McpError) -> Self {
        Self::of(StatusCode::CONFLICT, &error)
    }
}

impl From<EditError> for Problem {
    fn from(error: EditError) -> Self {
        match error {
            EditError::Fs(error) => error.into(),
            EditError::Lock(error) => error.into(),
            EditError::Unknown { .. } => Self::of(StatusCode::NOT_FOUND, &error),
            EditError::Mcp(_) => Self::of(StatusCode::UNPROCESSABLE_ENTITY, &error),
            EditError::Exists { .. } | EditError::Own { .. } => {
                Self::of(StatusCode::CONFLICT, &error)
            }
        }
    }
}
