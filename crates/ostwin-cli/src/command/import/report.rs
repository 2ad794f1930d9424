//! What an import took and what it did not.

use ostwin_core::earlier::Note;
use serde::Serialize;
use serde_json::json;

use crate::context::Context;
use crate::out::remark;
use crate::view::line::{Line, Style};
use crate::view::{table, text};

/// What became of one item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Outcome {
    /// It is here now.
    Imported,
    /// It would be imported.
    Would,
    /// It was here already and was left alone.
    There,
    /// It was not taken.
    NotMapped,
}

impl Outcome {
    fn as_str(self) -> &'static str {
        match self {
            Self::Imported => "imported",
            Self::Would => "would be",
            Self::There => "there",
            Self::NotMapped => "not mapped",
        }
    }
}

/// One thing of the earlier project.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Item {
    what: &'static str,
    source: String,
    outcome: Outcome,
    target: Option<String>,
    notes: Vec<String>,
}

impl Item {
    pub(super) fn new(what: &'static str, source: impl Into<String>) -> Self {
        let (outcome, target, notes) = (Outcome::NotMapped, None, Vec::new());
        Self { what, source: source.into(), outcome, target, notes }
    }

    /// Something to know about it.
    pub(super) fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    /// Some things to know about it.
    pub(super) fn notes_of(&mut self, notes: impl IntoIterator<Item = String>) {
        self.notes.extend(notes);
    }

    /// It was not taken, for this reason.
    pub(super) fn not(mut self, reason: impl Into<String>) -> Self {
        self.notes.insert(0, reason.into());
        Self { outcome: Outcome::NotMapped, ..self }
    }

    /// It is here, as `target`.
    pub(super) fn found(self, outcome: Outcome, target: &impl ToString) -> Self {
        Self { outcome, target: Some(target.to_string()), ..self }
    }

    /// It would come.
    pub(super) fn would(self) -> Self {
        Self { outcome: Outcome::Would, ..self }
    }

    /// It has come as `target`, or would.
    pub(super) fn done(self, dry_run: bool, target: &impl ToString) -> Self {
        self.found(if dry_run { Outcome::Would } else { Outcome::Imported }, target)
    }

    fn row(&self) -> Vec<String> {
        let target = self.target.clone().unwrap_or_default();
        vec![self.what.to_owned(), self.outcome.as_str().to_owned(), self.source.clone(), target]
    }
}

/// Everything that was looked at.
#[derive(Debug)]
pub(super) struct Report {
    dry_run: bool,
    items: Vec<Item>,
}

impl Report {
    pub(super) fn new(dry_run: bool) -> Self {
        Self { dry_run, items: Vec::new() }
    }

    pub(super) fn add(&mut self, item: Item) {
        self.items.push(item);
    }

    fn count(&self, outcome: Outcome) -> usize {
        self.items.iter().filter(|item| item.outcome == outcome).count()
    }

    pub(super) fn show(&self, context: &Context) -> anyhow::Result<()> {
        if context.out.json {
            return context.out.json(&json!({"dry_run": self.dry_run, "items": self.items}));
        }
        let rows: Vec<Vec<String>> = self.items.iter().map(Item::row).collect();
        let head = ["what", "result", "from", "as"];
        context.out.text(&table::table(&head, &rows, context.out.width()))?;
        context.out.lines(&self.notes())?;
        let (came, word) = match self.dry_run {
            true => (self.count(Outcome::Would), "would be imported"),
            false => (self.count(Outcome::Imported), "imported"),
        };
        let (there, not) = (self.count(Outcome::There), self.count(Outcome::NotMapped));
        remark(&format!("{came} {word}, {there} there already, {not} not mapped"));
        if came > 0 && !self.dry_run {
            remark("`ostwin plan list` lists the plans; `ostwin run PLAN` goes on with one");
        }
        Ok(())
    }

    /// What to know of each item, below the table.
    fn notes(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        for item in self.items.iter().filter(|item| !item.notes.is_empty()) {
            lines.push(Line::new());
            let head = format!("{} {}", item.what, text::one_line(&item.source));
            lines.push(Line::new().with(Style::Bold, head));
            let notes = item.notes.iter().map(|note| format!("  {}", text::one_line(note)));
            lines.extend(notes.map(Line::from));
        }
        lines
    }
}

impl From<&Note> for Item {
    fn from(note: &Note) -> Self {
        Self::new("file", &note.what).not(note.reason.clone())
    }
}
