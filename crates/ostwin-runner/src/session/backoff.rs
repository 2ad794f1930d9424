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
    /// End the session; the room goes on after this time, if it is known.
    End(Option<Duration>),
}

impl Retries {
    /// The usual waits, 2 s to 60 s, with `max` repetitions.
    pub fn up_to(max: u32) -> Self {
        Self { max, first_wait: Duration::from_secs(2), max_wait: Duration::from_secs(60) }
    }

    /// What to do after refusal `number` (from 1) of a service that says in how long it goes on, or
    /// says nothing, in a session that has `left` so much time. A wait that is known is kept in the
    /// session if it is no longer than the longest of ours; any other is none for a session that
    /// holds a slot. A service that was asked before and refuses still is not asked sooner for that.
    pub(super) fn after(
        &self,
        number: u32,
        known: Option<Duration>,
        left: Duration,
        jitter: f64,
    ) -> Next {
        let ours = self.nth_wait(number, jitter);
        let wait = known.map_or(ours, |known| known.max(ours.min(KNOWN_MARGIN)));
        let is_short = known.is_none_or(|known| known <= self.max_wait);
        if number <= self.max && is_short && wait < left {
            return Next::Wait(wait);
        }
        Next::End(known.map(|known| known.max(ours)))
    }

    /// Our own wait after refusal `number`. `jitter` in 0..1 spreads it over its upper half, so that
    /// sessions which were refused together don't come back together.
    fn nth_wait(&self, number: u32, jitter: f64) -> Duration {
        let doubled = 2_u32.saturating_pow(number.saturating_sub(1));
        let full = self.first_wait.saturating_mul(doubled).min(self.max_wait);
        full.mul_f64(0.5 + jitter.clamp(0.0, 1.0) / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_wait_that_is_known_is_kept_in_the_session_or_lets_the_room_rest() {
        let retries = Retries::up_to(1);
        let known = |number, wait| retries.after(number, Some(seconds(wait)), HOUR, 1.0);
        assert_eq!(known(1, 1), Next::Wait(seconds(2)));
        assert_eq!(known(1, 60), Next::Wait(seconds(60)));
        assert_eq!(known(1, 61), Next::End(Some(seconds(61))));
        assert_eq!(known(2, 60), Next::End(Some(seconds(60))), "there were enough tries");
        assert_eq!(known(2, 1), Next::End(Some(seconds(4))), "asked twice, it is in no hurry");
        assert_eq!(known(2, 3600), Next::End(Some(HOUR)));
        assert_eq!(retries.after(1, None, HOUR, 1.0), Next::Wait(seconds(2)));
        assert_eq!(retries.after(2, None, HOUR, 1.0), Next::End(None));
        let none = Retries::up_to(0).after(1, Some(seconds(8)), HOUR, 1.0);
        assert_eq!(none, Next::End(Some(seconds(8))));
    }

    #[test]
    fn a_wait_that_the_session_has_no_time_for_is_none() {
        let retries = Retries::up_to(9);
        let left = |known, left| retries.after(1, known, seconds(left), 1.0);
        assert_eq!(left(Some(seconds(8)), 9), Next::Wait(seconds(8)));
        assert_eq!(left(Some(seconds(8)), 8), Next::End(Some(seconds(8))));
        assert_eq!(left(None, 2), Next::End(None));
        assert_eq!(left(Some(seconds(8)), 0), Next::End(Some(seconds(8))));
    }

    #[test]
    fn waits_double_up_to_the_limit_and_then_there_are_no_more() {
        let retries = Retries::up_to(7);
        let after = |number, jitter| retries.after(number, None, HOUR, jitter);
        let waits: Vec<_> = (1..=8).map(|number| after(number, 1.0)).collect();
        let expected = [2, 4, 8, 16, 32, 60, 60].map(|wait| Next::Wait(seconds(wait)));
        assert_eq!(waits[..7], expected);
        assert_eq!(waits[7], Next::End(None));
        assert_eq!(after(1, 0.0), Next::Wait(seconds(1)));
        let endless = Retries::up_to(u32::MAX).after(4_000, None, HOUR, 1.0);
        assert_eq!(endless, Next::Wait(seconds(60)));
    }
}
