//! Retrieval over the shared memory: which entries of the ledger matter for a question, and how a
//! handful of them is told to an agent.
//!
//! Everything here is a pure function over entries and a point in time. Whoever holds the entries
//! (a tool server, the engine that writes a prompt, a dashboard) reads the ledger and asks; this
//! crate reads no file and no clock.

mod decay;
mod digest;
pub mod embedder;
mod index;
mod tokens;

pub use decay::{FLOOR, worth};
pub use digest::{Digest, digest};
pub use index::{B, Explain, Filter, Hit, Index, K1, TermScore, search};
pub use tokens::tokens;
