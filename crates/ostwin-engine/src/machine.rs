//! The world of a real engine: guardians, the system's file events, Git.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ostwin_core::env;
use ostwin_core::ids::{PlanId, RoomId};
use ostwin_core::layout::Layout;
use ostwin_core::lock::{self, LockError};
use ostwin_core::room::{Attempt, RoomError, WorkTree};
use ostwin_core::vault::Vaults;
use ostwin_runner::chore::{self, Chore, ChoreEnd};
use ostwin_runner::guardian::{Guardian, GuardianError, GuardianProgram, Reservation, SlotLimit};
use ostwin_runner::prepare::Host;
use ostwin_runner::process::{Sweep, sweep};
use ostwin_runner::session::{self, Control, Event, SessionEnd, SessionSpec};
use ostwin_runner::worktree::work_tree;
use ostwin_watch::{Changed, Mode, WatchError, Watcher};
use tokio::sync::mpsc::{Receiver, UnboundedSender};

use crate::error::EngineError;
use crate::gates;
use crate::world::{Files, Later, LeftBehind, Seat, World};

/// How much longer than the agents' grace a guardian that lost its engine may take to end.
const GUARDIAN_MARGIN: Duration = Duration::from_secs(10);

/// This machine, with the program that guards sessions on it.
pub(crate) struct ThisMachine {
    guardian: GuardianProgram,
    vaults: Vaults,
}

impl ThisMachine {
    /// This machine, with `program` as the guardian; the running one if none is named.
    pub(crate) fn new(program: Option<PathBuf>, vaults: Vaults) -> Result<Self, EngineError> {
        let program = match program {
            Some(program) => program,
            None => std::env::current_exe().map_err(EngineError::NoExecutable)?,
        };
        let args = vec!["__session".to_owned()];
        Ok(Self { guardian: GuardianProgram { program, args, env: Vec::new() }, vaults })
    }
}

impl World for ThisMachine {
    fn host(&self) -> Host {
        Host::of_this_process().with_vaults(self.vaults.clone())
    }

    fn watch(
        &self,
        layout: &Layout,
        mode: Mode,
        sink: UnboundedSender<Changed>,
    ) -> Result<Box<dyn Files>, WatchError> {
        let options = ostwin_watch::Options { mode, ..Default::default() };
        let watcher = Watcher::start(layout, options, move |change| drop(sink.send(change)))?;
        Ok(Box::new(watcher))
    }

    fn reserve(
        &self,
        slots: Vec<SlotLimit>,
    ) -> Later<'_, Result<Option<Box<dyn Seat>>, EngineError>> {
        Box::pin(async move {
            match Guardian::reserve(&self.guardian, slots).await {
                Ok(Reservation::Granted(guardian)) => Ok(Some(guardian as Box<dyn Seat>)),
                Ok(Reservation::Full { .. }) => Ok(None),
                // The terminal's Ctrl-C hit the guardian before it left our group: we hear of it too.
                Err(error) if error.is_interrupt() => Ok(None),
                Err(error) => Err(EngineError::Guardian(error)),
            }
        })
    }

    fn chore(&self, chore: Chore) -> Later<'_, Result<ChoreEnd, GuardianError>> {
        Box::pin(chore::run(&self.guardian, chore))
    }

    fn work_tree<'a>(&'a self, dir: &'a Path) -> Later<'a, Option<WorkTree>> {
        Box::pin(work_tree(dir))
    }
}

impl LeftBehind for ThisMachine {
    fn end(&self, attempt: &Attempt, kill_grace: Duration) -> Result<(), RoomError> {
        LocalProcesses.end(attempt, kill_grace)
    }
}

/// The processes of this machine.
pub(crate) struct LocalProcesses;

impl LeftBehind for LocalProcesses {
    fn end(&self, attempt: &Attempt, kill_grace: Duration) -> Result<(), RoomError> {
        let record = &attempt.record;
        if record.boot_id != env::boot_id() || record.host != env::host() {
            return Ok(());
        }
        let paths = &attempt.paths;
        end_guarded(attempt, &paths.session_lock(), record.id.as_str(), kill_grace)?;
        end_guarded(attempt, &paths.gate_lock(), &gates::mark(attempt), kill_grace)
    }
}

/// Ends what an engine that is gone has started under a guardian which holds `lock`.
fn end_guarded(
    attempt: &Attempt,
    lock: &Path,
    mark: &str,
    kill_grace: Duration,
) -> Result<(), RoomError> {
    // The guardian saw its lifeline close and is ending them. Its lock is its life.
    if lock.exists() {
        match lock::exclusive(lock, kill_grace + GUARDIAN_MARGIN, || ()) {
            Ok(()) | Err(LockError::Busy { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    // A guardian that was killed itself left its processes to us.
    let report = sweep(Sweep { mark: Some(mark), grace: kill_grace, ..Sweep::default() });
    if !report.found.is_empty() {
        tracing::warn!(
            attempt = %attempt.record.id,
            processes = report.found.len(),
            "ended processes that an earlier engine left behind"
        );
    }
    Ok(())
}

impl Seat for Guardian {
    fn run(
        self: Box<Self>,
        spec: SessionSpec,
        control: Receiver<Control>,
        events: UnboundedSender<Event>,
    ) -> Later<'static, SessionEnd> {
        Box::pin(session::run(*self, spec, control, events))
    }
}

impl Files for Watcher {
    fn mode(&self) -> String {
        Self::mode(self).to_string()
    }

    fn watch_plan(&self, plan: &PlanId) -> Result<(), WatchError> {
        Self::watch_plan(self, plan)
    }

    fn watch_room(&self, room: &RoomId) -> Result<(), WatchError> {
        Self::watch_room(self, room)
    }

    fn watch_slots(&self, limit: &str) -> Result<(), WatchError> {
        Self::watch_slots(self, limit)
    }

    fn net_check(&self, rooms: &[RoomId]) -> Vec<Changed> {
        Self::net_check(self, rooms)
    }
}
