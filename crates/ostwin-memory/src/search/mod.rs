//! What is asked of the shared memory, and how an answer is ranked.
//!
//! Two lists answer a question: one by its words, one by its meaning. They are fused by the ranks
//! that an entry has in them, because their scores have no common measure. A rank by words counts the
//! more, the more of the question the entry holds: one common word among six says little. What comes
//! out is multiplied by what is left of the entry's worth at its age.

mod fuse;
mod question;

pub use fuse::{DEPTH, RRF_K};
pub(crate) use fuse::{Ranked, Worded, aged, best_first, fuse};
pub use question::{Answer, Explain, Hit, Mode, Question, TermScore};
