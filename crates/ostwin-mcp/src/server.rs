//! A server: its tools behind the protocol.
//!
//! Every call takes the same way: arguments are shortened for the log, the tool runs on a thread
//! of its own because everything below it blocks, a panic becomes an answer (the protocol library
//! would give none), the answer is held against its bound, the call is logged.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use ostwin_core::time::Clock;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, Implementation, ListToolsResult,
    PaginatedRequestParams, ServerCapabilities, ServerConfig,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::bounds::{MAX_REPLY_BYTES, fits};
use crate::error::{Code, ToolError};
use crate::tool::{Arguments, Tool};
use crate::tool_log::{Line, ToolLog, shortened};
use crate::waiting::{Waiting, waiting};

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
    inner: Arc<Inner<S>>,
    ending: CancellationToken,
}

#[derive(Debug)]
struct Inner<S> {
    about: About,
    state: S,
    tools: Vec<Tool<S>>,
    log: ToolLog,
    clock: Arc<dyn Clock>,
}

impl<S: Send + Sync + 'static> Server<S> {
    /// A server with these tools, whose calls go to `log` with the time of `clock`.
    pub fn new(
        about: About,
        state: S,
        tools: Vec<Tool<S>>,
        log: ToolLog,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let inner = Arc::new(Inner { about, state, tools, log, clock });
        Self { inner, ending: CancellationToken::new() }
    }

    /// What is cancelled when the client's side of the connection ends.
    pub(crate) fn ending(&self) -> CancellationToken {
        self.ending.clone()
    }

    /// Every tool as a client lists it: the golden file of the tests.
    pub fn listed(&self) -> Vec<rmcp::model::Tool> {
        self.inner.tools.iter().map(Tool::listed).collect()
    }
}

impl<S> Inner<S>
where
    S: Send + Sync + 'static,
{
    /// One call, from arguments to a logged answer.
    fn call(&self, tool: usize, arguments: Arguments, waiting: &Waiting) -> CallToolResult {
        let tool = &self.tools[tool];
        let (ts, started) = (self.clock.now(), Instant::now());
        let logged = shortened(&arguments);
        let outcome = guarded(|| tool.run(&self.state, arguments, waiting)).and_then(bounded);
        let took = started.elapsed();
        self.log.add(Line::new(
            ts,
            self.about.name,
            tool.name,
            logged,
            outcome.as_ref().map(drop),
            took,
        ));
        match outcome {
            Ok(value) => CallToolResult::structured(value),
            Err(error) => refusal(&error),
        }
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

fn bounded(value: Value) -> Result<Value, ToolError> {
    if fits(&value.to_string()) {
        return Ok(value);
    }
    Err(ToolError::new(
        Code::TooLarge,
        format!(
            "the answer would be larger than {MAX_REPLY_BYTES} bytes: ask for less, with a \
             smaller `limit` or a narrower filter"
        ),
    ))
}

fn refusal(error: &ToolError) -> CallToolResult {
    // A value of plain fields always becomes an object.
    CallToolResult::structured_error(serde_json::to_value(error).unwrap_or_default())
}

impl<S: Send + Sync + 'static> ServerHandler for Server<S> {
    fn get_info(&self) -> ServerConfig {
        let about = &self.inner.about;
        let name = format!("ostwin-{}", about.name);
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(
                Implementation::new(name, env!("CARGO_PKG_VERSION")).with_title(about.title),
            )
            .with_instructions(about.instructions)
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(self.listed()))
    }

    fn get_tool(&self, name: &str) -> Option<rmcp::model::Tool> {
        self.inner.tools.iter().find(|tool| tool.name == name).map(Tool::listed)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let tools = &self.inner.tools;
        let Some(tool) = tools.iter().position(|tool| tool.name == request.name) else {
            let known: Vec<_> = tools.iter().map(|tool| tool.name).collect();
            let text = format!("no tool `{}` here; there are {}", request.name, known.join(", "));
            return Err(ErrorData::invalid_params(text, None));
        };
        let (waiting, patience) = waiting();
        let inner = Arc::clone(&self.inner);
        let arguments = request.arguments.unwrap_or_default();
        let mut work = tokio::task::spawn_blocking(move || inner.call(tool, arguments, &waiting));
        let done = tokio::select! {
            done = &mut work => done,
            () = context.ct.cancelled() => give_up(patience, work).await,
            () = self.ending.cancelled() => give_up(patience, work).await,
        };
        Ok(done
            .unwrap_or_else(|error| refusal(&ToolError::because(Code::Unavailable, &error)))
            .into())
    }
}

/// Nobody waits for the call any more: what it waits for itself ends, what it writes it finishes.
async fn give_up<T>(
    patience: crate::waiting::Patience,
    work: tokio::task::JoinHandle<T>,
) -> Result<T, tokio::task::JoinError> {
    drop(patience);
    work.await
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
    fn an_answer_that_is_too_large_is_refused_with_advice() {
        let error = bounded(Value::from("x".repeat(MAX_REPLY_BYTES))).unwrap_err();
        assert_eq!(error.code, Code::TooLarge);
        assert!(error.message.contains("`limit`"), "{}", error.message);
    }
}
