//! What a session shows its client while it plays.

use std::sync::atomic::{AtomicU64, Ordering};

use agent_client_protocol::v1::ConnectionTo;
use agent_client_protocol::v1::schema::{
    ContentBlock, ContentChunk, Cost, PermissionOption, PermissionOptionKind, Plan, PlanEntry,
    PlanEntryPriority, PlanEntryStatus, RequestPermissionOutcome, RequestPermissionRequest,
    SessionId, SessionNotification, SessionUpdate, TextContent, ToolCall, ToolCallId,
    ToolCallStatus, ToolCallUpdate, ToolCallUpdateFields, ToolKind, UsageUpdate,
};
use agent_client_protocol::{Client, Error};
use serde_json::{Value, json};

/// The way to the client.
#[derive(Debug)]
pub(crate) struct Stream {
    connection: ConnectionTo<Client>,
    session: SessionId,
    /// Bytes of text that were shown, for the usage.
    shown: AtomicU64,
    calls: AtomicU64,
}

impl Stream {
    pub(crate) fn new(connection: ConnectionTo<Client>, session: SessionId) -> Self {
        Self { connection, session, shown: AtomicU64::new(0), calls: AtomicU64::new(0) }
    }

    /// How many bytes of text have been shown.
    pub(crate) fn shown(&self) -> u64 {
        self.shown.load(Ordering::Relaxed)
    }

    pub(crate) fn say(&self, text: impl Into<String>) {
        let chunk = self.chunk(text.into());
        self.send(SessionUpdate::AgentMessageChunk(chunk));
    }

    pub(crate) fn think(&self, text: impl Into<String>) {
        let chunk = self.chunk(text.into());
        self.send(SessionUpdate::AgentThoughtChunk(chunk));
    }

    fn chunk(&self, text: String) -> ContentChunk {
        self.shown.fetch_add(text.len() as u64, Ordering::Relaxed);
        ContentChunk::new(ContentBlock::Text(TextContent::new(text)))
    }

    /// Shows a plan of which the first `done` steps are done.
    pub(crate) fn plan(&self, steps: &[String], done: usize) {
        let entries = steps.iter().enumerate().map(|(number, step)| {
            let status = match number.cmp(&done) {
                std::cmp::Ordering::Less => PlanEntryStatus::Completed,
                std::cmp::Ordering::Equal => PlanEntryStatus::InProgress,
                std::cmp::Ordering::Greater => PlanEntryStatus::Pending,
            };
            PlanEntry::new(step.clone(), PlanEntryPriority::Medium, status)
        });
        self.send(SessionUpdate::Plan(Plan::new(entries.collect())));
    }

    /// Shows that a tool is called.
    pub(crate) fn tool_started(&self, title: &str, kind: ToolKind, input: &Value) -> ToolCallId {
        let number = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
        let id = ToolCallId::new(format!("call-{number}"));
        let call = ToolCall::new(id.clone(), title)
            .kind(kind)
            .status(ToolCallStatus::InProgress)
            .raw_input(input.clone());
        self.send(SessionUpdate::ToolCall(call));
        id
    }

    /// Shows how the call ended.
    pub(crate) fn tool_ended(&self, id: ToolCallId, ok: bool, output: &Value) {
        let status = if ok { ToolCallStatus::Completed } else { ToolCallStatus::Failed };
        let fields = ToolCallUpdateFields::new().status(status).raw_output(output.clone());
        self.send(SessionUpdate::ToolCallUpdate(ToolCallUpdate::new(id, fields)));
    }

    pub(crate) fn usage(&self, tokens: u64, cost_usd: f64) {
        let usage = UsageUpdate::new(tokens, 200_000).cost(Cost::new(cost_usd, "USD"));
        self.send(SessionUpdate::UsageUpdate(usage));
    }

    /// Asks the client for a permission. Returns the id of the chosen answer.
    pub(crate) async fn ask_permission(
        &self,
        title: &str,
        command: Option<&str>,
    ) -> Result<Option<String>, Error> {
        let input = command.map_or(Value::Null, |command| json!({ "command": command }));
        let id = self.tool_started(title, ToolKind::Execute, &input);
        let fields = ToolCallUpdateFields::new()
            .title(title.to_owned())
            .kind(ToolKind::Execute)
            .raw_input(input);
        let call = ToolCallUpdate::new(id.clone(), fields);
        let options = vec![
            PermissionOption::new("allow", "Allow", PermissionOptionKind::AllowOnce),
            PermissionOption::new("reject", "Reject", PermissionOptionKind::RejectOnce),
        ];
        let request = RequestPermissionRequest::new(self.session.clone(), call, options);
        let answer = self.connection.send_request(request).block_task().await?;
        let chosen = match answer.outcome {
            RequestPermissionOutcome::Selected(selected) => Some(selected.option_id.to_string()),
            _ => None,
        };
        self.tool_ended(id, chosen.as_deref() == Some("allow"), &Value::Null);
        Ok(chosen)
    }

    fn send(&self, update: SessionUpdate) {
        let notification = SessionNotification::new(self.session.clone(), update);
        // A closed connection ends the session soon enough.
        let _ = self.connection.send_notification(notification);
    }
}
