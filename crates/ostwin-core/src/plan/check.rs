//! What is wrong with a plan that could be read: ids, dependencies, criteria, names.

use std::collections::{HashMap, HashSet};

use super::diagnostic::{Code, Diagnostic, Severity};
use super::lifecycle_check;
use super::overlap;
use super::parse::ParseOptions;
use super::source::Span;
use super::value::{Entry, Epic, Plan};
use crate::dag::graph::{self, Dependencies};
use crate::ids::{EpicId, RoleName};
use crate::json::nearest;

/// Names searched for a suggestion: beyond that many mistakes, another suggestion helps nobody.
const MAX_SUGGESTIONS: usize = 50;

/// Adds everything that is wrong with the plan as a whole.
pub(super) fn check(plan: &Plan, text: &str, options: &ParseOptions, found: &mut Vec<Diagnostic>) {
    if plan.epics.is_empty() && plan.goal.is_none() {
        // A text of which something could not be read is not empty.
        if !found.iter().any(Diagnostic::is_error) {
            found.push(empty());
        }
        return;
    }
    settings(plan, options, found);
    let mut numbers: HashMap<&EpicId, usize> = HashMap::with_capacity(plan.epics.len());
    for (number, epic) in plan.epics.iter().enumerate() {
        match numbers.get(&epic.id).and_then(|first| plan.epics.get(*first)) {
            Some(first) => found.push(duplicate(epic, first)),
            None if epic.id.is_plan_review() => {}
            None => {
                numbers.insert(&epic.id, number);
            }
        }
        criteria(epic, found);
        roles(epic, options, found);
        lifecycle_check::check(epic, text, options, found);
    }
    let dependencies = dependencies(plan, &numbers, found);
    let cycles = graph::cycles(&dependencies);
    for cycle in &cycles {
        found.push(cycle_drawn(plan, cycle));
    }
    orphans(plan, &dependencies, found);
    if !found.iter().any(Diagnostic::is_error) {
        overlap::check(plan, &dependencies, found);
    }
}

fn empty() -> Diagnostic {
    Diagnostic::error(Code::EmptyPlan, Span::default(), "the plan has neither an epic nor a goal")
        .with_help("write a `## Goal`, or epics such as `## EPIC-001: Title`")
}

fn duplicate(epic: &Epic, first: &Epic) -> Diagnostic {
    let message = format!("`{}` is used twice", epic.id);
    Diagnostic::error(Code::DuplicateId, epic.spans.id, message)
        .with_label(first.spans.id, "first used here")
        .with_help("give every epic an id of its own")
}

fn settings(plan: &Plan, options: &ParseOptions, found: &mut Vec<Diagnostic>) {
    let Some(known) = &options.known_config_keys else { return };
    let known: HashSet<&str> = known.iter().map(String::as_str).collect();
    let mut sorted: Vec<&str> = known.iter().copied().collect();
    sorted.sort_unstable();
    for (key, span) in plan.config_spans.iter().take(1000) {
        // A setting inside of a known group is the group's business.
        let group = key.split('.').next().unwrap_or(key);
        if known.contains(key.as_str()) || known.contains(group) {
            continue;
        }
        let message = format!("`{}` is not a setting", super::directives::shown(key));
        let diagnostic = Diagnostic::warning(Code::UnknownConfigKey, *span, message);
        found.push(match nearest(key, sorted.iter().copied()) {
            Some(near) => diagnostic.with_help(format!("did you mean `{near}`?")),
            None => diagnostic.with_help("`ostwin config` lists the settings"),
        });
    }
}

fn criteria(epic: &Epic, found: &mut Vec<Diagnostic>) {
    if epic.entry == Entry::Task {
        return;
    }
    let missing = match (epic.definition_of_done.is_empty(), epic.acceptance_criteria.is_empty()) {
        (false, false) => return,
        (true, true) => "neither a Definition of Done nor Acceptance Criteria",
        (true, false) => "no Definition of Done",
        (false, true) => "no Acceptance Criteria",
    };
    let message = format!("{} has {missing}", epic.id);
    found.push(
        Diagnostic::warning(Code::MissingCriteria, epic.spans.header, message)
            .with_help("reviewers judge by these lists: say what must be true in the end"),
    );
}

fn roles(epic: &Epic, options: &ParseOptions, found: &mut Vec<Diagnostic>) {
    for (number, role) in epic.roles.iter().enumerate() {
        let span = epic.spans.roles.get(number).copied().unwrap_or(epic.spans.header);
        known_role(&role.role, span, options, found);
    }
}

/// Reports a role that no tier knows.
pub(super) fn known_role(
    role: &RoleName,
    span: Span,
    options: &ParseOptions,
    found: &mut Vec<Diagnostic>,
) {
    let name = role.as_str();
    let Some(known) = &options.known_roles else { return };
    if known.iter().any(|known| known == name) {
        return;
    }
    let (severity, consequence) = if options.dynamic_roles {
        (Severity::Warning, "a general agent takes its place")
    } else {
        (Severity::Error, "`dynamic_roles` is off")
    };
    let message = format!("no role `{name}` is known; {consequence}");
    let mut diagnostic = Diagnostic::warning(Code::UnknownRole, span, message);
    diagnostic.severity = severity;
    let suggestion =
        (found.len() < 1000).then(|| nearest(name, known.iter().map(String::as_str))).flatten();
    found.push(match suggestion {
        Some(near) => diagnostic.with_help(format!("did you mean `{near}`?")),
        None => diagnostic.with_help(format!("write roles/{name}/ROLE.md to describe it")),
    });
}

/// The graph by number. What is not in the plan is reported and left out.
fn dependencies(
    plan: &Plan,
    numbers: &HashMap<&EpicId, usize>,
    found: &mut Vec<Diagnostic>,
) -> Dependencies {
    let mut all = Vec::with_capacity(plan.epics.len());
    let mut suggestions = 0;
    for (number, epic) in plan.epics.iter().enumerate() {
        let mut needed = Vec::with_capacity(epic.depends_on.len());
        for (at, id) in epic.depends_on.iter().enumerate() {
            let span = epic.spans.depends_on.get(at).copied().unwrap_or(epic.spans.header);
            if *id == epic.id {
                let message = format!("{id} depends on itself");
                found.push(
                    Diagnostic::error(Code::SelfDependency, span, message)
                        .with_help("remove it from its own dependencies"),
                );
                continue;
            }
            match numbers.get(id) {
                // A second epic of the same id is an error of its own.
                Some(other) if *other != number => needed.push(*other),
                Some(_) => {}
                None if id.is_plan_review() => {}
                None => {
                    suggestions += 1;
                    let nearest = (suggestions <= MAX_SUGGESTIONS)
                        .then(|| nearest_id(plan, id, &epic.id))
                        .flatten();
                    found.push(unknown(epic, id, span, nearest));
                }
            }
        }
        all.push(needed);
    }
    all
}

/// The id most like `id`, by edits; of equally near ones, the one that differs by zeros only.
fn nearest_id<'a>(plan: &'a Plan, id: &EpicId, own: &EpicId) -> Option<&'a EpicId> {
    let plain = |id: &str| id.replace(['-', '0'], "");
    let wanted = plain(id.as_str());
    let distance = |other: &&EpicId| {
        let edits = strsim::damerau_levenshtein(id.as_str(), other.as_str());
        (edits, plain(other.as_str()) != wanted)
    };
    plan.epics.iter().map(|epic| &epic.id).filter(|other| *other != own).min_by_key(distance)
}

fn unknown(epic: &Epic, id: &EpicId, span: Span, nearest: Option<&EpicId>) -> Diagnostic {
    let message = format!("{} depends on `{id}`, which the plan does not have", epic.id);
    let diagnostic = Diagnostic::error(Code::UnknownDependency, span, message);
    match nearest {
        Some(near) => diagnostic.with_help(format!("did you mean `{near}`?")),
        None => diagnostic.with_help("write the id of an epic of this plan, or `none`"),
    }
}

fn cycle_drawn(plan: &Plan, cycle: &[usize]) -> Diagnostic {
    let epics: Vec<&Epic> = cycle.iter().filter_map(|number| plan.epics.get(*number)).collect();
    let ids: Vec<EpicId> = epics.iter().map(|epic| epic.id.clone()).collect();
    let message = format!("epics wait for each other: {}", crate::dag::drawn(&ids));
    let edge = |from: &Epic, to: Option<&&Epic>| {
        let to = to?;
        let at = from.depends_on.iter().position(|id| *id == to.id)?;
        Some((from.spans.depends_on.get(at).copied()?, to.id.clone()))
    };
    let ring = epics.iter().skip(1).chain(epics.first());
    let edges: Vec<_> =
        epics.iter().zip(ring).filter_map(|(from, to)| edge(from, Some(to))).collect();
    let span = edges.first().map(|(span, _)| *span).unwrap_or_default();
    let mut diagnostic = Diagnostic::error(Code::DependencyCycle, span, message)
        .with_help("remove one of these dependencies");
    for (span, to) in edges.into_iter().skip(1).take(8) {
        diagnostic = diagnostic.with_label(span, format!("waits for {to}"));
    }
    diagnostic
}

/// Epics without any connection in a plan that has connections.
fn orphans(plan: &Plan, dependencies: &Dependencies, found: &mut Vec<Diagnostic>) {
    let mut connected = vec![false; dependencies.len()];
    for (number, needed) in dependencies.iter().enumerate() {
        for other in needed {
            for end in [number, *other] {
                if let Some(slot) = connected.get_mut(end) {
                    *slot = true;
                }
            }
        }
    }
    if !connected.contains(&true) {
        return;
    }
    for (epic, connected) in plan.epics.iter().zip(connected) {
        // An epic that names the review, or a wrong id, was connected on purpose.
        if !connected && epic.depends_on.is_empty() {
            let message = format!("{} is connected to no other epic", epic.id);
            found.push(
                Diagnostic::warning(Code::OrphanEpic, epic.spans.header, message).with_help(
                    "is a `depends_on` missing, here or in an epic that needs this one?",
                ),
            );
        }
    }
}
