//! Playing a case: engines that live and die over the same files, until the plan ends.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ostwin_core::config::{Layer, Settings, Source, SourceKind};
use ostwin_core::events::Event;
use ostwin_core::fs;
use ostwin_core::fs::interposer::{Fate, interposed};
use ostwin_core::ids::EpicId;
use ostwin_core::layout::{Layout, RolePaths};
use ostwin_core::lock;
use ostwin_core::plans::{self, StoredPlan};
use ostwin_core::project::{self, Project};
use ostwin_core::store::{Durability, Store};
use ostwin_core::vault::Vaults;
use serde_json::json;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;

use super::case::{Case, GATED, ROLES};
use super::clock::SimulatedClock;
use super::model::{Broken, words};
use super::people::Person;
use super::stage::{Between, Moment, Stage};
use super::world::{SimulatedWorld, Slots};
use crate::run::{self, Observer, RunEnd, RunOptions, Scope};

/// The simulated time after which a plan does not end any more.
const PATIENCE: Duration = Duration::from_secs(30 * 24 * 3600);
/// More engines than any plan needs.
const LIVES: u32 = 60;

/// Plays a case, and where chance decides nothing that counts, the same plan without faults.
pub(super) fn check(case: &Case, tells: bool) -> Result<(), Broken> {
    let ways = Course::new(case.clone(), tells)?.until_it_ends()?;
    if case.has_twin() {
        let undisturbed = Course::new(case.without_faults(), false)?.until_it_ends()?;
        if ways != undisturbed {
            return Err(format!("without faults it goes {undisturbed:#?}, with them {ways:#?}"));
        }
    }
    Ok(())
}

/// How an engine's life ended.
enum Life {
    Died,
    Ended(RunEnd),
}

struct Course {
    runtime: Runtime,
    stage: Arc<Stage>,
    project: Project,
    plan: StoredPlan,
    options: RunOptions,
    programs: PathBuf,
    person: Person,
    _dir: tempfile::TempDir,
}

struct Silent;

impl Observer for Silent {
    fn event(&self, _: &Event) {}
    fn notice(&self, _: &str) {}
}

impl Course {
    fn new(case: Case, tells: bool) -> Result<Self, Broken> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .map_err(words)?;
        let entered = runtime.enter();
        let dir = folder().map_err(words)?;
        let root = dir.path().join("project");
        let programs = dir.path().join("bin");
        fs::create_dirs(&programs).map_err(words)?;
        for name in ["ostwin", "ostwin-rehearsal", "ostwin-mcp-warroom", "ostwin-mcp-memory"] {
            let program = programs.join(name);
            fs::create_file(&program, b"", true, Durability::Os).map_err(words)?;
        }
        let clock = Arc::new(SimulatedClock::new());
        let store = Store { durability: case.durability, clock, ..Store::default() };
        let (layout, _) = project::init(&root, None, &case.settings, &store).map_err(words)?;
        write_roles(&layout, &store)?;
        let project = Project::new(layout, store);
        let plan = plans::import(&project, Path::new("/PLAN.md"), case.plan.as_bytes(), "P", false)
            .map_err(words)?;
        let options = RunOptions {
            scope: Scope::Plan,
            settings: settings(&case)?,
            vaults: Vaults::default(),
            wait_for_people: case.faults.people,
            guardian: None,
        };
        let person = Person::new(plan.meta.plan_id.clone());
        let stage = Stage::new(case, &project, tells)?;
        stage.tell(|| stage.case.plan.clone());
        drop(entered);
        Ok(Self { runtime, stage, project, plan, options, programs, person, _dir: dir })
    }

    /// Lets engines live until one of them has brought the plan to its end.
    fn until_it_ends(&mut self) -> Result<BTreeMap<EpicId, Vec<String>>, Broken> {
        let mut deaths = self.stage.case.faults.deaths;
        for _ in 0..LIVES {
            let dies = (deaths > 0).then(|| self.stage.random(moment_of_death));
            deaths = deaths.saturating_sub(1);
            self.stage.begin(dies);
            let life = self.live()?;
            let entered = self.runtime.enter();
            if let Some(broken) = self.stage.broken() {
                return Err(broken);
            }
            match life {
                Life::Died => {
                    self.stage.model(|model| model.check_dead())?;
                    if self.stage.case.faults.power {
                        self.stage.cut_power()?;
                    }
                    if self.stage.random(fastrand::Rng::bool) {
                        self.stage.let_late_arrive();
                    }
                }
                Life::Ended(end) => {
                    self.stage.tell(|| format!("the plan ends: {end:?}"));
                    let people = self.stage.case.faults.people;
                    if !(people && self.person.decide_here(&self.stage)) {
                        self.stage.let_late_arrive();
                        self.stage.model(|model| model.check_settled())?;
                        let events = self.plan.events().read_all().map_err(words)?;
                        self.stage.model(|model| model.check_told(&events))?;
                        if let Some(broken) = self.stage.broken() {
                            return Err(broken);
                        }
                        return self.stage.model(|model| model.ways());
                    }
                }
            }
            drop(entered);
        }
        Err(format!("the plan has not ended after {LIVES} engines"))
    }

    /// One engine, from its start to its death or its end.
    fn live(&mut self) -> Result<Life, Broken> {
        let Self { runtime, stage, project, plan, options, programs, person, .. } = self;
        let world =
            Arc::new(SimulatedWorld { stage: Arc::clone(stage), programs: programs.clone() });
        let (_interrupt, interrupts) = mpsc::unbounded_channel();
        let life = lock::exclusive(&plan.paths.engine_lock(), Duration::ZERO, || {
            interposed(std::rc::Rc::new(Between(Arc::clone(stage))), || {
                runtime.block_on(async {
                    let engine = run::course(project, plan, options, &Silent, world, interrupts);
                    let people = stage.case.faults.people;
                    tokio::select! {
                        biased;
                        () = stage.death() => Ok(Life::Died),
                        end = engine => match end {
                            _ if stage.is_dead() => Ok(Life::Died),
                            Ok(end) => Ok(Life::Ended(end)),
                            Err(error) => Err(format!("the engine fails: {}", words(error))),
                        },
                        () = person.live(stage), if people => Err("the person left".to_owned()),
                        () = neighbour(stage, project, options) => Err("the neighbour left".to_owned()),
                        () = tokio::time::sleep(PATIENCE) => {
                            Err(format!("the plan does not end within {PATIENCE:?}"))
                        }
                    }
                })
            })
        });
        // What the engine had started is gone with it.
        runtime.block_on(tokio::task::yield_now());
        life.map_err(words)?
    }
}

/// When an engine dies, and how: often while it starts, which is when it recovers, and as often in
/// the middle of a transition.
fn moment_of_death(random: &mut fastrand::Rng) -> (Moment, Fate) {
    let fate = random.choice([Fate::Dead, Fate::Torn]).unwrap_or(Fate::Dead);
    let moment = if random.bool() {
        let latest = random.choice([12, 40, 120, 400]).unwrap_or(40);
        Moment::At(random.u64(1..=latest))
    } else {
        Moment::Amid { lines: random.u32(1..=16), further: random.u64(0..8) }
    };
    (moment, fate)
}

/// An engine of another plan, of which only its slots are seen.
async fn neighbour(stage: &Arc<Stage>, project: &Project, options: &RunOptions) {
    if !stage.case.faults.neighbour {
        return std::future::pending().await;
    }
    let dir = project.layout().slots(crate::sessions::ROOM_LIMIT);
    let max = options.settings.config.max_concurrent_rooms;
    loop {
        let slots = Slots::take(stage, vec![(dir.clone(), max)]);
        pause(stage, 30_000).await;
        drop(slots);
        pause(stage, 60_000).await;
    }
}

async fn pause(stage: &Stage, at_most_ms: u64) {
    let takes = stage.random(|random| random.u64(1..at_most_ms));
    tokio::time::sleep(Duration::from_millis(takes)).await;
}

fn settings(case: &Case) -> Result<Settings, Broken> {
    let source = Source::file(SourceKind::Project, "config.json");
    let values = case.settings.as_object().ok_or("the settings are no object")?;
    let layer = Layer::from_values(&source, values).map_err(|errors| format!("{errors:?}"))?;
    Settings::merge([layer]).map_err(|errors| format!("{errors:?}"))
}

/// The roles of the plans, without the skills of the shipped ones, which only cost time here.
fn write_roles(layout: &Layout, store: &Store) -> Result<(), Broken> {
    for name in ROLES {
        let role = RolePaths::new(&layout.roles(), &name.parse().map_err(words)?);
        let gate = json!({ "name": "tests", "command": ["check"], "timeout": 60 });
        let gates = if *name == GATED { vec![gate] } else { Vec::new() };
        let spec = json!({ "schema_version": 1, "name": name, "quality_gates": gates });
        fs::create_dirs(role.dir()).map_err(words)?;
        fs::replace_json(&role.settings(), &spec, store.durability).map_err(words)?;
        fs::replace_record(&role.file("ROLE.md"), b"# Role\n", store.durability).map_err(words)?;
    }
    Ok(())
}

/// A folder for one case: in memory where there is such a place.
fn folder() -> std::io::Result<tempfile::TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("ostwin-simulation-");
    builder.tempdir_in("/dev/shm").or_else(|_| builder.tempdir())
}
