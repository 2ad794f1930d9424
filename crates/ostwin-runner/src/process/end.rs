//! Ending one process that is not a child of the caller.

use std::collections::BTreeSet;
use std::time::Duration;

use rustix::process::Signal;

use super::identity::ProcessId;
use super::sweep::{KILL_LIMIT, wait_for_end};

/// Asks this very process to end, and kills it if it has not ended after `grace`. Returns whether it
/// is gone; one that is not ours to signal, or is stuck in the kernel, stays. Blocks for at most the
/// grace plus five seconds.
pub fn end_process(process: ProcessId, grace: Duration) -> bool {
    let one = BTreeSet::from([process]);
    for (signal, patience) in [(Signal::TERM, grace), (Signal::KILL, KILL_LIMIT)] {
        if !process.is_alive() {
            return true;
        }
        process.signal(signal);
        wait_for_end(&one, patience);
    }
    !process.is_alive()
}
