//! The server as clients meet it: on a port of its own, over a temporary project.

mod door;
mod hostile;
mod inbox;
mod memory;
mod plans;
mod reads;
mod settings;
mod stream;
mod support;
mod team;
