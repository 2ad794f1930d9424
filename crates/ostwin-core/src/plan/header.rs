//! Ids in headers and references: `EPIC-001`, `Epic 1`, `TASK-007`.

use crate::ids::EpicId;

/// An id at the start of a text, and what follows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Leading<'a> {
    pub(super) id: EpicId,
    /// How many bytes the id takes, from the start of the text.
    pub(super) length: usize,
    /// What follows, without the separator and trimmed.
    pub(super) rest: &'a str,
}

/// The epic that a heading's text starts with, in any spelling in use.
pub(super) fn epic_header(text: &str) -> Option<Leading<'_>> {
    let (inner, skipped, close) = unwrap_marks(text);
    if let Some(found) = leading_id(inner, "EPIC", close) {
        return Some(Leading { length: skipped + found.length, ..found });
    }
    // `Epic: EPIC-001 - T`
    let rest = strip_prefix_ignoring_case(inner, "epic")?.trim_start().strip_prefix(':')?;
    let rest = rest.trim_start();
    let found = leading_id(rest, "EPIC", close)?;
    Some(Leading { length: skipped + (inner.len() - rest.len()) + found.length, ..found })
}

/// The task that a text starts with.
pub(super) fn task_header(text: &str) -> Option<Leading<'_>> {
    let (inner, skipped, close) = unwrap_marks(text);
    let found = leading_id(inner, "TASK", close)?;
    Some(Leading { length: skipped + found.length, ..found })
}

/// A reference to an epic, a task or the plan review, with nothing but a title behind it.
pub(super) fn reference(text: &str) -> Option<EpicId> {
    let text = text.trim().trim_matches(['`', '*', '"', '\'', '[', ']']).trim();
    let found = epic_header(text).or_else(|| task_header(text));
    if let Some(found) = found {
        let behind = text.get(found.length..).unwrap_or("").trim_start();
        let plain = found.rest.is_empty() || behind.starts_with([':', '-', '–', '—', '(']);
        return plain.then_some(found.id);
    }
    if text.eq_ignore_ascii_case(EpicId::PLAN_REVIEW) {
        return Some(EpicId::plan_review());
    }
    None
}

/// `KIND-x` as written, or `Kind 1` for `KIND-001`; `close` may stand behind the id.
fn leading_id<'a>(text: &'a str, kind: &str, close: &str) -> Option<Leading<'a>> {
    let behind = strip_prefix_ignoring_case(text, kind)?;
    if let Some(rest) = behind.strip_prefix('-') {
        let end = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')))
            .unwrap_or(rest.len());
        let word = rest.get(..end)?.trim_end_matches(['-', '_', '.']);
        if word.is_empty() {
            return None;
        }
        let length = kind.len() + 1 + word.len();
        let id = EpicId::new(text.get(..length)?).ok()?;
        return Some(Leading { id, length, rest: title_after(text.get(length..)?, close)? });
    }
    let number_from = behind.trim_start_matches([' ', '\t']);
    if number_from.len() == behind.len() {
        return None;
    }
    let number_from = number_from.strip_prefix('#').unwrap_or(number_from);
    let digits = number_from.bytes().take_while(u8::is_ascii_digit).count();
    let number = number_from.get(..digits)?.trim_start_matches('0');
    if digits == 0 || digits > 9 {
        return None;
    }
    let length = text.len() - number_from.len() + digits;
    let id = EpicId::new(&format!("{kind}-{number:0>3}")).ok()?;
    Some(Leading { id, length, rest: title_after(text.get(length..)?, close)? })
}

/// The title behind an id: after one separator, or after a blank. `None` if the id goes on.
fn title_after<'a>(text: &'a str, close: &str) -> Option<&'a str> {
    let closed = |text: &'a str| match close {
        "" => text,
        close => text.strip_prefix(close).unwrap_or(text).trim_start(),
    };
    let trimmed = closed(text.trim_start());
    for separator in [":", "-", "–", "—", ".", "|"] {
        if let Some(rest) = trimmed.strip_prefix(separator) {
            return Some(closed(rest.trim_start()).trim_end());
        }
    }
    let goes_on = trimmed.len() == text.len() && !text.is_empty() && !text.starts_with('(');
    (!goes_on).then(|| trimmed.trim_end())
}

/// Takes off bold, code or bracket marks at the start, and at the end if they wrap the whole.
/// Gives the inner text, how much was taken off before it, and the mark that may still close.
fn unwrap_marks(text: &str) -> (&str, usize, &'static str) {
    for (open, close) in [("**", "**"), ("__", "__"), ("`", "`"), ("[", "]")] {
        if let Some(rest) = text.strip_prefix(open) {
            let inner = rest.strip_suffix(close).filter(|inner| !inner.contains(close));
            return (inner.unwrap_or(rest), open.len(), close);
        }
    }
    (text, 0, "")
}

fn strip_prefix_ignoring_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then(|| text.get(prefix.len()..)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_header_spelling_is_read() {
        for (text, id, title) in [
            ("EPIC-001: Login", "EPIC-001", "Login"),
            ("epic-001 - Login", "EPIC-001", "Login"),
            ("EPIC-001 – Login", "EPIC-001", "Login"),
            ("EPIC-001 — Login", "EPIC-001", "Login"),
            ("EPIC-001— Login", "EPIC-001", "Login"),
            ("EPIC-001 Login", "EPIC-001", "Login"),
            ("Epic 1: Login", "EPIC-001", "Login"),
            ("EPIC 12 Login", "EPIC-012", "Login"),
            ("Epic: EPIC-001 - Login", "EPIC-001", "Login"),
            ("**EPIC-001: Login**", "EPIC-001", "Login"),
            ("**EPIC-001**: Login", "EPIC-001", "Login"),
            ("EPIC-001", "EPIC-001", ""),
            ("EPIC-AUTH: Login", "EPIC-AUTH", "Login"),
            ("Epic-1: Login", "EPIC-1", "Login"),
        ] {
            let found = epic_header(text).unwrap_or_else(|| panic!("{text:?} is a header"));
            assert_eq!((found.id.as_str(), found.rest), (id, title), "{text}");
        }
        for text in ["Epics", "Epic", "Epic overview", "Epicentre", "EPIC-", "EPIC-001ä"] {
            assert_eq!(epic_header(text), None, "{text}");
        }
    }

    #[test]
    fn references_are_normalised() {
        for (text, id) in [
            ("Epic 1", "EPIC-001"),
            ("`EPIC-002`", "EPIC-002"),
            ("epic-2", "EPIC-2"),
            ("EPIC-003 (Login)", "EPIC-003"),
            ("EPIC-003 - Login", "EPIC-003"),
            ("plan-review", "PLAN-REVIEW"),
            ("TASK-004", "TASK-004"),
        ] {
            assert_eq!(reference(text).map(|id| id.to_string()).as_deref(), Some(id), "{text}");
        }
        for text in ["tokio", "EPIC-001 EPIC-002", "", "the login"] {
            assert_eq!(reference(text), None, "{text}");
        }
    }
}
