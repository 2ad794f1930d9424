//! The verdict contract: how this session ends, for a model and for a program.

use std::fmt::Write as _;

use ostwin_core::ids::{AttemptId, PlanId, RoleRef, RoomId, SignalName, StateName};
use ostwin_core::lifecycle::{StateKind, names};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::input::{Criterion, PromptInput, SignalChoice};
use super::texts;

/// The info string of the contract's block, which is the last one of the prompt.
pub const CONTRACT_INFO: &str = "json verdict-contract";

/// What a program reads at the end of the prompt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contract {
    /// The room.
    pub room: RoomId,
    /// The epic or task of the room.
    #[serde(rename = "ref")]
    pub reference: String,
    /// The plan, if the room belongs to one.
    pub plan: Option<PlanId>,
    /// The role that speaks.
    pub role: RoleRef,
    /// The state of the room that the session is for.
    pub state: StateName,
    /// What kind of state that is.
    pub state_type: StateKind,
    /// The attempt.
    pub attempt: AttemptId,
    /// Its number in the room, counted from 1.
    pub attempt_number: u32,
    /// The signals of which one ends the session.
    pub signals: Vec<SignalName>,
    /// The criteria that a `pass` has to answer.
    pub criteria: Vec<Criterion>,
    /// Of the review of a plan: SHA-256 of the text that the verdict is about, in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan_sha256: Option<String>,
    /// The tool that posts the signal.
    pub tool: String,
}

impl Contract {
    /// The contract of a session.
    pub fn of(input: &PromptInput) -> Self {
        let standing = &input.standing;
        Self {
            room: standing.room.clone(),
            reference: standing.reference.clone(),
            plan: standing.plan.clone(),
            role: standing.role.clone(),
            state: standing.state.clone(),
            state_type: standing.state_kind,
            attempt: standing.attempt.clone(),
            attempt_number: standing.attempt_number,
            signals: input.signals.iter().map(|signal| signal.name.clone()).collect(),
            criteria: input.criteria().cloned().collect(),
            plan_sha256: input.plan_sha256.clone(),
            tool: texts::POST_TOOL.to_owned(),
        }
    }
}

/// The last section: prose, an example, and the block.
pub(super) fn section(input: &PromptInput) -> Result<String, serde_json::Error> {
    let contract = Contract::of(input);
    let mut text = String::new();
    opening(&mut text, input);
    for signal in &input.signals {
        let _ = writeln!(text, "- {}", meaning(signal, contract.plan_sha256.is_some()));
    }
    if let Some(plan_sha256) = &contract.plan_sha256 {
        plan_rules(&mut text, &contract, plan_sha256)?;
    } else if contract.signals.iter().any(|signal| signal.as_str() == names::PASS) {
        pass_rules(&mut text, &contract)?;
    } else if contract.signals.iter().any(|signal| signal.as_str() == names::DONE) {
        done_rules(&mut text, &contract)?;
    }
    text.push_str(texts::CONTRACT_CLOSING);
    let block = serde_json::to_string_pretty(&contract)?;
    let _ = write!(text, "\n```{CONTRACT_INFO}\n{block}\n```");
    Ok(text)
}

fn opening(text: &mut String, input: &PromptInput) {
    let standing = &input.standing;
    let _ = write!(
        text,
        "You are `{}` in `{}`, state `{}`, attempt {} (`{}`). This session ends with **one signal**: \
         a message that you post with {}. It is bound to your role and this attempt; you choose \
         only its `type` and what it says. The first signal counts and cannot be taken back. A session \
         that ends without one has failed, however good the work is; saying it in your answer \
         posts nothing.\n\nThe signals of this state:\n\n",
        standing.role,
        standing.room,
        standing.state,
        standing.attempt_number,
        standing.attempt,
        way_to_post(input),
    );
}

fn way_to_post(input: &PromptInput) -> String {
    match (input.last_line, input.has_servers()) {
        (true, _) => texts::POST_LINE.to_owned(),
        (false, true) => texts::post_tool_names(),
        (false, false) => texts::POST_COMMAND.to_owned(),
    }
}

fn meaning(signal: &SignalChoice, of_plan: bool) -> String {
    let name = signal.name.as_str();
    let says = match name {
        names::PASS if of_plan => {
            "the plan can run, as it is or as you have revised it. `body`: what you looked at and \
             what you changed, each with its reason; `data`: the verdict, as below."
        }
        names::FAIL if of_plan => {
            "the plan cannot run and you cannot mend it: its author has to. `body`: what must \
             change, ordered by harm. Nothing of the plan starts."
        }
        names::DONE => {
            "the work is finished and you have seen every criterion hold. `body`: what now exists, \
             the evidence by criterion, what you decided, what you left out. Somebody else reviews \
             it without having watched you."
        }
        names::PASS => {
            "you have seen every criterion hold. `body`: your judgement in a few sentences; \
             `data.criteria`: an answer to each criterion, as below."
        }
        names::FAIL => {
            "a criterion does not hold, or you found real harm. `body`: your findings, ordered by \
             harm, each with what you did, what happened and what the contract asks for. It is \
             sent to the author as it is."
        }
        names::ESCALATE => {
            "the task itself is wrong or lies beyond your reach, and a person or the manager has \
             to decide. `body`: what you found, what you tried, and the smallest decision that \
             would resolve it."
        }
        names::ERROR => {
            "you cannot go on, because something you need is broken or missing. `body`: the exact \
             command or call, its output, what would have to change. It costs one attempt."
        }
        "fix" => {
            "the work is sound enough to be mended. `body`: exactly what has to change; it becomes \
             the worker's next task."
        }
        "redesign" => {
            "the approach is wrong, the goal is right. `body`: the approach to take instead; it is \
             added to the brief, and the work starts again from there."
        }
        "replan" => {
            "the plan itself has to change first. `body`: which epics, how, and why; this room \
             waits until a person has done it."
        }
        "reject" => {
            "nothing that this room can still do is worth its cost. `body`: why, and what the rest \
             of the plan should know. The epic ends as failed."
        }
        "signoff" => "you approve. `body`: what you looked at and why it is enough.",
        _ => &declared(&signal.targets),
    };
    format!("`{name}`: {says}")
}

/// What is known of a signal that only this room's machine gives a meaning.
fn declared(targets: &[String]) -> String {
    let leads = match targets {
        [] => String::new(),
        targets => format!(" and that leads to `{}`", targets.join("` or `")),
    };
    format!("a signal that this room's own lifecycle declares{leads}. `body`: your reasons.")
}

fn pass_rules(text: &mut String, contract: &Contract) -> Result<(), serde_json::Error> {
    text.push_str(texts::PASS_RULES);
    let criteria: Vec<_> = contract
        .criteria
        .iter()
        .map(|criterion| {
            json!({
                "id": criterion.id,
                "met": true,
                "evidence": "<the command you ran and the decisive line of its output>"
            })
        })
        .collect();
    let arguments = json!({
        "to": "engine",
        "type": names::PASS,
        "ref": contract.reference,
        "body": "<your judgement>",
        "data": { "verdict": names::PASS, "summary": "<one sentence>", "criteria": criteria },
    });
    example(text, &arguments)
}

fn plan_rules(
    text: &mut String,
    contract: &Contract,
    plan_sha256: &str,
) -> Result<(), serde_json::Error> {
    text.push_str(texts::PLAN_RULES);
    let arguments = json!({
        "to": "engine",
        "type": names::PASS,
        "ref": contract.reference,
        "body": "<what you looked at, and what you changed and why>",
        "data": {
            "plan_sha256": plan_sha256,
            "verdict": "revise",
            "artifact": "PLAN.revised.md",
            "summary": "<one sentence>",
        },
    });
    example(text, &arguments)
}

fn done_rules(text: &mut String, contract: &Contract) -> Result<(), serde_json::Error> {
    text.push_str(texts::DONE_RULES);
    let arguments = json!({
        "to": "engine",
        "type": names::DONE,
        "ref": contract.reference,
        "body": "<what exists now, and the evidence by criterion>",
        "data": {
            "summary": "<two or three sentences for the epics that build on this one>",
            "artifacts": ["<path below artifacts/>"],
        },
    });
    example(text, &arguments)
}

fn example(text: &mut String, arguments: &serde_json::Value) -> Result<(), serde_json::Error> {
    let arguments = serde_json::to_string_pretty(arguments)?;
    let _ = write!(text, "\n\n```json\n{arguments}\n```\n");
    Ok(())
}
