//! A clock that a test sets.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use ostwin_core::store::{Durability, Store};
use ostwin_core::time::{Clock, Timestamp};

/// A clock that stands still until it is set or moved on. Clones share the time.
#[derive(Clone, Debug)]
pub struct FakeClock(Arc<AtomicI64>);

impl FakeClock {
    /// A clock that shows `now`.
    pub fn at(now: Timestamp) -> Self {
        Self(Arc::new(AtomicI64::new(now.as_millis())))
    }

    /// Shows `now` from here on; it may lie in the past.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.as_millis(), Ordering::SeqCst);
    }

    /// Moves on by `by`, whole milliseconds, and gives the new time.
    pub fn advance(&self, by: Duration) -> Timestamp {
        let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        Timestamp::from_millis(self.0.fetch_add(by, Ordering::SeqCst).saturating_add(by))
    }

    /// A store on this clock that leaves syncing to the system, as tests want it.
    pub fn store(&self) -> Store {
        Store { durability: Durability::Os, clock: Arc::new(self.clone()), ..Store::default() }
    }
}

impl Default for FakeClock {
    /// A clock at a fixed, round time.
    fn default() -> Self {
        Self::at(Timestamp::from_millis(1_800_000_000_000))
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_moves_only_when_told() {
        let clock = FakeClock::default();
        let store = clock.store();
        assert_eq!(store.now().to_string(), "2027-01-15T08:00:00.000Z");
        let later = clock.advance(Duration::from_millis(1_500));
        assert_eq!((store.now(), clock.now()), (later, later));
        assert_eq!(later.to_string(), "2027-01-15T08:00:01.500Z");
        clock.set(Timestamp::from_millis(0));
        assert_eq!(store.now(), Timestamp::from_millis(0));
    }
}
