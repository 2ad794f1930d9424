//! How often a process wakes up while it has nothing to do.
//!
//! A thread that waits gives up the processor voluntarily, once per wait; so the growth of that
//! counter over an interval is the number of times it woke up and went to sleep again.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::table;

const DEFAULT_SECONDS: u64 = 60;

/// What one thread did in the interval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ThreadWakeups {
    /// The thread's name.
    pub(crate) name: String,
    /// How often it woke up; for a new thread, since it began.
    pub(crate) wakeups: u64,
}

/// What a process did in an interval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wakeups {
    /// By thread, those that slept through left out.
    pub(crate) threads: Vec<ThreadWakeups>,
    /// Time on the processor, in the kernel's ticks of a hundredth of a second.
    pub(crate) cpu_ticks: u64,
}

impl Wakeups {
    pub(crate) fn total(&self) -> u64 {
        self.threads.iter().map(|thread| thread.wakeups).sum()
    }
}

/// Watches a process for an interval.
///
/// # Errors
/// The process does not exist, or ended meanwhile.
pub(crate) fn wakeups(pid: u32, interval: Duration) -> Result<Wakeups> {
    let process = Path::new("/proc").join(pid.to_string());
    let (before, ticks) = (switches(&process)?, cpu_ticks(&process)?);
    // The interval is what is measured.
    std::thread::sleep(interval);
    let (after, ticks_after) = (switches(&process)?, cpu_ticks(&process)?);
    Ok(Wakeups { threads: grown(&before, &after), cpu_ticks: ticks_after - ticks })
}

/// Voluntary switches of each thread, with the thread's name.
type Switches = BTreeMap<u32, (String, u64)>;

fn grown(before: &Switches, after: &Switches) -> Vec<ThreadWakeups> {
    let grown = after.iter().map(|(thread, (name, count))| {
        let earlier = before.get(thread).map_or(0, |(_, count)| *count);
        ThreadWakeups { name: name.clone(), wakeups: count.saturating_sub(earlier) }
    });
    grown.filter(|thread| thread.wakeups > 0).collect()
}

fn switches(process: &Path) -> Result<Switches> {
    let missing = || format!("no process runs at `{}`", process.display());
    let mut switches = Switches::new();
    for entry in std::fs::read_dir(process.join("task")).with_context(missing)? {
        let entry = entry?;
        // A thread may have ended since it was listed.
        let Ok(status) = std::fs::read_to_string(entry.path().join("status")) else { continue };
        let field = |name: &str| {
            status
                .lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
                .map(str::trim)
        };
        let thread = entry.file_name().to_string_lossy().parse()?;
        let count = field("voluntary_ctxt_switches").context("the kernel counts switches")?;
        let name = field("Name").unwrap_or_default().to_owned();
        switches.insert(thread, (name, count.parse()?));
    }
    Ok(switches)
}

/// Time on the processor, in the kernel's ticks of a hundredth of a second.
pub(crate) fn cpu_ticks(process: &Path) -> Result<u64> {
    let stat = std::fs::read_to_string(process.join("stat"))?;
    // The name in parentheses may hold anything; user and system time are fields 14 and 15.
    let (_, fields) = stat.rsplit_once(')').context("a process has a name")?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let field =
        |at: usize| -> Result<u64> { Ok(fields.get(at).context("a process has times")?.parse()?) };
    Ok(field(11)? + field(12)?)
}

/// What a process itself costs in memory: its private pages and its share of the others (PSS of
/// `proc_pid_smaps_rollup`), in KiB.
///
/// # Errors
/// The process does not exist.
pub(crate) fn pss_kib(pid: u32) -> Result<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    Ok(number.context("a process has memory")?.parse()?)
}

/// Bytes that a process has read by system calls since it started.
///
/// # Errors
/// The process does not exist.
pub(crate) fn read_bytes(pid: u32) -> Result<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/io"))?;
    let number = text.lines().find_map(|line| line.strip_prefix("rchar:"));
    Ok(number.context("a process reads")?.trim().parse()?)
}

/// `idle PID [SECONDS]`; gives the arguments behind it.
pub(crate) fn bench<'a>(args: &'a [&'a str]) -> Result<&'a [&'a str]> {
    let (pid, rest) = args.split_first().context("`idle` needs the number of a process")?;
    let pid = pid.parse().with_context(|| format!("`{pid}` is no number of a process"))?;
    let seconds = rest.first().and_then(|seconds| seconds.parse().ok());
    let rest = if seconds.is_some() { &rest[1..] } else { rest };
    let seconds = seconds.unwrap_or(DEFAULT_SECONDS);
    let found = wakeups(pid, Duration::from_secs(seconds))?;
    let mut text = format!("\nidle process {pid}, {seconds} s\n");
    for thread in &found.threads {
        text.push_str(&format!("  {:16} {:6} wake-ups\n", thread.name, thread.wakeups));
    }
    text.push_str(&format!("  {:16} {:6} wake-ups\n", "all threads", found.total()));
    text.push_str(&format!("  {:16} {:6} ms\n", "processor", found.cpu_ticks * 10));
    table::print(&text)?;
    Ok(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_threads_of_a_process_are_listed_by_name() {
        let process = Path::new("/proc/self");
        let thread = std::thread::Builder::new().name("bench-listed".to_owned());
        let (named, is_named) = std::sync::mpsc::channel();
        let (end, ended) = std::sync::mpsc::channel::<()>();
        let thread = thread.spawn(move || named.send(()).is_ok() && ended.recv().is_ok()).unwrap();
        is_named.recv().unwrap();
        let found = switches(process).unwrap();
        assert!(found.values().any(|(name, _)| name == "bench-listed"), "{found:?}");
        end.send(()).unwrap();
        assert!(thread.join().unwrap());
        cpu_ticks(process).unwrap();
    }

    #[test]
    fn growth_is_counted_per_thread() {
        let before = Switches::from([(1, ("a".into(), 5)), (2, ("b".into(), 7))]);
        let after =
            Switches::from([(1, ("a".into(), 5)), (2, ("b".into(), 9)), (3, ("c".into(), 4))]);
        let found: Vec<(String, u64)> =
            grown(&before, &after).into_iter().map(|it| (it.name, it.wakeups)).collect();
        assert_eq!(found, [("b".to_owned(), 2), ("c".to_owned(), 4)]);
    }

    #[test]
    fn a_process_that_is_not_there_is_an_error() {
        assert!(wakeups(u32::MAX, Duration::ZERO).is_err());
    }
}
