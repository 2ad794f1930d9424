//! Arguments about agent programs.

use clap::{Args, Subcommand};
use ostwin_core::ids::{EpicId, RoleRef, RoomId};

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
    /// Run one session in a room by hand, and move the room by what it says
    ///
    /// It is the session that the plan's engine would start next in that room, with the same checks,
    /// limits and records, while no engine drives the plan. Exits with 0 if the session gave a
    /// signal, with 1 if it ended without one, and with 4 if a person has to answer first.
    #[command(after_help = "\
Examples:
  ostwin agent run --room room-003
  ostwin agent run --ref EPIC-002 --role qa      only if it is qa's turn
  ostwin agent run --room room-003 --agent opencode")]
    Run(AgentRunArgs),
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

#[derive(Debug, Args)]
pub(crate) struct AgentRunArgs {
    /// The role that has to be the one of the room's state [default: whichever it is]
    #[arg(long)]
    pub(crate) role: Option<RoleRef>,
    /// The room
    #[arg(long, required_unless_present = "reference")]
    pub(crate) room: Option<RoomId>,
    /// The epic whose room it is
    #[arg(long = "ref", value_name = "EPIC")]
    pub(crate) reference: Option<EpicId>,
    /// The plan of that epic [default: the one imported last]
    #[arg(long, value_name = "PLAN", requires = "reference")]
    pub(crate) plan: Option<String>,
    /// The agent program, instead of what the settings say
    #[arg(long)]
    pub(crate) agent: Option<String>,
    /// The model, instead of what the settings say
    #[arg(long)]
    pub(crate) model: Option<String>,
}
