//! Arguments about secrets. No value is ever one: arguments are public on a machine.

use std::path::PathBuf;

use clap::{Args, Subcommand};

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
    /// Encrypt a vault, or encrypt it in another way
    ///
    /// To an identity, it opens wherever OSTWIN_VAULT_IDENTITY names the file of that identity, as
    /// engines in the background need. With a passphrase, it opens only for a person at a terminal.
    /// Values that are set later are encrypted in the same way.
    #[command(after_help = "\
Examples:
  ostwin vault encrypt --identity ~/.config/ostwin/identity.txt   made, if it is not there
  ostwin vault encrypt --passphrase                               asks for it
  ostwin vault encrypt --passphrase --user                        your own vault")]
    Encrypt(VaultEncryptArgs),
    /// Keep a vault as plain text again, which nobody but you can read
    #[command(after_help = "\
Examples:
  ostwin vault decrypt
  ostwin vault decrypt --user")]
    Decrypt {
        /// Your own vault, for all your projects
        #[arg(long)]
        user: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct VaultEncryptArgs {
    /// To the age identity in this file; one is made if there is no such file
    #[arg(long, value_name = "FILE", required_unless_present = "passphrase")]
    pub(crate) identity: Option<PathBuf>,
    /// With a passphrase, from a hidden prompt, or from standard input if that is no terminal
    #[arg(long, conflicts_with = "identity")]
    pub(crate) passphrase: bool,
    /// Your own vault, for all your projects
    #[arg(long)]
    pub(crate) user: bool,
}
