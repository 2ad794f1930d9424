//! A dashboard beside channels that grow without end: it keeps offsets, not history. Nothing here
//! looks at a clock; what is counted is memory, and bytes that were read.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use ostwin_core::channel::{Draft, Filter, Message};
use ostwin_core::fs;
use ostwin_core::ids::{MessageId, RoleRef, RoomId, RunId};
use ostwin_core::lifecycle::{GenerateOptions, ReviewRestart, TriageMode, generate};
use ostwin_core::plan::{Entry, Epic};
use ostwin_core::plans;
use ostwin_core::project::Project;
use ostwin_core::room::{self, Contract, NewAttempt, NewRoom, Room, Why};
use ostwin_core::store::{Durability, Store};
use ostwin_core::time::Timestamp;
use ostwin_testkit::{TestProject, wait_until};
use serde_json::Value;

use crate::dashboard::Dashboard;

const PATIENCE: Duration = Duration::from_secs(120);
const MIB: u64 = 1 << 20;
const PLAN: &str = "# Plan: Long talk\n\n## EPIC-001: Talk\n\nSay much.\n";
/// As long as a message may be, nearly.
const LONG: usize = 60 * 1024;

/// A room in which a session is open, so that what it asks is looked for.
fn room_at_work(project: &TestProject) -> Result<Room> {
    let store = Store { durability: Durability::Os, ..Store::default() };
    let core = Project::new(project.layout().clone(), store);
    let source = Path::new("/nowhere/PLAN.md");
    let plan = plans::import(&core, source, PLAN.as_bytes(), "Long talk", false)?.meta.plan_id;
    let roles: [RoleRef; 2] = ["engineer".parse()?, "qa".parse()?];
    let options = GenerateOptions {
        default_role: roles[0].clone(),
        review_role: None,
        skip_review: false,
        review_restart: ReviewRestart::Stage,
        triage: TriageMode::Person,
        max_retries: 3,
        max_triages: 1,
    };
    let epic = Epic::new("EPIC-001".parse()?, Entry::Epic);
    let (id, dir, now) = (RoomId::numbered(1), project.root().to_owned(), core.store().now());
    let contract = Contract::of_epic(&epic, &plan, id, &roles, dir, now).context("no contract")?;
    let new = NewRoom {
        contract,
        machine: generate(&roles, &options)?,
        brief: "# Brief\n".to_owned(),
        tasks: String::new(),
        actor: "test".to_owned(),
    };
    let room = room::create(&core, new)?;
    room.locked(|room| room.signal(&"ready".parse()?, Why::engine("test", "it is due")))?;
    let attempt = NewAttempt {
        role: roles[0].clone(),
        agent: "test".to_owned(),
        model: None,
        rehearsed: false,
        run_id: RunId::generate(Timestamp::from_millis(1), 1),
        timeout: Duration::from_secs(3_600),
        provenance: Value::Null,
    };
    room.locked(|room| room.open_attempt(attempt))?;
    Ok(room)
}

fn say(room: &Room, body: &str) -> Result<()> {
    let draft = Draft {
        attempt: None,
        from: "engineer".parse()?,
        to: "qa".parse()?,
        kind: "note".parse()?,
        reference: None,
        body: body.to_owned(),
        data: None,
    };
    room.channel().post(room.project().store(), draft, &[], LONG + 1_024)?;
    Ok(())
}

/// Appends messages of `LONG` until they have so many bytes.
fn say_much(room: &Room, bytes: u64) -> Result<()> {
    let body = "x".repeat(LONG);
    (0..bytes / LONG as u64).try_for_each(|_| say(room, &body))
}

/// Says one more thing, and waits until that was told: then everything before it was, too.
fn told(dashboard: &Dashboard, room: &Room, last: &str) -> Result<()> {
    let mut events = dashboard.stream(None)?;
    say(room, last)?;
    loop {
        let (_, _, data) = events.next()?.context("the stream ended")?;
        if data["message"]["body"] == last {
            break;
        }
    }
    let shown = || {
        let rooms = dashboard.get("/api/rooms").ok()?;
        (rooms["items"][0]["last_message"]["text"] == last).then_some(())
    };
    Ok(wait_until("the room's last message", PATIENCE, shown)?)
}

/// A figure of `/proc/PID/FILE`, as it stands there.
fn figure(dashboard: &Dashboard, file: &str, name: &str) -> Result<u64> {
    let text = std::fs::read_to_string(format!("/proc/{}/{file}", dashboard.child.id()))?;
    let line = text.lines().find_map(|line| line.strip_prefix(name)).context("no such figure")?;
    let number = line.split_whitespace().next().context("no number")?;
    Ok(number.parse()?)
}

/// Memory that is its own: what it holds, not its code.
fn memory(dashboard: &Dashboard) -> Result<u64> {
    Ok(figure(dashboard, "status", "RssAnon:")? * 1_024)
}

/// Bytes that it has read.
fn read(dashboard: &Dashboard) -> Result<u64> {
    figure(dashboard, "io", "rchar:")
}

#[test]
fn memory_is_flat_while_a_channel_grows() -> Result<()> {
    const GROWTH: u64 = 192 * MIB;
    let project = TestProject::new()?;
    let room = room_at_work(&project)?;
    let dashboard = Dashboard::start(&project)?;
    // A browser that sleeps: it is let go, not waited for.
    let _sleeper = dashboard.stream(None)?;
    // What is kept for clients that come back is bounded; it is full from here on.
    say_much(&room, 64 * MIB)?;
    told(&dashboard, &room, "The first part.")?;
    let (held, before) = (memory(&dashboard)?, read(&dashboard)?);
    say_much(&room, GROWTH)?;
    told(&dashboard, &room, "The second part.")?;
    let grown = memory(&dashboard)?.saturating_sub(held);
    ensure!(grown < GROWTH / 6, "{} MiB more for {} MiB", grown / MIB, GROWTH / MIB);
    // Each line is read for the stream, for what the session asks, and as the newest, with what
    // stands before it; were it all read again each time, this would be thousands of times more.
    let work = read(&dashboard)? - before;
    ensure!(work < 12 * GROWTH, "{} MiB read for {} MiB", work / MIB, GROWTH / MIB);
    Ok(())
}

#[test]
fn a_page_of_a_long_channel_is_read_where_it_stands() -> Result<()> {
    const MESSAGES: u64 = 100_000;
    let project = TestProject::new()?;
    let room = room_at_work(&project)?;
    let channel = room.channel();
    let first = channel.newest(&Filter::default(), 1, None)?.messages.pop();
    let first = first.map_or(1, |message| message.seq + 1);
    let mut bytes = std::fs::read(channel.path()).unwrap_or_default();
    for seq in first..=MESSAGES {
        let ts = Timestamp::from_millis(1_000 * i64::try_from(seq)?);
        let message = Message {
            v: Default::default(),
            id: MessageId::generate(ts, u128::from(seq)),
            seq,
            ts,
            attempt: None,
            from: "engineer".parse()?,
            to: "qa".parse()?,
            kind: "note".parse()?,
            reference: None,
            body: format!("Step {seq} is done. {}", "It went well. ".repeat(8)),
            data: None,
        };
        serde_json::to_writer(&mut bytes, &message)?;
        bytes.push(b'\n');
    }
    fs::replace_hint(channel.path(), &bytes)?;
    let length = bytes.len() as u64;
    let dashboard = Dashboard::start(&project)?;
    let page = |query: &str| -> Result<Vec<u64>> {
        let before = read(&dashboard)?;
        let page = dashboard.get(&format!("/api/rooms/room-001/channel?{query}"))?;
        let work = read(&dashboard)? - before;
        ensure!(work < length / 50, "{query}: {work} of {length} bytes were read");
        let items = page["items"].as_array().context("no messages")?;
        Ok(items.iter().filter_map(|message| message["seq"].as_u64()).collect())
    };
    let middle = MESSAGES / 2;
    assert_eq!(page("")?, Vec::from_iter(MESSAGES - 99..=MESSAGES));
    assert_eq!(page(&format!("before={middle}"))?, Vec::from_iter(middle - 100..middle));
    assert_eq!(page("before=101")?, Vec::from_iter(1..=100));
    assert_eq!(page("after=0&limit=3")?, [1, 2, 3]);
    assert_eq!(page(&format!("after={middle}&limit=2"))?, [middle + 1, middle + 2]);
    assert_eq!(page(&format!("after={MESSAGES}"))?, Vec::<u64>::new());
    // The room's story looks for what its session asks, in all that was said: once.
    let story = || -> Result<u64> {
        let before = read(&dashboard)?;
        dashboard.get("/api/rooms/room-001")?;
        Ok(read(&dashboard)? - before)
    };
    story()?;
    let work = story()?;
    ensure!(work < length / 50, "the story: {work} of {length} bytes were read");
    Ok(())
}
