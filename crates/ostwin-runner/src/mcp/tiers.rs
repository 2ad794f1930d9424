//! Reading the files of all tiers: the edge between them and the merge.

use std::path::Path;

use ostwin_core::fs;
use ostwin_core::layout::{self, Layout, RoomPaths};

use super::config::{McpError, parse};
use super::merge::{Servers, layer, merge};

/// Largest file of MCP servers that is read, in bytes.
const MAX_MCP_BYTES: u64 = 1 << 20;

/// The servers that files name, merged: the user's, whose settings folder is `config_dir`, the
/// project's, and those of a room; and what is odd in them.
///
/// # Errors
/// A file cannot be read, or is none of MCP servers.
pub fn read_tiers(
    config_dir: Option<&Path>,
    layout: &Layout,
    room: Option<&RoomPaths>,
) -> Result<(Servers, Vec<String>), McpError> {
    let files = config_dir.map(layout::user_mcp).into_iter();
    let files = files.chain([layout.mcp_config()]).chain(room.map(RoomPaths::mcp));
    let (mut merged, mut warnings) = (Servers::new(), Vec::new());
    for path in files {
        if let Some(bytes) = fs::read_optional(&path, MAX_MCP_BYTES)? {
            let mut file = parse(&path, &bytes)?;
            warnings.append(&mut file.warnings);
            merged = merge(merged, layer(&path, file));
        }
    }
    Ok((merged, warnings))
}
