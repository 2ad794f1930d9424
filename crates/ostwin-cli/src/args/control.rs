//! Arguments of the commands by which a person controls a run.

use clap::Args;
use ostwin_core::ids::RoomId;

/// End the run of a plan in order
///
/// Asks its engine to end the sessions and itself. The plan can be gone on with by `ostwin run`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ostwin stop                  the plan that runs
  ostwin stop shop-3fa9c1      that plan
  ostwin stop --force          kill the sessions at once")]
pub(crate) struct StopArgs {
    /// The plan: an id, or the file it came from [default: the only one that runs]
    pub(crate) plan: Option<String>,
    /// Kill instead of asking, the engine too if it does not answer
    #[arg(long)]
    pub(crate) force: bool,
}

/// Open no session any more, of a plan or of one room
///
/// Sessions that run may finish, and what they say counts. A pause stays until `ostwin resume`, also
/// when the engine ends and is started again.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ostwin pause                 the plan that runs, else the newest
  ostwin pause shop-3fa9c1     that plan
  ostwin pause room-003        one room; the others go on")]
pub(crate) struct PauseArgs {
    #[command(flatten)]
    pub(crate) what: PlanOrRoom,
}

/// End a pause
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ostwin resume                the plan that runs, else the newest
  ostwin resume room-003       one room that was paused by itself")]
pub(crate) struct ResumeArgs {
    #[command(flatten)]
    pub(crate) what: PlanOrRoom,
}

/// A plan, or one of its rooms.
#[derive(Debug, Args)]
pub(crate) struct PlanOrRoom {
    /// The plan: an id, or the file it came from; or a room [default: the plan that runs, else the
    /// newest]
    #[arg(value_name = "PLAN|ROOM")]
    pub(crate) target: Option<String>,
    /// The room of that plan
    pub(crate) room: Option<RoomId>,
}

/// Try again what failed last, with one more retry
///
/// Opens a room again that failed, was cancelled or waits for a decision, in the state before its
/// last failure. What a review rejected goes on where its findings are mended.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ostwin retry room-003
  ostwin retry room-003 --reason \"the network is back\"")]
pub(crate) struct RetryArgs {
    /// The room
    pub(crate) room: RoomId,
    /// Why, in one sentence; kept in the room's audit
    #[arg(long, value_name = "TEXT", default_value = "tried again by hand")]
    pub(crate) reason: String,
}

/// Give a room up: end its session and move it to `cancelled`
///
/// What depends on it cannot start any more, unless it is opened again with `ostwin retry` or
/// `ostwin room set-status`, and passes.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ostwin cancel room-003
  ostwin cancel room-003 --reason \"the customer does not want it any more\"")]
pub(crate) struct CancelArgs {
    /// The room
    pub(crate) room: RoomId,
    /// Why, in one sentence; kept in the room's audit
    #[arg(long, value_name = "TEXT", default_value = "cancelled by hand")]
    pub(crate) reason: String,
}

/// Enforce the deadlines of rooms whose engine is gone
///
/// An engine enforces the deadlines of its own sessions. This is for sessions that an engine left
/// behind: it ends what still runs of them once their deadline has passed, and records the timeout.
/// Rooms of a plan that an engine drives are left to it. Runs until Ctrl-C.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ostwin watch-timeouts            as a service
  ostwin watch-timeouts --once     look once, for a timer of the system")]
pub(crate) struct WatchTimeoutsArgs {
    /// Look once and end
    #[arg(long)]
    pub(crate) once: bool,
}
