//! Reaching the encoder that the settings name.

use ostwin_core::config::{EmbeddingKind, EmbeddingSettings};

use super::{Embed, EmbedError};

/// The encoder that the settings name.
///
/// # Errors
/// [`EmbedError::Unavailable`]: there is none, and why.
pub fn connect(settings: &EmbeddingSettings) -> Result<Box<dyn Embed>, EmbedError> {
    let reason = match settings.kind {
        EmbeddingKind::None => "`memory.embedding.kind` is `none`",
        EmbeddingKind::Embedder | EmbeddingKind::Static | EmbeddingKind::Endpoint => {
            "`ostwin-embedder` is not installed"
        }
    };
    Err(EmbedError::Unavailable { reason: reason.to_owned() })
}
