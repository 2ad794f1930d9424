//! Arguments about agent programs.

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum AgentCommand {
    /// List the agent programs of the settings: which are here, and how to get the others
    #[command(after_help = "\
Examples:
  ostwin agent list          with the versions of those that are here
  ostwin agent list --json   for programs")]
    List,
    /// Start an agent as a session would, and shake hands
    ///
    /// Nothing is asked of a model. Exits with 1 if the agent does not answer as it should, and with
    /// 6 if its program is not here.
    #[command(after_help = "\
Examples:
  ostwin agent test            the default agent
  ostwin agent test opencode   this one")]
    Test(AgentTestArgs),
}

#[derive(Debug, Args)]
pub(crate) struct AgentTestArgs {
    /// The agent [default: `default_agent`]
    pub(crate) name: Option<String>,
    /// How long each step of the handshake may take
    #[arg(long, value_name = "SECONDS", default_value_t = 60,
          value_parser = clap::value_parser!(u64).range(1..=600))]
    pub(crate) timeout: u64,
}
