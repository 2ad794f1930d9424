//! Taking typed values out of front matter, each mistake at the place of its key.

use std::path::Path;

use ostwin_core::ids::NameError;
use ostwin_core::json::nearest;
use ostwin_core::yaml::FrontMatter;
use serde_json::{Map, Value};

use crate::error::FormatError;

/// The front matter of one file while its fields are taken out.
pub(super) struct Fields<'t> {
    path: &'t Path,
    text: &'t str,
    front: FrontMatter<'t>,
    /// By the spelling that was written.
    values: Map<String, Value>,
}

impl<'t> Fields<'t> {
    pub(super) fn new(
        path: &'t Path,
        text: &'t str,
        front: FrontMatter<'t>,
        values: Map<String, Value>,
    ) -> Self {
        Self { path, text, front, values }
    }

    /// A field that must be there, with words in it.
    pub(super) fn required(&mut self, key: &str) -> Result<String, FormatError> {
        match self.text(key)? {
            Some(text) => Ok(text),
            None => Err(self.error_in_front(format!("the field `{key}` is required and missing"))),
        }
    }

    /// One text; numbers are texts too, because YAML takes `1.0` for one.
    pub(super) fn text(&mut self, key: &str) -> Result<Option<String>, FormatError> {
        let Some((written, value)) = self.take(key) else { return Ok(None) };
        match scalar(&value) {
            Some(text) => Ok(Some(text).filter(|text| !text.is_empty())),
            None => Err(self.wrong(&written, "one text", &value)),
        }
    }

    /// A yes or no.
    pub(super) fn flag(&mut self, key: &str, default: bool) -> Result<bool, FormatError> {
        let Some((written, value)) = self.take(key) else { return Ok(default) };
        match &value {
            Value::Null => Ok(default),
            Value::Bool(flag) => Ok(*flag),
            Value::String(text) if matches!(text.as_str(), "yes" | "on") => Ok(true),
            Value::String(text) if matches!(text.as_str(), "no" | "off") => Ok(false),
            _ => Err(self.wrong(&written, "`true` or `false`", &value)),
        }
    }

    /// A list: a YAML one, or a text whose items `split` finds.
    pub(super) fn list(
        &mut self,
        key: &str,
        split: fn(&str) -> Vec<&str>,
    ) -> Result<Vec<String>, FormatError> {
        let Some((written, value)) = self.take(key) else { return Ok(Vec::new()) };
        let wrong = |fields: &Self, found: &Value| {
            fields.wrong(&written, "a list of texts, or one text with them", found)
        };
        let mut items: Vec<String> = Vec::new();
        let mut add = |item: &str| {
            let item = item.trim();
            if !item.is_empty() && !items.iter().any(|known| known == item) {
                items.push(item.to_owned());
            }
        };
        match &value {
            Value::Array(values) => {
                for value in values {
                    add(&scalar(value).ok_or_else(|| wrong(self, value))?);
                }
            }
            Value::Object(_) => return Err(wrong(self, &value)),
            single => split(&scalar(single).unwrap_or_default()).into_iter().for_each(add),
        }
        Ok(items)
    }

    /// A list of names of one kind.
    pub(super) fn names<T>(
        &mut self,
        key: &str,
        parse: fn(&str) -> Result<T, NameError>,
    ) -> Result<Vec<T>, FormatError> {
        let at = self.offset(key);
        let items = self.list(key, words)?;
        let parse = |item: &String| {
            parse(item).map_err(|error| {
                FormatError::at(self.path, self.text, at, format!("`{key}`: {error}"))
            })
        };
        items.iter().map(parse).collect()
    }

    /// A mapping.
    pub(super) fn map(&mut self, key: &str) -> Result<Map<String, Value>, FormatError> {
        match self.take(key) {
            None | Some((_, Value::Null)) => Ok(Map::new()),
            Some((_, Value::Object(map))) => Ok(map),
            Some((written, other)) => Err(self.wrong(&written, "a mapping", &other)),
        }
    }

    /// What nobody took, and a remark on each: the nearest of the `known` fields.
    pub(super) fn rest(self, known: &[&str]) -> (Map<String, Value>, Vec<String>) {
        let remark = |key: &String| {
            let near = nearest(&canonical(key), known.iter().copied())
                .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            let at = FormatError::at(
                self.path,
                self.text,
                self.offset(key),
                format!("field `{key}` is unknown{near}"),
            );
            at.to_string()
        };
        let remarks = self.values.keys().map(remark).collect();
        (self.values, remarks)
    }

    /// A mistake in a field.
    pub(super) fn error_at(&self, key: &str, message: impl Into<String>) -> FormatError {
        FormatError::at(self.path, self.text, self.offset(key), message)
    }

    /// A mistake of the front matter as a whole.
    pub(super) fn error_in_front(&self, message: impl Into<String>) -> FormatError {
        FormatError::at(self.path, self.text, self.front.start, message)
    }

    fn take(&mut self, key: &str) -> Option<(String, Value)> {
        let written = self.values.keys().find(|written| canonical(written) == key)?.clone();
        let value = self.values.shift_remove(&written)?;
        Some((written, value))
    }

    fn wrong(&self, key: &str, wanted: &str, found: &Value) -> FormatError {
        let found = match found {
            Value::Null => "nothing",
            Value::Bool(_) => "`true` or `false`",
            Value::Number(_) => "a number",
            Value::String(_) => "a text",
            Value::Array(_) => "a list",
            Value::Object(_) => "a mapping",
        };
        self.error_at(key, format!("`{key}` must be {wanted}, and is {found}"))
    }

    /// Where a key of the outermost mapping is written; the front matter's beginning if it is
    /// written in an unusual way.
    fn offset(&self, key: &str) -> usize {
        let mut at = self.front.start;
        for line in self.front.yaml.split_inclusive('\n') {
            let written = line.split_once(':').map(|(name, _)| name.trim_matches(['"', '\'', ' ']));
            if !line.starts_with(' ')
                && written.is_some_and(|name| canonical(name) == canonical(key))
            {
                return at;
            }
            at += line.len();
        }
        self.front.start
    }
}

/// Fields are known in one spelling and may be written with `-` or `_`, in any case.
fn canonical(key: &str) -> String {
    key.to_ascii_lowercase().replace('-', "_")
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some(String::new()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Array(_) | Value::Object(_) => None,
    }
}

/// The items of a text in which commas or blanks stand between words.
pub(super) fn words(text: &str) -> Vec<&str> {
    text.split(|c: char| c == ',' || c.is_whitespace()).collect()
}

/// The items of a text in which commas stand between phrases.
pub(super) fn phrases(text: &str) -> Vec<&str> {
    text.split([',', '\n']).collect()
}

/// The items of a text with names of tools, where blanks inside of brackets belong to an item:
/// `Bash(git add *) Read`.
pub(super) fn tools(text: &str) -> Vec<&str> {
    let mut depth = 0_usize;
    let split = |c: char| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && (c == ',' || c.is_whitespace())
    };
    text.split(split).collect()
}
