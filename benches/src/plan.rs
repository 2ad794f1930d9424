//! A plan of ten thousand epics: reading, checking, and the graph.

use std::fmt::Write;

use anyhow::{Result, bail};
use ostwin_core::dag::{self, BuildOptions};
use ostwin_core::plan::{self, ParseOptions};
use ostwin_core::time::Timestamp;

use crate::samples::Samples;
use crate::table::Table;

const EPICS: usize = 10_000;
const ROUNDS: usize = 15;

pub(crate) fn bench() -> Result<()> {
    let text = text(EPICS);
    let options = ParseOptions::default();
    let build = BuildOptions::new("big-000001".parse()?, "", Timestamp::from_millis(0));

    let parsed = plan::parse(&text, &options);
    if let Some(problem) = parsed.diagnostics.iter().find(|diagnostic| diagnostic.is_error()) {
        bail!("the plan of the benchmark is not sound: {problem:?}");
    }
    let edges: usize = parsed.plan.epics.iter().map(|epic| epic.depends_on.len()).sum();

    let looked = Samples::take(ROUNDS, || -> Result<usize> { Ok(text.lines().count()) })?;
    let read = Samples::take(ROUNDS, || -> Result<_> { Ok(plan::parse(&text, &options)) })?;
    let graph = Samples::take(ROUNDS, || dag::build(&parsed.plan, &build))?;
    let both = Samples::take(ROUNDS, || dag::build(&plan::parse(&text, &options).plan, &build))?;

    let size = text.len() / 1024;
    let title = format!("plan of {} epics and {edges} edges ({size} KiB)", parsed.plan.epics.len());
    let mut table = Table::new(title);
    table.row("bare look at every line", &looked, "");
    table.row("parse and check", &read, "");
    table.row("graph", &graph, "");
    table.row("parse, check, graph", &both, "(target 150 ms)");
    table.print()
}

/// A plan as people write it, in which each epic depends on three earlier ones.
fn text(epics: usize) -> String {
    let mut text = "# Plan: Big\n\n## Goal\n\nSee how long it takes.\n".to_owned();
    for epic in 1..=epics {
        let wanted = [1, 7, 31].map(|back| epic.saturating_sub(back));
        let wanted: Vec<String> =
            wanted.iter().filter(|id| **id > 0).map(|id| format!("EPIC-{id:05}")).collect();
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "\n## EPIC-{epic:05}: Part {epic}\n\ndepends_on: [{}]\nRoles: engineer, qa\n\n\
             Do part {epic}, and nothing else.\n\n### Acceptance Criteria\n\n\
             - [ ] Part {epic} does what it should\n- [ ] Bad input is refused\n",
            wanted.join(", ")
        );
    }
    text
}
