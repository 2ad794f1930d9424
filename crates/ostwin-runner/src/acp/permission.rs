//! Permission requests of agents, and who answers them.

use std::future::Future;
use std::pin::Pin;

use agent_client_protocol::v1::schema::{
    PermissionOptionKind, RequestPermissionOutcome, RequestPermissionRequest,
    RequestPermissionResponse, SelectedPermissionOutcome,
};

/// What an agent wants to be allowed.
#[derive(Debug, Clone, PartialEq)]
pub struct PermissionAsk {
    /// The agent's id of the tool call in question.
    pub tool_call: String,
    /// What the agent calls it for people.
    pub title: String,
    /// What sort of tool it is (`execute`, `edit`, `read`, ...), if the agent tells.
    pub kind: Option<String>,
    /// Its arguments, if the agent tells.
    pub input: Option<serde_json::Value>,
    /// The answers that the agent offers.
    pub choices: Vec<PermissionChoice>,
}

impl PermissionAsk {
    /// What would be done: the command, the file or the address among the arguments; `None` if
    /// none is told.
    pub fn command(&self) -> Option<String> {
        const NAMES: [&str; 9] =
            ["command", "cmd", "script", "file_path", "filePath", "abs_path", "path", "url", "uri"];
        let input = self.input.as_ref()?;
        NAMES.iter().find_map(|name| match input.get(*name)? {
            serde_json::Value::String(text) => Some(text.clone()),
            serde_json::Value::Array(words) => {
                let words: Option<Vec<&str>> = words.iter().map(|word| word.as_str()).collect();
                words.map(|words| words.join(" "))
            }
            _ => None,
        })
    }

    /// By which the same request is known again, in another session too.
    pub fn fingerprint(&self) -> String {
        let parts = serde_json::json!([self.kind, self.title, self.input]);
        ostwin_core::plans::sha256(parts.to_string().as_bytes())
    }

    /// The agent's id of the answer that allows, or that denies, for this once rather than for
    /// ever: nothing that an agent remembers may outlive the session. `None` if it offers none.
    pub fn choice(&self, allow: bool) -> Option<String> {
        use PermissionKind::{AllowAlways, AllowOnce, RejectAlways, RejectOnce};
        let kinds = if allow { [AllowOnce, AllowAlways] } else { [RejectOnce, RejectAlways] };
        let offered = |kind| self.choices.iter().find(|choice| choice.kind == kind);
        kinds.into_iter().find_map(offered).map(|choice| choice.id.clone())
    }
}

/// One answer that an agent offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PermissionChoice {
    /// The agent's id of this answer.
    pub id: String,
    /// What the agent calls it for people.
    pub name: String,
    /// What it means.
    pub kind: PermissionKind,
}

/// What an answer means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PermissionKind {
    /// Allowed this once.
    AllowOnce,
    /// Allowed from now on.
    AllowAlways,
    /// Refused this once.
    RejectOnce,
    /// Refused from now on.
    RejectAlways,
    /// Something this version doesn't know.
    Unknown,
}

/// An answer, and who gave it, for the audit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PermissionDecision {
    /// The id of the chosen answer; `None` to call the question off, which
    /// agents take as a refusal.
    pub choice: Option<String>,
    /// Who decided: the policy's name, or a person.
    pub decided_by: String,
}

/// Answers permission requests. May take its time: the agent's other messages
/// are read meanwhile.
pub trait PermissionPolicy: Send + Sync {
    /// Decides about one request.
    fn decide<'a>(
        &'a self,
        ask: &'a PermissionAsk,
    ) -> Pin<Box<dyn Future<Output = PermissionDecision> + Send + 'a>>;
}

/// The policy `auto`: whatever can be allowed is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Allow;

impl PermissionPolicy for Allow {
    fn decide<'a>(
        &'a self,
        ask: &'a PermissionAsk,
    ) -> Pin<Box<dyn Future<Output = PermissionDecision> + Send + 'a>> {
        let choice = ask.choice(true);
        let decision = PermissionDecision { choice, decided_by: "auto".to_owned() };
        Box::pin(std::future::ready(decision))
    }
}

impl From<RequestPermissionRequest> for PermissionAsk {
    fn from(request: RequestPermissionRequest) -> Self {
        let choices = request.options.into_iter().map(|option| PermissionChoice {
            id: option.option_id.to_string(),
            name: option.name,
            kind: match option.kind {
                PermissionOptionKind::AllowOnce => PermissionKind::AllowOnce,
                PermissionOptionKind::AllowAlways => PermissionKind::AllowAlways,
                PermissionOptionKind::RejectOnce => PermissionKind::RejectOnce,
                PermissionOptionKind::RejectAlways => PermissionKind::RejectAlways,
                _ => PermissionKind::Unknown,
            },
        });
        Self {
            tool_call: request.tool_call.tool_call_id.to_string(),
            title: request.tool_call.fields.title.unwrap_or_default(),
            kind: request.tool_call.fields.kind.and_then(|kind| {
                // As the protocol writes it.
                serde_json::to_value(kind).ok()?.as_str().map(str::to_owned)
            }),
            input: request.tool_call.fields.raw_input,
            choices: choices.collect(),
        }
    }
}

impl From<&PermissionDecision> for RequestPermissionResponse {
    fn from(decision: &PermissionDecision) -> Self {
        Self::new(match &decision.choice {
            Some(id) => {
                RequestPermissionOutcome::Selected(SelectedPermissionOutcome::new(id.clone()))
            }
            None => RequestPermissionOutcome::Cancelled,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(kinds: &[PermissionKind]) -> PermissionAsk {
        let choices = kinds.iter().enumerate().map(|(number, kind)| PermissionChoice {
            id: format!("option-{number}"),
            name: String::new(),
            kind: *kind,
        });
        PermissionAsk {
            tool_call: "t".into(),
            title: "Run tests".into(),
            kind: None,
            input: None,
            choices: choices.collect(),
        }
    }

    #[tokio::test]
    async fn auto_allows_once_rather_than_always_and_never_picks_a_refusal() {
        use PermissionKind::{AllowAlways, AllowOnce, RejectAlways, RejectOnce};
        let cases: [(&[PermissionKind], Option<&str>); 4] = [
            (&[RejectOnce, AllowAlways, AllowOnce], Some("option-2")),
            (&[RejectOnce, AllowAlways], Some("option-1")),
            (&[RejectOnce, RejectAlways], None),
            (&[], None),
        ];
        for (kinds, wanted) in cases {
            let decision = Allow.decide(&ask(kinds)).await;
            assert_eq!(decision.choice.as_deref(), wanted, "{kinds:?}");
        }
    }
}
