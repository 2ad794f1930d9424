//! Serving over standard input and output until the client is gone.
//!
//! One thread drives the protocol; a tool runs on a second one, which is started with the first
//! call. That keeps the start quick and the process small: a session has several such servers.

use rmcp::model::JsonRpcMessage;
use rmcp::service::{RxJsonRpcMessage, ServerInitializeError, TxJsonRpcMessage};
use rmcp::transport::async_rw::AsyncRwTransport;
use rmcp::transport::{Transport, stdio_pipes};
use rmcp::{RoleServer, ServiceExt};
use tokio_util::sync::CancellationToken;

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

/// Serves on standard input and output until the input ends. Calls that are being worked on are
/// answered first; a call that waits for a person is not waited for.
///
/// # Errors
/// [`ServeError`]; the end of the input is none.
pub fn serve<S: Send + Sync + 'static>(server: Server<S>) -> Result<(), ServeError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .max_blocking_threads(MAX_CALLS)
        .build()
        .map_err(ServeError::Runtime)?;
    let outcome = runtime.block_on(async {
        let (input, output) = stdio_pipes();
        let stream = AsyncRwTransport::new_server(input, output);
        talk(server, stream).await
    });
    // A read of standard input that nobody can cancel must not keep the process.
    runtime.shutdown_background();
    outcome
}

async fn talk<S, T>(server: Server<S>, stream: T) -> Result<(), ServeError>
where
    S: Send + Sync + 'static,
    T: Transport<RoleServer> + 'static,
{
    let transport = Listening { stream, opened: false, ending: server.ending() };
    match server.serve(transport).await {
        Ok(running) => {
            running.waiting().await?;
            Ok(())
        }
        Err(ServerInitializeError::ConnectionClosed(_)) => Ok(()),
        Err(error) => Err(ServeError::Handshake(error.to_string())),
    }
}

/// A stream that says when the client is gone, and that passes over what cannot open a
/// conversation: the protocol library takes it for the end of all, and a stray notification of a
/// client is not worth a session.
struct Listening<T> {
    stream: T,
    opened: bool,
    ending: CancellationToken,
}

impl<T: Transport<RoleServer>> Transport<RoleServer> for Listening<T> {
    type Error = T::Error;

    fn send(
        &mut self,
        item: TxJsonRpcMessage<RoleServer>,
    ) -> impl Future<Output = Result<(), T::Error>> + Send + 'static {
        self.stream.send(item)
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        loop {
            let Some(message) = self.stream.receive().await else {
                self.ending.cancel();
                return None;
            };
            self.opened |= matches!(message, JsonRpcMessage::Request(_));
            if self.opened {
                return Some(message);
            }
            tracing::debug!("passed over what came before the first request");
        }
    }

    async fn close(&mut self) -> Result<(), T::Error> {
        self.stream.close().await
    }
}
