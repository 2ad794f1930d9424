//! Signals to a guardian, as facts for its loop.

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Signals as flags, and a descriptor that wakes the loop.
#[derive(Debug)]
pub(super) struct Signals {
    /// A child has ended.
    pub(super) child: Arc<AtomicBool>,
    /// An orderly end is wanted.
    pub(super) end: Arc<AtomicBool>,
    /// An end without grace is wanted.
    pub(super) hurry: Arc<AtomicBool>,
    /// Readable after any of them.
    pub(super) wake: OwnedFd,
}

impl Signals {
    /// From now on signals are flags. What is started gets the usual handling back.
    pub(super) fn register() -> std::io::Result<Self> {
        use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM};

        let (wake, write) = UnixStream::pair()?;
        wake.set_nonblocking(true)?;
        let flag = |signals: &[i32]| -> std::io::Result<Arc<AtomicBool>> {
            let flag = Arc::new(AtomicBool::new(false));
            for signal in signals {
                signal_hook::flag::register(*signal, Arc::clone(&flag))?;
                signal_hook::low_level::pipe::register(*signal, write.try_clone()?)?;
            }
            Ok(flag)
        };
        // A hang-up means nothing here: the lifeline says what the engine wants.
        flag(&[SIGHUP])?;
        Ok(Self {
            child: flag(&[SIGCHLD])?,
            end: flag(&[SIGTERM, SIGINT])?,
            hurry: flag(&[SIGQUIT])?,
            wake: wake.into(),
        })
    }

    /// Makes `wake` wait for the next signal.
    pub(super) fn clear_wake(&self) {
        let mut sink = [0; 64];
        while matches!(rustix::io::read(&self.wake, &mut sink), Ok(count) if count > 0) {}
    }
}
