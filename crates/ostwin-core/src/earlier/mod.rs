//! Projects of the earlier OSTwin, the program in PowerShell and Python: where its files are, what
//! they say, and what that means here.
//!
//! Nothing in such a project is ever changed. Its files were written by many hands, so reading is
//! lenient: what makes no sense becomes a [`Note`], and the rest is taken. What has no counterpart
//! here (its state machines, its copies of settings per room, its caches) is not taken at all.

mod map;
mod places;
mod read;
#[cfg(test)]
mod tests;

pub use map::{PastMemory, RoleMapped, memory, message, nearest_state, role};
pub use places::OWN_SERVERS;
pub use read::{
    Earlier, EarlierError, EarlierPlan, EarlierRole, EarlierRoom, EarlierSkill, Lines, Note, read,
};
