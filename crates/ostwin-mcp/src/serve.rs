//! Serving over standard input and output until the client is gone.
//!
//! One thread drives the protocol; a tool runs on a second one, which is started with the first
//! call. That keeps the start quick and the process small: a session has several such servers.
//!
//! The protocol's meaning is a library's business. How messages come in and go out is ours, so
//! that every fault of a client is answered as JSON-RPC says, in bounded memory, and never ends a
//! session: `lines` cuts the stream, `heard` says what a line is, `traffic` bounds what is under
//! way, `stream` puts them together.

mod heard;
mod lines;
mod skim;
mod stream;
mod traffic;

use rmcp::ServiceExt;
use rmcp::service::ServerInitializeError;
use rmcp::transport::stdio_pipes;
use tokio::io::{AsyncRead, AsyncWrite};

use self::stream::{Stream, last_words};
use crate::server::Server;

/// Most calls at once. A call that waits for a person holds a thread while it waits.
const MAX_CALLS: usize = 64;

/// Why a server stopped other than by the end of its input.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The system gave no event loop.
    #[error("cannot start serving")]
    Runtime(#[source] std::io::Error),
    /// The client does not speak the protocol.
    #[error("the client does not speak the protocol: {0}")]
    Handshake(String),
    /// The protocol's task died, which is a defect.
    #[error("serving stopped by a defect")]
    Task(#[from] tokio::task::JoinError),
}

/// Serves on standard input and output until the input ends, or nobody reads the output any more.
/// Calls that are being worked on are answered first; a call that waits for a person is not waited
/// for.
///
/// # Errors
/// [`ServeError`]; the end of the input or of the output is none.
pub fn serve<S: Send + Sync + 'static>(server: Server<S>) -> Result<(), ServeError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .max_blocking_threads(MAX_CALLS)
        .build()
        .map_err(ServeError::Runtime)?;
    let outcome = runtime.block_on(async {
        let (input, output) = stdio_pipes();
        talk(server, input, output).await
    });
    // A read of standard input that nobody can cancel must not keep the process.
    runtime.shutdown_background();
    outcome
}

async fn talk<S, R, W>(server: Server<S>, input: R, output: W) -> Result<(), ServeError>
where
    S: Send + Sync + 'static,
    R: AsyncRead + Unpin + Send + 'static,
    W: AsyncWrite + Unpin + Send + 'static,
{
    let stream = Stream::new(input, output, server.ending());
    let traffic = stream.traffic();
    let outcome = match server.serve(stream).await {
        Ok(running) => running.waiting().await.map(drop).map_err(ServeError::Task),
        Err(
            ServerInitializeError::ConnectionClosed(_)
            | ServerInitializeError::TransportError { .. },
        ) => Ok(()),
        Err(error) => Err(ServeError::Handshake(error.to_string())),
    };
    last_words(&traffic).await;
    outcome
}
