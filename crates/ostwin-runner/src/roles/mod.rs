//! Finding a role: five tiers, and a made one as the last resort.
//!
//! A role is a folder with `role.json` and its prompt. It is looked for in the room, the project,
//! the user's own folder, what is shipped inside the binary, and the registry: an entry that points
//! elsewhere, then the entry that covers most of the required capabilities. The first hit wins, and
//! a hit that is broken is an error, never passed over. If nothing is found, a role can be made
//! from a fixed template.
//!
//! The module owns the shipped roles and reads the others; only [`create_dynamic_role`],
//! [`new_role`], [`clone_role`], [`save_role`] and [`remove_role`] write.

mod check;
mod discover;
mod dynamic;
mod edit;
mod error;
mod hashes;
mod listing;
mod make;
mod plan_options;
mod read;
mod shipped;

#[cfg(test)]
mod tests;

pub use check::{Nameable, RoleFinding, RoleSeverity, check_role};
pub use discover::{ResolvedRole, RolePlaces, RoleTier, Wanted, find_role};
pub use dynamic::{Created, create_dynamic_role, role_template};
pub use edit::{RoleText, remove_role, role_text, save_role};
pub use error::RoleError;
pub use hashes::role_hashes;
pub use listing::{ListedRole, RoleListing, every_role, list_roles, read_listed};
pub use make::{clone_role, new_role};
pub use plan_options::plan_options;
pub use shipped::{ShippedFile, shipped_files, shipped_registry};
