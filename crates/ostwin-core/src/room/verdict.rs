//! A reviewer's verdict: every criterion answered by id, with evidence.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::contract::Goals;
use crate::channel::Message;
use crate::ids::SignalName;
use crate::lifecycle::{StateKind, names};

/// The structured part of a reviewer's `pass` or `fail`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Verdict {
    /// The verdict in a word, as the message's type has it.
    #[serde(default)]
    pub verdict: Option<String>,
    /// The verdict in a few sentences.
    #[serde(default)]
    pub summary: String,
    /// One answer for each criterion.
    #[serde(default)]
    pub criteria: Vec<Answer>,
}

/// The answer to one criterion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Answer {
    /// The criterion.
    pub id: String,
    /// Whether it is met.
    pub met: bool,
    /// What shows it: a command and its output, a file and a line.
    #[serde(default)]
    pub evidence: String,
    /// Artifacts that hold more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub artifacts: Vec<String>,
}

/// Why a `pass` is no answer to the contract. The reviewer can mend it and post again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerdictError {
    /// `data` is not a verdict at all.
    #[error(
        "`data` of a pass must be {{verdict, summary, criteria: [{{id, met, evidence}}]}}: {0}"
    )]
    Malformed(String),
    /// A verdict on a plan does not hold.
    #[error("{}", problems.join("; "))]
    Plan {
        /// One problem each, with what was expected.
        problems: Vec<String>,
    },
    /// Some criteria were answered wrongly.
    #[error("{}", problems.join("; "))]
    Criteria {
        /// One problem each, naming the criterion.
        problems: Vec<String>,
    },
}

/// Checks that `data` of a `pass` answers each criterion of `goals` once, with evidence, and does not
/// call itself another verdict.
///
/// # Errors
/// [`VerdictError`] that names every criterion without a good answer.
pub fn check_pass(goals: &Goals, data: Option<&Value>) -> Result<Verdict, VerdictError> {
    let data = data.ok_or_else(|| VerdictError::Malformed("it is missing".to_owned()))?;
    let verdict: Verdict = serde_json::from_value(data.clone())
        .map_err(|error| VerdictError::Malformed(error.to_string()))?;
    let mut problems = Vec::new();
    if let Some(word) = &verdict.verdict
        && !word.trim().eq_ignore_ascii_case(names::PASS)
    {
        problems.push(format!("`verdict` says `{word}`, and the message is a `pass`"));
    }
    for goal in goals.all() {
        match verdict.criteria.iter().filter(|answer| answer.id == goal.id).count() {
            0 => problems.push(format!("{} has no answer", goal.id)),
            1 => {}
            count => problems.push(format!("{} is answered {count} times", goal.id)),
        }
    }
    for answer in &verdict.criteria {
        if !goals.all().any(|goal| goal.id == answer.id) {
            problems.push(format!("`{}` is no criterion of this room", answer.id));
        } else if answer.evidence.trim().is_empty() {
            problems.push(format!("{} has no evidence", answer.id));
        }
    }
    if problems.is_empty() { Ok(verdict) } else { Err(VerdictError::Criteria { problems }) }
}

/// The signal that a message moves the room by, in a state of this kind: its type, but `fail` for
/// a reviewer's `pass` that says itself that a criterion is not met, or that answers not all of
/// them. (The servers refuse the latter; a line written by hand gets no further.)
pub fn effective_signal(kind: StateKind, goals: &Goals, message: &Message) -> SignalName {
    if kind == StateKind::Review && message.kind.as_str() == names::PASS {
        let met = check_pass(goals, message.data.as_ref())
            .is_ok_and(|verdict| verdict.criteria.iter().all(|answer| answer.met));
        if !met && let Ok(fail) = SignalName::new(names::FAIL) {
            return fail;
        }
    }
    message.kind.clone()
}

/// The verdict in a message's data, if there is one.
pub(super) fn verdict_of(data: Option<&Value>) -> Option<Verdict> {
    serde_json::from_value(data?.clone()).ok()
}
