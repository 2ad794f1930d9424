//! The body of one epic: its directives, its sections, and the rest, which is its description.

use super::criteria::Gathering;
use super::diagnostic::{Code, Diagnostic};
use super::directives::{self, Raw, shown};
use super::header;
use super::keys::{self, Key};
use super::markdown::{Block, Item, Node};
use super::sections::Section;
use super::source::Span;
use super::text::{Source, VERBATIM, tidy};
use super::value::Epic;

/// The level of a section that a bold line opens: every heading ends it.
pub(super) const LABEL_LEVEL: u8 = 7;

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

/// An epic while its body is read.
pub(super) struct Body<'b, 's> {
    pub(super) source: &'b mut Source<'s>,
    pub(super) epic: &'b mut Epic,
    pub(super) diagnostics: &'b mut Vec<Diagnostic>,
    pub(super) section: Option<Section>,
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
    pub(super) fn ends_heading_body(&self, node: &Node, level: u8) -> bool {
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
    pub(super) fn directive_on(&self, line: Span) -> Option<(Key, Span)> {
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
                let is_scenario =
                    Gathering::is_step(text) || (next > 1 && section.gathering.is_telling());
                if is_scenario && section.gathering.prose_line(text) {
                    self.source.claim(line);
                } else if next == 1 {
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
                return self.value_list(key, node, items, head);
            }
            Block::Paragraph(_) if !key.is_text() => Raw::line(self.source.text, node.span),
            _ => self.text_of(std::slice::from_ref(node)),
        };
        self.directive(key, &raw, &[head, node.span])
    }

    /// A list of values. Only the items' own first lines are claimed: what follows them without
    /// an indent may be the next directive, and what is neither stays in the description.
    fn value_list(&mut self, key: Key, node: &Node, items: &[Item], head: Span) -> bool {
        let values: Vec<Span> = items.iter().filter_map(first_line).collect();
        let raw = Raw {
            text: self.source.at(node.span).to_owned(),
            span: node.span,
            items: Some(
                values.iter().map(|line| (self.source.at(*line).to_owned(), *line)).collect(),
            ),
        };
        let whole =
            |line: &Span| self.source.lines.line_span(self.source.lines.line_of(line.start));
        let claimed: Vec<Span> = std::iter::once(head).chain(values.iter().map(whole)).collect();
        let used = self.directive(key, &raw, &claimed);
        for item in items {
            self.lazy_directives(item);
        }
        used
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
    pub(super) fn directive(&mut self, key: Key, raw: &Raw, lines: &[Span]) -> bool {
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
