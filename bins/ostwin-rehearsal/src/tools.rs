//! The session's MCP servers: started from the list that the client gives, and
//! called by their plain tool names.

use agent_client_protocol::v1::schema::{HttpHeader, McpServer, McpServerStdio};
use anyhow::{Context as _, bail};
use rmcp::model::{CallToolRequestParams, ContentBlock};
use rmcp::service::RunningService;
use rmcp::transport::TokioChildProcess;
use rmcp::{RoleClient, ServiceExt as _};
use serde_json::{Map, Value};

/// Name of the server that belongs to the room.
pub(crate) const WARROOM: &str = "warroom";

/// Name of the server with the shared memory.
pub(crate) const MEMORY: &str = "memory";

/// Name of the server of skills.
pub(crate) const SKILLS: &str = "skills";

/// The servers of a session. They end when this is dropped.
#[derive(Debug, Default)]
pub(crate) struct Servers {
    list: Vec<Server>,
    /// What is told of those on the network.
    beyond: Vec<String>,
}

/// One running server.
#[derive(Debug)]
pub(crate) struct Server {
    entry: McpServerStdio,
    client: RunningService<RoleClient, ()>,
}

/// What a tool answered.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    /// It did what was asked.
    pub(crate) ok: bool,
    /// Its result, or its error.
    pub(crate) value: Value,
}

impl Servers {
    /// Starts all at once. Without the room and the shared memory there is nothing to rehearse; any
    /// other server that does not start is gone on without.
    ///
    /// # Errors
    ///
    /// One of those two is not a program on this machine, or is no MCP server.
    pub(crate) async fn start(entries: Vec<McpServer>) -> anyhow::Result<Self> {
        let (mut starting, mut beyond) = (Vec::new(), Vec::new());
        for entry in entries {
            match entry {
                McpServer::Stdio(entry) => {
                    let needed = [WARROOM, MEMORY].contains(&entry.name.as_str());
                    starting.push((needed, tokio::spawn(Server::start(entry))));
                }
                McpServer::Http(entry) => {
                    beyond.push(told("HTTP", &entry.name, &entry.url, &entry.headers));
                }
                McpServer::Sse(entry) => {
                    beyond.push(told("SSE", &entry.name, &entry.url, &entry.headers));
                }
                _ => bail!("this agent knows no such way to an MCP server"),
            }
        }
        let mut list = Vec::new();
        for (needed, server) in starting {
            match server.await.context("a server's start was cut short")? {
                Ok(server) => list.push(server),
                Err(error) if needed => return Err(error),
                Err(error) => tracing::warn!("{error:#}"),
            }
        }
        Ok(Self { list, beyond })
    }

    /// A sentence on each server on the network.
    pub(crate) fn beyond(&self) -> &[String] {
        &self.beyond
    }

    /// The server of this name.
    pub(crate) fn find(&self, name: &str) -> Option<&Server> {
        self.list.iter().find(|server| server.entry.name == name)
    }
}

/// Where a server on the network is, and with which headers.
fn told(how: &str, name: &str, url: &str, headers: &[HttpHeader]) -> String {
    let headers = headers.iter().map(|header| format!(" ({}: {})", header.name, header.value));
    format!("I was given `{name}` at {url} by {how}{}.\n", headers.collect::<String>())
}

impl Server {
    async fn start(entry: McpServerStdio) -> anyhow::Result<Self> {
        let name = entry.name.clone();
        let mut command = tokio::process::Command::new(&entry.command);
        command.args(&entry.args);
        command.envs(entry.env.iter().map(|variable| (&variable.name, &variable.value)));
        let process = TokioChildProcess::new(command).with_context(|| {
            format!("the MCP server `{name}` did not start (`{}`)", entry.command.display())
        })?;
        let client =
            ().serve(process)
                .await
                .with_context(|| format!("the MCP server `{name}` did not answer"))?;
        Ok(Self { entry, client })
    }

    /// Starts a further copy of this server with other values for some of its
    /// options (`--role`, `--attempt`).
    pub(crate) async fn copy_with(&self, options: &[(&str, &str)]) -> anyhow::Result<Self> {
        let mut entry = self.entry.clone();
        for (option, value) in options {
            replace_option(&mut entry.args, option, value);
        }
        Self::start(entry).await
    }

    /// How to start a further copy of this server later, when this one may be gone.
    pub(crate) fn recipe(&self) -> impl Future<Output = anyhow::Result<Self>> + Send + use<> {
        Self::start(self.entry.clone())
    }

    /// Calls a tool. `arguments` is an object.
    ///
    /// # Errors
    ///
    /// The server is gone or broke its protocol; a tool that says no is an
    /// answer.
    pub(crate) async fn call(&self, tool: &str, arguments: &Value) -> anyhow::Result<Answer> {
        let arguments: Map<String, Value> = arguments.as_object().cloned().unwrap_or_default();
        let request = CallToolRequestParams::new(tool.to_owned()).with_arguments(arguments);
        let result = self
            .client
            .call_tool(request)
            .await
            .with_context(|| format!("`{tool}` of `{}` failed", self.entry.name))?;
        let ok = !result.is_error.unwrap_or(false);
        let value = result.structured_content.unwrap_or_else(|| text_of(&result.content));
        Ok(Answer { ok, value })
    }
}

/// The text of a result without structure: as JSON if it is some.
fn text_of(content: &[ContentBlock]) -> Value {
    let texts: Vec<&str> =
        content.iter().filter_map(|block| block.as_text().map(|text| text.text.as_str())).collect();
    let text = texts.join("\n");
    serde_json::from_str(&text).unwrap_or(Value::String(text))
}

/// Sets `--option value`, however the option was written before.
fn replace_option(args: &mut Vec<String>, option: &str, value: &str) {
    let joined = format!("{option}=");
    if let Some(found) = args.iter_mut().find(|arg| arg.starts_with(&joined)) {
        *found = format!("{joined}{value}");
        return;
    }
    match args.iter().position(|arg| arg == option).and_then(|at| args.get_mut(at + 1)) {
        Some(found) => value.clone_into(found),
        None => args.extend([option.to_owned(), value.to_owned()]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_is_replaced_in_either_form_or_added() {
        let replaced = |args: &[&str]| {
            let mut args: Vec<String> = args.iter().map(ToString::to_string).collect();
            replace_option(&mut args, "--role", "manager");
            args
        };
        assert_eq!(
            replaced(&["--role", "qa", "--room", "r"]),
            ["--role", "manager", "--room", "r"]
        );
        assert_eq!(replaced(&["--role=qa"]), ["--role=manager"]);
        assert_eq!(replaced(&["--room", "r"]), ["--room", "r", "--role", "manager"]);
    }
}
