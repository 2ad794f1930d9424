//! End-to-end tests over the built binaries, and tests of the workspace itself.
//!
//! One binary, so that it links once. `cargo xtask test` builds the binaries first.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking; clippy does not take its helpers for a test"
)]

mod agent_run;
mod alerts;
mod append;
mod architecture;
mod budgets;
mod cli;
mod cli_reads;
mod command;
mod control;
mod dashboard;
mod dashboard_scale;
mod embedder;
mod fail_closed;
mod faults;
mod field;
mod gates;
mod import;
mod kill;
mod lifecycle;
mod mcp;
mod mcp_edit;
mod memory_cli;
mod misbehaviour;
mod network_servers;
mod peers;
mod people;
mod plan_review;
mod redaction;
mod resolve_tiers;
mod roles;
mod runs;
mod skills;
mod skills_install;
mod tool_lists;
mod triage;
mod upkeep;
mod vault;
mod waiting;
mod watch_timeouts;
