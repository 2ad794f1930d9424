//! How the worth of an entry fades with its age.

use std::time::Duration;

use ostwin_core::ledger::Kind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What even the oldest entry keeps of its worth.
pub const FLOOR: f64 = 0.3;

/// After how many hours an entry of each kind is worth half: a convention outlives a snippet of
/// code by a month.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HalfLives {
    /// Hours for a convention.
    pub convention: f64,
    /// Hours for an interface.
    pub interface: f64,
    /// Hours for a decision.
    pub decision: f64,
    /// Hours for an artifact.
    pub artifact: f64,
    /// Hours for a warning.
    pub warning: f64,
    /// Hours for code.
    pub code: f64,
}

impl Default for HalfLives {
    fn default() -> Self {
        Self {
            convention: 720.0,
            interface: 480.0,
            decision: 336.0,
            artifact: 168.0,
            warning: 168.0,
            code: 72.0,
        }
    }
}

impl HalfLives {
    /// The half-life of an entry of this kind, in hours.
    pub fn hours(&self, kind: Kind) -> f64 {
        match kind {
            Kind::Artifact => self.artifact,
            Kind::Decision => self.decision,
            Kind::Interface => self.interface,
            Kind::Convention => self.convention,
            Kind::Warning => self.warning,
            Kind::Code => self.code,
        }
    }

    /// What an entry of this kind and age is still worth, from 1 down to [`FLOOR`]. A half-life
    /// that is not positive means that such an entry does not fade.
    pub fn worth(&self, kind: Kind, age: Duration) -> f64 {
        let half_life = self.hours(kind);
        if half_life <= 0.0 || !half_life.is_finite() {
            return 1.0;
        }
        let hours = age.as_secs_f64() / 3600.0;
        0.5_f64.powf(hours / half_life).max(FLOOR)
    }
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
        assert_eq!(lives.worth(Kind::Code, Duration::ZERO), 1.0);
        assert_eq!(lives.worth(Kind::Code, hours(72)), 0.5);
        assert_eq!(lives.worth(Kind::Convention, hours(720)), 0.5);
        assert_eq!(lives.worth(Kind::Code, hours(10_000)), FLOOR);
    }

    #[test]
    fn a_half_life_of_zero_means_for_ever() {
        let lives = HalfLives { code: 0.0, ..HalfLives::default() };
        assert_eq!(lives.worth(Kind::Code, hours(10_000)), 1.0);
    }
}
