//! A project of many rooms at work, with as much said in them as is wanted.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result};
use ostwin_core::channel::{Filter, Message};
use ostwin_core::fs;
use ostwin_core::ids::{MessageId, RoomId};
use ostwin_core::layout::Layout;
use ostwin_core::plan::{self, ParseOptions};
use ostwin_core::plans;
use ostwin_core::project::{self, Project};
use ostwin_core::room::Room;
use ostwin_core::store::{Durability, Store};
use serde_json::json;

use crate::rooms;
use crate::servers::corpus::Numbers;

/// Rooms of the team.
pub(super) const ROOMS: usize = 50;
/// Messages in each of them.
pub(super) const MESSAGES: usize = 200;

/// Makes a project of `root`, if it is none yet, and a plan in it whose rooms are all at work, with
/// [`MESSAGES`] in each channel.
pub(super) fn make(root: &Path) -> Result<Vec<Room>> {
    let store = Store { durability: Durability::Os, ..Store::default() };
    let layout = Layout::new(root);
    if !layout.config().is_file() {
        let settings = json!({ "schema_version": 1, "durability": "os" });
        project::init(root, None, &settings, &store)?;
    }
    let core = Project::new(layout, store);
    let text = plan_text()?;
    let source = root.join("PLAN.md");
    fs::replace_hint(&source, text.as_bytes())?;
    let plan = plans::import(&core, &source, text.as_bytes(), "Fifty rooms", false)?;
    let parsed = plan::parse(&text, &ParseOptions::default()).plan;
    let mut made = Vec::new();
    for (number, epic) in (1..).zip(&parsed.epics) {
        let room = rooms::make(&core, epic, &plan.meta.plan_id, RoomId::numbered(number))?;
        rooms::begin(&room)?;
        say(&room, MESSAGES)?;
        made.push(room);
    }
    Ok(made)
}

fn plan_text() -> Result<String> {
    let mut plan = "# Plan: Fifty rooms\n".to_owned();
    for number in 1..=ROOMS {
        write!(
            plan,
            "\n## EPIC-{number:03}: Part {number} of the whole\n\n- Roles: engineer, qa\n"
        )?;
        plan.push_str("\n### Definition of Done\n\n- [ ] It is there\n- [ ] It is tested\n");
    }
    Ok(plan)
}

/// Appends so many messages to a room's channel, in one go.
pub(super) fn say(room: &Room, count: usize) -> Result<()> {
    const SPEAKERS: [(&str, &str, &str); 4] = [
        ("engineer", "manager", "note"),
        ("manager", "engineer", "task"),
        ("engineer", "qa", "review"),
        ("qa", "engineer", "note"),
    ];
    let channel = room.channel();
    let last = channel.newest(&Filter::default(), 1, None)?.messages.pop();
    let last = last.map_or(0, |message| message.seq);
    let mut numbers = Numbers::new();
    let mut bytes = std::fs::read(channel.path()).unwrap_or_default();
    let now = room.project().store().now();
    for (seq, (from, to, kind)) in (last + 1..).zip(SPEAKERS.into_iter().cycle()).take(count) {
        let message = Message {
            v: Default::default(),
            id: MessageId::generate(now, u128::from(seq)),
            seq,
            ts: now,
            attempt: None,
            from: from.parse()?,
            to: to.parse()?,
            kind: kind.parse()?,
            reference: None,
            body: format!("**Step {seq}**: {}", numbers.text(25)),
            data: None,
        };
        serde_json::to_writer(&mut bytes, &message).context("a message becomes a line")?;
        bytes.push(b'\n');
    }
    fs::replace_hint(channel.path(), &bytes)?;
    Ok(())
}
