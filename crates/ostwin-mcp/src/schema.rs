//! Schemas of arguments and results, made from the Rust types.
//!
//! Hosts pass these to models, and several understand only a part of JSON Schema: references,
//! nullable unions and alternatives of constants are taken out, without loosening what is said.

use schemars::generate::SchemaSettings;
use schemars::transform::transform_subschemas;
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value};

/// The schema of a tool's arguments: what may be sent. An optional argument is one that may be
/// left out, so `null` is not offered.
pub(crate) fn of_arguments<T: JsonSchema>() -> Map<String, Value> {
    let settings = SchemaSettings::draft2020_12()
        .with(|settings| {
            settings.meta_schema = None;
            settings.inline_subschemas = true;
        })
        .with_transform(|schema: &mut Schema| {
            without_null(schema);
            enums_of_constants(schema);
            tidy(schema);
        });
    finish(&settings.into_generator().into_root_schema_for::<T>())
}

/// The schema of a tool's result: which fields are answered, and what they mean. How a value is
/// bounded matters to who sends it, not to who reads it, and every session pays for each word.
pub(crate) fn of_result<T: JsonSchema>() -> Map<String, Value> {
    let settings = SchemaSettings::draft2020_12()
        .for_serialize()
        .with(|settings| {
            settings.meta_schema = None;
            settings.inline_subschemas = true;
        })
        .with_transform(|schema: &mut Schema| {
            enums_of_constants(schema);
            without_bounds(schema);
            tidy(schema);
        });
    finish(&settings.into_generator().into_root_schema_for::<T>())
}

/// The name and the words of the type itself mean nothing to a caller.
fn finish(schema: &Schema) -> Map<String, Value> {
    let mut object = schema.as_object().cloned().unwrap_or_default();
    object.remove("title");
    object.remove("description");
    object
}

/// Takes `null` out of types and alternatives, and defaults that are `null`.
fn without_null(schema: &mut Schema) {
    if let Some(object) = schema.as_object_mut() {
        if let Some(Value::Array(types)) = object.get_mut("type") {
            types.retain(|name| name != "null");
            if let [only] = types.as_slice() {
                let only = only.clone();
                object.insert("type".to_owned(), only);
            }
        }
        if object.get("default") == Some(&Value::Null) {
            object.remove("default");
        }
        if let Some(Value::Array(choices)) = object.get_mut("anyOf") {
            choices.retain(|choice| choice.get("type") != Some(&Value::from("null")));
            if choices.len() == 1
                && let Some(Value::Object(only)) = choices.pop()
            {
                object.remove("anyOf");
                for (key, value) in only {
                    // What the field says of itself goes before what its type says.
                    object.entry(key).or_insert(value);
                }
            }
        }
    }
    transform_subschemas(&mut without_null, schema);
}

/// Takes out how long, large and shaped a value may be.
fn without_bounds(schema: &mut Schema) {
    const BOUNDS: [&str; 7] =
        ["pattern", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems"];
    if let Some(object) = schema.as_object_mut() {
        for bound in BOUNDS {
            object.remove(bound);
        }
    }
    transform_subschemas(&mut without_bounds, schema);
}

/// Turns alternatives of described constants into one `enum`, and their words into its own.
fn enums_of_constants(schema: &mut Schema) {
    transform_subschemas(&mut enums_of_constants, schema);
    let Some(object) = schema.as_object_mut() else { return };
    let Some(Value::Array(choices)) = object.get("oneOf") else { return };
    let mut names = Vec::new();
    let mut words = Vec::new();
    for choice in choices {
        let constants: Vec<Value> = match (choice.get("const"), choice.get("enum")) {
            (Some(constant), _) => vec![constant.clone()],
            (None, Some(Value::Array(constants))) => constants.clone(),
            _ => return,
        };
        if let (Some(Value::String(text)), [Value::String(name)]) =
            (choice.get("description"), constants.as_slice())
        {
            words.push(format!("`{name}`: {text}"));
        }
        names.extend(constants);
    }
    object.remove("oneOf");
    object.insert("type".to_owned(), "string".into());
    object.insert("enum".to_owned(), Value::Array(names));
    if !words.is_empty() {
        let own = object.get("description").and_then(Value::as_str);
        let text = own.into_iter().map(str::to_owned).chain(words).collect::<Vec<_>>().join(" ");
        object.insert("description".to_owned(), text.into());
    }
}

/// Takes out the formats that only Rust knows, and the line breaks of doc comments.
fn tidy(schema: &mut Schema) {
    transform_subschemas(&mut tidy, schema);
    let Some(object) = schema.as_object_mut() else { return };
    let is_rust =
        |format: &str| ["uint", "int", "double", "float"].iter().any(|own| format.starts_with(own));
    if object.get("format").and_then(Value::as_str).is_some_and(is_rust) {
        object.remove("format");
    }
    if let Some(Value::String(text)) = object.get_mut("description") {
        *text = text.replace('\n', " ");
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};
    use serde_json::json;

    use super::*;
    use crate::args::{Text, Whole};

    #[derive(Serialize, Deserialize, JsonSchema)]
    #[serde(rename_all = "snake_case")]
    enum Kind {
        /// A choice.
        Decision,
        /// A trap.
        Warning,
    }

    /// Not for callers.
    #[derive(Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Args {
        /// What it is.
        #[serde(default)]
        kind: Option<Kind>,
        /// How many.
        #[serde(default)]
        limit: Option<Whole<1, 9>>,
        /// What to say,
        /// in full.
        body: Text<1, 5>,
    }

    #[derive(Serialize, JsonSchema)]
    struct Answer {
        /// The next one.
        next: Option<u64>,
        kind: Kind,
    }

    #[test]
    fn arguments_are_strict_and_plain() {
        assert_eq!(
            Value::Object(of_arguments::<Args>()),
            json!({
                "type": "object",
                "properties": {
                    "kind": {
                        "description": "What it is. `decision`: A choice. `warning`: A trap.",
                        "type": "string",
                        "enum": ["decision", "warning"]
                    },
                    "limit": {
                        "description": "How many.",
                        "type": "integer", "minimum": 1, "maximum": 9
                    },
                    "body": {
                        "description": "What to say, in full.",
                        "type": "string", "minLength": 1, "maxLength": 5
                    }
                },
                "additionalProperties": false,
                "required": ["body"]
            })
        );
    }

    #[test]
    fn results_say_what_may_be_null() {
        assert_eq!(
            Value::Object(of_result::<Answer>()),
            json!({
                "type": "object",
                "properties": {
                    "next": {
                        "description": "The next one.",
                        "type": ["integer", "null"]
                    },
                    "kind": {
                        "type": "string",
                        "enum": ["decision", "warning"],
                        "description": "`decision`: A choice. `warning`: A trap."
                    }
                },
                "required": ["next", "kind"]
            })
        );
    }
}
