//! Where a setting came from.

use std::fmt;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;

/// The layers of settings, from low to high.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// What the program ships.
    Shipped,
    /// `~/.config/ostwin/config.json`.
    User,
    /// `.agents/config.json`.
    Project,
    /// The plan's `Config` section.
    Plan,
    /// An `OSTWIN_*` variable.
    Environment,
    /// A flag of the command line.
    Flag,
}

impl SourceKind {
    /// The kind in one word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Shipped => "shipped",
            Self::User => "user",
            Self::Project => "project",
            Self::Plan => "plan",
            Self::Environment => "environment",
            Self::Flag => "flag",
        }
    }
}

/// Where one value came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Source {
    /// The layer.
    pub kind: SourceKind,
    /// The file, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
    /// One-based line in the file, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// The variable or the flag, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl Source {
    /// What the program ships.
    pub fn shipped() -> Self {
        Self { kind: SourceKind::Shipped, file: None, line: None, name: None }
    }

    /// A file of settings, or a plan.
    pub fn file(kind: SourceKind, file: impl Into<PathBuf>) -> Self {
        Self { kind, file: Some(file.into()), line: None, name: None }
    }

    /// A variable of the environment.
    pub fn variable(name: impl Into<String>) -> Self {
        Self { kind: SourceKind::Environment, file: None, line: None, name: Some(name.into()) }
    }

    /// A flag of the command line, as it is typed: `--max-rooms`.
    pub fn flag(name: impl Into<String>) -> Self {
        Self { kind: SourceKind::Flag, file: None, line: None, name: Some(name.into()) }
    }

    /// This source at one line of its file.
    #[must_use]
    pub fn at(self, line: Option<usize>) -> Self {
        Self { line, ..self }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.kind.as_str())?;
        if let Some(file) = &self.file {
            write!(out, " {}", file.display())?;
            if let Some(line) = self.line {
                write!(out, ":{line}")?;
            }
        }
        if let Some(name) = &self.name {
            write!(out, " {name}")?;
        }
        Ok(())
    }
}
