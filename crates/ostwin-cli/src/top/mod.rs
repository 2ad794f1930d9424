//! The full-screen view of a plan: its epics, and beside them what is said and done in one of them.
//!
//! [`screen`] is what is to be seen as a value, and what a key changes in it. [`draw`] puts it into
//! the cells of a terminal, a pure function. [`tail`] reads the end of what the chosen room
//! holds. [`run`](run()) stands between them, the terminal and the files, and does nothing while
//! nothing changes. It only looks: whatever acts on a plan is a command of its own.

mod draw;
mod run;
mod screen;
mod tail;

pub(crate) use run::run;
