//! `update_status` and `report_progress`: moving on, and saying how far one is.

use ostwin_core::ids::{NameError, RoleRef, SignalName, StateName};
use ostwin_core::lifecycle::{StateKind, Target, names};
use ostwin_core::room::{self, PostRequest, ProgressReport, Speaker, Standing, report};
use ostwin_core::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::desk::Desk;
use super::post::{Accepted, post};
use crate::args::{Text, Whole};
use crate::error::{Code, ToolError};
use crate::waiting::Waiting;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UpdateStatus {
    /// The signal to send, such as `done`, `fail`, `escalate` or `error`. Give this or `status`.
    #[serde(default)]
    signal: Option<SignalName>,
    /// The state to go to, if exactly one of your signals leads there. Give this or `signal`.
    #[serde(default)]
    status: Option<StateName>,
    /// The state that you think the room is in; in another one nothing is sent.
    #[serde(default)]
    expected: Option<StateName>,
    /// Why, in a few sentences: the body of the message.
    reason: Text<1, 16384>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Updated {
    /// The signal that was sent.
    signal: SignalName,
    /// The state in which it was sent. The room moves when your session has ended.
    state: StateName,
    /// The message that carries it.
    message: Accepted,
}

pub(super) fn update_status(
    desk: &Desk,
    args: UpdateStatus,
    _: &Waiting,
) -> Result<Updated, ToolError> {
    let standing = desk.room.standing()?;
    if let Some(expected) = args.expected.filter(|expected| *expected != standing.state) {
        return Err(ToolError::new(
            Code::Conflict,
            format!("the room is in state `{}` and not in `{expected}`", standing.state),
        ));
    }
    let signal = match (args.signal, args.status) {
        (Some(signal), None) => signal,
        (None, Some(status)) if standing.machine.is_terminal(&status) => {
            return Err(refuse_the_end(desk, &status)?);
        }
        (None, Some(status)) => signal_to(&standing, &status)?,
        _ => {
            let text = "give `signal` or `status`, and not both";
            return Err(ToolError::invalid("signal", text));
        }
    };
    if standing.kind() == StateKind::Review && signal.as_str() == names::PASS {
        let text = "a `pass` answers each criterion with evidence: send it with post_message, \
                    with the criteria in `data`";
        return Err(ToolError::invalid("signal", text));
    }
    let posted = post(
        desk,
        PostRequest {
            to: engine()?,
            kind: signal.clone(),
            reference: None,
            body: args.reason.into_string(),
            data: None,
        },
    )?;
    Ok(Updated { signal, state: standing.state, message: Accepted::from(&posted) })
}

fn engine() -> Result<RoleRef, ToolError> {
    "engine".parse().map_err(|error: NameError| ToolError::because(Code::Unavailable, &error))
}

/// Refuses to end the room and leaves a note as the trace, as for every signal that is refused.
fn refuse_the_end(desk: &Desk, status: &StateName) -> Result<ToolError, ToolError> {
    let text = format!("`{status}` ends the room: only the engine and people set such a state");
    let speaker = Speaker { role: engine()?, attempt: desk.speaker.attempt.clone() };
    let note = PostRequest {
        to: engine()?,
        kind: "note"
            .parse()
            .map_err(|error: NameError| ToolError::because(Code::Unavailable, &error))?,
        reference: None,
        body: format!("Refused `{status}` of `{}`: {text}", desk.speaker.role),
        data: Some(json!({ "refused": status, "by": desk.speaker.role })),
    };
    room::post(&desk.room, &speaker, note)?;
    Ok(ToolError { field: Some("status".to_owned()), ..ToolError::new(Code::Forbidden, text) })
}

/// The one signal that an agent may send now and that leads to `status`.
fn signal_to(standing: &Standing, status: &StateName) -> Result<SignalName, ToolError> {
    let machine = &standing.machine;
    let allowed = machine.allowed_agent_signals(&standing.state);
    let leads = |signal: &SignalName| {
        let edges =
            machine.state(&standing.state).and_then(|state| state.signals.get(signal.as_str()));
        edges.is_some_and(|edges| {
            edges.0.iter().any(|edge| edge.target == Target::State(status.clone()))
        })
    };
    let mut leading = allowed.iter().filter(|signal| leads(signal));
    match (leading.next(), leading.next()) {
        (Some(only), None) => Ok(only.clone()),
        (first, _) => {
            let how_many = if first.is_some() {
                "several of your signals lead"
            } else {
                "none of your signals leads"
            };
            let allowed: Vec<_> = allowed.iter().map(SignalName::as_str).collect();
            let text = format!(
                "from `{}`, {how_many} to `{status}`; give `signal`, one of: {}",
                standing.state,
                allowed.join(", ")
            );
            Err(ToolError::invalid("status", text))
        }
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReportProgress {
    /// How far you are, from 0 to 100.
    percent: Whole<0, 100>,
    /// What you are doing, in a sentence.
    message: Text<1, 500>,
    /// The step you are at, counted from 1.
    #[serde(default)]
    step: Option<Whole<1, 10000>>,
    /// How many steps there are.
    #[serde(default)]
    total_steps: Option<Whole<1, 10000>>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Reported {
    /// How far you are.
    percent: u8,
    /// When it was reported.
    updated_at: Timestamp,
}

pub(super) fn report_progress(
    desk: &Desk,
    args: ReportProgress,
    _: &Waiting,
) -> Result<Reported, ToolError> {
    let (step, total_steps) = (args.step.map(Whole::small), args.total_steps.map(Whole::small));
    if let (Some(step), Some(total)) = (step, total_steps)
        && step > total
    {
        let text = format!("`step` is {step} and there are only {total} steps");
        return Err(ToolError::invalid("step", text));
    }
    desk.still_open()?;
    let progress = report(
        &desk.room,
        ProgressReport {
            percent: u8::try_from(args.percent.get()).unwrap_or(100),
            message: args.message.into_string(),
            step,
            total_steps,
            attempt: desk.speaker.attempt.clone(),
        },
    )?;
    Ok(Reported { percent: progress.percent, updated_at: progress.updated_at })
}
