//! The spellings in which a value may come.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};

use super::secrets::MIN_BYTES;

/// Shortest line of a value of several lines, such as a private key, that is searched for by
/// itself.
const MIN_LINE_BYTES: usize = 32;

/// What an address leaves as it is.
const ADDRESS: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// What JavaScript's `encodeURIComponent` leaves as it is.
const COMPONENT: AsciiSet =
    ADDRESS.remove(b'!').remove(b'\'').remove(b'(').remove(b')').remove(b'*');
/// What a form leaves as it is, but for the space, which becomes `+`.
const FORM: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'*');

/// Every spelling of `value` that is searched for: as it is, in JSON text (also in JSON within
/// JSON), in an address or form, in Base64 (by itself or in the middle of a longer text) and as
/// hexadecimal digits. Of a value of several lines each long line counts too.
pub(super) fn spellings(value: &str) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    let lines = value
        .lines()
        .map(str::trim)
        .filter(|line| line.len() >= MIN_LINE_BYTES && !line.contains(char::is_whitespace));
    let parts: BTreeSet<&str> = std::iter::once(value).chain(lines).collect();
    for part in parts {
        for text in in_json(part) {
            let twice = in_json(&text);
            all.extend(twice);
            all.insert(text);
        }
        all.insert(part.to_owned());
        all.extend(in_addresses(part));
        all.extend(in_base64(part.as_bytes()));
        all.extend(in_hex(part.as_bytes()));
    }
    all.retain(|text| text.len() >= MIN_BYTES);
    all
}

/// As text of JSON: with the characters as they are, and with all but ASCII escaped.
fn in_json(text: &str) -> [String; 3] {
    let quoted = serde_json::Value::from(text).to_string();
    let plain = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default().to_owned();
    let mut ascii = String::with_capacity(plain.len());
    for c in plain.chars() {
        if c.is_ascii() {
            ascii.push(c);
        } else {
            let mut units = [0; 2];
            ascii.extend(c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")));
        }
    }
    let slashes = ascii.replace('/', "\\/");
    [plain, ascii, slashes]
}

fn in_addresses(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    for set in [&ADDRESS, &COMPONENT, &FORM] {
        let upper = percent_encode(text.as_bytes(), set).to_string();
        for encoded in [lower_escapes(&upper), upper] {
            all.push(encoded.replace("%20", "+"));
            all.push(encoded);
        }
    }
    all
}

/// The same with small letters in what is escaped, as some programs write it.
fn lower_escapes(encoded: &str) -> String {
    let mut parts = encoded.split('%');
    let mut lower = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        lower.push('%');
        match part.split_at_checked(2) {
            Some((escape, rest)) => {
                lower.push_str(&escape.to_ascii_lowercase());
                lower.push_str(rest);
            }
            None => lower.push_str(part),
        }
    }
    lower
}

/// By itself, and the part that does not depend on what is around the value in a longer text, for
/// each of the three ways in which it may lie there: `Basic` credentials are of that kind.
fn in_base64(value: &[u8]) -> Vec<String> {
    let mut all = Vec::new();
    for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
        all.push(engine.encode(value));
        for before in 0..3_usize {
            let padded = [&[0; 2][..before], value].concat();
            let encoded = engine.encode(&padded);
            // The first characters hold bits of what comes before, the last one of what follows.
            let first = (before * 8).div_ceil(6);
            let last = padded.len() * 8 / 6;
            all.extend(encoded.get(first..last).map(str::to_owned));
        }
    }
    all
}

fn in_hex(value: &[u8]) -> [String; 2] {
    let lower: String = value.iter().map(|byte| format!("{byte:02x}")).collect();
    [lower.to_uppercase(), lower]
}
