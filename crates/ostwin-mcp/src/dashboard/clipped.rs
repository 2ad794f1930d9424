//! Values whose texts are shortened before they are answered.
//!
//! Titles, reasons and reports come from files that people and programs write; one text without
//! end must not take the place of everything else in an answer.

use std::borrow::Cow;

use schemars::transform::transform_subschemas;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::ser::Error;
use serde::{Serialize, Serializer};
use serde_json::Value;

/// Longest text in an answer, in characters.
pub(super) const MAX_TEXT_CHARS: usize = 4_096;

/// Most names in one list of an answer: an epic can depend on thousands of others.
pub(super) const MAX_NAMES: usize = 200;

/// Cuts a list of names to the first [`MAX_NAMES`] and gives how many were left out.
pub(super) fn cut_names<T>(names: &mut Vec<T>) -> usize {
    let left_out = names.len().saturating_sub(MAX_NAMES);
    names.truncate(MAX_NAMES);
    left_out
}

/// Whether nothing was left out, so that there is nothing to say about it.
pub(super) fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// A value that is written with texts of at most [`MAX_TEXT_CHARS`] characters.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Clipped<T>(pub(super) T);

impl<T: Serialize> Serialize for Clipped<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut value = serde_json::to_value(&self.0).map_err(S::Error::custom)?;
        clip(&mut value);
        value.serialize(serializer)
    }
}

impl<T: JsonSchema> JsonSchema for Clipped<T> {
    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// Takes the words out of what a field's type is made of: what is called `passed` needs none, and
/// every session pays for each.
pub(super) fn terse(schema: &mut Schema) {
    transform_subschemas(
        &mut |inner: &mut Schema| {
            inner.remove("description");
            terse(inner);
        },
        schema,
    );
}

fn clip(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Some((end, _)) = text.char_indices().nth(MAX_TEXT_CHARS) {
                text.truncate(end);
                text.push('…');
            }
        }
        Value::Array(items) => items.iter_mut().for_each(clip),
        Value::Object(fields) => fields.values_mut().for_each(clip),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_long_list_of_names_is_cut_and_counted() {
        let mut names: Vec<usize> = (0..MAX_NAMES + 7).collect();
        assert_eq!((cut_names(&mut names), names.len()), (7, MAX_NAMES));
        assert_eq!((cut_names(&mut names), names.len()), (0, MAX_NAMES));
    }

    #[test]
    fn long_texts_are_cut_wherever_they_are() {
        let long = "ö".repeat(MAX_TEXT_CHARS + 1);
        let cut = format!("{}…", "ö".repeat(MAX_TEXT_CHARS));
        let value = json!({ "a": [long, 1, null], "b": { "c": "short" } });
        assert_eq!(
            serde_json::to_value(Clipped(value)).unwrap(),
            json!({ "a": [cut, 1, null], "b": { "c": "short" } })
        );
    }
}
