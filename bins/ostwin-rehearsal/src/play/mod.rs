//! Playing a part: one step after another.

mod mischief;
mod player;

pub(crate) use player::{TurnEnd, turn};
