//! Fences that mean something in an epic: lifecycles, YAML directives, scenarios.

use serde_json::Value;

use super::diagnostic::{Code, Diagnostic};
use super::directives::{self, Raw, shown};
use super::epic::{Body, LABEL_LEVEL};
use super::keys::Key;
use super::markdown;
use super::source::Span;
use super::tasks;
use super::text::tidy;
use super::value::LifecycleSource;
use crate::yaml;

impl Body<'_, '_> {
    pub(super) fn lifecycle_fence(&mut self, code: &markdown::Code, lines: &[Span]) -> bool {
        let content = code.content(self.source.text);
        let span = Span::new(code.source_offset(0), code.source_offset(content.len()));
        if !(code.is(&["json", "jsonc"]) || content.trim_start().starts_with('{')) {
            return self.directive(
                Key::Lifecycle,
                &Raw { text: content, span, items: None },
                lines,
            );
        }
        if directives::is_set(self.epic, Key::Lifecycle) {
            let raw = Raw { text: content, span, items: None };
            return self.directive(Key::Lifecycle, &raw, lines);
        }
        match serde_json::from_str::<Value>(&content) {
            Ok(machine @ Value::Object(_)) => {
                self.epic.lifecycle = Some(LifecycleSource::Machine(machine));
                self.epic.spans.lifecycle = span;
                for span in lines {
                    self.source.claim(*span);
                }
                return true;
            }
            Ok(_) => self.diagnostics.push(
                Diagnostic::error(
                    Code::MalformedLifecycle,
                    span,
                    "the lifecycle is no JSON object",
                )
                .with_help("a lifecycle is an object with `initial_state` and `states`"),
            ),
            Err(error) => {
                let offset = json_offset(&content, &error).min(content.len().saturating_sub(1));
                let at = code.source_offset(offset);
                let problem = directives::malformed_lifecycle(&error, Span::new(at, at + 1));
                self.diagnostics.push(problem);
            }
        }
        false
    }

    /// A YAML fence is a set of directives if every key of it is one.
    pub(super) fn yaml_fence(&mut self, code: &markdown::Code, span: Span) {
        let content = code.content(self.source.text);
        let map = match yaml::mapping(&content) {
            Ok(map) => map,
            Err(error) => {
                let names_directive = content.lines().any(|line| {
                    line.split_once(':').is_some_and(|(name, _)| Key::lookup(name).is_some())
                });
                if names_directive {
                    let at = code.source_offset(error.offset.min(content.len()));
                    let message = format!("this YAML can't be read: {}", error.message);
                    self.diagnostics.push(
                        Diagnostic::error(Code::MalformedYaml, Span::new(at, at), message)
                            .with_help("directives in a YAML fence are `name: value` lines"),
                    );
                }
                return;
            }
        };
        let is_known = |name: &String| Key::lookup(name).is_some();
        if !map.keys().any(is_known) {
            return;
        }
        if let Some(unknown) = map.keys().find(|name| !is_known(name)) {
            let place = yaml_key_span(code, &content, unknown);
            let message =
                format!("`{}` is no directive, so this fence is description", shown(unknown));
            let mut diagnostic = Diagnostic::warning(Code::MisspelledDirective, place, message);
            if let Some(known) = Key::almost(unknown) {
                diagnostic = diagnostic.with_help(format!("did you mean `{known}`?"));
            }
            self.diagnostics.push(diagnostic);
            return;
        }
        let mut epic = self.epic.clone();
        std::mem::swap(self.epic, &mut epic);
        let mut is_fine = true;
        for (name, value) in &map {
            let Some(key) = Key::lookup(name) else { continue };
            is_fine &= self.yaml_entry(key, value, yaml_key_span(code, &content, name));
        }
        if is_fine {
            self.source.claim(span);
        } else {
            *self.epic = epic;
        }
    }

    pub(super) fn yaml_entry(&mut self, key: Key, value: &Value, span: Span) -> bool {
        let raw = Raw::yaml(value, span);
        if key.is_section() {
            let whole = [(raw.text.clone(), span)];
            let items = raw.items.as_deref().unwrap_or(&whole);
            self.open_section(key, LABEL_LEVEL);
            for (text, _) in items {
                match &mut self.section {
                    Some(section) if section.key != Key::Tasks => {
                        section.gathering.check_item(text, false);
                    }
                    _ => self.epic.tasks.push(tasks::read(text, false)),
                }
            }
            self.close_section();
            return true;
        }
        match (key, value) {
            (Key::Description, _) => {
                let text = tidy(&raw.text);
                if !self.epic.description.is_empty() {
                    self.epic.description.push_str("\n\n");
                }
                self.epic.description.push_str(&text);
                true
            }
            (Key::Lifecycle, Value::Object(_)) if self.epic.lifecycle.is_none() => {
                self.epic.lifecycle = Some(LifecycleSource::Machine(value.clone()));
                self.epic.spans.lifecycle = span;
                true
            }
            _ => self.directive(key, &raw, &[]),
        }
    }

    pub(super) fn gherkin(&mut self, code: &markdown::Code, span: Span) {
        let Some(section) = &mut self.section else { return };
        if section.key == Key::Tasks {
            return;
        }
        for line in code.content(self.source.text).lines() {
            let line = line.trim();
            if let Some(feature) = line.strip_prefix("Feature:") {
                section.gathering.heading(feature.trim());
            } else if line.starts_with('@') || line.starts_with('#') || line.is_empty() {
                continue;
            } else if !section.gathering.prose_line(line) {
                section.gathering.check_item(line, false);
            }
        }
        section.gathering.end_scenario();
        self.source.claim(span);
    }
}

/// Where a parse error of `content` is, as a byte offset.
fn json_offset(content: &str, error: &serde_json::Error) -> usize {
    let before = content.split_inclusive('\n').take(error.line().saturating_sub(1));
    before.map(str::len).sum::<usize>() + error.column().saturating_sub(1)
}

/// The place of a key in a YAML fence; the whole fence if it can't be found.
fn yaml_key_span(code: &markdown::Code, content: &str, name: &str) -> Span {
    let mut offset = 0;
    for line in content.split_inclusive('\n') {
        if line.trim_start_matches(['"', '\'']).starts_with(name) {
            let start = code.source_offset(offset);
            return Span::new(start, start + line.trim_end().len());
        }
        offset += line.len();
    }
    Span::new(code.source_offset(0), code.source_offset(content.len()))
}
