//! Who a process is, and how one ended.

use rustix::process::{Signal, WaitStatus};
use serde::{Deserialize, Serialize};

use super::platform;

/// A process that can't be confused with a later one of the same pid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ProcessId {
    /// The process number.
    pub pid: u32,
    /// When it started, in the kernel's clock ticks since boot (field 22 of
    /// `/proc/<pid>/stat`); zero where the platform doesn't tell.
    pub start_time: u64,
}

impl ProcessId {
    /// The identity of the process that has `pid` now, if there is one.
    pub fn of(pid: u32) -> Option<Self> {
        platform::stat(pid).map(|stat| Self { pid, start_time: stat.start_time })
    }

    /// The identity of the calling process.
    pub fn current() -> Self {
        let pid = std::process::id();
        Self::of(pid).unwrap_or(Self { pid, start_time: 0 })
    }

    /// Whether this very process still runs. One that has ended and waits to
    /// be reaped doesn't.
    pub fn is_alive(&self) -> bool {
        platform::stat(self.pid)
            .is_some_and(|stat| stat.start_time == self.start_time && !stat.zombie)
    }

    /// A handle on this very process, or `None` if it is gone. The handle is
    /// opened first and the start time compared after, so that what the handle
    /// names is what was compared.
    pub(super) fn open(&self) -> Option<platform::Handle> {
        let handle = platform::open(self.pid)?;
        self.is_alive().then_some(handle)
    }

    /// Sends `signal` to this very process. Returns whether it was there to
    /// get it.
    pub(crate) fn signal(&self, signal: Signal) -> bool {
        self.open().is_some_and(|handle| handle.signal(signal).is_ok())
    }
}

/// How a process ended: by itself with a code, or by a signal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExitStatus {
    /// Its exit code, if it exited.
    pub code: Option<i32>,
    /// The signal that ended it, if one did.
    pub signal: Option<i32>,
}

impl From<WaitStatus> for ExitStatus {
    fn from(status: WaitStatus) -> Self {
        Self { code: status.exit_status(), signal: status.terminating_signal() }
    }
}

impl std::fmt::Display for ExitStatus {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.code, self.signal) {
            (Some(code), _) => write!(out, "exit code {code}"),
            (None, Some(signal)) => write!(out, "signal {signal}"),
            (None, None) => out.write_str("an unknown end"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_current_process_is_alive_and_a_recycled_pid_is_not_it() {
        let current = ProcessId::current();
        assert!(current.is_alive());
        let earlier = ProcessId { start_time: current.start_time.wrapping_sub(1), ..current };
        assert!(!earlier.is_alive());
        assert!(
            !earlier.signal(Signal::TERM),
            "a signal for the earlier owner of the pid got through"
        );
    }
}
