//! What an engine meets beside the project's files: processes, slots, and the news of changed
//! files.
//!
//! Everything here is a seam. The product is [`ThisMachine`](crate::machine::ThisMachine); the
//! simulation puts a world of its own in its place, so that the same engine runs on a simulated
//! clock with simulated sessions.

use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::time::Duration;

use ostwin_core::ids::{PlanId, RoomId};
use ostwin_core::layout::Layout;
use ostwin_core::room::{Attempt, RoomError, WorkTree};
use ostwin_runner::chore::{Chore, ChoreEnd};
use ostwin_runner::guardian::{GuardianError, SlotLimit};
use ostwin_runner::prepare::Host;
use ostwin_runner::session::{Control, Event, SessionEnd, SessionSpec};
use ostwin_watch::{Changed, Mode, WatchError};
use tokio::sync::mpsc::{Receiver, UnboundedSender};

use crate::error::EngineError;

/// Something that takes time.
pub(crate) type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The world around one engine.
pub(crate) trait World: LeftBehind + Send + Sync {
    /// The machine and the user.
    fn host(&self) -> Host;

    /// Begins to watch a project's files; every change goes to `sink`.
    fn watch(
        &self,
        layout: &Layout,
        mode: Mode,
        sink: UnboundedSender<Changed>,
    ) -> Result<Box<dyn Files>, WatchError>;

    /// Takes one slot of each limit, without waiting; `None` if one has none left.
    fn reserve(
        &self,
        slots: Vec<SlotLimit>,
    ) -> Later<'_, Result<Option<Box<dyn Seat>>, EngineError>>;

    /// Runs a command beside the sessions.
    fn chore(&self, chore: Chore) -> Later<'_, Result<ChoreEnd, GuardianError>>;

    /// Where the working tree around `dir` stands, if there is one.
    fn work_tree<'a>(&'a self, dir: &'a Path) -> Later<'a, Option<WorkTree>>;
}

/// What earlier engines left running.
pub(crate) trait LeftBehind {
    /// Ends whatever still runs of an attempt whose engine is gone, and returns when nothing does.
    fn end(&self, attempt: &Attempt, kill_grace: Duration) -> Result<(), RoomError>;
}

/// The slots of a session, before it is started. Dropped, they are given back.
pub(crate) trait Seat: Send {
    /// Runs the session to its end: nothing of it runs any more then. Dropped, it is ended without
    /// anybody waiting for that.
    fn run(
        self: Box<Self>,
        spec: SessionSpec,
        control: Receiver<Control>,
        events: UnboundedSender<Event>,
    ) -> Later<'static, SessionEnd>;
}

/// The files that an engine is told the changes of.
pub(crate) trait Files: Send + Sync {
    /// How changes are learned, in words.
    fn mode(&self) -> String;
    /// Watches the files of a plan.
    fn watch_plan(&self, plan: &PlanId) -> Result<(), WatchError>;
    /// Watches the files of a room.
    fn watch_room(&self, room: &RoomId) -> Result<(), WatchError>;
    /// Watches for slots that are given back.
    fn watch_slots(&self, limit: &str) -> Result<(), WatchError>;
    /// The changes in these rooms that were never told.
    fn net_check(&self, rooms: &[RoomId]) -> Vec<Changed>;
}
