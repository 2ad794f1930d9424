//! The arguments that all commands of all binaries take.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use clap::ArgAction;
use ostwin_core::env;
use ostwin_core::layout::Layout;
use ostwin_core::project;
use tracing::level_filters::LevelFilter;

use crate::{Exit, Failure, Logging};

/// When to use colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Color {
    /// Whether to colour what goes to `stream`.
    pub fn on(self, stream: &impl IsTerminal) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto => {
                stream.is_terminal() && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
            }
        }
    }
}

/// What the help calls them, apart from a command's own.
const EVERY_COMMAND: &str = "Options of every command";

/// Arguments of every command; flatten it into a parser.
#[derive(Clone, Debug, Default, PartialEq, Eq, clap::Args)]
pub struct BaseArgs {
    /// The project: the folder that holds `.agents/` [default: found upwards from here]
    #[arg(long, global = true, value_name = "DIR", env = env::PROJECT, hide_env_values = true, help_heading = EVERY_COMMAND)]
    pub project: Option<PathBuf>,
    /// Print results as JSON
    #[arg(long, global = true, help_heading = EVERY_COMMAND)]
    pub json: bool,
    /// Log more; repeat it for still more
    #[arg(short, long, global = true, action = ArgAction::Count, conflicts_with = "quiet", help_heading = EVERY_COMMAND)]
    pub verbose: u8,
    /// Log only errors; repeat it for nothing at all
    #[arg(short, long, global = true, action = ArgAction::Count, help_heading = EVERY_COMMAND)]
    pub quiet: u8,
    /// When to use colours
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value_t, help_heading = EVERY_COMMAND)]
    pub color: Color,
}

impl BaseArgs {
    /// How to log, where `-v` and `-q` count from `level`.
    pub fn logging(&self, level: LevelFilter) -> Logging {
        const LEVELS: [LevelFilter; 6] = [
            LevelFilter::OFF,
            LevelFilter::ERROR,
            LevelFilter::WARN,
            LevelFilter::INFO,
            LevelFilter::DEBUG,
            LevelFilter::TRACE,
        ];
        let start = LEVELS.iter().position(|known| *known == level).unwrap_or(2);
        let wanted = start.saturating_add(self.verbose.into()).saturating_sub(self.quiet.into());
        let level = LEVELS[wanted.min(LEVELS.len() - 1)];
        Logging { level, color: self.color }
    }

    /// The project that is meant: the named one, else the nearest upwards from the working
    /// directory.
    ///
    /// # Errors
    /// There is none; exit code [`Exit::Usage`].
    pub fn layout(&self) -> Result<Layout, Failure> {
        let here = std::env::current_dir().map_err(|error| {
            Failure::new(Exit::Environment, format!("the working directory is gone: {error}"))
        })?;
        self.layout_from(&here, env::home().as_deref())
    }

    fn layout_from(&self, here: &Path, home: Option<&Path>) -> Result<Layout, Failure> {
        project::locate(self.project.as_deref(), here, home)
            .map_err(|error| Failure::new(Exit::Usage, error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        base: BaseArgs,
    }

    fn parse(args: &[&str]) -> BaseArgs {
        Command::parse_from([&["test"], args].concat()).base
    }

    #[test]
    fn verbosity_counts_from_the_default_level() {
        let level = |args: &[&str]| parse(args).logging(LevelFilter::WARN).level;
        assert_eq!(level(&[]), LevelFilter::WARN);
        assert_eq!(level(&["-v"]), LevelFilter::INFO);
        assert_eq!(level(&["-vvvvvv"]), LevelFilter::TRACE);
        assert_eq!(level(&["-q"]), LevelFilter::ERROR);
        assert_eq!(level(&["-qqqq"]), LevelFilter::OFF);
        assert!(Command::try_parse_from(["test", "-q", "-v"]).is_err());
    }

    #[test]
    fn a_project_is_named_or_found_or_missing() {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::new(dir.path());
        ostwin_core::fs::create_dirs(&layout.agents()).unwrap();
        ostwin_core::fs::replace_hint(&layout.config(), b"{}").unwrap();
        let below = layout.agents();

        let found = BaseArgs::default().layout_from(&below, None).unwrap();
        assert_eq!(found, layout);
        let named = BaseArgs { project: Some(dir.path().to_owned()), ..BaseArgs::default() };
        assert_eq!(named.layout_from(Path::new("/"), None).unwrap(), layout);

        let nowhere = BaseArgs { project: Some("/no/where".into()), ..BaseArgs::default() };
        let error = nowhere.layout_from(&below, None).unwrap_err();
        assert_eq!(error.exit(), Exit::Usage);
        assert!(error.to_string().starts_with("`/no/where` is no project"), "{error}");
        // The home folder's own part is no project.
        let home = BaseArgs::default().layout_from(&below, Some(dir.path())).unwrap_err();
        assert_eq!(home.exit(), Exit::Usage);
    }
}
