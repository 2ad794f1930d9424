//! Why a session has nothing to run with.

use ostwin_core::config::how_to_install;

use super::order::Source;

/// Why a tool cannot be denied.
pub(crate) const NEEDED_TOOL: &str =
    "by it every session says how its work ended; take it out of the list";

/// Why the settings of a session could not be settled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// Nobody named an agent.
    #[error(
        "no agent is configured for `{role}`; {}; add {line} to `{place}`, or pass `--agent NAME`",
        found_words(found)
    )]
    NoAgent {
        /// The role.
        role: String,
        /// The agents of the settings whose programs are on this machine.
        found: Vec<String>,
        /// The line to add.
        line: String,
        /// The file to add it to.
        place: String,
    },
    /// The name that was given is not an agent of the settings.
    #[error(
        "`{name}`, named by {by}, is no agent of the settings{}; there is: {}",
        near.as_ref().map_or_else(String::new, |near| format!(" (did you mean `{near}`?)")),
        known.join(", ")
    )]
    UnknownAgent {
        /// The name.
        name: String,
        /// Who named it.
        by: Source,
        /// The nearest agent.
        near: Option<String>,
        /// Every agent of the settings.
        known: Vec<String>,
    },
    /// The tool without which no session can end is denied.
    #[error("`denied_tools`, from {by}, names `{tool}`: {}", NEEDED_TOOL)]
    NeededTool {
        /// The tool, as it is named.
        tool: String,
        /// Who denies it.
        by: Source,
    },
    /// The agent's program is not on this machine.
    #[error(
        "agent `{agent}`: the program `{program}` is neither on PATH nor beside this executable; \
         install it{}, or set `agents.{agent}.command`",
        how_to_install(agent).map_or_else(String::new, |how| format!(" ({how})"))
    )]
    NoProgram {
        /// The agent.
        agent: String,
        /// The program.
        program: String,
    },
}

fn found_words(found: &[String]) -> String {
    if found.is_empty() {
        "no known agent program was found on PATH".to_owned()
    } else {
        format!("found on this machine: {}", found.join(", "))
    }
}
