//! One agent session: handshake, prompts, cancellation.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use agent_client_protocol::schema::ProtocolVersion;
use agent_client_protocol::v1::ConnectionTo;
use agent_client_protocol::v1::schema::{
    CancelNotification, ContentBlock, Implementation, InitializeRequest, InitializeResponse,
    LoadSessionRequest, McpServer as WireMcpServer, NewSessionRequest, PromptRequest,
    RequestPermissionRequest, RequestPermissionResponse, SessionConfigId, SessionConfigKind,
    SessionConfigOption, SessionConfigOptionCategory, SessionConfigSelectOption,
    SessionConfigSelectOptions, SessionConfigValueId, SessionId, SetSessionConfigOptionRequest,
    StopReason as WireStopReason, TextContent,
};
use agent_client_protocol::{Agent, Client, Lines};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::failure::AcpError;
use super::permission::{PermissionAsk, PermissionDecision, PermissionPolicy};
use super::servers::{self, McpServer, RemoteServer};
use super::update::{TokenUsage, UpdateSink};
use super::wire::{self, Wire};

/// How to open a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// The session's working directory, absolute.
    pub cwd: PathBuf,
    /// The session's MCP servers.
    pub mcp_servers: Vec<McpServer>,
    /// Those that it reaches over the network, where the agent can.
    pub remote_servers: Vec<RemoteServer>,
    /// An earlier session of this agent to go on with, where it can load one.
    pub resume: Option<String>,
    /// The model to select, where the agent offers a choice.
    pub model: Option<String>,
    /// Further settings by name, where the agent offers an option of that name and value.
    pub options: Vec<(&'static str, String)>,
    /// How long each step of the handshake may take.
    pub handshake_timeout: Duration,
    /// The version that we give as ours.
    pub client_version: String,
}

/// What is known about an agent once a session is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentInfo {
    /// The agent's own name and version, if it tells.
    pub name: Option<String>,
    /// Its version, if it tells.
    pub version: Option<String>,
    /// The agent's id of the session.
    pub session_id: String,
    /// The session is the earlier one that was asked for.
    pub resumed: bool,
    /// The agent can load this session again later.
    pub can_resume: bool,
    /// The models that it offers, by their ids; empty if it offers no such choice.
    pub models: Vec<String>,
    /// The wanted model was selected; false if the agent offers no such choice.
    pub model_selected: bool,
    /// What the session was to have and the agent has no place for, each in one sentence.
    pub left_out: Vec<String>,
}

/// Why a turn ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// The agent has nothing more to say.
    EndTurn,
    /// The model's limit on tokens was hit.
    MaxTokens,
    /// The agent's limit on requests to the model was hit.
    MaxTurnRequests,
    /// The model refused.
    Refusal,
    /// We cancelled it.
    Cancelled,
    /// Something this version doesn't know.
    Other,
}

/// The end of a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PromptEnd {
    /// Why it ended.
    pub stop_reason: StopReason,
    /// Tokens of this turn, if the agent tells.
    pub usage: Option<TokenUsage>,
}

/// An open session. Dropping it closes the streams at once.
#[derive(Debug)]
pub struct Session {
    connection: ConnectionTo<Agent>,
    id: SessionId,
    info: AgentInfo,
    wire: Arc<Wire>,
    driver: Driver,
}

/// The task that drives the connection. It ends with this handle.
#[derive(Debug)]
struct Driver {
    task: JoinHandle<()>,
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Session {
    /// Connects to an agent over its streams and opens a session: `initialize`,
    /// then `session/load` if there is an earlier session and the agent can,
    /// else `session/new`, then the model.
    ///
    /// Updates go to `sink` from the start, except the replay of an earlier
    /// session. Permission requests are answered by `policy`, and `observe` is
    /// told each decision.
    ///
    /// # Errors
    ///
    /// Any step failed. The streams are closed then.
    pub async fn open<S: UpdateSink + 'static>(
        reader: impl AsyncRead + Send + Unpin + 'static,
        writer: impl AsyncWrite + Send + Unpin + 'static,
        open: &Open,
        sink: Arc<Mutex<S>>,
        policy: Arc<dyn PermissionPolicy>,
        observe: impl Fn(&PermissionAsk, &PermissionDecision) + Send + Sync + 'static,
    ) -> Result<Self, AcpError> {
        let wire = Wire::new();
        let lines = Lines::new(
            wire::outgoing(writer, Arc::clone(&wire)),
            Box::pin(wire::incoming(reader, Arc::clone(&wire), sink)),
        );
        let (connection, driver) = drive(lines, policy, observe).await?;
        let mut session = Handshake { connection, wire, driver, open };
        let agent = session.initialize().await?;
        session.open_session(&agent).await
    }

    /// What is known about the agent and the session.
    pub fn info(&self) -> &AgentInfo {
        &self.info
    }

    /// Sends a prompt and waits for the end of the turn. Dropping the future
    /// tells the agent that nobody waits for the answer any more.
    ///
    /// # Errors
    ///
    /// The agent answered with an error, broke the protocol, or is gone.
    pub async fn prompt(&self, text: &str) -> Result<PromptEnd, AcpError> {
        let content = vec![ContentBlock::Text(TextContent::new(text))];
        let request = PromptRequest::new(self.id.clone(), content);
        let answer = self.connection.send_request(request).block_task().await;
        let answer = answer.map_err(|error| AcpError::from_error(&error, self.wire.fault()))?;
        Ok(PromptEnd {
            stop_reason: match answer.stop_reason {
                WireStopReason::EndTurn => StopReason::EndTurn,
                WireStopReason::MaxTokens => StopReason::MaxTokens,
                WireStopReason::MaxTurnRequests => StopReason::MaxTurnRequests,
                WireStopReason::Refusal => StopReason::Refusal,
                WireStopReason::Cancelled => StopReason::Cancelled,
                _ => StopReason::Other,
            },
            usage: match &answer.usage {
                Some(usage) => Some(usage.into()),
                None => answer.meta.as_ref().and_then(TokenUsage::in_meta),
            },
        })
    }

    /// Asks the agent to end its turn. The turn's end still comes through
    /// [`prompt`](Self::prompt).
    pub fn cancel(&self) {
        // A closed connection shows in the prompt's answer.
        let _ = self.connection.send_notification(CancelNotification::new(self.id.clone()));
    }

    /// Lines of the agent that were no protocol messages.
    pub fn noise(&self) -> u64 {
        self.wire.noise()
    }

    /// Closes the streams and waits until they are closed.
    pub async fn close(mut self) {
        self.driver.task.abort();
        // Aborted or done: closed in both cases.
        let _ = (&mut self.driver.task).await;
    }
}

/// Starts the task that drives the connection and returns its handle.
async fn drive(
    lines: impl agent_client_protocol::ConnectTo<Client> + 'static,
    policy: Arc<dyn PermissionPolicy>,
    observe: impl Fn(&PermissionAsk, &PermissionDecision) + Send + Sync + 'static,
) -> Result<(ConnectionTo<Agent>, Driver), AcpError> {
    let (hand_out, handed_out) = oneshot::channel();
    let observe = Arc::new(observe);
    let connection = Client
        .v1()
        .name("ostwin")
        .on_receive_request(
            async move |request: RequestPermissionRequest,
                        responder,
                        connection: ConnectionTo<Agent>| {
                let policy = Arc::clone(&policy);
                let observe = Arc::clone(&observe);
                // Not in the handler itself: a person may take a while, and the
                // agent's other messages are read meanwhile.
                connection.spawn(async move {
                    let ask = PermissionAsk::from(request);
                    let decision = policy.decide(&ask).await;
                    observe(&ask, &decision);
                    responder.respond(RequestPermissionResponse::from(&decision))
                })
            },
            agent_client_protocol::on_receive_request!(),
        )
        .connect_with(lines, async move |connection: ConnectionTo<Agent>| {
            // The receiver is gone only if the opening was given up; then this
            // task is about to be aborted.
            let _ = hand_out.send(connection);
            std::future::pending().await
        });
    let task = tokio::spawn(async move {
        let ended: Result<(), agent_client_protocol::Error> = connection.await;
        if let Err(error) = ended {
            tracing::debug!(%error, "the connection to the agent ended");
        }
    });
    let driver = Driver { task };
    let connection = handed_out.await.map_err(|_| AcpError::Closed)?;
    Ok((connection, driver))
}

/// A session that is being opened.
struct Handshake<'a> {
    connection: ConnectionTo<Agent>,
    wire: Arc<Wire>,
    driver: Driver,
    open: &'a Open,
}

impl Handshake<'_> {
    /// Sends one request and waits for the answer, for so long.
    async fn step<R>(&self, name: &'static str, request: R) -> Result<R::Response, AcpError>
    where
        R: agent_client_protocol::JsonRpcRequest,
        R::Response: Send,
    {
        let answer = self.connection.send_request(request).block_task();
        match tokio::time::timeout(self.open.handshake_timeout, answer).await {
            Err(_) => Err(AcpError::HandshakeTimeout(name)),
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(AcpError::from_error(&error, self.wire.fault())),
        }
    }

    async fn initialize(&mut self) -> Result<InitializeResponse, AcpError> {
        // No file system and no terminal are offered: agents use their own,
        // inside the process tree that the guardian ends.
        let client = Implementation::new("ostwin", self.open.client_version.clone());
        let request = InitializeRequest::new(ProtocolVersion::V1).client_info(client);
        let agent = self.step("initialize", request).await?;
        if agent.protocol_version != ProtocolVersion::V1 {
            return Err(AcpError::Protocol(format!(
                "it speaks version {} of the protocol, and 1 is needed",
                agent.protocol_version
            )));
        }
        Ok(agent)
    }

    async fn open_session(self, agent: &InitializeResponse) -> Result<Session, AcpError> {
        let can_load = agent.agent_capabilities.load_session;
        let Open { mcp_servers, remote_servers, .. } = self.open;
        let can = &agent.agent_capabilities.mcp_capabilities;
        let servers = servers::given(mcp_servers, remote_servers, can);
        let loaded = match &self.open.resume {
            Some(earlier) if can_load => self.load(earlier, servers.clone()).await?,
            _ => None,
        };
        let resumed = loaded.is_some();
        let (id, options) = match loaded {
            Some(loaded) => loaded,
            None => {
                let request = NewSessionRequest::new(self.open.cwd.clone()).mcp_servers(servers);
                let answer = self.step("session/new", request).await?;
                (answer.session_id, answer.config_options.unwrap_or_default())
            }
        };
        let model_selected = self.select_model(&id, &options).await?;
        let mut left_out = servers::left_out(remote_servers, can);
        left_out.extend(self.set_options(&id, &options).await?);
        let info = AgentInfo {
            name: agent.agent_info.as_ref().map(|agent| agent.name.clone()),
            version: agent.agent_info.as_ref().map(|agent| agent.version.clone()),
            session_id: id.to_string(),
            resumed,
            can_resume: can_load,
            models: models(&options).map(|(_, value)| value.value.to_string()).collect(),
            model_selected,
            left_out,
        };
        let Self { connection, wire, driver, .. } = self;
        Ok(Session { connection, id, info, wire, driver })
    }

    /// Loads the earlier session; `None` if the agent no longer has it, which
    /// only means a fresh one.
    async fn load(
        &self,
        earlier: &str,
        servers: Vec<WireMcpServer>,
    ) -> Result<Option<(SessionId, Vec<SessionConfigOption>)>, AcpError> {
        let id = SessionId::new(earlier);
        let request =
            LoadSessionRequest::new(id.clone(), self.open.cwd.clone()).mcp_servers(servers);
        self.wire.set_replaying(true);
        let answer = self.step("session/load", request).await;
        self.wire.set_replaying(false);
        match answer {
            Ok(answer) => Ok(Some((id, answer.config_options.unwrap_or_default()))),
            Err(error @ AcpError::Agent { .. }) => {
                tracing::info!(session = earlier, %error, "the earlier session can't be loaded");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Selects the wanted model, if one is wanted and the agent offers it.
    async fn select_model(
        &self,
        id: &SessionId,
        options: &[SessionConfigOption],
    ) -> Result<bool, AcpError> {
        let Some(wanted) = &self.open.model else { return Ok(false) };
        let Some((option, value)) = find_model(options, wanted) else { return Ok(false) };
        self.set(id, option, value).await?;
        Ok(true)
    }

    /// Sets the further settings that the agent has a place for; what is said of the others.
    async fn set_options(
        &self,
        id: &SessionId,
        options: &[SessionConfigOption],
    ) -> Result<Vec<String>, AcpError> {
        let mut left_out = Vec::new();
        for (name, wanted) in &self.open.options {
            let Some(option) = options.iter().find(|option| *option.id.0 == **name) else {
                left_out.push(format!(
                    "`{name}` ({wanted}) has no effect: the agent's program offers no such option"
                ));
                continue;
            };
            let Some(value) = values(option).find(|value| is_value(value, wanted)) else {
                left_out.push(format!(
                    "`{name}` ({wanted}) has no effect: the agent's program does not offer that value"
                ));
                continue;
            };
            match self.set(id, option.id.clone(), value.value.clone()).await {
                Err(AcpError::Agent { message, .. }) => left_out.push(format!(
                    "`{name}` ({wanted}) has no effect: the agent's program refuses it: {message}"
                )),
                set => set?,
            }
        }
        Ok(left_out)
    }

    async fn set(
        &self,
        id: &SessionId,
        option: SessionConfigId,
        value: SessionConfigValueId,
    ) -> Result<(), AcpError> {
        let request = SetSessionConfigOptionRequest::new(id.clone(), option, value);
        self.step("session/set_config_option", request).await?;
        Ok(())
    }
}

/// The models that an agent offers, each with the setting that selects it.
fn models(
    options: &[SessionConfigOption],
) -> impl Iterator<Item = (&SessionConfigOption, &SessionConfigSelectOption)> {
    let models =
        options.iter().filter(|option| option.category == Some(SessionConfigOptionCategory::Model));
    models.flat_map(|option| values(option).map(move |value| (option, value)))
}

/// The values that an option offers.
fn values(option: &SessionConfigOption) -> impl Iterator<Item = &SessionConfigSelectOption> {
    let mut values: Vec<_> = Vec::new();
    if let SessionConfigKind::Select(select) = &option.kind {
        match &select.options {
            SessionConfigSelectOptions::Ungrouped(flat) => values.extend(flat),
            SessionConfigSelectOptions::Grouped(groups) => {
                values.extend(groups.iter().flat_map(|group| &group.options));
            }
            _ => {}
        }
    }
    values.into_iter()
}

/// Whether this value is the one called `wanted`, by id or name; `0.20` is `0.2`.
fn is_value(value: &SessionConfigSelectOption, wanted: &str) -> bool {
    let number = wanted.parse::<f64>().ok();
    [value.value.to_string(), value.name.clone()]
        .iter()
        .any(|called| called == wanted || (number.is_some() && called.parse().ok() == number))
}

/// The setting and value that select the model called `wanted`, by id or name.
fn find_model(
    options: &[SessionConfigOption],
    wanted: &str,
) -> Option<(SessionConfigId, SessionConfigValueId)> {
    models(options)
        .find(|(_, value)| value.value.to_string() == wanted || value.name == wanted)
        .map(|(option, value)| (option.id.clone(), value.value.clone()))
}
