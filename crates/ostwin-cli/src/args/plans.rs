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
  ostwin run PLAN.md --resume           also: apply what was edited in the file
  ostwin run PLAN.md --review human     a person approves the plan before it starts
  ostwin run PLAN.md --agent rehearsal  play it without a model
  ostwin run PLAN.md --detach           in the background
  ostwin run PLAN.md --json             every event as a JSON line")]
pub(crate) struct RunArgs {
    /// The plan: a file, or the id of a plan that was imported
    #[arg(value_name = "PLAN")]
    pub(crate) plan: String,
    /// Go on with a plan that was begun, by the text that the file has now; an error if there is
    /// none
    #[arg(long, conflicts_with = "new")]
    pub(crate) resume: bool,
    /// What becomes of epics that have begun and that an edit of the file changes: `keep` leaves
    /// them as they are, `redo` starts them over [asked for on a terminal]
    #[arg(long, value_enum, value_name = "WHAT", requires = "resume")]
    pub(crate) begun: Option<BegunAnswer>,
    /// Whether the plan is reviewed before it starts, and who approves it
    #[arg(long, value_enum, value_name = "RULE")]
    pub(crate) review: Option<ReviewRule>,
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

/// What becomes of an epic that has begun when the plan is edited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum BegunAnswer {
    /// It keeps the text that it was begun by
    Keep,
    /// It starts over by the new text
    Redo,
}

/// Who approves a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReviewRule {
    /// Nobody: there is no review
    Off,
    /// The review itself
    Auto,
    /// A person, after the review
    Human,
}

impl ReviewRule {
    /// The rule as settings spell it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Auto => "auto",
            Self::Human => "human",
        }
    }
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
    /// Without the dashboard that a terminal gets beside it
    #[arg(long)]
    pub(crate) no_dashboard: bool,
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
    /// Draft a plan from a goal
    ///
    /// A session of the design role writes the plan. It is parsed and checked like any plan, and
    /// written to the file, which must not exist yet. Nothing is run.
    #[command(after_help = "\
Examples:
  ostwin plan create \"A shop for second-hand books\"
  ostwin plan create \"A shop for second-hand books\" --out shop/PLAN.md
  ostwin run PLAN.md")]
    Create {
        /// What is to be reached, in a sentence or a few
        goal: String,
        /// The file to write
        #[arg(long, value_name = "FILE", default_value = "PLAN.md")]
        out: PathBuf,
        /// The agent program, instead of what role and settings say
        #[arg(long, value_name = "NAME")]
        agent: Option<String>,
        /// The model, instead of what role and settings say
        #[arg(long, value_name = "NAME")]
        model: Option<String>,
    },
    /// Review a plan, and nothing more
    ///
    /// A session of the design role reads the plan and approves it, revises it or says why it
    /// cannot run. The planning graph is written. With `plan_review: human` a person approves.
    #[command(after_help = "\
Examples:
  ostwin plan review PLAN.md
  ostwin plan review shop-3fa9c1")]
    Review {
        /// The plan: a file, or a plan id
        plan: String,
        /// Who approves it
        #[arg(long, value_enum, value_name = "RULE")]
        review: Option<ReviewRule>,
        /// The agent program, instead of what role and settings say
        #[arg(long, value_name = "NAME")]
        agent: Option<String>,
        /// The model, instead of what role and settings say
        #[arg(long, value_name = "NAME")]
        model: Option<String>,
    },
    /// Show what an edit, or a review, changes
    ///
    /// Of a file: against the text by which its plan runs. Of a plan id: what its review wants to
    /// change. Exits with 1 if there is a difference.
    #[command(after_help = "\
Examples:
  ostwin plan diff PLAN.md
  ostwin plan diff shop-3fa9c1")]
    Diff {
        /// The plan: a file, or a plan id
        plan: String,
    },
    /// Approve a plan that was reviewed
    #[command(after_help = "\
Examples:
  ostwin plan diff shop-3fa9c1        what the review changes
  ostwin plan approve shop-3fa9c1     approve what is there now
  ostwin plan approve shop-3fa9c1 --text-sha256 4f0c...   only if it is this text")]
    Approve {
        /// The plan: a file, or a plan id
        plan: String,
        /// Approve only if the text that is to run has this SHA-256
        #[arg(long, value_name = "HEX")]
        text_sha256: Option<String>,
    },
    /// Reject a plan that was reviewed: it does not run
    #[command(after_help = "\
Examples:
  ostwin plan reject shop-3fa9c1 --reason \"too much at once\"")]
    Reject {
        /// The plan: a file, or a plan id
        plan: String,
        /// Why; it is recorded
        #[arg(long)]
        reason: String,
    },
    /// Remove a plan from the project
    ///
    /// The file that it was imported from stays.
    #[command(after_help = "\
Examples:
  ostwin plan rm shop-3fa9c1
  ostwin plan rm shop-3fa9c1 --with-rooms    also what was done for it")]
    Rm {
        /// The plan: a file, or a plan id
        plan: String,
        /// Remove its rooms too: messages, transcripts, artifacts
        #[arg(long)]
        with_rooms: bool,
    },
    /// List the plans of the project
    #[command(after_help = "\
Examples:
  ostwin plan list
  ostwin plan list --json")]
    List,
    /// Show what a plan may use, or raise it
    ///
    /// What is given here is for this plan only and stands above the settings `budget_tokens` and
    /// `budget_usd`. A running plan goes on with it at once.
    #[command(after_help = "\
Examples:
  ostwin plan budget                              what it may use and has used
  ostwin plan budget shop-3fa9c1 --tokens 2000000
  ostwin plan budget --usd 20")]
    Budget {
        /// The plan: an id, or the file it came from [default: the one that runs, else the newest]
        plan: Option<String>,
        /// Most tokens, all sessions together
        #[arg(long, value_name = "N")]
        tokens: Option<u64>,
        /// Most US dollars, all sessions together
        #[arg(long, value_name = "AMOUNT")]
        usd: Option<f64>,
    },
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
