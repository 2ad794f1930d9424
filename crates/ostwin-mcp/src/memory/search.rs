//! `search`: the memories that answer a question.

use ostwin_core::ledger::Kind;
use ostwin_memory::{Explain, Filter, Mode, Question};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::server::Memory;
use super::view::View;
use crate::args::{Text, Whole};
use crate::bounds::fit_list;
use crate::error::ToolError;
use crate::waiting::Waiting;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Search {
    /// What you want to know, in a few words: names of things find more than a whole question.
    text: Text<1, 2000>,
    /// Of this kind only.
    #[serde(default)]
    kind: Option<Kind>,
    /// Having any of these tags, in any case.
    #[serde(default)]
    #[schemars(length(max = 32))]
    tags: Vec<Text<1, 64>>,
    /// At most this many; 10 if left out.
    #[serde(default)]
    max_results: Option<Whole<1, 50>>,
    /// How memories are compared with the text.
    #[serde(default)]
    mode: Mode,
    /// Show what your own room published too.
    #[serde(default)]
    include_own: bool,
    /// Say how each score came about.
    #[serde(default)]
    explain: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Hit {
    /// How well it answers; comparable within one answer only.
    score: f64,
    /// The memory.
    memory: View,
    /// How the score came about, if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    explain: Option<Explain>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Found {
    /// The memories that answer, best first.
    hits: Vec<Hit>,
    /// How they were compared with the text.
    mode_used: Mode,
    /// What the caller should know about that.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    /// Memories that are not found by their meaning yet; later searches go on with them.
    not_yet_embedded: usize,
    /// Lines of the ledger that could not be read.
    skipped_lines: usize,
}

pub(super) fn search(memory: &Memory, args: Search, _: &Waiting) -> Result<Found, ToolError> {
    let question = Question {
        text: args.text.into_string(),
        filter: Filter {
            kind: args.kind,
            tags: args.tags.into_iter().map(Text::into_string).collect(),
            room: None,
            exclude_room: memory.hidden_room(args.include_own, None),
        },
        mode: args.mode,
        limit: args.max_results.map_or(10, Whole::count),
        explain: args.explain,
    };
    let answer = memory.catalogue().ask(|catalogue| catalogue.search(&question))?;
    let hits = answer.hits.into_iter().map(|hit| Hit {
        score: hit.score,
        memory: hit.entry.into(),
        explain: hit.explain,
    });
    let mut hits: Vec<Hit> = hits.collect();
    fit_list(&mut hits);
    Ok(Found {
        hits,
        mode_used: answer.mode_used,
        note: answer.note,
        not_yet_embedded: answer.not_yet_embedded,
        skipped_lines: answer.skipped_lines,
    })
}
