//! The order of sources, and values that carry theirs.

use std::fmt;

use ostwin_core::config::{self, Settings};
use serde::Serialize;

/// The sources of a session's values, from weak to strong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// What the program ships.
    Shipped,
    /// The role's entry in the registry: a default for whoever sets nothing.
    Registry,
    /// `~/.config/ostwin/config.json`.
    User,
    /// `.agents/config.json`.
    Project,
    /// The plan's `Config` section.
    Plan,
    /// The role's `role.json`.
    RoleFile,
    /// `roles.<role>` in the settings.
    Role,
    /// `roles.<role>.instances.<instance>` in the settings.
    RoleInstance,
    /// What the epic says.
    Epic,
    /// What was set for the room.
    Room,
    /// An `OSTWIN_*` variable.
    Environment,
    /// A flag of the command line.
    Flag,
}

impl SourceKind {
    /// The kind in words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Shipped => "shipped",
            Self::User => "user",
            Self::Project => "project",
            Self::Plan => "plan",
            Self::Registry => "registry",
            Self::RoleFile => "role.json",
            Self::Role => "role",
            Self::RoleInstance => "role instance",
            Self::Epic => "epic",
            Self::Room => "room",
            Self::Environment => "environment",
            Self::Flag => "flag",
        }
    }
}

impl From<config::SourceKind> for SourceKind {
    fn from(kind: config::SourceKind) -> Self {
        match kind {
            config::SourceKind::Shipped => Self::Shipped,
            config::SourceKind::User => Self::User,
            config::SourceKind::Project => Self::Project,
            config::SourceKind::Plan => Self::Plan,
            config::SourceKind::Environment => Self::Environment,
            config::SourceKind::Flag => Self::Flag,
        }
    }
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Source {
    /// The kind of source.
    pub kind: SourceKind,
    /// The file, the variable or the flag, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
}

impl Source {
    /// A source with its place.
    pub fn at(kind: SourceKind, place: impl Into<String>) -> Self {
        Self { kind, place: Some(place.into()) }
    }
}

impl From<config::Source> for Source {
    fn from(source: config::Source) -> Self {
        let line = source.line.map_or_else(String::new, |line| format!(":{line}"));
        let file = source.file.map(|file| format!("{}{line}", file.display()));
        Self { kind: source.kind.into(), place: file.or(source.name) }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.kind.as_str())?;
        match &self.place {
            Some(place) => write!(out, " {place}"),
            None => Ok(()),
        }
    }
}

/// A value and where it came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Resolved<T> {
    /// The value.
    pub value: T,
    /// Its source.
    pub source: Source,
}

/// What one source says about one value; `None` if it says nothing.
pub(super) type Says<T> = (Option<T>, Source);

impl<T> Resolved<T> {
    /// This value, unless it is only what is shipped and `weak` says something.
    pub(super) fn or_weak(self, weak: Says<T>) -> Self {
        match weak {
            (Some(value), source) if self.source.kind == SourceKind::Shipped => {
                Self { value, source }
            }
            _ => self,
        }
    }
}

/// Settles one value: the setting `key`, whose merged value is `configured`, against what stands
/// `between` the settings and the environment, from strong to weak.
pub(super) fn settle<T>(
    settings: &Settings,
    key: &str,
    configured: T,
    between: impl IntoIterator<Item = Says<T>>,
) -> Resolved<T> {
    let source = Source::from(settings.provenance(key));
    if source.kind < SourceKind::Environment {
        for (value, source) in between {
            if let Some(value) = value {
                return Resolved { value, source };
            }
        }
    }
    Resolved { value: configured, source }
}

/// Settles one value that is no setting of its own: the first that says something, else `fallback`
/// as shipped.
pub(super) fn first<T>(says: impl IntoIterator<Item = Says<T>>, fallback: T) -> Resolved<T> {
    let shipped = Source { kind: SourceKind::Shipped, place: None };
    says.into_iter()
        .find_map(|(value, source)| Some(Resolved { value: value?, source }))
        .unwrap_or(Resolved { value: fallback, source: shipped })
}
