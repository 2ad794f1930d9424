//! How well a search finds what answers: a labelled set of memories and questions, searched by
//! words, by meaning and by both.
//!
//! The entries are published to the ledger of a temporary project and searched through the library
//! that the memory server uses. All are published within a second, so that age plays no part.

pub(crate) mod labels;
mod measure;

use std::collections::BTreeMap;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use ostwin_core::config::MemorySettings;
use ostwin_core::ids::MemoryId;
use ostwin_core::ledger::{Draft, Ledger};
use ostwin_core::project::{self, Project};
use ostwin_core::store::{Durability, Store};
use ostwin_memory::{Catalogue, Filter, MemoryError, Mode, Question};

use labels::{Class, Labelled, LabelledQuery};
use measure::Quality;

use crate::samples::Samples;
use crate::table::{self, Table};

/// How far down the answers count.
const DEPTH: usize = 10;

pub(crate) fn bench() -> Result<()> {
    let set = labels::read()?;
    let dir = tempfile::tempdir()?;
    let store = Store { durability: Durability::Os, ..Store::default() };
    project::init(dir.path(), None, &serde_json::json!({ "schema_version": 1 }), &store)?;
    let project = Project::open(dir.path(), store)?;
    let names = publish(&project, &set)?;
    let mut catalogue = Catalogue::new(&project, &MemorySettings::default());

    let title = format!(
        "search: {} entries, {} questions; nDCG@{DEPTH} / recall@{DEPTH}",
        set.entries.len(),
        set.queries.len()
    );
    let mut text = format!("\n{title}\n  {:10}", "");
    for class in Class::ALL {
        text.push_str(&format!("  {:>13}", class.name()));
    }
    text.push_str(&format!("  {:>13}\n", "all"));
    let mut times = Table::new("search: one question, warm");
    for mode in Mode::ALL {
        match run(&mut catalogue, &set.queries, &names, mode)? {
            Ok((qualities, samples)) => {
                text.push_str(&row(mode, &set.queries, &qualities));
                times.row(mode.as_str(), &samples, "");
            }
            Err(reason) => {
                text.push_str(&format!("  {:10}  not measured: {reason}\n", mode.as_str()));
            }
        }
    }
    table::print(&text)?;
    times.print()
}

/// Publishes the entries; gives the label of each by the id it got.
fn publish(project: &Project, set: &Labelled) -> Result<BTreeMap<MemoryId, String>> {
    let ledger = Ledger::new(project.layout().ledger());
    let mut names = BTreeMap::new();
    for entry in &set.entries {
        let draft = Draft {
            kind: entry.kind,
            room_id: None,
            plan_id: None,
            author_role: "engineer".parse()?,
            reference: entry.reference.clone(),
            tags: entry.tags.clone(),
            summary: entry.summary.clone(),
            detail: entry.detail.clone(),
            supersedes: None,
            key: None,
        };
        let published = ledger
            .publish(project.store(), draft)
            .with_context(|| format!("entry `{}` of the labelled set", entry.id))?;
        names.insert(published.id, entry.id.clone());
    }
    Ok(names)
}

/// The quality of each answer, and how long they took; or why it cannot be had.
fn run(
    catalogue: &mut Catalogue,
    queries: &[LabelledQuery],
    names: &BTreeMap<MemoryId, String>,
    mode: Mode,
) -> Result<Result<(Vec<Quality>, Samples), String>> {
    let question = |query: &LabelledQuery| Question {
        text: query.text.clone(),
        filter: Filter::default(),
        mode,
        limit: DEPTH,
        explain: false,
    };
    let Some(first) = queries.first() else { bail!("the labelled set has no questions") };
    // The first searches read what is new in the ledger and make the missing vectors, each some.
    let mut missing = usize::MAX;
    while missing > 0 {
        let answer = match catalogue.search(&question(first)) {
            Err(error @ MemoryError::NoMeaning { .. }) => return Ok(Err(error.to_string())),
            answer => answer?,
        };
        if answer.mode_used != mode {
            return Ok(Err(answer.note.unwrap_or_default()));
        }
        if answer.not_yet_embedded >= missing {
            bail!("{missing} entries have no vector, and a search makes none");
        }
        missing = answer.not_yet_embedded;
    }
    let mut qualities = Vec::with_capacity(queries.len());
    let mut times = Vec::with_capacity(queries.len());
    for query in queries {
        let start = Instant::now();
        let answer = catalogue.search(&question(query))?;
        times.push(start.elapsed());
        let found: Vec<&str> = answer
            .hits
            .iter()
            .map(|hit| names.get(&hit.entry.id).map_or("", String::as_str))
            .collect();
        qualities.push(measure::quality(&found, &query.relevant, DEPTH));
    }
    Ok(Ok((qualities, Samples::new(times))))
}

/// The means of a mode, by class and over all.
fn row(mode: Mode, queries: &[LabelledQuery], qualities: &[Quality]) -> String {
    let of_class = |class: Option<Class>| {
        let all = queries.iter().zip(qualities);
        let own = all.filter(|(query, _)| class.is_none_or(|class| query.class == class));
        let mean = measure::mean(own.map(|(_, quality)| *quality));
        format!("  {:>13}", format!("{:.3} / {:.3}", mean.ndcg, mean.recall))
    };
    let classes: String = Class::ALL.map(|class| of_class(Some(class))).concat();
    format!("  {:10}{classes}{}\n", mode.as_str(), of_class(None))
}
