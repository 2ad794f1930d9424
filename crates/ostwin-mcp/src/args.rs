//! Arguments that check themselves: the limit that a schema shows is the limit that holds.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{DeserializeOwned, Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::error::ToolError;

/// A number of a line or a byte: what JSON can hold exactly.
pub(crate) type Number = Whole<0, 9_007_199_254_740_991>;

/// A whole number from `MIN` to `MAX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Whole<const MIN: u64, const MAX: u64>(u64);

impl<const MIN: u64, const MAX: u64> Whole<MIN, MAX> {
    /// The number.
    pub(crate) fn get(self) -> u64 {
        self.0
    }

    /// The number where `MAX` is small.
    pub(crate) fn small(self) -> u32 {
        u32::try_from(self.0).unwrap_or(u32::MAX)
    }

    /// The number as a count of things in memory.
    pub(crate) fn count(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl<'de, const MIN: u64, const MAX: u64> Deserialize<'de> for Whole<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number<const MIN: u64, const MAX: u64>;
        impl<const MIN: u64, const MAX: u64> Visitor<'_> for Number<MIN, MAX> {
            type Value = u64;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(out, "a whole number from {MIN} to {MAX}")
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<u64, E> {
                if (MIN..=MAX).contains(&number) {
                    return Ok(number);
                }
                Err(E::custom(format_args!("{number} is not a whole number from {MIN} to {MAX}")))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<u64, E> {
                Err(E::custom(format_args!("{number} is not a whole number from {MIN} to {MAX}")))
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<u64, E> {
                // JSON knows one kind of number: some callers write 5 as 5.0.
                if number.fract() == 0.0 && (MIN as f64..=MAX as f64).contains(&number) {
                    return self.visit_u64(number as u64);
                }
                Err(E::custom(format_args!("{number} is not a whole number from {MIN} to {MAX}")))
            }
        }
        deserializer.deserialize_any(Number::<MIN, MAX>).map(Self)
    }
}

impl<const MIN: u64, const MAX: u64> JsonSchema for Whole<MIN, MAX> {
    fn schema_name() -> Cow<'static, str> {
        format!("Whole{MIN}To{MAX}").into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": MIN, "maximum": MAX })
    }
}

/// A text of `MIN` to `MAX` characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Text<const MIN: usize, const MAX: usize>(String);

impl<const MIN: usize, const MAX: usize> Text<MIN, MAX> {
    /// The text itself.
    pub(crate) fn into_string(self) -> String {
        self.0
    }
}

impl<const MIN: usize, const MAX: usize> Deref for Text<MIN, MAX> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'de, const MIN: usize, const MAX: usize> Deserialize<'de> for Text<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        // Bytes bound characters from above, so that most texts need no counting.
        let length = if text.len() <= MAX && MIN <= 1 {
            usize::from(!text.is_empty()).max(MIN.min(text.len()))
        } else {
            text.chars().count()
        };
        if length < MIN {
            return Err(D::Error::custom(format_args!(
                "it has {length} characters and at least {MIN} are needed"
            )));
        }
        if length > MAX {
            return Err(D::Error::custom(format_args!(
                "it has {length} characters and at most {MAX} are allowed"
            )));
        }
        Ok(Self(text))
    }
}

impl<const MIN: usize, const MAX: usize> JsonSchema for Text<MIN, MAX> {
    fn schema_name() -> Cow<'static, str> {
        format!("Text{MIN}To{MAX}").into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let mut schema = json_schema!({ "type": "string", "maxLength": MAX });
        if MIN > 0 {
            schema.insert("minLength".to_owned(), MIN.into());
        }
        schema
    }
}

/// A place in a list, as the answer before gave it. Callers pass it back and read nothing in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cursor(
    /// The number of the last entry that was given.
    pub(crate) u64,
);

impl Serialize for Cursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Cursor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Self).map_err(|_| {
            D::Error::custom("it is no cursor: pass `next_cursor` of the answer before unchanged")
        })
    }
}

impl JsonSchema for Cursor {
    fn schema_name() -> Cow<'static, str> {
        "Cursor".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9]{1,20}$" })
    }
}

/// Reads a tool's arguments, or says which one is wrong and how. One that is `null` counts as left
/// out: some callers write down every argument there is.
///
/// # Errors
/// `invalid_argument`, with the argument's name where one is to blame.
pub(crate) fn decode<T: DeserializeOwned>(
    mut arguments: Map<String, Value>,
) -> Result<T, ToolError> {
    arguments.retain(|_, value| !value.is_null());
    serde_path_to_error::deserialize(Value::Object(arguments)).map_err(|error| {
        let path = error.path().to_string();
        let problem = error.into_inner().to_string();
        let named = ["missing field `", "unknown field `"]
            .iter()
            .find_map(|start| problem.strip_prefix(start)?.split('`').next())
            .map(str::to_owned);
        match named.or_else(|| (path != ".").then_some(path)) {
            Some(field) if problem.contains(&format!("`{field}`")) => {
                ToolError::invalid(field, problem)
            }
            Some(field) => {
                let message = format!("`{field}`: {problem}");
                ToolError::invalid(field, message)
            }
            None => ToolError { field: None, ..ToolError::invalid("", problem) },
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Args {
        count: Whole<1, 10>,
        #[serde(default)]
        tags: Vec<Text<1, 3>>,
    }

    fn read(value: Value) -> Result<Args, (Option<String>, String)> {
        let Value::Object(arguments) = value else { panic!("no object") };
        decode(arguments).map_err(|error| (error.field, error.message))
    }

    #[test]
    fn a_wrong_argument_is_named() {
        let cases = [
            (json!({}), "count", "missing field `count`"),
            (json!({"count": 0}), "count", "`count`: 0 is not a whole number from 1 to 10"),
            (json!({"count": -3}), "count", "`count`: -3 is not a whole number from 1 to 10"),
            (json!({"count": 1.5}), "count", "`count`: 1.5 is not a whole number from 1 to 10"),
            (
                json!({"count": "2"}),
                "count",
                "`count`: invalid type: string \"2\", expected a whole number from 1 to 10",
            ),
            (
                json!({"count": 2, "tags": ["ok", "long"]}),
                "tags[1]",
                "`tags[1]`: it has 4 characters and at most 3 are allowed",
            ),
            (
                json!({"count": 2, "tags": [""]}),
                "tags[0]",
                "`tags[0]`: it has 0 characters and at least 1 are needed",
            ),
            (
                json!({"count": 2, "role": "qa"}),
                "role",
                "unknown field `role`, expected `count` or `tags`",
            ),
        ];
        for (arguments, field, message) in cases {
            let error = read(arguments).unwrap_err();
            assert_eq!(error, (Some(field.to_owned()), message.to_owned()));
        }
    }

    #[test]
    fn characters_are_counted_not_bytes() {
        let args = read(json!({"count": 5.0, "tags": ["äöü"]})).unwrap();
        assert_eq!((args.count.get(), &*args.tags[0]), (5, "äöü"));
    }

    #[test]
    fn null_counts_as_left_out() {
        assert!(read(json!({"count": 1, "tags": null})).unwrap().tags.is_empty());
        assert_eq!(read(json!({"count": null})).unwrap_err().1, "missing field `count`");
    }
}
