//! Arguments about plans: check, look at, run.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// Run a plan, or go on with it
///
/// Checks the plan first; a plan with errors changes nothing. On a known plan that is not finished
/// it goes on where it stopped, for whatever reason it stopped. On a terminal you see one line per
/// epic and a log below, otherwise plain lines. Ctrl-C asks the sessions to end; a second one
/// kills them.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ostwin run PLAN.md                    run it, or go on with it
  ostwin run PLAN.md --dry-run          what would happen; writes nothing
  ostwin run shop-3fa9c1 --resume       go on, and only that
  ostwin run PLAN.md --agent rehearsal  play it without a model
  ostwin run PLAN.md --detach           in the background
  ostwin run PLAN.md --json             every event as a JSON line")]
pub(crate) struct RunArgs {
    /// The plan: a file, or the id of a plan that was imported
    #[arg(value_name = "PLAN")]
    pub(crate) plan: String,
    /// Go on with a plan that was begun; an error if there is none
    #[arg(long, conflicts_with = "new")]
    pub(crate) resume: bool,
    /// Run the text as a new plan, whatever was run from this file before
    #[arg(long)]
    pub(crate) new: bool,
    /// Print what would happen and write nothing
    #[arg(long, conflicts_with = "detach")]
    pub(crate) dry_run: bool,
    /// Run in the background; print run id and log file, and return once it has begun
    #[arg(long)]
    pub(crate) detach: bool,
    /// Most sessions at once
    #[arg(long, value_name = "N")]
    pub(crate) max_rooms: Option<u32>,
    /// The agent program, instead of what epic, role and settings say
    #[arg(long, value_name = "NAME")]
    pub(crate) agent: Option<String>,
    /// The model, instead of what epic, role and settings say
    #[arg(long, value_name = "NAME")]
    pub(crate) model: Option<String>,
    /// Stay when only a person can go on [default on a terminal]
    #[arg(long, overrides_with = "no_wait")]
    pub(crate) wait: bool,
    /// Exit with 4 when only a person can go on [default without a terminal]
    #[arg(long, overrides_with = "wait")]
    pub(crate) no_wait: bool,
    /// This process is the one that `--detach` started
    #[arg(long, hide = true)]
    pub(crate) detached: bool,
}

/// Run a real plan on rehearsal agents, in a project of its own
///
/// Needs no model and no key: the agents are real processes that speak the same protocol as real
/// ones and follow a script. The project is left for you to look at.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ostwin demo                 twelve epics; some reviews fail once
  ostwin demo --plan hello    three epics
  ostwin demo --pace 0        at full speed")]
pub(crate) struct DemoArgs {
    /// Which plan
    #[arg(long, value_enum, default_value_t)]
    pub(crate) plan: DemoPlan,
    /// Factor on every delay of the script: 0 is full speed, 2 is half speed
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, value_parser = pace)]
    pub(crate) pace: f64,
    /// The project's folder, which must be empty or missing [default: a fresh temporary one]
    #[arg(long, value_name = "DIR", alias = "dir")]
    pub(crate) keep: Option<PathBuf>,
    /// Most sessions at once
    #[arg(long, value_name = "N")]
    pub(crate) max_rooms: Option<u32>,
}

/// The example plans that are shipped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum DemoPlan {
    /// Three epics
    Hello,
    /// Twelve epics in several waves, with reviews that fail once
    #[default]
    Shop,
}

fn pace(text: &str) -> Result<f64, String> {
    let pace: f64 = text.parse().map_err(|_| "expected a number such as 0.5".to_owned())?;
    if (0.0..=1000.0).contains(&pace) {
        Ok(pace)
    } else {
        Err("expected a number from 0 to 1000".to_owned())
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum PlanCommand {
    Check(PlanCheckArgs),
    /// Write a plan in its canonical form
    #[command(after_help = "\
Examples:
  ostwin plan fmt PLAN.md            rewrite the file
  ostwin plan fmt PLAN.md --check    exit with 1 if it is not canonical
  ostwin plan fmt PLAN.md --stdout   print it")]
    Fmt {
        /// The file
        file: PathBuf,
        /// Change nothing; exit with 1 if the file is not in canonical form
        #[arg(long, conflicts_with = "stdout")]
        check: bool,
        /// Print the canonical form instead of writing it
        #[arg(long)]
        stdout: bool,
    },
    /// List the plans of the project
    #[command(after_help = "\
Examples:
  ostwin plan list
  ostwin plan list --json")]
    List,
    /// Show a plan as it was understood
    #[command(after_help = "\
Examples:
  ostwin plan show PLAN.md            in words
  ostwin plan show shop-3fa9c1        of a plan that was imported
  ostwin plan show PLAN.md --json     as a value, with byte spans")]
    Show {
        /// The plan: a file, or a plan id
        plan: String,
    },
}

/// Check a plan: errors and warnings with file, line, column and a suggestion
///
/// Needs no project. Exits with 2 if there are errors.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ostwin plan check PLAN.md
  ostwin plan check PLAN.md --json
  ostwin plan check PLAN.md --format sarif > plan.sarif")]
pub(crate) struct PlanCheckArgs {
    /// The file
    pub(crate) file: PathBuf,
    /// How to print the diagnostics; `--json` is short for `--format json`
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: PlanFormat,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum PlanFormat {
    /// For people
    #[default]
    Text,
    /// For programs
    Json,
    /// For editors and code scanning: SARIF 2.1.0
    Sarif,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DagCommand {
    /// Build the graph of a plan and write it as DAG.json
    #[command(after_help = "\
Examples:
  ostwin dag build PLAN.md --stdout    print it; needs no project
  ostwin dag build shop-3fa9c1         write it beside an imported plan")]
    Build {
        /// The plan: a file, or a plan id
        plan: String,
        /// Print it and write nothing
        #[arg(long)]
        stdout: bool,
    },
    /// Draw the graph of a plan
    #[command(after_help = "\
Examples:
  ostwin dag show PLAN.md
  ostwin dag show PLAN.md --format dot | dot -Tsvg > plan.svg
  ostwin dag show shop-3fa9c1 --format mermaid")]
    Show {
        /// The plan: a file, or a plan id [default: the project's plan]
        plan: Option<String>,
        /// In which language
        #[arg(long, value_enum, default_value_t)]
        format: DagFormat,
    },
    /// List the epics that could start now
    #[command(after_help = "\
Examples:
  ostwin dag next-wave
  ostwin dag next-wave shop-3fa9c1 --slots 2")]
    NextWave {
        /// The plan: a file, or a plan id [default: the project's plan]
        plan: Option<String>,
        /// At most so many [default: the setting max_concurrent_rooms]
        #[arg(long, value_name = "N")]
        slots: Option<usize>,
    },
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum DagFormat {
    /// Waves, one epic a line
    #[default]
    Text,
    /// For Graphviz
    Dot,
    /// For Mermaid
    Mermaid,
    /// DAG.json
    Json,
}
