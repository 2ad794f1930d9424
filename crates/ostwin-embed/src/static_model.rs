//! A folder with a static model, as Model2Vec makes them: one vector per word piece, averaged.
//! Many times quicker than a transformer, and there are models for many languages.

use std::fmt::Display;
use std::path::Path;

use model2vec_rs::model::StaticModel as Model;
use ostwin_core::embedding::{Code, Problem};

use crate::encoder::{Encoder, file_safe_name, unit};

/// Longest part of a text that is looked at, in word pieces.
const MAX_TOKENS: usize = 512;

pub(crate) struct Static {
    name: String,
    dimensions: usize,
    model: Model,
}

impl Static {
    /// Reads the model in `folder`, or in the place below it where sentence transformers have it.
    ///
    /// # Errors
    /// There is none, or it is none that can be read.
    pub(crate) fn load(folder: &Path) -> Result<Self, Problem> {
        let wrong = |what: &dyn Display| {
            let message = format!(
                "`{}` holds no static model: {what}; `memory.embedding.path` names a folder with \
                 `model.safetensors` and `tokenizer.json`",
                folder.display()
            );
            Problem::new(Code::InvalidArgument, message)
        };
        let below = folder.join("0_StaticEmbedding");
        let parts = if below.is_dir() { below } else { folder.to_owned() };
        let read = |path: &Path| fs_err::read(path).map_err(|error| wrong(&error));
        let weights = read(&parts.join("model.safetensors"))?;
        let tokenizer = read(&parts.join("tokenizer.json"))?;
        // Whether vectors are normalized is all that it says, and we do that ourselves.
        let config = b"{}".as_slice();
        let model = Model::from_bytes(&tokenizer, &weights, config, Some(true))
            .map_err(|error| wrong(&format!("{error:#}")))?;
        let dimensions = model.dim();
        if dimensions == 0 {
            return Err(wrong(&"its vectors have no numbers"));
        }
        let words = folder.file_name().unwrap_or_default().to_string_lossy();
        let fingerprint = [sample(&weights), sample(&tokenizer)].concat();
        Ok(Self { name: file_safe_name(&words, &fingerprint), dimensions, model })
    }
}

/// A short stand-in for a long file that changes with it: its length, and pieces from all over
/// it. A hash of the whole would take a second or more with each start.
fn sample(bytes: &[u8]) -> Vec<u8> {
    const PIECES: usize = 256;
    const PIECE: usize = 256;
    let mut sample = bytes.len().to_le_bytes().to_vec();
    for piece in bytes.chunks((bytes.len() / PIECES).max(PIECE)) {
        sample.extend(&piece[..piece.len().min(PIECE)]);
    }
    sample
}

impl Encoder for Static {
    fn name(&self) -> &str {
        &self.name
    }

    fn dimensions(&self) -> usize {
        self.dimensions
    }

    fn encode(&mut self, texts: &[&str]) -> Result<Vec<Vec<f32>>, Problem> {
        let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        let vectors = self.model.encode_with_args(&texts, Some(MAX_TOKENS), texts.len().max(1));
        vectors.into_iter().map(unit).collect()
    }
}

#[cfg(test)]
mod tests;
