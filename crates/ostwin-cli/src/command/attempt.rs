//! `attempt show`: one session, as it was recorded.

use ostwin_core::fs;
use ostwin_core::gc::Removed;
use ostwin_core::ids::RoomId;
use ostwin_core::room::{Attempt, Room};
use ostwin_runner::acp::transcript::Entry;
use ostwin_service::{Exit, Explain, Failure};
use serde_json::{Value, json};

use crate::args::AttemptCommand;
use crate::context::Context;
use crate::out::remark;
use crate::view::figures::{self, plural};
use crate::view::{table, text, transcript};

/// No transcript and no prompt is longer.
const MAX_BYTES: u64 = 64 << 20;

pub(crate) fn run(context: &Context, command: &AttemptCommand) -> anyhow::Result<Exit> {
    let AttemptCommand::Show { room, number, prompt, full } = command;
    let (shown, attempt) = find(context, room, *number)?;
    if *prompt {
        let bytes = fs::read(&attempt.paths.prompt(), MAX_BYTES).exit(Exit::Usage)?;
        let prompt = String::from_utf8_lossy(&bytes);
        if context.out.json {
            context.out.json(&json!({"attempt": attempt.record, "prompt": prompt}))?;
        } else {
            context.out.text(&text::block(&prompt))?;
        }
        return Ok(Exit::Ok);
    }
    let removed = Removed::of(&attempt.paths)?;
    let bytes = fs::read_optional(&attempt.paths.transcript(), MAX_BYTES)?.unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    if context.out.json {
        let lines: Vec<Value> =
            text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let archived = shown.archived()?.map(|archived| archived.archived_at);
        context.out.json(&json!({
            "attempt": attempt.record,
            "transcript": lines,
            "removed": removed,
            "archived_at": archived,
        }))?;
        return Ok(Exit::Ok);
    }
    context.out.text(&table::pairs(&transcript::head(&attempt.record)))?;
    context.out.text("\n")?;
    let mut lines = Vec::new();
    let mut unreadable = 0;
    for line in text.lines() {
        match Entry::parse(line) {
            Ok(entry) => lines.extend(transcript::entry(&entry, *full)),
            Err(_) => unreadable += 1,
        }
    }
    context.out.lines(&lines)?;
    if text.is_empty() {
        remark(&absent(&shown, &attempt, removed.as_ref())?);
    }
    if unreadable > 0 {
        remark(&format!("{} of the transcript cannot be read", plural(unreadable, "line")));
    }
    Ok(Exit::Ok)
}

/// Why there is no transcript.
fn absent(room: &Room, attempt: &Attempt, removed: Option<&Removed>) -> anyhow::Result<String> {
    let transcript = attempt.paths.transcript();
    let name = transcript.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if let Some(removed) = removed.filter(|removed| removed.files.iter().any(|file| file == name)) {
        let at = figures::moment(removed.removed_at);
        return Ok(format!("the transcript was removed on {at}, by `ostwin gc`"));
    }
    if let Some(archived) = room.archived()? {
        let (at, id) = (figures::moment(archived.archived_at), room.id());
        return Ok(format!(
            "the transcript was archived on {at}; `ostwin room archive {id} --restore` unpacks it"
        ));
    }
    Ok("the session left no transcript".to_owned())
}

fn find(context: &Context, id: &RoomId, number: Option<u32>) -> anyhow::Result<(Room, Attempt)> {
    let (project, _) = context.project()?;
    let room = Room::open(&project, id).exit(Exit::Usage)?;
    let attempts = room.attempts()?;
    let numbers: Vec<String> =
        attempts.iter().map(|attempt| attempt.record.number.to_string()).collect();
    let wanted = match number {
        Some(number) => attempts.into_iter().find(|attempt| attempt.record.number == number),
        None => attempts.into_iter().next_back(),
    };
    wanted.map(|attempt| (room, attempt)).ok_or_else(|| {
        let text = match number {
            Some(number) => format!("`{id}` has no attempt {number}"),
            None => format!("`{id}` has no attempt yet"),
        };
        let known = if numbers.is_empty() { "none".to_owned() } else { numbers.join(", ") };
        Failure::new(Exit::Usage, text).hint(format!("there are: {known}")).into()
    })
}
