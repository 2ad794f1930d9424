//! The rehearsal agent as its clients see it: the real binary, and lines of JSON.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests fail by panicking too"
)]

mod client;
mod command_line;
mod playing;
