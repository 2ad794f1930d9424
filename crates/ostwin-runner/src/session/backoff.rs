//! How long to wait before asking a busy model service again.

use std::time::Duration;

/// How often and how patiently a prompt is repeated that failed for a reason
/// that passes by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retries {
    /// How many repetitions there are in one session (`agent_retries`).
    pub max: u32,
    /// The wait before the first; it doubles each time.
    pub first_wait: Duration,
    /// The longest wait.
    pub max_wait: Duration,
}

/// A service that said when it goes on is asked again so much later at most.
const KNOWN_MARGIN: Duration = Duration::from_secs(2);

/// What follows a refusal of the model's service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Ask again after this time.
    Wait(Duration),
    /// End the session; the room goes on when the service does.
    Rest,
    /// There were enough tries.
    GiveUp,
}

impl Retries {
    /// The usual waits, 2 s to 60 s, with `max` repetitions.
    pub fn up_to(max: u32) -> Self {
        Self { max, first_wait: Duration::from_secs(2), max_wait: Duration::from_secs(60) }
    }

    /// What to do after refusal `number` (from 1) of a service that says in how long it goes on, or
    /// says nothing. A wait that is known is kept, if it is no longer than the longest of ours;
    /// a longer one is none for a session that holds a slot.
    pub(super) fn after(&self, number: u32, known: Option<Duration>, jitter: f64) -> Next {
        match (self.wait_before(number, jitter), known) {
            (_, Some(known)) if known > self.max_wait => Next::Rest,
            (Some(ours), Some(known)) => Next::Wait(known.max(ours.min(KNOWN_MARGIN))),
            (Some(ours), None) => Next::Wait(ours),
            (None, _) => Next::GiveUp,
        }
    }

    /// The wait before repetition `number` (from 1), or `None` if there is no
    /// such repetition. `jitter` in 0..1 spreads it over its upper half, so that
    /// sessions which were refused together don't come back together.
    pub(super) fn wait_before(&self, number: u32, jitter: f64) -> Option<Duration> {
        if number == 0 || number > self.max {
            return None;
        }
        let doubled = 2_u32.saturating_pow(number - 1);
        let full = self.first_wait.saturating_mul(doubled).min(self.max_wait);
        Some(full.mul_f64(0.5 + jitter.clamp(0.0, 1.0) / 2.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_that_is_known_is_kept_or_is_a_reason_to_rest() {
        let retries = Retries::up_to(1);
        let known =
            |number, seconds| retries.after(number, Some(Duration::from_secs(seconds)), 1.0);
        assert_eq!(known(1, 1), Next::Wait(Duration::from_secs(2)));
        assert_eq!(known(1, 60), Next::Wait(Duration::from_secs(60)));
        assert_eq!(known(2, 60), Next::GiveUp);
        assert_eq!(known(1, 61), Next::Rest);
        assert_eq!(known(2, 3600), Next::Rest);
        assert_eq!(retries.after(1, None, 1.0), Next::Wait(Duration::from_secs(2)));
        assert_eq!(retries.after(2, None, 1.0), Next::GiveUp);
    }

    #[test]
    fn waits_double_up_to_the_limit_and_then_there_are_no_more() {
        let retries = Retries::up_to(7);
        let waits: Vec<_> = (1..=8)
            .map(|number| retries.wait_before(number, 1.0).map(|wait| wait.as_secs()))
            .collect();
        let expected = [2, 4, 8, 16, 32, 60, 60].map(Some);
        assert_eq!(waits[..7], expected);
        assert_eq!(waits[7], None);
        assert_eq!(retries.wait_before(1, 0.0), Some(Duration::from_secs(1)));
        assert_eq!(Retries::up_to(0).wait_before(1, 0.5), None);
        assert_eq!(Retries::up_to(u32::MAX).wait_before(4_000, 1.0), Some(Duration::from_secs(60)));
    }
}
