//! Every start of an engine is a recovery: transitions are finished, and attempts whose engine
//! is gone are closed after their last process has ended.

use std::time::Duration;

use ostwin_core::env;
use ostwin_core::room::{Attempt, Closed, Ended, GateStanding, Outcome, Room, RoomError};

use crate::attempt::forget_secrets;
use crate::look;
use crate::world::LeftBehind;

/// Finishes what a killed engine left half done in `room`, and closes its open attempt unless
/// that may still run on another machine.
///
/// # Errors
/// The room cannot be read or changed.
pub(crate) fn recover(
    room: &Room,
    left: &dyn LeftBehind,
    kill_grace: Duration,
) -> Result<Option<Closed>, RoomError> {
    let open = room.locked(|_| room.open_attempt())?;
    match open {
        Some(attempt) if attempt.record.host == env::host() => {
            close_stale(room, &attempt, left, kill_grace).map(Some)
        }
        Some(_) => Ok(None),
        None => {
            end_stray_gates(room, left, kill_grace)?;
            Ok(None)
        }
    }
}

/// Ends what is left of the gates of a closed attempt whose `done` still waits for them: they run
/// again, and not twice at once.
fn end_stray_gates(
    room: &Room,
    left: &dyn LeftBehind,
    kill_grace: Duration,
) -> Result<(), RoomError> {
    match room.last_attempt()? {
        Some(last) if look::gates_of(&last) == GateStanding::Due => left.end(&last, kill_grace),
        _ => Ok(()),
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
    left: &dyn LeftBehind,
    kill_grace: Duration,
) -> Result<Closed, RoomError> {
    let reason = match is_of_this_boot(attempt) {
        true => "the engine ended while the session ran",
        false => "the machine went down or away while the session ran",
    };
    end_stale(room, attempt, left, kill_grace, Outcome::Interrupted, reason)
}

/// Closes an open attempt that no session backs as `outcome`, once nothing of it runs any more. A
/// signal that was accepted counts instead.
///
/// # Errors
/// The room cannot be read or changed.
pub(crate) fn end_stale(
    room: &Room,
    attempt: &Attempt,
    left: &dyn LeftBehind,
    kill_grace: Duration,
    outcome: Outcome,
    reason: &str,
) -> Result<Closed, RoomError> {
    left.end(attempt, kill_grace)?;
    forget_secrets(&attempt.paths);
    let id = attempt.record.id.clone();
    room.locked(|locked| locked.close_attempt(&id, Ended::with(outcome, reason)))
}

fn is_of_this_boot(attempt: &Attempt) -> bool {
    let record = &attempt.record;
    record.boot_id == env::boot_id() && record.host == env::host()
}
