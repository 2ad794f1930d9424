//! Standard output: text for people, JSON for programs.

use std::io::{self, IsTerminal, Write};

use anyhow::Context as _;
use ostwin_core::env;
use ostwin_service::BaseArgs;
use serde::Serialize;

use crate::view::board::Look;
use crate::view::line::{self, Line};

/// Where results go, and in which form.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Out {
    /// Results are JSON.
    pub(crate) json: bool,
    /// Results are coloured.
    pub(crate) color: bool,
    /// Somebody looks at them.
    pub(crate) terminal: bool,
    unicode: bool,
}

impl Out {
    pub(crate) fn new(base: &BaseArgs) -> Self {
        let stdout = io::stdout();
        Self {
            json: base.json,
            color: base.color.on(&stdout),
            terminal: stdout.is_terminal(),
            unicode: is_unicode(),
        }
    }

    /// Whether a view can be redrawn in place.
    pub(crate) fn is_live(&self) -> bool {
        let dumb = env::var("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
        self.terminal && !self.json && !dumb && in_foreground()
    }

    /// The terminal's width; a usual one where there is none.
    pub(crate) fn look(&self) -> Look {
        let width = self.size().map_or(120, |(width, _)| width);
        Look { width, unicode: self.unicode }
    }

    /// The width of a terminal; nothing is cut where there is none.
    pub(crate) fn width(&self) -> Option<usize> {
        self.size().map(|(width, _)| width)
    }

    /// Columns and lines of the terminal.
    pub(crate) fn size(&self) -> Option<(usize, usize)> {
        if !self.terminal {
            return None;
        }
        let (columns, lines) = crossterm::terminal::size().ok()?;
        (columns > 0 && lines > 0).then(|| (columns.into(), lines.into()))
    }

    /// Writes text as it is.
    pub(crate) fn text(&self, text: &str) -> anyhow::Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())
            .and_then(|()| out.flush())
            .context("cannot write to standard output")
    }

    /// Writes lines.
    pub(crate) fn lines(&self, lines: &[Line]) -> anyhow::Result<()> {
        self.text(&line::render(lines, self.color))
    }

    /// Writes a value as indented JSON.
    pub(crate) fn json<T: Serialize + ?Sized>(&self, value: &T) -> anyhow::Result<()> {
        self.text(&(serde_json::to_string_pretty(value)? + "\n"))
    }

    /// Writes a value as one line of JSON.
    pub(crate) fn json_line<T: Serialize + ?Sized>(&self, value: &T) -> anyhow::Result<()> {
        self.text(&(serde_json::to_string(value)? + "\n"))
    }
}

/// Whether the terminal is ours: a job in the background must neither draw over the prompt nor
/// change the terminal, for which the system would stop it.
fn in_foreground() -> bool {
    let owner = rustix::termios::tcgetpgrp(rustix::stdio::stdout());
    owner.is_ok_and(|owner| owner == rustix::process::getpgrp())
}

/// Writes a remark to standard error, where results do not go.
pub(crate) fn remark(text: &str) {
    // Without a reader there is nobody to tell.
    drop(writeln!(io::stderr(), "{text}"));
}

/// Writes a question to standard error, without an end of line.
pub(crate) fn prompt(text: &str) {
    let mut out = io::stderr();
    // Without a terminal there is nobody to ask.
    drop(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
}

/// Whether the locale has characters beyond ASCII.
fn is_unicode() -> bool {
    let set = |name| env::var(name).filter(|value| !value.is_empty());
    let locale = set("LC_ALL").or_else(|| set("LC_CTYPE")).or_else(|| set("LANG"));
    match locale {
        Some(locale) => {
            let locale = locale.to_lowercase();
            locale.contains("utf-8") || locale.contains("utf8")
        }
        // Without any locale nearly every terminal of today speaks UTF-8.
        None => true,
    }
}
