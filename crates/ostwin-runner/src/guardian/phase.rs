//! The course of a session as a pure step: facts in, the next phase out.

use std::time::{Duration, Instant};

use super::protocol::Cause;

/// How long a session may take to end by itself once its input is closed, or
/// its children once the agent has ended, before signals are sent.
const SETTLE: Duration = Duration::from_millis(250);

/// How long the engine may take to read what is left of the agent's output.
const DRAIN: Duration = Duration::from_secs(2);

/// What is going on in a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Bytes go both ways.
    Relay,
    /// The end has begun; until then whoever wants may leave by itself.
    Settle { until: Instant },
    /// A thread ends what is left.
    Sweep,
    /// Nothing is left but bytes on their way to the engine.
    Drain { until: Instant },
    /// The session is over.
    Done,
}

/// What a step depends on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Facts {
    /// The engine still holds the lifeline.
    pub(super) lifeline: bool,
    /// A signal asked for an orderly end.
    pub(super) asked: bool,
    /// A signal asked for an end without grace.
    pub(super) hurry: bool,
    /// The agent still holds its output open.
    pub(super) output: bool,
    /// The agent's process has ended.
    pub(super) agent_ended: bool,
    /// No descendant is left at all.
    pub(super) alone: bool,
    /// The sweep has come back.
    pub(super) swept: bool,
    /// All output has been passed on.
    pub(super) drained: bool,
}

impl Phase {
    pub(super) fn next(self, facts: Facts, now: Instant) -> Self {
        match self {
            Self::Relay if facts.hurry => Self::Sweep,
            Self::Relay if !facts.lifeline || facts.asked || facts.agent_ended => {
                Self::Settle { until: now + SETTLE }
            }
            Self::Settle { .. } if facts.alone => Self::Drain { until: now + DRAIN },
            Self::Settle { until } if facts.hurry || now >= until => Self::Sweep,
            Self::Sweep if facts.swept => Self::Drain { until: now + DRAIN },
            Self::Drain { until } if facts.drained || now >= until => Self::Done,
            unchanged => unchanged,
        }
    }

    /// When the loop has to look again even if nothing happens.
    pub(super) fn wakes_at(self) -> Option<Instant> {
        match self {
            Self::Settle { until } | Self::Drain { until } => Some(until),
            Self::Relay | Self::Sweep | Self::Done => None,
        }
    }
}

impl Facts {
    /// Why a session ends that ends now.
    pub(super) fn cause(self) -> Cause {
        if self.agent_ended {
            Cause::Exited
        } else if !self.output {
            Cause::OutputClosed
        } else if self.asked || self.hurry {
            Cause::Signalled
        } else {
            Cause::Lifeline
        }
    }

    /// The cause, known better: a process closes its streams a moment before it
    /// is seen to have ended, and the engine may act in that moment. An agent
    /// that had closed its output and is gone before anybody told it to left by
    /// itself.
    pub(super) fn cause_after_settling(self, cause: Cause) -> Cause {
        match cause {
            Cause::OutputClosed if self.agent_ended => Cause::Exited,
            cause => cause,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn running() -> Facts {
        Facts { lifeline: true, output: true, ..Facts::default() }
    }

    #[test]
    fn a_session_in_peace_goes_on_relaying() {
        assert_eq!(Phase::Relay.next(running(), Instant::now()), Phase::Relay);
    }

    #[test]
    fn every_reason_to_end_settles_first_except_a_hurry() {
        let now = Instant::now();
        let settle = Phase::Settle { until: now + SETTLE };
        for facts in [
            Facts { lifeline: false, ..running() },
            Facts { asked: true, ..running() },
            Facts { agent_ended: true, ..running() },
        ] {
            assert_eq!(Phase::Relay.next(facts, now), settle, "{facts:?}");
        }
        assert_eq!(Phase::Relay.next(Facts { hurry: true, ..running() }, now), Phase::Sweep);
        assert_eq!(settle.next(Facts { hurry: true, ..running() }, now), Phase::Sweep);
    }

    #[test]
    fn a_sweep_is_skipped_only_if_nobody_is_left() {
        let now = Instant::now();
        let settle = Phase::Settle { until: now + SETTLE };
        let ended = Facts { agent_ended: true, ..running() };
        assert_eq!(settle.next(ended, now), settle, "children get a moment to leave");
        assert_eq!(settle.next(ended, now + SETTLE), Phase::Sweep);
        let alone = Facts { alone: true, ..ended };
        assert_eq!(settle.next(alone, now), Phase::Drain { until: now + DRAIN });
    }

    #[test]
    fn the_drain_ends_with_the_output_or_the_limit() {
        let now = Instant::now();
        let drain = Phase::Drain { until: now + DRAIN };
        assert_eq!(Phase::Sweep.next(Facts { swept: true, ..running() }, now), drain);
        assert_eq!(drain.next(running(), now), drain);
        assert_eq!(drain.next(Facts { drained: true, ..running() }, now), Phase::Done);
        assert_eq!(drain.next(running(), now + DRAIN), Phase::Done);
    }

    #[test]
    fn the_agent_s_own_end_comes_before_what_the_engine_made_of_it() {
        let gone = Facts { lifeline: false, asked: true, ..running() };
        assert_eq!(gone.cause(), Cause::Signalled);
        assert_eq!(Facts { lifeline: false, ..running() }.cause(), Cause::Lifeline);
        assert_eq!(Facts { agent_ended: true, ..gone }.cause(), Cause::Exited);
        let closed = Facts { output: false, ..gone };
        assert_eq!(closed.cause(), Cause::OutputClosed);
        assert_eq!(closed.cause_after_settling(Cause::OutputClosed), Cause::OutputClosed);
        let ended = Facts { agent_ended: true, ..closed };
        assert_eq!(ended.cause_after_settling(Cause::OutputClosed), Cause::Exited);
        assert_eq!(ended.cause_after_settling(Cause::Lifeline), Cause::Lifeline);
    }
}
