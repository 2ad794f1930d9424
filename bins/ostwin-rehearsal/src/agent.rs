//! The agent side of the protocol.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use agent_client_protocol::schema::ProtocolVersion;
use agent_client_protocol::v1::schema::{
    AgentCapabilities, CancelNotification, ContentBlock, Implementation, InitializeRequest,
    InitializeResponse, LoadSessionRequest, LoadSessionResponse, McpCapabilities, McpServer,
    NewSessionRequest, NewSessionResponse, PromptRequest, PromptResponse, SessionId, StopReason,
    Usage,
};
use agent_client_protocol::v1::{ConnectionTo, Responder};
use agent_client_protocol::{Agent, ByteStreams, Client, Error};
use anyhow::Context as _;
use tokio::task::JoinHandle;
use tokio_util::compat::{TokioAsyncReadCompatExt as _, TokioAsyncWriteCompatExt as _};

use crate::play::{self, TurnEnd};
use crate::script::Script;
use crate::session::{Part, Session};
use crate::stream::Stream;
use crate::tools::Servers;

/// What all sessions of this process share.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) script: Script,
    sessions: Mutex<HashMap<String, Arc<Session>>>,
    /// What goes on after the client is gone.
    encores: Mutex<Vec<JoinHandle<()>>>,
}

impl Stage {
    fn session(&self, id: &SessionId) -> Result<Arc<Session>, Error> {
        let sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions
            .get(&id.to_string())
            .cloned()
            .ok_or_else(|| Error::invalid_params().data(format!("there is no session `{id}`")))
    }

    fn add(&self, session: Arc<Session>) {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.insert(session.id.to_string(), session);
    }

    /// Lets `encore` finish before this process ends, whoever is gone by then.
    pub(crate) fn outlive(&self, encore: impl Future<Output = ()> + Send + 'static) {
        let mut encores = self.encores.lock().unwrap_or_else(PoisonError::into_inner);
        encores.push(tokio::spawn(encore));
    }

    async fn finish(&self) {
        loop {
            let encore = self.encores.lock().unwrap_or_else(PoisonError::into_inner).pop();
            match encore {
                // One that panicked is over too.
                Some(encore) => drop(encore.await),
                None => return,
            }
        }
    }
}

/// Serves one client on stdin and stdout until it closes the connection.
pub(crate) fn serve(script: Script) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let served = runtime.block_on(async {
        let stage =
            Arc::new(Stage { script, sessions: Mutex::default(), encores: Mutex::default() });
        let served = connect(Arc::clone(&stage)).await;
        stage.finish().await;
        served
    });
    // The thread that waits for input has nothing to wait for any more.
    runtime.shutdown_background();
    served.context("the connection to the client failed")
}

async fn connect(stage: Arc<Stage>) -> Result<(), Error> {
    let transport =
        ByteStreams::new(tokio::io::stdout().compat_write(), tokio::io::stdin().compat());
    let reaches_network = stage.script.reaches_network();
    let (new, load, prompt, cancel) =
        (Arc::clone(&stage), Arc::clone(&stage), Arc::clone(&stage), stage);
    Agent
        .v1()
        .name("ostwin-rehearsal")
        .on_receive_request(
            async move |_: InitializeRequest, responder, _| {
                responder.respond(initialized(reaches_network))
            },
            agent_client_protocol::on_receive_request!(),
        )
        .on_receive_request(
            async move |request: NewSessionRequest, responder, connection: ConnectionTo<Client>| {
                let stage = Arc::clone(&new);
                connection.spawn(async move {
                    let id = SessionId::new(format!("rehearsal-{:016x}", fastrand::u64(..)));
                    let opened = open(&stage, id, request.mcp_servers).await;
                    responder.respond_with_result(opened.map(NewSessionResponse::new))
                })
            },
            agent_client_protocol::on_receive_request!(),
        )
        .on_receive_request(
            async move |request: LoadSessionRequest,
                        responder,
                        connection: ConnectionTo<Client>| {
                let stage = Arc::clone(&load);
                connection.spawn(async move {
                    // Nothing was kept: whatever matters is in the room.
                    let opened = open(&stage, request.session_id, request.mcp_servers).await;
                    responder.respond_with_result(opened.map(|_| LoadSessionResponse::new()))
                })
            },
            agent_client_protocol::on_receive_request!(),
        )
        .on_receive_request(
            async move |request: PromptRequest, responder, connection: ConnectionTo<Client>| {
                let stage = Arc::clone(&prompt);
                let client = connection.clone();
                connection.spawn(turn(stage, request, responder, client))
            },
            agent_client_protocol::on_receive_request!(),
        )
        .on_receive_notification(
            async move |request: CancelNotification, _| {
                if let Ok(session) = cancel.session(&request.session_id) {
                    session.cancel();
                }
                Ok(())
            },
            agent_client_protocol::on_receive_notification!(),
        )
        .connect_to(transport)
        .await
}

fn initialized(reaches_network: bool) -> InitializeResponse {
    let version = env!("CARGO_PKG_VERSION");
    let servers = McpCapabilities::new().http(reaches_network).sse(reaches_network);
    let can = AgentCapabilities::new().load_session(true).mcp_capabilities(servers);
    InitializeResponse::new(ProtocolVersion::V1)
        .agent_capabilities(can)
        .agent_info(Implementation::new("ostwin-rehearsal", version))
}

async fn open(stage: &Stage, id: SessionId, servers: Vec<McpServer>) -> Result<SessionId, Error> {
    let servers = Servers::start(servers)
        .await
        .map_err(|error| Error::internal_error().data(format!("{error:#}")))?;
    stage.add(Session::new(id.clone(), servers));
    Ok(id)
}

/// One turn: the part is played until it is over, or until it is cancelled.
async fn turn(
    stage: Arc<Stage>,
    request: PromptRequest,
    responder: Responder<PromptResponse>,
    connection: ConnectionTo<Client>,
) -> Result<(), Error> {
    let session = match stage.session(&request.session_id) {
        Ok(session) => session,
        Err(error) => return responder.respond_with_error(error),
    };
    let cancelled = session.begin_turn();
    let prompt = text_of(&request.prompt);
    let stream = Stream::new(connection, session.id.clone());
    let mut part = session.part.lock().await;
    if let Some(new) = Part::cast(&stage.script, &prompt)
        && part.as_ref().is_none_or(|part| part.contract != new.contract)
    {
        if part.is_none() {
            session.servers.beyond().iter().for_each(|server| stream.say(server.clone()));
        }
        *part = Some(new);
    }
    let Some(part) = part.as_mut() else {
        let problem = "the prompt has no verdict contract that a rule of the script fits";
        return responder.respond_with_error(Error::invalid_params().data(problem));
    };
    let end = tokio::select! {
        biased;
        () = cancelled.cancelled() => TurnEnd::Stopped(StopReason::Cancelled),
        end = play::turn(&stage, &session, &stream, part) => end,
    };
    if part.stubborn {
        return std::future::pending().await;
    }
    match end {
        TurnEnd::Refused(error) => responder.respond_with_error(error),
        TurnEnd::Stopped(reason) if part.cue.unmetered => {
            responder.respond(PromptResponse::new(reason))
        }
        TurnEnd::Stopped(reason) => {
            let usage = figures(part, &prompt, &stream);
            responder.respond(PromptResponse::new(reason).usage(usage))
        }
    }
}

/// Tokens of a turn: the script's figures, or an estimate from the texts.
fn figures(part: &Part, prompt: &str, stream: &Stream) -> Usage {
    let (input, output, cost) = match part.cue.usage {
        Some(figures) => (figures.input_tokens, figures.output_tokens, figures.cost_usd),
        None => (prompt.len() as u64 / 4, stream.shown() / 4, 0.0),
    };
    stream.usage(input + output, cost);
    Usage::new(input + output, input, output)
}

fn text_of(prompt: &[ContentBlock]) -> String {
    let texts: Vec<&str> = prompt
        .iter()
        .filter_map(|block| match block {
            ContentBlock::Text(text) => Some(text.text.as_str()),
            _ => None,
        })
        .collect();
    texts.join("\n")
}
