//! Ending what a session left behind.
//!
//! A process belongs to a session if it descends from the session's guardian
//! or was started with the session's mark in its environment. Whoever sweeps is
//! never its own victim, nor are the sweeper's ancestors.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::identity::ProcessId;
use super::platform::{self, Stat};

/// The environment variable that marks every process of an attempt.
pub const MARK_VARIABLE: &str = ostwin_core::env::ATTEMPT;

/// How long killed processes may take to be gone before they are reported as
/// survivors. Only one in uninterruptible sleep takes this long.
pub(super) const KILL_LIMIT: Duration = Duration::from_secs(5);

/// The longest wait between two looks at the process table: a process that is
/// forked while its parent is being ended is found by the next look.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// What to sweep.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sweep<'a> {
    /// Every process whose environment carries this attempt's id.
    pub mark: Option<&'a str>,
    /// Every process that descends from this one, itself excluded.
    pub descendants_of: Option<ProcessId>,
    /// How long a process may take after SIGTERM before it is killed.
    pub grace: Duration,
    /// Set by another thread to skip what is left of the grace.
    pub hurry: Option<&'a AtomicBool>,
}

/// What a sweep found and did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SweepReport {
    /// Everything that was found, in order of pid.
    pub found: BTreeSet<ProcessId>,
    /// What ignored SIGTERM and was killed.
    pub killed: BTreeSet<ProcessId>,
    /// What is still there: not ours to signal, or stuck in the kernel.
    pub survivors: BTreeSet<ProcessId>,
}

/// Ends every process of a session: SIGTERM, grace, SIGKILL, and a last look
/// that nothing is left. Returns at once when there is nothing to end. Blocks
/// for at most the grace plus five seconds.
pub fn sweep(target: Sweep<'_>) -> SweepReport {
    let mut report = SweepReport::default();
    let mut asked = BTreeSet::new();
    let started = Instant::now();
    let mut kill_since = None;
    loop {
        let victims = find(&target);
        report.found.extend(victims.iter().copied());
        if victims.is_empty() {
            return report;
        }
        let hurried = target.hurry.is_some_and(|flag| flag.load(Ordering::Relaxed));
        if kill_since.is_none() && (hurried || started.elapsed() >= target.grace) {
            kill_since = Some(Instant::now());
        }
        match kill_since {
            None => {
                for victim in victims.difference(&asked.clone()) {
                    victim.signal(Signal::TERM);
                    asked.insert(*victim);
                }
            }
            Some(since) if since.elapsed() < KILL_LIMIT => {
                for victim in &victims {
                    victim.signal(Signal::KILL);
                    report.killed.insert(*victim);
                }
            }
            Some(_) => {
                report.survivors = victims;
                return report;
            }
        }
        let patience = match kill_since {
            None => target.grace.saturating_sub(started.elapsed()),
            Some(since) => KILL_LIMIT.saturating_sub(since.elapsed()),
        };
        wait_for_end(&victims, patience.min(LOOK_INTERVAL));
    }
}

/// The processes that `target` names now.
fn find(target: &Sweep<'_>) -> BTreeSet<ProcessId> {
    let table = platform::list();
    let marked = target.mark.map_or_else(BTreeSet::new, |mark| {
        table
            .iter()
            .filter(|stat| platform::has_variable(stat.pid, MARK_VARIABLE, mark))
            .map(|stat| stat.pid)
            .collect()
    });
    let root = target.descendants_of.filter(ProcessId::is_alive).map(|root| root.pid);
    select(&table, &marked, root, std::process::id())
}

/// The decision: descendants of `root` and of the marked, and the marked
/// themselves, without the dead, the caller and the caller's ancestors.
fn select(
    table: &[Stat],
    marked: &BTreeSet<u32>,
    root: Option<u32>,
    caller: u32,
) -> BTreeSet<ProcessId> {
    let parents: BTreeMap<u32, u32> = table.iter().map(|stat| (stat.pid, stat.parent)).collect();
    let ancestors_of = |pid: u32| {
        // A table read while processes end can hold a loop through a reused
        // pid; no line of descent is longer than the table.
        std::iter::successors(parents.get(&pid).copied(), |pid| parents.get(pid).copied())
            .take(parents.len())
    };
    let protected: BTreeSet<u32> = ancestors_of(caller).chain([caller]).collect();
    table
        .iter()
        .filter(|stat| !stat.zombie && !protected.contains(&stat.pid))
        .filter(|stat| {
            marked.contains(&stat.pid)
                || ancestors_of(stat.pid).any(|pid| Some(pid) == root || marked.contains(&pid))
        })
        .map(|stat| ProcessId { pid: stat.pid, start_time: stat.start_time })
        .collect()
}

/// Waits until all of `victims` have ended, or for `limit`.
#[cfg(target_os = "linux")]
pub(super) fn wait_for_end(victims: &BTreeSet<ProcessId>, limit: Duration) {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    let deadline = Instant::now() + limit;
    for handle in victims.iter().filter_map(ProcessId::open) {
        let left = deadline.saturating_duration_since(Instant::now());
        let Ok(timeout) = Timespec::try_from(left) else { return };
        let fd = handle.as_fd();
        // An interrupted or failed wait only means an earlier next look.
        let _ = poll(&mut [PollFd::new(&fd, PollFlags::IN)], Some(&timeout));
    }
}

/// Waits for `limit`: without process handles there is nothing to wake up for.
#[cfg(not(target_os = "linux"))]
pub(super) fn wait_for_end(_victims: &BTreeSet<ProcessId>, limit: Duration) {
    std::thread::sleep(limit);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(pid: u32, parent: u32) -> Stat {
        Stat { pid, parent, start_time: u64::from(pid) * 10, zombie: false }
    }

    fn pids(found: &BTreeSet<ProcessId>) -> Vec<u32> {
        found.iter().map(|id| id.pid).collect()
    }

    #[test]
    fn descendants_and_the_marked_are_found_but_not_the_dead() {
        let mut dead = row(14, 12);
        dead.zombie = true;
        let table = [
            row(1, 0),
            row(10, 1),
            row(12, 10),
            row(13, 12),
            dead,
            row(20, 1),
            row(21, 20),
            row(30, 1),
        ];
        let found = select(&table, &BTreeSet::from([20]), Some(10), 999);
        assert_eq!(pids(&found), [12, 13, 20, 21]);
    }

    #[test]
    fn the_caller_and_its_ancestors_are_never_victims() {
        // 10 is marked and an ancestor of the caller 12, as in a session that
        // itself runs an engine.
        let table = [row(1, 0), row(10, 1), row(11, 10), row(12, 11), row(13, 12), row(14, 10)];
        let found = select(&table, &BTreeSet::from([10]), None, 12);
        assert_eq!(pids(&found), [13, 14]);
    }

    #[test]
    fn a_loop_in_the_table_ends() {
        let table = [row(5, 6), row(6, 5)];
        assert_eq!(select(&table, &BTreeSet::new(), Some(7), 5), BTreeSet::new());
    }
}
