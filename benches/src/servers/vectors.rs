//! Vectors for a ledger of any size, without the hours that a sentence encoder would take.
//!
//! The labelled sentences of the quality benchmark are encoded for once. Every entry gets the
//! vector of one of them, turned a little, so that questions find as many near ones as they would
//! among real texts.

use anyhow::{Result, bail};
use ostwin_core::config::MemorySettings;
use ostwin_core::project::Project;
use ostwin_memory::embedder::{Embed, EmbedError, Model, connect};
use ostwin_memory::{Catalogue, Filter, Mode, Question};

use super::corpus::Numbers;

/// How far a vector is turned: its cosine to the one it was made from is about 0.8.
const TURN: f32 = 0.75;

/// Sentences that are encoded by one call.
const AT_ONCE: usize = 32;

/// Gives every text the vector of some sentence, turned.
struct Borrowed {
    model: Model,
    sentences: Vec<Vec<f32>>,
    numbers: Numbers,
}

impl Embed for Borrowed {
    fn model(&self) -> &Model {
        &self.model
    }

    fn embed(&mut self, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedError> {
        Ok(texts.iter().map(|_| self.next()).collect())
    }
}

impl Borrowed {
    fn next(&mut self) -> Vec<f32> {
        let sentence = self.numbers.below(self.sentences.len());
        // Steps that are spread evenly up to this one add up to a vector of length `TURN`.
        let step = TURN * (3.0 / self.model.dimensions as f32).sqrt();
        let turned: Vec<f32> = self.sentences[sentence]
            .iter()
            .map(|own| own + step * (self.numbers.share() as f32 * 2.0 - 1.0))
            .collect();
        let length = turned.iter().map(|own| own * own).sum::<f32>().sqrt();
        turned.iter().map(|own| own / length).collect()
    }
}

/// Gives every entry of the project's ledger a vector; or says why there is no encoder.
pub(super) fn make(project: &Project, sentences: &[&str]) -> Result<Result<(), String>> {
    let settings = MemorySettings::default();
    let mut encoder = match connect(&settings.embedding, project.layout().root()) {
        Ok(encoder) => encoder,
        Err(error) => return Ok(Err(error.to_string())),
    };
    let mut vectors = Vec::with_capacity(sentences.len());
    for some in sentences.chunks(AT_ONCE) {
        vectors.extend(encoder.embed(some)?);
    }
    let model = encoder.model().clone();
    let borrowed = Borrowed { model, sentences: vectors, numbers: Numbers::new() };
    let mut catalogue = Catalogue::with_encoder(project, &settings, Box::new(borrowed));
    let question = Question {
        text: "anything".to_owned(),
        filter: Filter::default(),
        mode: Mode::Semantic,
        limit: 1,
        explain: false,
    };
    let mut missing = usize::MAX;
    while missing > 0 {
        let answer = catalogue.search(&question)?;
        if answer.not_yet_embedded >= missing {
            bail!("{missing} entries have no vector, and a search makes none");
        }
        missing = answer.not_yet_embedded;
    }
    Ok(Ok(()))
}
