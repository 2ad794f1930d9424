//! Every start of an engine is a recovery: transitions are finished, and attempts whose engine
//! is gone are closed after their last process has ended.

use std::path::Path;
use std::time::Duration;

use ostwin_core::env;
use ostwin_core::lock::{self, LockError};
use ostwin_core::room::{Attempt, Closed, Ended, GateStanding, Outcome, Room, RoomError};
use ostwin_runner::process::{Sweep, sweep};

use crate::attempt::forget_secrets;
use crate::{gates, look};

/// How much longer than the agents' grace a guardian that lost its engine may take to end.
const GUARDIAN_MARGIN: Duration = Duration::from_secs(10);

/// Finishes what a killed engine left half done in `room`, and closes its open attempt unless
/// that may still run on another machine.
///
/// # Errors
/// The room cannot be read or changed.
pub(crate) fn recover(room: &Room, kill_grace: Duration) -> Result<Option<Closed>, RoomError> {
    let open = room.locked(|_| room.open_attempt())?;
    match open {
        Some(attempt) if attempt.record.host == env::host() => {
            close_stale(room, &attempt, kill_grace).map(Some)
        }
        Some(_) => Ok(None),
        None => {
            end_stray_gates(room, kill_grace)?;
            Ok(None)
        }
    }
}

/// Ends what is left of the gates of a closed attempt whose `done` still waits for them: they run
/// again, and not twice at once.
fn end_stray_gates(room: &Room, kill_grace: Duration) -> Result<(), RoomError> {
    let Some(last) = room.last_attempt()? else { return Ok(()) };
    if is_of_this_boot(&last) && look::gates_of(&last) == GateStanding::Due {
        end_processes(room, &last, &last.paths.gate_lock(), &gates::mark(&last), kill_grace)?;
    }
    Ok(())
}

/// Closes an open attempt that no session backs, once nothing of it runs any more. A signal that
/// was accepted counts; otherwise the attempt was interrupted.
///
/// # Errors
/// The room cannot be read or changed.
pub(crate) fn close_stale(
    room: &Room,
    attempt: &Attempt,
    kill_grace: Duration,
) -> Result<Closed, RoomError> {
    let reason = match is_of_this_boot(attempt) {
        true => "the engine ended while the session ran",
        false => "the machine went down or away while the session ran",
    };
    end_stale(room, attempt, kill_grace, Outcome::Interrupted, reason)
}

/// Closes an open attempt that no session backs as `outcome`, once nothing of it runs any more. A
/// signal that was accepted counts instead.
///
/// # Errors
/// The room cannot be read or changed.
pub(crate) fn end_stale(
    room: &Room,
    attempt: &Attempt,
    kill_grace: Duration,
    outcome: Outcome,
    reason: &str,
) -> Result<Closed, RoomError> {
    let record = &attempt.record;
    if is_of_this_boot(attempt) {
        let paths = &attempt.paths;
        end_processes(room, attempt, &paths.session_lock(), record.id.as_str(), kill_grace)?;
        end_processes(room, attempt, &paths.gate_lock(), &gates::mark(attempt), kill_grace)?;
    }
    forget_secrets(&attempt.paths);
    let id = record.id.clone();
    room.locked(|locked| locked.close_attempt(&id, Ended::with(outcome, reason)))
}

/// Ends what an engine that is gone has started under a guardian which holds `lock`.
fn end_processes(
    room: &Room,
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
            room = %room.id(),
            attempt = %attempt.record.id,
            processes = report.found.len(),
            "ended processes that an earlier engine left behind"
        );
    }
    Ok(())
}

fn is_of_this_boot(attempt: &Attempt) -> bool {
    let record = &attempt.record;
    record.boot_id == env::boot_id() && record.host == env::host()
}
