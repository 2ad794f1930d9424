//! Tasks outside of every epic: each becomes an entry of its own.

use std::collections::{HashMap, HashSet};

use super::epic::item_text;
use super::header;
use super::keys;
use super::markdown::{self, Item};
use super::parse::{Document, Place};
use super::source::Span;
use super::tasks;
use super::text::tidy;
use super::value::{Entry, Epic, Task};
use crate::ids::EpicId;

impl Document<'_> {
    pub(super) fn loose_lines(&mut self, lines: &[Span], place: Place) {
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

    pub(super) fn loose_item(&mut self, item: &Item) {
        let (text, checked) = item_text(&self.source, item);
        self.source.claim(item.span);
        if !text.is_empty() {
            let span = markdown::trimmed(self.source.text, item.span);
            self.loose_task(tasks::read(&text, checked.unwrap_or(false)), span);
        }
    }

    /// A task outside of every epic becomes an entry of its own.
    pub(super) fn loose_task(&mut self, task: Task, span: Span) {
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
                Some(id) => {
                    epic.depends_on.push(id);
                    epic.spans.depends_on.push(span);
                }
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

    /// Gives loose tasks without an id the next free numbers.
    pub(super) fn name_loose_tasks(&mut self) {
        let mut taken: HashSet<EpicId> =
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

    /// What a task unlocks depends on it.
    pub(super) fn apply_unlocks(&mut self) {
        let numbers: HashMap<EpicId, usize> = self
            .plan
            .epics
            .iter()
            .enumerate()
            .rev()
            .map(|(number, epic)| (epic.id.clone(), number))
            .collect();
        for (index, target) in std::mem::take(&mut self.unlocks) {
            let Some(task) = self.plan.epics.get(index) else { continue };
            let (id, span) = (task.id.clone(), task.span);
            let number = numbers.get(&target).copied();
            if let Some(epic) = number.and_then(|number| self.plan.epics.get_mut(number)) {
                epic.depends_on.push(id);
                epic.spans.depends_on.push(span);
            }
        }
    }
}
