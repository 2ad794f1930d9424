//! `room`: list, show, decide, post.

use std::io::Read;

use ostwin_core::channel::Filter;
use ostwin_core::control::Decision;
use ostwin_core::env;
use ostwin_core::fs;
use ostwin_core::ids::{AttemptId, RoleRef, RoomId, SignalName};
use ostwin_core::lifecycle::{StateKind, names};
use ostwin_core::room::{self, PostRefusal, PostRequest, Room, Speaker};
use ostwin_service::{Exit, Explain, Failure};
use serde_json::{Value, json};

use super::{control, room_answer, room_archive, room_lifecycle, room_new};
use crate::args::{RoomCommand, RoomPostArgs};
use crate::context::{Context, actor, stored_plan};
use crate::out::remark;
use crate::view::{self, table};

/// Longest text that is read for a message; what is longer than a message may be is refused anyway.
const MAX_BODY_BYTES: u64 = 8 << 20;

pub(crate) fn run(context: &Context, command: &RoomCommand) -> anyhow::Result<Exit> {
    match command {
        RoomCommand::New(args) => room_new::new(context, args),
        RoomCommand::List { plan } => list(context, plan.as_deref()),
        RoomCommand::Show { room, lifecycle: Some(format) } => {
            room_lifecycle::show(context, room, *format)
        }
        RoomCommand::Show { room, lifecycle: None } => show(context, room),
        RoomCommand::Answer { room, text, question } => {
            room_answer::answer(context, room, question.as_ref(), text)
        }
        RoomCommand::Approve(args) => room_answer::permission(context, args, true),
        RoomCommand::Deny(args) => room_answer::permission(context, args, false),
        RoomCommand::Set { room, key, value } => room_answer::set(context, room, key, value),
        RoomCommand::SetStatus(args) => {
            let decision = Decision::SetStatus { state: args.state.clone(), force: args.force };
            control::decide(context, &args.room, decision, &args.reason)
        }
        RoomCommand::Post(args) => post(context, args),
        RoomCommand::Archive { room, restore } => room_archive::archive(context, room, *restore),
    }
}

fn list(context: &Context, plan: Option<&str>) -> anyhow::Result<Exit> {
    let (project, _) = context.project()?;
    let rooms = match plan {
        Some(plan) => {
            let plan = stored_plan(&project, Some(plan))?.meta.plan_id;
            room::of_plan(&project, &plan)?.into_iter().map(|(room, _)| room).collect()
        }
        None => Room::list(&project)?,
    };
    let listed: Vec<view::room::Listed> = rooms.iter().map(view::room::listed).collect();
    if context.out.json {
        context.out.json(&listed)?;
        return Ok(Exit::Ok);
    }
    if listed.is_empty() {
        remark("no room yet; `ostwin run PLAN.md` makes one for each epic");
        return Ok(Exit::Ok);
    }
    let rows: Vec<Vec<String>> = listed.iter().map(view::room::Listed::row).collect();
    let head = ["room", "epic", "state", "retries", "plan", "title"];
    context.out.text(&table::table(&head, &rows, context.out.width()))?;
    Ok(Exit::Ok)
}

fn show(context: &Context, id: &RoomId) -> anyhow::Result<Exit> {
    let (project, _) = context.project()?;
    let room = Room::open(&project, id).exit(Exit::Usage)?;
    let contract = room.contract()?;
    let standing = room.standing()?;
    let attempts = room.attempts()?;
    let newest = room.channel().newest(&Filter::default(), 200, None)?;
    let verdict = newest
        .messages
        .iter()
        .rev()
        .find_map(|message| Some((message, view::message::verdict(message)?)));
    let machine = &standing.machine;
    if context.out.json {
        context.out.json(&json!({
            "contract": contract,
            "state": standing.state,
            "type": standing.kind(),
            "retries": standing.replay.retries,
            "max_retries": standing.replay.max_retries(machine),
            "entered_at": standing.replay.entered_at,
            "last_reason": standing.replay.last_reason,
            "agent_signals": machine.allowed_agent_signals(&standing.state),
            "person_signals": machine.allowed_person_signals(&standing.state),
            "states": machine.states.keys().collect::<Vec<_>>(),
            "drawn": view::room::ways_out(&standing),
            "progress": room.progress()?,
            "attempts": attempts.iter().map(|attempt| &attempt.record).collect::<Vec<_>>(),
            "archived": room.archived()?,
            "last_verdict": verdict.as_ref().map(|(message, _)| message),
        }))?;
        return Ok(Exit::Ok);
    }
    let shown = view::room::Shown {
        room: &room,
        contract: &contract,
        standing: &standing,
        attempts: &attempts,
        verdict,
    };
    context.out.lines(&shown.lines())?;
    Ok(Exit::Ok)
}

fn post(context: &Context, args: &RoomPostArgs) -> anyhow::Result<Exit> {
    let (project, _) = context.project()?;
    let room = Room::open(&project, &args.room).exit(Exit::Usage)?;
    let speaker = speaker()?;
    if speaker.attempt.is_none() && is_decision(&room, &args.kind)? {
        if args.data.is_some() {
            let text = format!("`{}` from a person has no structured part", args.kind);
            return Err(Failure::new(Exit::Usage, text).hint("leave out --data").into());
        }
        let decision = Decision::Verdict { signal: args.kind.clone() };
        return control::decide(context, &args.room, decision, &body(args)?);
    }
    let data =
        match &args.data {
            Some(text) => Some(serde_json::from_str::<Value>(text).map_err(|error| {
                Failure::new(Exit::Usage, format!("--data is no JSON: {error}"))
            })?),
            None => None,
        };
    let request = PostRequest {
        to: match &args.to {
            Some(to) => to.clone(),
            None => addressee(&room)?,
        },
        kind: args.kind.clone(),
        reference: args.reference.clone(),
        body: body(args)?,
        data: data.or_else(|| speaker.attempt.is_none().then(|| json!({"actor": actor()}))),
    };
    match room::post(&room, &speaker, request) {
        Ok(posted) => {
            if context.out.json {
                context.out.json(&posted.message)?;
            } else {
                let message = &posted.message;
                remark(&format!("posted `{}` as message {}", message.kind, message.seq));
            }
            Ok(Exit::Ok)
        }
        Err(error @ PostRefusal::Room(_)) => Err(error).exit(Exit::Environment),
        Err(error) => Err(error).exit(Exit::Usage),
    }
}

/// Whether a message of this type from a person is an answer that moves the room, or is meant as
/// one: then the room says what it can be answered.
fn is_decision(room: &Room, kind: &SignalName) -> anyhow::Result<bool> {
    if names::VERDICTS.contains(&kind.as_str()) || kind.as_str() == names::UNBLOCK {
        return Ok(true);
    }
    let standing = room.standing()?;
    Ok(standing.machine.allowed_person_signals(&standing.state).contains(kind))
}

/// Who speaks: an attempt's own session says so in its environment, which the checks of the room
/// compare with the open attempt; everybody else is a person.
fn speaker() -> anyhow::Result<Speaker> {
    let Some(attempt) = env::var(env::ATTEMPT).filter(|attempt| !attempt.is_empty()) else {
        return Ok(Speaker { role: RoleRef::new("human")?, attempt: None });
    };
    let attempt = AttemptId::new(&attempt)?;
    let role = env::var(env::ROLE).ok_or_else(|| {
        let text =
            format!("{} is set and {} is not: whose message is it?", env::ATTEMPT, env::ROLE);
        Failure::new(Exit::Usage, text).hint("the runner sets both for a session")
    })?;
    Ok(Speaker { role: RoleRef::new(&role)?, attempt: Some(attempt) })
}

/// Who is meant if nobody is named: whoever works in the room's state, else the first role.
fn addressee(room: &Room) -> anyhow::Result<RoleRef> {
    let standing = room.standing()?;
    let of_state = standing.machine.state(&standing.state).and_then(|state| state.role.clone());
    let works = standing.kind() != StateKind::Terminal;
    match of_state.filter(|_| works) {
        Some(role) => Ok(role),
        None => Ok(room.contract()?.assignment.assigned_role),
    }
}

fn body(args: &RoomPostArgs) -> anyhow::Result<String> {
    let bytes = match (&args.body, &args.body_file) {
        (_, Some(file)) => fs::read(file, MAX_BODY_BYTES).exit(Exit::Usage)?,
        (Some(text), None) if text == "-" => {
            let mut bytes = Vec::new();
            std::io::stdin().lock().take(MAX_BODY_BYTES).read_to_end(&mut bytes)?;
            bytes
        }
        (Some(text), None) => text.clone().into_bytes(),
        (None, None) => Vec::new(),
    };
    Ok(String::from_utf8(bytes)
        .map_err(|_| Failure::new(Exit::Usage, "the message is not UTF-8 text"))?)
}
