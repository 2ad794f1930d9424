//! The script: a JSON file that says who does what, and what goes wrong.

mod load;
mod steps;
mod types;

pub(crate) use load::schema;
pub(crate) use steps::{
    Crash, Flood, FloodTo, Hang, Human, Impersonate, Late, Memory, Nudge, Post, Progress, Step,
};
pub(crate) use types::{Cue, PlanAnswer, Script};
