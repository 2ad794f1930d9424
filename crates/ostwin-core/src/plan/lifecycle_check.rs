//! What is wrong with the lifecycle of an epic, and where.

use std::ops::Range;

use super::check::known_role;
use super::diagnostic::{Code, Diagnostic};
use super::lifecycle::{CastError, flow};
use super::parse::ParseOptions;
use super::source::Span;
use super::value::{Epic, LifecycleSource};
use crate::lifecycle::{self, Machine, MachineError};

/// Adds everything that is wrong with the stages or the machine of `epic`. `text` is the plan's.
pub(super) fn check(epic: &Epic, text: &str, options: &ParseOptions, found: &mut Vec<Diagnostic>) {
    without_effect(epic, found);
    if let Some(LifecycleSource::Machine(value)) = &epic.lifecycle {
        return machine(epic, value, text, options, found);
    }
    if epic.lifecycle.is_none() && epic.pipeline.is_empty() && epic.capabilities.is_empty() {
        return;
    }
    let span = match (&epic.lifecycle, epic.pipeline.is_empty()) {
        (Some(_), _) => epic.spans.lifecycle,
        (None, false) => epic.spans.pipeline,
        (None, true) => epic.spans.capabilities,
    };
    match flow(epic, options.registry.as_ref()) {
        Ok(Some(flow)) => {
            let is_drawn = epic.lifecycle.is_some() || !epic.pipeline.is_empty();
            for role in flow.roles() {
                if !epic.roles.iter().any(|named| named.role == role.role) {
                    known_role(&role.role, span, options, found);
                }
            }
            for (number, role) in epic.roles.iter().enumerate().filter(|_| is_drawn) {
                if !flow.roles().iter().any(|stage| stage.role == role.role) {
                    let span = epic.spans.roles.get(number).copied().unwrap_or(epic.spans.header);
                    let message = format!("`{role}` takes no part: no stage names it");
                    found.push(
                        Diagnostic::warning(Code::NotActedOn, span, message)
                            .with_help("add a stage for it, or take it out of the roles"),
                    );
                }
            }
        }
        Ok(None) => {}
        Err(error) => found.push(not_cast(epic, &error, span, text)),
    }
}

/// Directives that another one makes void.
fn without_effect(epic: &Epic, found: &mut Vec<Diagnostic>) {
    let Some(_) = &epic.lifecycle else { return };
    for (is_there, name, span) in [
        (!epic.pipeline.is_empty(), "Pipeline", epic.spans.pipeline),
        (!epic.capabilities.is_empty(), "Capabilities", epic.spans.capabilities),
    ] {
        if is_there {
            let message = format!("`{name}` adds no stage: `Lifecycle` says which there are");
            found.push(
                Diagnostic::warning(Code::NotActedOn, span, message)
                    .with_help("put its stages into the lifecycle, or remove the lifecycle"),
            );
        }
    }
}

fn not_cast(epic: &Epic, error: &CastError, span: Span, text: &str) -> Diagnostic {
    let drawing = match &epic.lifecycle {
        Some(LifecycleSource::Drawing(drawing)) => Some(drawing.as_str()),
        _ => None,
    };
    let in_drawing = |place: &Range<usize>| {
        drawing.and_then(|drawing| drawn_at(drawing, place, span, text)).unwrap_or(span)
    };
    let word_at = |word: &str| {
        let at = span.of(text).to_lowercase().find(word)?;
        Some(Span::new(span.start + at, span.start + at + word.len()))
    };
    let malformed = |span, message: String, help: &str| {
        Diagnostic::error(Code::MalformedLifecycle, span, message).with_help(help)
    };
    match error {
        CastError::Drawing { source } => {
            malformed(in_drawing(&source.place), source.problem.clone(), &source.help)
        }
        CastError::Word { word, place, .. } => {
            let at = match place {
                Some(place) => in_drawing(place),
                None => word_at(word).unwrap_or(span),
            };
            malformed(at, error.to_string(), "name a role, or the stage of a capability")
        }
        CastError::Shape(_) | CastError::Flow(_) => {
            malformed(span, error.to_string(), "begin with who works, and let others review")
        }
    }
}

/// Where a place in a drawing is in the plan: the drawing has lost its indent, so its row is looked
/// for.
fn drawn_at(drawing: &str, place: &Range<usize>, span: Span, text: &str) -> Option<Span> {
    let before = drawing.get(..place.start)?;
    let row_start = before.rfind('\n').map_or(0, |at| at + 1);
    let row = drawing.get(row_start..)?.lines().next()?;
    let blank = row.len() - row.trim_start().len();
    let at = span.start + span.of(text).find(row.trim())?;
    let start = at + (place.start - row_start).checked_sub(blank)?;
    let length = place.len().min(row.len().saturating_sub(place.start - row_start));
    text.get(start..start + length).map(|_| Span::new(start, start + length))
}

/// Checks a machine that is spelled out.
fn machine(
    epic: &Epic,
    value: &serde_json::Value,
    text: &str,
    options: &ParseOptions,
    found: &mut Vec<Diagnostic>,
) {
    const HELP: &str = "a lifecycle is an object with `initial_state` and `states`";
    let span = epic.spans.lifecycle;
    let source = span.of(text);
    let read = match serde_json::from_str::<Machine>(source) {
        // In a quote or in YAML the text is not the machine's own.
        Err(error) if error.is_data() => Err((at_of(source, &error, span), error)),
        Err(_) => serde_json::from_value(value.clone()).map_err(|error| (span, error)),
        Ok(machine) => Ok(machine),
    };
    let machine = match read {
        Ok(machine) => machine,
        Err((place, error)) => {
            let full = error.to_string();
            let message = full.split(" at line ").next().unwrap_or(&full);
            let message = format!("the lifecycle is no machine: {message}");
            found.push(Diagnostic::error(Code::MalformedLifecycle, place, message).with_help(HELP));
            return;
        }
    };
    for error in lifecycle::check(&machine, &|_| true).err().unwrap_or_default() {
        let place = key_place(source, &path_of(&error))
            .map_or(span, |place| Span::new(span.start + place.start, span.start + place.end));
        let message = format!("the lifecycle of {}: {error}", epic.id);
        let help = "`ostwin plan show` draws what was understood";
        found.push(Diagnostic::error(Code::MalformedLifecycle, place, message).with_help(help));
    }
    for (name, state) in machine.states.iter() {
        if let Some(role) = state.role.as_ref().filter(|_| state.kind.has_session()) {
            let place = key_place(source, &["states", name.as_str(), "role"]);
            let place =
                place.map_or(span, |at| Span::new(span.start + at.start, span.start + at.end));
            known_role(&role.role, place, options, found);
        }
    }
}

/// Where a parse error is.
fn at_of(source: &str, error: &serde_json::Error, span: Span) -> Span {
    let before: usize =
        source.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
    let at = (before + error.column().saturating_sub(1)).min(source.len().saturating_sub(1));
    let at = span.start + (0..=at).rev().find(|at| source.is_char_boundary(*at)).unwrap_or(0);
    Span::new(at, at + 1)
}

/// The keys that lead to what an error speaks of.
fn path_of(error: &MachineError) -> Vec<&str> {
    match error {
        MachineError::NoInitialState { .. } => vec!["initial_state"],
        MachineError::NoTerminal => vec!["states"],
        MachineError::NoTarget { state, signal, .. }
        | MachineError::NoPrevious { state, signal }
        | MachineError::TerminalWithSignal { state, signal }
        | MachineError::OpenSignal { state, signal, .. }
        | MachineError::EndlessDecision { state, signal, .. } => {
            vec!["states", state.as_str(), "signals", signal.as_str()]
        }
        MachineError::NoWayOut { state }
        | MachineError::NoRole { state, .. }
        | MachineError::UnknownRole { state, .. }
        | MachineError::NoErrorSignal { state }
        | MachineError::OpenDecision { state, .. } => vec!["states", state.as_str()],
    }
}

/// The place of a key in a JSON text, with its quotes. Lists add nothing to the path.
fn key_place(text: &str, path: &[&str]) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    // The keys that are open; a list is open without one.
    let mut open: Vec<Option<&str>> = Vec::new();
    let mut is_key = Vec::new();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'{' | b'[' => {
                open.push(None);
                is_key.push(*byte == b'{');
            }
            b'}' | b']' => {
                open.pop();
                is_key.pop();
            }
            b':' | b',' => {
                // Behind a comma comes a key, if this is an object.
                if let (Some(is_key), Some(key)) = (is_key.last_mut(), open.last_mut()) {
                    *is_key = *byte == b',' && key.is_some();
                }
            }
            b'"' => {
                let start = at;
                at += 1;
                while bytes.get(at).is_some_and(|byte| *byte != b'"') {
                    at += if bytes.get(at) == Some(&b'\\') { 2 } else { 1 };
                }
                if is_key.last() == Some(&true) {
                    *open.last_mut()? = text.get(start + 1..at);
                    if open.iter().flatten().eq(path.iter()) {
                        return Some(start..at + 1);
                    }
                }
            }
            _ => {}
        }
        at += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_found_by_its_path() {
        let text = r#"{"a": [{"b": 1}, {"c": "}{"}], "d": {"a": "d", "e\"": {"a": 2}}}"#;
        let found = |path: &[&str]| key_place(text, path).map(|place| place.start);
        assert_eq!(found(&["a"]), Some(1));
        assert_eq!(found(&["a", "c"]), text.find("\"c\""));
        assert_eq!(found(&["d", "a"]), text.find("\"a\": \"d\""));
        assert_eq!(found(&["d", "e\\\"", "a"]), text.rfind("\"a\""));
        assert_eq!(found(&["d", "b"]), None);
    }
}
