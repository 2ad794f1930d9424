//! YAML, for front matter and for fences with directives. Nobody else knows which library reads it.

use serde_json::{Map, Value};

/// Why a YAML text could not be read.
#[derive(Debug)]
pub(super) struct YamlError {
    /// Byte offset in the YAML text.
    pub(super) offset: usize,
    pub(super) message: String,
}

/// No plan needs more, and everything that walks a value may recurse.
const MAX_DEPTH: usize = 32;

/// Reads a mapping. An empty text is an empty mapping.
pub(super) fn mapping(text: &str) -> Result<Map<String, Value>, YamlError> {
    let value: Value = if text.trim().is_empty() {
        Value::Null
    } else {
        serde_saphyr::from_str(text).map_err(|error| located(text, &error))?
    };
    if is_deeper(&value, MAX_DEPTH) {
        let message = format!("values are nested deeper than {MAX_DEPTH} levels");
        return Err(YamlError { offset: 0, message });
    }
    match value {
        Value::Null => Ok(Map::new()),
        Value::Object(map) => Ok(map),
        other => {
            let kind = match other {
                Value::Array(_) => "a list",
                _ => "a single value",
            };
            Err(YamlError {
                offset: 0,
                message: format!("expected `key: value` lines, found {kind}"),
            })
        }
    }
}

fn is_deeper(value: &Value, limit: usize) -> bool {
    let deeper = |inner: &Value| limit == 0 || is_deeper(inner, limit - 1);
    match value {
        Value::Array(items) => items.iter().any(deeper),
        Value::Object(map) => map.values().any(deeper),
        _ => false,
    }
}

fn located(text: &str, error: &serde_saphyr::Error) -> YamlError {
    let offset = error.location().map_or(0, |location| {
        let line = usize::try_from(location.line()).unwrap_or(1).saturating_sub(1);
        let column = usize::try_from(location.column()).unwrap_or(1).saturating_sub(1);
        let start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
        let rest = text.get(start..).unwrap_or("");
        start + rest.chars().take(column).map(char::len_utf8).sum::<usize>()
    });
    let message = error.without_snippet().to_string();
    let first = message.lines().next().unwrap_or("not valid YAML");
    YamlError { offset: offset.min(text.len()), message: first.trim_end_matches('.').to_owned() }
}
