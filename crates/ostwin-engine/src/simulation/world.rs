//! The world of a simulated engine: slots that are counted, file events from the stage, sessions
//! that follow their script, gates that chance decides.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ostwin_core::ids::{PlanId, RoomId};
use ostwin_core::layout::Layout;
use ostwin_core::programs::Programs;
use ostwin_core::room::{Attempt, RoomError, WorkTree};
use ostwin_runner::chore::{Chore, ChoreEnd};
use ostwin_runner::guardian::{GuardianError, SlotLimit};
use ostwin_runner::prepare::Host;
use ostwin_runner::process::ExitStatus;
use ostwin_runner::session::{Control, Event, SessionEnd, SessionSpec};
use ostwin_watch::{Changed, Mode, WatchError};
use tokio::sync::mpsc::{Receiver, UnboundedSender};

use super::session;
use super::stage::Stage;
use crate::error::EngineError;
use crate::world::{Files, Later, LeftBehind, Seat, World};

pub(super) struct SimulatedWorld {
    pub(super) stage: Arc<Stage>,
    /// Where the programs are that nobody starts.
    pub(super) programs: PathBuf,
}

impl World for SimulatedWorld {
    fn host(&self) -> Host {
        let programs = Programs { own: vec![self.programs.clone()], path: Vec::new() };
        Host { programs, ..Host::default() }
    }

    fn watch(
        &self,
        layout: &Layout,
        _: Mode,
        sink: UnboundedSender<Changed>,
    ) -> Result<Box<dyn Files>, WatchError> {
        self.stage.listen(sink);
        Ok(Box::new(SimulatedFiles { stage: Arc::clone(&self.stage), layout: layout.clone() }))
    }

    fn reserve(
        &self,
        slots: Vec<SlotLimit>,
    ) -> Later<'_, Result<Option<Box<dyn Seat>>, EngineError>> {
        Box::pin(async move {
            let takes = self.stage.random(|random| random.u64(1..30));
            let asking = Asking::of(&self.stage);
            tokio::time::sleep(Duration::from_millis(takes)).await;
            drop(asking);
            let wanted = slots.into_iter().map(|limit| (limit.dir, limit.max)).collect();
            Ok(Slots::take(&self.stage, wanted).map(|slots| Box::new(slots) as Box<dyn Seat>))
        })
    }

    fn chore(&self, chore: Chore) -> Later<'_, Result<ChoreEnd, GuardianError>> {
        Box::pin(async move {
            let took = Duration::from_millis(self.stage.random(|random| random.u64(5..2_000)));
            tokio::time::sleep(took).await;
            let code = i32::from(!session::gate_passes(&self.stage, &chore.lock));
            Ok(ChoreEnd {
                status: Some(ExitStatus { code: Some(code), signal: None }),
                output: b"checked\n".to_vec(),
                dropped_bytes: 0,
                took,
            })
        })
    }

    fn work_tree<'a>(&'a self, _: &'a Path) -> Later<'a, Option<WorkTree>> {
        Box::pin(async { None })
    }
}

impl LeftBehind for SimulatedWorld {
    fn end(&self, _: &Attempt, _: Duration) -> Result<(), RoomError> {
        // What was on its way when the engine died arrives now, before its processes are gone.
        self.stage.let_late_arrive();
        Ok(())
    }
}

struct SimulatedFiles {
    stage: Arc<Stage>,
    layout: Layout,
}

impl Files for SimulatedFiles {
    fn mode(&self) -> String {
        "simulation".to_owned()
    }

    fn watch_plan(&self, plan: &PlanId) -> Result<(), WatchError> {
        let paths = self.layout.plan(plan);
        self.stage.watch(paths.control(), Changed::PlanControl(plan.clone()));
        self.stage.watch(paths.budget(), Changed::PlanFile(plan.clone()));
        Ok(())
    }

    fn watch_room(&self, room: &RoomId) -> Result<(), WatchError> {
        let paths = self.layout.room(room);
        self.stage.watch(paths.channel(), Changed::RoomChannel(room.clone()));
        self.stage.watch(paths.audit(), Changed::RoomAudit(room.clone()));
        self.stage.watch(paths.settings(), Changed::RoomOther(room.clone()));
        Ok(())
    }

    fn watch_slots(&self, _: &str) -> Result<(), WatchError> {
        Ok(())
    }

    fn net_check(&self, rooms: &[RoomId]) -> Vec<Changed> {
        self.stage.missed(rooms)
    }
}

/// The engine asks for slots until this is dropped.
struct Asking(Arc<Stage>);

impl Asking {
    fn of(stage: &Arc<Stage>) -> Self {
        stage.asks();
        Self(Arc::clone(stage))
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        self.0.has_asked();
    }
}

/// Slots that are held until this is dropped.
pub(super) struct Slots {
    stage: Arc<Stage>,
    taken: Vec<(PathBuf, u32)>,
}

impl Slots {
    pub(super) fn take(stage: &Arc<Stage>, wanted: Vec<(PathBuf, u32)>) -> Option<Self> {
        let taken = stage.take_slots(&wanted);
        taken.then(|| Self { stage: Arc::clone(stage), taken: wanted })
    }
}

impl Drop for Slots {
    fn drop(&mut self) {
        self.stage.give_slots_back(&self.taken);
    }
}

impl Seat for Slots {
    fn run(
        self: Box<Self>,
        spec: SessionSpec,
        control: Receiver<Control>,
        events: UnboundedSender<Event>,
    ) -> Later<'static, SessionEnd> {
        let stage = Arc::clone(&self.stage);
        Box::pin(async move {
            let end = session::play(stage, spec, control, events).await;
            drop(self);
            end
        })
    }
}
