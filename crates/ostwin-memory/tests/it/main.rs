//! The shared memory as its users ask it: real ledgers, a real cache, an encoder that is easy to
//! predict.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking; clippy does not take its helpers for a test"
)]

mod cache;
mod meaning;
mod search;
mod world;
