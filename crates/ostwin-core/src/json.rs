//! Reading and writing JSON values so that nothing a person or a newer program
//! wrote is lost and every mistake is shown where it was made.
//!
//! Three needs meet here: an error names file, line, column and what was expected;
//! a field that this version does not know survives a rewrite; a file made by a
//! newer version is refused instead of misread. The module owns no state.
//!
//! # Keeping unknown fields
//!
//! A struct that is written back to disk has a field `extra: Extra` and hands its
//! derived code to [`keep_extra!`](crate::keep_extra):
//!
//! ```text
//! #[derive(Serialize, Deserialize)]
//! #[serde(remote = "Lamp")]
//! struct Lamp {
//!     colour: String,
//!     #[serde(skip)]
//!     extra: Extra,
//! }
//! ostwin_core::keep_extra!(Lamp);
//! ```
//!
//! `{"colour":"red","dimmed":true}` is then read and written as it is, with `dimmed` in `extra`.
//! Unlike `flatten`, nothing is buffered, so errors keep their line and column.

mod keep;
mod ordered;

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

pub use keep::{KeepingObject, KeepingReader, KeepingWriter};
pub use ordered::{Ordered, OrderedKey};

/// Fields of an object that this version does not know, in file order.
pub type Extra = serde_json::Map<String, Value>;

/// A JSON text that could not become the value it should hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}:{line}:{column}: {message}", path.display())]
pub struct JsonError {
    /// The file the text came from.
    pub path: PathBuf,
    /// One-based line; 0 if the place is not known.
    pub line: usize,
    /// One-based column in bytes; 0 if the place is not known.
    pub column: usize,
    /// What is wrong and what was expected.
    pub message: String,
    /// What to do about it, where that is known.
    pub help: Option<String>,
}

impl JsonError {
    fn new(path: &Path, error: &serde_json::Error) -> Self {
        let full = error.to_string();
        let place = format!(" at line {} column {}", error.line(), error.column());
        let message = full.strip_suffix(&place).unwrap_or(&full).to_owned();
        let help = match error.classify() {
            serde_json::error::Category::Eof => {
                Some("the file ends too early: restore it or finish the object".to_owned())
            }
            serde_json::error::Category::Syntax => {
                Some("the text is not valid JSON: look just before this place".to_owned())
            }
            serde_json::error::Category::Data | serde_json::error::Category::Io => None,
        };
        let line = error.line();
        // The parser counts what it has read, so the first byte would be column 0.
        let column = if line == 0 { 0 } else { error.column().max(1) };
        Self { path: path.to_owned(), line, column, message, help }
    }
}

/// Reads one value of type `T` from the whole of `bytes`; `path` is only named in the error.
///
/// # Errors
///
/// [`JsonError`] with line and column if the text is not JSON, is not a `T`, or goes on
/// after the value.
pub fn from_slice_located<T: DeserializeOwned>(path: &Path, bytes: &[u8]) -> Result<T, JsonError> {
    serde_json::from_slice(bytes).map_err(|error| JsonError::new(path, &error))
}

/// The known word nearest to `word`, if one is near enough to be what was meant.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lowered = word.to_lowercase();
    known
        .into_iter()
        .map(|candidate| {
            (strsim::damerau_levenshtein(&lowered, &candidate.to_lowercase()), candidate)
        })
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, candidate)| {
            *distance <= candidate.chars().count().max(word.chars().count()).div_ceil(3)
        })
        .map(|(_, candidate)| candidate)
}

/// A field that a type does not know, which may be a slip of a known one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownField {
    /// The name that was written.
    pub name: String,
    /// The nearest known one.
    pub near: Option<String>,
}

impl std::fmt::Display for UnknownField {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "field `{}` is unknown", self.name)?;
        match &self.near {
            Some(near) => write!(out, "; did you mean `{near}`?"),
            None => Ok(()),
        }
    }
}

/// Those of `extra` that a person may have meant for a field of `T`; `$schema` is for editors.
pub fn unknown_fields<T: JsonSchema>(extra: &Extra) -> Vec<UnknownField> {
    if extra.is_empty() {
        return Vec::new();
    }
    let schema = schemars::schema_for!(T);
    let known: Vec<&str> = schema
        .get("properties")
        .and_then(Value::as_object)
        .map(|fields| fields.keys().map(String::as_str).collect())
        .unwrap_or_default();
    let near = |name: &str| nearest(name, known.iter().copied()).map(str::to_owned);
    extra
        .keys()
        .filter(|name| *name != "$schema")
        .map(|name| UnknownField { name: name.clone(), near: near(name) })
        .collect()
}

/// The version of a file's or a line's schema, where `CURRENT` is the one this program writes.
///
/// Reading a higher version is refused, because a program that guesses at a newer
/// file's meaning destroys it. A missing one means the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version<const CURRENT: u32>(u32);

impl<const CURRENT: u32> Version<CURRENT> {
    /// The version that was read.
    pub fn get(self) -> u32 {
        self.0
    }
}

impl<const CURRENT: u32> Default for Version<CURRENT> {
    fn default() -> Self {
        Self(CURRENT)
    }
}

impl<const CURRENT: u32> Serialize for Version<CURRENT> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(self.0)
    }
}

impl<'de, const CURRENT: u32> Deserialize<'de> for Version<CURRENT> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let found = u32::deserialize(deserializer)?;
        match found {
            0 => Err(serde::de::Error::custom("schema version 0 does not exist, expected 1")),
            found if found > CURRENT => Err(serde::de::Error::custom(format_args!(
                "schema version {found} is newer than {CURRENT}, the newest this program knows; \
                 use a newer ostwin"
            ))),
            found => Ok(Self(found)),
        }
    }
}

impl<const CURRENT: u32> schemars::JsonSchema for Version<CURRENT> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("Version{CURRENT}").into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "integer", "minimum": 1, "maximum": CURRENT, "default": CURRENT
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
    #[serde(remote = "Outer")]
    struct Outer {
        #[serde(default)]
        schema_version: Version<2>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        #[serde(default)]
        inner: Vec<Inner>,
        #[serde(skip)]
        extra: Extra,
    }
    crate::keep_extra!(Outer);

    #[derive(Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
    #[serde(remote = "Inner")]
    struct Inner {
        count: u32,
        #[serde(skip)]
        extra: Extra,
    }
    crate::keep_extra!(Inner);

    fn read(text: &str) -> Result<Outer, JsonError> {
        from_slice_located(Path::new("outer.json"), text.as_bytes())
    }

    #[test]
    fn unknown_fields_survive_at_every_depth() {
        let text =
            r#"{"$schema":"x","schema_version":1,"inner":[{"a":[1],"count":3}],"z":{"k":null}}"#;
        let value = read(text).unwrap();
        assert_eq!(
            serde_json::to_string(&value).unwrap(),
            r#"{"schema_version":1,"inner":[{"count":3,"a":[1]}],"$schema":"x","z":{"k":null}}"#
        );
        let again = read(&serde_json::to_string(&value).unwrap()).unwrap();
        assert_eq!(again, value);
    }

    #[test]
    fn errors_name_file_line_and_column() {
        let error = read("{\n  \"inner\": [\n    {\"count\": \"three\"}\n  ]\n}").unwrap_err();
        assert_eq!(
            error.to_string(),
            "outer.json:3:21: invalid type: string \"three\", expected u32"
        );
        let error = read("[1]").unwrap_err();
        assert_eq!(error.to_string(), "outer.json:1:1: invalid type: sequence, expected an object");
        let error = read("{\"inner\":[{}]}").unwrap_err();
        assert_eq!(error.to_string(), "outer.json:1:12: missing field `count`");
        let error = read("{\"a\":1,\"a\":2}").unwrap_err();
        assert_eq!(error.message, "duplicate field `a`");
        let error = read("{\"a\":1").unwrap_err();
        assert!(error.help.is_some_and(|help| help.contains("too early")));
    }

    #[test]
    fn a_newer_schema_is_refused() {
        let error = read("{\"schema_version\": 3}").unwrap_err();
        assert_eq!(
            error.to_string(),
            "outer.json:1:21: schema version 3 is newer than 2, the newest this program knows; \
             use a newer ostwin"
        );
        assert_eq!(read("{}").unwrap().schema_version.get(), 2);
        assert!(read("{\"schema_version\": 0}").is_err());
    }

    #[test]
    fn schema_has_known_fields_only_and_allows_others() {
        let schema = schemars::schema_for!(Outer).to_value();
        let fields: Vec<_> = schema["properties"].as_object().unwrap().keys().collect();
        assert_eq!(fields, ["schema_version", "name", "inner"]);
        assert_eq!(schema["title"], "Outer");
        assert!(schema.get("additionalProperties").is_none());
    }

    #[test]
    fn unknown_fields_come_with_the_nearest_known_one() {
        let value = read(r#"{"$schema":"x","nmae":"y","colour":1}"#).unwrap();
        let unknown: Vec<_> =
            unknown_fields::<Outer>(&value.extra).iter().map(ToString::to_string).collect();
        assert_eq!(
            unknown,
            ["field `nmae` is unknown; did you mean `name`?", "field `colour` is unknown"]
        );
    }

    #[test]
    fn nearest_word_needs_to_be_near() {
        let known = ["max_retries", "max_triages", "timeout_seconds"];
        assert_eq!(nearest("max_retrys", known), Some("max_retries"));
        assert_eq!(nearest("Timeout_Seconds", known), Some("timeout_seconds"));
        assert_eq!(nearest("colour", known), None);
    }
}
