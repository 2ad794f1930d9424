//! What must be true of a project's files after every operation, whoever made it.
//!
//! The model follows the files line by line as they are written, by core's own replay. What breaks
//! a rule is kept, in one sentence; the simulation ends there.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

use ostwin_core::channel::Message;
use ostwin_core::events::{Event, EventKind};
use ostwin_core::fs::recorder::Op;
use ostwin_core::ids::{AttemptId, EpicId, MessageId, RoleRef, RoomId};
use ostwin_core::jsonl;
use ostwin_core::layout::AttemptPaths;
use ostwin_core::lifecycle::{AuditEntry, AuditLine, Cause, Machine, Replay, names};
use ostwin_core::project::Project;
use ostwin_core::room::{AttemptRecord, Outcome, Posted, Room};
use ostwin_core::time::Timestamp;
use serde::de::DeserializeOwned;

use crate::moves;

/// A rule that was broken.
pub(super) type Broken = String;

/// The rooms of the only plan of a project, as their files say.
pub(super) struct Model {
    project: Project,
    rooms: BTreeMap<RoomId, RoomModel>,
    /// The room of each epic.
    epics: BTreeMap<EpicId, RoomId>,
    files: HashMap<PathBuf, (RoomId, Meaning)>,
    /// Every message whose sender was told that it was taken.
    acknowledged: Vec<(RoomId, MessageId, Option<AttemptId>)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Meaning {
    Audit,
    Channel,
    Status,
    /// The folder of attempts.
    Attempts,
}

struct RoomModel {
    epic: EpicId,
    depends_on: Vec<EpicId>,
    machine: Machine,
    replay: Replay,
    /// What stands behind the last newline.
    audit_tail: Vec<u8>,
    channel_tail: Vec<u8>,
    last_message: u64,
    /// Messages by their id: the attempt that spoke.
    messages: HashMap<MessageId, Option<AttemptId>>,
    /// Messages that have moved the room.
    moved_by: HashSet<MessageId>,
    attempts: BTreeMap<AttemptId, AttemptRecord>,
    /// Signals that were accepted, by attempt, with where each stands in the channel.
    signals: HashMap<AttemptId, u64>,
}

impl RoomModel {
    fn open(&self) -> Option<&AttemptRecord> {
        self.attempts.values().find(|record| record.is_open())
    }

    fn has_passed(&self) -> bool {
        self.replay.state.as_ref().is_some_and(|state| state.as_str() == names::PASSED)
    }
}

impl Model {
    pub(super) fn new(project: Project) -> Self {
        Self {
            project,
            rooms: BTreeMap::new(),
            epics: BTreeMap::new(),
            files: HashMap::new(),
            acknowledged: Vec::new(),
        }
    }

    /// Takes in an operation that was done.
    pub(super) fn hear(&mut self, op: &Op) -> Result<(), Broken> {
        match op {
            Op::Write { path, bytes, .. } => match self.files.get(path).cloned() {
                Some((room, Meaning::Audit)) => self.audit_written(&room, bytes),
                Some((room, Meaning::Channel)) => self.channel_written(&room, bytes),
                _ => Ok(()),
            },
            Op::Rename { to, .. } => self.renamed(to),
            _ => Ok(()),
        }
    }

    fn renamed(&mut self, to: &Path) -> Result<(), Broken> {
        if to.parent() == Some(&self.project.layout().rooms()) {
            let id = to.file_name().and_then(|name| name.to_str()?.parse().ok());
            return id.map_or(Ok(()), |id| self.read_room(&id));
        }
        if let Some((room, Meaning::Status)) = self.files.get(to).cloned() {
            return self.status_written(&room, to);
        }
        let Some(folder) = to.parent() else { return Ok(()) };
        let paths = AttemptPaths::at(folder);
        let attempts = folder.parent().and_then(|attempts| self.files.get(attempts));
        match attempts {
            Some((room, Meaning::Attempts)) if paths.record() == *to => {
                let room = room.clone();
                self.read_attempt(&room, &paths)
            }
            _ => Ok(()),
        }
    }

    /// Reads every room again, from files that nobody is writing: after a power cut. What the files
    /// had gone on from before must still be in them.
    pub(super) fn read_again(&mut self) -> Result<(), Broken> {
        let before = std::mem::take(&mut self.rooms);
        self.epics.clear();
        self.files.clear();
        for room in Room::list(&self.project).map_err(words)? {
            self.read_room(room.id())?;
        }
        for (id, before) in before {
            let Some(room) = self.rooms.get_mut(&id) else {
                // One that nothing has happened in yet may be lost whole.
                match before.replay.last_seq {
                    0..=1 => continue,
                    _ => return Err(format!("{id} is lost, which had begun")),
                }
            };
            room.signals = before.signals;
            let mut acknowledged = self.acknowledged.iter().filter(|(room, ..)| *room == id);
            if let Some((_, lost, _)) =
                acknowledged.find(|(_, message, _)| !room.messages.contains_key(message))
            {
                return Err(format!("{id}: the acknowledged message {lost} is lost"));
            }
            if let Some(lost) = room.signals.keys().find(|id| !room.attempts.contains_key(*id)) {
                return Err(format!("{id}: attempt {lost} is lost, which had posted a signal"));
            }
        }
        self.check_attempts()?;
        self.check_dead()
    }

    /// A room moves only behind its attempts: none that it came from is open or lost, and one that
    /// is open belongs to where it stands.
    fn check_attempts(&self) -> Result<(), Broken> {
        for (id, room) in &self.rooms {
            let audit = Room::open(&self.project, id).and_then(|room| room.audit());
            for entry in audit.map_err(words)?.iter().filter_map(AuditLine::entry) {
                let Some(attempt) = &entry.attempt else { continue };
                let (seq, to) = (entry.seq, &entry.to);
                match room.attempts.get(attempt) {
                    Some(record) if !record.is_open() => {}
                    Some(_) => {
                        return Err(format!("{id}: {attempt} is open, which led to {seq}, `{to}`"));
                    }
                    None => {
                        return Err(format!("{id}: {attempt} is lost, which led to {seq}, `{to}`"));
                    }
                }
            }
            let elsewhere = |open: &&AttemptRecord| open.audit_seq != room.replay.last_seq;
            if let Some(open) = room.open().filter(elsewhere) {
                return Err(format!("{id}: attempt {} of an earlier stay is open", open.id));
            }
        }
        Ok(())
    }

    fn read_room(&mut self, id: &RoomId) -> Result<(), Broken> {
        let room = Room::open(&self.project, id).map_err(words)?;
        let contract = room.contract().map_err(words)?;
        if let Some(other) = self.epics.insert(contract.task_ref.clone(), id.clone())
            && other != *id
        {
            return Err(format!("{} has two rooms, {other} and {id}", contract.task_ref));
        }
        let model = RoomModel {
            epic: contract.task_ref,
            depends_on: contract.depends_on,
            machine: room.machine().map_err(words)?,
            replay: Replay::default(),
            audit_tail: Vec::new(),
            channel_tail: Vec::new(),
            last_message: 0,
            messages: HashMap::new(),
            moved_by: HashSet::new(),
            attempts: BTreeMap::new(),
            signals: HashMap::new(),
        };
        self.rooms.insert(id.clone(), model);
        let paths = room.paths();
        for (file, meaning) in [
            (paths.audit(), Meaning::Audit),
            (paths.channel(), Meaning::Channel),
            (paths.status(), Meaning::Status),
            (paths.attempts(), Meaning::Attempts),
        ] {
            self.files.insert(file, (id.clone(), meaning));
        }
        self.channel_written(id, &std::fs::read(paths.channel()).unwrap_or_default())?;
        for attempt in room.attempts().map_err(words)? {
            self.read_attempt(id, &attempt.paths)?;
        }
        // What led to the lines was looked at when they were written.
        let room = self.rooms.get_mut(id).ok_or("no such room")?;
        let bytes = std::fs::read(paths.audit()).map_err(words)?;
        for line in lines::<AuditLine>(&mut room.audit_tail, &bytes) {
            room.replay.feed(&room.machine, &line).map_err(|odd| format!("{id}: {odd}"))?;
            if let Some(Cause::Message(message)) = line.entry().map(|entry| &entry.cause) {
                room.moved_by.insert(message.clone());
            }
        }
        Ok(())
    }

    fn channel_written(&mut self, id: &RoomId, bytes: &[u8]) -> Result<(), Broken> {
        let room = self.rooms.get_mut(id).ok_or("no such room")?;
        for message in lines::<Message>(&mut room.channel_tail, bytes) {
            if message.seq != room.last_message + 1 {
                let last = room.last_message;
                return Err(format!("{id}: message {} follows {last}", message.seq));
            }
            room.last_message = message.seq;
            room.messages.insert(message.id, message.attempt);
        }
        Ok(())
    }

    fn audit_written(&mut self, id: &RoomId, bytes: &[u8]) -> Result<(), Broken> {
        let room = self.rooms.get_mut(id).ok_or("no such room")?;
        for line in lines::<AuditLine>(&mut room.audit_tail, bytes) {
            if let AuditLine::Entry(entry) = &line {
                self.about_to_move(id, entry)?;
            }
            let room = self.rooms.get_mut(id).ok_or("no such room")?;
            room.replay.feed(&room.machine, &line).map_err(|odd| format!("{id}: {odd}"))?;
        }
        Ok(())
    }

    /// The status says what the audit says, and never says it first.
    fn status_written(&self, id: &RoomId, file: &Path) -> Result<(), Broken> {
        let room = self.rooms.get(id).ok_or("no such room")?;
        let status = std::fs::read_to_string(file).map_err(words)?;
        let state = room.replay.state.as_ref().map_or("", |state| state.as_str());
        match status.trim_end() == state {
            true => Ok(()),
            false => Err(format!(
                "{id}: the status becomes `{}`, and by its audit it is `{state}`",
                status.trim_end()
            )),
        }
    }

    fn about_to_move(&mut self, id: &RoomId, entry: &AuditEntry) -> Result<(), Broken> {
        let room = self.rooms.get(id).ok_or("no such room")?;
        if let Some(open) = room.open() {
            return Err(format!("{id} moves to `{}` while attempt {} is open", entry.to, open.id));
        }
        if let Some(half) = room.replay.unapplied() {
            let (seq, to) = (half.seq, &entry.to);
            return Err(format!("{id} moves to `{to}` before its transition {seq} is finished"));
        }
        if room.replay.retries > room.replay.max_retries(&room.machine) {
            return Err(format!("{id} has used {} retries", room.replay.retries));
        }
        if entry.signal.as_ref().is_some_and(|signal| signal.as_str() == names::READY) {
            self.may_start(id)?;
        }
        let room = self.rooms.get_mut(id).ok_or("no such room")?;
        if let Cause::Message(message) = &entry.cause {
            match room.messages.get(message) {
                None => return Err(format!("{id} is moved by {message}, which it does not have")),
                Some(speaker) if *speaker != entry.attempt => {
                    return Err(format!("{id} is moved by {message} of another attempt"));
                }
                Some(_) => {}
            }
            if !room.moved_by.insert(message.clone()) {
                return Err(format!("{id} is moved by {message} twice"));
            }
        } else if entry.to.as_str() == names::PASSED && !entry.forced {
            return Err(format!("{id} passes without a message"));
        }
        Ok(())
    }

    /// Whether every epic that this room's epic depends on has passed.
    fn may_start(&self, id: &RoomId) -> Result<(), Broken> {
        let room = self.rooms.get(id).ok_or("no such room")?;
        for needed in &room.depends_on {
            let needed_room = self.epics.get(needed).and_then(|id| self.rooms.get(id));
            if !needed_room.is_some_and(RoomModel::has_passed) {
                return Err(format!("{} starts before {needed} has passed", room.epic));
            }
        }
        Ok(())
    }

    fn read_attempt(&mut self, id: &RoomId, paths: &AttemptPaths) -> Result<(), Broken> {
        let bytes = std::fs::read(paths.record()).map_err(words)?;
        let record: AttemptRecord = serde_json::from_slice(&bytes)
            .map_err(|error| format!("{id}: `{}`: {error}", paths.record().display()))?;
        let room = self.rooms.get_mut(id).ok_or("no such room")?;
        let is_open = record.is_open();
        let was_closed = room.attempts.get(&record.id).is_some_and(|known| !known.is_open());
        if is_open && was_closed {
            return Err(format!("{id}: attempt {} is open again", record.id));
        }
        let others = room.attempts.values().filter(|other| other.id != record.id);
        if let Some(other) = others.into_iter().find(|other| is_open && other.is_open()) {
            return Err(format!("{id}: attempts {} and {} are both open", other.id, record.id));
        }
        room.attempts.insert(record.id.clone(), record);
        Ok(())
    }

    /// Takes in what a post was answered with: it was allowed at this moment.
    pub(super) fn acknowledged(
        &mut self,
        room_id: &RoomId,
        role: &RoleRef,
        attempt: Option<&AttemptId>,
        posted: &Posted,
        now: Timestamp,
    ) -> Result<(), Broken> {
        let message = posted.message.id.clone();
        self.acknowledged.push((room_id.clone(), message.clone(), attempt.cloned()));
        if !posted.is_signal {
            return Ok(());
        }
        let room = self.rooms.get_mut(room_id).ok_or("no such room")?;
        let refuse = |why: &str| Err(format!("{room_id}: signal {message} was accepted {why}"));
        let Some(attempt) = attempt else { return refuse("without an attempt") };
        let Some(open) = room.open().filter(|open| open.id == *attempt) else {
            return refuse("of an attempt that is not open");
        };
        if open.role != *role {
            return refuse("of another role");
        }
        if open.audit_seq != room.replay.last_seq {
            return refuse("of an attempt of another stay");
        }
        if now >= open.deadline_at {
            return refuse("behind the deadline");
        }
        let taken_back = |earlier: &u64| *earlier < open.channel_offset;
        if room.signals.get(attempt).is_some_and(|earlier| !taken_back(earlier)) {
            return refuse("although there was one already");
        }
        room.signals.insert(attempt.clone(), posted.appended.start);
        Ok(())
    }

    /// A session is about to run in the room.
    pub(super) fn begins(&self, id: &RoomId, attempt: &str) -> Result<(), Broken> {
        self.may_start(id)?;
        let room = self.rooms.get(id).ok_or("no such room")?;
        match room.open() {
            Some(open) if open.id.as_str() == attempt => Ok(()),
            _ => Err(format!("{id}: a session of {attempt} begins, which is not open")),
        }
    }

    /// What a killed process may leave, and nothing else: the status of a room is that of its last
    /// transition or of the one before.
    pub(super) fn check_dead(&self) -> Result<(), Broken> {
        for id in self.rooms.keys() {
            let room = Room::open(&self.project, id).map_err(words)?;
            let status = std::fs::read_to_string(room.paths().status()).unwrap_or_default();
            let audit = room.audit().map_err(words)?;
            let last = audit.iter().rev().find_map(AuditLine::entry);
            let known: Vec<&str> = last
                .into_iter()
                .flat_map(|last| last.from.iter().chain([&last.to]))
                .map(|state| state.as_str())
                .collect();
            if !known.contains(&status.trim_end()) {
                return Err(format!("{id}: the status `{}` is ahead", status.trim_end()));
            }
        }
        Ok(())
    }

    /// What holds when no engine runs any more that ended by itself.
    pub(super) fn check_settled(&self) -> Result<(), Broken> {
        for (id, model) in &self.rooms {
            let room = Room::open(&self.project, id).map_err(words)?;
            let standing = room.standing().map_err(words)?;
            if Some(&standing.state) != model.replay.state.as_ref() {
                return Err(format!("{id}: replaying gives another state"));
            }
            let status = std::fs::read_to_string(room.paths().status()).map_err(words)?;
            if status.trim_end() != standing.state.as_str() {
                return Err(format!("{id}: the status is `{}`", status.trim_end()));
            }
            if standing.replay.unapplied().is_some() {
                return Err(format!("{id}: the last transition is not finished"));
            }
            if let Some(open) = room.open_attempt().map_err(words)? {
                return Err(format!("{id}: attempt {} is left open", open.record.id));
            }
            let (messages, _) = jsonl::read_all::<Message>(room.channel().path()).map_err(words)?;
            self.check_acknowledged(id, model, &messages)?;
            let keys: Vec<&str> = messages.iter().filter_map(Message::key).collect();
            let unique: HashSet<&&str> = keys.iter().collect();
            if unique.len() != keys.len() {
                return Err(format!("{id}: an action was done twice: {keys:?}"));
            }
        }
        Ok(())
    }

    /// Every transition is told of once in the plan's events.
    pub(super) fn check_told(&self, events: &[Event]) -> Result<(), Broken> {
        for id in self.rooms.keys() {
            let room = Room::open(&self.project, id).map_err(words)?;
            let audit = room.audit().map_err(words)?;
            let moves = audit.iter().filter_map(AuditLine::entry).filter(|e| e.from.is_some());
            for entry in moves {
                let tells = |event: &&Event| {
                    event.kind == EventKind::Moved
                        && event.room.as_ref() == Some(id)
                        && moves::audit_seq(event) == Some(entry.seq)
                };
                let told = events.iter().filter(tells).count();
                if told != 1 {
                    let (seq, to) = (entry.seq, &entry.to);
                    return Err(format!("{id}: move {seq} to `{to}` is told of {told} times"));
                }
            }
        }
        Ok(())
    }

    fn check_acknowledged(
        &self,
        id: &RoomId,
        model: &RoomModel,
        messages: &[Message],
    ) -> Result<(), Broken> {
        let there: HashSet<&MessageId> = messages.iter().map(|message| &message.id).collect();
        let acknowledged = self.acknowledged.iter().filter(|(room, ..)| room == id);
        for (_, message, _) in acknowledged {
            if !there.contains(message) {
                return Err(format!("{id}: the acknowledged message {message} is lost"));
            }
        }
        for (attempt, start) in &model.signals {
            let Some(record) = model.attempts.get(attempt) else {
                return Err(format!("{id}: attempt {attempt} is lost, which had posted a signal"));
            };
            let taken_back = *start < record.channel_offset;
            let counted = matches!(record.outcome, Some(Outcome::Signal(_)));
            if !taken_back && !counted {
                let outcome = record.outcome.as_ref().map_or("", Outcome::as_str);
                return Err(format!(
                    "{id}: the signal of attempt {attempt} was acknowledged, and it ended as \
                     `{outcome}`"
                ));
            }
        }
        Ok(())
    }

    /// The way that each epic went: signals and states.
    pub(super) fn ways(&self) -> Result<BTreeMap<EpicId, Vec<String>>, Broken> {
        let mut ways = BTreeMap::new();
        for (epic, id) in &self.epics {
            let audit = Room::open(&self.project, id).and_then(|room| room.audit());
            let audit = audit.map_err(words)?;
            let way = audit.iter().filter_map(AuditLine::entry).map(|entry| {
                let signal = entry.signal.as_ref().map_or("", |signal| signal.as_str());
                format!("{signal} > {}", entry.to)
            });
            ways.insert(epic.clone(), way.collect());
        }
        Ok(ways)
    }

    /// Whether this file is the audit of a room.
    pub(super) fn is_audit(&self, file: &Path) -> bool {
        self.files.get(file).is_some_and(|(_, meaning)| *meaning == Meaning::Audit)
    }

    /// The room whose channel this file is.
    pub(super) fn room_of_channel(&self, file: &Path) -> Option<RoomId> {
        let (room, meaning) = self.files.get(file)?;
        (*meaning == Meaning::Channel).then(|| room.clone())
    }

    /// Every room.
    pub(super) fn rooms(&self) -> Vec<RoomId> {
        self.rooms.keys().cloned().collect()
    }
}

/// The whole, valid lines that `bytes` add to a file whose last line is `tail`.
fn lines<T: DeserializeOwned>(tail: &mut Vec<u8>, bytes: &[u8]) -> Vec<T> {
    tail.extend_from_slice(bytes);
    let mut found = Vec::new();
    while let Some(end) = tail.iter().position(|byte| *byte == b'\n') {
        let line: Vec<u8> = tail.drain(..=end).collect();
        found.extend(serde_json::from_slice(&line));
    }
    found
}

pub(super) fn words(error: impl std::error::Error) -> Broken {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
