//! What commands print: pure functions from values to lines.
//!
//! Whatever agents wrote passes through [`text`], so that no control character of theirs reaches
//! a terminal.

pub(crate) mod board;
pub(crate) mod event;
pub(crate) mod figures;
pub(crate) mod line;
pub(crate) mod mcp;
pub(crate) mod memory;
pub(crate) mod message;
pub(crate) mod plan;
pub(crate) mod role;
pub(crate) mod room;
pub(crate) mod session;
pub(crate) mod skills;
pub(crate) mod table;
pub(crate) mod text;
pub(crate) mod transcript;

#[cfg(test)]
pub(crate) mod fixture;
