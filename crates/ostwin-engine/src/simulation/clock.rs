//! The simulated time: the clock of the runtime, as everything else sees it.

use std::time::Duration;

use ostwin_core::time::{Clock, Timestamp};
use tokio::time::Instant;

/// When every simulation begins.
const BEGINNING: i64 = 1_800_000_000_000;

/// The wall clock of a runtime whose time stands still until nothing is left to do. It may only be
/// asked within that runtime.
#[derive(Debug)]
pub(super) struct SimulatedClock {
    began: Instant,
}

impl SimulatedClock {
    pub(super) fn new() -> Self {
        Self { began: Instant::now() }
    }
}

impl Clock for SimulatedClock {
    fn now(&self) -> Timestamp {
        let passed = Instant::now().saturating_duration_since(self.began);
        Timestamp::from_millis(BEGINNING).plus(whole_millis(passed))
    }
}

fn whole_millis(duration: Duration) -> Duration {
    Duration::from_millis(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}
