//! What a transition does on its way: each action can be repeated, because what it leaves behind
//! carries its key `<room>:<seq>:<action>`.

use super::verdict::{Answer, verdict_of};
use super::{MAX_RECORD_BYTES, Result, Room};
use crate::channel::{Draft, MAX_DATA_BYTES, Message};
use crate::fs;
use crate::ids::{RoleName, RoleRef, SignalName};
use crate::ledger::{self, Ledger, Query};
use crate::lifecycle::{Action, AuditEntry, Cause, Machine, names};

/// Room in a message's data for what stands there beside the criteria, in bytes.
const OTHER_DATA_BYTES: usize = 4096;

/// Performs one action of `entry`. With `again`, an earlier try may have done it: what it leaves
/// is looked for first.
pub(super) fn perform(
    room: &Room,
    machine: &Machine,
    entry: &AuditEntry,
    action: Action,
    again: bool,
) -> Result<()> {
    let key = format!("{}:{}:{}", room.id(), entry.seq, action.as_str());
    match action {
        // Counters are derived from the audit line itself.
        Action::IncrementRetries | Action::GrantRetry => Ok(()),
        Action::PostFix => post_fix(room, machine, entry, &key, again),
        Action::ReviseBrief => revise_brief(room, entry, &key),
        Action::RequestReplan => request_replan(room, machine, entry, &key, again),
        Action::PublishMemory => publish_memory(room, entry, &key, again),
    }
}

fn cause_message(room: &Room, entry: &AuditEntry) -> Result<Option<Message>> {
    let Cause::Message(id) = &entry.cause else { return Ok(None) };
    Ok(room.channel().latest(|message| message.id == *id)?)
}

fn role(name: &str) -> Result<RoleRef> {
    Ok(RoleRef::from(RoleName::new(name)?))
}

/// A message of the engine that is posted once, whatever happens in between.
struct Notice {
    to: RoleRef,
    kind: &'static str,
    body: String,
    data: serde_json::Map<String, serde_json::Value>,
}

/// Posts `notice` unless an earlier try has.
fn post(room: &Room, machine: &Machine, key: &str, again: bool, notice: Notice) -> Result<()> {
    if again && room.channel().latest(|message| message.key() == Some(key))?.is_some() {
        return Ok(());
    }
    let Notice { to, kind, body, mut data } = notice;
    data.insert("key".to_owned(), key.into());
    let draft = Draft {
        attempt: None,
        from: role("engine")?,
        to,
        kind: SignalName::new(kind)?,
        reference: Some(room.contract()?.task_ref.to_string()),
        body,
        data: Some(data.into()),
    };
    let store = room.project().store();
    // What others said was within the limits when they said it; it must not be lost here.
    let limit = room.project().max_message_bytes() * 2 + MAX_DATA_BYTES;
    room.channel().post(store, draft, &machine.message_types(), limit)?;
    Ok(())
}

/// The reviewer's findings go to the worker as a `fix` message: with the rejection itself where it
/// is the cause, else behind what the manager or a person said about it.
fn post_fix(
    room: &Room,
    machine: &Machine,
    entry: &AuditEntry,
    key: &str,
    again: bool,
) -> Result<()> {
    let worker = match machine.state(&entry.to).and_then(|state| state.role.clone()) {
        Some(worker) => worker,
        None => room.contract()?.assignment.assigned_role,
    };
    let cause = cause_message(room, entry)?;
    let rejection = match &cause {
        Some(message) if is_rejection(message) => Some(message.clone()),
        // What was worked on or accepted since is no finding any more.
        _ => room.channel().latest(ends_work_or_review)?.filter(is_rejection),
    };
    let mut data = serde_json::Map::new();
    let mut body = cause.as_ref().map_or_else(|| entry.reason.clone(), |m| m.body.clone());
    if let Some(message) = &cause {
        data.insert("cause".to_owned(), message.id.as_str().into());
    }
    if let Some(message) = &rejection {
        data.insert("reviewer".to_owned(), message.from.to_string().into());
        if cause.as_ref().is_none_or(|cause| cause.id != message.id) {
            body.push_str(&format!("\n\n{} had said:\n\n{}", message.from, message.body.trim()));
        }
        let unmet: Vec<Answer> = verdict_of(message.data.as_ref())
            .map(|verdict| verdict.criteria.into_iter().filter(|answer| !answer.met).collect())
            .unwrap_or_default();
        if !unmet.is_empty() {
            body.push_str("\n\nNot met:\n");
            for answer in &unmet {
                body.push_str(&format!("- **{}** {}\n", answer.id, answer.evidence.trim()));
            }
            let unmet = serde_json::to_value(unmet).unwrap_or_default();
            if unmet.to_string().len() + OTHER_DATA_BYTES <= MAX_DATA_BYTES {
                data.insert("criteria".to_owned(), unmet);
            }
        }
    }
    if cause.iter().chain(&rejection).any(Message::is_rehearsed) {
        data.insert("rehearsed".to_owned(), true.into());
    }
    post(room, machine, key, again, Notice { to: worker, kind: "fix", body, data })
}

/// Whether a session says that its work or its review is over.
fn ends_work_or_review(message: &Message) -> bool {
    message.attempt.is_some()
        && [names::DONE, names::PASS, names::FAIL].contains(&message.kind.as_str())
}

/// Whether a reviewer's session rejects the work, be it by a pass with something unmet.
fn is_rejection(message: &Message) -> bool {
    let has_unmet = || {
        verdict_of(message.data.as_ref())
            .is_some_and(|verdict| verdict.criteria.iter().any(|answer| !answer.met))
    };
    message.attempt.is_some()
        && match message.kind.as_str() {
            names::FAIL => true,
            names::PASS => has_unmet(),
            _ => false,
        }
}

/// The notes of whoever decided are appended to the brief, under a dated heading.
fn revise_brief(room: &Room, entry: &AuditEntry, key: &str) -> Result<()> {
    let path = room.paths().brief();
    let bytes = fs::read_optional(&path, MAX_RECORD_BYTES)?.unwrap_or_default();
    let mut brief = String::from_utf8_lossy(&bytes).into_owned();
    let mark = format!("<!-- {key} -->");
    if brief.contains(&mark) {
        return Ok(());
    }
    let notes = cause_message(room, entry)?.map_or_else(|| entry.reason.clone(), |m| m.body);
    let date = entry.ts.to_string();
    let date = date.split('T').next().unwrap_or_default();
    brief.push_str(&format!("\n## Revised {date}\n\n{mark}\n\n{}\n", notes.trim()));
    Ok(fs::replace_record(&path, brief.as_bytes(), room.project().store().durability)?)
}

/// The plan needs another cut: people are told in the channel.
fn request_replan(
    room: &Room,
    machine: &Machine,
    entry: &AuditEntry,
    key: &str,
    again: bool,
) -> Result<()> {
    let body = cause_message(room, entry)?.map_or_else(|| entry.reason.clone(), |m| m.body);
    let data = serde_json::Map::new();
    post(room, machine, key, again, Notice { to: role("human")?, kind: "plan-update", body, data })
}

/// Work that passed and published nothing is remembered by its own summary.
fn publish_memory(room: &Room, entry: &AuditEntry, key: &str, again: bool) -> Result<()> {
    let ledger = Ledger::new(room.project().layout().ledger());
    let published = Query { room_id: Some(room.id().clone()), ..Query::default() };
    let has_own = !ledger.query(&published, 1)?.entries.is_empty();
    if has_own || (again && ledger.find_key(key)?.is_some()) {
        return Ok(());
    }
    let contract = room.contract()?;
    let done = room.channel().latest(|m| m.kind.as_str() == names::DONE && m.attempt.is_some())?;
    let Some(done) = done else { return Ok(()) };
    let said = done.data.as_ref().and_then(|data| data.get("summary")?.as_str());
    let mut summary =
        format!("{}: {}", contract.task_ref, said.unwrap_or_else(|| first_paragraph(&done.body)));
    let mut end = summary.len().min(ledger::MAX_SUMMARY_BYTES);
    while !summary.is_char_boundary(end) {
        end -= 1;
    }
    summary.truncate(end);
    let mut tags = vec!["done".to_owned()];
    if done.is_rehearsed() {
        tags.push("rehearsed".to_owned());
    }
    ledger.publish(
        room.project().store(),
        ledger::Draft {
            kind: ledger::Kind::Artifact,
            room_id: Some(room.id().clone()),
            plan_id: Some(contract.plan_id),
            author_role: done.from.clone(),
            reference: Some(contract.task_ref.to_string()),
            tags,
            summary,
            detail: Some(format!("Passed at {}.", entry.ts)),
            supersedes: None,
            key: Some(key.to_owned()),
        },
    )?;
    Ok(())
}

fn first_paragraph(body: &str) -> &str {
    body.trim().split("\n\n").next().unwrap_or_default()
}
