//! The MCP servers of a session.
//!
//! Servers come from tiers, merged by name: what is shipped, the user's file, the project's, the
//! room's. A higher tier replaces a whole entry and removes one with `null`. The role says which
//! of them its sessions see; the own servers `warroom` and `memory` are always there, unless the
//! role or the epic wants no servers at all, and two further ones where there is a use for them.
//! Placeholders are filled in last, from the environment and the vault.
//!
//! The result is passed in the session; nobody's own configuration of an agent is ever edited. What
//! is written down for people holds placeholders and masks, never the values behind them.

mod config;
mod edit;
mod merge;
mod own;
mod placeholders;
mod probe;
mod servers;
mod tiers;

pub use config::{ConfigFile, Entry, McpError, Server, parse, schema};
pub use edit::{EditError, Removed, TierFile};
pub use merge::{Servers, Slot, layer, merge};
pub use own::{
    Binding, DASHBOARD, MEMORY, OWN, OwnQuestion, SKILLS, WARROOM, is_essential, own_program,
};
pub use placeholders::{PlaceholderError, Wanted, expand};
pub use probe::{ProbeError, Probed, ProbedTool, probe};
pub use servers::{ServerFilter, SessionServers, available, resolve};
pub use tiers::read_tiers;
