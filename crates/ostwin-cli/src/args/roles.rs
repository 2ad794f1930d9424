//! Arguments about roles.

use clap::{Args, Subcommand};
use ostwin_core::ids::RoleName;

#[derive(Debug, Subcommand)]
pub(crate) enum RoleCommand {
    /// List the roles, each with the tier and the folder it is found in
    #[command(after_help = "\
Examples:
  ostwin role list          what a search by name finds
  ostwin role list --all    also what a nearer tier hides
  ostwin role list --json   for programs")]
    List {
        /// Also the roles that one of the same name in a nearer tier hides
        #[arg(long)]
        all: bool,
    },
    /// Make a role in the project: its settings, its prompt, its line in the registry
    ///
    /// The prompt is a fixed template filled with what is said here, or a draft by the manager role.
    /// Both are files to be read and edited. A role is made whole or not at all.
    #[command(after_help = "\
Examples:
  ostwin role new map-maker --description \"Draws the maps\" --capabilities cartography,svg
  ostwin role new map-maker --description \"Draws the maps\" --draft
  ostwin role new map-maker --description \"Draws the maps\" --draft --agent opencode")]
    New(RoleNewArgs),
    /// Copy a role of any tier into the project, with everything in its folder
    #[command(after_help = "\
Examples:
  ostwin role clone engineer backend-engineer
  ostwin role clone engineer engineer    the project's own, to be edited")]
    Clone {
        /// The role that is copied
        from: RoleName,
        /// The name of the copy; its own makes it the one that the project uses
        name: RoleName,
    },
    /// Check that roles are in order: their files, and the skills, servers and agents they name
    ///
    /// Exits with 2 if a session of one of them could not be had.
    #[command(after_help = "\
Examples:
  ostwin role check
  ostwin role check map-maker")]
    Check {
        /// The role, in every tier that has it [default: all that a search by name finds]
        name: Option<RoleName>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct RoleNewArgs {
    /// Its name: letters, digits, `-`, `_` and `.`
    pub(crate) name: RoleName,
    /// What it is for, in one sentence
    #[arg(long, value_name = "TEXT")]
    pub(crate) description: Option<String>,
    /// What it can do, in words that epics ask for, with commas between them
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub(crate) capabilities: Vec<String>,
    /// Have the manager role write the prompt, in a session
    #[arg(long, requires = "description")]
    pub(crate) draft: bool,
    /// The agent program of that session
    #[arg(long, requires = "draft")]
    pub(crate) agent: Option<String>,
    /// The model of that session
    #[arg(long, requires = "draft")]
    pub(crate) model: Option<String>,
}
