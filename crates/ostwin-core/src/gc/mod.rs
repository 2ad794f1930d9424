//! Making space: which files of a project nobody needs any more, and their removal.
//!
//! What tells what happened is never among them: audits, channels, the ledger, contracts, the
//! records of attempts, plans. What goes is what sessions left beside their records once the room
//! is finished, what can be made again, and what killed processes left half done. Nothing of a plan
//! is touched while an engine drives it, and no link is followed.

mod measure;
mod sweep;
#[cfg(test)]
mod tests;

pub use sweep::{GcError, Item, Keep, Kept, Removed, Sweep, What, sweep};
