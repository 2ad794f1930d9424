//! The encoder that is built in: a small sentence transformer with its weights, for English.

use ostwin_core::embedding::{Code, Problem};
use pocket_encoder::model_info;

use crate::encoder::{Encoder, file_safe_name, unit};

pub(crate) struct Bundled {
    name: String,
    dimensions: usize,
    encoder: pocket_encoder::Encoder,
}

impl Bundled {
    /// Unpacks the weights: a tenth of a second and 70 MB.
    ///
    /// # Errors
    /// The weights in this build are broken.
    pub(crate) fn load() -> Result<Self, Problem> {
        let info = model_info();
        let words = info.id.rsplit_once('/').map_or(info.id.as_str(), |(_, words)| words);
        let depends_on = [&info.id, &info.revision, &info.tokenizer_sha256, &info.pooling];
        let fingerprint = format!("{depends_on:?}{}", info.max_tokens);
        let encoder = pocket_encoder::Encoder::new().map_err(|error| broken(&error))?;
        Ok(Self {
            name: file_safe_name(words, fingerprint.as_bytes()),
            dimensions: info.dimensions,
            encoder,
        })
    }
}

fn broken(error: &pocket_encoder::Error) -> Problem {
    Problem::new(Code::Unavailable, format!("the built-in encoder: {error}"))
}

impl Encoder for Bundled {
    fn name(&self) -> &str {
        &self.name
    }

    fn dimensions(&self) -> usize {
        self.dimensions
    }

    fn encode(&mut self, texts: &[&str]) -> Result<Vec<Vec<f32>>, Problem> {
        let vectors = self.encoder.embed(texts).map_err(|error| broken(&error))?;
        vectors.into_iter().map(unit).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cosine(a: &[f32], b: &[f32]) -> f32 {
        a.iter().zip(b).map(|(a, b)| a * b).sum()
    }

    #[test]
    fn what_means_the_same_is_near_and_what_does_not_is_far() {
        let mut encoder = Bundled::load().unwrap();
        let texts = [
            "How do people log in to the website?",
            "Users authenticate on the site with a password.",
            "The volcano erupted and covered the village in ash.",
        ];
        let vectors = encoder.encode(&texts).unwrap();
        assert!(vectors.iter().all(|vector| vector.len() == encoder.dimensions()));
        for vector in &vectors {
            assert!((cosine(vector, vector) - 1.0).abs() < 1e-5);
        }
        let (near, far) = (cosine(&vectors[0], &vectors[1]), cosine(&vectors[0], &vectors[2]));
        assert!(near > 0.4 && far < 0.2, "near {near}, far {far}");
        assert_eq!(encoder.encode(&[]).unwrap(), Vec::<Vec<f32>>::new());
        assert!(encoder.name().starts_with("minilm-l3-q4-g32-v1-"), "{}", encoder.name());
    }
}
