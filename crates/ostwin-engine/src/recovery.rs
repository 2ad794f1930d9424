//! Every start of an engine is a recovery: transitions are finished, and attempts whose engine
//! is gone are closed after their last process has ended.

use std::time::Duration;

use ostwin_core::env;
use ostwin_core::lock::{self, LockError};
use ostwin_core::room::{Attempt, Closed, Ended, Outcome, Room, RoomError};
use ostwin_runner::process::{Sweep, sweep};

use crate::attempt::forget_secrets;
use crate::gates;

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
        _ => Ok(None),
    }
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
        // The guardian saw its lifeline close and is ending the session. Its lock is its life.
        let lock = attempt.paths.session_lock();
        if lock.exists() {
            let patience = kill_grace + GUARDIAN_MARGIN;
            match lock::exclusive(&lock, patience, || ()) {
                Ok(()) | Err(LockError::Busy { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        // A guardian that was killed itself left its processes to us.
        for mark in [record.id.as_str(), &gates::mark(attempt)] {
            let report = sweep(Sweep { mark: Some(mark), grace: kill_grace, ..Sweep::default() });
            if report.found.is_empty() {
                continue;
            }
            tracing::warn!(
                room = %room.id(),
                attempt = %record.id,
                processes = report.found.len(),
                "ended processes that an earlier engine left behind"
            );
        }
    }
    forget_secrets(&attempt.paths);
    let id = record.id.clone();
    room.locked(|locked| locked.close_attempt(&id, Ended::with(outcome, reason)))
}

fn is_of_this_boot(attempt: &Attempt) -> bool {
    let record = &attempt.record;
    record.boot_id == env::boot_id() && record.host == env::host()
}
