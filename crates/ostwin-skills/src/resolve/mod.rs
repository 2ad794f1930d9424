//! Which skills a session gets, and why: a pure function of a catalogue and of who asks.
//!
//! Asked for are the references of role, room, plan and settings, and what lies in the folders of
//! the room, the role and the project for this role. What a skill builds on comes with it. Gates
//! then take out what does not fit; a skill is given only with everything that it builds on. Which
//! roles a skill is for counts only where nobody names it. Every skill that is given or left out
//! says who asked for it.

mod circle;
mod closure;
mod gates;
mod outcome;

#[cfg(test)]
mod tests;

pub use circle::CircleError;
pub use closure::{Request, resolve};
pub use gates::Gates;
pub use outcome::{
    Asker, DEPENDENCY, FOLDER, LeftOut, MissingSkills, Reason, Reference, Resolution, ResolvedSkill,
};
