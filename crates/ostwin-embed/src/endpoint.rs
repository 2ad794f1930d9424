//! A service that speaks the embeddings part of the OpenAI API, as most model servers do.

use std::time::Duration;

use ostwin_core::embedding::{Code, Problem};
use ostwin_core::env;
use serde::{Deserialize, Serialize};
use ureq::Agent;
use ureq::tls::{RootCerts, TlsConfig};

use crate::encoder::{Encoder, file_safe_name, unit};

/// How long one answer may take, connecting and reading included. Whoever waits for us waits a
/// little longer, so that it hears what was wrong.
const PATIENCE: Duration = Duration::from_secs(8);
/// The longest answer, in bytes: 256 vectors of 4,096 numbers in full length.
const MAX_ANSWER_BYTES: u64 = 32 * 1024 * 1024;
/// The most that is told of what a service said about its refusal.
const MAX_TOLD_CHARS: usize = 300;
/// The text that a service is asked for its vectors' length with.
const PROBE: &str = "dimensions";

pub(crate) struct Endpoint {
    name: String,
    dimensions: usize,
    service: Service,
}

/// How the service is reached.
struct Service {
    agent: Agent,
    address: String,
    model: String,
    key: Option<String>,
}

#[derive(Serialize)]
struct Asked<'a> {
    model: &'a str,
    input: &'a [&'a str],
    encoding_format: &'static str,
}

#[derive(Deserialize)]
struct Answered {
    data: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    index: usize,
    embedding: Vec<f32>,
}

impl Endpoint {
    /// Asks the service at `url` for one vector, to see that it answers and how long vectors are.
    ///
    /// # Errors
    /// The address makes no sense, or the service gave no usable answer.
    pub(crate) fn connect(url: &str, model: &str, key: Option<String>) -> Result<Self, Problem> {
        let address = address(url)?;
        let tls = TlsConfig::builder().root_certs(RootCerts::WebPki).build();
        let config = Agent::config_builder()
            .timeout_global(Some(PATIENCE))
            .http_status_as_error(false)
            .max_redirects(0)
            .tls_config(tls)
            .user_agent(concat!("ostwin/", env!("CARGO_PKG_VERSION")))
            .build();
        let name = file_safe_name(model, format!("{address}\n{model}").as_bytes());
        let service = Service { agent: config.into(), address, model: model.to_owned(), key };
        let probe = service.ask(&[PROBE])?;
        let dimensions = probe.first().map_or(0, Vec::len);
        if dimensions == 0 {
            return Err(service.failed("its vectors have no numbers"));
        }
        Ok(Self { name, dimensions, service })
    }
}

/// The address of the embeddings below a base address, which may name part of it already.
fn address(url: &str) -> Result<String, Problem> {
    let wrong = |what: &str| {
        let message = format!("`memory.embedding.url` is `{url}`: {what}");
        Err(Problem::new(Code::InvalidArgument, message))
    };
    let Some((scheme, rest)) = url.split_once("://") else {
        return wrong("it begins with neither `http://` nor `https://`");
    };
    if !["http", "https"].contains(&scheme) {
        return wrong("it begins with neither `http://` nor `https://`");
    }
    if rest.split(['/', '?', '#']).next().is_none_or(str::is_empty) {
        return wrong("it names no host");
    }
    if rest.contains(['?', '#']) {
        return wrong("it is the base address, so it has no `?` and no `#`");
    }
    let base = url.trim_end_matches('/');
    let base = base.strip_suffix("/embeddings").unwrap_or(base);
    let base = base.strip_suffix("/v1").unwrap_or(base);
    Ok(format!("{base}/v1/embeddings"))
}

impl Service {
    fn failed(&self, what: &str) -> Problem {
        Problem::new(Code::Unavailable, format!("`{}`: {what}", self.address))
    }

    /// The vectors of these texts, as the service gives them.
    fn ask(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, Problem> {
        let asked = Asked { model: &self.model, input: texts, encoding_format: "float" };
        let asked = serde_json::to_vec(&asked).map_err(|error| self.failed(&error.to_string()))?;
        let mut request = self.agent.post(&self.address).content_type("application/json");
        if let Some(key) = &self.key {
            request = request.header("Authorization", format!("Bearer {key}"));
        }
        let mut response = request.send(&asked).map_err(|error| self.failed(&error.to_string()))?;
        let status = response.status();
        let body = response.body_mut().with_config().limit(MAX_ANSWER_BYTES);
        if !status.is_success() {
            let said = body.lossy_utf8(true).read_to_string().unwrap_or_default();
            return Err(self.refused(status.as_u16(), &said));
        }
        let answered: Answered =
            body.read_json().map_err(|error| self.failed(&format!("its answer: {error}")))?;
        self.in_order(answered, texts.len())
    }

    /// What it answered instead of vectors, with what to do where that is known.
    fn refused(&self, status: u16, said: &str) -> Problem {
        let advice = match status {
            401 | 403 if self.key.is_none() => {
                format!("; put its key into the variable {}", env::EMBEDDING_KEY)
            }
            401 | 403 => format!("; look at its key in the variable {}", env::EMBEDDING_KEY),
            404 => "; look at `memory.embedding.url` and `memory.embedding.model`".to_owned(),
            _ => String::new(),
        };
        let said: String = said.split_whitespace().collect::<Vec<_>>().join(" ");
        let said: String = said.chars().take(MAX_TOLD_CHARS).collect();
        let said = if said.is_empty() { said } else { format!(": {said}") };
        self.failed(&format!("it answered {status}{said}{advice}"))
    }

    /// The vectors by the index that each carries; exactly one for each text.
    fn in_order(&self, answered: Answered, texts: usize) -> Result<Vec<Vec<f32>>, Problem> {
        let mut vectors = vec![None; texts];
        for item in answered.data {
            match vectors.get_mut(item.index) {
                Some(place @ None) => *place = Some(item.embedding),
                _ => return Err(self.failed("its answer has vectors nobody asked for")),
            }
        }
        vectors
            .into_iter()
            .collect::<Option<_>>()
            .ok_or_else(|| self.failed("its answer has too few vectors"))
    }
}

impl Encoder for Endpoint {
    fn name(&self) -> &str {
        &self.name
    }

    fn dimensions(&self) -> usize {
        self.dimensions
    }

    fn encode(&mut self, texts: &[&str]) -> Result<Vec<Vec<f32>>, Problem> {
        let vectors = self.service.ask(texts)?;
        if let Some(other) = vectors.iter().find(|vector| vector.len() != self.dimensions) {
            let (now, before) = (other.len(), self.dimensions);
            return Err(self.service.failed(&format!(
                "its vectors had {before} numbers before, now one has {now}: is there another \
                 model behind the same name?"
            )));
        }
        vectors.into_iter().map(unit).collect()
    }
}

#[cfg(test)]
mod tests;
