//! Whether the server is there.

use schemars::JsonSchema;
use serde::Serialize;

use crate::call::Call;
use crate::http::{Nothing, Problem};

/// That the server is there.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Health {
    ok: bool,
    /// Which version it is.
    version: &'static str,
}

pub(super) fn health(_: &Call, _: Nothing, _: Nothing) -> Result<Health, Problem> {
    Ok(Health { ok: true, version: env!("CARGO_PKG_VERSION") })
}
