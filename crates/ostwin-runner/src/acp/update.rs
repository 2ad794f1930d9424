//! What an agent reports while it works, in our terms.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use agent_client_protocol::v1::schema::{
    ContentBlock, ContentChunk, PlanEntryStatus, SessionUpdate, ToolCall, ToolCallContent,
    ToolCallStatus, Usage,
};
use serde::{Deserialize, Serialize};

/// Tool calls whose end has not been seen are remembered up to this many; an
/// agent that opens more loses the durations of the oldest.
const MAX_OPEN_CALLS: usize = 1_024;

/// One piece of news from an agent.
#[derive(Debug, Clone, PartialEq)]
pub enum Update {
    /// A part of a message to the user. Several make up one message.
    Text(String),
    /// A part of the model's reasoning.
    Thought(String),
    /// A tool was called.
    ToolCall {
        /// The agent's id of this call.
        id: String,
        /// What the agent calls it for people.
        title: String,
        /// What sort of tool it is (`read`, `edit`, `execute`, ...).
        kind: String,
        /// Its arguments, if the agent tells.
        input: Option<serde_json::Value>,
    },
    /// A tool call came to its end.
    ToolResult {
        /// The agent's id of this call.
        id: String,
        /// What the agent calls it for people.
        title: String,
        /// How it ended.
        status: ToolStatus,
        /// What it returned: the raw value if the agent tells, else its text.
        output: Option<serde_json::Value>,
        /// Changes to files that it made.
        diffs: Vec<Diff>,
        /// Time from call to end; `None` if the call itself was not reported.
        duration: Option<Duration>,
    },
    /// The agent's whole plan, replacing the one before.
    Plan(Vec<PlanStep>),
    /// How full the model's context is, and what the session has cost so far.
    Context {
        /// Tokens in the context.
        used: u64,
        /// Tokens that fit.
        size: u64,
        /// Cost of the session so far, if the agent counts in US dollars.
        cost_usd: Option<f64>,
    },
    /// A message of the agent about itself: a warning, an error.
    Notice {
        /// `info`, `warning`, `error`, or the agent's own word.
        severity: String,
        /// What it says.
        text: String,
    },
}

/// How a tool call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolStatus {
    /// As it should.
    Completed,
    /// With an error.
    Failed,
}

/// A change to one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diff {
    /// The file.
    pub path: String,
    /// Its text before; `None` for a new file.
    pub old_text: Option<String>,
    /// Its text after.
    pub new_text: String,
}

/// One step of an agent's plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanStep {
    /// What is to be done.
    pub content: String,
    /// `pending`, `in_progress` or `completed`.
    pub status: String,
}

/// Tokens that an agent has used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenUsage {
    /// Tokens sent to the model.
    pub input: u64,
    /// Tokens that the model wrote.
    pub output: u64,
    /// All tokens, as the agent counts them.
    pub total: u64,
    /// Tokens of reasoning.
    pub thought: u64,
    /// Tokens read from the model service's cache.
    pub cached_read: u64,
    /// Tokens written to it.
    pub cached_write: u64,
}

impl TokenUsage {
    /// The usage that some agents tell beside the protocol's own field, as
    /// `{"quota": {"token_count": {"input_tokens": .., "output_tokens": ..}}}`.
    pub(super) fn in_meta(meta: &serde_json::Map<String, serde_json::Value>) -> Option<Self> {
        let count = meta.get("quota")?.get("token_count")?;
        let tokens = |key: &str| count.get(key)?.as_u64();
        let (input, output) = (tokens("input_tokens")?, tokens("output_tokens")?);
        let total = input.saturating_add(output);
        // A turn that was cut off tells nothing but zeros.
        (total > 0).then(|| Self { input, output, total, ..Self::default() })
    }

    /// Adds another turn's usage.
    pub fn add(&mut self, other: &Self) {
        self.input = self.input.saturating_add(other.input);
        self.output = self.output.saturating_add(other.output);
        self.total = self.total.saturating_add(other.total);
        self.thought = self.thought.saturating_add(other.thought);
        self.cached_read = self.cached_read.saturating_add(other.cached_read);
        self.cached_write = self.cached_write.saturating_add(other.cached_write);
    }
}

impl From<&Usage> for TokenUsage {
    fn from(usage: &Usage) -> Self {
        Self {
            input: usage.input_tokens,
            output: usage.output_tokens,
            total: usage.total_tokens,
            thought: usage.thought_tokens.unwrap_or(0),
            cached_read: usage.cached_read_tokens.unwrap_or(0),
            cached_write: usage.cached_write_tokens.unwrap_or(0),
        }
    }
}

/// Where updates go. Called in order, on the task that reads the agent: as long
/// as it doesn't return, nothing more is read.
pub trait UpdateSink: Send {
    /// Takes one piece of news.
    fn update(&mut self, update: Update);
}

/// Turns protocol updates into ours. It remembers the open tool calls, for
/// their titles and durations.
#[derive(Debug, Default)]
pub(super) struct Interpreter {
    open_calls: HashMap<String, OpenCall>,
}

#[derive(Debug)]
struct OpenCall {
    call: ToolCall,
    since: Instant,
}

impl Interpreter {
    /// Zero, one or (for a call that is over when it is first reported) two
    /// pieces of news.
    pub(super) fn interpret(&mut self, update: SessionUpdate) -> Vec<Update> {
        match update {
            SessionUpdate::AgentMessageChunk(chunk) => vec![Update::Text(text_of(&chunk))],
            SessionUpdate::AgentThoughtChunk(chunk) => vec![Update::Thought(text_of(&chunk))],
            SessionUpdate::ToolCall(call) => self.tool_call(call),
            SessionUpdate::ToolCallUpdate(update) => {
                let id = update.tool_call_id.to_string();
                match self.open_calls.get_mut(&id) {
                    Some(open) => {
                        open.call.update(update.fields);
                        self.close_if_over(&id)
                    }
                    // Some agents report a call first by an update.
                    None => ToolCall::try_from(update)
                        .map_or_else(|_| Vec::new(), |call| self.tool_call(call)),
                }
            }
            SessionUpdate::Plan(plan) => {
                let steps = plan.entries.into_iter().map(|entry| PlanStep {
                    content: entry.content,
                    status: plan_status(&entry.status).to_owned(),
                });
                vec![Update::Plan(steps.collect())]
            }
            SessionUpdate::UsageUpdate(usage) => vec![Update::Context {
                used: usage.used,
                size: usage.size,
                cost_usd: usage
                    .cost
                    .filter(|cost| cost.currency.eq_ignore_ascii_case("usd"))
                    .map(|cost| cost.amount),
            }],
            SessionUpdate::Notice(notice) => {
                let text = match notice.description {
                    Some(description) => format!("{}: {description}", notice.title),
                    None => notice.title,
                };
                vec![Update::Notice { severity: word(&notice.severity), text }]
            }
            // Our own prompt come back, and settings of the agent's interface.
            _ => Vec::new(),
        }
    }

    fn tool_call(&mut self, call: ToolCall) -> Vec<Update> {
        let id = call.tool_call_id.to_string();
        if self.open_calls.len() >= MAX_OPEN_CALLS
            && let Some(oldest) = self.oldest_call()
        {
            self.open_calls.remove(&oldest);
        }
        let mut news = vec![Update::ToolCall {
            id: id.clone(),
            title: call.title.clone(),
            kind: word(&call.kind),
            input: call.raw_input.clone(),
        }];
        self.open_calls.insert(id.clone(), OpenCall { call, since: Instant::now() });
        news.extend(self.close_if_over(&id));
        news
    }

    fn oldest_call(&self) -> Option<String> {
        let oldest = self.open_calls.iter().min_by_key(|(_, open)| open.since);
        oldest.map(|(id, _)| id.clone())
    }

    fn close_if_over(&mut self, id: &str) -> Vec<Update> {
        let status = match self.open_calls.get(id).map(|open| open.call.status) {
            Some(ToolCallStatus::Completed) => ToolStatus::Completed,
            Some(ToolCallStatus::Failed) => ToolStatus::Failed,
            _ => return Vec::new(),
        };
        let Some(OpenCall { call, since }) = self.open_calls.remove(id) else { return Vec::new() };
        let diffs = call.content.iter().filter_map(diff_of).collect();
        vec![Update::ToolResult {
            id: id.to_owned(),
            title: call.title,
            status,
            output: call.raw_output.or_else(|| text_output(&call.content)),
            diffs,
            duration: Some(since.elapsed()),
        }]
    }
}

/// A value's one-word form on the wire.
fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => "other".to_owned(),
    }
}

fn plan_status(status: &PlanEntryStatus) -> &'static str {
    match status {
        PlanEntryStatus::InProgress => "in_progress",
        PlanEntryStatus::Completed => "completed",
        _ => "pending",
    }
}

fn text_of(chunk: &ContentChunk) -> String {
    block_text(&chunk.content)
}

fn block_text(block: &ContentBlock) -> String {
    match block {
        ContentBlock::Text(text) => text.text.clone(),
        ContentBlock::ResourceLink(link) => format!("[{}]({})", link.name, link.uri),
        ContentBlock::Image(_) => "[image]".to_owned(),
        ContentBlock::Audio(_) => "[audio]".to_owned(),
        _ => "[resource]".to_owned(),
    }
}

fn text_output(content: &[ToolCallContent]) -> Option<serde_json::Value> {
    let texts: Vec<String> = content
        .iter()
        .filter_map(|part| match part {
            ToolCallContent::Content(content) => Some(block_text(&content.content)),
            _ => None,
        })
        .collect();
    (!texts.is_empty()).then(|| texts.join("\n").into())
}

fn diff_of(part: &ToolCallContent) -> Option<Diff> {
    match part {
        ToolCallContent::Diff(diff) => Some(Diff {
            path: diff.path.display().to_string(),
            old_text: diff.old_text.clone(),
            new_text: diff.new_text.clone(),
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn interpret(interpreter: &mut Interpreter, update: serde_json::Value) -> Vec<Update> {
        interpreter.interpret(serde_json::from_value(update).unwrap())
    }

    #[test]
    fn a_tool_call_gets_its_result_with_title_diff_and_duration() {
        let mut interpreter = Interpreter::default();
        let call = interpret(
            &mut interpreter,
            json!({"sessionUpdate":"tool_call","toolCallId":"t1","title":"Edit main","kind":"edit","rawInput":{"path":"a"}}),
        );
        assert_eq!(
            call,
            [Update::ToolCall {
                id: "t1".into(),
                title: "Edit main".into(),
                kind: "edit".into(),
                input: Some(json!({"path":"a"})),
            }]
        );
        let running =
            json!({"sessionUpdate":"tool_call_update","toolCallId":"t1","status":"in_progress"});
        assert_eq!(interpret(&mut interpreter, running), []);
        let mut over = interpret(
            &mut interpreter,
            json!({"sessionUpdate":"tool_call_update","toolCallId":"t1","status":"completed","content":[
                {"type":"diff","path":"a","oldText":"x","newText":"y"},
                {"type":"content","content":{"type":"text","text":"ok"}}]}),
        );
        let Some(Update::ToolResult { duration, .. }) = over.first_mut() else {
            panic!("{over:?}")
        };
        assert!(duration.take().is_some());
        assert_eq!(
            over,
            [Update::ToolResult {
                id: "t1".into(),
                title: "Edit main".into(),
                status: ToolStatus::Completed,
                output: Some(json!("ok")),
                diffs: vec![Diff {
                    path: "a".into(),
                    old_text: Some("x".into()),
                    new_text: "y".into()
                }],
                duration: None,
            }]
        );
    }

    #[test]
    fn a_call_that_is_over_at_once_is_two_pieces_of_news() {
        let mut interpreter = Interpreter::default();
        let news = interpret(
            &mut interpreter,
            json!({"sessionUpdate":"tool_call","toolCallId":"t","title":"T","status":"failed","rawOutput":{"e":1}}),
        );
        assert!(matches!(
            &news[..],
            [
                Update::ToolCall { .. },
                Update::ToolResult { status: ToolStatus::Failed, output: Some(_), .. }
            ]
        ));
        assert!(interpreter.open_calls.is_empty());
    }

    #[test]
    fn open_calls_are_bounded() {
        let mut interpreter = Interpreter::default();
        for number in 0..MAX_OPEN_CALLS + 10 {
            let call =
                json!({"sessionUpdate":"tool_call","toolCallId":number.to_string(),"title":"T"});
            interpret(&mut interpreter, call);
        }
        assert_eq!(interpreter.open_calls.len(), MAX_OPEN_CALLS);
    }

    #[test]
    fn usage_is_found_beside_its_field() {
        let found = |meta: serde_json::Value| TokenUsage::in_meta(meta.as_object().unwrap());
        let counted = |input: u64, output: u64| json!({"quota": {"token_count": {"input_tokens": input, "output_tokens": output}}});
        let expected = TokenUsage { input: 90, output: 10, total: 100, ..TokenUsage::default() };
        assert_eq!(found(counted(90, 10)), Some(expected));
        assert_eq!(found(counted(0, 0)), None);
        assert_eq!(found(json!({"quota": {"token_count": {"input_tokens": "many"}}})), None);
        assert_eq!(found(json!({})), None);
    }

    #[test]
    fn plan_usage_and_text() {
        let mut interpreter = Interpreter::default();
        let plan = json!({"sessionUpdate":"plan","entries":[{"content":"read","priority":"high","status":"completed"}]});
        assert_eq!(
            interpret(&mut interpreter, plan),
            [Update::Plan(vec![PlanStep { content: "read".into(), status: "completed".into() }])]
        );
        let usage = json!({"sessionUpdate":"usage_update","used":5,"size":10,"cost":{"amount":0.5,"currency":"USD"}});
        assert_eq!(
            interpret(&mut interpreter, usage),
            [Update::Context { used: 5, size: 10, cost_usd: Some(0.5) }]
        );
        let text =
            json!({"sessionUpdate":"agent_thought_chunk","content":{"type":"text","text":"hm"}});
        assert_eq!(interpret(&mut interpreter, text), [Update::Thought("hm".into())]);
    }
}
