//! The one driver for all agents: a client of the Agent Client Protocol.
//!
//! The protocol itself (framing, ids, typed messages) is the official crate's.
//! What this module adds is what supervision needs: lines of bounded length,
//! back-pressure down to the agent's own pipe (`wire`), updates and failures in
//! the terms of the rest of OSTwin ([`Update`], [`AcpError`]), a seam for
//! permission policies ([`PermissionPolicy`]) and the transcript
//! ([`transcript`]). It owns no files and starts no processes.

mod connection;
mod failure;
mod permission;
pub(crate) mod reset;
mod rules;
mod servers;
mod tools;
pub mod transcript;
mod update;
mod wire;

pub use connection::{AgentInfo, Open, PromptEnd, Session, StopReason};
pub use failure::AcpError;
pub(crate) use failure::speaks_of_a_limit;
pub use permission::{
    Allow, PermissionAsk, PermissionChoice, PermissionDecision, PermissionKind, PermissionPolicy,
};
pub use rules::{Judgement, judge};
pub use servers::{McpServer, RemoteServer};
pub use tools::SessionTools;
pub use update::{Diff, PlanStep, TokenUsage, ToolStatus, Update, UpdateSink};
