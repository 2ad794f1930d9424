//! Errors on their way to the person: with an exit code, hints, and the chain of causes.

use std::error::Error;
use std::fmt;
use std::io::{self, Write};

use ostwin_core::fs::FsError;
use ostwin_core::ids::NameError;
use ostwin_core::lock::LockError;

use crate::Exit;

/// An error together with the exit code it ends the program with and what to do about it.
///
/// It stands in for the error it holds: same text, same causes.
#[derive(Debug)]
pub struct Failure {
    exit: Option<Exit>,
    hints: Vec<String>,
    error: anyhow::Error,
}

impl Failure {
    /// A failure with its own text.
    pub fn new(exit: Exit, text: impl Into<String>) -> Self {
        Self { exit: Some(exit), hints: Vec::new(), error: anyhow::Error::msg(text.into()) }
    }

    /// Adds a line that says what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    fn of(error: anyhow::Error) -> Self {
        Self { exit: None, hints: Vec::new(), error }
    }

    /// The code that the program ends with: the one that was given, else by the kind of the first
    /// known error in the chain, else [`Exit::Usage`], for what is left is told by a text about
    /// what was asked for.
    pub fn exit(&self) -> Exit {
        self.exit.or_else(|| self.error.chain().find_map(exit_of)).unwrap_or(Exit::Usage)
    }

    /// Whether the reader of our output went away, as in `ostwin logs | head`: nobody to tell.
    fn is_broken_pipe(&self) -> bool {
        self.error.chain().any(|error| {
            error
                .downcast_ref::<io::Error>()
                .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
        })
    }

    /// All advice, from the innermost failure outwards.
    fn hints(&self) -> Vec<&str> {
        let inner = self.error.chain().filter_map(|error| error.downcast_ref::<Self>());
        let inner = inner.flat_map(Self::hints);
        inner.chain(self.hints.iter().map(String::as_str)).collect()
    }

    /// Tells it to a person: the error, its causes, the hints.
    fn tell(&self, out: &mut impl Write) -> io::Result<()> {
        let mut said = self.error.to_string();
        writeln!(out, "error: {said}")?;
        for cause in self.error.chain().skip(1) {
            let text = cause.to_string();
            // Some errors repeat their source in their own text.
            if !said.contains(&text) {
                writeln!(out, "  because: {text}")?;
            }
            said = text;
        }
        for hint in self.hints() {
            writeln!(out, "  help: {hint}")?;
        }
        Ok(())
    }
}

fn exit_of(error: &(dyn Error + 'static)) -> Option<Exit> {
    if let Some(failure) = error.downcast_ref::<Failure>() {
        return Some(failure.exit());
    }
    if error.is::<NameError>() {
        return Some(Exit::Usage);
    }
    let environment = error.is::<FsError>() || error.is::<LockError>() || error.is::<io::Error>();
    environment.then_some(Exit::Environment)
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.error, f)
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error.source()
    }
}

/// Gives an error its exit code, and says what to do about it.
pub trait Explain<T> {
    /// The error ends the program with this code.
    ///
    /// # Errors
    /// The same as before.
    fn exit(self, exit: Exit) -> anyhow::Result<T>;

    /// The error is told with this advice.
    ///
    /// # Errors
    /// The same as before.
    fn hint(self, hint: impl Into<String>) -> anyhow::Result<T>;
}

impl<T, E: Into<anyhow::Error>> Explain<T> for Result<T, E> {
    fn exit(self, exit: Exit) -> anyhow::Result<T> {
        self.map_err(|error| Failure { exit: Some(exit), ..Failure::of(error.into()) }.into())
    }

    fn hint(self, hint: impl Into<String>) -> anyhow::Result<T> {
        self.map_err(|error| Failure::of(error.into()).hint(hint).into())
    }
}

/// Tells an error that ends the program on `out`, and gives the exit code.
pub(crate) fn tell(error: anyhow::Error, out: &mut impl Write) -> Exit {
    let failure = Failure::of(error);
    if failure.is_broken_pipe() {
        return Exit::Ok;
    }
    // If the error cannot be told, the code still can.
    drop(failure.tell(out));
    failure.exit()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use anyhow::Context;
    use insta::assert_snapshot;

    use super::*;

    fn told(error: anyhow::Error) -> String {
        let mut out = Vec::new();
        let exit = tell(error, &mut out);
        format!("{}exit {}", String::from_utf8(out).unwrap(), exit.code())
    }

    fn disk_full() -> FsError {
        FsError::new("append to", Path::new("/p/file"), io::ErrorKind::StorageFull.into())
    }

    #[test]
    fn causes_are_told_one_by_one() {
        let error = Err::<(), _>(disk_full()).context("cannot post the message").unwrap_err();
        assert_snapshot!(told(error), @r"
        error: cannot post the message
          because: cannot append to `/p/file`
          because: no storage space
        exit 6
        ");
    }

    #[test]
    fn a_given_code_and_hints_survive_context() {
        let error = Err::<(), _>(Failure::new(Exit::Owned, "plan `shop` is driven by process 7"))
            .hint("wait for it, or stop it with `ostwin stop shop`")
            .unwrap_err();
        assert_snapshot!(told(error), @r"
        error: plan `shop` is driven by process 7
          help: wait for it, or stop it with `ostwin stop shop`
        exit 3
        ");
        let error = Err::<(), _>(disk_full()).exit(Exit::Bug).context("while closing").unwrap_err();
        assert_snapshot!(told(error), @r"
        error: while closing
          because: cannot append to `/p/file`
          because: no storage space
        exit 70
        ");
    }

    #[test]
    fn a_text_about_what_was_asked_is_usage() {
        assert_snapshot!(told(anyhow::anyhow!("room-009 does not exist")), @r"
        error: room-009 does not exist
        exit 2
        ");
        let error = ostwin_core::ids::RoomId::new("x").unwrap_err();
        assert_eq!(Failure::of(error.into()).exit(), Exit::Usage);
    }

    #[test]
    fn a_reader_that_went_away_is_no_error() {
        let error = anyhow::Error::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!(told(error.context("cannot print")), "exit 0");
    }
}
