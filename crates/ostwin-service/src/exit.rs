//! The exit codes of all binaries: an interface for scripts, never renumbered.

use std::process::ExitCode;

/// How a command ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Exit {
    /// All is well.
    #[default]
    Ok = 0,
    /// The work was done, and some epic did not pass.
    NotPassed = 1,
    /// A bad plan, config or usage; nothing was changed.
    Usage = 2,
    /// Another engine owns the plan.
    Owned = 3,
    /// Nothing more can be done without a person.
    NeedsPerson = 4,
    /// Stopped by request.
    Stopped = 5,
    /// The environment does not allow it: disk, lock, missing agent.
    Environment = 6,
    /// A bug in the program.
    Bug = 70,
    /// Interrupted, as by Ctrl-C.
    Interrupted = 130,
    /// Terminated, as by `kill`.
    Terminated = 143,
}

impl Exit {
    /// Every way to end, in the order of the codes: the table of the documentation.
    pub const ALL: [Self; 10] = [
        Self::Ok,
        Self::NotPassed,
        Self::Usage,
        Self::Owned,
        Self::NeedsPerson,
        Self::Stopped,
        Self::Environment,
        Self::Bug,
        Self::Interrupted,
        Self::Terminated,
    ];

    /// The number that the process ends with.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// What the code means, in a few words.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Ok => "all well",
            Self::NotPassed => "some epic did not pass",
            Self::Usage => "bad plan, config or usage; nothing was changed",
            Self::Owned => "another engine owns this plan",
            Self::NeedsPerson => "nothing more can be done without a person",
            Self::Stopped => "stopped by request",
            Self::Environment => "environment: disk, lock, missing agent",
            Self::Bug => "a bug in OSTwin",
            Self::Interrupted => "interrupted",
            Self::Terminated => "terminated",
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_are_those_that_scripts_know() {
        let codes = Exit::ALL.map(Exit::code);
        assert_eq!(codes, [0, 1, 2, 3, 4, 5, 6, 70, 130, 143]);
    }
}
