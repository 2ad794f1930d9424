//! File changes of one project as typed events.
//!
//! The processes of a project meet in its files, so each of them has to learn that a file changed.
//! This crate tells *that* something changed and in which file, never what the file says: an event
//! means "look now", and looking once too often is always fine.
//!
//! Events come from the system (`notify`) where it reports them, and from polling where it does
//! not: on network and FUSE file systems, or when no watch can be made. [`Watcher::mode`] says
//! which, and why. While nothing changes, nothing wakes up; only polling has a timer.

mod changed;
mod file_system;
mod mode;
mod shared;
mod stamp;
mod watch_set;
mod watcher;

pub use changed::Changed;
pub use file_system::unreported;
pub use mode::{Mode, Options, PollReason, WatchMode};
pub use watcher::{Result, WatchError, Watcher};
