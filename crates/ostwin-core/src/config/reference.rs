//! The reference of all settings, generated from their types.

use serde::Serialize;
use serde_json::{Map, Value};

use super::shape::{self, Found, Shape};
use super::types::Config;

/// What the reference says about one setting.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KeyDoc {
    /// The dotted key; `NAME` stands for any name.
    pub key: String,
    /// What it takes, in words.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its shipped value.
    pub default: Value,
    /// The variable that sets it.
    pub env: String,
    /// What it means.
    pub doc: String,
}

/// Stands for any name below a map.
const ANY: &str = "NAME";

/// Every setting, in the order of the type.
pub fn reference() -> Vec<KeyDoc> {
    let mut docs = Vec::new();
    walk(shape::root(), "", &mut Vec::new(), &mut docs);
    docs
}

/// The key of every setting, in the order of the type; `NAME` stands for any name.
pub fn known_keys() -> Vec<String> {
    reference().into_iter().map(|doc| doc.key).collect()
}

/// Whether a dotted key is a setting or a group of settings.
///
/// # Errors
///
/// The nearest key, if one is near.
pub fn nearest_key(key: &str) -> Result<(), Option<String>> {
    match shape::find(&shape::split(key)) {
        Found::Leaf | Found::Inner => Ok(()),
        Found::Unknown(near) => Err(near),
    }
}

fn walk(here: &Shape, doc: &str, path: &mut Vec<String>, docs: &mut Vec<KeyDoc>) {
    match here {
        Shape::Leaf { expected } => docs.push(KeyDoc {
            key: path.join("."),
            kind: expected.clone(),
            default: shipped(path),
            env: format!("OSTWIN_{}", path.join("__").to_uppercase()),
            doc: doc.to_owned(),
        }),
        Shape::Map(values) => {
            path.push(ANY.to_owned());
            walk(values, doc, path, docs);
            path.pop();
        }
        Shape::Record(fields) => {
            for (name, field) in fields {
                path.push(name.clone());
                walk(&field.shape, &field.doc, path, docs);
                path.pop();
            }
        }
    }
}

/// The value of a setting where nothing sets it: of an entry that only its name makes, below a map.
fn shipped(path: &[String]) -> Value {
    let mut values = Map::new();
    if let Some(named) = path.iter().rposition(|part| part == ANY) {
        shape::put(&mut values, &path[..=named], Value::Object(Map::new()));
    }
    let config = serde_json::from_value::<Config>(Value::Object(values)).unwrap_or_default();
    let all = serde_json::to_value(config).unwrap_or_default();
    path.iter().try_fold(&all, |value, name| value.get(name)).cloned().unwrap_or_default()
}
