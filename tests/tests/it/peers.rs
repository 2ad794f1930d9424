//! The tool servers as clients meet them that this project did not write.
//!
//! `cargo xtask peers` installs the clients; `cargo xtask test` does so by itself, and leaves out
//! the tests of what cannot be installed.

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod inspector;
#[cfg(test)]
mod kit;
#[cfg(test)]
mod python_sdk;
