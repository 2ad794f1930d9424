//! Retrieval over the shared memory: which entries of the ledger matter for a question, and how a
//! handful of them is told to an agent.
//!
//! Every process of a project (a tool server, the engine that writes a prompt, a command) asks a
//! [`Catalogue`]. Its state is a cache: an index of words and a file of vectors, both made from the
//! ledger, shared by all processes and safe to delete. Whatever happens to the cache, the answers
//! are those of the ledger.

mod catalogue;
mod decay;
mod digest;
pub mod embedder;
mod error;
mod filter;
mod index;
mod meaning;
mod search;
mod shelf;
mod tokens;
mod vectors;

pub use catalogue::Catalogue;
pub use decay::{FLOOR, worth};
pub use digest::{Digest, digest};
pub use error::MemoryError;
pub use filter::Filter;
pub use meaning::{MAX_EMBEDDED_AT_ONCE, MIN_COSINE};
pub use search::{Answer, DEPTH, Explain, Hit, Mode, Question, RRF_K, TermScore};
pub use shelf::MAX_INDEXED;
