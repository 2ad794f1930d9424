//! Arguments about the project and the program itself.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use clap_complete::Shell;

/// Make a folder a project
///
/// Writes .agents/ with settings, roles, the role registry and what Git ignores. What is there is
/// left alone, so it can be repeated. Lists the agent programs found on this machine.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ostwin init                     here
  ostwin init ~/code/shop         there
  ostwin init --agent opencode    and name the agent program that does the work")]
pub(crate) struct InitArgs {
    /// The folder; made if it is missing
    #[arg(default_value = ".")]
    pub(crate) dir: PathBuf,
    /// The agent program that sessions use; written as `default_agent`
    #[arg(long, value_name = "NAME")]
    pub(crate) agent: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print one setting, or a group of them, and where each value comes from
    #[command(after_help = "\
Examples:
  ostwin config get max_retries
  ostwin config get dashboard
  ostwin config get agents.opencode.command --json")]
    Get {
        /// The dotted key
        key: String,
    },
    /// Change one setting in the project's file, or in yours
    #[command(after_help = "\
Examples:
  ostwin config set default_agent opencode
  ostwin config set max_concurrent_rooms 4
  ostwin config set redact '[\"sk-[a-z0-9]+\"]'
  ostwin config set --user default_agent claude
  ostwin config set --plan PLAN.md roles.qa.model a-larger-model
  ostwin config set --unset default_model")]
    Set {
        /// The dotted key
        key: String,
        /// The value: JSON, plain text, or a list with commas
        #[arg(required_unless_present = "unset", conflicts_with = "unset")]
        value: Option<String>,
        /// Take the key out of the file
        #[arg(long)]
        unset: bool,
        /// In your own file, which applies to every project
        #[arg(long)]
        user: bool,
        /// For one imported plan (an id or a path), beside its text: `skill_refs`, or below `roles`
        #[arg(long, conflicts_with = "user")]
        plan: Option<String>,
    },
    /// List settings with their sources
    #[command(after_help = "\
Examples:
  ostwin config list          what some file, variable or flag sets
  ostwin config list --all    every setting, shipped ones included
  ostwin config list --keys   every key with its meaning")]
    List {
        /// Shipped values too
        #[arg(long)]
        all: bool,
        /// Every key with its type, shipped value and meaning
        #[arg(long, conflicts_with = "all")]
        keys: bool,
    },
}

/// Print a completion script
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ostwin completions bash > ~/.local/share/bash-completion/completions/ostwin
  ostwin completions zsh > ~/.zfunc/_ostwin
  ostwin completions fish > ~/.config/fish/completions/ostwin.fish")]
pub(crate) struct CompletionsArgs {
    /// The shell
    pub(crate) shell: Shell,
}

/// Write the files of the repository that are made from types
#[derive(Debug, Args)]
pub(crate) struct GenArgs {
    /// Only say which are not current; exit with 1 if there are any
    #[arg(long)]
    pub(crate) check: bool,
    /// The repository [default: the workspace found upwards from here]
    #[arg(long, value_name = "DIR")]
    pub(crate) root: Option<PathBuf>,
}
