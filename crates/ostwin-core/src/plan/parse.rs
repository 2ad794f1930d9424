//! The document: title, settings, goal, and where each epic begins and ends.

use super::check;
use super::diagnostic::{Code, Diagnostic};
use super::epic as epic_body;
use super::header;
use super::keys::{self, Key};
use super::markdown::{self, Block, Node};
use super::source::Span;
use super::text::{Source, VERBATIM, one_line, tidy};
use super::value::{Entry, Epic, Plan};
use crate::ids::EpicId;
use crate::registry::Registry;

/// Largest plan that is read, in bytes. Ten thousand well-described epics fit.
pub const MAX_PLAN_BYTES: usize = 8 * 1024 * 1024;

/// What the checks need to know about the project.
#[derive(Clone, Debug)]
pub struct ParseOptions {
    /// The names of all settings; without them no key of the Config section is questioned.
    pub known_config_keys: Option<Vec<String>>,
    /// The names of all roles that some tier knows; without them no role is questioned.
    pub known_roles: Option<Vec<String>>,
    /// Whether a role that no tier knows is only a warning.
    pub dynamic_roles: bool,
    /// Which stages the words of a pipeline or a drawing mean; without it they are taken for roles.
    pub registry: Option<Registry>,
}

impl Default for ParseOptions {
    fn default() -> Self {
        Self { known_config_keys: None, known_roles: None, dynamic_roles: true, registry: None }
    }
}

/// A plan and everything that is wrong with it.
#[derive(Clone, Debug, PartialEq)]
pub struct ParsedPlan {
    /// The plan as far as it could be read.
    pub plan: Plan,
    /// In the order of the text.
    pub diagnostics: Vec<Diagnostic>,
}

impl ParsedPlan {
    /// Whether the plan can't be used.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }

    fn refused(diagnostic: Diagnostic) -> Self {
        Self { plan: Plan::default(), diagnostics: vec![diagnostic] }
    }
}

/// Reads a plan from the bytes of a file, which may be anything.
pub fn parse_bytes(bytes: &[u8], options: &ParseOptions) -> ParsedPlan {
    if let Some(diagnostic) = too_large(bytes.len()) {
        return ParsedPlan::refused(diagnostic);
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => parse(text, options),
        Err(error) => {
            let at = error.valid_up_to();
            let message = "this is not UTF-8 text";
            ParsedPlan::refused(binary(at, message))
        }
    }
}

/// Reads a plan. Never fails: what can't be read is in the diagnostics.
pub fn parse(text: &str, options: &ParseOptions) -> ParsedPlan {
    if let Some(diagnostic) = too_large(text.len()) {
        return ParsedPlan::refused(diagnostic);
    }
    if let Some(at) = text.find('\0') {
        return ParsedPlan::refused(binary(at, "this file holds a NUL byte, so it is not text"));
    }
    if let Some(at) = deep_line(text) {
        let message = format!("more than {MAX_MARKERS} lists or quotes are nested on this line");
        let diagnostic = Diagnostic::error(Code::TooDeep, Span::new(at, at + 1), message)
            .with_help("write the line without so many list and quote marks at its start");
        return ParsedPlan::refused(diagnostic);
    }
    let (plan, mut diagnostics) = read(text);
    check::check(&plan, text, options, &mut diagnostics);
    diagnostics.sort_by_key(|found| (found.span, found.severity, found.code));
    ParsedPlan { plan, diagnostics }
}

/// The plan of a text, without the checks of the whole.
pub(super) fn read(text: &str) -> (Plan, Vec<Diagnostic>) {
    let mut document = Document::new(text);
    let from = document.front_matter();
    let nodes = markdown::blocks(text, from, &document.source.lines);
    document.read(&nodes);
    document.finish()
}

fn too_large(length: usize) -> Option<Diagnostic> {
    (length > MAX_PLAN_BYTES).then(|| {
        let message = format!("a plan has at most {MAX_PLAN_BYTES} bytes (8 MiB), this is more");
        Diagnostic::error(Code::TooLarge, Span::default(), message)
            .with_help("is this the right file? Otherwise split the plan")
    })
}

fn binary(at: usize, message: &str) -> Diagnostic {
    Diagnostic::error(Code::BinaryInput, Span::new(at, at + 1), message)
        .with_help("a plan is Markdown in UTF-8: save it as such")
}

/// Most lists and quotes that one line may open. The Markdown parser looks at each of them on every
/// later line, so that a small file with many could keep it busy for hours.
const MAX_MARKERS: usize = 100;

/// The first line that opens too many containers.
fn deep_line(text: &str) -> Option<usize> {
    let mut offset = 0;
    for line in text.split_inclusive(['\n', '\r']) {
        // A line of nothing but one mark is a rule.
        let is_rule = || ["-", "*"].iter().any(|mark| line.split_whitespace().all(|w| w == *mark));
        if line.len() > MAX_MARKERS && markers(line) > MAX_MARKERS && !is_rule() {
            return Some(offset);
        }
        offset += line.len();
    }
    None
}

/// How many list and quote markers a line starts with.
fn markers(line: &str) -> usize {
    let is_blank = |byte: Option<&u8>| byte.is_none_or(u8::is_ascii_whitespace);
    let mut rest = line.as_bytes();
    let mut count = 0;
    loop {
        rest = rest.trim_ascii_start();
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let length = match rest.get(digits) {
            Some(b'>') if digits == 0 => 1,
            Some(b'-' | b'*' | b'+') if digits == 0 && is_blank(rest.get(1)) => 1,
            Some(b'.' | b')') if digits > 0 && is_blank(rest.get(digits + 1)) => digits + 1,
            _ => return count,
        };
        rest = rest.get(length..).unwrap_or(&[]);
        count += 1;
    }
}

/// What a stretch of lines outside of the epics is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Intro,
    Config,
    Goal {
        level: u8,
    },
    Tasks,
    Notes,
    /// The lines of an epic.
    Epic,
}

/// A plan while its document is read.
pub(super) struct Document<'a> {
    pub(super) source: Source<'a>,
    pub(super) plan: Plan,
    pub(super) diagnostics: Vec<Diagnostic>,
    /// Each place with its first line.
    pub(super) places: Vec<(Place, usize)>,
    pub(super) has_title_heading: bool,
    /// Goal on a plain line.
    pub(super) goal_line: Option<String>,
    /// Notes that a fence keeps verbatim.
    pub(super) verbatim_notes: Vec<String>,
    /// What loose tasks say they unlock: task, the other, and where.
    pub(super) unlocks: Vec<(usize, EpicId)>,
    /// Loose tasks that have no id yet, by index.
    pub(super) unnamed: Vec<usize>,
}

impl<'a> Document<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            source: Source::new(text),
            plan: Plan::default(),
            diagnostics: Vec::new(),
            places: vec![(Place::Intro, 0)],
            has_title_heading: false,
            goal_line: None,
            verbatim_notes: Vec::new(),
            unlocks: Vec::new(),
            unnamed: Vec::new(),
        }
    }

    fn read(&mut self, nodes: &[Node]) {
        let separates = separators(nodes);
        let mut at = 0;
        while let Some(node) = nodes.get(at) {
            let following = nodes.get(at + 1..).unwrap_or(&[]);
            let Block::Heading { level, text } = node.block else {
                if separates.get(at).copied().unwrap_or(false) {
                    self.source.claim(node.span);
                } else {
                    self.content(node);
                }
                at += 1;
                continue;
            };
            let title = self.source.at(text);
            let entry = match (is_epic_header(level, title), header::task_header(title)) {
                (true, _) => header::epic_header(title).map(|found| (Entry::Epic, found)),
                (false, Some(found)) if level > 1 => Some((Entry::Task, found)),
                _ => None,
            };
            if let Some((entry, found)) = entry {
                let end = following.iter().position(|node| self.ends_epic(node, level));
                let body = following.get(..end.unwrap_or(following.len())).unwrap_or(&[]);
                let mut epic = Epic::new(found.id, entry);
                epic.title = one_line(found.rest);
                epic.spans.id = Span::new(text.start, text.start + found.length);
                epic.spans.header = markdown::trimmed(self.source.text, node.span);
                let next = following.get(body.len());
                self.epic(epic, node, body, next);
                at += 1 + body.len();
                continue;
            }
            self.heading(node, level, text, following.first());
            at += 1;
        }
    }

    /// Whether a block ends an epic whose header has this level.
    fn ends_epic(&self, node: &Node, level: u8) -> bool {
        let Block::Heading { level: other, text } = node.block else { return false };
        other <= level || is_epic_header(other, self.source.at(text))
    }

    fn epic(&mut self, mut epic: Epic, head: &Node, body: &[Node], next: Option<&Node>) {
        let (first, _) = self.source.line_range(head.span);
        let end = match next {
            Some(node) => self.source.line_range(node.span).0,
            None => self.source.lines.line_count(),
        };
        let last = body.last().map_or(head.span.end, |node| node.span.end);
        epic.span = markdown::trimmed(self.source.text, Span::new(head.span.start, last));
        self.source.claim(head.span);
        self.places.push((Place::Epic, first));
        epic_body::read(&mut self.source, body, &mut epic, &mut self.diagnostics);
        let rest = self.source.unclaimed(first, end);
        epic.description = match (epic.description.is_empty(), rest.is_empty()) {
            (true, _) => rest,
            (false, true) => epic.description,
            (false, false) => format!("{}\n\n{rest}", epic.description),
        };
        self.plan.epics.push(epic);
        // What follows is outside again, even if no heading says so.
        self.places.push((Place::Notes, end));
    }

    /// A heading that starts no epic.
    fn heading(&mut self, node: &Node, level: u8, text: Span, next: Option<&Node>) {
        let title = one_line(self.source.at(text));
        let line = self.source.line_range(node.span).0;
        if header::epic_header(&title).is_some() && !is_epic_header(level, &title) {
            let message = format!("this looks like an epic, but its heading is at level {level}");
            self.diagnostics.push(
                Diagnostic::warning(Code::MisplacedHeading, text, message)
                    .with_help("write epic headers with `##` or `###`"),
            );
        }
        if level == 1 && !self.has_title_heading {
            self.has_title_heading = true;
            self.source.claim(node.span);
            let title = plan_title(&title);
            if !title.is_empty() {
                self.plan.title = Some(title.to_owned());
            }
            return;
        }
        let (name, value) = match keys::split(self.source.text, text) {
            Some(found) => (self.source.at(found.name), self.source.at(found.value)),
            None => (title.as_str(), ""),
        };
        match keys::normalise(name.trim_matches('*')).as_str() {
            "config" | "configuration" if value.is_empty() => {
                self.source.claim(node.span);
                self.places.push((Place::Config, line));
            }
            "goal" | "goals" => {
                if value.is_empty() {
                    self.source.claim(node.span);
                } else {
                    self.source.replace(node.span, value.to_owned());
                }
                self.places.push((Place::Goal { level }, line));
            }
            "tasks" if value.is_empty() => {
                self.source.claim(node.span);
                self.places.push((Place::Tasks, line));
            }
            "epics" if value.is_empty() && next.is_none_or(|next| self.starts_epic(next)) => {
                self.source.claim(node.span);
                self.places.push((Place::Notes, line));
            }
            _ => {
                let belongs_to_goal =
                    matches!(self.place(), Place::Goal { level: goal } if level > goal);
                if belongs_to_goal {
                    return;
                }
                if Key::lookup(name).is_some_and(Key::is_section) {
                    let message = "this section belongs to no epic and is not read";
                    self.diagnostics.push(
                        Diagnostic::warning(Code::MisplacedHeading, text, message).with_help(
                            "sections of an epic need a deeper heading level than its header",
                        ),
                    );
                }
                self.places.push((Place::Notes, line));
            }
        }
    }

    fn starts_epic(&self, node: &Node) -> bool {
        match node.block {
            Block::Heading { level, text } => is_epic_header(level, self.source.at(text)),
            _ => false,
        }
    }

    fn place(&self) -> Place {
        self.places.last().map_or(Place::Intro, |(place, _)| *place)
    }

    /// A block outside of every epic.
    fn content(&mut self, node: &Node) {
        match (&node.block, self.place()) {
            (Block::Code(code), _) if code.info.as_deref() == Some("verbatim notes") => {
                self.verbatim_notes.push(tidy(&code.content(self.source.text)));
                self.source.claim(node.span);
            }
            (Block::Code(code), Place::Goal { .. } | Place::Intro) if code.is(&[VERBATIM]) => {
                let content = tidy(&code.content(self.source.text));
                self.source.replace(node.span, content);
            }
            (_, Place::Config) => self.config_block(node),
            (Block::List(items), place) => {
                for item in items {
                    let is_task = epic_body::first_line(item)
                        .is_some_and(|line| header::task_header(self.source.at(line)).is_some());
                    if is_task || place == Place::Tasks {
                        self.loose_item(item);
                    }
                }
            }
            (Block::Paragraph(lines), place) => self.loose_lines(lines, place),
            _ => {}
        }
    }

    fn finish(mut self) -> (Plan, Vec<Diagnostic>) {
        self.name_loose_tasks();
        self.apply_unlocks();
        for epic in &mut self.plan.epics {
            epic.depend_once();
        }
        let mut goal = Vec::new();
        let mut notes = Vec::new();
        let line_count = self.source.lines.line_count();
        let ends: Vec<usize> =
            self.places.iter().skip(1).map(|(_, line)| *line).chain([line_count]).collect();
        for ((place, first), end) in self.places.iter().zip(ends) {
            let (texts, heading) = match place {
                Place::Epic => continue,
                Place::Intro | Place::Goal { .. } => (&mut goal, ""),
                Place::Notes => (&mut notes, ""),
                Place::Config => (&mut notes, "## About the settings\n\n"),
                Place::Tasks => (&mut notes, "## About the tasks\n\n"),
            };
            let text = self.source.unclaimed(*first, end);
            if !text.is_empty() {
                // A heading may be indented, but not where a list could come before it.
                let text = if *place == Place::Notes { text.trim_start() } else { &text };
                texts.push(format!("{heading}{text}"));
            }
        }
        goal.extend(self.goal_line);
        let goal = goal.join("\n\n");
        self.plan.goal = Some(goal).filter(|goal| !goal.is_empty());
        notes.extend(self.verbatim_notes.into_iter().filter(|text| !text.is_empty()));
        self.plan.notes = notes.join("\n\n");
        (self.plan, self.diagnostics)
    }
}

fn is_epic_header(level: u8, title: &str) -> bool {
    matches!(level, 2 | 3) && header::epic_header(title).is_some()
}

/// For each block whether it is a rule at the edge of what a heading opens or closes: such a rule
/// says nothing.
fn separators(nodes: &[Node]) -> Vec<bool> {
    let mut separates = vec![false; nodes.len()];
    let mut mark = |order: &mut dyn Iterator<Item = (usize, &Node)>| {
        let mut at_edge = true;
        for (number, node) in order {
            match node.block {
                Block::Rule => {
                    if let Some(slot) = separates.get_mut(number) {
                        *slot |= at_edge;
                    }
                }
                _ => at_edge = matches!(node.block, Block::Heading { .. }),
            }
        }
    };
    mark(&mut nodes.iter().enumerate());
    mark(&mut nodes.iter().enumerate().rev());
    separates
}

/// `Plan: T` is `T`.
fn plan_title(title: &str) -> &str {
    let Some(head) = title.get(..4).filter(|head| head.eq_ignore_ascii_case("plan")) else {
        return title;
    };
    let rest = title.get(head.len()..).unwrap_or("").trim_start();
    [":", "-", "–", "—"].iter().find_map(|mark| rest.strip_prefix(mark)).map_or(title, str::trim)
}
