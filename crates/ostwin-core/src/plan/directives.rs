//! What a directive's value means. Values come from lines, lists and YAML alike; here they become
//! fields of an epic, or a diagnostic.

use std::collections::HashSet;
use std::str::FromStr;

use serde_json::Value;

use super::config::seconds;
use super::diagnostic::{Code, Diagnostic};
use super::header;
use super::keys::Key;
use super::source::Span;
use super::value::{Epic, LifecycleSource, Priority};
use crate::ids::{EpicId, NameError, RoleRef, SkillName};

/// A directive's value as it was written.
#[derive(Clone, Debug)]
pub(super) struct Raw {
    /// The whole value.
    pub(super) text: String,
    /// Its place.
    pub(super) span: Span,
    /// The items, if the value is a list of Markdown or YAML; else the text is one item.
    pub(super) items: Option<Vec<(String, Span)>>,
}

impl Raw {
    /// A value on one line.
    pub(super) fn line(text: &str, span: Span) -> Self {
        Self { text: span.of(text).to_owned(), span, items: None }
    }

    /// A value from YAML, all at one place.
    pub(super) fn yaml(value: &Value, span: Span) -> Self {
        let plain = |value: &Value| match value {
            Value::String(text) => text.clone(),
            Value::Null => String::new(),
            other => other.to_string(),
        };
        match value {
            Value::Array(values) => {
                let items: Vec<_> = values.iter().map(|item| (plain(item), span)).collect();
                let text = items.iter().map(|(text, _)| format!("- {text}")).collect::<Vec<_>>();
                Self { text: text.join("\n"), span, items: Some(items) }
            }
            single => Self { text: plain(single), span, items: None },
        }
    }

    /// The single words of a list value, without brackets, quotes and code marks. Words that say
    /// "none" are left out.
    fn words(&self) -> Vec<(String, Span)> {
        let whole = [(self.text.clone(), self.span)];
        let items = self.items.as_deref().unwrap_or(&whole);
        let mut words = Vec::new();
        for (item, span) in items {
            let bare = item.trim().trim_matches(['[', ']']);
            let base = item.len() - item.trim_start().trim_start_matches('[').len();
            let mut from = 0;
            for part in bare.split([',', ';']) {
                let word = unquoted(part);
                let at = from + part.find(word).unwrap_or(0);
                from += part.len() + 1;
                let none = ["", "none", "n/a", "-", "—", "nil", "null"];
                if none.iter().any(|none| word.eq_ignore_ascii_case(none)) {
                    continue;
                }
                // Items that were rewritten on the way have no exact place.
                let exact = span.end - span.start == item.len();
                let start = span.start + base + at;
                let place = if exact { Span::new(start, start + word.len()) } else { *span };
                words.push((super::text::one_line(word), place));
            }
        }
        words
    }

    /// A value that is one word or one line.
    fn single(&self) -> &str {
        match self.items.as_deref() {
            Some([(only, _)]) => unquoted(only),
            _ => unquoted(&self.text),
        }
    }
}

/// A text without blanks, quotes, code or bold marks around it.
pub(super) fn unquoted(text: &str) -> &str {
    let mut text = text.trim();
    for mark in ["**", "__", "`", "\"", "'"] {
        let inner = text.strip_prefix(mark).and_then(|rest| rest.strip_suffix(mark));
        if let Some(inner) = inner.filter(|inner| !inner.contains(mark)) {
            text = inner.trim();
        }
    }
    text
}

/// Puts a value into the epic's field. `Err` leaves the epic as it was.
pub(super) fn apply(epic: &mut Epic, key: Key, raw: &Raw) -> Result<(), Diagnostic> {
    match key {
        Key::DependsOn => depends_on(epic, raw)?,
        Key::Roles => roles(epic, raw)?,
        Key::Objective => epic.objective = text(raw),
        Key::Files => {
            epic.key_files = text(raw);
            epic.spans.key_files = raw.span;
        }
        Key::Priority => epic.priority = Some(priority(raw)?),
        Key::Timeout => epic.timeout = Some(duration(key, raw)?),
        Key::RetryDelay => epic.retry_delay = Some(duration(key, raw)?),
        Key::MaxRetries => epic.max_retries = Some(number(key, raw)?),
        Key::BudgetTokens => epic.budget_tokens = Some(number(key, raw)?),
        Key::BudgetUsd => epic.budget_usd = Some(dollars(raw)?),
        Key::Model => epic.model = word(raw),
        Key::Agent => epic.agent = word(raw),
        Key::WorkingDir => epic.working_dir = word(raw),
        Key::NoMcp => epic.no_mcp = Some(yes_or_no(key, raw)?),
        Key::SkipReview => epic.skip_review = Some(yes_or_no(key, raw)?),
        Key::Serialize => epic.serialize = Some(yes_or_no(key, raw)?),
        Key::SkillRefs => epic.skill_refs = names(key, raw)?,
        Key::Capabilities => {
            epic.capabilities = raw.words().into_iter().map(|(word, _)| word).collect();
            epic.spans.capabilities = raw.span;
        }
        Key::Pipeline => {
            epic.pipeline = stages(raw);
            epic.spans.pipeline = raw.span;
        }
        Key::Lifecycle => {
            epic.lifecycle = lifecycle(raw)?;
            epic.spans.lifecycle = raw.span;
        }
        Key::Description | Key::DefinitionOfDone | Key::AcceptanceCriteria | Key::Tasks => {}
    }
    Ok(())
}

/// Whether the epic has a value for the key already. Dependencies add up and never are repeated.
pub(super) fn is_set(epic: &Epic, key: Key) -> bool {
    match key {
        Key::Roles => !epic.roles.is_empty(),
        Key::Objective => epic.objective.is_some(),
        Key::Files => epic.key_files.is_some(),
        Key::Priority => epic.priority.is_some(),
        Key::Timeout => epic.timeout.is_some(),
        Key::RetryDelay => epic.retry_delay.is_some(),
        Key::MaxRetries => epic.max_retries.is_some(),
        Key::BudgetTokens => epic.budget_tokens.is_some(),
        Key::BudgetUsd => epic.budget_usd.is_some(),
        Key::Model => epic.model.is_some(),
        Key::Agent => epic.agent.is_some(),
        Key::WorkingDir => epic.working_dir.is_some(),
        Key::NoMcp => epic.no_mcp.is_some(),
        Key::SkipReview => epic.skip_review.is_some(),
        Key::Serialize => epic.serialize.is_some(),
        Key::SkillRefs => !epic.skill_refs.is_empty(),
        Key::Capabilities => !epic.capabilities.is_empty(),
        Key::Pipeline => !epic.pipeline.is_empty(),
        Key::Lifecycle => epic.lifecycle.is_some(),
        Key::DependsOn
        | Key::Description
        | Key::DefinitionOfDone
        | Key::AcceptanceCriteria
        | Key::Tasks => false,
    }
}

fn text(raw: &Raw) -> Option<String> {
    let text = super::text::tidy(&raw.text);
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// A machine if the text is an object in JSON, else a drawing.
fn lifecycle(raw: &Raw) -> Result<Option<LifecycleSource>, Diagnostic> {
    let Some(text) = text(raw) else { return Ok(None) };
    if !text.starts_with('{') {
        return Ok(Some(LifecycleSource::Drawing(text)));
    }
    let machine =
        serde_json::from_str(&text).map_err(|error| malformed_lifecycle(&error, raw.span))?;
    Ok(Some(LifecycleSource::Machine(machine)))
}

/// The report of a lifecycle that is not JSON.
pub(super) fn malformed_lifecycle(error: &serde_json::Error, span: Span) -> Diagnostic {
    let text = error.to_string();
    let reason = text.split(" at line ").next().unwrap_or(&text);
    let message = format!("the lifecycle is not valid JSON: {reason}");
    Diagnostic::error(Code::MalformedLifecycle, span, message)
        .with_help("a lifecycle is an object with `initial_state` and `states`")
}

fn word(raw: &Raw) -> Option<String> {
    let word = super::text::one_line(raw.single());
    (!word.is_empty()).then_some(word)
}

fn depends_on(epic: &mut Epic, raw: &Raw) -> Result<(), Diagnostic> {
    // What is named twice is sorted out when the whole epic is known.
    let mut found = Vec::new();
    for (word, span) in raw.words() {
        match header::reference(&word) {
            Some(id) => found.push((id, span)),
            None => found.extend(references(&word, span)?),
        }
    }
    for (id, span) in found {
        epic.depends_on.push(id);
        epic.spans.depends_on.push(span);
    }
    Ok(())
}

/// References that `and` or blanks separate.
fn references(text: &str, span: Span) -> Result<Vec<(EpicId, Span)>, Diagnostic> {
    let joined = text.replace(" and ", ",").replace(" & ", ",");
    let words: Vec<&str> = if joined.contains(',') {
        joined.split(',').collect()
    } else {
        text.split_whitespace().collect()
    };
    words
        .into_iter()
        .map(|word| header::reference(word).map(|id| (id, span)))
        .collect::<Option<Vec<_>>>()
        .filter(|found| !found.is_empty())
        .ok_or_else(|| {
            let message = format!("`{}` is not the id of an epic", shown(text));
            Diagnostic::error(Code::UnreadableValue, span, message)
                .with_help("write ids as `EPIC-001, EPIC-002`, or `none`")
        })
}

fn roles(epic: &mut Epic, raw: &Raw) -> Result<(), Diagnostic> {
    let mut seen = HashSet::new();
    let mut roles: Vec<RoleRef> = Vec::new();
    let mut spans = Vec::new();
    for (word, span) in raw.words() {
        for part in word.split_whitespace().flat_map(|part| part.split("->")) {
            let part = part.trim_matches(['@', '`', '"', '\'', '*', '→', '+', '&', '.']);
            if part.is_empty() || part.eq_ignore_ascii_case("and") {
                continue;
            }
            let role = RoleRef::new(&part.to_ascii_lowercase()).map_err(|error| {
                unreadable_name(&error, span)
                    .with_help("write roles as `engineer, qa`, or `engineer:fe` for an instance")
            })?;
            if seen.insert(role.clone()) {
                roles.push(role);
                spans.push(span);
            }
        }
    }
    epic.roles = roles;
    epic.spans.roles = spans;
    Ok(())
}

fn names(key: Key, raw: &Raw) -> Result<Vec<SkillName>, Diagnostic> {
    let mut seen = HashSet::new();
    let mut names: Vec<SkillName> = Vec::new();
    for (word, span) in raw.words() {
        let name = SkillName::new(word.trim_start_matches('@')).map_err(|error| {
            unreadable_name(&error, span)
                .with_help(format!("write `{}: name, other-name`", key.name()))
        })?;
        if seen.insert(name.clone()) {
            names.push(name);
        }
    }
    Ok(names)
}

fn unreadable_name(error: &NameError, span: Span) -> Diagnostic {
    Diagnostic::error(Code::UnreadableValue, span, error.to_string())
}

/// The stages of `a -> b -> c`; commas and list items do as well.
fn stages(raw: &Raw) -> Vec<String> {
    raw.words()
        .iter()
        .flat_map(|(word, _)| word.split(['→', '>', '⟶', '➜']))
        .map(|stage| super::text::one_line(unquoted(stage.trim().trim_end_matches(['-', '=']))))
        .filter(|stage| !stage.is_empty())
        .collect()
}

fn priority(raw: &Raw) -> Result<Priority, Diagnostic> {
    let text = raw.single();
    Priority::parse(text).ok_or_else(|| {
        let message = format!("`{}` is not a priority", shown(text));
        Diagnostic::error(Code::UnreadableNumber, raw.span, message)
            .with_help("write `high`, `normal`, `low` or an integer; lower runs first")
    })
}

fn duration(key: Key, raw: &Raw) -> Result<u64, Diagnostic> {
    let text = raw.single();
    seconds(text).ok_or_else(|| {
        let message = format!("`{}` is not a duration for {}", shown(text), key.name());
        Diagnostic::error(Code::UnreadableNumber, raw.span, message)
            .with_help("write seconds (`900`) or numbers with units (`15m`, `1h30m`)")
    })
}

fn number<T: FromStr>(key: Key, raw: &Raw) -> Result<T, Diagnostic> {
    let text = raw.single();
    text.replace(['_', ','], "").parse().map_err(|_| {
        let message = format!("`{}` is not a number for {}", shown(text), key.name());
        Diagnostic::error(Code::UnreadableNumber, raw.span, message)
            .with_help("write a whole number, 0 or more")
    })
}

fn dollars(raw: &Raw) -> Result<f64, Diagnostic> {
    let text = raw.single();
    let amount = text.trim_start_matches('$').trim_end_matches("USD").trim();
    match amount.parse::<f64>() {
        Ok(amount) if amount.is_finite() && amount.is_sign_positive() => Ok(amount),
        _ => {
            let message = format!("`{}` is not an amount for budget_usd", shown(text));
            Err(Diagnostic::error(Code::UnreadableNumber, raw.span, message)
                .with_help("write US dollars as `2.50`"))
        }
    }
}

fn yes_or_no(key: Key, raw: &Raw) -> Result<bool, Diagnostic> {
    let text = raw.single();
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" => Ok(true),
        "false" | "no" | "off" => Ok(false),
        _ => {
            let message = format!("`{}` is neither true nor false for {}", shown(text), key.name());
            Err(Diagnostic::error(Code::UnreadableValue, raw.span, message).with_help(format!(
                "write `{}: true` or `{}: false`",
                key.name(),
                key.name()
            )))
        }
    }
}

/// A value shortened for a message.
pub(super) fn shown(text: &str) -> String {
    let line = super::text::one_line(text);
    if line.chars().count() <= 60 {
        return line;
    }
    line.chars().take(59).chain(std::iter::once('…')).collect()
}
