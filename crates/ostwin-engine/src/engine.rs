//! The shell around [`decide`]: keeps the snapshot current and carries the actions out.
//!
//! This loop is the one owner of what the engine knows. Sessions and moves run as tasks beside it,
//! one at most in a room, and report back; they change files, never this state. The loop sleeps
//! until a file changes, a task ends, a timer is due or somebody interrupts.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use ostwin_core::control::{Pauses, Request};
use ostwin_core::dag::{Dag, Stage};
use ostwin_core::events::{Event, EventKind, Events};
use ostwin_core::ids::{ControlId, EpicId, RoomId, RunId};
use ostwin_core::lifecycle::StateKind;
use ostwin_core::plan::{self, ParseOptions};
use ostwin_core::plan_review;
use ostwin_core::plans::StoredPlan;
use ostwin_core::project::Project;
use ostwin_core::room::Room;
use ostwin_watch::Changed;
use serde_json::json;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::alerts::Alerts;
use crate::attempt::{self, Tell};
use crate::blocking::block_in_place;
use crate::error::EngineError;
use crate::rooms::{self, Making};
use crate::run::{Interrupt, Observer, RunEnd, RunOptions, Scope, gated_text};
use crate::sessions::Shared;
use crate::snapshot::{EpicView, Policy, RoomView, Session, Snapshot};
use crate::told::Told;
use crate::world::{Files, World};
use crate::{look, recovery, review};

mod act;
mod news;
mod one_session;
mod requests;

pub use one_session::OneSession;

use act::{Done, Turn};

/// How often the files of active rooms are looked at beside the events, which may get lost.
const NET_INTERVAL: Duration = Duration::from_secs(30);

pub(crate) struct Engine<'e> {
    project: &'e Project,
    plan: &'e StoredPlan,
    observer: &'e dyn Observer,
    scope: Scope,
    shared: Arc<Shared>,
    events: Events,
    policy: Policy,
    rooms: BTreeMap<EpicId, Place>,
    by_room: HashMap<RoomId, EpicId>,
    watcher: Box<dyn Files>,
    changes: UnboundedReceiver<Changed>,
    tasks: JoinSet<Done>,
    happened: UnboundedReceiver<Event>,
    happened_sender: UnboundedSender<Event>,
    seen_requests: HashSet<ControlId>,
    /// By the plan's events, so that a pause outlives the engine that it was asked of.
    pauses: Pauses,
    /// Who is told of alerts, if anybody.
    alerts: Option<Alerts>,
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

impl<'e> Engine<'e> {
    pub(crate) fn start(
        project: &'e Project,
        plan: &'e StoredPlan,
        options: &RunOptions,
        observer: &'e dyn Observer,
        world: Arc<dyn World>,
        run_id: RunId,
    ) -> Result<Self, EngineError> {
        let config = &options.settings.config;
        let text = match options.scope {
            Scope::Plan | Scope::Session(_) => gated_text(project, plan, &options.settings)?,
            Scope::Review { .. } => plan_review::text_of(plan)?,
        };
        let parsed = plan::parse_bytes(&text.bytes, &ParseOptions::default());
        if let Some(error) = parsed.diagnostics.iter().find(|diagnostic| diagnostic.is_error()) {
            return Err(EngineError::Plan {
                plan: plan.meta.plan_id.clone(),
                problem: error.message.clone(),
            });
        }
        let shared = Arc::new(Shared::new(project, plan, &parsed.plan, options, world, run_id)?);
        let first_run = plan.dag()?.is_none();
        let rehearsed = shared.is_rehearsed();
        let making = Making {
            project,
            stored: plan,
            text: &text,
            plan: &parsed.plan,
            settings: &options.settings,
            places: shared.places(),
            rehearsed,
            left: &**shared.world(),
        };
        let made = match options.scope {
            Scope::Plan | Scope::Session(_) => rooms::ensure(&making)?,
            Scope::Review { again } => review::ensure(&making, again, shared.roles())?,
        };

        let (changed, changes) = mpsc::unbounded_channel();
        let watcher = shared.world().watch(project.layout(), shared.watch_mode(), changed)?;
        observer.notice(&format!("watching files by {}", watcher.mode()));
        watcher.watch_plan(&plan.meta.plan_id)?;
        watch_slots(&shared, project, &*watcher)?;
        let (happened_sender, happened) = mpsc::unbounded_channel();
        let past = plan.events().read_all()?;
        let mut engine = Self {
            project,
            plan,
            observer,
            scope: options.scope.clone(),
            events: plan.events(),
            policy: Policy {
                max_sessions: usize::try_from(config.max_concurrent_rooms).unwrap_or(usize::MAX),
                max_interruptions: config.max_interruptions,
                wait_for_people: options.wait_for_people,
                approve_plans: shared.approves(),
            },
            rooms: BTreeMap::new(),
            by_room: HashMap::new(),
            watcher,
            changes,
            tasks: JoinSet::new(),
            happened,
            happened_sender,
            seen_requests: HashSet::new(),
            pauses: Pauses::of(&past),
            alerts: shared
                .alert_command(plan)
                .map(|command| Alerts::start(Arc::clone(shared.world()), command)),
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
                "epics": parsed.plan.epics.len(),
                "title": plan.meta.title,
            })),
            ..Event::new(kind)
        })?;
        for (epic, room) in made.made {
            let event = Event::new(EventKind::RoomCreated);
            engine.record(Event { epic: Some(epic), room: Some(room), ..event })?;
        }
        engine.enter(&made.dag, &Told::of(&past))?;
        Ok(engine)
    }

    /// Takes every room of the graph in, recovering each first.
    fn enter(&mut self, dag: &Dag, told: &Told) -> Result<(), EngineError> {
        let kill_grace = self.shared.kill_grace();
        let remaining = remaining_seconds(self.project, dag)?;
        for (order, (id, node)) in dag.nodes.iter().enumerate() {
            let Some(room_id) = &node.room_id else {
                // While the plan is under review, its epics have none yet.
                if dag.stage == Stage::Planning {
                    continue;
                }
                return Err(EngineError::Dag {
                    dag: self.plan.paths.dag(),
                    problem: format!("{id} has no room"),
                });
            };
            let room = Room::open(self.project, room_id)?;
            let contract = room.contract()?;
            self.watcher.watch_room(room_id)?;
            if let Some(closed) = recovery::recover(&room, &**self.shared.world(), kill_grace)? {
                self.record(attempt::closed_event(id, &room, &closed))?;
            }
            let shared = &self.shared;
            for event in told.missing(&room, id, shared.run_id(), shared.approves())? {
                self.record(event)?;
            }
            let mut view = look::look(&room, kill_grace)?;
            view.waits = self.shared.person_wait(&room, &view)?;
            if view.kind != StateKind::Terminal {
                self.shared.check(id, &room, &contract, &room.machine()?)?;
            }
            self.by_room.insert(room_id.clone(), id.clone());
            let config = self.shared.config();
            let delay =
                contract.constraints.retry_delay_seconds.unwrap_or(config.retry_delay_seconds);
            let place = Place {
                room,
                depends_on: node.depends_on.clone(),
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
        if let Some(alerts) = self.alerts.take() {
            alerts.end().await;
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
                // In a fixed order, so that the same inputs always lead to the same course.
                biased;
                Some(interrupt) = interrupts.recv() => self.interrupted(interrupt),
                Some(change) = self.changes.recv() => self.changed(change)?,
                Some(done) = self.tasks.join_next() => {
                    self.done(done.map_err(|error| EngineError::Bug(error.to_string()))?)?;
                }
                Some(event) = self.happened.recv() => {
                    block_in_place(|| self.record(event))?;
                }
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
                place.view.waits = self.shared.person_wait(&place.room, &place.view)?;
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
                    paused: self.pauses.holds(place.room.id()),
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
            budget: self.shared.meter().plan_used_up(),
        }
    }

    fn record(&mut self, event: Event) -> Result<(), EngineError> {
        let event = Event { run_id: Some(self.shared.run_id().clone()), ..event };
        let event = self.events.append(self.project.store(), event)?;
        self.observer.event(&event);
        if let Some(alerts) = &self.alerts {
            alerts.hear(&event);
        }
        Ok(())
    }
}

/// Watches the slots of every limit. They are below the cache, which anybody may remove.
fn watch_slots(shared: &Shared, project: &Project, files: &dyn Files) -> Result<(), EngineError> {
    for limit in shared.limit_names() {
        ostwin_core::fs::create_dirs(&project.layout().slots(&limit))?;
        files.watch_slots(&limit)?;
    }
    Ok(())
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
