//! A server: what it offers, and the one way that every call takes.
//!
//! Arguments are shortened for the log, the work runs on a thread of its own because everything
//! below it blocks, a panic becomes an answer (the protocol library would give none), the answer
//! is held against its bound, the call is logged. How calls come in is the business of `handler`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use ostwin_core::time::Clock;
use rmcp::RoleServer;
use rmcp::model::{CallToolResult, ContentBlock, ProgressNotificationParam};
use rmcp::service::RequestContext;
use serde_json::{Map, Value};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::binding::Binding;
use crate::bounds::{MAX_REPLY_BYTES, fits, fits_once};
use crate::error::{Code, ToolError};
use crate::offer::Offer;
use crate::resources::Content;
use crate::tool::{Arguments, Tool};
use crate::tool_log::{Line, ToolLog, shortened};
use crate::waiting::{Progress, Waiting, waiting};

/// Most news of one call that wait to be sent.
const MAX_NEWS: usize = 4;

/// What a server says of itself.
#[derive(Clone, Copy, Debug)]
pub struct About {
    /// Its name in the log, which is what sessions call it: `warroom`.
    pub name: &'static str,
    /// Its title for people.
    pub title: &'static str,
    /// What a model should know before it uses the tools.
    pub instructions: &'static str,
}

/// A server over the state `S`.
#[derive(Debug)]
pub struct Server<S> {
    pub(crate) inner: Arc<Inner<S>>,
    ending: CancellationToken,
}

#[derive(Debug)]
pub(crate) struct Inner<S> {
    pub(crate) about: About,
    state: S,
    pub(crate) offer: Offer<S>,
    log: ToolLog,
    clock: Arc<dyn Clock>,
}

impl<S: Send + Sync + 'static> Server<S> {
    /// A server with this offer, of tools alone or of more, for whom `binding` names: without the
    /// tools that are not for them, and with the log of their calls.
    pub fn new(about: About, binding: &Binding, state: S, offer: impl Into<Offer<S>>) -> Self {
        let mut offer = offer.into();
        let named = |tool: Tool<S>| {
            let withheld = binding.withholds(about.name, tool.name);
            tool.withheld(withheld)
        };
        offer.tools = offer.tools.into_iter().map(named).collect();
        let (log, clock) = (binding.tool_log(), binding.project.store().clock.clone());
        let inner = Arc::new(Inner { about, state, offer, log, clock });
        Self { inner, ending: CancellationToken::new() }
    }

    /// What is cancelled when the client's side of the connection ends.
    pub(crate) fn ending(&self) -> CancellationToken {
        self.ending.clone()
    }

    /// Does blocking work for a request on a thread of its own, until it is done or nobody waits
    /// for it any more; passes on meanwhile what it tells, if the client asked for that.
    pub(crate) async fn work<R: Send + 'static>(
        &self,
        context: &RequestContext<RoleServer>,
        work: impl FnOnce(&Inner<S>, &Waiting) -> Result<R, ToolError> + Send + 'static,
    ) -> Result<R, ToolError> {
        let (news, told) = mpsc::channel(MAX_NEWS);
        let (waiting, patience) = waiting();
        let waiting = match context.meta.get_progress_token() {
            Some(_) => waiting.telling(news),
            None => waiting,
        };
        let inner = Arc::clone(&self.inner);
        let mut work = tokio::task::spawn_blocking(move || work(&inner, &waiting));
        let done = tokio::select! {
            done = &mut work => done,
            never = pass_on(context, told) => match never {},
            () = context.ct.cancelled() => give_up(patience, work).await,
            () = self.ending.cancelled() => give_up(patience, work).await,
        };
        done.unwrap_or_else(|error| Err(ToolError::because(Code::Unavailable, &error)))
    }
}

/// Passes news on to the client, and never ends by itself.
async fn pass_on(
    context: &RequestContext<RoleServer>,
    mut told: mpsc::Receiver<Progress>,
) -> std::convert::Infallible {
    if let Some(token) = context.meta.get_progress_token() {
        while let Some(Progress { done, total, message }) = told.recv().await {
            let progress = ProgressNotificationParam::new(token.clone(), done)
                .with_total(total)
                .with_message(message);
            if let Err(error) = context.peer.notify_progress(progress).await {
                tracing::debug!(%error, "progress was not told");
            }
        }
    }
    std::future::pending().await
}

/// Nobody waits for the call any more: what it waits for itself ends, what it writes it finishes.
async fn give_up<T>(
    patience: crate::waiting::Patience,
    work: tokio::task::JoinHandle<T>,
) -> Result<T, tokio::task::JoinError> {
    drop(patience);
    work.await
}

impl<S> Inner<S>
where
    S: Send + Sync + 'static,
{
    /// Calls a tool, by its place in the offer. Its failure is an answer that the model reads.
    pub(crate) fn call(
        &self,
        tool: usize,
        arguments: Arguments,
        waiting: &Waiting,
    ) -> CallToolResult {
        let tool = &self.offer.tools[tool];
        let logged = shortened(&arguments);
        let outcome = self.logged(tool.name, logged, || {
            tool.run(&self.state, arguments, waiting).and_then(answer)
        });
        outcome.unwrap_or_else(|error| refusal(&error))
    }

    /// Reads a resource, by its place in the offer.
    pub(crate) fn read(
        &self,
        resource: usize,
        address: &str,
        value: Option<&str>,
    ) -> Result<Content, ToolError> {
        let resource = &self.offer.resources[resource];
        let logged = Map::from_iter([("uri".to_owned(), Value::from(address))]);
        self.logged("resources/read", shortened(&logged), || {
            let content = resource.read(&self.state, value)?;
            bounded_text(&content.text)?;
            Ok(content)
        })
    }

    /// Makes the text of a prompt, by its place in the offer.
    pub(crate) fn prompt(&self, prompt: usize, arguments: &Arguments) -> Result<String, ToolError> {
        let prompt = &self.offer.prompts[prompt];
        let mut logged = Map::from_iter([("name".to_owned(), Value::from(prompt.name))]);
        logged.insert("arguments".to_owned(), shortened(arguments));
        self.logged("prompts/get", Value::Object(logged), || {
            let text = prompt.write(&self.state, arguments)?;
            bounded_text(&text)?;
            Ok(text)
        })
    }

    /// What the server is over.
    pub(crate) fn state(&self) -> &S {
        &self.state
    }

    /// Does the work of a request and logs it.
    pub(crate) fn logged<T>(
        &self,
        what: &str,
        arguments: Value,
        work: impl FnOnce() -> Result<T, ToolError>,
    ) -> Result<T, ToolError> {
        let (ts, started) = (self.clock.now(), Instant::now());
        let outcome = guarded(work);
        let (done, took) = (outcome.as_ref().map(drop), started.elapsed());
        self.log.add(Line::new(ts, self.about.name, what, arguments, done, took));
        outcome
    }
}

/// Turns a panic of `work` into an answer.
fn guarded<T>(work: impl FnOnce() -> Result<T, ToolError>) -> Result<T, ToolError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("no message");
        Err(ToolError::new(
            Code::Unavailable,
            format!("the tool failed by a defect of its own, not by your arguments: {text}"),
        ))
    })
}

/// The answer of a tool: its result as a structure and as text, if both together are small enough.
fn answer(result: Value) -> Result<CallToolResult, ToolError> {
    let text = serde_json::to_string(&result)
        .map_err(|error| ToolError::because(Code::Unavailable, &error))?;
    if fits(&text) {
        let mut answer = CallToolResult::success(vec![ContentBlock::text(text)]);
        answer.structured_content = Some(result);
        return Ok(answer);
    }
    Err(ToolError::new(
        Code::TooLarge,
        format!(
            "the answer would be larger than {MAX_REPLY_BYTES} bytes: ask for less, with a \
             smaller `limit` or a narrower filter"
        ),
    ))
}

fn bounded_text(text: &str) -> Result<(), ToolError> {
    if fits_once(text) {
        return Ok(());
    }
    let text =
        format!("the text is larger than {MAX_REPLY_BYTES} bytes: the tools give it in parts");
    Err(ToolError::new(Code::TooLarge, text))
}

/// A failure as the answer to a call of a tool, as text alone: widely used clients hold structured
/// content against the schema of the tool's results even if it is an error, and would hide the
/// reason behind a complaint of their own.
pub(crate) fn refusal(error: &ToolError) -> CallToolResult {
    // A value of plain fields always becomes JSON.
    let text = serde_json::to_string(error).unwrap_or_else(|_| error.message.clone());
    CallToolResult::error(vec![ContentBlock::text(text)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_answer() {
        let error = guarded::<()>(|| panic!("index {} out of range", 7)).unwrap_err();
        assert_eq!(error.code, Code::Unavailable);
        assert!(error.message.ends_with("index 7 out of range"), "{}", error.message);
    }

    #[test]
    fn an_answer_says_the_same_as_a_structure_and_as_text() {
        let result = serde_json::json!({ "memories": [{ "summary": "a \"b\"" }] });
        let expected = CallToolResult::structured(result.clone());
        assert_eq!(answer(result).unwrap(), expected);
    }

    #[test]
    fn an_answer_that_is_too_large_is_refused_with_advice() {
        let error = answer(Value::from("x".repeat(MAX_REPLY_BYTES))).unwrap_err();
        assert_eq!(error.code, Code::TooLarge);
        assert!(error.message.contains("`limit`"), "{}", error.message);
        assert_eq!(bounded_text(&"x".repeat(MAX_REPLY_BYTES)).unwrap_err().code, Code::TooLarge);
    }
}
