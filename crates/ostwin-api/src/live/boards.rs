//! The boards of a project, kept current by one thread: it learns which files changed, reads those
//! again and no others, publishes the new boards and tells what is different.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, PoisonError, RwLock};

use ostwin_core::board::{Board, Loader};
use ostwin_core::ids::{PlanId, RoomId};
use ostwin_core::layout::AttemptPaths;
use ostwin_core::plans::{self, StoredPlan};
use ostwin_core::room::Room;
use ostwin_watch::{Changed, Watcher};

use super::death::Death;
use super::differences::{differences, removed};
use super::hub::Hub;
use super::tail::Follow;
use crate::project::Current;

/// What the boards' thread is told.
#[derive(Debug)]
pub(crate) enum Note {
    /// A file changed.
    Changed(Changed),
    /// The process that drove this plan is gone.
    EngineGone(PlanId),
    /// The settings were read again.
    Settings(Box<Current>),
    /// Look at which plans there are, and say so when all that was told before has been looked at.
    Refresh(Sender<()>),
    /// End.
    End,
}

/// A plan as it is shown.
#[derive(Clone, Debug)]
pub(crate) struct View {
    /// The plan.
    pub(crate) plan: StoredPlan,
    /// Its board.
    pub(crate) board: Arc<Board>,
}

/// The views of a project, for whoever asks.
#[derive(Debug, Default)]
pub(crate) struct Views {
    plans: RwLock<BTreeMap<PlanId, View>>,
    changes: AtomicU64,
}

impl Views {
    /// Every plan, by id.
    pub(crate) fn all(&self) -> Vec<View> {
        let plans = self.plans.read().unwrap_or_else(PoisonError::into_inner);
        plans.values().cloned().collect()
    }

    /// One plan.
    pub(crate) fn get(&self, plan: &PlanId) -> Option<View> {
        self.plans.read().unwrap_or_else(PoisonError::into_inner).get(plan).cloned()
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.plans.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// How often they have changed.
    pub(crate) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    fn change(&self, change: impl FnOnce(&mut BTreeMap<PlanId, View>)) {
        let mut plans = self.plans.write().unwrap_or_else(PoisonError::into_inner);
        change(&mut plans);
        self.changes.fetch_add(1, Ordering::Release);
    }
}

/// A plan that is kept current.
struct Kept {
    loader: Loader,
    plan: StoredPlan,
    board: Option<Arc<Board>>,
    death: Option<Death>,
}

/// Where the thread's work goes.
pub(crate) struct Outlets {
    pub(crate) hub: Arc<Hub>,
    pub(crate) views: Arc<Views>,
    /// To the thread that follows what is appended.
    pub(crate) tail: Sender<Follow>,
    /// To this thread itself, for those who wait on its behalf.
    pub(crate) own: Sender<Note>,
}

/// The thread's own state.
pub(crate) struct Boards {
    key: String,
    current: Current,
    watcher: Arc<Watcher>,
    out: Outlets,
    plans: BTreeMap<PlanId, Kept>,
    rooms: HashMap<RoomId, PlanId>,
    attempts: HashMap<RoomId, AttemptPaths>,
    stale: BTreeSet<PlanId>,
    /// Which plans there are may have changed.
    stale_list: bool,
    /// Whether what is found is news: not when the server has just started.
    started: bool,
}

impl Boards {
    /// Looks for the first time; nothing of what is there is news.
    pub(crate) fn start(
        key: String,
        current: Current,
        watcher: Arc<Watcher>,
        out: Outlets,
    ) -> Self {
        let mut boards = Self {
            key,
            current,
            watcher,
            out,
            plans: BTreeMap::new(),
            rooms: HashMap::new(),
            attempts: HashMap::new(),
            stale: BTreeSet::new(),
            stale_list: true,
            started: false,
        };
        boards.look();
        boards.started = true;
        boards
    }

    /// The thread: until it is told to end.
    pub(crate) fn run(mut self, notes: &Receiver<Note>) {
        while let Ok(first) = notes.recv() {
            let mut waiting = Vec::new();
            // What came meanwhile is looked at together: a file that changed twice is read once.
            for note in std::iter::once(first).chain(notes.try_iter()) {
                match note {
                    Note::Changed(changed) => self.note(&changed),
                    Note::EngineGone(plan) => {
                        self.stale.insert(plan);
                    }
                    Note::Settings(current) => self.resettle(*current),
                    Note::Refresh(done) => {
                        self.stale_list = true;
                        waiting.push(done);
                    }
                    Note::End => return,
                }
            }
            self.look();
            for done in waiting {
                // Whoever waited may have given up.
                let _ = done.send(());
            }
        }
    }

    fn note(&mut self, changed: &Changed) {
        match changed {
            Changed::RoomChannel(room)
            | Changed::RoomAudit(room)
            | Changed::RoomProgress(room)
            | Changed::RoomStatus(room)
            | Changed::RoomAttempt(room)
            | Changed::RoomOther(room) => self.room_changed(room),
            Changed::PlanDag(plan) => self.plan_changed(plan),
            Changed::PlanFile(plan) => {
                self.stale_list = true;
                self.plan_changed(plan);
            }
            Changed::PlanEvents(plan) | Changed::EngineFile(plan) => {
                self.stale.insert(plan.clone());
            }
            Changed::RoomsFolder => self.rooms_changed(),
            Changed::PlansFolder => self.stale_list = true,
            Changed::Rescan => {
                self.stale_list = true;
                let plans: Vec<PlanId> = self.plans.keys().cloned().collect();
                plans.iter().for_each(|plan| self.plan_changed(plan));
            }
            Changed::Config
            | Changed::Ledger
            | Changed::Slots(_)
            | Changed::PlanControl(_)
            | Changed::RoomTranscript(_) => {}
        }
    }

    fn room_changed(&mut self, room: &RoomId) {
        let Some(plan) = self.rooms.get(room) else { return };
        if let Some(kept) = self.plans.get_mut(plan) {
            kept.loader.room_changed(room);
            self.stale.insert(plan.clone());
        }
    }

    fn plan_changed(&mut self, plan: &PlanId) {
        if let Some(kept) = self.plans.get_mut(plan) {
            kept.loader.plan_changed();
            self.stale.insert(plan.clone());
        }
    }

    /// Rooms are made before a graph names them; until there is one, a plan has those that say so.
    fn rooms_changed(&mut self) {
        let unsettled = |(_, kept): &(&PlanId, &Kept)| !kept.plan.paths.dag().is_file();
        let plans: Vec<PlanId> =
            self.plans.iter().filter(unsettled).map(|(plan, _)| plan.clone()).collect();
        plans.iter().for_each(|plan| self.plan_changed(plan));
    }

    /// Every board by other settings.
    fn resettle(&mut self, current: Current) {
        self.current = current;
        for (plan, kept) in &mut self.plans {
            kept.loader = loader(&self.current, &kept.plan);
            self.stale.insert(plan.clone());
        }
    }

    fn look(&mut self) {
        if std::mem::take(&mut self.stale_list) {
            self.list();
        }
        for plan in std::mem::take(&mut self.stale) {
            self.look_at(&plan);
        }
    }

    /// Which plans there are. What has no record yet is watched until it has.
    fn list(&mut self) {
        for watched in [self.watcher.watch_plans_folder(), self.watcher.watch_rooms_folder()] {
            if let Err(error) = watched {
                tracing::debug!(%error, "not there yet");
            }
        }
        let found = match plans::survey(&self.current.project) {
            Ok(found) => found,
            Err(error) => return tracing::warn!(%error, "the plans cannot be listed"),
        };
        for (plan, error) in found.unreadable {
            tracing::debug!(%plan, %error, "no plan yet");
            drop(self.watcher.watch_plan(&plan));
        }
        let mut gone: BTreeSet<PlanId> = self.plans.keys().cloned().collect();
        for plan in found.plans {
            gone.remove(&plan.meta.plan_id);
            self.take(plan);
        }
        gone.iter().for_each(|plan| self.forget(plan));
    }

    /// A plan that is there: a new one, or one whose record may have changed.
    fn take(&mut self, plan: StoredPlan) {
        let id = plan.meta.plan_id.clone();
        if self.plans.get(&id).is_some_and(|kept| kept.plan.meta == plan.meta) {
            return;
        }
        let loader = loader(&self.current, &plan);
        match self.plans.get_mut(&id) {
            Some(kept) => (kept.loader, kept.plan) = (loader, plan),
            None => {
                drop(self.watcher.watch_plan(&id));
                self.follow(Follow::plan(&id, &plan.paths.events(), self.started));
                self.plans.insert(id.clone(), Kept { loader, plan, board: None, death: None });
            }
        }
        self.stale.insert(id);
    }

    fn forget(&mut self, plan: &PlanId) {
        self.plans.remove(plan);
        self.watcher.unwatch_plan(plan);
        self.out.views.change(|views| drop(views.remove(plan)));
        let of_plan = |(_, of): &(&RoomId, &PlanId)| *of == plan;
        let rooms: Vec<RoomId> =
            self.rooms.iter().filter(of_plan).map(|(room, _)| room.clone()).collect();
        for room in rooms {
            self.rooms.remove(&room);
            self.watch_attempt(&room, None);
            self.watcher.unwatch_room(&room);
            self.follow(Follow::Forget(room));
        }
        self.out.hub.publish(removed(&self.key, plan));
    }

    fn look_at(&mut self, id: &PlanId) {
        // What is watched for the first time was read before: it is read once more.
        while self.read(id) {
            if let Some(kept) = self.plans.get_mut(id) {
                kept.loader.plan_changed();
            }
        }
    }

    /// Reads a plan's board; whether rooms of it were met that were not watched until now.
    fn read(&mut self, id: &PlanId) -> bool {
        let Some(kept) = self.plans.get_mut(id) else { return false };
        let board = match kept.loader.board() {
            Ok(board) => Arc::new(board),
            // A plan whose text has no graph any more keeps its last board.
            Err(error) => {
                tracing::warn!(plan = %id, %error, "the board cannot be read");
                return false;
            }
        };
        let old = kept.board.replace(Arc::clone(&board));
        kept.death = Death::watch(kept.death.take(), board.engine.as_ref(), id, &self.out.own);
        let view = View { plan: kept.plan.clone(), board: Arc::clone(&board) };
        // Shown before it is told: whoever hears of it and asks gets it.
        self.out.views.change(|views| drop(views.insert(id.clone(), view)));
        let met = self.meet(id, &board);
        if self.started {
            for news in differences(&self.key, old.as_deref(), &board) {
                self.out.hub.publish(news);
            }
        }
        met
    }

    /// Watches the rooms of a board and their open attempts; whether one is new.
    fn meet(&mut self, plan: &PlanId, board: &Board) -> bool {
        let mut met = false;
        for row in &board.rows {
            let Some(room) = &row.room else { continue };
            if !self.rooms.contains_key(room) {
                // A room that went away is shown as such.
                if self.watcher.watch_room(room).is_err() {
                    continue;
                }
                met = true;
                self.rooms.insert(room.clone(), plan.clone());
                let channel = self.current.project.layout().room(room).channel();
                self.follow(Follow::room(plan, room, &channel, self.started));
            }
            let open = row.active.then(|| self.open_attempt(room, row.attempt)).flatten();
            self.watch_attempt(room, open);
        }
        met
    }

    /// The files of attempt `number`, from what is watched already or from the room.
    fn open_attempt(&self, room: &RoomId, number: u32) -> Option<AttemptPaths> {
        let known = self.attempts.get(room).filter(|paths| paths.number() == Some(number));
        known.cloned().or_else(|| {
            let room = Room::open(&self.current.project, room).ok()?;
            room.open_attempt().ok()?.map(|attempt| attempt.paths)
        })
    }

    /// Watches `open` instead of what was watched of this room before.
    fn watch_attempt(&mut self, room: &RoomId, open: Option<AttemptPaths>) {
        if self.attempts.get(room) == open.as_ref() {
            return;
        }
        if let Some(old) = self.attempts.remove(room) {
            self.watcher.unwatch_attempt(room, &old);
        }
        let Some(open) = open else { return };
        if let (Some(number), Some(plan)) = (open.number(), self.rooms.get(room).cloned())
            && self.watcher.watch_attempt(room, &open).is_ok()
        {
            self.follow(Follow::Attempt { plan, room: room.clone(), number });
            self.attempts.insert(room.clone(), open);
        }
    }

    fn follow(&self, what: Follow) {
        // It ends after this thread.
        drop(self.out.tail.send(what));
    }
}

fn loader(current: &Current, plan: &StoredPlan) -> Loader {
    Loader::new(&current.project, plan, &current.settings.config)
}
