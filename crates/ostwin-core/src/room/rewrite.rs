//! Giving a room another task: its contract, machine, brief and tasks are replaced, and it begins
//! again where its machine begins.
//!
//! The contract is written last. Until it is there the room still has its old one, so whoever was
//! killed in between is followed by somebody who sees that the room is not rewritten yet.

use super::{Contract, NewRoom, Result, Room, RoomError, Why};
use crate::env::crash_point;
use crate::fs;
use crate::lifecycle::Machine;

/// Replaces what `room` is for by `new`, keeping its id, history, messages and artifacts. A room
/// that has used retries gets as many as a new one beyond those.
///
/// # Errors
/// An attempt is open, or a file failed.
pub fn rewrite(room: &Room, new: &NewRoom, why: &Why) -> Result<()> {
    let durability = room.project().store().durability;
    room.locked(|locked| {
        if let Some(open) = room.open_attempt()? {
            return Err(RoomError::State {
                room: room.id().clone(),
                state: locked.standing().state.clone(),
                problem: format!("attempt {} is open: it has to end first", open.record.number),
            });
        }
        let used = locked.standing().replay.retries;
        let machine = Machine {
            max_retries: new.machine.max_retries.saturating_add(used),
            ..new.machine.clone()
        };
        let initial = locked.standing().machine.initial_state.clone();
        if locked.standing().state != initial {
            locked.set_state(&initial, true, why.clone())?;
        }
        crash_point("room_reset");
        fs::replace_json(&room.paths().lifecycle(), &machine, durability)?;
        Ok(())
    })?;
    // A machine may begin in a state of another name.
    room.locked(|locked| {
        let initial = new.machine.initial_state.clone();
        if locked.standing().state != initial {
            locked.set_state(&initial, true, why.clone())?;
        }
        fs::replace_record(&room.paths().brief(), new.brief.as_bytes(), durability)?;
        fs::replace_record(&room.paths().tasks(), new.tasks.as_bytes(), durability)?;
        crash_point("room_rewritten");
        let contract = Contract {
            room_id: room.id().clone(),
            created_at: room.contract()?.created_at,
            ..new.contract.clone()
        };
        Ok(fs::replace_json(&room.paths().config(), &contract, durability)?)
    })
}
