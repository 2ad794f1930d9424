//! Agent programs on this machine: which are there, and what they see of the environment.
//!
//! Which programs are known, and how each is started, is data in the settings (`agents`). This
//! module finds them, tries them and builds the environment of their sessions from an allow list, because what
//! is inherited whole leaks whole. It owns no state.

mod environment;
mod handshake;
mod programs;

pub use environment::{AgentEnvError, EnvironmentPolicy, fixed_environment, session_environment};
pub use handshake::{HandshakeError, Trial, handshake};
pub use ostwin_core::programs::{Programs, find_program};
pub use programs::{FoundAgent, list_agents, program_version};
