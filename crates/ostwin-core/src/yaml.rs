//! YAML, for front matter and for fences with directives. Nobody else knows which library reads it.

use serde_json::{Map, Value};

/// Why a YAML text could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct YamlError {
    /// Byte offset in the YAML text.
    pub offset: usize,
    /// What is wrong there.
    pub message: String,
}

/// Nobody needs more, and everything that walks a value may recurse.
const MAX_DEPTH: usize = 32;

/// A text whose beginning is YAML between two lines of dashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrontMatter<'t> {
    /// The YAML.
    pub yaml: &'t str,
    /// Where it begins in the whole text, in bytes.
    pub start: usize,
    /// The text behind it.
    pub body: &'t str,
}

/// Takes a text apart at its front matter; `None` if it has none, or one that is never closed,
/// which is then a thematic break. A byte order mark before it is passed over.
pub fn front_matter(text: &str) -> Option<FrontMatter<'_>> {
    let mut lines = text.split_inclusive('\n');
    let open = lines.next()?;
    if open.trim_start_matches('\u{feff}').trim_end() != "---" {
        return None;
    }
    let start = open.len();
    let mut end = start;
    for line in lines {
        if matches!(line.trim_end(), "---" | "...") {
            let body = text.get(end + line.len()..)?.trim_start_matches(['\r', '\n']);
            return Some(FrontMatter { yaml: text.get(start..end)?, start, body });
        }
        end += line.len();
    }
    None
}

/// Reads a mapping. An empty text is an empty mapping.
///
/// # Errors
///
/// The text is not YAML, is something else than a mapping, or is nested too deeply.
pub fn mapping(text: &str) -> Result<Map<String, Value>, YamlError> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn front_matter_is_told_from_a_thematic_break() {
        let whole = FrontMatter { yaml: "a: 1\r\n", start: 5, body: "Text\n" };
        assert_eq!(front_matter("---\r\na: 1\r\n---\r\n\r\nText\n"), Some(whole));
        let marked = FrontMatter { yaml: "", start: 7, body: "" };
        assert_eq!(front_matter("\u{feff}---\n..."), Some(marked));
        for text in ["", "Text", "---", "---\na: 1\n", "----\na: 1\n---\n", " ---\n---\n"] {
            assert_eq!(front_matter(text), None, "{text:?}");
        }
    }
}
