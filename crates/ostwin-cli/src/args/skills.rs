//! Arguments about skills.

use clap::{Args, Subcommand, ValueEnum};
use ostwin_core::ids::{RoleName, SkillName};
use ostwin_skills::install::Source;

#[derive(Debug, Subcommand)]
pub(crate) enum SkillsCommand {
    /// List the skills that are there, and those that are broken
    #[command(after_help = "\
Examples:
  ostwin skills list              everything that sessions could get
  ostwin skills list --role qa    what sessions of `qa` find
  ostwin skills list --installed  only what was installed, and whether it was changed since")]
    List {
        /// Only what sessions of this role find
        #[arg(long)]
        role: Option<RoleName>,
        /// Only your own skills, which are for every project
        #[arg(long)]
        user: bool,
        /// Only what was installed
        #[arg(long)]
        installed: bool,
    },
    Search(SkillsSearchArgs),
    Install(SkillsInstallArgs),
    Update(SkillsUpdateArgs),
    /// Remove a skill that was installed
    #[command(after_help = "\
Examples:
  ostwin skills remove testing
  ostwin skills remove testing --role qa
  ostwin skills remove my-own --force    one that was not installed, or was changed since")]
    Remove {
        /// The skill
        name: SkillName,
        /// The one of this role alone
        #[arg(long, conflicts_with = "user")]
        role: Option<RoleName>,
        /// The one of your own skills
        #[arg(long)]
        user: bool,
        /// Also one that was not installed, or was changed since
        #[arg(long)]
        force: bool,
    },
}

/// Search skills by words, best match first
///
/// Without words every skill is listed. The index is the one that `skills.registry_url` names.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ostwin skills search review criteria
  ostwin skills search --source all database migrations
  ostwin skills search --source registry --tag security")]
pub(crate) struct SkillsSearchArgs {
    /// What the skill should be about
    pub(crate) query: Vec<String>,
    /// Where to search
    #[arg(long, value_enum, default_value_t)]
    pub(crate) source: SearchSource,
    /// Only what sessions of this role find
    #[arg(long)]
    pub(crate) role: Option<RoleName>,
    /// Having this tag; repeat it for several
    #[arg(long = "tag", value_name = "TAG")]
    pub(crate) tags: Vec<String>,
    /// At most this many
    #[arg(short = 'n', long, value_name = "N", default_value_t = 10)]
    pub(crate) limit: usize,
}

/// Where skills are searched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum SearchSource {
    /// Among those that are there
    #[default]
    Local,
    /// In the index
    Registry,
    /// In both
    All,
}

/// Install a skill, whole or not at all
///
/// SOURCE is a folder, an archive (.tar.gz, .tgz, .tar, .zip) here or at an https:// address, a Git
/// repository (https://, ssh://, file://), or a name in the index. Behind `@` stands a branch, a
/// tag or a commit, behind `#` a folder. Nothing of it is run. What was installed, from where and
/// with which hash, is kept in .agents/skills.lock.json.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ostwin skills install ./shared/testing
  ostwin skills install https://example.org/skills.git@v1.2#testing
  ostwin skills install https://example.org/testing.tar.gz --sha256 3b1f...
  ostwin skills install testing --role qa     from the index, for one role
  ostwin skills install testing --dry-run     what would be installed?")]
pub(crate) struct SkillsInstallArgs {
    /// Where the skill is
    pub(crate) source: Source,
    /// For sessions of this role alone
    #[arg(long, conflicts_with = "user")]
    pub(crate) role: Option<RoleName>,
    /// Into your own skills, which are for every project
    #[arg(long)]
    pub(crate) user: bool,
    /// The version that it must have
    #[arg(long)]
    pub(crate) version: Option<String>,
    /// The SHA-256 that the skill must have, or the archive that it comes in
    #[arg(long, value_name = "HASH")]
    pub(crate) sha256: Option<String>,
    /// Only tell what would be installed
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Replace a skill that was not installed from there, or was changed since
    #[arg(long)]
    pub(crate) force: bool,
}

/// Install again what has changed at its source
///
/// Without NAME everything that was installed. A skill that was changed since is left alone.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ostwin skills update
  ostwin skills update testing
  ostwin skills update --dry-run")]
pub(crate) struct SkillsUpdateArgs {
    /// Only these
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<SkillName>,
    /// Only those of this role alone
    #[arg(long, conflicts_with = "user")]
    pub(crate) role: Option<RoleName>,
    /// Those of your own skills
    #[arg(long)]
    pub(crate) user: bool,
    /// Only tell what would be done
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Also what was changed since it was installed
    #[arg(long)]
    pub(crate) force: bool,
}
