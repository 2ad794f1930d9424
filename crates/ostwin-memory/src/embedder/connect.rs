//! Reaching the encoder that the settings name.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use ostwin_core::config::{EmbeddingKind, EmbeddingSettings};
use ostwin_core::embedding::PROGRAM;
use ostwin_core::env;
use ostwin_core::programs::Programs;

use super::client::Client;
use super::{Embed, EmbedError};

/// The encoder that the settings name, started and greeted. A relative
/// `memory.embedding.path` begins at `root`, the project's.
///
/// # Errors
/// [`EmbedError::Unavailable`]: there is none, and why.
pub fn connect(settings: &EmbeddingSettings, root: &Path) -> Result<Box<dyn Embed>, EmbedError> {
    let launch = Launch::from_settings(settings, root, &Programs::of_this_process())?;
    Ok(Box::new(Client::start(launch)?))
}

/// How the encoder's program is started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Launch {
    pub(super) program: PathBuf,
    pub(super) args: Vec<OsString>,
}

impl Launch {
    fn from_settings(
        settings: &EmbeddingSettings,
        root: &Path,
        programs: &Programs,
    ) -> Result<Self, EmbedError> {
        let args = arguments(settings, root)?;
        let program = programs.find(PROGRAM).ok_or_else(|| {
            unavailable(format!(
                "`{PROGRAM}` is not installed: build it (`cargo build --bin {PROGRAM}`), or name \
                 its folder in {}",
                env::BIN_DIR
            ))
        })?;
        Ok(Self { program, args })
    }
}

/// The arguments that stand for the settings. They are seen by everyone on this machine, so that
/// an address with a password in it is refused.
fn arguments(settings: &EmbeddingSettings, root: &Path) -> Result<Vec<OsString>, EmbedError> {
    let missing = |key: &str| {
        let kind = match settings.kind {
            EmbeddingKind::Static => "static",
            _ => "endpoint",
        };
        unavailable(format!(
            "`memory.embedding.kind` is `{kind}`, and `memory.embedding.{key}` is not set"
        ))
    };
    Ok(match settings.kind {
        EmbeddingKind::None => {
            return Err(unavailable("`memory.embedding.kind` is `none`".to_owned()));
        }
        EmbeddingKind::Embedder => vec!["--kind".into(), "bundled".into()],
        EmbeddingKind::Static => {
            let path = settings.path.as_ref().ok_or_else(|| missing("path"))?;
            vec!["--kind".into(), "static".into(), "--path".into(), root.join(path).into()]
        }
        EmbeddingKind::Endpoint => {
            let url = settings.url.as_ref().ok_or_else(|| missing("url"))?;
            let model = settings.model.as_ref().ok_or_else(|| missing("model"))?;
            if has_account(url) {
                return Err(unavailable(format!(
                    "`memory.embedding.url` names an account, which everyone on this machine \
                     could read: leave it out, and put a key into the variable {}",
                    env::EMBEDDING_KEY
                )));
            }
            let named = |name: &str, value: &str| OsString::from(format!("--{name}={value}"));
            vec![named("kind", "endpoint"), named("url", url), named("model", model)]
        }
    })
}

/// Whether there is an account, perhaps with a password, before the host.
fn has_account(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().is_some_and(|host| host.contains('@'))
}

fn unavailable(reason: String) -> EmbedError {
    EmbedError::Unavailable { reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(kind: EmbeddingKind) -> EmbeddingSettings {
        EmbeddingSettings { kind, ..EmbeddingSettings::default() }
    }

    fn words(settings: &EmbeddingSettings) -> Result<String, String> {
        let args = arguments(settings, Path::new("/project")).map_err(|error| error.to_string())?;
        let args: Vec<String> = args.iter().map(|arg| arg.to_string_lossy().into()).collect();
        Ok(args.join(" "))
    }

    #[test]
    fn each_kind_has_its_arguments() {
        assert_eq!(words(&settings(EmbeddingKind::Embedder)).unwrap(), "--kind bundled");
        let small = EmbeddingSettings {
            path: Some("models/small".to_owned()),
            ..settings(EmbeddingKind::Static)
        };
        assert_eq!(words(&small).unwrap(), "--kind static --path /project/models/small");
        let absolute = EmbeddingSettings {
            path: Some("/models".to_owned()),
            ..settings(EmbeddingKind::Static)
        };
        assert_eq!(words(&absolute).unwrap(), "--kind static --path /models");
        let service = EmbeddingSettings {
            url: Some("http://localhost:1".to_owned()),
            model: Some("--kind".to_owned()),
            ..settings(EmbeddingKind::Endpoint)
        };
        let expected = "--kind=endpoint --url=http://localhost:1 --model=--kind";
        assert_eq!(words(&service).unwrap(), expected);
    }

    #[test]
    fn what_is_missing_is_named() {
        let none = words(&settings(EmbeddingKind::None)).unwrap_err();
        assert_eq!(none, "`memory.embedding.kind` is `none`");
        let path = words(&settings(EmbeddingKind::Static)).unwrap_err();
        assert_eq!(
            path,
            "`memory.embedding.kind` is `static`, and `memory.embedding.path` is not set"
        );
        let mut service = settings(EmbeddingKind::Endpoint);
        assert!(words(&service).unwrap_err().contains("`memory.embedding.url` is not set"));
        service.url = Some("http://localhost".to_owned());
        assert!(words(&service).unwrap_err().contains("`memory.embedding.model` is not set"));
        service.model = Some("m".to_owned());
        service.url = Some("https://me:secret@models.example.org/v1".to_owned());
        let refused = words(&service).unwrap_err();
        assert!(refused.contains("names an account") && !refused.contains("secret"), "{refused}");
        service.url = Some("https://models.example.org/v1/@me".to_owned());
        assert!(words(&service).is_ok());
    }

    #[test]
    fn without_the_program_it_is_told_what_to_do() {
        let none = Programs::default();
        let wanted = settings(EmbeddingKind::Embedder);
        let error = Launch::from_settings(&wanted, Path::new("/"), &none).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`ostwin-embedder` is not installed: build it (`cargo build --bin ostwin-embedder`), \
             or name its folder in OSTWIN_BIN_DIR"
        );
    }
}
