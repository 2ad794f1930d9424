//! What this project offers, as programs meet it that it did not write: clients of the tool servers,
//! and agents.
//!
//! `cargo xtask peers` installs the clients; `cargo xtask test` does so by itself, and leaves out
//! the tests of what cannot be installed.

#[cfg(test)]
mod conformance;
#[cfg(all(test, target_os = "linux", target_arch = "x86_64"))]
mod gemini;
#[cfg(test)]
mod inspector;
#[cfg(test)]
mod kit;
#[cfg(all(test, target_os = "linux", target_arch = "x86_64"))]
mod model;
#[cfg(all(test, target_os = "linux", target_arch = "x86_64"))]
mod opencode;
#[cfg(test)]
mod python_sdk;
#[cfg(test)]
mod schemathesis;
