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
//! ```
//! use ostwin_core::json::{Extra, Version};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Debug, PartialEq, Serialize, Deserialize)]
//! #[serde(remote = "Lamp")]
//! struct Lamp {
//!     #[serde(default)]
//!     schema_version: Version<1>,
//!     colour: String,
//!     #[serde(skip)]
//!     extra: Extra,
//! }
//! ostwin_core::keep_extra!(Lamp);
//!
//! let lamp: Lamp = serde_json::from_str(r#"{"colour":"red","dimmed":true}"#).unwrap();
//! assert_eq!(lamp.extra["dimmed"], true);
//! let text = serde_json::to_string(&lamp).unwrap();
//! assert_eq!(text, r#"{"schema_version":1,"colour":"red","dimmed":true}"#);
//! ```
//!
//! Unlike `flatten`, nothing is buffered, so errors keep their line and column.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::de::{DeserializeOwned, Deserializer, IntoDeserializer, MapAccess, Visitor};
use serde::ser::{Impossible, SerializeMap, SerializeStruct, Serializer};
use serde::{Deserialize, Serialize, forward_to_deserialize_any};
use serde_json::Value;

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

/// Implements `Serialize` and `Deserialize` for a struct whose fields are derived with
/// `#[serde(remote = "Name")]` and whose `extra: Extra` field keeps every field that the
/// struct does not name. See the [module](crate::json) for an example.
#[macro_export]
macro_rules! keep_extra {
    ($type:ident) => {
        impl<'de> ::serde::Deserialize<'de> for $type {
            fn deserialize<D: ::serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let mut extra = $crate::json::Extra::new();
                // The inherent function that `remote` derives, not this one.
                let mut value =
                    $type::deserialize($crate::json::KeepingReader::new(from, &mut extra))?;
                value.extra = extra;
                Ok(value)
            }
        }

        impl ::serde::Serialize for $type {
            fn serialize<S: ::serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                $type::serialize(self, $crate::json::KeepingWriter::new(to, &self.extra))
            }
        }
    };
}

/// Reads a struct and puts the fields it does not name aside. Used by [`keep_extra!`](crate::keep_extra).
#[derive(Debug)]
pub struct KeepingReader<'a, D> {
    inner: D,
    extra: &'a mut Extra,
}

impl<'a, D> KeepingReader<'a, D> {
    /// Wraps `inner`; unknown fields are added to `extra`.
    pub fn new(inner: D, extra: &'a mut Extra) -> Self {
        Self { inner, extra }
    }
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for KeepingReader<'_, D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.inner.deserialize_any(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.inner.deserialize_map(KeepingVisitor { inner: visitor, fields, extra: self.extra })
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

struct KeepingVisitor<'a, V> {
    inner: V,
    fields: &'static [&'static str],
    extra: &'a mut Extra,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for KeepingVisitor<'_, V> {
    type Value = V::Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        self.inner.visit_map(KeepingFields { inner: map, fields: self.fields, extra: self.extra })
    }
}

struct KeepingFields<'a, A> {
    inner: A,
    fields: &'static [&'static str],
    extra: &'a mut Extra,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for KeepingFields<'_, A> {
    type Error = A::Error;

    fn next_key_seed<K: serde::de::DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        while let Some(key) = self.inner.next_key::<String>()? {
            if self.fields.contains(&key.as_str()) {
                return seed.deserialize(key.into_deserializer()).map(Some);
            }
            let value = self.inner.next_value::<Value>()?;
            if self.extra.insert(key.clone(), value).is_some() {
                return Err(serde::de::Error::custom(format_args!("duplicate field `{key}`")));
            }
        }
        Ok(None)
    }

    fn next_value_seed<S: serde::de::DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<S::Value, A::Error> {
        self.inner.next_value_seed(seed)
    }
}

/// Writes a struct and then the fields that were put aside. Used by [`keep_extra!`](crate::keep_extra).
#[derive(Debug)]
pub struct KeepingWriter<'a, S> {
    inner: S,
    extra: &'a Extra,
}

impl<'a, S> KeepingWriter<'a, S> {
    /// Wraps `inner`; the fields of `extra` follow those of the struct.
    pub fn new(inner: S, extra: &'a Extra) -> Self {
        Self { inner, extra }
    }
}

/// The fields of a struct on their way to an object that goes on with extra ones.
#[derive(Debug)]
pub struct KeepingObject<'a, M> {
    map: M,
    extra: &'a Extra,
}

impl<M: SerializeMap> SerializeStruct for KeepingObject<'_, M> {
    type Ok = M::Ok;
    type Error = M::Error;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), M::Error> {
        self.map.serialize_entry(key, value)
    }

    fn end(mut self) -> Result<M::Ok, M::Error> {
        for (key, value) in self.extra {
            self.map.serialize_entry(key, value)?;
        }
        self.map.end()
    }
}

/// Every shape but a struct is refused: `keep_extra!` is for structs with named fields.
macro_rules! refuse {
    ($($name:ident($($argument:ty),*);)*) => {
        $(fn $name(self, $(_: $argument),*) -> Result<Self::Ok, Self::Error> {
            Err(only_structs())
        })*
    };
}

fn only_structs<E: serde::ser::Error>() -> E {
    E::custom("unknown fields can be kept by a struct with named fields only")
}

impl<'a, S: Serializer> Serializer for KeepingWriter<'a, S> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeSeq = Impossible<S::Ok, S::Error>;
    type SerializeTuple = Impossible<S::Ok, S::Error>;
    type SerializeTupleStruct = Impossible<S::Ok, S::Error>;
    type SerializeTupleVariant = Impossible<S::Ok, S::Error>;
    type SerializeMap = Impossible<S::Ok, S::Error>;
    type SerializeStruct = KeepingObject<'a, S::SerializeMap>;
    type SerializeStructVariant = Impossible<S::Ok, S::Error>;

    fn serialize_struct(
        self,
        _: &'static str,
        len: usize,
    ) -> Result<Self::SerializeStruct, S::Error> {
        let map = self.inner.serialize_map(Some(len + self.extra.len()))?;
        Ok(KeepingObject { map, extra: self.extra })
    }

    refuse! {
        serialize_bool(bool); serialize_i8(i8); serialize_i16(i16); serialize_i32(i32);
        serialize_i64(i64); serialize_u8(u8); serialize_u16(u16); serialize_u32(u32);
        serialize_u64(u64); serialize_f32(f32); serialize_f64(f64); serialize_char(char);
        serialize_str(&str); serialize_bytes(&[u8]); serialize_none(); serialize_unit();
        serialize_unit_struct(&'static str);
        serialize_unit_variant(&'static str, u32, &'static str);
    }

    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Result<S::Ok, S::Error> {
        Err(only_structs())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: &T,
    ) -> Result<S::Ok, S::Error> {
        Err(only_structs())
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<S::Ok, S::Error> {
        Err(only_structs())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, S::Error> {
        Err(only_structs())
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, S::Error> {
        Err(only_structs())
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, S::Error> {
        Err(only_structs())
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, S::Error> {
        Err(only_structs())
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, S::Error> {
        Err(only_structs())
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, S::Error> {
        Err(only_structs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemars::JsonSchema;

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
    fn nearest_word_needs_to_be_near() {
        let known = ["max_retries", "max_triages", "timeout_seconds"];
        assert_eq!(nearest("max_retrys", known), Some("max_retries"));
        assert_eq!(nearest("Timeout_Seconds", known), Some("timeout_seconds"));
        assert_eq!(nearest("colour", known), None);
    }
}
