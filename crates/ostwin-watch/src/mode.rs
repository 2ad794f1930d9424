//! How changes are learned: what was asked for, what came out, and why.

use std::fmt;
use std::time::Duration;

/// How changes are to be learned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// From the system, or by polling where it does not report them.
    #[default]
    Auto,
    /// By polling.
    Poll,
    /// From the system; it is an error if that is not possible.
    Events,
}

/// The settings of a watcher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// How changes are to be learned.
    pub mode: Mode,
    /// How long changes are gathered before they are reported, from the first one on.
    pub coalesce: Duration,
    /// How often the files are looked at when polling.
    pub poll_interval: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            mode: Mode::default(),
            coalesce: Duration::from_millis(2),
            poll_interval: Duration::from_secs(2),
        }
    }
}

/// How changes are learned, as it came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WatchMode {
    /// The system reports them.
    Events,
    /// The files are looked at from time to time.
    Polling {
        /// Why not from the system.
        reason: PollReason,
    },
}

impl fmt::Display for WatchMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Events => f.write_str("events"),
            Self::Polling { reason } => write!(f, "polling ({reason})"),
        }
    }
}

/// Why the files are polled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PollReason {
    /// The settings ask for it.
    Asked,
    /// The project is on a file system of this type, which does not report all changes.
    FileSystem(&'static str),
    /// The system allows no further watches.
    WatchLimit,
    /// A watch could not be made, with the system's answer.
    NoWatch(String),
}

impl fmt::Display for PollReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Asked => f.write_str("asked for by the settings"),
            Self::FileSystem(kind) => {
                write!(f, "the project is on {kind}, which does not report all changes")
            }
            Self::WatchLimit => f.write_str(
                "the system's limit of watches is reached: raise the sysctls \
                 fs.inotify.max_user_watches and fs.inotify.max_user_instances",
            ),
            Self::NoWatch(answer) => write!(f, "no watch could be made: {answer}"),
        }
    }
}

impl From<&notify::Error> for PollReason {
    fn from(error: &notify::Error) -> Self {
        const TOO_MANY_OPEN_FILES: i32 = rustix::io::Errno::MFILE.raw_os_error();
        match &error.kind {
            notify::ErrorKind::MaxFilesWatch => Self::WatchLimit,
            notify::ErrorKind::Io(error) if error.raw_os_error() == Some(TOO_MANY_OPEN_FILES) => {
                Self::WatchLimit
            }
            _ => Self::NoWatch(error.to_string()),
        }
    }
}
