//! What was asked and is not answered, and what is answered and not yet written.
//!
//! Both are bounded: a client that asks without reading the answers, or faster than they can be
//! found, is simply not read from until there is room again. The answers to a batch are kept until
//! the last of them is there.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rmcp::RoleServer;
use rmcp::model::{
    ErrorData, InitializeResult, JsonRpcError, JsonRpcMessage, JsonRpcResponse, ProtocolVersion,
    RequestId, ServerResult,
};
use rmcp::service::TxJsonRpcMessage;
use tokio::sync::Notify;

use super::heard::in_short;

/// A message of ours.
pub(super) type Outgoing = TxJsonRpcMessage<RoleServer>;

/// What is allowed to gather.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Most requests that are not answered.
    pub(super) open: usize,
    /// Most bytes of such requests, one of any length apart.
    pub(super) open_bytes: usize,
    /// Most answers that are not written.
    pub(super) unwritten: usize,
}

/// Longest error, in bytes.
const MAX_ERROR: usize = 64 << 10;

/// More than 64 calls do not run at once, and some may wait for a person.
pub(super) const BOUNDS: Bounds = Bounds { open: 256, open_bytes: 32 << 20, unwritten: 64 };

/// The traffic of one conversation.
#[derive(Debug)]
pub(super) struct Traffic {
    state: Mutex<State>,
    changed: Notify,
    bounds: Bounds,
}

#[derive(Debug, Default)]
struct State {
    open: HashMap<RequestId, Asked>,
    open_bytes: usize,
    unwritten: usize,
    batches: HashMap<u64, Batch>,
    next_batch: u64,
    version: Option<ProtocolVersion>,
    /// Nobody reads what we write any more.
    broken: bool,
}

#[derive(Debug)]
struct Asked {
    bytes: usize,
    batch: Option<u64>,
}

/// The answers to a batch so far.
#[derive(Debug, Default)]
struct Batch {
    open: usize,
    answers: Vec<Vec<u8>>,
}

/// The batch that requests come in, if they come in one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BatchId(u64);

impl Traffic {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self { state: Mutex::default(), changed: Notify::new(), bounds }
    }

    /// The revision that was agreed on by a greeting.
    pub(super) fn version(&self) -> Option<ProtocolVersion> {
        self.state().version.clone()
    }

    /// Waits until there is room for another request; `false` once nobody reads what we write.
    pub(super) async fn room(&self) -> bool {
        let bounds = self.bounds;
        self.until(|state| {
            let has_room = state.open.len() < bounds.open
                && state.open_bytes < bounds.open_bytes
                && state.unwritten < bounds.unwritten;
            (state.broken || has_room).then_some(!state.broken)
        })
        .await
    }

    /// Waits until nobody reads what we write.
    pub(super) async fn broken(&self) {
        self.until(|state| state.broken.then_some(())).await;
    }

    /// Waits until everything is written, or cannot be.
    pub(super) async fn written(&self) {
        self.until(|state| (state.broken || state.unwritten == 0).then_some(())).await;
    }

    async fn until<T>(&self, look: impl Fn(&State) -> Option<T>) -> T {
        loop {
            let changed = self.changed.notified();
            if let Some(seen) = look(&self.state()) {
                return seen;
            }
            changed.await;
        }
    }

    /// A batch begins; [`Self::end_batch`] says that all of it was heard.
    pub(super) fn begin_batch(&self) -> BatchId {
        let mut state = self.state();
        let id = state.next_batch;
        state.next_batch += 1;
        // It stays open until all of it was heard, however quickly its parts are answered.
        state.batches.insert(id, Batch { open: 1, answers: Vec::new() });
        BatchId(id)
    }

    /// All of a batch was heard: what is to be written, if all of it is answered.
    pub(super) fn end_batch(&self, batch: BatchId) -> Option<Vec<u8>> {
        self.state().settle(batch.0, None)
    }

    /// A request of so many bytes was heard; `false` if its number is that of one that is not
    /// answered yet, so that it cannot be taken.
    pub(super) fn asked(&self, id: &RequestId, bytes: usize, batch: Option<BatchId>) -> bool {
        let mut state = self.state();
        if state.open.contains_key(id) {
            return false;
        }
        let batch = batch.map(|batch| batch.0);
        state.open.insert(id.clone(), Asked { bytes, batch });
        state.open_bytes += bytes;
        if let Some(batch) = batch.and_then(|batch| state.batches.get_mut(&batch)) {
            batch.open += 1;
        }
        true
    }

    /// A request was withdrawn and gets no answer: what is to be written, if it was the last one
    /// that its batch waited for.
    pub(super) fn withdrawn(&self, id: &RequestId) -> Option<Vec<u8>> {
        let mut state = self.state();
        let batch = state.close(id).and_then(|asked| asked.batch);
        self.changed.notify_waiters();
        state.settle(batch?, None)
    }

    /// A fault is answered, as a part of the batch it came in: what is to be written now.
    pub(super) fn faulted(&self, fault: JsonRpcError, batch: Option<BatchId>) -> Option<Vec<u8>> {
        let line = line_of(&Outgoing::Error(fault));
        match batch {
            None => Some(self.state().ready(line)),
            Some(batch) => {
                if let Some(batch) = self.state().batches.get_mut(&batch.0) {
                    batch.answers.push(line);
                }
                None
            }
        }
    }

    /// A message of ours: what is to be written now.
    pub(super) fn outgoing(&self, message: &Outgoing) -> Option<Vec<u8>> {
        let line = line_of(message);
        let mut state = self.state();
        let id = match message {
            JsonRpcMessage::Response(JsonRpcResponse { id, result, .. }) => {
                if let ServerResult::InitializeResult(InitializeResult {
                    protocol_version, ..
                }) = result
                {
                    state.version = Some(protocol_version.clone());
                }
                Some(id)
            }
            JsonRpcMessage::Error(JsonRpcError { id, .. }) => id.as_ref(),
            JsonRpcMessage::Request(_) | JsonRpcMessage::Notification(_) => None,
        };
        let batch = id.and_then(|id| state.close(id)).and_then(|asked| asked.batch);
        self.changed.notify_waiters();
        match batch {
            None => Some(state.ready(line)),
            Some(batch) => state.settle(batch, Some(line)),
        }
    }

    /// One line was written; or nobody reads any more.
    pub(super) fn wrote(&self, well: bool) {
        let mut state = self.state();
        state.unwritten = state.unwritten.saturating_sub(1);
        state.broken |= !well;
        drop(state);
        self.changed.notify_waiters();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change of the state is whole before anything else can fail.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn close(&mut self, id: &RequestId) -> Option<Asked> {
        let asked = self.open.remove(id)?;
        self.open_bytes = self.open_bytes.saturating_sub(asked.bytes);
        Some(asked)
    }

    /// One part of a batch is done, with this answer: the whole answer if it was the last.
    fn settle(&mut self, id: u64, answer: Option<Vec<u8>>) -> Option<Vec<u8>> {
        let batch = self.batches.get_mut(&id)?;
        batch.answers.extend(answer);
        batch.open = batch.open.saturating_sub(1);
        if batch.open > 0 {
            return None;
        }
        let answers = self.batches.remove(&id)?.answers;
        // A batch of notifications gets no answer at all.
        (!answers.is_empty())
            .then(|| self.ready([b"[".as_slice(), &answers.join(&b","[..]), b"]"].concat()))
    }

    /// A line that is going to be written.
    fn ready(&mut self, mut line: Vec<u8>) -> Vec<u8> {
        self.unwritten += 1;
        line.push(b'\n');
        line
    }
}

/// A message as it stands on its line. An error that repeats at length what it was given is cut
/// short: nobody is helped by megabytes of their own. What cannot be written as JSON, which nothing here is, is
/// an error of ours.
fn line_of(message: &Outgoing) -> Vec<u8> {
    let line = match message {
        JsonRpcMessage::Error(JsonRpcError { id, error, .. })
            if error.message.len() > MAX_ERROR || error.data.is_some() =>
        {
            let whole = serde_json::to_vec(message);
            if whole.as_ref().is_ok_and(|whole| whole.len() <= MAX_ERROR) {
                whole
            } else {
                let short = ErrorData::new(error.code, in_short(&error.message), None);
                serde_json::to_vec(&JsonRpcError::new(id.clone(), short))
            }
        }
        _ => serde_json::to_vec(message),
    };
    line.unwrap_or_else(|error| {
        let id = match message {
            JsonRpcMessage::Response(response) => Some(response.id.clone()),
            _ => None,
        };
        let fault = JsonRpcError::new(id, ErrorData::internal_error(error.to_string(), None));
        serde_json::to_vec(&fault).unwrap_or_default()
    })
}

#[cfg(test)]
mod tests {
    use rmcp::model::EmptyResult;

    use super::*;
    use crate::serve::heard::number_in_use;

    const NARROW: Bounds = Bounds { open: 2, open_bytes: 100, unwritten: 2 };

    fn id(number: i64) -> RequestId {
        RequestId::Number(number)
    }

    fn answer(number: i64) -> Outgoing {
        Outgoing::response(ServerResult::EmptyResult(EmptyResult {}), id(number))
    }

    fn text(line: Option<Vec<u8>>) -> Option<String> {
        line.map(|line| String::from_utf8(line).unwrap())
    }

    /// Whether there is room right now.
    async fn has_room(traffic: &Traffic) -> bool {
        tokio::select! {
            biased;
            room = traffic.room() => room,
            () = std::future::ready(()) => false,
        }
    }

    #[tokio::test]
    async fn there_is_room_for_so_many_requests() {
        let traffic = Traffic::new(NARROW);
        assert!(traffic.asked(&id(1), 10, None));
        assert!(has_room(&traffic).await);
        assert!(traffic.asked(&id(2), 10, None));
        assert!(!has_room(&traffic).await);
        assert_eq!(traffic.withdrawn(&id(1)), None);
        assert!(has_room(&traffic).await);
        assert!(traffic.asked(&id(3), 1_000, None));
        traffic.outgoing(&answer(2)).unwrap();
        assert!(!has_room(&traffic).await, "too many bytes");
        traffic.outgoing(&answer(3)).unwrap();
        assert!(!has_room(&traffic).await, "two answers are not written");
        traffic.wrote(true);
        assert!(has_room(&traffic).await);
        traffic.wrote(false);
        assert!(!has_room(&traffic).await, "nobody reads");
        traffic.broken().await;
        traffic.written().await;
    }

    #[test]
    fn a_number_is_free_again_once_it_is_answered() {
        let traffic = Traffic::new(NARROW);
        assert!(traffic.asked(&id(1), 10, None));
        assert!(!traffic.asked(&id(1), 10, None));
        let line = text(traffic.outgoing(&answer(1)));
        assert_eq!(line.as_deref(), Some("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n"));
        assert!(traffic.asked(&id(1), 10, None));
    }

    #[test]
    fn an_error_that_says_back_too_much_is_cut_short() {
        let long = "x".repeat(1 << 20);
        let data = serde_json::json!({ "uri": &long });
        for (message, data) in [(long, None), ("no".to_owned(), Some(data))] {
            let error = ErrorData::invalid_params(message, data);
            let line = line_of(&Outgoing::error(error, Some(id(1))));
            assert!(line.len() < 2_000, "{}", line.len());
        }
        let data = Some(serde_json::json!({ "uri": "x" }));
        let line = line_of(&Outgoing::error(ErrorData::invalid_params("no", data), Some(id(1))));
        assert!(line.ends_with(br#""data":{"uri":"x"}}}"#));
    }

    #[test]
    fn a_batch_is_answered_when_its_last_part_is() {
        let traffic = Traffic::new(BOUNDS);
        let batch = traffic.begin_batch();
        assert!(traffic.asked(&id(1), 10, Some(batch)));
        assert!(!traffic.asked(&id(1), 10, Some(batch)));
        assert_eq!(traffic.faulted(number_in_use(&id(1)), Some(batch)), None);
        assert_eq!(traffic.outgoing(&answer(1)), None, "more of it is to come");
        assert!(traffic.asked(&id(2), 10, Some(batch)));
        assert!(traffic.asked(&id(3), 10, Some(batch)));
        assert_eq!(traffic.end_batch(batch), None);
        assert_eq!(traffic.outgoing(&answer(3)), None);
        let line = text(traffic.withdrawn(&id(2))).unwrap();
        let parts: Vec<serde_json::Value> = serde_json::from_str(&line).unwrap();
        let ids: Vec<_> = parts.iter().map(|part| part["id"].as_i64()).collect();
        assert_eq!(ids, [None, Some(1), Some(3)], "{line}");
        assert!(line.ends_with("}]\n"), "{line}");
    }

    #[test]
    fn a_batch_without_requests_gets_no_answer() {
        let traffic = Traffic::new(BOUNDS);
        let batch = traffic.begin_batch();
        assert_eq!(traffic.end_batch(batch), None);
        assert!(traffic.state().batches.is_empty());
    }
}
