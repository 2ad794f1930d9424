//! The MCP servers of a session.
//!
//! Servers come from tiers, merged by name: what is shipped, the user's file, the project's, the
//! room's. A higher tier replaces a whole entry and removes one with `null`. The role says which
//! of them its sessions see; the own servers `warroom` and `memory` are always there, unless the
//! role or the epic wants no servers at all. Placeholders are filled in last, from the environment.
//!
//! The result is passed in the session; nobody's own configuration of an agent is ever edited. What
//! is written down for people holds placeholders and masks, never the values behind them.

mod config;
mod merge;
mod placeholders;
mod servers;

pub use config::{ConfigFile, Entry, McpError, Server, parse, schema};
pub use merge::{Servers, Slot, layer, merge};
pub use placeholders::{PlaceholderError, expand};
pub use servers::{
    Binding, MEMORY, RemoteServer, ServerFilter, SessionServers, WARROOM, own_servers, resolve,
};
