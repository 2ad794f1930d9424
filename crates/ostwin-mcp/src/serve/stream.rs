//! The conversation as a stream of messages: lines in, lines out.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use rmcp::RoleServer;
use rmcp::model::{ClientNotification, ClientRequest, GetMeta, JsonRpcMessage, ProtocolVersion};
use rmcp::transport::Transport;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use super::heard::{Heard, Incoming, Said, hear, number_in_use, too_long};
use super::lines::{Line, Lines, MAX_LINE};
use super::traffic::{BOUNDS, BatchId, Outgoing, Traffic};

/// Longest wait at the end for a client that does not read what was answered.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// A stream of messages over a pair of byte streams.
///
/// It passes over what cannot open a conversation: the protocol library takes it for the end of
/// all, and a stray notification of a client is not worth a session.
#[derive(Debug)]
pub(super) struct Stream<R, W> {
    lines: Lines<R>,
    output: Arc<Mutex<W>>,
    traffic: Arc<Traffic>,
    /// Messages of a batch that are still to be worked on.
    heard: VecDeque<Incoming>,
    /// A request has opened the conversation.
    opened: bool,
    /// Cancelled when the client is gone.
    ending: CancellationToken,
}

impl<R, W> Stream<R, W>
where
    R: AsyncRead + Unpin + Send,
    W: AsyncWrite + Unpin + Send + 'static,
{
    pub(super) fn new(input: R, output: W, ending: CancellationToken) -> Self {
        Self {
            lines: Lines::new(input, MAX_LINE),
            output: Arc::new(Mutex::new(output)),
            traffic: Arc::new(Traffic::new(BOUNDS)),
            heard: VecDeque::new(),
            opened: false,
            ending,
        }
    }

    /// Its traffic, for who wants to know when all is written.
    pub(super) fn traffic(&self) -> Arc<Traffic> {
        Arc::clone(&self.traffic)
    }

    /// The next message that means something, and its size; none at the end.
    async fn next(&mut self) -> Option<Incoming> {
        loop {
            if let Some(message) = self.heard.pop_front() {
                return Some(message);
            }
            if !self.traffic.room().await {
                return None;
            }
            let line = tokio::select! {
                line = self.lines.next() => line,
                () = self.traffic.broken() => return None,
            };
            match line {
                Ok(Some(line)) => self.take(line),
                Ok(None) => return None,
                Err(error) => {
                    tracing::error!("cannot read from the client: {error}");
                    return None;
                }
            }
        }
    }

    fn take(&mut self, line: Line) {
        match line {
            Line::Whole(line) => match hear(&line, self.traffic.version().as_ref()) {
                Said::One(heard) => self.hear(heard, line.len(), None),
                Said::Batch(all) => {
                    let share = line.len() / all.len().max(1);
                    let batch = self.traffic.begin_batch();
                    for heard in all {
                        self.hear(heard, share, Some(batch));
                    }
                    self.answer(self.traffic.end_batch(batch));
                }
            },
            Line::TooLong { is_message: true, id } => self.hear(too_long(id, MAX_LINE), 0, None),
            Line::TooLong { is_message: false, .. } => {
                tracing::debug!("passed over a line of more than {MAX_LINE} bytes");
            }
        }
    }

    fn hear(&mut self, heard: Heard, bytes: usize, batch: Option<BatchId>) {
        let message = match heard {
            Heard::Message(message) => *message,
            Heard::Fault(fault) => return self.answer(self.traffic.faulted(fault, batch)),
            Heard::Nothing => return,
        };
        match &message {
            JsonRpcMessage::Request(request) => {
                if !self.traffic.asked(&request.id, bytes, batch) {
                    let fault = number_in_use(&request.id);
                    return self.answer(self.traffic.faulted(fault, batch));
                }
                self.opened |= opens(&request.request);
            }
            _ if !self.opened => {
                tracing::debug!("passed over what came before the conversation");
                return;
            }
            JsonRpcMessage::Notification(notification) => {
                if let ClientNotification::CancelledNotification(cancelled) =
                    &notification.notification
                    && let Some(id) = &cancelled.params.request_id
                {
                    self.answer(self.traffic.withdrawn(id));
                }
            }
            JsonRpcMessage::Response(_) | JsonRpcMessage::Error(_) => {}
        }
        self.heard.push_back(message);
    }

    /// Writes what nobody else is going to write.
    fn answer(&self, line: Option<Vec<u8>>) {
        if let Some(line) = line {
            tokio::spawn(write(Arc::clone(&self.output), Arc::clone(&self.traffic), line));
        }
    }
}

impl<R, W> Transport<RoleServer> for Stream<R, W>
where
    R: AsyncRead + Unpin + Send,
    W: AsyncWrite + Unpin + Send + 'static,
{
    type Error = io::Error;

    fn send(
        &mut self,
        message: Outgoing,
    ) -> impl Future<Output = Result<(), io::Error>> + Send + 'static {
        let line = self.traffic.outgoing(&message);
        let (output, traffic) = (Arc::clone(&self.output), Arc::clone(&self.traffic));
        async move {
            match line {
                Some(line) => write(output, traffic, line).await,
                None => Ok(()),
            }
        }
    }

    async fn receive(&mut self) -> Option<Incoming> {
        let message = self.next().await;
        if message.is_none() {
            self.ending.cancel();
        }
        message
    }

    async fn close(&mut self) -> Result<(), io::Error> {
        Ok(())
    }
}

/// Waits until the client has what was answered, if it still reads.
pub(super) async fn last_words(traffic: &Traffic) {
    if tokio::time::timeout(LAST_WORDS, traffic.written()).await.is_err() {
        tracing::debug!("the client does not read the last answers");
    }
}

async fn write<W>(output: Arc<Mutex<W>>, traffic: Arc<Traffic>, line: Vec<u8>) -> io::Result<()>
where
    W: AsyncWrite + Unpin,
{
    let mut output = output.lock().await;
    let mut written = output.write_all(&line).await;
    if written.is_ok() {
        written = output.flush().await;
    }
    traffic.wrote(written.is_ok());
    written
}

/// Whether the protocol library begins the conversation with this request: a greeting, or a
/// request that carries all that a greeting would have said. What comes before is answered one by
/// one.
fn opens(request: &ClientRequest) -> bool {
    match request {
        ClientRequest::InitializeRequest(_) => true,
        ClientRequest::PingRequest(_) | ClientRequest::DiscoverRequest(_) => false,
        request => {
            let meta = request.get_meta();
            meta.missing_required_keys(&ProtocolVersion::V_2026_07_28).is_empty()
                && meta
                    .protocol_version()
                    .is_some_and(|version| ProtocolVersion::KNOWN_VERSIONS.contains(&version))
        }
    }
}
