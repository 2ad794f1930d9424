//! The stage on which everybody acts: counts the operations of the engine's process, lets it die,
//! gives others their turn in between, and holds what happens against the rules.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use fastrand::Rng;
use ostwin_core::fs::interposer::{Fate, Interposer, interposed};
use ostwin_core::fs::power_cut::Disk;
use ostwin_core::fs::recorder::Op;
use ostwin_core::ids::{AttemptId, RoleRef, RoomId, SignalName};
use ostwin_core::project::Project;
use ostwin_core::room::{self, PostRefusal, PostRequest, Room, Speaker};
use ostwin_core::store::Store;
use ostwin_watch::Changed;
use serde_json::Value;
use tokio::sync::Notify;
use tokio::sync::mpsc::UnboundedSender;

use super::case::Case;
use super::model::{Broken, Model};

/// Something that somebody wants to post.
#[derive(Clone, Debug)]
pub(super) struct Wish {
    pub(super) room: RoomId,
    pub(super) speaker: Speaker,
    pub(super) kind: SignalName,
    pub(super) data: Option<Value>,
}

/// What became of a post.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Taken,
    Refused,
    /// The room was locked: it can be tried again.
    Busy,
}

/// When an engine dies.
#[derive(Clone, Copy, Debug)]
pub(super) enum Moment {
    /// At this operation of its life.
    At(u64),
    /// When it has written so many lines of audits, and done so much after the last of them: where
    /// a transition is half done.
    Amid { lines: u32, further: u64 },
}

pub(super) struct Stage {
    pub(super) case: Case,
    /// The project as other processes see it: they wait for no lock, since nobody could free it
    /// meanwhile.
    others: Project,
    died: Notify,
    inner: Mutex<Inner>,
    tells: bool,
    me: Weak<Self>,
}

struct Inner {
    random: Rng,
    model: Model,
    broken: Option<Broken>,
    /// Operations of the engine's process in this life.
    operations: u64,
    dies: Option<(Moment, Fate)>,
    dead: bool,
    /// How many other processes act, one in the middle of what the other does.
    acting: u32,
    /// The next line of another process is torn.
    tears: bool,
    /// What a running session will say next: it may say it at any moment.
    ready: BTreeMap<AttemptId, Wish>,
    /// What is said by sessions that are gone.
    late: Vec<Wish>,
    disk: Option<Disk>,
    sink: Option<UnboundedSender<Changed>>,
    watched: HashMap<PathBuf, Changed>,
    lost: BTreeSet<Changed>,
    /// Slots that are taken, by the folder of their limit.
    slots: BTreeMap<PathBuf, u32>,
    /// How many sessions the engine is about to begin.
    asking: usize,
    /// Rooms with a running session.
    sessions: BTreeSet<RoomId>,
}

impl Stage {
    pub(super) fn new(case: Case, project: &Project, tells: bool) -> Result<Arc<Self>, Broken> {
        let store = Store { lock_timeout: Duration::ZERO, ..project.store().clone() };
        let disk = match case.faults.power {
            true => Some(Disk::of(project.layout().root()).map_err(super::model::words)?),
            false => None,
        };
        let inner = Inner {
            random: Rng::with_seed(case.seed ^ 0x5eed),
            model: Model::new(project.clone()),
            broken: None,
            operations: 0,
            dies: None,
            dead: false,
            acting: 0,
            tears: false,
            ready: BTreeMap::new(),
            late: Vec::new(),
            disk,
            sink: None,
            watched: HashMap::new(),
            lost: BTreeSet::new(),
            slots: BTreeMap::new(),
            asking: 0,
            sessions: BTreeSet::new(),
        };
        Ok(Arc::new_cyclic(|me| Self {
            case,
            others: Project::new(project.layout().clone(), store),
            died: Notify::new(),
            inner: Mutex::new(inner),
            tells,
            me: me.clone(),
        }))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A room as other processes see it.
    pub(super) fn room(&self, id: &RoomId) -> Result<Room, room::RoomError> {
        Room::open(&self.others, id)
    }

    pub(super) fn others(&self) -> &Project {
        &self.others
    }

    /// A number by the seed.
    pub(super) fn random<R>(&self, pick: impl FnOnce(&mut Rng) -> R) -> R {
        pick(&mut self.inner().random)
    }

    /// Tells whoever replays a seed what happens.
    pub(super) fn tell(&self, what: impl FnOnce() -> String) {
        if self.tells {
            let now = self.others.store().now();
            println!("{now} {}", what());
        }
    }

    /// Notes that a rule was broken. Nothing happens any more then.
    pub(super) fn hold(&self, rule: Result<(), Broken>) {
        if let Err(broken) = rule {
            self.tell(|| format!("BROKEN: {broken}"));
            let mut inner = self.inner();
            inner.broken.get_or_insert(broken);
            inner.dead = true;
            drop(inner);
            self.died.notify_one();
        }
    }

    /// The first rule that was broken.
    pub(super) fn broken(&self) -> Option<Broken> {
        self.inner().broken.clone()
    }

    pub(super) fn model<R>(&self, look: impl FnOnce(&mut Model) -> R) -> R {
        look(&mut self.inner().model)
    }

    /// Begins the life of an engine, which dies at this moment, if any.
    pub(super) fn begin(&self, dies: Option<(Moment, Fate)>) {
        let mut inner = self.inner();
        inner.operations = 0;
        inner.dies = dies;
        inner.dead = false;
        inner.lost.clear();
    }

    pub(super) fn is_dead(&self) -> bool {
        self.inner().dead
    }

    /// Returns when the engine has died.
    pub(super) async fn death(&self) {
        while !self.is_dead() {
            self.died.notified().await;
        }
    }

    /// Takes the power away: of what was not synced, chance decides what is there.
    pub(super) fn cut_power(&self) -> Result<(), Broken> {
        let (disk, mut random) = {
            let mut inner = self.inner();
            let Some(disk) = inner.disk.take() else { return Ok(()) };
            (disk, inner.random.fork())
        };
        let share = random.choice([0, 64, 128, 192]).unwrap_or_default();
        disk.leave(&mut |_| random.u8(..) < share).map_err(super::model::words)?;
        let disk = Disk::of(self.others.layout().root()).map_err(super::model::words)?;
        let mut inner = self.inner();
        inner.disk = Some(disk);
        inner.model.read_again()
    }

    /// Does something as another process. What it does to files is nobody's but its own.
    pub(super) fn as_another<R>(&self, act: impl FnOnce() -> R) -> R {
        self.inner().acting += 1;
        // Also while no engine lives.
        let done = match self.me.upgrade() {
            Some(me) => interposed(Rc::new(Between(me)), act),
            None => act(),
        };
        self.inner().acting -= 1;
        done
    }

    /// Posts as a tool server does.
    pub(super) fn post(&self, wish: &Wish) -> Answer {
        let request = PostRequest {
            to: engine(),
            kind: wish.kind.clone(),
            reference: None,
            body: format!("I say {}.", wish.kind),
            data: wish.data.clone(),
        };
        let posted = self.as_another(|| match self.room(&wish.room) {
            Ok(room) => room::post(&room, &wish.speaker, request),
            Err(error) => Err(error.into()),
        });
        let (answer, rule) = match posted {
            Ok(posted) => {
                let now = self.others.store().now();
                let Speaker { role, attempt } = &wish.speaker;
                let rule = self.inner().model.acknowledged(
                    &wish.room,
                    role,
                    attempt.as_ref(),
                    &posted,
                    now,
                );
                (Answer::Taken, rule)
            }
            Err(PostRefusal::Room(error)) if error.is_busy() => (Answer::Busy, Ok(())),
            Err(_) => (Answer::Refused, Ok(())),
        };
        self.tell(|| {
            let Wish { room, speaker, kind, .. } = wish;
            let attempt = speaker.attempt.as_ref().map_or("nobody", AttemptId::as_str);
            format!("{room}: `{kind}` of {} ({attempt}): {answer:?}", speaker.role)
        });
        self.hold(rule);
        answer
    }

    /// Posts a message of which only half gets into the file.
    pub(super) fn tear(&self, wish: &Wish) {
        self.inner().tears = true;
        let _ = self.post(wish);
        self.inner().tears = false;
    }

    /// A session will post this, at the latest when it says so itself.
    pub(super) fn offer(&self, attempt: &AttemptId, wish: Wish) {
        self.inner().ready.insert(attempt.clone(), wish);
    }

    /// What the session has offered, if nobody posted it meanwhile.
    pub(super) fn take_offer(&self, attempt: &AttemptId) -> Option<Wish> {
        self.inner().ready.remove(attempt)
    }

    /// Somebody who is gone has this still on its way.
    pub(super) fn leave_late(&self, wish: Wish) {
        self.inner().late.push(wish);
    }

    /// Lets everything that is still on its way arrive.
    pub(super) fn let_late_arrive(&self) {
        loop {
            let Some(wish) = self.inner().late.pop() else { return };
            let _ = self.post(&wish);
        }
    }

    /// Somebody acts now, while somebody else is about to do something to `path`. Who only informs
    /// needs no room's lock, and may add to the very file that the other adds to.
    fn intrude(&self, path: &Path) {
        let room = self.inner().model.room_of_channel(path);
        if let (Some(room), Ok(kind)) = (room, SignalName::new("note")) {
            let speaker = Speaker { role: engine(), attempt: None };
            self.post(&Wish { room, speaker, kind, data: None });
            return;
        }
        let wish = {
            let mut inner = self.inner();
            let late = inner.late.len();
            let all = late + inner.ready.len();
            if all == 0 {
                return;
            }
            let pick = inner.random.usize(0..all);
            if pick < late {
                inner.late.swap_remove(pick)
            } else {
                let attempt = inner.ready.keys().nth(pick - late).cloned();
                let Some(wish) = attempt.and_then(|attempt| inner.ready.remove(&attempt)) else {
                    return;
                };
                wish
            }
        };
        if self.post(&wish) == Answer::Busy {
            let mut inner = self.inner();
            match wish.speaker.attempt.clone().filter(|_| inner.sessions.contains(&wish.room)) {
                Some(attempt) => drop(inner.ready.insert(attempt, wish)),
                None => inner.late.push(wish),
            }
        }
    }

    /// From now on changes of files go to `sink`.
    pub(super) fn listen(&self, sink: UnboundedSender<Changed>) {
        let mut inner = self.inner();
        inner.sink = Some(sink);
        inner.watched.clear();
    }

    pub(super) fn watch(&self, file: PathBuf, means: Changed) {
        self.inner().watched.insert(file, means);
    }

    /// The changes of these rooms that never arrived.
    pub(super) fn missed(&self, rooms: &[RoomId]) -> Vec<Changed> {
        let mut inner = self.inner();
        let of_room = |changed: &Changed| match changed {
            Changed::RoomChannel(room) | Changed::RoomAudit(room) => rooms.contains(room),
            _ => false,
        };
        let missed: Vec<Changed> =
            inner.lost.iter().filter(|changed| of_room(changed)).cloned().collect();
        inner.lost.retain(|changed| !of_room(changed));
        missed
    }

    /// Takes a slot of each limit; `false` if one has none left.
    pub(super) fn take_slots(&self, wanted: &[(PathBuf, u32)]) -> bool {
        let mut inner = self.inner();
        let is_free =
            |(dir, max): &(PathBuf, u32)| inner.slots.get(dir).copied().unwrap_or_default() < *max;
        if !wanted.iter().all(is_free) {
            return false;
        }
        for (dir, _) in wanted {
            *inner.slots.entry(dir.clone()).or_default() += 1;
        }
        true
    }

    pub(super) fn give_slots_back(&self, taken: &[(PathBuf, u32)]) {
        let mut inner = self.inner();
        for (dir, _) in taken {
            if let Some(count) = inner.slots.get_mut(dir) {
                *count = count.saturating_sub(1);
            }
            let limit = dir.file_name().map(|name| name.to_string_lossy().into_owned());
            if let (Some(sink), Some(limit)) = (&inner.sink, limit) {
                let _ = sink.send(Changed::Slots(limit));
            }
        }
    }

    /// The engine asks for the slots of one more session: never for more than it may have.
    pub(super) fn asks(&self) {
        let most = self.case.settings["max_concurrent_rooms"].as_u64().unwrap_or_default();
        let all = {
            let mut inner = self.inner();
            inner.asking += 1;
            inner.asking + inner.sessions.len()
        };
        let is_allowed = u64::try_from(all).is_ok_and(|all| all <= most);
        self.hold(match is_allowed {
            true => Ok(()),
            false => Err(format!("the engine wants {all} sessions and may have {most}")),
        });
    }

    pub(super) fn has_asked(&self) {
        self.inner().asking -= 1;
    }

    /// A session begins in this room.
    pub(super) fn begins(&self, room: &RoomId, attempt: &str) {
        self.tell(|| format!("{room}: session {attempt} begins"));
        let rule = {
            let mut inner = self.inner();
            let is_first = inner.sessions.insert(room.clone());
            match is_first {
                true => inner.model.begins(room, attempt),
                false => Err(format!("{room}: two sessions run")),
            }
        };
        self.hold(rule);
    }

    pub(super) fn ends(&self, room: &RoomId) {
        self.tell(|| format!("{room}: its session is gone"));
        self.inner().sessions.remove(room);
    }
}

impl Inner {
    /// An engine that dies amid a transition is nearer to its death with every line of an audit.
    fn come_closer(&mut self, op: &Op) {
        if self.acting == 0
            && let Some((Moment::Amid { lines, further }, fate)) = self.dies
            && let Op::Write { path, .. } = op
            && self.model.is_audit(path)
        {
            let moment = match lines {
                0..=1 => Moment::At(self.operations + 1 + further),
                _ => Moment::Amid { lines: lines - 1, further },
            };
            self.dies = Some((moment, fate));
        }
    }
}

/// The stage in its place between the code and the files.
pub(super) struct Between(pub(super) Arc<Stage>);

impl Interposer for Between {
    fn before(&self, verb: &'static str, path: &Path) -> Fate {
        let stage = &self.0;
        let mut inner = stage.inner();
        let share = stage.case.faults.intrusions;
        if inner.acting > 0 {
            let tears = inner.tears && verb == "append to";
            inner.tears &= !tears;
            if tears {
                return Fate::Torn;
            }
            // One in the middle of another is enough.
            let intrudes = inner.acting == 1 && share > 0 && inner.random.u8(..) < share / 2;
            drop(inner);
            if intrudes {
                stage.intrude(path);
            }
            return Fate::Happens;
        }
        if inner.dead {
            return Fate::Dead;
        }
        inner.operations += 1;
        if let Some((Moment::At(at), fate)) = inner.dies
            && inner.operations >= at
        {
            inner.dead = true;
            drop(inner);
            stage.tell(|| format!("the engine dies: {verb} `{}`", path.display()));
            stage.died.notify_one();
            return fate;
        }
        let intrudes = share > 0 && inner.random.u8(..) < share;
        drop(inner);
        if intrudes {
            stage.intrude(path);
        }
        Fate::Happens
    }

    fn after(&self, op: &Op) {
        let stage = &self.0;
        let rule = {
            let mut inner = stage.inner();
            if let Some(disk) = &mut inner.disk {
                disk.take(op);
            }
            inner.come_closer(op);
            let path = match op {
                Op::Write { path, .. } | Op::Rename { to: path, .. } => Some(path),
                _ => None,
            };
            let changed = path.and_then(|path| inner.watched.get(path)).cloned();
            if let Some(changed) = changed {
                let can_be_lost =
                    matches!(changed, Changed::RoomChannel(_) | Changed::RoomAudit(_));
                let share = stage.case.faults.lost_events;
                if can_be_lost && share > 0 && inner.random.u8(..) < share {
                    inner.lost.insert(changed);
                } else if let Some(sink) = &inner.sink {
                    let _ = sink.send(changed);
                }
            }
            inner.model.hear(op)
        };
        stage.hold(rule);
    }
}

/// The role that everything is addressed to.
fn engine() -> RoleRef {
    RoleRef::new("engine").unwrap()
}
