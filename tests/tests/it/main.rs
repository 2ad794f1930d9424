//! End-to-end tests over the built binaries, and tests of the workspace itself.
//!
//! One binary, so that it links once. `cargo xtask test` builds the binaries first.

mod append;
mod architecture;
mod cli;
mod cli_reads;
mod field;
mod kill;
mod mcp;
mod misbehaviour;
mod runs;
