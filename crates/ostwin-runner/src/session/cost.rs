//! What one attempt cost, of what its agent's session has cost.
//!
//! Agents tell the cost of a session from its beginning. Where an attempt goes on with the session
//! of an earlier one, that one has recorded its part already; counted again, a budget would be used
//! up by money that was spent once.

/// The costs that an agent has told, in US dollars.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Cost {
    /// What earlier attempts recorded of the session that was to be gone on with.
    earlier: f64,
    /// The agent has loaded that session.
    resumed: bool,
    /// The first and the latest figure of this attempt.
    told: Option<(f64, f64)>,
}

impl Cost {
    pub(super) fn after(earlier: f64) -> Self {
        Self { earlier, ..Self::default() }
    }

    pub(super) fn opened(&mut self, resumed: bool) {
        self.resumed = resumed;
    }

    pub(super) fn told(&mut self, cost: f64) {
        let first = self.told.map_or(cost, |(first, _)| first);
        self.told = Some((first, cost));
    }

    /// What this attempt cost; `None` if the agent told nothing, or nought of the whole session:
    /// an agent that does not know its prices says that.
    ///
    /// An agent that loads a session may count from its beginning or afresh. One whose first figure
    /// is below what is recorded counts afresh: a sum does not become less.
    pub(super) fn own(&self) -> Option<f64> {
        let (first, latest) = self.told.filter(|(_, latest)| *latest > 0.0)?;
        let counts_on = self.resumed && first >= self.earlier;
        Some(if counts_on { (latest - self.earlier).max(0.0) } else { latest })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(earlier: f64, resumed: bool, told: &[f64]) -> Option<f64> {
        let mut cost = Cost::after(earlier);
        cost.opened(resumed);
        told.iter().for_each(|figure| cost.told(*figure));
        cost.own()
    }

    #[test]
    fn what_an_earlier_attempt_recorded_is_not_counted_again() {
        assert_eq!(own(0.0, false, &[]), None);
        assert_eq!(own(0.0, false, &[0.0]), None, "its prices are not known");
        assert_eq!(own(0.0, false, &[0.25, 0.5]), Some(0.5));
        assert_eq!(own(0.5, true, &[0.5]), Some(0.0));
        assert_eq!(own(0.5, true, &[0.75, 1.25]), Some(0.75));
    }

    #[test]
    fn an_agent_that_counts_afresh_is_taken_at_its_word() {
        assert_eq!(own(0.5, false, &[0.75]), Some(0.75), "it made a new session");
        assert_eq!(own(0.5, true, &[0.125, 0.625]), Some(0.625), "it began at nothing");
    }
}
