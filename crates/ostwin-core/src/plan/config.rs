//! The settings of a plan: the `Config` section and the front matter.

use serde_json::Value;

use super::keys;
use super::source::Span;

/// A setting's name as the settings spell it: lower case with `_`, long forms for durations.
pub(super) fn key_name(written: &str) -> String {
    let plain =
        written.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, ' ' | '_' | '-' | '.'));
    let name = if plain { keys::normalise(written) } else { written.to_owned() };
    match name.as_str() {
        "timeout" => "timeout_seconds".to_owned(),
        "retry_delay" => "retry_delay_seconds".to_owned(),
        _ => name,
    }
}

/// The setting that a line of the section gives, with the place of its name.
pub(super) fn entry(text: &str, line: Span) -> Option<(String, Value, Span)> {
    let source = line.of(text);
    // A quoted name may hold anything.
    if source.starts_with('"') {
        let mut names = serde_json::Deserializer::from_str(source).into_iter::<String>();
        let name = names.next()?.ok()?;
        let length = names.byte_offset();
        let value = source.get(length..)?.trim_start().strip_prefix(':')?;
        let span = Span::new(line.start, line.start + length);
        return Some((key_name(&name), scalar(value), span));
    }
    let (name, value) = match keys::split(text, line) {
        Some(found) => (found.name, found.value.of(text)),
        None => {
            // Dotted keys such as `dashboard.port`.
            let colon = source.find(": ")?;
            (Span::new(line.start, line.start + colon), source.get(colon + 1..)?)
        }
    };
    let written = name.of(text);
    let dotted = written.chars().all(|c| c.is_ascii_alphanumeric() || "._- ".contains(c));
    if !dotted || written.trim().is_empty() {
        return None;
    }
    let key = key_name(written);
    let value = duration_as_seconds(&key, scalar(value));
    Some((key, value, name))
}

/// `15m` for a setting in seconds is its number of seconds.
pub(super) fn duration_as_seconds(key: &str, value: Value) -> Value {
    match &value {
        Value::String(text) if key.ends_with("_seconds") => {
            seconds(text).map_or(value, Value::from)
        }
        _ => value,
    }
}

/// A value as YAML people write it: JSON, a bare list, a bool, a number, null, else text.
pub(super) fn scalar(text: &str) -> Value {
    let text = text.trim();
    let text = match text.strip_prefix('`').and_then(|rest| rest.strip_suffix('`')) {
        Some(code) if !code.contains('`') => code,
        _ => text,
    };
    if text.starts_with(['{', '[', '"']) {
        if let Ok(value) = serde_json::from_str(text) {
            return value;
        }
        if let Some(items) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            let items = items.split(',').map(str::trim).filter(|item| !item.is_empty());
            return items.map(atom).collect();
        }
    }
    atom(text)
}

/// A value that is no list of bare words.
fn atom(text: &str) -> Value {
    if text.starts_with('"')
        && let Ok(value) = serde_json::from_str(text)
    {
        return value;
    }
    if let Some(inner) = text.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
        return Value::from(inner);
    }
    match text {
        "true" => return Value::Bool(true),
        "false" => return Value::Bool(false),
        "null" | "~" => return Value::Null,
        _ => {}
    }
    if let Ok(number) = text.parse::<i64>() {
        return Value::from(number);
    }
    if let Ok(number) = text.parse::<u64>() {
        return Value::from(number);
    }
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() && text.ends_with(|c: char| c.is_ascii_digit()) => {
            Value::from(number)
        }
        _ => Value::from(text),
    }
}

/// The canonical spelling of a value: bare where that reads back the same, else JSON.
pub(super) fn write_scalar(value: &Value) -> String {
    match value {
        Value::String(text) if !text.is_empty() && scalar(text) == *value => text.clone(),
        other => other.to_string(),
    }
}

/// Reads a duration: seconds, or numbers with units (`15m`, `1h30m`, `90 sec`).
pub(super) fn seconds(text: &str) -> Option<u64> {
    let mut rest = text.trim();
    if let Ok(plain) = rest.parse() {
        return Some(plain);
    }
    let mut total: u64 = 0;
    let mut any = false;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number: u64 = rest.get(..digits)?.parse().ok()?;
        rest = rest.get(digits..)?.trim_start();
        let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        let unit = match rest.get(..letters)?.to_ascii_lowercase().as_str() {
            "s" | "sec" | "secs" | "second" | "seconds" => 1,
            "m" | "min" | "mins" | "minute" | "minutes" => 60,
            "h" | "hr" | "hrs" | "hour" | "hours" => 3600,
            "d" | "day" | "days" => 86_400,
            _ => return None,
        };
        total = total.checked_add(number.checked_mul(unit)?)?;
        rest = rest.get(letters..)?.trim_start();
        any = true;
    }
    any.then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn durations_have_units() {
        for (text, expected) in [
            ("900", Some(900)),
            ("15m", Some(900)),
            ("1h30m", Some(5400)),
            ("1h 30 min", Some(5400)),
            ("90 seconds", Some(90)),
            ("2d", Some(172_800)),
            ("", None),
            ("m", None),
            ("15", Some(15)),
            ("15x", None),
            ("1h30", None),
            ("-5", None),
            ("99999999999999999999h", None),
        ] {
            assert_eq!(seconds(text), expected, "{text:?}");
        }
    }

    #[test]
    fn scalars_read_back() {
        for value in [
            json!(true),
            json!("true"),
            json!(3),
            json!("3"),
            json!(0.5),
            json!("off"),
            json!(""),
            json!("[a]"),
            json!(["a", 1]),
            json!({"a": {"b": null}}),
            json!("line\nbreak"),
            json!("`code`"),
            json!(null),
            json!("'"),
            json!("inf"),
        ] {
            assert_eq!(scalar(&write_scalar(&value)), value);
        }
        assert_eq!(scalar("[a, 2, b c]"), json!(["a", 2, "b c"]));
    }
}
