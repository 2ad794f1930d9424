//! Where log lines go and how they look.
//!
//! Always to stderr, because stdout belongs to results and, in a tool server, to the protocol. For
//! a person on a terminal with colours, under a supervisor as JSON, otherwise as plain text.

use std::io::{self, IsTerminal, Write};
use std::sync::{LazyLock, PoisonError, RwLock};

use ostwin_core::env;
use ostwin_core::redact::{Redactor, Secrets};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::EnvFilter;

use crate::{Color, Exit, Failure};

/// What a binary says about its log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Logging {
    /// What is logged unless `RUST_LOG` says otherwise.
    pub level: LevelFilter,
    /// Whether colours are used.
    pub color: Color,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Colored,
    Plain,
    Json,
}

/// Starts logging for the whole process; call it once, before anything is logged.
///
/// # Errors
/// `RUST_LOG` cannot be understood, or logging was started before.
pub fn start_logging(logging: Logging) -> Result<(), Failure> {
    let filter = EnvFilter::builder().with_default_directive(logging.level.into());
    let wanted = env::var("RUST_LOG").unwrap_or_default();
    let filter = filter.parse(&wanted).map_err(|error| {
        Failure::new(Exit::Usage, format!("RUST_LOG is `{wanted}`: {error}"))
            .hint("use a level, such as `debug`, or a list such as `ostwin_engine=debug,info`")
    })?;
    let supervised = ["JOURNAL_STREAM", "INVOCATION_ID"].into_iter().any(is_set);
    let terminal = io::stderr().is_terminal();
    let lines =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(|| Redacting(io::stderr()));
    let started = match format(terminal, supervised, logging.color, is_set("NO_COLOR")) {
        Format::Json => lines.json().flatten_event(true).with_span_list(false).try_init(),
        format => lines.with_ansi(format == Format::Colored).with_target(false).try_init(),
    };
    started.map_err(|error| Failure::new(Exit::Bug, format!("cannot start logging: {error}")))
}

/// What must not be logged: first the secrets of the environment.
static REDACTOR: LazyLock<RwLock<Redactor>> = LazyLock::new(|| {
    // Only a pattern can be wrong, and there is none.
    RwLock::new(Redactor::new(&Secrets::of_this_process(), &[]).unwrap_or_default())
});

/// Has `redactor` replace what must not be told, in log lines and in the error that ends the
/// program: meant for the one of the project, which knows its patterns too.
pub fn redact_log(redactor: &Redactor) {
    *REDACTOR.write().unwrap_or_else(PoisonError::into_inner) = redactor.clone();
}

/// Writes whole texts without what must not be told.
#[derive(Debug)]
pub(crate) struct Redacting<W>(pub(crate) W);

impl<W: Write> Write for Redacting<W> {
    /// Takes the whole of `bytes`, which is one line of the log.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let redactor = REDACTOR.read().unwrap_or_else(PoisonError::into_inner);
        self.0.write_all(&redactor.bytes(bytes))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

fn is_set(name: &str) -> bool {
    env::var_os(name).is_some_and(|value| !value.is_empty())
}

fn format(terminal: bool, supervised: bool, color: Color, no_color: bool) -> Format {
    match color {
        Color::Always => Format::Colored,
        Color::Auto if terminal && !no_color => Format::Colored,
        _ if supervised && !terminal => Format::Json,
        _ => Format::Plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_logged() {
        let secrets = Secrets::of([("LOG_TEST_KEY", "never-to-be-logged")]);
        redact_log(&Redactor::new(&secrets, &["sk-[0-9]+".to_owned()]).unwrap());
        let mut lines = Redacting(Vec::new());
        lines.write_all(b"WARN key=never-to-be-logged sk-123\n").unwrap();
        assert_eq!(lines.0, b"WARN key=[redacted:LOG_TEST_KEY] [redacted]\n");
    }

    #[test]
    fn the_reader_decides_the_format() {
        let formats = [
            format(true, false, Color::Auto, false),
            format(true, true, Color::Auto, false),
            format(true, false, Color::Auto, true),
            format(true, true, Color::Never, false),
            format(false, true, Color::Auto, false),
            format(false, false, Color::Auto, false),
            format(false, false, Color::Always, true),
        ];
        use Format::{Colored, Json, Plain};
        assert_eq!(formats, [Colored, Colored, Plain, Plain, Json, Plain, Colored]);
    }
}
