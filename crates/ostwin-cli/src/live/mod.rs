//! The live view of a plan: one line per epic and a log below, redrawn in place.
//!
//! [`frame`] decides what is to be seen, a pure function. [`painter`] puts it on the terminal and
//! takes it off again. [`show`] is the thread between the two and the files: it looks when
//! something changed, and once a second while a session runs, for the clocks.

mod frame;
mod painter;
mod show;

pub(crate) use show::{Message, Show, Source};
