//! Sections of an epic: criteria and tasks.

use super::criteria::Gathering;
use super::directives::Raw;
use super::epic::{Body, item_text};
use super::header;
use super::keys::Key;
use super::markdown::{self, Block, Item, Node};
use super::source::Span;
use super::tasks;

/// A section that is being read.
pub(super) struct Section {
    pub(super) key: Key,
    pub(super) level: u8,
    pub(super) gathering: Gathering,
    /// Paragraphs that are no scenario. They are criteria if nothing else in the section is.
    pub(super) prose: Vec<Span>,
}

impl Body<'_, '_> {
    /// A task on a plain line, with the lines below it up to the next task or directive.
    pub(super) fn task_lines(&mut self, lines: &[Span], next: usize) -> usize {
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

    pub(super) fn task_heading(
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

    /// Directives that follow an item without a blank line are, to Markdown, part of its text.
    pub(super) fn lazy_directives(&mut self, item: &Item) {
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

    pub(super) fn section_item(&mut self, item: &Item) {
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

    pub(super) fn task_item(&mut self, item: &Item) {
        let (text, checked) = item_text(self.source, item);
        if !text.is_empty() {
            self.epic.tasks.push(tasks::read(&text, checked.unwrap_or(false)));
        }
        self.source.claim(item.span);
    }

    /// A criterion or task on the line of its section's name.
    pub(super) fn section_line(&mut self, value: Span) {
        let text = self.source.at(value).to_owned();
        match &mut self.section {
            Some(section) if section.key == Key::Tasks => {
                self.epic.tasks.push(tasks::read(&text, false));
            }
            Some(section) => section.gathering.check_item(&text, false),
            None => {}
        }
    }

    pub(super) fn open_section(&mut self, key: Key, level: u8) {
        self.close_section();
        let gathering = Gathering::default();
        self.section = Some(Section { key, level, gathering, prose: Vec::new() });
    }

    pub(super) fn close_section(&mut self) {
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
}
