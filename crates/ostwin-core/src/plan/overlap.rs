//! Epics that can run at the same time in one working directory while they may touch the same
//! files.
//!
//! Two epics can run together if neither waits for the other. All pairs of a big plan are too many
//! to look at, so nothing here looks at pairs: of the epics that name one file, sorted so that each
//! comes after what it waits for, it is enough to compare neighbours. If every neighbour waits for
//! the one before, the whole row does. So a clash is always found, though not every pair of it.
//!
//! Who waits for whom is one bit a pair; beyond [`MAX_EPICS`] that table would take too much
//! memory, and the check says that it was left out. At most [`MAX_REPORTS`] clashes are reported.

use std::collections::BTreeMap;

use super::diagnostic::{Code, Diagnostic};
use super::source::Span;
use super::value::{Epic, Plan};
use crate::dag::graph::Dependencies;
use crate::dag::topological;

/// Largest plan that is checked: two tables of 32 MiB.
const MAX_EPICS: usize = 16_384;

/// Clashes reported one by one.
const MAX_REPORTS: usize = 20;

/// Epics named in one message.
const MAX_NAMES: usize = 8;

/// Adds a warning for each clash. The graph must have no cycle.
pub(super) fn check(plan: &Plan, dependencies: &Dependencies, found: &mut Vec<Diagnostic>) {
    if plan.epics.len() < 2 || runs_one_at_a_time(plan) {
        return;
    }
    if plan.epics.len() > MAX_EPICS {
        let message = format!(
            "the plan has more than {MAX_EPICS} epics; it was not checked which of them may touch the same files at once"
        );
        let span = plan.epics.first().map(|epic| epic.spans.header).unwrap_or_default();
        found.push(Diagnostic::warning(Code::OverlappingFiles, span, message));
        return;
    }
    let order = topological(dependencies, |_| ());
    let waiting = Waiting::new(dependencies, &order);
    let groups = by_working_dir(plan, &order);
    named_twice(plan, &groups, &waiting, found);
    unnamed(plan, &groups, &waiting, found);
}

fn runs_one_at_a_time(plan: &Plan) -> bool {
    plan.config.get("max_concurrent_rooms").and_then(serde_json::Value::as_u64) == Some(1)
}

/// The epics of each working directory in the order of waiting, without those that never run
/// beside another.
fn by_working_dir(plan: &Plan, order: &[usize]) -> Vec<Vec<usize>> {
    let default = plan.config.get("working_dir").and_then(serde_json::Value::as_str);
    let mut groups: BTreeMap<Option<&str>, Vec<usize>> = BTreeMap::new();
    for number in order {
        let Some(epic) = plan.epics.get(*number) else { continue };
        if epic.serialize != Some(true) {
            let dir = epic.working_dir.as_deref().or(default);
            groups.entry(dir).or_default().push(*number);
        }
    }
    groups.into_values().filter(|group| group.len() > 1).collect()
}

fn named_twice(plan: &Plan, groups: &[Vec<usize>], waiting: &Waiting, found: &mut Vec<Diagnostic>) {
    let mut reported = Vec::new();
    for group in groups {
        let mut by_file: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for number in group {
            let Some(epic) = plan.epics.get(*number) else { continue };
            for file in epic.key_file_list() {
                let numbers = by_file.entry(file).or_default();
                if numbers.last() != Some(number) {
                    numbers.push(*number);
                }
            }
        }
        for (file, numbers) in by_file {
            for (first, second) in numbers.iter().zip(numbers.iter().skip(1)) {
                if waiting.is_ordered(*first, *second) || reported.contains(&(*first, *second)) {
                    continue;
                }
                let (Some(one), Some(other)) = (plan.epics.get(*first), plan.epics.get(*second))
                else {
                    continue;
                };
                found.push(clash(one, other, file));
                reported.push((*first, *second));
                if reported.len() == MAX_REPORTS {
                    return;
                }
            }
        }
    }
}

fn clash(one: &Epic, other: &Epic, file: &str) -> Diagnostic {
    let message = format!(
        "{} and {} can run at the same time and both name `{}`",
        one.id,
        other.id,
        super::directives::shown(file)
    );
    Diagnostic::warning(Code::OverlappingFiles, other.spans.key_files, message)
        .with_label(one.spans.key_files, format!("named by {} here", one.id))
        .with_help("let one depend on the other, or write `serialize: true`")
}

fn unnamed(plan: &Plan, groups: &[Vec<usize>], waiting: &Waiting, found: &mut Vec<Diagnostic>) {
    for group in groups.iter().take(MAX_REPORTS) {
        let members = waiting.set(group);
        let silent: Vec<&Epic> = group
            .iter()
            .filter(|number| waiting.has_company(**number, &members, group.len()))
            .filter_map(|number| plan.epics.get(*number))
            .filter(|epic| epic.key_files.is_none())
            .collect();
        let Some(first) = silent.iter().min_by_key(|epic| epic.spans.header) else { continue };
        let mut names: Vec<&Epic> = silent.clone();
        names.sort_by_key(|epic| epic.spans.header);
        let more = names.len().saturating_sub(MAX_NAMES);
        let mut listed: Vec<String> =
            names.iter().take(MAX_NAMES).map(|epic| epic.id.to_string()).collect();
        if more > 0 {
            listed.push(format!("{more} more"));
        }
        let message = format!(
            "other epics can run at the same time in the same directory, and these do not name \
             their files: {}",
            listed.join(", ")
        );
        let span: Span = first.spans.header;
        found.push(
            Diagnostic::warning(Code::UnnamedFiles, span, message)
                .with_help("name them with `Key files:`, or write `serialize: true`"),
        );
    }
}

/// Who waits for whom, directly or not, as rows of bits.
struct Waiting {
    words: usize,
    /// Bit `b` of row `a`: `a` waits for `b`.
    before: Vec<u64>,
    /// Bit `b` of row `a`: `b` waits for `a`.
    after: Vec<u64>,
}

impl Waiting {
    fn new(dependencies: &Dependencies, order: &[usize]) -> Self {
        let words = dependencies.len().div_ceil(64);
        let size = words * dependencies.len();
        let mut table = Self { words, before: vec![0; size], after: vec![0; size] };
        for node in order {
            for other in dependencies.get(*node).into_iter().flatten() {
                merge(&mut table.before, words, *node, *other);
            }
        }
        for node in order.iter().rev() {
            for other in dependencies.get(*node).into_iter().flatten() {
                merge(&mut table.after, words, *other, *node);
            }
        }
        table
    }

    /// Whether one of the two waits for the other.
    fn is_ordered(&self, one: usize, other: usize) -> bool {
        self.is_set(&self.before, one, other) || self.is_set(&self.after, one, other)
    }

    fn is_set(&self, rows: &[u64], row: usize, bit: usize) -> bool {
        let word = rows.get(row * self.words + bit / 64).copied().unwrap_or(0);
        word & (1 << (bit % 64)) != 0
    }

    /// The bits of a set of nodes.
    fn set(&self, nodes: &[usize]) -> Vec<u64> {
        let mut set = vec![0; self.words];
        for node in nodes {
            if let Some(word) = set.get_mut(node / 64) {
                *word |= 1 << (node % 64);
            }
        }
        set
    }

    /// Whether some member of the set runs beside this one.
    fn has_company(&self, node: usize, members: &[u64], count: usize) -> bool {
        let row = node * self.words..(node + 1) * self.words;
        let before = self.before.get(row.clone()).unwrap_or(&[]);
        let after = self.after.get(row).unwrap_or(&[]);
        let ordered: u32 = before
            .iter()
            .zip(after)
            .zip(members)
            .map(|((before, after), member)| ((before | after) & member).count_ones())
            .sum();
        usize::try_from(ordered).unwrap_or(0) + 1 < count
    }
}

/// Row `to` also holds row `from` and the bit `from`.
fn merge(rows: &mut [u64], words: usize, to: usize, from: usize) {
    if to == from {
        return;
    }
    let (low, high) = (to.min(from), to.max(from));
    let Some((head, tail)) = rows.split_at_mut_checked(high * words) else { return };
    let (Some(low_row), Some(high_row)) =
        (head.get_mut(low * words..(low + 1) * words), tail.get_mut(..words))
    else {
        return;
    };
    let (target, source) = if to < from { (low_row, high_row) } else { (high_row, low_row) };
    for (target, source) in target.iter_mut().zip(source.iter()) {
        *target |= *source;
    }
    if let Some(word) = target.get_mut(from / 64) {
        *word |= 1 << (from % 64);
    }
}
