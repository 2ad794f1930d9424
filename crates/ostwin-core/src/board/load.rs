//! Reading what a board is computed from.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::build::{EngineInput, Inputs, RoomInput, RoomReading, build};
use super::value::Board;
use crate::budget::{self, BudgetError, Caps};
use crate::channel::Filter;
use crate::config::Config;
use crate::control::{self, ControlError, Pauses};
use crate::dag::{self, BuildOptions, Dag, DagError, Stage};
use crate::events::Event;
use crate::fs::FsError;
use crate::ids::{EpicId, RoomId};
use crate::jsonl::{Follower, JsonlError};
use crate::lock::LockError;
use crate::plan::{self, ParseOptions};
use crate::plan_review::{self, GateError};
use crate::plans::{PlanStoreError, StoredPlan};
use crate::project::Project;
use crate::room::{self, OpenQuestions, Room, RoomError};

/// Why there is no board.
#[derive(Debug, thiserror::Error)]
pub enum BoardError {
    /// The plan's files cannot be read.
    #[error(transparent)]
    Plan(#[from] PlanStoreError),
    /// The plan's text cannot be read.
    #[error(transparent)]
    Text(#[from] GateError),
    /// A file cannot be read.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// The plan's text has no graph.
    #[error(transparent)]
    Dag(#[from] DagError),
    /// The rooms cannot be listed.
    #[error(transparent)]
    Room(#[from] RoomError),
    /// The plan's budget cannot be read.
    #[error(transparent)]
    Budget(#[from] BudgetError),
    /// It cannot be learned who drives the plan.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// The plan's lock cannot be looked at.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The plan's events cannot be read.
    #[error(transparent)]
    Events(#[from] JsonlError),
}

/// How many events are taken in one go.
const EVENTS: usize = 1_000;

/// Reads everything once and computes the board.
///
/// # Errors
/// See [`BoardError`]. A single room that cannot be read is a row that says so.
pub fn load(project: &Project, plan: &StoredPlan, config: &Config) -> Result<Board, BoardError> {
    Loader::new(project, plan, config).board()
}

/// Reads the files of one plan again and again, and of those only what may have changed.
#[derive(Debug)]
pub struct Loader {
    project: Project,
    plan: StoredPlan,
    max_sessions: usize,
    retry_delay: Duration,
    config: Config,
    events: Follower,
    pauses: Pauses,
    dag: Option<Dag>,
    rooms: BTreeMap<EpicId, RoomInput>,
    /// What their sessions ask.
    questions: BTreeMap<RoomId, OpenQuestions>,
    /// Rooms whose files may have changed since they were read.
    stale: BTreeSet<RoomId>,
    /// The graph and the list of rooms may have changed.
    stale_plan: bool,
}

impl Loader {
    /// A loader that has read nothing yet.
    pub fn new(project: &Project, plan: &StoredPlan, config: &Config) -> Self {
        Self {
            project: project.clone(),
            plan: plan.clone(),
            max_sessions: usize::try_from(config.max_concurrent_rooms).unwrap_or(usize::MAX),
            retry_delay: Duration::from_secs(config.retry_delay_seconds),
            config: config.clone(),
            events: Follower::new(&plan.paths.events(), 0),
            pauses: Pauses::default(),
            dag: None,
            rooms: BTreeMap::new(),
            questions: BTreeMap::new(),
            stale: BTreeSet::new(),
            stale_plan: true,
        }
    }

    /// A file of this room may have changed.
    pub fn room_changed(&mut self, room: &RoomId) {
        self.stale.insert(room.clone());
        // An approval decides by which text the first run will go.
        self.stale_plan |= self.dag.as_ref().is_some_and(|dag| dag.stage == Stage::Planning);
    }

    /// The graph, or which rooms there are, may have changed, and every room with it.
    pub fn plan_changed(&mut self) {
        self.stale_plan = true;
    }

    /// The rooms of the plan, as they were read last.
    pub fn rooms(&self) -> impl Iterator<Item = &RoomId> {
        self.rooms.values().map(|input| &input.room)
    }

    /// The board now.
    ///
    /// # Errors
    /// See [`BoardError`].
    pub fn board(&mut self) -> Result<Board, BoardError> {
        if self.stale_plan || self.dag.is_none() {
            self.read_plan()?;
        }
        let (stale, patience) = (std::mem::take(&mut self.stale), self.patience());
        for input in self.rooms.values_mut().filter(|input| stale.contains(&input.room)) {
            let questions = self.questions.entry(input.room.clone()).or_default();
            *input = read_room(&self.project, &input.room, questions, patience);
        }
        self.read_events()?;
        let engine = EngineInput {
            driven: control::is_driven(&self.plan.paths)?,
            record: control::engine_record(&self.plan.paths)?,
        };
        let now = self.project.store().now();
        let Some(dag) = &self.dag else {
            return Err(PlanStoreError::NotFound {
                plan: self.plan.meta.plan_id.to_string(),
                plans: self.project.layout().plans(),
            }
            .into());
        };
        Ok(build(&Inputs {
            meta: &self.plan.meta,
            dag,
            engine,
            rooms: &self.rooms,
            pauses: &self.pauses,
            max_sessions: self.max_sessions,
            retry_delay: self.retry_delay,
            caps: budget::caps_of_plan(&self.plan.paths, &self.config)?,
            unmetered_is_fine: self.config.budget_unmetered,
            now,
        }))
    }

    fn read_events(&mut self) -> Result<(), BoardError> {
        loop {
            let batch = self.events.poll::<Event>(EVENTS)?;
            if batch.restarted {
                self.pauses = Pauses::default();
            }
            batch.lines.iter().for_each(|event| self.pauses.feed(event));
            if !batch.more {
                return Ok(());
            }
        }
    }

    /// How long a question waits that does not say so itself.
    fn patience(&self) -> Duration {
        Duration::from_secs(self.config.ask_timeout_seconds)
    }

    fn read_plan(&mut self) -> Result<(), BoardError> {
        let (dag, rooms) = match self.plan.dag()? {
            Some(dag) => {
                let rooms = dag.nodes.iter();
                let rooms =
                    rooms.filter_map(|(id, node)| Some((id.clone(), node.room_id.clone()?)));
                let rooms = rooms.collect::<BTreeMap<_, _>>();
                (dag, rooms)
            }
            None => {
                // Rooms are made before the graph is written: a killed engine leaves them like that.
                let made = room::of_plan(&self.project, &self.plan.meta.plan_id)?;
                let rooms = made.into_iter().map(|(room, made)| (made.task_ref, room.id().clone()));
                let rooms: BTreeMap<EpicId, RoomId> = rooms.collect();
                let review = rooms.get(&EpicId::plan_review()).cloned();
                (planning_dag(&self.project, &self.plan, review)?, rooms)
            }
        };
        let (mut before, patience) = (std::mem::take(&mut self.questions), self.patience());
        self.rooms.clear();
        for (epic, room) in rooms {
            let mut questions = before.remove(&room).unwrap_or_default();
            self.rooms.insert(epic, read_room(&self.project, &room, &mut questions, patience));
            self.questions.insert(room, questions);
        }
        self.dag = Some(dag);
        self.stale.clear();
        self.stale_plan = false;
        Ok(())
    }
}

/// The graph of a plan: the one that runs, with the rooms, or before the first run that of its
/// text.
///
/// # Errors
/// The graph's file is malformed, or the text has no graph.
pub fn graph(project: &Project, plan: &StoredPlan) -> Result<Dag, BoardError> {
    match plan.dag()? {
        Some(dag) => Ok(dag),
        None => planning_dag(project, plan, None),
    }
}

/// The graph of a plan that was never run.
fn planning_dag(
    project: &Project,
    plan: &StoredPlan,
    review: Option<RoomId>,
) -> Result<Dag, BoardError> {
    let text = plan_review::running_text(project, plan)?;
    let parsed = plan::parse_bytes(&text.bytes, &ParseOptions::default());
    let meta = &plan.meta;
    let options = BuildOptions {
        plan_review: review.is_some(),
        plan_review_room: review,
        ..BuildOptions::new(meta.plan_id.clone(), text.sha256, meta.imported_at)
    };
    Ok(dag::build(&parsed.plan, &options)?)
}

fn read_room(
    project: &Project,
    id: &RoomId,
    questions: &mut OpenQuestions,
    patience: Duration,
) -> RoomInput {
    let reading = read(project, id, questions, patience);
    let reading = reading.map(Box::new).map_err(|error| with_causes(&error));
    RoomInput { room: id.clone(), reading }
}

/// What the files of a room say now.
pub(super) fn read(
    project: &Project,
    id: &RoomId,
    questions: &mut OpenQuestions,
    patience: Duration,
) -> Result<RoomReading, RoomError> {
    let room = Room::open(project, id)?;
    let own = room.settings()?;
    let contract = room.contract()?;
    let limits = &contract.constraints;
    Ok(RoomReading {
        questions: questions.read(&room, patience)?,
        caps: Caps {
            tokens: own.budget_tokens.or(limits.budget_tokens_max),
            usd: own.budget_usd.or(limits.budget_cost_max_usd),
        },
        contract,
        standing: room.standing()?,
        // A hint that cannot be read hides nothing else.
        progress: room.progress().unwrap_or_default(),
        attempt: room.last_attempt()?.map(|attempt| attempt.record),
        spent: room.spent()?,
        last_message: room.channel().newest(&Filter::default(), 1, None)?.messages.pop(),
    })
}

/// An error and its causes in one line.
pub(super) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}
