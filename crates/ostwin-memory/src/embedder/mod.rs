//! Where vectors come from: the one thing that a search by meaning asks of a sentence encoder.
//!
//! The encoder itself is heavy and lives in a process of its own; nothing else of this crate knows
//! how it is reached, only that it may be missing.

mod client;
mod connect;
mod process;

pub use connect::connect;

/// A sentence encoder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// Its name: safe in a file's name, and another one whenever the vectors would be others.
    pub name: String,
    /// How many numbers a vector has.
    pub dimensions: usize,
}

/// Why there are no vectors.
#[derive(Debug, thiserror::Error)]
pub enum EmbedError {
    /// There is no encoder here. Searching goes on by words.
    #[error("{reason}")]
    Unavailable {
        /// Why, and what to do about it.
        reason: String,
    },
    /// The encoder is there and did not answer this time.
    #[error("the encoder failed: {reason}")]
    Failed {
        /// What it said, or how long it was waited for.
        reason: String,
    },
}

/// Something that turns texts into vectors.
pub trait Embed: Send {
    /// Which encoder it is.
    fn model(&self) -> &Model;

    /// A vector of unit length for each text, in their order.
    ///
    /// # Errors
    /// There is none for any of them: see [`EmbedError`].
    fn embed(&mut self, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedError>;
}
