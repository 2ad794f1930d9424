//! The names that directives and sections go by, and how a line is split into name and value.

use super::source::Span;
use crate::json::nearest;

/// A directive or section of an epic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Key {
    DependsOn,
    Roles,
    Objective,
    Description,
    Files,
    Priority,
    Timeout,
    MaxRetries,
    RetryDelay,
    Model,
    Agent,
    NoMcp,
    SkillRefs,
    WorkingDir,
    Pipeline,
    Capabilities,
    Lifecycle,
    SkipReview,
    Serialize,
    BudgetTokens,
    BudgetUsd,
    DefinitionOfDone,
    AcceptanceCriteria,
    Tasks,
}

/// Every name in lower case with `_` for blanks; the first of a key is its canonical one.
const NAMES: &[(&str, Key)] = &[
    ("depends_on", Key::DependsOn),
    ("dependencies", Key::DependsOn),
    ("dependency", Key::DependsOn),
    ("roles", Key::Roles),
    ("role", Key::Roles),
    ("objective", Key::Objective),
    ("description", Key::Description),
    ("key_files", Key::Files),
    ("key_file", Key::Files),
    ("priority", Key::Priority),
    ("timeout", Key::Timeout),
    ("timeout_seconds", Key::Timeout),
    ("max_retries", Key::MaxRetries),
    ("retry_delay", Key::RetryDelay),
    ("retry_delay_seconds", Key::RetryDelay),
    ("model", Key::Model),
    ("agent", Key::Agent),
    ("no_mcp", Key::NoMcp),
    ("skill_refs", Key::SkillRefs),
    ("skills", Key::SkillRefs),
    ("working_dir", Key::WorkingDir),
    ("pipeline", Key::Pipeline),
    ("capabilities", Key::Capabilities),
    ("lifecycle", Key::Lifecycle),
    ("skip_review", Key::SkipReview),
    ("serialize", Key::Serialize),
    ("budget_tokens", Key::BudgetTokens),
    ("budget_usd", Key::BudgetUsd),
    ("definition_of_done", Key::DefinitionOfDone),
    ("dod", Key::DefinitionOfDone),
    ("acceptance_criteria", Key::AcceptanceCriteria),
    ("acceptance_criterion", Key::AcceptanceCriteria),
    ("tasks", Key::Tasks),
];

impl Key {
    /// The key that a name stands for.
    pub(super) fn lookup(name: &str) -> Option<Self> {
        let name = name.trim();
        NAMES.iter().find(|(known, _)| is_spelled(name, known)).map(|(_, key)| *key)
    }

    /// The known name that a name is nearly spelled like.
    pub(super) fn almost(name: &str) -> Option<&'static str> {
        let name = normalise(name);
        // Short words are near to each other by chance.
        if name.len() < 4 {
            return None;
        }
        let is_alike = |known: &&str| known.len().abs_diff(name.len()) <= 2;
        let known = nearest(&name, NAMES.iter().map(|(known, _)| *known).filter(is_alike))?;
        let allowed = if name.len() < 7 { 1 } else { 2 };
        (known != name && strsim::damerau_levenshtein(&name, known) <= allowed).then_some(known)
    }

    /// Whether the key is a section of criteria or tasks.
    pub(super) fn is_section(self) -> bool {
        matches!(self, Self::DefinitionOfDone | Self::AcceptanceCriteria | Self::Tasks)
    }

    /// Whether the value is free text, which may go on over several lines.
    pub(super) fn is_text(self) -> bool {
        matches!(self, Self::Objective | Self::Description | Self::Files)
    }

    /// The name in messages and in the canonical form.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::DependsOn => "depends_on",
            Self::Roles => "Roles",
            Self::Objective => "Objective",
            Self::Description => "Description",
            Self::Files => "Key files",
            Self::Priority => "priority",
            Self::Timeout => "timeout",
            Self::MaxRetries => "max_retries",
            Self::RetryDelay => "retry_delay",
            Self::Model => "model",
            Self::Agent => "agent",
            Self::NoMcp => "no_mcp",
            Self::SkillRefs => "skill_refs",
            Self::WorkingDir => "working_dir",
            Self::Pipeline => "Pipeline",
            Self::Capabilities => "Capabilities",
            Self::Lifecycle => "Lifecycle",
            Self::SkipReview => "skip_review",
            Self::Serialize => "serialize",
            Self::BudgetTokens => "budget_tokens",
            Self::BudgetUsd => "budget_usd",
            Self::DefinitionOfDone => "Definition of Done",
            Self::AcceptanceCriteria => "Acceptance Criteria",
            Self::Tasks => "Tasks",
        }
    }
}

/// A name in lower case, with `_` for blanks and hyphens.
pub(super) fn normalise(name: &str) -> String {
    name.trim()
        .chars()
        .map(|c| if c == '-' || c.is_whitespace() { '_' } else { c.to_ascii_lowercase() })
        .collect()
}

/// Whether a name, normalised, is a known one.
fn is_spelled(name: &str, known: &str) -> bool {
    let lowered = name.bytes().map(|byte| match byte {
        b' ' | b'\t' | b'-' => b'_',
        byte => byte.to_ascii_lowercase(),
    });
    name.len() == known.len() && lowered.eq(known.bytes())
}

/// A line that reads `name: value`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct KeyValue {
    /// The name without marks.
    pub(super) name: Span,
    /// The value without marks around the whole; may be empty.
    pub(super) value: Span,
}

/// Splits a line at its first colon, with the marks of bold, italic and code text taken off.
pub(super) fn split(text: &str, line: Span) -> Option<KeyValue> {
    let source = line.of(text);
    let colon = source.find(':')?;
    let (before, after) = (source.get(..colon)?, source.get(colon + 1..)?);
    let marks_len = before.len() - before.trim_start_matches(is_mark).len();
    let marks = before.get(..marks_len)?;
    let name = before.get(marks_len..)?;
    let closed = name.trim_end_matches(is_mark);
    let is_closed = closed.len() < name.len();
    if !is_name(closed) {
        return None;
    }
    // `a:b` and `http://` are no directives.
    if !after.is_empty() && !after.starts_with([' ', '\t', '*', '_', '`']) {
        return None;
    }
    let name_start = line.start + marks_len;
    let mut value = Span::new(line.start + colon + 1, line.end);
    if !marks.is_empty() && !is_closed {
        let behind = value.of(text);
        if let Some(rest) = behind.strip_prefix(marks) {
            value.start += behind.len() - rest.len();
        } else if let Some(rest) = behind.strip_suffix(marks) {
            value.end = value.start + rest.len();
        }
    }
    let value = super::markdown::trimmed(text, value);
    Some(KeyValue { name: Span::new(name_start, name_start + closed.trim_end().len()), value })
}

/// The name on a line that is a label for what follows: bold, or ending with a colon.
pub(super) fn label(text: &str, line: Span) -> Option<Span> {
    if let Some(found) = split(text, line) {
        return (found.value.start == found.value.end).then_some(found.name);
    }
    let source = line.of(text);
    let inner = ["**", "__"]
        .iter()
        .find_map(|marks| source.strip_prefix(marks).and_then(|rest| rest.strip_suffix(marks)))?;
    is_name(inner.trim()).then(|| {
        let start = line.start + 2 + (inner.len() - inner.trim_start().len());
        Span::new(start, start + inner.trim().len())
    })
}

fn is_mark(c: char) -> bool {
    matches!(c, '*' | '_' | '`')
}

/// Up to four words, as directives have.
fn is_name(text: &str) -> bool {
    let text = text.trim();
    text.len() <= 40
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, ' ' | '_' | '-'))
        && text.split_whitespace().count() <= 4
}
