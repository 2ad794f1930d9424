//! How the worth of an entry fades with its age: a convention outlives a snippet of code by a
//! month.

use std::time::Duration;

use ostwin_core::config::HalfLives;
use ostwin_core::ledger::Kind;

/// What even the oldest entry keeps of its worth.
pub const FLOOR: f64 = 0.3;

/// What an entry of this kind and age is still worth, from 1 down to [`FLOOR`]. A half-life that
/// is not positive means that such an entry does not fade.
pub fn worth(lives: &HalfLives, kind: Kind, age: Duration) -> f64 {
    let half_life = match kind {
        Kind::Artifact => lives.artifact,
        Kind::Decision => lives.decision,
        Kind::Interface => lives.interface,
        Kind::Convention => lives.convention,
        Kind::Warning => lives.warning,
        Kind::Code => lives.code,
    };
    if half_life <= 0.0 || !half_life.is_finite() {
        return 1.0;
    }
    let hours = age.as_secs_f64() / 3600.0;
    0.5_f64.powf(hours / half_life).max(FLOOR)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(hours: u64) -> Duration {
        Duration::from_secs(hours * 3600)
    }

    #[test]
    fn worth_halves_and_stops_at_the_floor() {
        let lives = HalfLives::default();
        assert_eq!(worth(&lives, Kind::Code, Duration::ZERO), 1.0);
        assert_eq!(worth(&lives, Kind::Code, hours(72)), 0.5);
        assert_eq!(worth(&lives, Kind::Convention, hours(720)), 0.5);
        assert_eq!(worth(&lives, Kind::Code, hours(10_000)), FLOOR);
    }

    #[test]
    fn a_half_life_of_zero_means_for_ever() {
        let lives = HalfLives { code: 0.0, ..HalfLives::default() };
        assert_eq!(worth(&lives, Kind::Code, hours(10_000)), 1.0);
    }
}
