//! The file schema of an OSTwin project and its rules.
//!
//! Every subsystem meets the others in the files below `.agents/`; this crate is the only place
//! that knows their names, their layout and the rules for changing them. It is plain blocking
//! code: no async runtime, no network. Modules are listed from the ground up.

pub mod embedding;
pub mod env;
pub mod fs;
pub mod ids;
pub mod json;
pub mod jsonl;
pub mod layout;
pub mod lock;
pub mod programs;
pub mod redact;
pub mod store;
pub mod time;
pub mod yaml;

pub mod config;
pub mod dag;
pub mod lifecycle;
pub mod plan;
pub mod registry;
pub mod roles;

pub mod artifacts;
pub mod channel;
pub mod ledger;
pub mod room;
pub mod skills_index;
pub mod skills_lock;
pub mod vault;

pub mod budget;
pub mod control;
pub mod earlier;
pub mod events;
pub mod gc;
pub mod health;
pub mod migrate;
pub mod plan_review;
pub mod plans;
pub mod project;
pub mod schemas;

pub mod board;
