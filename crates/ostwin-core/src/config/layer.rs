//! One layer of settings: what one file, plan, environment or command line says.
//!
//! A layer is checked when it is made, against the shape of all settings and the types they
//! deserialise into, so that every mistake is reported with the place it was written in.

use std::path::Path;

use serde_json::{Map, Value};

use super::error::ConfigError;
use super::shape::{self, Found};
use super::source::{Source, SourceKind};
use super::types::Config;
use crate::json::{JsonError, Version, from_slice_located};
use crate::redact::check_patterns;

/// The values that one source sets, each at its key.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Layer {
    pub(super) entries: Vec<Entry>,
}

/// One value at its key.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub(super) path: Vec<String>,
    pub(super) value: Value,
    pub(super) source: Source,
}

/// Prefix of the variables that set values.
const PREFIX: &str = "OSTWIN_";

/// Variables with the prefix that are no settings: they say where a process belongs.
const NOT_SETTINGS: &[&str] = &[
    "OSTWIN_PROJECT",
    "OSTWIN_PLAN",
    "OSTWIN_ROOM",
    "OSTWIN_ROLE",
    "OSTWIN_ATTEMPT",
    "OSTWIN_BIN",
    "OSTWIN_BIN_DIR",
    "OSTWIN_EMBEDDING_KEY",
    "OSTWIN_FAIL",
    "OSTWIN_SECRETS",
    "OSTWIN_VAULT_IDENTITY",
];

/// What variables begin with that the rehearsal agent and the tests read for themselves.
const NOT_SETTINGS_EITHER: [&str; 2] = ["OSTWIN_REHEARSAL_", "OSTWIN_TEST_"];

impl Layer {
    /// The layer of a `config.json`.
    ///
    /// # Errors
    ///
    /// The text is not a JSON object, or a newer schema; or every mistake in its settings.
    pub fn from_file(kind: SourceKind, file: &Path, bytes: &[u8]) -> Result<Self, FileError> {
        let mut values: Map<String, Value> = from_slice_located(file, bytes)?;
        values.remove("$schema");
        if values.remove("schema_version").is_some() {
            // Read again as what it is, so that the error has its line.
            let VersionOnly { .. } = from_slice_located(file, bytes)?;
        }
        Ok(Self::from_values(&Source::file(kind, file), &values)?)
    }

    /// The layer of an object of settings.
    ///
    /// # Errors
    ///
    /// Every unknown key and every wrong value.
    pub fn from_values(
        source: &Source,
        values: &Map<String, Value>,
    ) -> Result<Self, Vec<ConfigError>> {
        let (mut layer, mut errors) = (Self::default(), Vec::new());
        layer.add_object(source, &mut Vec::new(), values, &mut errors);
        if errors.is_empty() { Ok(layer) } else { Err(errors) }
    }

    /// The layer of a plan's `Config` section, whose keys are dotted and whose values may be text.
    /// `line` says where a key is written.
    ///
    /// An unknown key is only returned, for a warning: a plan may have been written for another
    /// version.
    ///
    /// # Errors
    ///
    /// Every wrong value.
    pub fn from_plan(
        file: &Path,
        values: &Map<String, Value>,
        line: &dyn Fn(&str) -> Option<usize>,
    ) -> Result<(Self, Vec<ConfigError>), Vec<ConfigError>> {
        let (mut layer, mut errors) = (Self::default(), Vec::new());
        for (key, value) in values {
            let source = Source::file(SourceKind::Plan, file).at(line(key));
            layer.add_loose(source, shape::split(key), value, &mut errors);
        }
        split_unknown(layer, errors)
    }

    /// The layer of the environment: `OSTWIN_MAX_RETRIES`, `OSTWIN_DASHBOARD__PORT`. An empty
    /// variable sets nothing, and those that say where a process belongs are no settings.
    ///
    /// A variable that means nothing is only returned, for a warning: it may be another program's.
    ///
    /// # Errors
    ///
    /// Every wrong value.
    pub fn from_env<'a>(
        variables: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<(Self, Vec<ConfigError>), Vec<ConfigError>> {
        let (mut layer, mut errors) = (Self::default(), Vec::new());
        for (name, text) in variables {
            let Some(key) = name.strip_prefix(PREFIX) else { continue };
            let other = NOT_SETTINGS.contains(&name)
                || NOT_SETTINGS_EITHER.iter().any(|prefix| name.starts_with(prefix));
            if other || text.is_empty() {
                continue;
            }
            let path = key.to_lowercase().split("__").map(str::to_owned).collect();
            layer.add_loose(Source::variable(name), path, &Value::from(text), &mut errors);
        }
        split_unknown(layer, errors)
    }

    /// Adds a flag's value.
    ///
    /// # Errors
    ///
    /// The key is unknown, or the value is wrong.
    pub fn with_flag(
        mut self,
        flag: &str,
        key: &str,
        value: impl Into<Value>,
    ) -> Result<Self, Vec<ConfigError>> {
        let mut errors = Vec::new();
        self.add_loose(Source::flag(flag), shape::split(key), &value.into(), &mut errors);
        if errors.is_empty() { Ok(self) } else { Err(errors) }
    }

    /// The layer of one value that is written as text.
    pub(super) fn single(source: Source, key: &str, text: &str) -> Result<Self, Vec<ConfigError>> {
        let (mut layer, mut errors) = (Self::default(), Vec::new());
        layer.add_loose(source, shape::split(key), &Value::from(text), &mut errors);
        if errors.is_empty() { Ok(layer) } else { Err(errors) }
    }

    fn add_object(
        &mut self,
        source: &Source,
        path: &mut Vec<String>,
        values: &Map<String, Value>,
        errors: &mut Vec<ConfigError>,
    ) {
        for (name, value) in values {
            path.push(name.clone());
            self.add(source, path, value, errors);
            path.pop();
        }
    }

    fn add(
        &mut self,
        source: &Source,
        path: &mut Vec<String>,
        value: &Value,
        errors: &mut Vec<ConfigError>,
    ) {
        match (shape::find(path), value) {
            (Found::Unknown(near), _) => errors.push(ConfigError::UnknownKey {
                place: source.clone(),
                key: shape::join(path),
                near,
            }),
            (Found::Inner, Value::Object(below)) if below.is_empty() => {
                self.push(source.clone(), path, value.clone());
            }
            (Found::Inner, Value::Object(below)) => self.add_object(source, path, below, errors),
            (Found::Leaf, _) if fits(path, value) => match bad_pattern(source, path, value) {
                Some(error) => errors.push(error),
                None => self.push(source.clone(), path, value.clone()),
            },
            (Found::Inner | Found::Leaf, _) => errors.push(wrong(source, path, value)),
        }
    }

    /// Adds a value that may be text for something else, as plans and variables have them.
    fn add_loose(
        &mut self,
        source: Source,
        mut path: Vec<String>,
        value: &Value,
        errors: &mut Vec<ConfigError>,
    ) {
        if matches!(shape::find(&path), Found::Leaf) {
            match readings(value).into_iter().find(|reading| fits(&path, reading)) {
                Some(reading) => match bad_pattern(&source, &path, &reading) {
                    Some(error) => errors.push(error),
                    None => self.push(source, &path, reading),
                },
                None => errors.push(wrong(&source, &path, value)),
            }
            return;
        }
        let parsed = value.as_str().and_then(|text| serde_json::from_str(text).ok());
        self.add(&source, &mut path, parsed.as_ref().unwrap_or(value), errors);
    }

    fn push(&mut self, source: Source, path: &[String], value: Value) {
        self.entries.push(Entry { path: path.to_vec(), value, source });
    }
}

/// Unknown keys apart from the mistakes that stop.
fn split_unknown(
    layer: Layer,
    errors: Vec<ConfigError>,
) -> Result<(Layer, Vec<ConfigError>), Vec<ConfigError>> {
    let (unknown, wrong): (Vec<_>, Vec<_>) =
        errors.into_iter().partition(|error| matches!(error, ConfigError::UnknownKey { .. }));
    if wrong.is_empty() { Ok((layer, unknown)) } else { Err(wrong) }
}

/// What a loosely written value may mean, the likeliest first.
fn readings(value: &Value) -> Vec<Value> {
    let Value::String(text) = value else {
        return vec![value.clone(), Value::from(value.to_string())];
    };
    let text = text.trim();
    let mut readings: Vec<Value> = serde_json::from_str(text).into_iter().collect();
    readings.push(Value::from(text));
    let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
    readings.push(items.map(Value::from).collect());
    readings
}

/// Whether a setting takes a value: the settings with nothing but it can be read.
fn fits(path: &[String], value: &Value) -> bool {
    let mut alone = Map::new();
    shape::put(&mut alone, path, value.clone());
    let key = shape::join(path);
    match serde_json::from_value::<Config>(Value::Object(alone)) {
        Ok(config) => config.out_of_range().iter().all(|(wrong, _)| *wrong != key),
        Err(_) => false,
    }
}

/// What is wrong with the patterns of `redact`, if this is their value.
fn bad_pattern(source: &Source, path: &[String], value: &Value) -> Option<ConfigError> {
    if *path != ["redact"] {
        return None;
    }
    let patterns: Vec<String> = serde_json::from_value(value.clone()).unwrap_or_default();
    let problem = check_patterns(&patterns).err()?;
    Some(ConfigError::Pattern { place: source.clone(), problem })
}

fn wrong(source: &Source, path: &[String], value: &Value) -> ConfigError {
    let mut alone = Map::new();
    shape::put(&mut alone, path, value.clone());
    let key = shape::join(path);
    let range = serde_json::from_value::<Config>(Value::Object(alone))
        .ok()
        .and_then(|config| config.out_of_range().into_iter().find(|(wrong, _)| *wrong == key));
    let found = value.to_string();
    let found = match found.char_indices().nth(60) {
        Some((cut, _)) => format!("{}..", &found[..cut]),
        None => found,
    };
    let expected = match range {
        Some((_, range)) => range.to_owned(),
        None => shape::expected_at(path),
    };
    ConfigError::WrongValue { place: source.clone(), key, found, expected }
}

#[derive(serde::Deserialize)]
struct VersionOnly {
    #[serde(rename = "schema_version")]
    _version: Version<1>,
}

/// Why a file is no layer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// It is not a JSON object, or of a newer schema.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// Its settings have mistakes.
    #[error("{}", lines(.0))]
    Settings(Vec<ConfigError>),
}

impl From<Vec<ConfigError>> for FileError {
    fn from(errors: Vec<ConfigError>) -> Self {
        Self::Settings(errors)
    }
}

/// Several mistakes, one per line.
pub(super) fn lines(errors: &[ConfigError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
