//! Searching: the shared memory by words and meaning, channels by their text, artifacts by name.

use std::cmp::Reverse;

use axum::http::StatusCode;
use ostwin_core::artifacts::Artifacts;
use ostwin_core::channel::Filter as MessageFilter;
use ostwin_core::ids::{PlanId, RoomId};
use ostwin_core::ledger::Kind;
use ostwin_core::room::Room;
use ostwin_core::time::Timestamp;
use ostwin_memory::{Explain, Filter, MemoryError, Mode, Question};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::call::Call;
use crate::http::{Nothing, Problem, Route, post};
use crate::project::Served;

/// Hits of a search, unless asked for another number.
const HITS: usize = 20;
/// Most hits of a search.
const MOST_HITS: usize = 100;
/// Longest text that is searched for, in characters.
const MAX_QUERY: usize = 2_000;
/// Longest part of a message in a hit, in characters.
const SHOWN: usize = 400;
/// Artifacts of a room whose names are looked at.
const MOST_ARTIFACTS: usize = 10_000;

/// The routes.
pub(super) fn routes() -> Vec<Route> {
    vec![post(
        "/api/search",
        "Searches memories by meaning, or channels and artifacts",
        200,
        search,
    )]
}

/// What is searched for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Search {
    /// What to look for, in a few words.
    #[schemars(length(max = 2_000), regex(pattern = r"\S"))]
    query: String,
    /// How memories are compared with it: `hybrid`, `lexical` or `semantic`.
    #[serde(default)]
    mode: Mode,
    /// Memories of this kind only.
    #[serde(default)]
    kind: Option<Kind>,
    /// Memories with any of these tags only.
    #[serde(default)]
    tags: Vec<String>,
    /// At most so many hits; 20 if left out, 100 at most.
    #[serde(default)]
    limit: Option<usize>,
    /// Where to look: memories if left out.
    #[serde(default, rename = "in")]
    place: SearchIn,
}

/// Where to look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum SearchIn {
    /// In the shared memory, by meaning and words.
    #[default]
    Memories,
    /// In the messages of every room, by their text; the newest first.
    Channels,
    /// In the names of artifacts; the newest first.
    Artifacts,
}

/// What was found.
#[derive(Debug, Default, Serialize, JsonSchema)]
struct Found {
    /// The hits, best first.
    items: Vec<Hit>,
    /// How memories were compared; null elsewhere.
    mode_used: Option<Mode>,
    /// What to know about the answer: why meaning was not compared, what could not be read.
    notes: Vec<String>,
    /// Memories that are not found by their meaning yet; later searches go on with them.
    not_yet_embedded: usize,
}

/// Something that was found.
#[derive(Debug, Serialize, JsonSchema)]
struct Hit {
    /// The project.
    project: String,
    /// Its id: a memory's, a message's, or an artifact's path.
    id: String,
    /// What it is: the kind of a memory, the type of a message, `artifact`.
    kind: String,
    /// What it is about: the reference of a memory or a message.
    title: Option<String>,
    /// What it says: a memory's summary, the place in a message, a path.
    text: String,
    /// More of it.
    detail: Option<String>,
    /// Words to find it by.
    tags: Vec<String>,
    /// Who wrote it.
    author: Option<String>,
    /// Its room.
    room: Option<RoomId>,
    /// The plan of that room.
    plan_id: Option<PlanId>,
    /// When it was written.
    at: Timestamp,
    /// The number of a message in its channel.
    seq: Option<u64>,
    /// How well a memory answers; comparable within one answer only.
    score: Option<f64>,
    /// Why a memory was found, in words.
    why: Option<String>,
    /// How its score came about.
    explain: Option<Explain>,
}

fn search(call: &Call, _: Nothing, search: Search) -> Result<Found, Problem> {
    let text = search.query.trim();
    if text.is_empty() || text.chars().count() > MAX_QUERY {
        let words = format!("`query` needs 1 to {MAX_QUERY} characters");
        return Err(Problem::unprocessable(words));
    }
    let limit = search.limit.unwrap_or(HITS).clamp(1, MOST_HITS);
    let mut found = Found::default();
    for served in call.all() {
        match search.place {
            SearchIn::Memories => in_memories(served, &search, limit, &mut found)?,
            SearchIn::Channels => in_channels(served, text, limit, &mut found)?,
            SearchIn::Artifacts => in_artifacts(served, text, &mut found)?,
        }
    }
    match search.place {
        // Scores are made of ranks, so that those of two projects can be put in one order.
        SearchIn::Memories => found.items.sort_by(|one, other| {
            let score = |hit: &Hit| hit.score.unwrap_or_default();
            score(other).total_cmp(&score(one))
        }),
        _ => found.items.sort_by_key(|hit| Reverse(hit.at)),
    }
    found.items.truncate(limit);
    Ok(found)
}

fn in_memories(
    served: &Served,
    search: &Search,
    limit: usize,
    found: &mut Found,
) -> Result<(), Problem> {
    let question = Question {
        text: search.query.trim().to_owned(),
        filter: Filter { kind: search.kind, tags: search.tags.clone(), ..Filter::default() },
        mode: search.mode,
        limit,
        explain: true,
    };
    let answer = served.ask_memory(|catalogue| catalogue.search(&question))?;
    found.items.extend(answer.hits.into_iter().map(|hit| Hit {
        project: served.key.clone(),
        id: hit.entry.id.to_string(),
        kind: hit.entry.kind.as_str().to_owned(),
        title: hit.entry.reference,
        text: hit.entry.summary,
        detail: hit.entry.detail,
        tags: hit.entry.tags,
        author: Some(hit.entry.author_role.to_string()),
        room: hit.entry.room_id,
        plan_id: hit.entry.plan_id,
        at: hit.entry.ts,
        seq: None,
        score: Some(hit.score),
        why: hit.explain.as_ref().map(why),
        explain: hit.explain,
    }));
    found.mode_used = Some(answer.mode_used);
    found.notes.extend(answer.note.filter(|note| !found.notes.contains(note)));
    found.not_yet_embedded += answer.not_yet_embedded;
    if answer.skipped_lines > 0 {
        found.notes.push(format!(
            "{} lines of the ledger cannot be read; `ostwin doctor` says where",
            answer.skipped_lines
        ));
    }
    Ok(())
}

/// Why a memory was found: its words, its meaning, its age.
fn why(explain: &Explain) -> String {
    let mut parts = Vec::new();
    if !explain.terms.is_empty() {
        let terms: Vec<String> =
            explain.terms.iter().map(|term| format!("\u{201c}{}\u{201d}", term.term)).collect();
        parts.push(format!("holds {}", terms.join(", ")));
    }
    if let Some(cosine) = explain.cosine {
        parts.push(format!("means something near ({cosine:.2})"));
    }
    parts.push(age(explain.age_hours));
    parts.join("; ")
}

fn age(hours: f64) -> String {
    match hours {
        hours if hours < 1.0 => "less than an hour old".to_owned(),
        hours if hours < 48.0 => format!("{hours:.0} h old"),
        hours => format!("{:.0} days old", hours / 24.0),
    }
}

fn in_channels(
    served: &Served,
    text: &str,
    limit: usize,
    found: &mut Found,
) -> Result<(), Problem> {
    let filter = MessageFilter { text: Some(text.to_owned()), ..MessageFilter::default() };
    for room in Room::list(&served.project())? {
        let page = match room.channel().newest(&filter, limit, None) {
            Ok(page) => page,
            Err(error) => {
                found.notes.push(format!("the channel of `{}` cannot be read: {error}", room.id()));
                continue;
            }
        };
        if page.messages.is_empty() {
            continue;
        }
        let plan_id = room.contract().ok().map(|contract| contract.plan_id);
        found.items.extend(page.messages.into_iter().map(|message| Hit {
            project: served.key.clone(),
            id: message.id.to_string(),
            kind: message.kind.to_string(),
            title: message.reference,
            text: around(&message.body, text),
            detail: None,
            tags: Vec::new(),
            author: Some(message.from.to_string()),
            room: Some(room.id().clone()),
            plan_id: plan_id.clone(),
            at: message.ts,
            seq: Some(message.seq),
            score: None,
            why: None,
            explain: None,
        }));
    }
    Ok(())
}

/// The part of a text around the first place that holds `wanted`, in any case.
fn around(text: &str, wanted: &str) -> String {
    let lower = text.to_lowercase();
    let place = lower.find(&wanted.to_lowercase()).unwrap_or(0);
    // A letter may change its length with its case.
    let mut length = 0;
    let is_before = |letter: &char| {
        length += letter.to_lowercase().map(char::len_utf8).sum::<usize>();
        length <= place
    };
    let before = text.chars().take_while(is_before).count().saturating_sub(SHOWN / 4);
    let shown: String = text.chars().skip(before).take(SHOWN).collect();
    if before > 0 { format!("…{shown}") } else { shown }
}

fn in_artifacts(served: &Served, text: &str, found: &mut Found) -> Result<(), Problem> {
    let wanted = text.to_lowercase();
    for room in Room::list(&served.project())? {
        let listing = Artifacts::new(room.paths().artifacts()).list("", None, MOST_ARTIFACTS)?;
        if listing.more {
            found.notes.push(format!(
                "only the first {MOST_ARTIFACTS} artifacts of `{}` were looked at",
                room.id()
            ));
        }
        let plan_id = room.contract().ok().map(|contract| contract.plan_id);
        let named = listing
            .found
            .into_iter()
            .filter(|artifact| artifact.path.as_str().to_lowercase().contains(&wanted));
        found.items.extend(named.map(|artifact| Hit {
            project: served.key.clone(),
            id: artifact.path.to_string(),
            kind: "artifact".to_owned(),
            title: None,
            text: artifact.path.to_string(),
            detail: None,
            tags: Vec::new(),
            author: None,
            room: Some(room.id().clone()),
            plan_id: plan_id.clone(),
            at: artifact.modified,
            seq: None,
            score: None,
            why: None,
            explain: None,
        }));
    }
    Ok(())
}

impl From<MemoryError> for Problem {
    fn from(error: MemoryError) -> Self {
        match error {
            MemoryError::Ledger(error) => error.into(),
            MemoryError::Fs(error) => error.into(),
            MemoryError::Lock(error) => error.into(),
            MemoryError::Busy { .. } => Self::of(StatusCode::SERVICE_UNAVAILABLE, &error),
            // Waiting does not help: nothing here compares by meaning.
            MemoryError::NoMeaning { .. } => Self::of(StatusCode::CONFLICT, &error),
            MemoryError::Index(_) => Self::internal(&error),
        }
    }
}

#[cfg(test)]
mod tests {
    use ostwin_memory::TermScore;

    use super::*;

    #[test]
    fn a_hit_shows_the_place_that_was_found() {
        assert_eq!(around("The Port is 80", "port"), "The Port is 80");
        let long = format!("{}needle{}", "x".repeat(1_000), "y".repeat(1_000));
        let shown = around(&long, "NEEDLE");
        assert!(shown.starts_with('…') && shown.contains("needle"), "{shown}");
        assert_eq!(shown.chars().count(), SHOWN + 1);
        let longer_in_lower_case = format!("{}needle", "İ".repeat(600));
        let shown = around(&longer_in_lower_case, "needle");
        assert_eq!(shown, format!("…{}needle", "İ".repeat(SHOWN / 4)));
    }

    #[test]
    fn why_a_memory_was_found_is_said_in_words() {
        let term = |term: &str| TermScore { term: term.to_owned(), score: 1.0 };
        let words = Explain { terms: vec![term("auth")], age_hours: 30.0, ..Explain::default() };
        assert_eq!(why(&words), "holds \u{201c}auth\u{201d}; 30 h old");
        let meaning = Explain { cosine: Some(0.431), age_hours: 0.2, ..Explain::default() };
        assert_eq!(why(&meaning), "means something near (0.43); less than an hour old");
        assert_eq!(why(&Explain { age_hours: 72.0, ..Explain::default() }), "3 days old");
    }
}
