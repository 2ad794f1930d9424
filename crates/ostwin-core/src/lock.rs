//! Advisory locks: the only place that takes one.
//!
//! A lock is a `flock` on an open file, so the kernel frees it when the last process that holds
//! the file dies: the lock itself is the proof that somebody lives, and no heartbeat is needed. It
//! excludes other `flock` users (also `flock(1)` and Python's `fcntl.flock`), not POSIX `lockf`.
//!
//! Lock order, from first to last: `plans.lock` (only while a plan is imported), `engine.lock`,
//! `session.lock`, `room.lock`, then one appended file. Two appended files are never locked at once.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use fd_lock::RwLock;

/// How often a lock is tried before a thread waits for it. Most sections are a few microseconds
/// long, which is less than it takes to start a thread.
const QUICK_TRIES: u32 = 50;

/// Why a lock was not taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Somebody else held it for the whole time; worth trying again.
    #[error("`{}` is locked{}", path.display(), holder_words(*holder))]
    Busy {
        /// The locked file.
        path: PathBuf,
        /// The process that holds it, where the system tells.
        holder: Option<u32>,
    },
    /// The file could not be opened or locked at all.
    #[error("cannot lock `{}`", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

fn holder_words(holder: Option<u32>) -> String {
    holder.map_or_else(String::new, |pid| format!(" by process {pid}"))
}

impl LockError {
    fn io(path: &Path, source: io::Error) -> Self {
        Self::Io { path: path.to_owned(), source }
    }
}

/// Opens the lock file at `path` (made if missing; its folder must exist), takes its exclusive
/// lock within `patience`, and runs `section` while holding it.
///
/// # Errors
/// [`LockError::Busy`] when the lock was not free in time, [`LockError::Io`] when the file cannot
/// be used; `section` has not run then.
pub fn exclusive<R>(
    path: &Path,
    patience: Duration,
    section: impl FnOnce() -> R,
) -> Result<R, LockError> {
    let file = open_lock_file(path)?;
    locked(path, file, patience, |_| section())
}

/// Whether somebody holds the lock at `path` at this moment. A missing file is not locked.
///
/// # Errors
/// The file exists and cannot be opened or locked.
pub fn is_held(path: &Path) -> Result<bool, LockError> {
    if !path.exists() {
        return Ok(false);
    }
    match exclusive(path, Duration::ZERO, || ()) {
        Ok(()) => Ok(false),
        Err(LockError::Busy { .. }) => Ok(true),
        Err(error) => Err(error),
    }
}

#[expect(clippy::disallowed_methods, reason = "this module owns lock files")]
fn open_lock_file(path: &Path) -> Result<File, LockError> {
    std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(|error| LockError::io(path, error))
}

/// Takes the exclusive lock of an open file within `patience` and lends the file to `section`.
pub(crate) fn locked<R>(
    path: &Path,
    file: File,
    patience: Duration,
    section: impl FnOnce(&mut File) -> R,
) -> Result<R, LockError> {
    let mut lock = RwLock::new(file);
    let mut tries = if patience.is_zero() { 1 } else { QUICK_TRIES };
    loop {
        match lock.try_write() {
            Ok(mut guard) => return Ok(section(&mut guard)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(LockError::io(path, error)),
        }
        tries -= 1;
        if tries == 0 {
            break;
        }
        std::thread::yield_now();
    }
    let file = lock.into_inner();
    if patience.is_zero() || !wait_for(path, &file, patience)? {
        return Err(LockError::Busy { path: path.to_owned(), holder: holder(path) });
    }
    // The waiting thread locked this very open file: asking again succeeds at once.
    let mut lock = RwLock::new(file);
    let mut guard = lock.try_write().map_err(|error| LockError::io(path, error))?;
    Ok(section(&mut guard))
}

/// Waits on a thread of its own, because `flock` has no timeout. The thread locks a duplicate of
/// the descriptor, which shares the lock; if nobody waits any more when it gets it, it unlocks.
fn wait_for(path: &Path, file: &File, patience: Duration) -> Result<bool, LockError> {
    let duplicate = file.try_clone().map_err(|error| LockError::io(path, error))?;
    let (sender, receiver) = mpsc::sync_channel::<io::Result<()>>(0);
    std::thread::Builder::new()
        .name("lock-wait".to_owned())
        .spawn(move || {
            let mut lock = RwLock::new(duplicate);
            let outcome = loop {
                match lock.write() {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    outcome => break outcome,
                }
            };
            match outcome {
                Ok(guard) => {
                    if sender.send(Ok(())).is_ok() {
                        // The caller has taken the lock over through its own descriptor.
                        std::mem::forget(guard);
                    }
                }
                Err(error) => drop(sender.send(Err(error))),
            }
        })
        .map_err(|error| LockError::io(path, error))?;
    match receiver.recv_timeout(patience) {
        Ok(Ok(())) => Ok(true),
        Ok(Err(error)) => Err(LockError::io(path, error)),
        Err(_) => Ok(false),
    }
}

/// The process that holds the lock of `path`, from `/proc/locks`; `None` where that is unknown.
pub fn holder(path: &Path) -> Option<u32> {
    let metadata = fs_err::metadata(path).ok()?;
    let device = metadata.dev();
    let wanted = format!(
        "{:02x}:{:02x}:{}",
        rustix::fs::major(device),
        rustix::fs::minor(device),
        metadata.ino()
    );
    let table = fs_err::read_to_string("/proc/locks").ok()?;
    table.lines().find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        match fields.as_slice() {
            [_, "FLOCK", _, "WRITE", pid, file, ..] if *file == wanted => pid.parse().ok(),
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_lock_is_busy_and_names_its_holder() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.lock");
        let outcome = exclusive(&path, Duration::ZERO, || {
            assert!(is_held(&path).unwrap());
            exclusive(&path, Duration::from_millis(20), || panic!("two holders"))
        });
        let Err(LockError::Busy { path: busy, holder }) = outcome.unwrap() else {
            panic!("expected busy")
        };
        assert_eq!((busy, holder), (path.clone(), Some(std::process::id())));
        // The wait that was given up may have the lock for a moment before it lets go.
        exclusive(&path, Duration::from_secs(30), || ()).unwrap();
    }

    #[test]
    fn a_waiter_gets_the_lock_when_it_is_freed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.lock");
        let (held, is_held) = mpsc::channel();
        let (release, released) = mpsc::channel::<()>();
        std::thread::scope(|scope| {
            let path = &path;
            scope.spawn(move || {
                exclusive(path, Duration::ZERO, || {
                    held.send(()).unwrap();
                    released.recv().unwrap();
                })
                .unwrap();
            });
            is_held.recv().unwrap();
            let waiter = scope.spawn(|| exclusive(path, Duration::from_secs(20), || 7));
            release.send(()).unwrap();
            assert_eq!(waiter.join().unwrap().unwrap(), 7);
        });
    }

    #[test]
    fn a_wait_that_was_given_up_does_not_keep_the_lock() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.lock");
        exclusive(&path, Duration::ZERO, || {
            let outcome = exclusive(&path, Duration::from_millis(5), || ());
            assert!(matches!(outcome, Err(LockError::Busy { .. })));
        })
        .unwrap();
        exclusive(&path, Duration::from_secs(20), || ()).unwrap();
    }
}
