//! Arguments of what keeps a project tidy, and of what brings another one in.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

/// Make space: remove what finished rooms no longer need
///
/// Removed is what the sessions of finished rooms left beside their records (transcripts, logs,
/// temporary files), logs of engines, caches that can be made again, and what killed processes left
/// half done. Audits, channels, the shared memory, contracts, records of attempts and plans stay.
/// Nothing of a plan is touched while it runs.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ostwin gc --dry-run     what would go, with its size
  ostwin gc               what is older than `retention.transcript_days`
  ostwin gc --keep 7d     what is older than a week
  ostwin gc --keep 0      everything that is not needed, however young")]
pub(crate) struct GcArgs {
    /// Keep what is younger: 30d, 12h, 45m, 90s, 0 [default: `retention.transcript_days`, 30]
    #[arg(long, value_name = "AGE", value_parser = age)]
    pub(crate) keep: Option<Duration>,
    /// Only say what would go
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// Move files of older versions on
///
/// Looks at the version of every file of the project. An older one is moved on and a copy of it
/// kept; one of a newer version than this program is named, and nothing is changed.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ostwin migrate --dry-run   which versions there are
  ostwin migrate             move the older ones on")]
pub(crate) struct MigrateArgs {
    /// Only say what would be done
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// Print the manual, or write one page per command
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ostwin man | man -l -                        read it
  ostwin man --dir ~/.local/share/man/man1     install every page")]
pub(crate) struct ManArgs {
    /// Write a page for each command into this folder; made if it is missing
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
}

/// Bring in a project of the earlier OSTwin, the one in PowerShell and Python
///
/// Reads plans, rooms with their state, messages and artifacts, the shared memory, roles, skills
/// and tool servers of DIR into this project, and says what it could not take and why. DIR is never
/// changed. What is here already is left alone, so it can be repeated.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ostwin import ~/code/shop --dry-run                            what would come, and what not
  ostwin import ~/code/shop
  ostwin import ~/code/shop --plans ~/.ostwin/.agents/plans      where it kept its plans")]
pub(crate) struct ImportArgs {
    /// The project of the earlier program
    pub(crate) dir: PathBuf,
    /// A further folder of its plans
    #[arg(long, value_name = "DIR")]
    pub(crate) plans: Option<PathBuf>,
    /// Only say what would come
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// An age as people write it: a number with its unit, or 0.
fn age(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is no age: write 30d, 12h, 45m, 90s or 0");
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: u64 = digits.parse().map_err(|_| wrong())?;
    let seconds = match &text[digits.len()..] {
        "" if number == 0 => 1,
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "w" => 7 * 86_400,
        _ => return Err(wrong()),
    };
    number.checked_mul(seconds).map(Duration::from_secs).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_have_a_unit_unless_they_are_nothing() {
        let seconds = |text: &str| age(text).map(|age| age.as_secs());
        assert_eq!(
            ["0", "90s", "45m", "12h", "30d", "2w"].map(seconds),
            [0, 90, 2_700, 43_200, 2_592_000, 1_209_600].map(Ok)
        );
        for text in ["", "30", "d", "-1d", "1.5d", "30 d", "3y", "99999999999999999999d"] {
            assert_eq!(
                age(text),
                Err(format!("`{text}` is no age: write 30d, 12h, 45m, 90s or 0"))
            );
        }
        assert!(age("18446744073709551615w").is_err(), "it does not overflow");
    }
}
