//! Changing one value of a settings file.

use std::path::Path;

use serde_json::{Map, Value};

use super::layer::{FileError, Layer};
use super::shape;
use super::source::{Source, SourceKind};
use crate::json::from_slice_located;

/// The new content of a settings file in which `key` is `text`, or is no longer set if `text` is
/// `None`. Everything else in the file stays as it is, mistakes included, so that they can be
/// mended one by one.
///
/// `bytes` is the present content, `None` if there is no file. `text` is read as JSON, as plain
/// text, or as a list with commas, whichever the setting takes.
///
/// # Errors
///
/// The file is not a JSON object or of a newer schema; the key is unknown; the value is wrong.
pub fn set(
    file: &Path,
    bytes: Option<&[u8]>,
    key: &str,
    text: Option<&str>,
) -> Result<Map<String, Value>, FileError> {
    let mut values: Map<String, Value> = match bytes {
        Some(bytes) => from_slice_located(file, bytes)?,
        None => Map::from_iter([("schema_version".to_owned(), Value::from(1))]),
    };
    let mut only_version = values.clone();
    only_version.retain(|name, _| name == "schema_version");
    Layer::from_file(
        SourceKind::Project,
        file,
        Value::Object(only_version).to_string().as_bytes(),
    )?;
    let path = shape::split(key);
    match text {
        None => remove(&mut values, &path),
        Some(text) => {
            let source = Source::file(SourceKind::Project, file);
            for entry in Layer::single(source, key, text)?.entries {
                shape::put(&mut values, &entry.path, entry.value);
            }
        }
    }
    Ok(values)
}

/// Takes a key away, and the objects that are empty without it.
fn remove(values: &mut Map<String, Value>, path: &[String]) {
    let Some((name, rest)) = path.split_first() else { return };
    if rest.is_empty() {
        values.shift_remove(name);
    } else if let Some(Value::Object(below)) = values.get_mut(name) {
        remove(below, rest);
        if below.is_empty() {
            values.shift_remove(name);
        }
    }
}
