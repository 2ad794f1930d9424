//! The shell around [`decide`]: keeps the snapshot current and carries the actions out.
//!
//! This loop is the one owner of what the engine knows. Sessions and moves run as tasks beside it,
//! one at most in a room, and report back; they change files, never this state. The loop sleeps
//! until a file changes, a task ends, a timer is due or somebody interrupts.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use ostwin_core::control::{self, Request};
use ostwin_core::dag::Dag;
use ostwin_core::events::{ControlResult, Event, EventKind, Events};
use ostwin_core::ids::{ControlId, EpicId, RoomId, RunId};
use ostwin_core::lifecycle::{AuditEntry, StateKind};
use ostwin_core::plan::{self, ParseOptions};
use ostwin_core::plans::StoredPlan;
use ostwin_core::project::Project;
use ostwin_core::room::{Room, RoomError};
use ostwin_watch::{Changed, Watcher};
use serde_json::json;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::task::{JoinSet, block_in_place};
use tokio::time::Instant;

use crate::attempt::{self, AttemptEnd, Tell};
use crate::control::Order;
use crate::decide::{Action, Finish, MoveCause, decide};
use crate::error::EngineError;
use crate::rooms::{self, Making};
use crate::run::{Interrupt, Observer, RunEnd, RunOptions};
use crate::sessions::Shared;
use crate::snapshot::{EpicView, Policy, RoomView, Session, Snapshot};
use crate::{look, moves, recovery};
use ostwin_core::ids::SignalName;

/// How often the files of active rooms are looked at beside the events, which may get lost.
const NET_INTERVAL: Duration = Duration::from_secs(30);

pub(crate) struct Engine<'e> {
    project: &'e Project,
    plan: &'e StoredPlan,
    observer: &'e dyn Observer,
    shared: Arc<Shared>,
    events: Events,
    policy: Policy,
    rooms: BTreeMap<EpicId, Place>,
    by_room: HashMap<RoomId, EpicId>,
    watcher: Watcher,
    changes: UnboundedReceiver<Changed>,
    tasks: JoinSet<Done>,
    happened: UnboundedReceiver<Event>,
    happened_sender: UnboundedSender<Event>,
    seen_requests: HashSet<ControlId>,
    stopping: Option<RunEnd>,
    slots_full: bool,
    /// Counts how often slots were given back, so that one that was freed while a session asked
    /// for it is not waited for.
    slots_freed: u64,
}

/// One epic and what this engine does in its room.
struct Place {
    room: Room,
    depends_on: Vec<EpicId>,
    order: usize,
    priority: i64,
    remaining: u64,
    serialize: bool,
    retry_delay: Duration,
    view: RoomView,
    stale: bool,
    session: Session,
    tell: Option<UnboundedSender<Tell>>,
    requests: Vec<Request>,
}

/// A task that ended.
struct Done {
    epic: EpicId,
    what: What,
}

enum What {
    Attempt { slots_freed: u64, end: Result<AttemptEnd, EngineError> },
    Moved(Result<Option<AuditEntry>, RoomError>),
    Closed(Result<(), RoomError>),
    Asked(Box<Request>, Result<Option<AuditEntry>, RoomError>),
}

impl<'e> Engine<'e> {
    pub(crate) fn start(
        project: &'e Project,
        plan: &'e StoredPlan,
        options: &RunOptions,
        observer: &'e dyn Observer,
        run_id: RunId,
    ) -> Result<Self, EngineError> {
        let config = &options.settings.config;
        let parsed = plan::parse_bytes(&plan.text()?, &ParseOptions::default());
        if let Some(error) = parsed.diagnostics.iter().find(|diagnostic| diagnostic.is_error()) {
            return Err(EngineError::Plan {
                plan: plan.meta.plan_id.clone(),
                problem: error.message.clone(),
            });
        }
        let shared = Arc::new(Shared::new(project, plan, &parsed.plan, options, run_id)?);
        let first_run = plan.dag()?.is_none();
        let rehearsed = shared.is_rehearsed();
        let made = rooms::ensure(&Making {
            project,
            stored: plan,
            plan: &parsed.plan,
            config,
            registry: shared.registry(),
            rehearsed,
            role_exists: &|role| shared.role_exists(role),
        })?;

        let (changed, changes) = mpsc::unbounded_channel();
        let watcher = Watcher::start(
            project.layout(),
            ostwin_watch::Options { mode: shared.watch_mode(), ..Default::default() },
            move |change| drop(changed.send(change)),
        )?;
        observer.notice(&format!("watching files by {}", watcher.mode()));
        watcher.watch_plan(&plan.meta.plan_id)?;
        for limit in shared.limit_names() {
            ostwin_core::fs::create_dirs(&project.layout().slots(&limit))?;
            watcher.watch_slots(&limit)?;
        }
        let (happened_sender, happened) = mpsc::unbounded_channel();
        let mut engine = Self {
            project,
            plan,
            observer,
            events: plan.events(),
            policy: Policy {
                max_sessions: usize::try_from(config.max_concurrent_rooms).unwrap_or(usize::MAX),
                max_interruptions: config.max_interruptions,
                wait_for_people: options.wait_for_people,
            },
            rooms: BTreeMap::new(),
            by_room: HashMap::new(),
            watcher,
            changes,
            tasks: JoinSet::new(),
            happened,
            happened_sender,
            seen_requests: HashSet::new(),
            stopping: None,
            slots_full: false,
            slots_freed: 0,
            shared,
        };
        let kind = if first_run { EventKind::Started } else { EventKind::Resumed };
        engine.record(Event {
            data: Some(json!({
                "pid": std::process::id(),
                "rehearsed": rehearsed,
                "epics": made.dag.total_nodes,
                "title": plan.meta.title,
            })),
            ..Event::new(kind)
        })?;
        for (epic, room) in made.made {
            let event = Event::new(EventKind::RoomCreated);
            engine.record(Event { epic: Some(epic), room: Some(room), ..event })?;
        }
        engine.enter(&made.dag)?;
        Ok(engine)
    }

    /// Takes every room of the graph in, recovering each first.
    fn enter(&mut self, dag: &Dag) -> Result<(), EngineError> {
        let kill_grace = self.shared.kill_grace();
        let remaining = remaining_seconds(self.project, dag)?;
        for (order, (id, node)) in dag.nodes.iter().enumerate() {
            let Some(room_id) = &node.room_id else {
                return Err(EngineError::Dag {
                    dag: self.plan.paths.dag(),
                    problem: format!("{id} has no room"),
                });
            };
            let room = Room::open(self.project, room_id)?;
            let contract = room.contract()?;
            self.watcher.watch_room(room_id)?;
            if let Some(closed) = recovery::recover(&room, kill_grace)? {
                self.record(attempt::closed_event(id, &room, &closed))?;
            }
            let view = look::look(&room, kill_grace)?;
            if view.kind != StateKind::Terminal {
                self.shared.check(&room, &contract, &room.machine()?).map_err(|source| {
                    EngineError::Resolve { epic: id.clone(), source: Box::new(source) }
                })?;
            }
            self.by_room.insert(room_id.clone(), id.clone());
            let config = self.shared.config();
            let delay =
                contract.constraints.retry_delay_seconds.unwrap_or(config.retry_delay_seconds);
            let place = Place {
                room,
                depends_on: contract.depends_on,
                order,
                priority: contract.priority.rank(),
                remaining: remaining.get(id).copied().unwrap_or(0),
                serialize: contract.serialize,
                retry_delay: Duration::from_secs(delay),
                view,
                stale: false,
                session: Session::None,
                tell: None,
                requests: Vec::new(),
            };
            self.rooms.insert(id.clone(), place);
        }
        Ok(())
    }

    pub(crate) async fn run(
        &mut self,
        mut interrupts: UnboundedReceiver<Interrupt>,
    ) -> Result<RunEnd, EngineError> {
        let outcome = self.turn_until_the_end(&mut interrupts).await;
        if outcome.is_err() {
            // Nothing may outlive the engine: the guardians see their lifelines close.
            self.tell_all(&Tell::Kill);
            while self.tasks.join_next().await.is_some() {}
        }
        outcome
    }

    async fn turn_until_the_end(
        &mut self,
        interrupts: &mut UnboundedReceiver<Interrupt>,
    ) -> Result<RunEnd, EngineError> {
        block_in_place(|| self.read_requests())?;
        let mut net = Instant::now() + NET_INTERVAL;
        loop {
            block_in_place(|| self.look_again())?;
            let wake = match self.act()? {
                Turn::Ended(end) => return Ok(end),
                Turn::WakeAt(wake) => wake,
            };
            if let Some(end) = self.stopped()? {
                return Ok(end);
            }
            let netting = !self.tasks.is_empty() || self.slots_full;
            tokio::select! {
                Some(change) = self.changes.recv() => self.changed(change)?,
                Some(done) = self.tasks.join_next() => {
                    self.done(done.map_err(|error| EngineError::Bug(error.to_string()))?)?;
                }
                Some(event) = self.happened.recv() => {
                    block_in_place(|| self.record(event))?;
                }
                Some(interrupt) = interrupts.recv() => self.interrupted(interrupt),
                () = at(wake) => {}
                () = tokio::time::sleep_until(net), if netting => {
                    self.cast_net()?;
                }
            }
            while let Ok(change) = self.changes.try_recv() {
                self.changed(change)?;
            }
            while let Ok(event) = self.happened.try_recv() {
                block_in_place(|| self.record(event))?;
            }
            if net <= Instant::now() || !netting {
                net = Instant::now() + NET_INTERVAL;
            }
        }
    }

    /// Reads the rooms again whose files changed.
    fn look_again(&mut self) -> Result<(), EngineError> {
        let kill_grace = self.shared.kill_grace();
        for place in self.rooms.values_mut() {
            if place.stale && place.session == Session::None {
                place.view = look::look(&place.room, kill_grace)?;
                place.stale = false;
            }
        }
        Ok(())
    }

    fn snapshot(&self) -> Snapshot {
        let epics = self
            .rooms
            .iter()
            .map(|(id, place)| {
                let view = EpicView {
                    room: place.room.id().clone(),
                    depends_on: place.depends_on.clone(),
                    order: place.order,
                    priority: place.priority,
                    remaining: place.remaining,
                    serialize: place.serialize,
                    retry_delay: place.retry_delay,
                    standing: place.view.clone(),
                    session: place.session,
                };
                (id.clone(), view)
            })
            .collect();
        Snapshot {
            now: self.project.store().now(),
            epics,
            stopping: self.stopping.is_some(),
            slots_full: self.slots_full,
        }
    }

    fn act(&mut self) -> Result<Turn, EngineError> {
        let snapshot = self.snapshot();
        let mut wake = None;
        for action in decide(&snapshot, &self.policy) {
            match action {
                Action::OpenAttempt { epic } => self.open_attempt(&epic),
                Action::CloseStale { epic } => self.close_stale(&epic),
                Action::Move { epic, signal, cause } => self.move_room(&epic, signal, cause),
                Action::Decide { epic } => self.leave_decision(&epic),
                Action::WakeAt(at) => wake = Some(at.since(snapshot.now)),
                Action::Finish(finish) => return self.finish(finish).map(Turn::Ended),
            }
        }
        Ok(Turn::WakeAt(wake.map(|wait| Instant::now() + wait)))
    }

    fn open_attempt(&mut self, epic: &EpicId) {
        let Some(place) = self.rooms.get_mut(epic) else { return };
        let (tell, told) = mpsc::unbounded_channel();
        place.session = Session::Running;
        place.tell = Some(tell);
        let (shared, epic, room) = (Arc::clone(&self.shared), epic.clone(), place.room.clone());
        let (happened, slots_freed) = (self.happened_sender.clone(), self.slots_freed);
        self.tasks.spawn(async move {
            let end = attempt::run(shared, &epic, &room, told, happened).await;
            Done { epic, what: What::Attempt { slots_freed, end } }
        });
    }

    fn move_room(&mut self, epic: &EpicId, signal: SignalName, cause: MoveCause) {
        self.in_room(epic, move |room| What::Moved(moves::by_signal(room, &signal, cause)));
    }

    fn leave_decision(&mut self, epic: &EpicId) {
        self.in_room(epic, |room| What::Moved(moves::by_decision(room)));
    }

    fn close_stale(&mut self, epic: &EpicId) {
        let kill_grace = self.shared.kill_grace();
        self.in_room(epic, move |room| {
            What::Closed(room.open_attempt().and_then(|open| match open {
                Some(open) => recovery::close_stale(room, &open, kill_grace).map(drop),
                None => Ok(()),
            }))
        });
    }

    /// Does something with a room's files on a thread for blocking work.
    fn in_room(&mut self, epic: &EpicId, work: impl FnOnce(&Room) -> What + Send + 'static) {
        let Some(place) = self.rooms.get_mut(epic) else { return };
        place.session = Session::Moving;
        let (room, epic) = (place.room.clone(), epic.clone());
        self.tasks.spawn_blocking(move || Done { epic, what: work(&room) });
    }

    fn done(&mut self, done: Done) -> Result<(), EngineError> {
        let Done { epic, what } = done;
        if let Some(place) = self.rooms.get_mut(&epic) {
            place.session = Session::None;
            place.tell = None;
            place.stale = true;
        }
        match what {
            What::Attempt { slots_freed, end } => match end? {
                AttemptEnd::SlotsFull => self.slots_full = slots_freed == self.slots_freed,
                AttemptEnd::Ended | AttemptEnd::Moot => {}
            },
            What::Moved(moved) => self.moved(&epic, moved?)?,
            What::Closed(closed) => closed?,
            What::Asked(request, outcome) => {
                let (result, reason) = match &outcome {
                    Ok(_) => (ControlResult::Done, "done".to_owned()),
                    Err(error) => (ControlResult::Refused, error.to_string()),
                };
                self.moved(&epic, outcome.ok().flatten())?;
                block_in_place(|| self.answer(&request, result, &reason))?;
            }
        }
        self.next_request(&epic);
        Ok(())
    }

    fn moved(&mut self, epic: &EpicId, entry: Option<AuditEntry>) -> Result<(), EngineError> {
        let Some(entry) = entry else { return Ok(()) };
        let Some(place) = self.rooms.get(epic) else { return Ok(()) };
        let room = place.room.clone();
        block_in_place(|| {
            let kind = room.standing()?.kind();
            for event in moves::events(&room, epic, self.shared.run_id(), kind, &entry) {
                self.record(event)?;
            }
            Ok(())
        })
    }

    fn changed(&mut self, change: Changed) -> Result<(), EngineError> {
        match change {
            Changed::RoomChannel(room) => {
                if let Some(place) = self.place_of(&room)
                    && let Some(tell) = &place.tell
                {
                    let _ = tell.send(Tell::ChannelChanged);
                }
            }
            Changed::RoomAudit(room) => {
                if let Some(place) = self.place_of(&room) {
                    place.stale = true;
                }
            }
            Changed::Slots(_) => {
                self.slots_freed += 1;
                self.slots_full = false;
            }
            Changed::PlanControl(_) => block_in_place(|| self.read_requests())?,
            Changed::Rescan => {
                self.watch_again()?;
                for place in self.rooms.values_mut() {
                    place.stale = true;
                }
                self.slots_freed += 1;
                self.slots_full = false;
                self.tell_all(&Tell::ChannelChanged);
                block_in_place(|| self.read_requests())?;
            }
            Changed::Config
            | Changed::Ledger
            | Changed::RoomsFolder
            | Changed::PlanEvents(_)
            | Changed::PlanFile(_)
            | Changed::PlanDag(_)
            | Changed::EngineFile(_)
            | Changed::RoomProgress(_)
            | Changed::RoomStatus(_)
            | Changed::RoomOther(_) => {}
        }
        Ok(())
    }

    fn watch_again(&self) -> Result<(), EngineError> {
        self.watcher.watch_plan(&self.plan.meta.plan_id)?;
        for limit in self.shared.limit_names() {
            self.watcher.watch_slots(&limit)?;
        }
        for place in self.rooms.values() {
            self.watcher.watch_room(place.room.id())?;
        }
        Ok(())
    }

    /// Looks at the files of active rooms, in case an event was lost.
    fn cast_net(&mut self) -> Result<(), EngineError> {
        let active: Vec<RoomId> = self
            .rooms
            .values()
            .filter(|place| place.session != Session::None)
            .map(|place| place.room.id().clone())
            .collect();
        self.slots_full = false;
        for change in block_in_place(|| self.watcher.net_check(&active)) {
            self.changed(change)?;
        }
        Ok(())
    }

    fn place_of(&mut self, room: &RoomId) -> Option<&mut Place> {
        self.rooms.get_mut(self.by_room.get(room)?)
    }

    fn tell_all(&self, what: &Tell) {
        for tell in self.rooms.values().filter_map(|place| place.tell.as_ref()) {
            let _ = tell.send(what.clone());
        }
    }

    fn interrupted(&mut self, interrupt: Interrupt) {
        self.stop(RunEnd::Interrupted, interrupt == Interrupt::Hard);
    }

    fn stop(&mut self, end: RunEnd, force: bool) {
        let first = self.stopping.is_none();
        self.stopping.get_or_insert(end);
        if force {
            self.tell_all(&Tell::Kill);
        } else if first {
            self.observer.notice("ending the sessions; once more kills them");
            self.tell_all(&Tell::Interrupt);
        }
    }

    /// The end of a stopping engine, once nothing runs any more.
    fn stopped(&mut self) -> Result<Option<RunEnd>, EngineError> {
        let Some(end) = self.stopping.filter(|_| self.tasks.is_empty()) else { return Ok(None) };
        while let Ok(event) = self.happened.try_recv() {
            self.record(event)?;
        }
        let reason = match end {
            RunEnd::Stopped => "stopped by request",
            _ => "interrupted",
        };
        self.record(Event { reason: Some(reason.to_owned()), ..Event::new(EventKind::Stopped) })?;
        Ok(Some(end))
    }

    fn finish(&mut self, finish: Finish) -> Result<RunEnd, EngineError> {
        let (kind, end, reason) = match finish {
            Finish::Passed => (EventKind::Finished, RunEnd::Passed, "every epic passed"),
            Finish::Failed => (EventKind::Finished, RunEnd::Failed, "some epics did not pass"),
            Finish::NeedsPerson => (EventKind::Stopped, RunEnd::NeedsPerson, "a person is needed"),
        };
        let passed = self.rooms.values().filter(|place| place.view.passed).count();
        let data = json!({ "passed": passed, "epics": self.rooms.len() });
        block_in_place(|| {
            self.record(Event {
                reason: Some(reason.to_owned()),
                data: Some(data),
                ..Event::new(kind)
            })
        })?;
        Ok(end)
    }

    fn read_requests(&mut self) -> Result<(), EngineError> {
        for request in control::pending(&self.plan.paths)? {
            if !self.seen_requests.insert(request.id.clone()) {
                continue;
            }
            let now = self.project.store().now();
            match crate::control::read(&request, self.shared.run_id(), now) {
                Order::Answer(result, reason) => self.answer(&request, result, &reason)?,
                Order::Stop { force } => {
                    self.answer(&request, ControlResult::Done, "stopping")?;
                    self.stop(RunEnd::Stopped, force);
                }
                Order::Room(room) => match self.by_room.get(&room).cloned() {
                    Some(epic) => {
                        if let Some(place) = self.rooms.get_mut(&epic) {
                            place.requests.push(request);
                        }
                        self.next_request(&epic);
                    }
                    None => {
                        let reason = format!("`{room}` is no room of this plan");
                        self.answer(&request, ControlResult::Refused, &reason)?;
                    }
                },
            }
        }
        Ok(())
    }

    /// Carries out the next request about a room, or ends the session that is in its way.
    fn next_request(&mut self, epic: &EpicId) {
        let Some(place) = self.rooms.get_mut(epic) else { return };
        match (place.requests.is_empty(), place.session) {
            (true, _) | (false, Session::Moving) => {}
            (false, Session::Running) => {
                if let Some(tell) = &place.tell {
                    let reason = "a person decided about the room".to_owned();
                    let _ = tell.send(Tell::Cancel { reason });
                }
            }
            (false, Session::None) => {
                let request = place.requests.remove(0);
                self.in_room(epic, move |room| {
                    let outcome = crate::control::act_on_room(room, &request);
                    What::Asked(Box::new(request), outcome)
                });
            }
        }
    }

    fn answer(
        &mut self,
        request: &Request,
        result: ControlResult,
        reason: &str,
    ) -> Result<(), EngineError> {
        let run_id = Some(self.shared.run_id().clone());
        let store = self.project.store();
        let event = control::answer(store, &self.plan.paths, run_id, request, result, reason)?;
        self.observer.event(&event);
        Ok(())
    }

    fn record(&mut self, event: Event) -> Result<(), EngineError> {
        let event = Event { run_id: Some(self.shared.run_id().clone()), ..event };
        let event = self.events.append(self.project.store(), event)?;
        self.observer.event(&event);
        Ok(())
    }
}

enum Turn {
    Ended(RunEnd),
    WakeAt(Option<Instant>),
}

async fn at(wake: Option<Instant>) {
    match wake {
        Some(wake) => tokio::time::sleep_until(wake).await,
        None => std::future::pending().await,
    }
}

/// The longest way from each epic to the end of the plan, in seconds of its attempts' limits.
fn remaining_seconds(project: &Project, dag: &Dag) -> Result<HashMap<EpicId, u64>, EngineError> {
    const UNKNOWN: u64 = 900;
    let mut remaining: HashMap<EpicId, u64> = HashMap::new();
    for id in dag.topological_order.iter().rev() {
        let Some(node) = dag.nodes.get(id) else { continue };
        let own = match &node.room_id {
            Some(room) => Room::open(project, room)?
                .contract()?
                .constraints
                .timeout_seconds
                .unwrap_or(UNKNOWN),
            None => UNKNOWN,
        };
        let behind = node.dependents.iter().filter_map(|id| remaining.get(id)).max();
        remaining.insert(id.clone(), own + behind.copied().unwrap_or(0));
    }
    Ok(remaining)
}
