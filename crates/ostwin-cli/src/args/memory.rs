//! Arguments about the shared memory.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand, ValueEnum};
use ostwin_core::ids::{MemoryId, RoomId};
use ostwin_core::ledger::Kind;
use ostwin_memory::Mode;

#[derive(Debug, Subcommand)]
pub(crate) enum MemoryCommand {
    Search(MemorySearchArgs),
    /// List the newest entries, one a line
    #[command(after_help = "\
Examples:
  ostwin memory list
  ostwin memory list --kind warning
  ostwin memory list --room room-003 --limit 5")]
    List {
        /// Only entries of this kind
        #[arg(long, value_parser = kind())]
        kind: Option<Kind>,
        /// Only what this room published
        #[arg(long)]
        room: Option<RoomId>,
        /// At most this many
        #[arg(short = 'n', long, value_name = "N", default_value_t = 50)]
        limit: usize,
    },
    /// Show one entry in full, and what replaced it
    #[command(after_help = "\
Examples:
  ostwin memory show mem-01K6Z3V5QX8E9R2T4Y7W0BCDFG")]
    Show {
        /// The entry
        id: MemoryId,
    },
    Publish(MemoryPublishArgs),
    /// Print the entries that are in force, oldest first
    #[command(after_help = "\
Examples:
  ostwin memory export > memory.jsonl
  ostwin memory export --format markdown --kind decision > DECISIONS.md")]
    Export {
        /// In this form
        #[arg(long, value_enum, default_value_t)]
        format: MemoryFormat,
        /// Only entries of this kind
        #[arg(long, value_parser = kind())]
        kind: Option<Kind>,
    },
}

/// Search the shared memory, best match first
///
/// By words and by meaning, fused. Where nothing can compare meanings, by words alone; the answer
/// says so. Fresh entries count more than old ones.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ostwin memory search \"how are prices stored\"
  ostwin memory search cart_total --mode lexical --explain
  ostwin memory search login --kind decision --tag auth")]
pub(crate) struct MemorySearchArgs {
    /// What to look for, in a few words
    #[arg(required = true, value_name = "TEXT")]
    pub(crate) text: Vec<String>,
    /// Only entries of this kind
    #[arg(long, value_parser = kind())]
    pub(crate) kind: Option<Kind>,
    /// Only entries with this tag; again for any of several
    #[arg(long = "tag", value_name = "TAG")]
    pub(crate) tags: Vec<String>,
    /// How entries are compared with the text
    #[arg(long, value_parser = mode(), default_value = "hybrid")]
    pub(crate) mode: Mode,
    /// At most this many
    #[arg(short = 'n', long, value_name = "N", default_value_t = 10)]
    pub(crate) limit: usize,
    /// Say how each score came about
    #[arg(long)]
    pub(crate) explain: bool,
}

/// Publish an entry
///
/// From a shell it is a person's. Inside an attempt it is the attempt's own, as by its tool server.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ostwin memory publish --kind convention --tag money --summary \"Prices are integers of cents\"
  ostwin memory publish --kind decision --summary \"Sessions last an hour\" \\
      --supersedes mem-01K6Z3V5QX8E9R2T4Y7W0BCDFG")]
pub(crate) struct MemoryPublishArgs {
    /// What it is
    #[arg(long, value_parser = kind())]
    pub(crate) kind: Kind,
    /// What others should know, in a sentence or a few
    #[arg(long, value_name = "TEXT")]
    pub(crate) summary: String,
    /// A word to find it by; again for several
    #[arg(long = "tag", value_name = "TAG")]
    pub(crate) tags: Vec<String>,
    /// More, for who needs it
    #[arg(long, value_name = "TEXT")]
    pub(crate) detail: Option<String>,
    /// What it is about, such as an epic or a path
    #[arg(long = "ref", value_name = "REF")]
    pub(crate) reference: Option<String>,
    /// The entry that it replaces, which then leaves every answer
    #[arg(long, value_name = "ID")]
    pub(crate) supersedes: Option<MemoryId>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum MemoryFormat {
    /// Lines as the ledger has them
    #[default]
    Jsonl,
    /// For people, grouped by kind
    Markdown,
}

fn kind() -> impl TypedValueParser<Value = Kind> {
    named(Kind::ALL, Kind::as_str)
}

fn mode() -> impl TypedValueParser<Value = Mode> {
    named(Mode::ALL, Mode::as_str)
}

/// The parser of a closed list of names.
fn named<T: Copy + Send + Sync + 'static, const N: usize>(
    all: [T; N],
    name: fn(T) -> &'static str,
) -> impl TypedValueParser<Value = T> {
    PossibleValuesParser::new(all.map(name)).try_map(move |text| {
        let found = all.into_iter().find(|value| name(*value) == text);
        found.ok_or("it is none of the known names")
    })
}
