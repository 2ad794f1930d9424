//! Where the settings of a plan stand: front matter and the `Config` section.

use super::config;
use super::diagnostic::{Code, Diagnostic};
use super::directives;
use super::epic::first_line;
use super::markdown::{Block, Item, Node};
use super::parse::Document;
use super::source::Span;
use super::text::{one_line, tidy};
use crate::yaml;

impl Document<'_> {
    /// Reads the YAML at the top of the file; gives where the Markdown starts.
    pub(super) fn front_matter(&mut self) -> usize {
        let text = self.source.text;
        let start = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        let body = text.get(start..).unwrap_or("");
        let mut lines = body.split_inclusive('\n');
        let Some(open) = lines.next().filter(|line| line.trim_end() == "---") else { return start };
        let mut end = open.len();
        let close = lines.find(|line| {
            let closes = matches!(line.trim_end(), "---" | "...");
            if !closes {
                end += line.len();
            }
            closes
        });
        let Some(close) = close else { return start };
        let yaml = body.get(open.len()..end).unwrap_or("");
        let yaml_start = start + open.len();
        match yaml::mapping(yaml) {
            Ok(map) => {
                for (key, value) in map {
                    let at = yaml.find(&key).map_or(yaml_start, |at| yaml_start + at);
                    self.front_matter_entry(&key, value, Span::new(at, at + key.len()));
                }
            }
            Err(error) => {
                let first = yaml.lines().find(|line| !line.trim().is_empty()).unwrap_or("");
                if !first.contains(':') {
                    return start;
                }
                let at = yaml_start + error.offset.min(yaml.len());
                let message = format!("the front matter can't be read: {}", error.message);
                self.diagnostics.push(
                    Diagnostic::error(Code::MalformedYaml, Span::new(at, at), message)
                        .with_help("front matter is YAML between two lines of `---`"),
                );
            }
        }
        let body_start = start + end + close.len();
        self.source.claim(Span::new(start, body_start.saturating_sub(1)));
        body_start
    }

    pub(super) fn front_matter_entry(&mut self, key: &str, value: serde_json::Value, span: Span) {
        let field = match key.to_ascii_lowercase().as_str() {
            "title" => &mut self.plan.title,
            "goal" => &mut self.goal_line,
            _ => {
                let key = config::key_name(key);
                let value = config::duration_as_seconds(&key, value);
                self.setting(key, value, span);
                return;
            }
        };
        let text = match value {
            serde_json::Value::String(text) => text,
            other => other.to_string(),
        };
        let text = if key.eq_ignore_ascii_case("title") { one_line(&text) } else { tidy(&text) };
        *field = Some(text).filter(|text| !text.is_empty());
    }

    pub(super) fn setting(&mut self, key: String, value: serde_json::Value, span: Span) {
        if self.plan.config.insert(key.clone(), value).is_some() {
            let message = format!("`{}` is set twice", directives::shown(&key));
            self.diagnostics.push(
                Diagnostic::warning(Code::RepeatedDirective, span, message)
                    .with_help("the last one counts; remove one of them"),
            );
        }
        self.plan.config_spans.push((key, span));
    }

    pub(super) fn config_block(&mut self, node: &Node) {
        match &node.block {
            Block::Paragraph(lines) => {
                for line in lines {
                    self.config_line(*line, *line, None);
                }
            }
            Block::List(items) => {
                for item in items {
                    let nested = item.blocks.iter().find_map(|node| match &node.block {
                        Block::List(items) => Some(items.as_slice()),
                        _ => None,
                    });
                    if let Some(line) = first_line(item) {
                        self.config_line(line, item.span, nested);
                    }
                }
            }
            Block::Code(code) if code.is(&["yaml", "yml", "json"]) => {
                let content = code.content(self.source.text);
                match yaml::mapping(&content) {
                    Ok(map) => {
                        for (key, value) in map {
                            let key = config::key_name(&key);
                            let value = config::duration_as_seconds(&key, value);
                            self.setting(key, value, node.span);
                        }
                        self.source.claim(node.span);
                    }
                    Err(error) => {
                        let at = code.source_offset(error.offset);
                        let message = format!("this YAML can't be read: {}", error.message);
                        self.diagnostics.push(Diagnostic::error(
                            Code::MalformedYaml,
                            Span::new(at, at),
                            message,
                        ));
                    }
                }
            }
            Block::Rule => self.source.claim(node.span),
            _ => {}
        }
    }

    pub(super) fn config_line(&mut self, line: Span, whole: Span, nested: Option<&[Item]>) {
        let Some((key, value, span)) = config::entry(self.source.text, line) else { return };
        let value = match nested {
            Some(items) if value == "" => self.nested_setting(items),
            _ => value,
        };
        self.setting(key, value, span);
        self.source.claim(if nested.is_some() { whole } else { line });
    }

    /// A list below a setting is its value: an object if every item is `key: value`.
    pub(super) fn nested_setting(&self, items: &[Item]) -> serde_json::Value {
        let lines: Vec<Span> = items.iter().filter_map(first_line).collect();
        let text = self.source.text;
        let entries: Option<serde_json::Map<_, _>> = lines
            .iter()
            .map(|line| config::entry(text, *line).map(|(key, value, _)| (key, value)))
            .collect();
        match entries {
            Some(map) if !map.is_empty() => serde_json::Value::Object(map),
            _ => lines.iter().map(|line| config::scalar(self.source.at(*line))).collect(),
        }
    }
}
