//! What can be typed.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use ostwin_core::embedding::{Code, Problem};
use ostwin_core::env;
use ostwin_embed::Source;

/// Turns text into vectors, on standard input and output
///
/// Each line of the input is a request, `{"id":1,"texts":["some text"]}`, and is answered with one
/// line, `{"id":1,"vectors":[[0.1,...]]}` or `{"id":1,"error":{"code":"...","message":"..."}}`.
/// The first line of the output says which model it is. Searching by meaning starts this program
/// when it needs it; it ends by itself.
#[derive(Debug, Parser)]
#[command(name = "ostwin-embedder", version, after_long_help = AFTER)]
pub(crate) struct Args {
    /// Where vectors come from
    #[arg(long, value_enum, default_value_t)]
    kind: Kind,
    /// Folder of the model, for `static`
    #[arg(long, value_name = "DIR", required_if_eq("kind", "static"))]
    path: Option<PathBuf>,
    /// Base address of the service, for `endpoint`
    #[arg(long, value_name = "URL", required_if_eq("kind", "endpoint"))]
    url: Option<String>,
    /// Name of the model, for `endpoint`
    #[arg(long, value_name = "NAME", required_if_eq("kind", "endpoint"))]
    model: Option<String>,
    /// Seconds without a request after which it ends
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    idle_seconds: u32,
}

const AFTER: &str = "\
Environment:
  OSTWIN_EMBEDDING_KEY  the key of the service, for `endpoint`
  RAYON_NUM_THREADS     how many threads encode one text; a search sets it to 1";

/// Kinds of encoders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// The built-in model, for English
    #[default]
    Bundled,
    /// A static model in a folder
    Static,
    /// A service with `/v1/embeddings`
    Endpoint,
}

impl Args {
    /// The encoder that is wanted.
    ///
    /// # Errors
    /// An argument of its kind is missing.
    pub(crate) fn source(&self) -> Result<Source, Problem> {
        let missing = |what| Problem::new(Code::InvalidArgument, format!("`{what}` is missing"));
        Ok(match self.kind {
            Kind::Bundled => Source::Bundled,
            Kind::Static => {
                Source::Static { path: self.path.clone().ok_or_else(|| missing("--path"))? }
            }
            Kind::Endpoint => Source::Endpoint {
                url: self.url.clone().ok_or_else(|| missing("--url"))?,
                model: self.model.clone().ok_or_else(|| missing("--model"))?,
                key: env::var(env::EMBEDDING_KEY).filter(|key| !key.is_empty()),
            },
        })
    }

    /// How long it waits for a request.
    pub(crate) fn idle(&self) -> Duration {
        Duration::from_secs(self.idle_seconds.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(args: &[&str]) -> Source {
        let args = Args::parse_from([&["ostwin-embedder"], args].concat());
        args.source().unwrap()
    }

    #[test]
    fn each_kind_has_its_arguments() {
        assert_eq!(source(&[]), Source::Bundled);
        assert_eq!(
            source(&["--kind", "static", "--path", "models/small"]),
            Source::Static { path: "models/small".into() }
        );
        let endpoint =
            source(&["--kind", "endpoint", "--url", "http://localhost:1", "--model", "m"]);
        assert!(matches!(endpoint, Source::Endpoint { model, .. } if model == "m"));
        for kind in ["static", "endpoint", "other"] {
            assert!(Args::try_parse_from(["ostwin-embedder", "--kind", kind]).is_err());
        }
    }
}
