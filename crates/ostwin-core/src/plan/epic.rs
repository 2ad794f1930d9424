//! The body of one epic: its directives, its sections, and the rest, which is its description.

use serde_json::Value;

use super::criteria::Gathering;
use super::diagnostic::{Code, Diagnostic};
use super::directives::{self, Raw, shown};
use super::header;
use super::keys::{self, Key};
use super::markdown::{self, Block, Item, Node};
use super::source::Span;
use super::tasks;
use super::text::{Source, VERBATIM, tidy};
use super::value::{Epic, LifecycleSource};
use super::yaml;

/// The level of a section that a bold line opens: every heading ends it.
const LABEL_LEVEL: u8 = 7;

/// Reads the blocks below an epic's header into `epic`. What is left unclaimed in `source` is
/// description, which the caller takes.
pub(super) fn read(
    source: &mut Source<'_>,
    nodes: &[Node],
    epic: &mut Epic,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let mut body = Body { source, epic, diagnostics, section: None };
    body.trim_rules(nodes);
    let mut at = 0;
    while let Some(node) = nodes.get(at) {
        at += 1;
        let following = nodes.get(at..).unwrap_or(&[]);
        at += body.node(node, following);
    }
    body.close_section();
}

/// A section that is being read.
struct Section {
    key: Key,
    level: u8,
    gathering: Gathering,
    /// Paragraphs that are no scenario. They are criteria if nothing else in the section is.
    prose: Vec<Span>,
}

struct Body<'b, 's> {
    source: &'b mut Source<'s>,
    epic: &'b mut Epic,
    diagnostics: &'b mut Vec<Diagnostic>,
    section: Option<Section>,
}

impl Body<'_, '_> {
    /// Reads a block; gives how many of the following ones it took with it.
    fn node(&mut self, node: &Node, following: &[Node]) -> usize {
        match &node.block {
            Block::Heading { level, text } => return self.heading(node, *level, *text, following),
            Block::Paragraph(lines) => return self.paragraph(lines, following, None),
            Block::List(items) => self.list(items),
            Block::Code(code) => {
                if code.is(&[VERBATIM]) {
                    let content = tidy(&code.content(self.source.text));
                    self.source.replace(node.span, content);
                } else if code.is(&["yaml", "yml"]) {
                    self.yaml_fence(code, node.span);
                } else if code.is(&["gherkin", "feature", "cucumber"]) {
                    self.gherkin(code, node.span);
                }
            }
            Block::Rule | Block::Other => {}
        }
        0
    }

    /// Rules at the edges separate epics and say nothing.
    fn trim_rules(&mut self, nodes: &[Node]) {
        let is_rule = |node: &&Node| matches!(node.block, Block::Rule);
        let (front, back) =
            (nodes.iter().take_while(is_rule), nodes.iter().rev().take_while(is_rule));
        for node in front.chain(back) {
            self.source.claim(node.span);
        }
    }

    fn heading(&mut self, node: &Node, level: u8, text: Span, following: &[Node]) -> usize {
        let title = self.source.at(text);
        if let Some(task) = header::task_header(title) {
            return self.task_heading(node, level, task.length, text, following);
        }
        let (name, value) = match keys::split(self.source.text, text) {
            Some(found) => (self.source.at(found.name), Some(found.value)),
            None => (title.trim_matches('*'), None),
        };
        let value = value.filter(|value| value.start < value.end);
        let Some(key) = Key::lookup(name) else {
            if let Some(section) = &mut self.section
                && level > section.level
                && section.key != Key::Tasks
            {
                self.source.claim(node.span);
                section.gathering.heading(&super::text::one_line(title));
                return 0;
            }
            self.close_section();
            self.warn_if_almost(name, text);
            return 0;
        };
        self.close_section();
        if key.is_section() {
            self.source.claim(node.span);
            self.open_section(key, level);
            if let Some(value) = value {
                self.section_line(value);
            }
            return 0;
        }
        if let Some(value) = value {
            self.directive(key, &Raw::line(self.source.text, value), &[node.span]);
            return 0;
        }
        let end = following.iter().position(|node| self.ends_heading_body(node, level));
        let body = following.get(..end.unwrap_or(following.len())).unwrap_or(&[]);
        match (key, body) {
            (Key::Description, _) | (_, []) => {
                self.source.claim(node.span);
                0
            }
            (key, body) if key.is_text() => {
                let raw = self.text_of(body);
                let spans: Vec<Span> =
                    std::iter::once(node.span).chain(body.iter().map(|node| node.span)).collect();
                if self.directive(key, &raw, &spans) { body.len() } else { 0 }
            }
            (key, [first, ..]) => usize::from(self.value_block(key, first, node.span)),
        }
    }

    /// Whether a block can't belong to the directive that a heading of this level is.
    fn ends_heading_body(&self, node: &Node, level: u8) -> bool {
        let first_line = match &node.block {
            Block::Heading { level: inner, text } => {
                let title = self.source.at(*text);
                return *inner <= level
                    || header::task_header(title).is_some()
                    || Key::lookup(title.trim_matches(['*', ':'])).is_some();
            }
            Block::Paragraph(lines) => lines.first().copied(),
            Block::List(items) => items.first().and_then(first_line),
            _ => None,
        };
        first_line.is_some_and(|line| self.directive_on(line).is_some())
    }

    /// The directive or section that a line gives, with its value.
    fn directive_on(&self, line: Span) -> Option<(Key, Span)> {
        if let Some(found) = keys::split(self.source.text, line) {
            return Key::lookup(self.source.at(found.name)).map(|key| (key, found.value));
        }
        let name = keys::label(self.source.text, line)?;
        let key = Key::lookup(self.source.at(name))?;
        Some((key, Span::new(line.end, line.end)))
    }

    /// Reads a paragraph's lines; gives how many of the following blocks belong to its last line.
    fn paragraph(&mut self, lines: &[Span], following: &[Node], item: Option<&Item>) -> usize {
        let mut at = 0;
        while let Some(line) = lines.get(at).copied() {
            at += 1;
            let Some((key, value)) = self.directive_on(line) else {
                at = self.plain_line(lines, at);
                continue;
            };
            if key.is_section() {
                self.source.claim(line);
                self.open_section(key, LABEL_LEVEL);
                if value.start < value.end {
                    self.section_line(value);
                }
                if let (Some(_), Some(Block::List(items))) =
                    (item, following.first().map(|node| &node.block))
                {
                    self.list(items);
                    self.close_section();
                    return 1;
                }
                continue;
            }
            let goes_on = |span: &&Span| {
                self.directive_on(**span).is_none()
                    && (key.is_text()
                        || (key == Key::Lifecycle && is_drawing(self.source.at(**span))))
            };
            let further = lines.get(at..).unwrap_or(&[]).iter().take_while(goes_on).count();
            let last = lines.get(at + further - usize::from(further > 0)).copied();
            let end = if further > 0 { last.unwrap_or(line).end } else { line.end };
            at += further;
            let is_last = at == lines.len();
            if let Some(item) = item
                && is_last
                && key.is_text()
            {
                let span = Span::new(value.start, item.span.end);
                let raw = match following {
                    [Node { block: Block::Code(code), .. }]
                        if code.is(&[VERBATIM]) && value.start == value.end =>
                    {
                        Raw { text: code.content(self.source.text), span, items: None }
                    }
                    _ => Raw { text: self.source.contained(span, item.indent), span, items: None },
                };
                self.directive(key, &raw, &[Span::new(line.start, item.span.end)]);
                return following.len();
            }
            if value.start == value.end && further == 0 && is_last {
                match following.first() {
                    Some(node) if takes(key, &node.block) => {
                        return usize::from(self.value_block(key, node, line));
                    }
                    _ => {}
                }
            }
            let span = Span::new(value.start, end);
            let raw = if further > 0 {
                Raw { text: self.source.contained(span, usize::MAX), span, items: None }
            } else {
                Raw::line(self.source.text, value)
            };
            self.directive(key, &raw, &[Span::new(line.start, end)]);
        }
        0
    }

    /// A line that is no directive. Gives the index of the next line to read.
    fn plain_line(&mut self, lines: &[Span], next: usize) -> usize {
        let Some(line) = lines.get(next - 1).copied() else { return next };
        let text = self.source.at(line);
        let is_task = header::task_header(text).is_some();
        match &mut self.section {
            Some(section) if section.key == Key::Tasks => {
                if is_task {
                    return self.task_lines(lines, next);
                }
            }
            Some(section) => {
                let opens =
                    next == 1 || section.prose.last().is_none_or(|last| last.end < line.start);
                let is_scenario =
                    Gathering::is_step(text) || (next > 1 && section.gathering.is_telling());
                if is_scenario && section.gathering.prose_line(text) {
                    self.source.claim(line);
                } else if next == 1 && opens {
                    section.gathering.end_scenario();
                    let last = lines.last().copied().unwrap_or(line);
                    section.prose.push(Span::new(line.start, last.end));
                }
            }
            None => {
                if is_task {
                    return self.task_lines(lines, next);
                }
                if let Some(found) = keys::split(self.source.text, line) {
                    self.warn_if_almost(self.source.at(found.name), found.name);
                }
            }
        }
        next
    }

    /// A task on a plain line, with the lines below it up to the next task or directive.
    fn task_lines(&mut self, lines: &[Span], next: usize) -> usize {
        let rest = lines.get(next..).unwrap_or(&[]);
        let more = rest.iter().take_while(|line| {
            self.directive_on(**line).is_none()
                && header::task_header(self.source.at(**line)).is_none()
        });
        let count = more.count();
        let own = lines.get(next - 1..next + count).unwrap_or(&[]);
        let text: Vec<&str> = own.iter().map(|line| self.source.at(*line)).collect();
        self.epic.tasks.push(tasks::read(&text.join("\n"), false));
        for line in own {
            self.source.claim(*line);
        }
        next + count
    }

    fn task_heading(
        &mut self,
        node: &Node,
        level: u8,
        id_length: usize,
        text: Span,
        following: &[Node],
    ) -> usize {
        let end = following.iter().position(|node| self.ends_heading_body(node, level));
        let body = following.get(..end.unwrap_or(following.len())).unwrap_or(&[]);
        let title = super::text::one_line(self.source.at(text));
        let title = if title.len() == id_length { title } else { title + "\n" };
        let mut task = tasks::read(title.trim_end(), false);
        if let (Some(first), Some(last)) = (body.first(), body.last()) {
            let span = Span::new(first.span.start, last.span.end);
            let below = self.source.contained(span, 0);
            let text =
                if task.text.is_empty() { below } else { format!("{}\n\n{below}", task.text) };
            text.trim().clone_into(&mut task.text);
            self.source.claim(span);
        }
        self.source.claim(node.span);
        if self.section.as_ref().is_some_and(|section| section.key != Key::Tasks) {
            self.close_section();
        }
        self.epic.tasks.push(task);
        body.len()
    }

    fn list(&mut self, items: &[Item]) {
        for item in items {
            let is_section = self.section.is_some();
            if is_section {
                self.lazy_directives(item);
                self.section_item(item);
                continue;
            }
            let Some((first, rest)) = item.blocks.split_first() else { continue };
            let Block::Paragraph(lines) = &first.block else { continue };
            let head = lines.first().copied().unwrap_or_default();
            if header::task_header(self.source.at(head)).is_some() {
                self.task_item(item);
                continue;
            }
            self.paragraph(lines, rest, Some(item));
        }
    }

    /// Directives that follow an item without a blank line are, to Markdown, part of its text.
    fn lazy_directives(&mut self, item: &Item) {
        let Some(Node { block: Block::Paragraph(lines), .. }) = item.blocks.first() else { return };
        for line in lines.get(1..).unwrap_or(&[]) {
            let whole = self.source.lines.line_span(self.source.lines.line_of(line.start));
            let before = self.source.at(Span::new(whole.start, line.start));
            if markdown::columns(before) >= item.indent {
                continue;
            }
            if let Some((key, value)) = self.directive_on(*line)
                && !key.is_section()
            {
                self.directive(key, &Raw::line(self.source.text, value), &[*line]);
            }
        }
    }

    fn section_item(&mut self, item: &Item) {
        let Some(section) = &mut self.section else { return };
        if section.key == Key::Tasks {
            self.task_item(item);
            return;
        }
        let (text, checked) = item_text(self.source, item);
        match checked {
            Some(checked) => section.gathering.check_item(&text, checked),
            None => section.gathering.plain_item(&text),
        }
        self.source.claim(item.span);
    }

    fn task_item(&mut self, item: &Item) {
        let (text, checked) = item_text(self.source, item);
        if !text.is_empty() {
            self.epic.tasks.push(tasks::read(&text, checked.unwrap_or(false)));
        }
        self.source.claim(item.span);
    }

    /// A criterion or task on the line of its section's name.
    fn section_line(&mut self, value: Span) {
        let text = self.source.at(value).to_owned();
        match &mut self.section {
            Some(section) if section.key == Key::Tasks => {
                self.epic.tasks.push(tasks::read(&text, false));
            }
            Some(section) => section.gathering.check_item(&text, false),
            None => {}
        }
    }

    fn open_section(&mut self, key: Key, level: u8) {
        self.close_section();
        let gathering = Gathering::default();
        self.section = Some(Section { key, level, gathering, prose: Vec::new() });
    }

    fn close_section(&mut self) {
        let Some(mut section) = self.section.take() else { return };
        if section.gathering.is_empty() {
            for span in &section.prose {
                let text = self.source.contained(*span, usize::MAX);
                section.gathering.check_item(&text, false);
                self.source.claim(*span);
            }
        }
        match section.key {
            Key::DefinitionOfDone => {
                section.gathering.finish("DOD", &mut self.epic.definition_of_done);
            }
            Key::AcceptanceCriteria => {
                section.gathering.finish("AC", &mut self.epic.acceptance_criteria);
            }
            _ => {}
        }
    }

    /// A directive whose value is a block of its own, below the directive's line or heading.
    fn value_block(&mut self, key: Key, node: &Node, head: Span) -> bool {
        let raw = match &node.block {
            Block::Code(code) if key == Key::Lifecycle => {
                return self.lifecycle_fence(code, &[head, node.span]);
            }
            Block::Code(code) if code.is(&[VERBATIM]) => {
                Raw { text: code.content(self.source.text), span: node.span, items: None }
            }
            Block::List(items) if !key.is_text() => {
                let items = items.iter().filter_map(first_line);
                let items: Vec<_> =
                    items.map(|line| (self.source.at(line).to_owned(), line)).collect();
                Raw {
                    text: self.source.at(node.span).to_owned(),
                    span: node.span,
                    items: Some(items),
                }
            }
            Block::Paragraph(_) if !key.is_text() => Raw::line(self.source.text, node.span),
            _ => self.text_of(std::slice::from_ref(node)),
        };
        self.directive(key, &raw, &[head, node.span])
    }

    /// The text of blocks, or of the one fence that stands for it.
    fn text_of(&self, nodes: &[Node]) -> Raw {
        let (Some(first), Some(last)) = (nodes.first(), nodes.last()) else {
            return Raw::line("", Span::default());
        };
        let span = Span::new(first.span.start, last.span.end);
        let text = match nodes {
            [Node { block: Block::Code(code), .. }] if code.is(&[VERBATIM]) => {
                code.content(self.source.text)
            }
            _ => self.source.contained(span, 0),
        };
        Raw { text, span, items: None }
    }

    /// Applies a directive and claims its lines; leaves them alone if it can't be used.
    fn directive(&mut self, key: Key, raw: &Raw, lines: &[Span]) -> bool {
        let place = lines.first().copied().unwrap_or(raw.span);
        if directives::is_set(self.epic, key) {
            let message = format!("{} gives `{}` a second time", self.epic.id, key.name());
            self.diagnostics.push(
                Diagnostic::warning(Code::RepeatedDirective, place, message)
                    .with_help("the first one counts; remove one of them"),
            );
            return false;
        }
        let is_empty = tidy(&raw.text).is_empty();
        if is_empty && !matches!(key, Key::DependsOn | Key::Description) {
            let message = format!("`{}` has no value", key.name());
            self.diagnostics.push(
                Diagnostic::warning(Code::EmptyDirective, place, message)
                    .with_help("give it a value or remove it"),
            );
            return false;
        }
        if key == Key::Description {
            let (first, rest) = (lines.first(), lines.get(1..).unwrap_or(&[]));
            for span in rest {
                self.source.claim(*span);
            }
            if let Some(first) = first {
                self.source.replace(*first, tidy(&raw.text));
            }
            return true;
        }
        match directives::apply(self.epic, key, raw) {
            Ok(()) => {
                for span in lines {
                    self.source.claim(*span);
                }
                true
            }
            Err(diagnostic) => {
                self.diagnostics.push(diagnostic);
                false
            }
        }
    }

    fn lifecycle_fence(&mut self, code: &markdown::Code, lines: &[Span]) -> bool {
        let content = code.content(self.source.text);
        let span = Span::new(code.source_offset(0), code.source_offset(content.len()));
        if !(code.is(&["json", "jsonc"]) || content.trim_start().starts_with('{')) {
            return self.directive(
                Key::Lifecycle,
                &Raw { text: content, span, items: None },
                lines,
            );
        }
        let problem = match serde_json::from_str::<Value>(&content) {
            Ok(machine @ Value::Object(_)) => {
                if directives::is_set(self.epic, Key::Lifecycle) {
                    let raw = Raw { text: content, span, items: None };
                    return self.directive(Key::Lifecycle, &raw, lines);
                }
                self.epic.lifecycle = Some(LifecycleSource::Machine(machine));
                self.epic.spans.lifecycle = span;
                for span in lines {
                    self.source.claim(*span);
                }
                return true;
            }
            Ok(_) => {
                Diagnostic::error(Code::MalformedLifecycle, span, "the lifecycle is no JSON object")
            }
            Err(error) => {
                let offset = json_offset(&content, &error);
                let at = code.source_offset(offset.min(content.len().saturating_sub(1)));
                let text = error.to_string();
                let text = text.split(" at line ").next().unwrap_or(&text).to_owned();
                let message = format!("the lifecycle is not valid JSON: {text}");
                Diagnostic::error(Code::MalformedLifecycle, Span::new(at, at + 1), message)
            }
        };
        self.diagnostics
            .push(problem.with_help("a lifecycle is an object with `initial_state` and `states`"));
        false
    }

    /// A YAML fence is a set of directives if every key of it is one.
    fn yaml_fence(&mut self, code: &markdown::Code, span: Span) {
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

    fn yaml_entry(&mut self, key: Key, value: &Value, span: Span) -> bool {
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

    fn gherkin(&mut self, code: &markdown::Code, span: Span) {
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

    fn warn_if_almost(&mut self, name: &str, span: Span) {
        if let Some(known) = Key::almost(name) {
            let message = format!("`{}` is no directive and is read as description", shown(name));
            self.diagnostics.push(
                Diagnostic::warning(Code::MisspelledDirective, span, message)
                    .with_help(format!("did you mean `{known}`?")),
            );
        }
    }
}

/// An item's text behind marker and check box, and the state of the box. A fence that stands for
/// its content may carry the state in its info string.
pub(super) fn item_text(source: &Source<'_>, item: &Item) -> (String, Option<bool>) {
    if let [Node { block: Block::Code(code), .. }] = item.blocks.as_slice()
        && code.is(&[VERBATIM])
    {
        let info = code.info.as_deref().unwrap_or("");
        return (tidy(&code.content(source.text)), Some(info.ends_with(" checked")));
    }
    (source.contained(Span::new(item.content, item.span.end), item.indent), item.checked)
}

/// The first line of an item, if it starts with a paragraph.
pub(super) fn first_line(item: &Item) -> Option<Span> {
    match item.blocks.first().map(|node| &node.block) {
        Some(Block::Paragraph(lines)) => lines.first().copied(),
        _ => None,
    }
}

/// Whether a block can be the value of a directive whose line has none.
fn takes(key: Key, block: &Block) -> bool {
    match block {
        Block::List(_) => true,
        Block::Code(code) => key == Key::Lifecycle || (key.is_text() && code.is(&[VERBATIM])),
        Block::Paragraph(_) => key.is_text(),
        _ => false,
    }
}

/// Whether a line goes on with a drawing.
fn is_drawing(line: &str) -> bool {
    line.contains(['→', '►', '▲', '▼', '◄', '─', '│', '└', '┘', '┬', '┴', '┐', '┌', '├', '┤'])
        || line.contains("->")
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
