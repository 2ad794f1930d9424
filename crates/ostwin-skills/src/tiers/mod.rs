//! Where skills are found: the room, the role, the project, the user, and what is shipped.
//!
//! A [`Catalog`] lists what every tier has, the broken ones included. A name means the first hit;
//! one that is broken is a problem and is never passed over for one further down.

mod catalog;
mod places;

#[cfg(test)]
mod tests;

pub use catalog::{Broken, Catalog, Entry, Hit};
pub use places::{Place, Places, Tier};
