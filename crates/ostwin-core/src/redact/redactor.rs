//! Replacing what must not be recorded.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, LazyLock};

use aho_corasick::{AhoCorasick, MatchKind};
use regex::bytes::Regex;
use serde_json::{Map, Value};

use super::needles::spellings;
use super::pattern::{PatternError, compile};
use super::secrets::Secrets;
use super::stream::Stream;

/// What stands where something without a name was.
const MARKER: &str = "[redacted]";

/// Passes over one text until nothing is found any more. One is nearly always enough; more are
/// only needed where a secret looks like a part of a marker.
const MAX_PASSES: usize = 8;

/// What was put there by an earlier pass: it is not looked into again.
static MARKERS: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\[redacted(:[A-Za-z0-9_.\-]{1,100})?\]").ok());

/// Replaces known secret values by `[redacted:NAME]` and matches of patterns by `[redacted]`.
///
/// What it gives holds none of the values, in none of the spellings that it knows, and giving it
/// the result again changes nothing. Cheap to clone; without secrets and patterns it does nothing.
#[derive(Clone, Default)]
pub struct Redactor {
    inner: Option<Arc<Inner>>,
}

struct Inner {
    secrets: Secrets,
    patterns: Vec<String>,
    /// Finds the spellings of all values; `None` without values.
    known: Option<AhoCorasick>,
    /// The marker of each spelling.
    markers: Vec<String>,
    compiled: Vec<Regex>,
    longest: usize,
    longest_of_lines: usize,
}

impl fmt::Debug for Redactor {
    /// Without the values.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = out.debug_struct("Redactor");
        if let Some(inner) = &self.inner {
            shown.field("secrets", &inner.secrets).field("patterns", &inner.patterns);
        }
        shown.finish()
    }
}

impl PartialEq for Redactor {
    /// Those that replace the same are the same.
    fn eq(&self, other: &Self) -> bool {
        let key = |one: &Self| {
            one.inner.as_ref().map(|inner| (inner.secrets.clone(), inner.patterns.clone()))
        };
        key(self) == key(other)
    }
}

impl Redactor {
    /// A redactor of these secrets and of what these patterns match.
    ///
    /// # Errors
    /// A pattern is wrong.
    pub fn new(secrets: &Secrets, patterns: &[String]) -> Result<Self, PatternError> {
        if secrets.is_empty() && patterns.is_empty() {
            return Ok(Self::default());
        }
        let compiled = compile(patterns)?;
        let mut known = Vec::new();
        for (name, value) in secrets.iter() {
            known.extend(spellings(value).into_iter().map(|spelling| (spelling, name)));
        }
        // What the plain marker holds could never be made to vanish.
        known.retain(|(spelling, _)| !MARKER.contains(spelling.as_str()));
        let marker = |name: &str| {
            let named = format!("[redacted:{}]", plain(name));
            let holds = known.iter().any(|(spelling, _)| named.contains(spelling.as_str()));
            if holds { MARKER.to_owned() } else { named }
        };
        let markers = known.iter().map(|(_, name)| marker(name)).collect();
        let lengths = known.iter().map(|(spelling, _)| spelling.len());
        let of_lines = known.iter().filter(|(spelling, _)| spelling.contains('\n'));
        let longest_of_lines = of_lines.map(|(spelling, _)| spelling.len()).max().unwrap_or(0);
        let longest = lengths.max().unwrap_or(0);
        let spellings = known.iter().map(|(spelling, _)| spelling.as_bytes());
        let built = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(spellings);
        let inner = Inner {
            secrets: secrets.clone(),
            patterns: patterns.to_vec(),
            // It fails for more than fits an address space.
            known: built.ok().filter(|known| known.patterns_len() > 0),
            markers,
            compiled,
            longest,
            longest_of_lines,
        };
        Ok(Self { inner: Some(Arc::new(inner)) })
    }

    /// The same, for further secrets too.
    #[must_use]
    pub fn with(&self, further: &Secrets) -> Self {
        let patterns = self.patterns();
        let secrets = match &self.inner {
            Some(inner) => inner.secrets.clone().and(further),
            None => further.clone(),
        };
        // The patterns are those of a redactor, so they are good.
        Self::new(&secrets, patterns).unwrap_or_else(|_| self.clone())
    }

    /// The secrets that it knows.
    pub fn secrets(&self) -> Secrets {
        self.inner.as_ref().map(|inner| inner.secrets.clone()).unwrap_or_default()
    }

    /// The patterns that it knows.
    pub fn patterns(&self) -> &[String] {
        self.inner.as_ref().map_or(&[], |inner| &inner.patterns)
    }

    /// Whether it replaces anything at all.
    pub fn is_idle(&self) -> bool {
        self.inner.is_none()
    }

    /// `text` with everything replaced.
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match self.bytes(text.as_bytes()) {
            Cow::Borrowed(_) => Cow::Borrowed(text),
            // No match begins or ends within a character, so this is text again.
            Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
        }
    }

    /// `text` with everything replaced, in place.
    pub fn in_text(&self, text: &mut String) {
        if let Cow::Owned(redacted) = self.text(text) {
            *text = redacted;
        }
    }

    /// The same for text that may be there.
    pub fn in_option(&self, text: &mut Option<String>) {
        if let Some(text) = text {
            self.in_text(text);
        }
    }

    /// Every text in `value` with everything replaced, the names of fields included. A number is
    /// replaced if it is a secret as a whole.
    pub fn in_value(&self, value: &mut Value) {
        if self.is_idle() {
            return;
        }
        match value {
            Value::String(text) => self.in_text(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.in_value(item)),
            Value::Object(fields) => self.in_fields(fields),
            Value::Null | Value::Bool(_) => {}
            Value::Number(number) => {
                if let Some(marker) = self.whole(&number.to_string()) {
                    *value = Value::from(marker);
                }
            }
        }
    }

    /// The same for the fields of an object.
    pub fn in_fields(&self, fields: &mut Map<String, Value>) {
        if self.is_idle() {
            return;
        }
        for (name, mut value) in std::mem::take(fields) {
            self.in_value(&mut value);
            let mut name = self.text(&name).into_owned();
            // Two names that become one are both kept.
            while fields.contains_key(&name) {
                name.push('_');
            }
            fields.insert(name, value);
        }
    }

    /// `bytes`, whatever they are, with everything replaced.
    pub fn bytes<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        let Some(inner) = &self.inner else { return Cow::Borrowed(bytes) };
        let mut redacted = Cow::Borrowed(bytes);
        for _ in 0..MAX_PASSES {
            match inner.pass(&redacted) {
                None => return redacted,
                Some(next) => redacted = Cow::Owned(next),
            }
        }
        match inner.pass(&redacted) {
            None => redacted,
            Some(_) => Cow::Owned(MARKER.as_bytes().to_vec()),
        }
    }

    /// What takes the place of `text`, if it is a secret from its beginning to its end.
    fn whole(&self, text: &str) -> Option<String> {
        let found = self.inner.as_ref()?.found(text.as_bytes());
        let (span, marker) = found.first()?;
        (*span == (0..text.len())).then(|| (*marker).to_owned())
    }

    /// For text that comes in pieces.
    pub fn stream(&self) -> Stream {
        Stream::new(self.clone())
    }

    /// The first place from `end` on at which `bytes` can be divided without tearing a value apart.
    pub(super) fn divide_bytes(&self, bytes: &[u8], end: usize) -> usize {
        let known = self.inner.as_ref().and_then(|inner| inner.known.as_ref());
        let mut spans = known.into_iter().flat_map(|known| known.find_iter(bytes));
        let torn = spans.find(|span| span.start() < end && end < span.end());
        torn.map_or(end, |span| span.end())
    }

    /// The first place, from about byte `end` on, at which `text` can be divided without tearing a
    /// value or a character apart. Behind `end` there have to be [`Self::longest`] bytes, or the
    /// text's end.
    pub fn divide(&self, text: &str, end: usize) -> usize {
        self.divide_bytes(text.as_bytes(), text.floor_char_boundary(end))
    }

    /// The length of the longest value to be found, in bytes.
    pub fn longest(&self) -> usize {
        self.inner.as_ref().map_or(0, |inner| inner.longest)
    }

    /// The same for values that hold a line's end.
    pub(super) fn longest_of_lines(&self) -> usize {
        self.inner.as_ref().map_or(0, |inner| inner.longest_of_lines)
    }
}

impl Inner {
    /// Replaces what is found once; `None` if nothing is.
    fn pass(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let found = self.found(bytes);
        if found.is_empty() {
            return None;
        }
        let mut out = Vec::with_capacity(bytes.len());
        let mut at = 0;
        for (span, marker) in found {
            out.extend_from_slice(&bytes[at..span.start]);
            out.extend_from_slice(marker.as_bytes());
            at = span.end;
        }
        out.extend_from_slice(&bytes[at..]);
        Some(out)
    }

    /// Where something is, in order and apart from each other, and what takes its place. Values go
    /// before patterns, and a pattern does not look into what an earlier pass has put there.
    fn found(&self, bytes: &[u8]) -> Vec<(Range<usize>, &str)> {
        let known = self.known.iter().flat_map(|known| known.find_iter(bytes));
        let mut found: Vec<(Range<usize>, &str)> = known
            .map(|hit| (hit.range(), self.markers[hit.pattern().as_usize()].as_str()))
            .collect();
        if self.compiled.is_empty() {
            return found;
        }
        let mut taken: Vec<Range<usize>> = found.iter().map(|(span, _)| span.clone()).collect();
        if let Some(markers) = MARKERS.as_ref() {
            taken.extend(markers.find_iter(bytes).map(|hit| hit.range()));
        }
        for pattern in &self.compiled {
            let mut fresh: Vec<Range<usize>> = Vec::new();
            for free in between(&mut taken, bytes.len()) {
                let hits = pattern.find_iter(&bytes[free.clone()]).filter(|hit| !hit.is_empty());
                fresh.extend(hits.map(|hit| free.start + hit.start()..free.start + hit.end()));
            }
            found.extend(fresh.iter().map(|span| (span.clone(), MARKER)));
            taken.extend(fresh);
        }
        found.sort_by_key(|(span, _)| span.start);
        found
    }
}

/// What is free of `taken`, which is put in order, in a text of this length.
fn between(taken: &mut [Range<usize>], length: usize) -> Vec<Range<usize>> {
    taken.sort_by_key(|span| span.start);
    let mut free = Vec::new();
    let mut at = 0;
    for span in taken.iter() {
        if at < span.start {
            free.push(at..span.start);
        }
        at = at.max(span.end);
    }
    if at < length {
        free.push(at..length);
    }
    free
}

/// A name as a marker holds it.
fn plain(name: &str) -> String {
    let kept = |c: char| if c.is_ascii_alphanumeric() || "_.-".contains(c) { c } else { '_' };
    name.chars().take(100).map(kept).collect()
}
