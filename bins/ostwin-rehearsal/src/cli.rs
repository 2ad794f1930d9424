//! The command line.

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use ostwin_service::{Color, Exit, Logging};
use tracing::level_filters::LevelFilter;

use crate::script::{Script, schema};
use crate::{agent, stray};

/// An ACP agent that plays a script instead of asking a model.
#[derive(Debug, Parser)]
#[command(
    version,
    about,
    after_help = "Examples:
  ostwin-rehearsal                          play the built-in script on stdin and stdout
  ostwin-rehearsal --pace 0                 the same, as fast as it goes
  ostwin-rehearsal --script faults.json     play a script of your own
  ostwin-rehearsal script > my-script.json  a starting point for one"
)]
pub(crate) struct Cli {
    /// The script; its rules come before the built-in ones
    #[arg(long, value_name = "FILE", env = "OSTWIN_REHEARSAL_SCRIPT")]
    script: Option<PathBuf>,
    /// Factor on every delay of the script; 0 is full speed
    #[arg(long, value_name = "FACTOR", env = "OSTWIN_REHEARSAL_PACE")]
    pace: Option<f64>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print the built-in script
    Script,
    /// Print the JSON Schema of scripts
    Schema,
    /// Check a script and say what is wrong with it
    Check {
        /// The script
        file: PathBuf,
    },
    /// Outlive whoever started this; a part of the step `fork`
    #[command(hide = true)]
    Stray {
        /// How long to live
        #[arg(long)]
        seconds: u64,
    },
}

impl Cli {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        match self.command {
            None => {
                ostwin_service::start_logging(Logging {
                    level: LevelFilter::WARN,
                    color: Color::Auto,
                })?;
                let mut script = match &self.script {
                    Some(file) => Script::load(file)?,
                    None => Script::built_in()?,
                };
                if let Some(pace) = self.pace {
                    script.set_pace(pace)?;
                }
                agent::serve(script)?;
            }
            Some(Command::Script) => print(Script::BUILT_IN)?,
            Some(Command::Schema) => print(&schema()?)?,
            Some(Command::Check { file }) => {
                Script::load(&file)?;
            }
            Some(Command::Stray { seconds }) => stray::live(seconds)?,
        }
        Ok(Exit::Ok)
    }
}

fn print(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).context("cannot write to stdout")
}
