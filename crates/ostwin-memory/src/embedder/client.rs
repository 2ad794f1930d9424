//! Asking the encoder's process, which may end at any time: it does so when nothing was asked for a
//! minute, and is started again by the next question.

use std::time::Duration;

use ostwin_core::embedding::{Answer, Greeting, Request, head};
use serde::de::DeserializeOwned;

use super::connect::Launch;
use super::process::{Lost, Process};
use super::{Embed, EmbedError, Model};

/// How long one line is waited for; a service has eight seconds of it.
const PATIENCE: Duration = Duration::from_secs(10);
/// Texts of one request: few enough that each is answered long before the patience ends, also on
/// a slow machine.
const TEXTS_AT_ONCE: usize = 32;
/// The most numbers of a vector: more than any model in use has.
const MAX_DIMENSIONS: usize = 65_536;

/// An encoder in a process of its own.
#[derive(Debug)]
pub(super) struct Client {
    launch: Launch,
    patience: Duration,
    model: Model,
    process: Option<Process>,
    asked: u64,
}

impl Client {
    /// Starts the process and hears which encoder it is.
    ///
    /// # Errors
    /// [`EmbedError::Unavailable`]: it cannot be started, or it says that it has no encoder.
    pub(super) fn start(launch: Launch) -> Result<Self, EmbedError> {
        Self::start_patiently(launch, PATIENCE)
    }

    fn start_patiently(launch: Launch, patience: Duration) -> Result<Self, EmbedError> {
        let (process, model) = start(&launch, patience)?;
        Ok(Self { launch, patience, model, process: Some(process), asked: 0 })
    }

    /// The vectors of texts that fit into one request.
    fn ask(&mut self, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedError> {
        self.asked += 1;
        let texts = texts.iter().map(|text| head(text).to_owned()).collect();
        let request = Request { id: self.asked, texts };
        let line = serde_json::to_vec(&request).map_err(|error| failed(&error.to_string()))?;
        let answer = match self.exchange(line.clone()) {
            // It may have ended because it was idle, which is no failure.
            Err(Lost::Ended(_)) => {
                self.restart()?;
                self.exchange(line)
            }
            answer => answer,
        };
        let line = answer.map_err(|lost| {
            self.process = None;
            failed(&lost.to_string())
        })?;
        let answer: Answer = self.read(&line)?;
        if answer.id != Some(request.id) {
            return Err(self.give_up("it answered another question"));
        }
        if let Some(problem) = answer.error {
            return Err(failed(&problem.message));
        }
        let vectors = answer.vectors.unwrap_or_default();
        let dimensions = self.model.dimensions;
        let is_whole =
            |vector: &Vec<f32>| vector.len() == dimensions && vector.iter().all(|n| n.is_finite());
        if vectors.len() != request.texts.len() || !vectors.iter().all(is_whole) {
            return Err(self.give_up("its answer has not one whole vector for each text"));
        }
        Ok(vectors)
    }

    fn exchange(&mut self, line: Vec<u8>) -> Result<Vec<u8>, Lost> {
        let Some(process) = &self.process else {
            return Err(Lost::Ended("not started".to_owned()));
        };
        process.send(line);
        process.receive(self.patience)
    }

    /// Starts the process again. If it is another encoder now, its vectors can't be held against
    /// those of before: this question fails, and the next is asked of the new one.
    fn restart(&mut self) -> Result<(), EmbedError> {
        self.process = None;
        let (process, model) = start(&self.launch, self.patience)?;
        self.process = Some(process);
        if model != self.model {
            let reason = format!("it is now `{}`, and was `{}`", model.name, self.model.name);
            self.model = model;
            return Err(failed(&reason));
        }
        Ok(())
    }

    fn read<T: DeserializeOwned>(&mut self, line: &[u8]) -> Result<T, EmbedError> {
        serde_json::from_slice(line)
            .map_err(|error| self.give_up(&format!("what it says makes no sense: {error}")))
    }

    /// Ends a process that does not keep to the rules; the next question starts a new one.
    fn give_up(&mut self, reason: &str) -> EmbedError {
        self.process = None;
        failed(reason)
    }
}

impl Embed for Client {
    fn model(&self) -> &Model {
        &self.model
    }

    fn embed(&mut self, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedError> {
        let mut vectors = Vec::with_capacity(texts.len());
        for texts in texts.chunks(TEXTS_AT_ONCE) {
            vectors.append(&mut self.ask(texts)?);
        }
        Ok(vectors)
    }
}

/// Starts the process and hears its greeting.
fn start(launch: &Launch, patience: Duration) -> Result<(Process, Model), EmbedError> {
    let unavailable = |reason: &str| EmbedError::Unavailable {
        reason: format!("`{}`: {reason}", launch.program.display()),
    };
    let process = Process::start(launch).map_err(|error| unavailable(&error.to_string()))?;
    let line = process.receive(patience).map_err(|lost| unavailable(&lost.to_string()))?;
    let greeting: Greeting = serde_json::from_slice(&line)
        .map_err(|error| unavailable(&format!("its greeting makes no sense: {error}")))?;
    if let Some(problem) = greeting.error {
        return Err(EmbedError::Unavailable { reason: problem.message });
    }
    let (Some(name), Some(dimensions)) = (greeting.model, greeting.dimensions) else {
        return Err(unavailable("its greeting names no model"));
    };
    if !is_file_name(&name) || !(1..=MAX_DIMENSIONS).contains(&dimensions) {
        return Err(unavailable("its greeting names no model that can be"));
    }
    Ok((process, Model { name, dimensions }))
}

/// Whether a name can be part of a file's name and nothing else.
fn is_file_name(name: &str) -> bool {
    let is_safe = |char: char| char.is_ascii_alphanumeric() || "-_".contains(char);
    !name.is_empty() && name.len() <= 100 && name.chars().all(is_safe)
}

fn failed(reason: &str) -> EmbedError {
    EmbedError::Failed { reason: reason.to_owned() }
}

#[cfg(test)]
mod tests;
