//! The lines between client and agent.
//!
//! The protocol crate queues incoming messages without a bound, so bounds are
//! set here, before it sees them: a line may only be so long; session updates,
//! which are what an agent can flood us with, are handed to the sink right here
//! and never queued; and an agent may only have so many requests unanswered. In
//! each case the next line is simply not read, the pipe fills, and the agent
//! waits. Updates taken off the stream in order also means that all updates of
//! a turn have arrived when its answer does.

use std::borrow::Cow;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use agent_client_protocol::v1::schema::SessionNotification;
use futures::{Sink, Stream, StreamExt as _};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Semaphore;
use tokio_util::codec::{FramedRead, FramedWrite, LinesCodec, LinesCodecError};

use super::update::{Interpreter, UpdateSink};

/// The longest line that an agent may send.
pub(super) const MAX_LINE_BYTES: usize = 16 << 20;

/// How many requests of an agent may be unanswered before no more are read.
const MAX_UNANSWERED: usize = 64;

/// What the two directions share.
#[derive(Debug)]
pub(super) struct Wire {
    unanswered: Semaphore,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Why the stream was given up, in our own words.
    fault: Option<String>,
    /// Updates are the replay of an old session and not news.
    replaying: bool,
    /// Lines that were not messages at all.
    noise: u64,
}

impl Wire {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { unanswered: Semaphore::new(MAX_UNANSWERED), state: Mutex::default() })
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why the stream was given up, if it was.
    pub(super) fn fault(&self) -> Option<String> {
        self.state().fault.clone()
    }

    /// From now on updates are (not) the replay of an old session.
    pub(super) fn set_replaying(&self, replaying: bool) {
        self.state().replaying = replaying;
    }

    /// How many lines were no messages.
    pub(super) fn noise(&self) -> u64 {
        self.state().noise
    }
}

/// The part of a message that decides where it goes.
#[derive(Debug, Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default)]
    method: Option<Cow<'a, str>>,
    #[serde(default)]
    id: Option<IgnoredAny>,
    #[serde(borrow, default)]
    params: Option<&'a RawValue>,
}

/// Where a line goes.
#[derive(Debug)]
enum Line {
    /// On to the protocol crate.
    Message,
    /// On to the protocol crate, and it will be answered.
    Request,
    /// To the sink. Boxed: it is much larger than the rest.
    Update(Box<SessionNotification>),
    /// An update that could not be read.
    BadUpdate,
    /// Nowhere: programs print things.
    Noise,
}

fn classify(text: &str) -> Line {
    let Ok(envelope) = serde_json::from_str::<Envelope<'_>>(text) else { return Line::Noise };
    match (envelope.method.as_deref(), envelope.id) {
        (Some("session/update"), None) => {
            let params = envelope.params.map_or("null", RawValue::get);
            serde_json::from_str(params)
                .map_or(Line::BadUpdate, |update| Line::Update(Box::new(update)))
        }
        (Some(_), Some(_)) => Line::Request,
        (Some(_), None) | (None, Some(_)) => Line::Message,
        (None, None) => Line::Noise,
    }
}

/// The agent's lines, without the updates, which go to `sink`.
pub(super) fn incoming<R, S>(
    reader: R,
    wire: Arc<Wire>,
    sink: Arc<Mutex<S>>,
) -> impl Stream<Item = io::Result<String>> + Send + 'static
where
    R: AsyncRead + Send + Unpin + 'static,
    S: UpdateSink + ?Sized + 'static,
{
    let lines = FramedRead::new(reader, LinesCodec::new_with_max_length(MAX_LINE_BYTES));
    let interpreter = Interpreter::default();
    futures::stream::unfold(
        (lines, wire, sink, interpreter),
        async |(mut lines, wire, sink, mut interpreter)| {
            loop {
                let text = match lines.next().await? {
                    Ok(text) => text,
                    Err(error) => {
                        let fault = describe(&error);
                        wire.state().fault = Some(fault.clone());
                        return Some((
                            Err(io::Error::other(fault)),
                            (lines, wire, sink, interpreter),
                        ));
                    }
                };
                match classify(&text) {
                    Line::Message => {}
                    Line::Request => {
                        // Given back when the answer goes out.
                        if let Ok(permit) = wire.unanswered.acquire().await {
                            permit.forget();
                        }
                    }
                    Line::Update(notification) => {
                        if !wire.state().replaying {
                            let mut sink = sink.lock().unwrap_or_else(PoisonError::into_inner);
                            for update in interpreter.interpret(notification.update) {
                                sink.update(update);
                            }
                        }
                        // A flood must not keep the task from its other work.
                        tokio::task::coop::consume_budget().await;
                        continue;
                    }
                    Line::BadUpdate => {
                        tracing::debug!(bytes = text.len(), "an update of the agent is unreadable");
                        continue;
                    }
                    Line::Noise => {
                        if !text.trim().is_empty() {
                            wire.state().noise += 1;
                            tracing::debug!(
                                bytes = text.len(),
                                "a line of the agent is no message"
                            );
                        }
                        continue;
                    }
                }
                return Some((Ok(text), (lines, wire, sink, interpreter)));
            }
        },
    )
}

fn describe(error: &LinesCodecError) -> String {
    match error {
        LinesCodecError::MaxLineLengthExceeded => {
            format!("the agent sent a line of more than {MAX_LINE_BYTES} bytes")
        }
        LinesCodecError::Io(error) => format!("the agent's output failed: {error}"),
    }
}

/// The lines to the agent.
pub(super) fn outgoing<W>(
    writer: W,
    wire: Arc<Wire>,
) -> impl Sink<String, Error = io::Error> + Send + 'static
where
    W: AsyncWrite + Send + Unpin + 'static,
{
    Outgoing { lines: FramedWrite::new(writer, LinesCodec::new()), wire }
}

/// Counts the answers that go out.
#[derive(Debug)]
struct Outgoing<W> {
    lines: FramedWrite<W, LinesCodec>,
    wire: Arc<Wire>,
}

impl<W: AsyncWrite + Unpin> Sink<String> for Outgoing<W> {
    type Error = io::Error;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(
            ready!(Sink::<String>::poll_ready(Pin::new(&mut self.get_mut().lines), cx))
                .map_err(io_error),
        )
    }

    fn start_send(self: Pin<&mut Self>, text: String) -> io::Result<()> {
        let answer = serde_json::from_str::<Envelope<'_>>(&text)
            .is_ok_and(|envelope| envelope.method.is_none());
        if answer {
            self.wire.unanswered.add_permits(1);
        }
        Pin::new(&mut self.get_mut().lines).start_send(text).map_err(io_error)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(
            ready!(Sink::<String>::poll_flush(Pin::new(&mut self.get_mut().lines), cx))
                .map_err(io_error),
        )
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(
            ready!(Sink::<String>::poll_close(Pin::new(&mut self.get_mut().lines), cx))
                .map_err(io_error),
        )
    }
}

fn io_error(error: LinesCodecError) -> io::Error {
    match error {
        LinesCodecError::Io(error) => error,
        LinesCodecError::MaxLineLengthExceeded => io::Error::other(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_go_where_they_belong() {
        let update = r#"{"jsonrpc":"2.0","method":"session/update","params":{"sessionId":"s","update":{"sessionUpdate":"agent_message_chunk","content":{"type":"text","text":"hi"}}}}"#;
        assert!(matches!(classify(update), Line::Update(_)));
        let unknown = r#"{"method":"session/update","params":{"sessionId":"s","update":{"sessionUpdate":"from_the_future"}}}"#;
        assert!(matches!(classify(unknown), Line::BadUpdate));
        let request = r#"{"id":null,"method":"session/request_permission","params":{}}"#;
        assert!(matches!(classify(request), Line::Message), "a null id asks for no answer");
        assert!(matches!(classify(r#"{"id":3,"method":"x"}"#), Line::Request));
        assert!(matches!(classify(r#"{"id":3,"result":{}}"#), Line::Message));
        for noise in ["", "Loading model...", "[1,2]", "{}", "17", "{\"id\":"] {
            assert!(matches!(classify(noise), Line::Noise), "{noise}");
        }
    }
}
