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

impl Retries {
    /// The usual waits, 2 s to 60 s, with `max` repetitions.
    pub fn up_to(max: u32) -> Self {
        Self { max, first_wait: Duration::from_secs(2), max_wait: Duration::from_secs(60) }
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
