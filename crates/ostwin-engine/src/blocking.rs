//! Short work with files on the thread of a task.
//!
//! The engine's runtime has several threads, and work that blocks one hands its other tasks over
//! first. A runtime of one thread cannot: the simulation runs on one, so that the order in which
//! things happen depends on nothing but its seed.

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::JoinSet;

/// Runs `work`, which blocks for a moment, from within a task.
pub(crate) fn block_in_place<R>(work: impl FnOnce() -> R) -> R {
    if has_threads() { tokio::task::block_in_place(work) } else { work() }
}

/// Has `work`, which blocks for a moment, run beside the caller.
pub(crate) fn spawn_blocking<R: Send + 'static>(
    tasks: &mut JoinSet<R>,
    work: impl FnOnce() -> R + Send + 'static,
) {
    if has_threads() {
        tasks.spawn_blocking(work);
    } else {
        tasks.spawn(async move { work() });
    }
}

fn has_threads() -> bool {
    Handle::try_current()
        .is_ok_and(|runtime| runtime.runtime_flavor() == RuntimeFlavor::MultiThread)
}
