//! What tests share: projects that touch nothing outside their own folder, clocks that stand
//! still, and processes that never outlive their test.
//!
//! A development dependency only; nothing that ships links it.

mod clock;
mod process;
mod project;
mod table;
mod wait;

pub use clock::FakeClock;
pub use process::{Finished, Process, bin};
pub use project::TestProject;
pub use table::{processes_with_env, processes_with_mark};
pub use wait::wait_until;
