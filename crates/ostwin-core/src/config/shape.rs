//! The tree of settings, read off the JSON Schema of [`Config`]: which keys there are, which of
//! them hold others, and what a value must look like.

use std::sync::OnceLock;

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

use super::types::Config;
use crate::json::nearest;

/// A place in the tree of settings.
#[derive(Debug)]
pub(super) enum Shape {
    /// Fixed keys below, in the order of the type.
    Record(Vec<(String, Described)>),
    /// Any name below, and the same for each.
    Map(Box<Shape>),
    /// One value.
    Leaf {
        /// What it takes, in words.
        expected: String,
    },
}

/// A shape with its documentation.
#[derive(Debug)]
pub(super) struct Described {
    pub(super) doc: String,
    pub(super) shape: Shape,
}

/// Keys that a file may have and that are no settings.
const NOT_SETTINGS: [&str; 1] = ["schema_version"];

/// The shape of all settings.
pub(super) fn root() -> &'static Shape {
    static ROOT: OnceLock<Shape> = OnceLock::new();
    ROOT.get_or_init(|| {
        let settings = SchemaSettings::default().with(|settings| settings.inline_subschemas = true);
        let schema = settings.into_generator().into_root_schema_for::<Config>();
        match shape(&schema.to_value()) {
            Shape::Record(mut fields) => {
                fields.retain(|(key, _)| !NOT_SETTINGS.contains(&key.as_str()));
                Shape::Record(fields)
            }
            other => other,
        }
    })
}

fn shape(schema: &Value) -> Shape {
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        // A record that may be left out altogether is set and replaced as one value.
        if !allows_null(schema) {
            return Shape::Record(
                properties
                    .iter()
                    .map(|(key, schema)| {
                        (key.clone(), Described { doc: doc(schema), shape: shape(schema) })
                    })
                    .collect(),
            );
        }
    }
    match map_values(schema) {
        Some(values) => Shape::Map(Box::new(shape(values))),
        None => Shape::Leaf { expected: expected(schema) },
    }
}

/// The schema of a map's values, whether its keys are free or follow a pattern.
fn map_values(schema: &Value) -> Option<&Value> {
    let free = schema.get("additionalProperties").filter(|values| values.is_object());
    free.or_else(|| schema.get("patternProperties")?.as_object()?.values().next())
}

fn allows_null(schema: &Value) -> bool {
    let is_null = |value: &Value| value == "null";
    match schema.get("type") {
        Some(Value::Array(types)) => types.iter().any(is_null),
        Some(single) => is_null(single),
        None => schema
            .get("anyOf")
            .and_then(Value::as_array)
            .is_some_and(|any| any.iter().any(allows_null)),
    }
}

/// The documentation comment as one paragraph.
fn doc(schema: &Value) -> String {
    let text = schema.get("description").and_then(Value::as_str).unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What a value must be, in words.
fn expected(schema: &Value) -> String {
    let quoted = |value: &Value| match value {
        Value::String(text) => format!("`{text}`"),
        other => other.to_string(),
    };
    if let Some(constant) = schema.get("const") {
        return quoted(constant);
    }
    let list = |key: &str| schema.get(key).and_then(Value::as_array);
    if let Some(values) = list("enum") {
        return values.iter().map(quoted).collect::<Vec<_>>().join(" or ");
    }
    if let Some(choices) = list("oneOf").or_else(|| list("anyOf")) {
        return choices.iter().map(expected).collect::<Vec<_>>().join(" or ");
    }
    let types: Vec<&str> = match schema.get("type") {
        Some(Value::String(single)) => vec![single],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let words = types.iter().map(|kind| match *kind {
        "integer" => match (schema.get("minimum"), schema.get("maximum")) {
            (Some(least), Some(most)) => format!("a whole number from {least} to {most}"),
            (Some(least), None) => format!("a whole number from {least} on"),
            (None, _) => "a whole number".to_owned(),
        },
        "number" => "a number".to_owned(),
        "string" => "a text".to_owned(),
        "boolean" => "true or false".to_owned(),
        "array" => match schema.get("items").map(expected).as_deref() {
            Some("a text") => "a list of texts".to_owned(),
            Some(item) => format!("a list with each item {item}"),
            None => "a list".to_owned(),
        },
        "object" => "an object".to_owned(),
        other => other.to_owned(),
    });
    words.collect::<Vec<_>>().join(" or ")
}

/// What a dotted key leads to.
pub(super) enum Found {
    /// One value.
    Leaf,
    /// A record or a map.
    Inner,
    /// Nothing; the nearest key that leads somewhere, if one is near.
    Unknown(Option<String>),
}

/// Looks a key up, given as its parts.
pub(super) fn find(path: &[String]) -> Found {
    let mut shape = root();
    for (depth, name) in path.iter().enumerate() {
        shape = match shape {
            Shape::Map(values) => values,
            Shape::Leaf { .. } => return Found::Unknown(Some(path[..depth].join("."))),
            Shape::Record(fields) => match fields.iter().find(|(key, _)| key == name) {
                Some((_, field)) => &field.shape,
                None => return Found::Unknown(near(fields, path, depth)),
            },
        };
    }
    match shape {
        Shape::Leaf { .. } => Found::Leaf,
        Shape::Record(_) | Shape::Map(_) => Found::Inner,
    }
}

fn near(fields: &[(String, Described)], path: &[String], depth: usize) -> Option<String> {
    let near = nearest(&path[depth], fields.iter().map(|(key, _)| key.as_str()))?;
    let mut parts = path[..depth].to_vec();
    parts.push(near.to_owned());
    Some(parts.join("."))
}

/// What the value at a key must be, in words.
pub(super) fn expected_at(path: &[String]) -> String {
    let mut shape = root();
    for name in path {
        shape = match shape {
            Shape::Map(values) => values,
            Shape::Record(fields) => match fields.iter().find(|(key, _)| key == name) {
                Some((_, field)) => &field.shape,
                None => return String::new(),
            },
            Shape::Leaf { .. } => return String::new(),
        };
    }
    match shape {
        Shape::Leaf { expected } => expected.clone(),
        Shape::Record(_) | Shape::Map(_) => "an object".to_owned(),
    }
}

/// Puts `value` at `path` into an object, making objects on the way.
pub(super) fn put(into: &mut Map<String, Value>, path: &[String], value: Value) {
    let Some((name, rest)) = path.split_first() else { return };
    if rest.is_empty() {
        into.insert(name.clone(), value);
        return;
    }
    let below = into.entry(name.clone()).or_insert_with(|| Value::Object(Map::new()));
    if !below.is_object() {
        *below = Value::Object(Map::new());
    }
    if let Value::Object(below) = below {
        put(below, rest, value);
    }
}

/// The parts of a dotted key. Part of a map may be quoted if it holds dots: `roles."a.b".model`.
pub(super) fn split(key: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut quoted = false;
    for c in key.chars() {
        match (c, quoted) {
            ('"', _) => quoted = !quoted,
            ('.', false) => parts.push(String::new()),
            _ => {
                if let Some(part) = parts.last_mut() {
                    part.push(c);
                }
            }
        }
    }
    parts
}

/// The dotted key of these parts.
pub(super) fn join(path: &[String]) -> String {
    let parts: Vec<String> = path
        .iter()
        .map(|part| if part.contains('.') { format!("\"{part}\"") } else { part.clone() })
        .collect();
    parts.join(".")
}
