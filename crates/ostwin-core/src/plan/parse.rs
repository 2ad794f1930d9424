//! The document: title, settings, goal, and where each epic begins and ends.

use super::check;
use super::config;
use super::diagnostic::{Code, Diagnostic};
use super::directives;
use super::epic as epic_body;
use super::header;
use super::keys::{self, Key};
use super::markdown::{self, Block, Item, Node};
use super::source::Span;
use super::tasks;
use super::text::{Source, VERBATIM, one_line, tidy};
use super::value::{Entry, Epic, Plan, Task};
use super::yaml;
use crate::ids::EpicId;

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
}

impl Default for ParseOptions {
    fn default() -> Self {
        Self { known_config_keys: None, known_roles: None, dynamic_roles: true }
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
    let mut document = Document::new(text);
    let from = document.front_matter();
    let nodes = markdown::blocks(text, from, &document.source.lines);
    document.read(&nodes);
    let (plan, mut diagnostics) = document.finish();
    check::check(&plan, options, &mut diagnostics);
    diagnostics.sort_by_key(|found| (found.span, found.severity, found.code));
    ParsedPlan { plan, diagnostics }
}

fn too_large(length: usize) -> Option<Diagnostic> {
    (length > MAX_PLAN_BYTES).then(|| {
        let message =
            format!("the plan has {length} bytes; at most {MAX_PLAN_BYTES} (8 MiB) are read");
        Diagnostic::error(Code::TooLarge, Span::default(), message)
            .with_help("is this the right file? Otherwise split the plan")
    })
}

fn binary(at: usize, message: &str) -> Diagnostic {
    Diagnostic::error(Code::BinaryInput, Span::new(at, at + 1), message)
        .with_help("a plan is Markdown in UTF-8: save it as such")
}

/// What a stretch of lines outside of the epics is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
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

struct Document<'a> {
    source: Source<'a>,
    plan: Plan,
    diagnostics: Vec<Diagnostic>,
    /// Each place with its first line.
    places: Vec<(Place, usize)>,
    has_title_heading: bool,
    /// Goal on a plain line.
    goal_line: Option<String>,
    /// Notes that a fence keeps verbatim.
    verbatim_notes: Vec<String>,
    /// What loose tasks say they unlock: task, the other, and where.
    unlocks: Vec<(usize, EpicId)>,
    /// Loose tasks that have no id yet, by index.
    unnamed: Vec<usize>,
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

    /// Reads the YAML at the top of the file; gives where the Markdown starts.
    fn front_matter(&mut self) -> usize {
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

    fn front_matter_entry(&mut self, key: &str, value: serde_json::Value, span: Span) {
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

    fn setting(&mut self, key: String, value: serde_json::Value, span: Span) {
        if self.plan.config.insert(key.clone(), value).is_some() {
            let message = format!("`{}` is set twice", directives::shown(&key));
            self.diagnostics.push(
                Diagnostic::warning(Code::RepeatedDirective, span, message)
                    .with_help("the last one counts; remove one of them"),
            );
        }
        self.plan.config_spans.push((key, span));
    }

    fn read(&mut self, nodes: &[Node]) {
        let mut at = 0;
        while let Some(node) = nodes.get(at) {
            let following = nodes.get(at + 1..).unwrap_or(&[]);
            let Block::Heading { level, text } = node.block else {
                self.content(node);
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
                    let message = format!("this section belongs to no epic and is not read");
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

    fn config_block(&mut self, node: &Node) {
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
                    if let Some(line) = epic_body::first_line(item) {
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

    fn config_line(&mut self, line: Span, whole: Span, nested: Option<&[Item]>) {
        let Some((key, value, span)) = config::entry(self.source.text, line) else { return };
        let value = match nested {
            Some(items) if value == serde_json::Value::from("") => self.nested_setting(items),
            _ => value,
        };
        self.setting(key, value, span);
        self.source.claim(if nested.is_some() { whole } else { line });
    }

    /// A list below a setting is its value: an object if every item is `key: value`.
    fn nested_setting(&self, items: &[Item]) -> serde_json::Value {
        let lines: Vec<Span> = items.iter().filter_map(epic_body::first_line).collect();
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

    fn loose_lines(&mut self, lines: &[Span], place: Place) {
        let mut at = 0;
        while let Some(line) = lines.get(at).copied() {
            at += 1;
            let text = self.source.at(line);
            if header::task_header(text).is_some() {
                self.source.claim(line);
                self.loose_task(tasks::read(text, false), line);
                continue;
            }
            let Some(found) = keys::split(self.source.text, line) else { continue };
            if place == Place::Intro
                && self.goal_line.is_none()
                && self.source.at(found.name).eq_ignore_ascii_case("goal")
            {
                let end = lines.last().copied().unwrap_or(line).end;
                let span = Span::new(found.value.start, end);
                let goal = self.source.contained(span, usize::MAX);
                self.goal_line = Some(goal).filter(|goal| !goal.is_empty());
                self.source.claim(Span::new(line.start, end));
                return;
            }
        }
    }

    fn loose_item(&mut self, item: &Item) {
        let (text, checked) = epic_body::item_text(&self.source, item);
        self.source.claim(item.span);
        if !text.is_empty() {
            let span = markdown::trimmed(self.source.text, item.span);
            self.loose_task(tasks::read(&text, checked.unwrap_or(false)), span);
        }
    }

    /// A task outside of every epic becomes an entry of its own.
    fn loose_task(&mut self, task: Task, span: Span) {
        let index = self.plan.epics.len();
        let id = task.id.unwrap_or_else(|| {
            self.unnamed.push(index);
            EpicId::plan_review()
        });
        let mut epic = Epic::new(id, Entry::Task);
        epic.title = task.title;
        epic.span = span;
        epic.spans.header = span;
        epic.spans.id = span;
        epic.roles.extend(task.role);
        epic.spans.roles.extend(epic.roles.iter().map(|_| span));
        let mut description = vec![task.text];
        for word in task.requires {
            match header::reference(&word) {
                Some(id) if !epic.depends_on.contains(&id) => {
                    epic.depends_on.push(id);
                    epic.spans.depends_on.push(span);
                }
                Some(_) => {}
                None => description.push(format!("Requires {word}.")),
            }
        }
        for word in task.unlocks {
            match header::reference(&word) {
                Some(id) => self.unlocks.push((index, id)),
                None => description.push(format!("Unlocks {word}.")),
            }
        }
        description.retain(|text| !text.is_empty());
        epic.description = tidy(&description.join("\n\n"));
        self.plan.epics.push(epic);
    }

    fn finish(mut self) -> (Plan, Vec<Diagnostic>) {
        self.name_loose_tasks();
        for (index, target) in std::mem::take(&mut self.unlocks) {
            let Some(id) = self.plan.epics.get(index).map(|epic| epic.id.clone()) else { continue };
            let span = self.plan.epics.get(index).map(|epic| epic.span).unwrap_or_default();
            if let Some(epic) = self.plan.epics.iter_mut().find(|epic| epic.id == target)
                && !epic.depends_on.contains(&id)
            {
                epic.depends_on.push(id);
                epic.spans.depends_on.push(span);
            }
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
            let text = without_rules(&self.source.unclaimed(*first, end));
            if !text.is_empty() {
                texts.push(format!("{heading}{text}"));
            }
        }
        goal.extend(self.goal_line);
        let goal = goal.join("\n\n");
        self.plan.goal = Some(goal).filter(|goal| !goal.is_empty());
        notes.extend(self.verbatim_notes);
        self.plan.notes = notes.join("\n\n");
        (self.plan, self.diagnostics)
    }

    /// Gives loose tasks without an id the next free numbers.
    fn name_loose_tasks(&mut self) {
        let mut taken: std::collections::HashSet<EpicId> =
            self.plan.epics.iter().map(|epic| epic.id.clone()).collect();
        let mut number = 1_u32;
        for index in std::mem::take(&mut self.unnamed) {
            while let Ok(id) = EpicId::new(&format!("TASK-{number:03}")) {
                number += 1;
                if taken.insert(id.clone()) {
                    if let Some(epic) = self.plan.epics.get_mut(index) {
                        epic.id = id;
                    }
                    break;
                }
            }
        }
    }
}

fn is_epic_header(level: u8, title: &str) -> bool {
    matches!(level, 2 | 3) && header::epic_header(title).is_some()
}

/// `Plan: T` is `T`.
fn plan_title(title: &str) -> &str {
    let Some(head) = title.get(..4).filter(|head| head.eq_ignore_ascii_case("plan")) else {
        return title;
    };
    let rest = title.get(head.len()..).unwrap_or("").trim_start();
    [":", "-", "–", "—"].iter().find_map(|mark| rest.strip_prefix(mark)).map_or(title, str::trim)
}

/// A text without the rules that separate it from what stood around it.
fn without_rules(text: &str) -> String {
    let is_rule = |line: &str| {
        let marks: String = line.chars().filter(|c| !c.is_whitespace()).collect();
        marks.len() >= 3
            && ["-", "*", "_"]
                .iter()
                .any(|mark| marks.trim_matches(|c| mark.contains(c)).is_empty())
    };
    let mut text = tidy(text);
    loop {
        let before = text.len();
        if let Some((head, last)) = text.rsplit_once('\n') {
            if is_rule(last) && head.ends_with('\n') {
                text = tidy(head);
            }
        } else if is_rule(&text) {
            text.clear();
        }
        if let Some((first, rest)) = text.split_once('\n')
            && is_rule(first)
        {
            text = tidy(rest);
        }
        if text.len() == before {
            return text;
        }
    }
}
