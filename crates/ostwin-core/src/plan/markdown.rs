//! The block structure of a plan, from the CommonMark parser.
//!
//! Only blocks matter to a plan. The text inside of them is taken from the source as it is written,
//! so that `*.rs` or `` `code` `` reach an agent unchanged. Quotes, tables and HTML are opaque: they
//! are nobody's directive.

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::source::{LineIndex, Span};

/// Lists nested deeper than this are part of their item's text and nothing else.
const MAX_DEPTH: usize = 8;

/// A block and the bytes it covers.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) block: Block,
    pub(super) span: Span,
}

/// What a block is.
#[derive(Debug)]
pub(super) enum Block {
    /// A heading; the span is its text without marks.
    Heading { level: u8, text: Span },
    /// The trimmed lines of a paragraph.
    Paragraph(Vec<Span>),
    /// The items of a list.
    List(Vec<Item>),
    /// A fenced or indented code block.
    Code(Code),
    /// A thematic break.
    Rule,
    /// Anything else: kept as text.
    Other,
}

/// One item of a list.
#[derive(Debug)]
pub(super) struct Item {
    /// State of the check box, if it has one.
    pub(super) checked: Option<bool>,
    /// From the marker to the end.
    pub(super) span: Span,
    /// Where the text starts, behind marker and check box.
    pub(super) content: usize,
    /// The columns that the item's further lines are indented by.
    pub(super) indent: usize,
    /// What is inside.
    pub(super) blocks: Vec<Node>,
}

/// A code block.
#[derive(Debug)]
pub(super) struct Code {
    /// The info string; `None` if the block is indented and not fenced.
    pub(super) info: Option<String>,
    /// The pieces of the source that hold the content, without the container's indentation.
    pub(super) pieces: Vec<Span>,
}

impl Code {
    /// The content as it is written, and the source offset of each of its bytes' pieces.
    pub(super) fn content(&self, text: &str) -> String {
        self.pieces.iter().map(|piece| piece.of(text)).collect()
    }

    /// Where a byte of [`Self::content`] is in the source.
    pub(super) fn source_offset(&self, mut offset: usize) -> usize {
        for piece in &self.pieces {
            let length = piece.end - piece.start;
            if offset < length {
                return piece.start + offset;
            }
            offset -= length;
        }
        self.pieces.last().map_or(0, |piece| piece.end)
    }

    /// Whether the info string's first word is one of these, in any case.
    pub(super) fn is(&self, languages: &[&str]) -> bool {
        let word = self.info.as_deref().and_then(|info| info.split_whitespace().next());
        word.is_some_and(|word| languages.iter().any(|known| word.eq_ignore_ascii_case(known)))
    }
}

/// The top-level blocks of `text` from byte `from` on.
pub(super) fn blocks(text: &str, from: usize, lines: &LineIndex<'_>) -> Vec<Node> {
    let body = text.get(from..).unwrap_or("");
    let options = Options::ENABLE_TASKLISTS | Options::ENABLE_TABLES;
    let mut tree = Tree { text, lines, root: Vec::new(), open: Vec::new(), opaque: 0, depth: 0 };
    for (event, range) in Parser::new_ext(body, options).into_offset_iter() {
        tree.event(event, Span::new(range.start + from, range.end + from));
    }
    tree.close_implicit();
    tree.root
}

/// A container that is being filled.
enum Open {
    List {
        items: Vec<Item>,
        span: Span,
    },
    Item(Item),
    /// A paragraph, explicit or (in a tight list) implied by bare text.
    Paragraph {
        span: Span,
        implicit: bool,
    },
    Heading {
        level: u8,
        span: Span,
    },
    Code {
        code: Code,
        span: Span,
    },
}

struct Tree<'a> {
    text: &'a str,
    lines: &'a LineIndex<'a>,
    root: Vec<Node>,
    open: Vec<Open>,
    /// Open containers whose inside does not matter.
    opaque: usize,
    /// Open lists.
    depth: usize,
}

impl Tree<'_> {
    fn event(&mut self, event: Event<'_>, span: Span) {
        if self.opaque > 0 {
            match event {
                Event::Start(_) => self.opaque += 1,
                Event::End(_) => {
                    self.opaque -= 1;
                    if self.opaque == 0 {
                        self.push(Block::Other, span);
                    }
                }
                _ => {}
            }
            return;
        }
        match event {
            Event::Start(tag) => self.start(tag, span),
            Event::End(tag) => self.end(tag),
            Event::Rule => {
                self.close_implicit();
                self.push(Block::Rule, span);
            }
            Event::TaskListMarker(checked) => self.check_box(checked, span),
            _ => self.inline(span),
        }
    }

    fn start(&mut self, tag: Tag<'_>, span: Span) {
        if is_inline(&tag) {
            self.inline(span);
            return;
        }
        self.close_implicit();
        match tag {
            Tag::Paragraph => self.open.push(Open::Paragraph { span, implicit: false }),
            Tag::Heading { level, .. } => {
                self.open.push(Open::Heading { level: level_number(level), span });
            }
            Tag::CodeBlock(kind) => {
                let info = match kind {
                    CodeBlockKind::Fenced(info) => Some(info.trim().to_owned()),
                    CodeBlockKind::Indented => None,
                };
                self.open.push(Open::Code { code: Code { info, pieces: Vec::new() }, span });
            }
            Tag::List(_) if self.depth < MAX_DEPTH => {
                self.depth += 1;
                self.open.push(Open::List { items: Vec::new(), span });
            }
            Tag::Item => {
                let (content, indent) = self.item_content(span);
                let item = Item { checked: None, span, content, indent, blocks: Vec::new() };
                self.open.push(Open::Item(item));
            }
            _ => self.opaque = 1,
        }
    }

    fn end(&mut self, tag: TagEnd) {
        if is_inline_end(tag) {
            return;
        }
        if matches!(tag, TagEnd::Item) {
            self.close_implicit();
        }
        match self.open.pop() {
            Some(Open::Paragraph { span, .. }) => self.paragraph(span),
            Some(Open::Heading { level, span }) => {
                let text = self.heading_text(span);
                self.push(Block::Heading { level, text }, span);
            }
            Some(Open::Code { code, span }) => self.push(Block::Code(code), span),
            Some(Open::Item(item)) => {
                if let Some(Open::List { items, .. }) = self.open.last_mut() {
                    items.push(item);
                }
            }
            Some(Open::List { items, span }) => {
                self.depth -= 1;
                self.push(Block::List(items), span);
            }
            None => {}
        }
    }

    /// Text or other inline content.
    fn inline(&mut self, span: Span) {
        match self.open.last_mut() {
            Some(Open::Code { code, .. }) => code.pieces.push(span),
            Some(Open::Item(_)) => self.open.push(Open::Paragraph { span, implicit: true }),
            Some(Open::Paragraph { span: all, implicit: true }) => {
                all.start = all.start.min(span.start);
                all.end = all.end.max(span.end);
            }
            _ => {}
        }
    }

    fn check_box(&mut self, checked: bool, span: Span) {
        for open in self.open.iter_mut().rev() {
            if let Open::Item(item) = open {
                item.checked = Some(checked);
                item.content = span.end;
                return;
            }
        }
    }

    fn close_implicit(&mut self) {
        if let Some(Open::Paragraph { span, implicit: true }) = self.open.last() {
            let span = *span;
            self.open.pop();
            self.paragraph(span);
        }
    }

    /// A paragraph becomes whole lines, because the parser's ranges leave out escapes at the edges.
    fn paragraph(&mut self, span: Span) {
        let floor = self.open.iter().rev().find_map(|open| match open {
            Open::Item(item) => Some(item.content),
            _ => None,
        });
        let first = self.lines.line_of(span.start);
        let last = self.lines.line_of(span.end.saturating_sub(1).max(span.start));
        let mut spans = Vec::with_capacity(last + 1 - first);
        for line in first..=last {
            let mut span = self.lines.line_span(line);
            span.start = span.start.max(floor.unwrap_or(0)).min(span.end);
            let span = trimmed(self.text, span);
            if span.start < span.end {
                spans.push(span);
            }
        }
        let (Some(start), Some(end)) = (spans.first(), spans.last()) else { return };
        let whole = Span::new(start.start, end.end);
        self.push(Block::Paragraph(spans), whole);
    }

    fn push(&mut self, block: Block, span: Span) {
        let node = Node { block, span };
        match self.open.iter_mut().rev().find_map(|open| match open {
            Open::Item(item) => Some(&mut item.blocks),
            _ => None,
        }) {
            Some(blocks) => blocks.push(node),
            None => self.root.push(node),
        }
    }

    /// Where an item's text starts, and the columns up to there.
    fn item_content(&self, span: Span) -> (usize, usize) {
        let source = span.of(self.text);
        let digits = source.bytes().take_while(u8::is_ascii_digit).count();
        let marker = source.len().min(digits + 1);
        let rest = source.get(marker..).unwrap_or("");
        let blanks = rest.bytes().take_while(|b| matches!(b, b' ' | b'\t')).count();
        let content = span.start + marker + blanks;
        let line = self.lines.line_span(self.lines.line_of(span.start));
        let before = Span::new(line.start, span.start + marker).of(self.text);
        let to_marker = columns(before);
        let to_content = columns(Span::new(line.start, content).of(self.text));
        // A line with nothing but the marker, or code five columns in, is indented by one.
        let lone = content >= line.end || to_content - to_marker > 4;
        (content, if lone { to_marker + 1 } else { to_content })
    }

    fn heading_text(&self, span: Span) -> Span {
        let span = trimmed(self.text, span);
        let source = span.of(self.text);
        if let Some(end) = source.rfind(['\n', '\r']) {
            return trimmed(self.text, Span::new(span.start, span.start + end));
        }
        let marks = source.bytes().take_while(|b| *b == b'#').count();
        let mut end = source.len();
        let open = source.trim_end_matches('#');
        // A closing row of marks counts only behind a blank.
        if open.ends_with([' ', '\t']) || open.is_empty() {
            end = open.len().max(marks);
        }
        trimmed(self.text, Span::new(span.start + marks, span.start + end))
    }
}

/// The span without blanks and line ends at its edges.
pub(super) fn trimmed(text: &str, span: Span) -> Span {
    let source = span.of(text);
    let start = span.start + (source.len() - source.trim_start().len());
    Span::new(start, start + source.trim().len())
}

/// The columns of a text without line ends, with tab stops of four.
pub(super) fn columns(text: &str) -> usize {
    text.chars().fold(0, |column, c| if c == '\t' { (column / 4 + 1) * 4 } else { column + 1 })
}

fn level_number(level: HeadingLevel) -> u8 {
    match level {
        HeadingLevel::H1 => 1,
        HeadingLevel::H2 => 2,
        HeadingLevel::H3 => 3,
        HeadingLevel::H4 => 4,
        HeadingLevel::H5 => 5,
        HeadingLevel::H6 => 6,
    }
}

fn is_inline(tag: &Tag<'_>) -> bool {
    matches!(
        tag,
        Tag::Emphasis
            | Tag::Strong
            | Tag::Strikethrough
            | Tag::Superscript
            | Tag::Subscript
            | Tag::Link { .. }
            | Tag::Image { .. }
    )
}

fn is_inline_end(tag: TagEnd) -> bool {
    matches!(
        tag,
        TagEnd::Emphasis
            | TagEnd::Strong
            | TagEnd::Strikethrough
            | TagEnd::Superscript
            | TagEnd::Subscript
            | TagEnd::Link
            | TagEnd::Image
    )
}
