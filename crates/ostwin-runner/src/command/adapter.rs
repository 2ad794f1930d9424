//! The agent side of the protocol, around a program that does not speak it.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use agent_client_protocol::schema::ProtocolVersion;
use agent_client_protocol::v1::schema::{
    AgentCapabilities, CancelNotification, ContentBlock, ContentChunk, Implementation,
    InitializeRequest, InitializeResponse, McpCapabilities, McpServer, NewSessionRequest,
    NewSessionResponse, PromptRequest, PromptResponse, SessionId, SessionNotification,
    SessionUpdate, StopReason, TextContent,
};
use agent_client_protocol::v1::{ConnectionTo, Responder};
use agent_client_protocol::{Agent, ByteStreams, Client, Error};
use ostwin_core::config::CommandOutput;
use ostwin_core::env;
use ostwin_core::redact::Secrets;
use tokio_util::compat::{TokioAsyncReadCompatExt as _, TokioAsyncWriteCompatExt as _};
use tokio_util::sync::CancellationToken;

use super::answer;
use super::program::{self, Run};

/// The code of an error that the program's own exit is.
const EXITED: i32 = -32_001;

/// The one session of this process.
#[derive(Debug)]
struct Desk {
    output: CommandOutput,
    argv: Vec<String>,
    session: Mutex<Session>,
}

#[derive(Debug, Default)]
struct Session {
    cwd: PathBuf,
    /// What must not be recorded; the client hands it over with the servers.
    secrets: Secrets,
    /// The first prompt: a program remembers nothing between its runs.
    prompt: Option<String>,
    /// Why the last answer was not posted.
    refused: Option<String>,
    running: CancellationToken,
}

impl Desk {
    fn session(&self) -> std::sync::MutexGuard<'_, Session> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Serves one client on standard input and output until it closes the connection.
///
/// # Errors
/// In words: the connection failed.
pub(super) fn serve(output: CommandOutput, argv: Vec<String>) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start the runtime: {error}"))?;
    let desk = Arc::new(Desk { output, argv, session: Mutex::default() });
    let served = runtime.block_on(connect(desk));
    // The thread that waits for input has nothing to wait for any more.
    runtime.shutdown_background();
    served.map_err(|error| format!("the connection failed: {error}"))
}

async fn connect(desk: Arc<Desk>) -> Result<(), Error> {
    let transport =
        ByteStreams::new(tokio::io::stdout().compat_write(), tokio::io::stdin().compat());
    let name = desk.argv.first().cloned().unwrap_or_default();
    let (new, prompt, cancel) = (Arc::clone(&desk), Arc::clone(&desk), desk);
    Agent
        .v1()
        .name("ostwin-command")
        .on_receive_request(
            async move |_: InitializeRequest, responder, _| responder.respond(initialized(&name)),
            agent_client_protocol::on_receive_request!(),
        )
        .on_receive_request(
            async move |request: NewSessionRequest, responder, _| {
                let secrets = handed(&request.mcp_servers);
                *new.session() = Session { cwd: request.cwd, secrets, ..Session::default() };
                responder.respond(NewSessionResponse::new(SessionId::new("command")))
            },
            agent_client_protocol::on_receive_request!(),
        )
        .on_receive_request(
            async move |request: PromptRequest, responder, connection: ConnectionTo<Client>| {
                let desk = Arc::clone(&prompt);
                let client = connection.clone();
                connection.spawn(turn(desk, request, responder, client))
            },
            agent_client_protocol::on_receive_request!(),
        )
        .on_receive_notification(
            async move |_: CancelNotification, _| {
                cancel.session().running.cancel();
                Ok(())
            },
            agent_client_protocol::on_receive_notification!(),
        )
        .connect_to(transport)
        .await
}

fn initialized(program: &str) -> InitializeResponse {
    let name = program.rsplit('/').next().unwrap_or(program);
    InitializeResponse::new(ProtocolVersion::V1)
        // The program reads its servers from a file, or has none.
        .agent_capabilities(AgentCapabilities::new().mcp_capabilities(every_server()))
        .agent_info(Implementation::new(name, ""))
}

fn every_server() -> McpCapabilities {
    McpCapabilities::new().http(true).sse(true)
}

/// The secrets that the own servers of the session are handed, which this process must not record
/// either.
fn handed(servers: &[McpServer]) -> Secrets {
    let variables = servers.iter().filter_map(|server| match server {
        McpServer::Stdio(server) => Some(&server.env),
        _ => None,
    });
    let handed = variables.flatten().find(|variable| variable.name == env::SECRETS);
    handed.and_then(|variable| Secrets::handed(&variable.value)).unwrap_or_default()
}

/// One turn: one run of the program.
async fn turn(
    desk: Arc<Desk>,
    request: PromptRequest,
    responder: Responder<PromptResponse>,
    connection: ConnectionTo<Client>,
) -> Result<(), Error> {
    let text = text_of(&request.prompt);
    let (cwd, prompt, cancelled) = {
        let mut session = desk.session();
        let prompt = told(&mut session, text);
        session.running = CancellationToken::new();
        (session.cwd.clone(), prompt, session.running.clone())
    };
    let id = request.session_id;
    let say = |text: String| {
        let chunk = ContentChunk::new(ContentBlock::Text(TextContent::new(text)));
        let update = SessionUpdate::AgentMessageChunk(chunk);
        // A client that is gone closes the connection, which ends this process.
        let _ = connection.send_notification(SessionNotification::new(id.clone(), update));
    };
    let run = match program::run(&desk.argv, &cwd, prompt, &cancelled, &say).await {
        Ok(run) => run,
        Err(error) => {
            let program = desk.argv.first().map_or("", String::as_str);
            let problem = format!("`{program}` cannot be run: {error}");
            return responder.respond_with_error(Error::new(EXITED, problem));
        }
    };
    if run.cancelled {
        return responder.respond(PromptResponse::new(StopReason::Cancelled));
    }
    if run.status.code != Some(0) {
        let problem = format!("the program ended with {}", run.status);
        return responder.respond_with_error(Error::new(EXITED, problem));
    }
    if desk.output == CommandOutput::Jsonl
        && let Err(problem) = post(&desk, run).await
    {
        say(format!("\n[ostwin: the answer was not posted: {problem}]\n"));
    }
    responder.respond(PromptResponse::new(StopReason::EndTurn))
}

/// Posts the answer in the last line, and remembers why it was refused.
async fn post(desk: &Desk, run: Run) -> Result<(), String> {
    let secrets = desk.session().secrets.clone();
    let posted = tokio::task::spawn_blocking(move || answer::post(run.last_line, &secrets)).await;
    let posted = posted.unwrap_or_else(|error| Err(error.to_string()));
    desk.session().refused = posted.as_ref().err().cloned();
    posted.map(drop)
}

/// What the program is told: a further prompt stands behind the first, with the reason why its
/// last answer did not count.
fn told(session: &mut Session, text: String) -> String {
    let Some(first) = &session.prompt else {
        session.prompt = Some(text.clone());
        return text;
    };
    let refused = session.refused.take();
    let refused = refused.map(|problem| format!("\n\nYour last answer was not posted: {problem}"));
    format!("{first}\n\n---\n\n{text}{}\n", refused.unwrap_or_default())
}

fn text_of(content: &[ContentBlock]) -> String {
    let texts = content.iter().filter_map(|block| match block {
        ContentBlock::Text(text) => Some(text.text.as_str()),
        _ => None,
    });
    texts.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_further_prompt_repeats_the_first_and_says_what_was_wrong() {
        let mut session = Session::default();
        assert_eq!(told(&mut session, "Do it.".to_owned()), "Do it.");
        session.refused = Some("no JSON".to_owned());
        assert_eq!(
            told(&mut session, "Post it.".to_owned()),
            "Do it.\n\n---\n\nPost it.\n\nYour last answer was not posted: no JSON\n"
        );
        assert_eq!(told(&mut session, "Now.".to_owned()), "Do it.\n\n---\n\nNow.\n");
    }
}
