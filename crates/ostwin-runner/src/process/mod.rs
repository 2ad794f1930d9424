//! Everything the runner knows about operating-system processes.
//!
//! This module is the one owner of process creation ([`command`]), of process
//! identity ([`ProcessId`]: pid plus start time, so that a recycled pid is
//! never mistaken for the process that once had it) and of the sweep that ends
//! whatever a session left behind ([`sweep`]). It owns no state of its own: the
//! kernel's process table is the state. What is specific to one platform sits
//! behind `platform`; outside Linux the sweep finds nothing and only process
//! groups can be ended.

mod command;
mod end;
mod identity;
mod platform;
mod sweep;

pub use command::{agent_command, async_command, command};
pub use end::end_process;
pub use identity::{ExitStatus, ProcessId};
pub use sweep::{MARK_VARIABLE, Sweep, SweepReport, sweep};
