//! The shared memory: browsed, searched, added to; and a search in channels and artifacts' names.

use ostwin_core::artifacts::Artifacts;
use ostwin_core::channel::Filter as MessageFilter;
use ostwin_core::ids::{MemoryId, PlanId, RoleRef, RoomId};
use ostwin_core::jsonl;
use ostwin_core::ledger::{Draft, Entry, Kind, Ledger, Query};
use ostwin_core::room::{HUMAN, Room};
use ostwin_core::time::Timestamp;
use ostwin_memory::{Catalogue, Explain, Filter, MemoryError, Mode, Question};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::call::Call;
use crate::http::{Nothing, Page, Problem, Route, get, post};

/// Memories in one answer, unless asked for another number.
const LISTED: usize = 50;
/// Most memories in one answer.
const MOST_LISTED: usize = 200;
/// Hits of a search, unless asked for another number.
const HITS: usize = 20;
/// Most hits of a search.
const MOST_HITS: usize = 100;
/// Longest text that is searched for, in characters.
const MAX_QUERY: usize = 2_000;
/// Longest part of a message in a hit, in characters.
const SHOWN: usize = 400;

/// The routes.
pub(super) fn routes() -> Vec<Route> {
    vec![
        get("/api/memories", "Memories of all rooms, the newest first", memories),
        get("/api/memories/{id}", "One memory, and what came of it", memory),
        post("/api/memories", "Publishes a memory as a person", 201, publish),
        post("/api/search", "Searches memories by meaning, or channels and artifacts", 200, search),
    ]
}

/// Which memories are wanted.
#[derive(Debug, Deserialize, JsonSchema)]
struct MemoriesQuery {
    /// Only of this kind.
    kind: Option<Kind>,
    /// Only with this tag.
    tag: Option<String>,
    /// Only from this room.
    room: Option<RoomId>,
    /// Also those that others replace.
    #[serde(default)]
    superseded: bool,
    /// Only those behind this cursor.
    after: Option<u64>,
    /// At most so many; 50 if left out, 200 at most.
    limit: Option<usize>,
}

fn ledger(call: &Call) -> Result<Ledger, Problem> {
    Ok(Ledger::new(call.one()?.project().layout().ledger()))
}

fn memories(call: &Call, _: Nothing, query: MemoriesQuery) -> Result<Page<Entry>, Problem> {
    let limit = query.limit.unwrap_or(LISTED).clamp(1, MOST_LISTED);
    let wanted = Query {
        kind: query.kind,
        tags: query.tag.into_iter().collect(),
        room_id: query.room,
        include_superseded: query.superseded,
        before: query.after,
        ..Query::default()
    };
    let page = ledger(call)?.query(&wanted, limit)?;
    let last = page.entries.last().map(|entry| entry.seq.to_string());
    Ok(Page { next_cursor: last.filter(|_| page.more), items: page.entries })
}

/// A memory in a path.
#[derive(Debug, Deserialize, JsonSchema)]
struct MemoryPath {
    /// The memory.
    id: MemoryId,
}

/// A memory with those that it replaced and that replaced it.
#[derive(Debug, Serialize, JsonSchema)]
struct MemoryStory {
    /// The memory.
    entry: Entry,
    /// What it replaced, the newest first.
    replaced: Vec<Entry>,
    /// What replaced it, the oldest first; the last one counts now.
    replaced_by: Vec<Entry>,
}

/// Longest chain of memories that is told.
const CHAIN: usize = 50;

fn memory(call: &Call, path: MemoryPath, _: Nothing) -> Result<MemoryStory, Problem> {
    let ledger = ledger(call)?;
    let entry = ledger
        .find(&path.id)?
        .ok_or_else(|| Problem::not_found(format!("there is no memory `{}`", path.id)))?;
    let mut replaced = Vec::new();
    let mut earlier = entry.supersedes.clone();
    while let Some(id) = earlier.filter(|_| replaced.len() < CHAIN) {
        let Some(found) = ledger.find(&id)? else { break };
        earlier = found.supersedes.clone();
        replaced.push(found);
    }
    let mut replaced_by: Vec<Entry> = Vec::new();
    while replaced_by.len() < CHAIN {
        let last = replaced_by.last().unwrap_or(&entry);
        let (id, seq) = (last.id.clone(), last.seq);
        let later = jsonl::find_last(ledger.path(), |later: &Entry| {
            later.seq > seq && later.supersedes.as_ref() == Some(&id)
        })?;
        match later {
            Some(later) => replaced_by.push(later),
            None => break,
        }
    }
    Ok(MemoryStory { entry, replaced, replaced_by })
}

/// A memory to publish.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewMemory {
    /// What it is.
    kind: Kind,
    /// What others should know, in a sentence or a few.
    summary: String,
    /// More, for who needs it.
    #[serde(default)]
    detail: Option<String>,
    /// Words to find it by.
    #[serde(default)]
    tags: Vec<String>,
    /// What it is about, such as an epic's id.
    #[serde(default, rename = "ref")]
    reference: Option<String>,
    /// The memory that it replaces.
    #[serde(default)]
    supersedes: Option<MemoryId>,
}

fn publish(call: &Call, _: Nothing, new: NewMemory) -> Result<Entry, Problem> {
    let project = call.one()?.project();
    let draft = Draft {
        kind: new.kind,
        room_id: None,
        plan_id: None,
        author_role: RoleRef::new(HUMAN)?,
        reference: new.reference,
        tags: new.tags,
        summary: new.summary,
        detail: new.detail.filter(|detail| !detail.is_empty()),
        supersedes: new.supersedes,
        key: None,
    };
    Ok(ledger(call)?.publish(project.store(), draft)?)
}

/// What is searched for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Search {
    /// What to look for, in a few words.
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
    /// At most so many hits of each sort; 20 if left out, 100 at most.
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
    /// In the names of artifacts.
    Artifacts,
}

/// What was found.
#[derive(Debug, Serialize, JsonSchema)]
struct Found {
    /// The hits, best first.
    items: Vec<SearchHit>,
    /// How memories were compared; null elsewhere.
    mode_used: Option<Mode>,
    /// What to know about that.
    note: Option<String>,
    /// Memories that are not found by their meaning yet; later searches go on with them.
    not_yet_embedded: usize,
}

/// Something that was found.
#[derive(Debug, Serialize, JsonSchema)]
struct SearchHit {
    /// Its id: a memory's, a message's, or an artifact's path.
    id: String,
    /// What it is: the kind of a memory, the type of a message, `artifact`.
    kind: String,
    /// What it says.
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
    at: Option<Timestamp>,
    /// The number of a message in its channel.
    seq: Option<u64>,
    /// How well it answers; comparable within one answer only.
    score: Option<f64>,
    /// How the score came about.
    why: Option<Explain>,
}

fn search(call: &Call, _: Nothing, search: Search) -> Result<Found, Problem> {
    let text = search.query.trim().to_owned();
    if text.is_empty() || text.chars().count() > MAX_QUERY {
        let words = format!("`query` needs 1 to {MAX_QUERY} characters");
        return Err(Problem::unprocessable(words));
    }
    let limit = search.limit.unwrap_or(HITS).clamp(1, MOST_HITS);
    let items = match search.place {
        SearchIn::Memories => return in_memories(call, text, search, limit),
        SearchIn::Channels => in_channels(call, &text, limit)?,
        SearchIn::Artifacts => in_artifacts(call, &text, limit)?,
    };
    Ok(Found { items, mode_used: None, note: None, not_yet_embedded: 0 })
}

fn in_memories(call: &Call, text: String, search: Search, limit: usize) -> Result<Found, Problem> {
    let served = call.one()?;
    let question = Question {
        text,
        filter: Filter { kind: search.kind, tags: search.tags, ..Filter::default() },
        mode: search.mode,
        limit,
        explain: true,
    };
    let answer = served.ask_memory(|catalogue: &mut Catalogue| catalogue.search(&question))?;
    let items = answer.hits.into_iter().map(|hit| SearchHit {
        id: hit.entry.id.to_string(),
        kind: hit.entry.kind.as_str().to_owned(),
        text: hit.entry.summary,
        detail: hit.entry.detail,
        tags: hit.entry.tags,
        author: Some(hit.entry.author_role.to_string()),
        room: hit.entry.room_id,
        plan_id: hit.entry.plan_id,
        at: Some(hit.entry.ts),
        seq: None,
        score: Some(hit.score),
        why: hit.explain,
    });
    Ok(Found {
        items: items.collect(),
        mode_used: Some(answer.mode_used),
        note: answer.note,
        not_yet_embedded: answer.not_yet_embedded,
    })
}

fn in_channels(call: &Call, text: &str, limit: usize) -> Result<Vec<SearchHit>, Problem> {
    let project = call.one()?.project();
    let filter = MessageFilter { text: Some(text.to_owned()), ..MessageFilter::default() };
    let mut hits = Vec::new();
    for room in Room::list(&project)? {
        let page = room.channel().newest(&filter, limit, None)?;
        let plan_id = room.contract().ok().map(|contract| contract.plan_id);
        hits.extend(page.messages.into_iter().map(|message| SearchHit {
            id: message.id.to_string(),
            kind: message.kind.to_string(),
            text: around(&message.body, text),
            detail: None,
            tags: Vec::new(),
            author: Some(message.from.to_string()),
            room: Some(room.id().clone()),
            plan_id: plan_id.clone(),
            at: Some(message.ts),
            seq: Some(message.seq),
            score: None,
            why: None,
        }));
    }
    hits.sort_by_key(|hit| std::cmp::Reverse(hit.at));
    hits.truncate(limit);
    Ok(hits)
}

/// The part of a text around the first place that holds `wanted`, in any case.
fn around(text: &str, wanted: &str) -> String {
    let lower = text.to_lowercase();
    let place = lower.find(&wanted.to_lowercase()).unwrap_or(0);
    let before = lower[..place].chars().count().saturating_sub(SHOWN / 4);
    let shown: String = text.chars().skip(before).take(SHOWN).collect();
    if before > 0 { format!("…{shown}") } else { shown }
}

fn in_artifacts(call: &Call, text: &str, limit: usize) -> Result<Vec<SearchHit>, Problem> {
    let project = call.one()?.project();
    let wanted = text.to_lowercase();
    let mut hits = Vec::new();
    for room in Room::list(&project)? {
        let listing = Artifacts::new(room.paths().artifacts()).list("", None, usize::MAX)?;
        let plan_id = room.contract().ok().map(|contract| contract.plan_id);
        let found = listing
            .found
            .into_iter()
            .filter(|found| found.path.as_str().to_lowercase().contains(&wanted));
        hits.extend(found.map(|found| SearchHit {
            id: found.path.to_string(),
            kind: "artifact".to_owned(),
            text: found.path.to_string(),
            detail: None,
            tags: Vec::new(),
            author: None,
            room: Some(room.id().clone()),
            plan_id: plan_id.clone(),
            at: Some(found.modified),
            seq: None,
            score: None,
            why: None,
        }));
        if hits.len() >= limit {
            break;
        }
    }
    hits.truncate(limit);
    Ok(hits)
}

impl From<MemoryError> for Problem {
    fn from(error: MemoryError) -> Self {
        use axum::http::StatusCode;
        match error {
            MemoryError::Ledger(error) => error.into(),
            MemoryError::Fs(error) => error.into(),
            MemoryError::Lock(error) => error.into(),
            MemoryError::Busy { .. } | MemoryError::NoMeaning { .. } => {
                Self::of(StatusCode::SERVICE_UNAVAILABLE, &error)
            }
            MemoryError::Index(_) => Self::internal(&error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hit_shows_the_place_that_was_found() {
        assert_eq!(around("The Port is 80", "port"), "The Port is 80");
        let long = format!("{}needle{}", "x".repeat(1_000), "y".repeat(1_000));
        let shown = around(&long, "NEEDLE");
        assert!(shown.starts_with('…') && shown.contains("needle"), "{shown}");
        assert_eq!(shown.chars().count(), SHOWN + 1);
        // Letters that change their length with their case.
        assert!(around(&format!("{}ß", "İ".repeat(600)), "ß").contains('İ'));
    }
}
