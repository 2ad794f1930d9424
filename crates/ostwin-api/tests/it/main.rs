//! The server as clients meet it: on a port of its own, over a temporary project.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking; clippy does not take its helpers for a test"
)]

mod budget;
mod contract;
mod door;
mod hostile;
mod inbox;
mod memory;
mod plans;
mod projects;
mod reads;
mod settings;
mod stream;
mod support;
mod team;
