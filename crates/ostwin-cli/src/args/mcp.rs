//! Arguments about MCP servers.

use clap::{Args, Subcommand};
use ostwin_core::ids::{RoleRef, RoomId};

#[derive(Debug, Subcommand)]
pub(crate) enum McpCommand {
    /// List the tool servers that sessions get, each with the file that names it
    ///
    /// Servers come from tiers: the own ones, yours, the project's, a room's. A higher tier
    /// replaces a server of a lower one, or removes it. Values of placeholders are not shown.
    #[command(after_help = "\
Examples:
  ostwin mcp list                    what a session of the project gets
  ostwin mcp list --room room-003    with what is set for that room
  ostwin mcp list --role qa          and which of them that role sees")]
    List(McpListArgs),
    /// Start a tool server as a session would, and list its tools
    ///
    /// Fills in placeholders, shakes hands, lists the tools and ends the server. Exits with 1 if a
    /// server does not answer as it should, and with 6 if it cannot be started at all.
    #[command(after_help = "\
Examples:
  ostwin mcp test            every server that a session would get
  ostwin mcp test browser    this one, with all its tools
  ostwin mcp test --json     for programs")]
    Test(McpTestArgs),
    /// Add a tool server to the project's file, or to yours
    ///
    /// Everything else in the file stays as it is. Write a secret as a placeholder, not as a value:
    /// `${vault:server/key}` for the vault, `${VAR}` for the environment.
    #[command(after_help = "\
Examples:
  ostwin mcp add db --env 'DB_PASSWORD=${vault:db/password}' -- db-mcp --read-only
  ostwin mcp add docs --url https://mcp.example.org --header 'Authorization=Bearer ${DOCS_TOKEN}'
  ostwin mcp add browser --user -- browser-mcp     for all your projects")]
    Add(McpAddArgs),
    /// Take a tool server out of the project's file, or out of yours
    ///
    /// One that only a lower tier has is hidden: the file says `null` for it.
    #[command(after_help = "\
Examples:
  ostwin mcp remove db
  ostwin mcp remove browser --user")]
    Remove {
        /// The server
        name: String,
        /// Out of your own file, for all your projects
        #[arg(long)]
        user: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct McpAddArgs {
    /// The server: letters, digits, `-` and `_`
    pub(crate) name: String,
    /// Program and arguments of a server that agents start
    #[arg(last = true, value_name = "COMMAND", required_unless_present = "url")]
    pub(crate) command: Vec<String>,
    /// A variable that it needs
    #[arg(long, value_name = "KEY=VALUE", conflicts_with = "url")]
    pub(crate) env: Vec<String>,
    /// The address of a server that agents reach over the network
    #[arg(long, conflicts_with = "command")]
    pub(crate) url: Option<String>,
    /// A header of every request to it
    #[arg(long, value_name = "KEY=VALUE", requires = "url")]
    pub(crate) header: Vec<String>,
    /// Replace the server if the file has it
    #[arg(long)]
    pub(crate) replace: bool,
    /// Into your own file, for all your projects
    #[arg(long)]
    pub(crate) user: bool,
}

#[derive(Debug, Args)]
pub(crate) struct McpListArgs {
    /// Say what a session of this role would see
    #[arg(long)]
    pub(crate) role: Option<RoleRef>,
    /// With the servers that are set for this room
    #[arg(long)]
    pub(crate) room: Option<RoomId>,
}

#[derive(Debug, Args)]
pub(crate) struct McpTestArgs {
    /// The server [default: all that are enabled and started by the agent]
    pub(crate) name: Option<String>,
    /// With the servers that are set for this room
    #[arg(long)]
    pub(crate) room: Option<RoomId>,
    /// How long the handshake and the list of tools may take, each
    #[arg(long, value_name = "SECONDS", default_value_t = 20,
          value_parser = clap::value_parser!(u64).range(1..=600))]
    pub(crate) timeout: u64,
}
