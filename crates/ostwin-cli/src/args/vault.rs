//! Arguments about secrets. No value is ever one: arguments are public on a machine.

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum VaultCommand {
    /// Set a secret
    ///
    /// Its value is read from a hidden prompt, or from standard input if that is no terminal. It is
    /// never an argument, because everybody on a machine can read those.
    #[command(after_help = "\
Examples:
  ostwin vault set github token             asks for the value
  pass show gh | ostwin vault set github token
  ostwin vault set github token --user      for all your projects")]
    Set {
        /// What the secret is for, such as the name of an MCP server
        server: String,
        /// Its name
        key: String,
        /// Into your own vault, for all your projects
        #[arg(long)]
        user: bool,
    },
    /// Print a secret
    #[command(after_help = "\
Examples:
  ostwin vault get github token | pbcopy")]
    Get {
        /// What the secret is for
        server: String,
        /// Its name
        key: String,
    },
    /// List the names of all secrets, and which vault holds each
    #[command(after_help = "\
Examples:
  ostwin vault list
  ostwin vault list --json")]
    List,
    /// Take a secret out
    #[command(after_help = "\
Examples:
  ostwin vault rm github token")]
    Rm {
        /// What the secret is for
        server: String,
        /// Its name
        key: String,
        /// Out of your own vault, for all your projects
        #[arg(long)]
        user: bool,
    },
}
