//! Prompts for a room: how its reviewer judges, and what its worker's report holds.
//!
//! They are made from the room's contract, so that they ask for exactly the criteria that the room
//! will accept a verdict on.

use std::fmt::Write as _;

use ostwin_core::lifecycle::names;
use ostwin_core::room::{Contract, Goal};
use serde_json::{Value, json};

use crate::binding::Binding;
use crate::error::ToolError;
use crate::prompts::{Argument, Prompt};
use crate::subject;
use crate::tool::Arguments;

/// What a person's client says of the room; a session says nothing.
const ROOM: &[Argument] = &[Argument {
    name: subject::ROOM,
    description: "The room, such as `room-001`.",
    required: true,
}];

/// The prompts of a session, or of a person's client, which names the room.
pub(super) fn prompts(is_session: bool) -> Vec<Prompt<Binding>> {
    let arguments = if is_session { &[] } else { ROOM };
    vec![
        Prompt::new(
            "review-checklist",
            "Review checklist",
            "The criteria of a room, one by one, with what counts as evidence for each and how \
             the verdict is given.",
            arguments,
            |binding, arguments| Ok(checklist(&contract(binding, arguments)?)),
        ),
        Prompt::new(
            "done-report",
            "Report of finished work",
            "What the message has to say that reports a room's work as done.",
            arguments,
            |binding, arguments| Ok(report(&contract(binding, arguments)?)),
        ),
    ]
}

fn contract(binding: &Binding, arguments: &Arguments) -> Result<Contract, ToolError> {
    let named = arguments.get(subject::ROOM).and_then(Value::as_str);
    Ok(subject::room(binding, named)?.contract()?)
}

fn checklist(contract: &Contract) -> String {
    let mut text = format!(
        "Review {} against its contract. You did not do this work: believe what you see, not what \
         its report says.\n\n## Criteria\n",
        subject_of(contract)
    );
    for goal in contract.goals.all() {
        let _ = write!(text, "\n- [ ] **{}** {}\n      {}\n", goal.id, body(goal), evidence(goal));
    }
    text.push_str(
        "\nEvidence is what another person can repeat: a command with the decisive line of its \
         output, the name of a test that you ran, a file and line, an artifact. Code that looks \
         right is none, and neither is a test that you only read. If you cannot find out whether \
         a criterion holds, it is not met.\n\n## Verdict\n\n",
    );
    let criteria: Vec<Value> = contract
        .goals
        .all()
        .map(|goal| json!({ "id": goal.id, "met": true, "evidence": "<what you ran and saw>" }))
        .collect();
    let pass = json!({
        "to": "engine",
        "type": names::PASS,
        "ref": contract.task_ref,
        "body": "<your judgement in a few sentences>",
        "data": { "verdict": names::PASS, "summary": "<one sentence>", "criteria": criteria },
    });
    let _ = write!(
        text,
        "If every criterion holds, call `post_message` with this, each answer with its own \
         evidence:\n\n{}\n\nIf one does not hold, post `{}` instead: in the body your findings, \
         the most harmful first, each with what you did, what happened and what the criterion asks \
         for; in `data` the same shape, with `\"met\": false` where it is so.\n",
        block(&pass),
        names::FAIL,
    );
    text
}

fn report(contract: &Contract) -> String {
    let mut text = format!(
        "Report {} as done. Do it only when you have seen every criterion hold; whoever reviews it \
         has seen nothing of your work.\n\nThe body, in Markdown:\n\n\
         1. **What exists now**: files, commands, interfaces, each with its path or name.\n\
         2. **Evidence by criterion**: what you ran and the decisive line of its output.\n",
        subject_of(contract)
    );
    for goal in contract.goals.all() {
        let _ = writeln!(text, "   - {}: {}", goal.id, body(goal));
    }
    let done = json!({
        "to": "engine",
        "type": names::DONE,
        "ref": contract.task_ref,
        "body": "<the report>",
        "data": {
            "summary": "<two or three sentences for the epics that build on this one>",
            "artifacts": ["<path as list_artifacts names it>"],
        },
    });
    let _ = write!(
        text,
        "3. **Decisions**: what you chose and why, where the brief left it open.\n\
         4. **Left out**: what is missing, weak or unverified. Say so, or that nothing is.\n\n\
         What is too long for a message becomes an artifact that the report names. Publish what \
         other rooms need to the shared memory first. Then call `post_message`:\n\n{}\n",
        block(&done)
    );
    text
}

fn subject_of(contract: &Contract) -> String {
    format!("`{}` ({}: {})", contract.room_id, contract.task_ref, contract.assignment.title)
}

fn body(goal: &Goal) -> String {
    goal.text.trim().replace('\n', "\n      ")
}

/// What shows that a criterion of this kind holds.
fn evidence(goal: &Goal) -> &'static str {
    match goal.id.split('-').next() {
        Some("AC") => "Evidence: do what it describes and give the command and what it printed.",
        Some("DOD") => "Evidence: the file, test or document that it asks for, as you found it.",
        Some("QR") => {
            "Evidence: the check that measures it, run now, with its figure or last line."
        }
        _ => "Evidence: what you did to see it for yourself, and what you saw.",
    }
}

fn block(arguments: &Value) -> String {
    // A JSON value always has a text.
    let json = serde_json::to_string_pretty(arguments).unwrap_or_default();
    format!("```json\n{json}\n```")
}
