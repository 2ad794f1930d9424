//! The shared memory: browsed, read with what replaced it, added to by a person.

use std::collections::BTreeMap;

use ostwin_core::ids::{MemoryId, PlanId, RoleRef, RoomId};
use ostwin_core::ledger::{Draft, Entry, Kind, Ledger, Query};
use ostwin_core::room::HUMAN;
use ostwin_watch::Changed;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::call::Call;
use crate::http::{Nothing, Page, Problem, Route, get, post};
use crate::project::Served;

/// Memories in one answer, unless asked for another number.
const LISTED: usize = 50;
/// Most memories in one answer.
const MOST_LISTED: usize = 200;
/// Longest chain of memories that is told.
const CHAIN: usize = 50;

/// The routes.
pub(super) fn routes() -> Vec<Route> {
    vec![
        get("/api/memories", "Memories of all rooms, the newest first", memories),
        get("/api/memories/{id}", "One memory, and what came of it", memory),
        post("/api/memories", "Publishes a memory as a person", 201, publish),
    ]
}

/// Which memories are wanted.
#[derive(Debug, Deserialize, JsonSchema)]
struct MemoriesQuery {
    /// Only of this kind.
    kind: Option<Kind>,
    /// Only with this tag, in any case.
    tag: Option<String>,
    /// Only from this room.
    room: Option<RoomId>,
    /// Also those that others replace.
    #[serde(default)]
    superseded: bool,
    /// Only those behind this cursor.
    #[schemars(regex(pattern = r"^[0-9a-f]{8}:[0-9]{1,19}(,[0-9a-f]{8}:[0-9]{1,19})*$"))]
    after: Option<String>,
    /// At most so many; 50 if left out, 200 at most.
    limit: Option<usize>,
}

/// A memory.
#[derive(Debug, Serialize, JsonSchema)]
struct Memory {
    /// The project that remembers it.
    project: String,
    /// What is remembered.
    #[serde(flatten)]
    entry: Entry,
}

fn ledger(served: &Served) -> Ledger {
    Ledger::new(served.project().layout().ledger())
}

fn memories(call: &Call, _: Nothing, query: MemoriesQuery) -> Result<Page<Memory>, Problem> {
    let limit = query.limit.unwrap_or(LISTED).clamp(1, MOST_LISTED);
    let mut place = Place::parse(query.after.as_deref())?;
    let wanted = Query {
        kind: query.kind,
        tags: query.tag.into_iter().collect(),
        room_id: query.room,
        include_superseded: query.superseded,
        ..Query::default()
    };
    let mut shelves = Vec::new();
    let mut more = false;
    for served in call.all() {
        let before = place.before.get(&served.key).copied();
        let page = ledger(served).query(&Query { before, ..wanted.clone() }, limit)?;
        more |= page.more;
        shelves.push((served.key.clone(), page.entries.into_iter().peekable()));
    }
    let mut items = Vec::new();
    while items.len() < limit {
        // Each ledger gives its newest first; of the first of each, the newest is next.
        let next = shelves.iter_mut().filter_map(|(key, entries)| {
            let ts = entries.peek()?.ts;
            Some((ts, key, entries))
        });
        let Some((_, key, entries)) = next.max_by_key(|(ts, ..)| *ts) else { break };
        let Some(entry) = entries.next() else { break };
        place.before.insert(key.clone(), entry.seq);
        items.push(Memory { project: key.clone(), entry });
    }
    more |= shelves.iter_mut().any(|(_, entries)| entries.peek().is_some());
    Ok(Page { items, next_cursor: more.then(|| place.to_string()) })
}

/// How far a list has come in the ledger of each project: `3fa9c1d2:17,77b0aa31:4`.
#[derive(Debug, Default, PartialEq, Eq)]
struct Place {
    /// By project, the number of the last entry that was given.
    before: BTreeMap<String, u64>,
}

impl Place {
    fn parse(cursor: Option<&str>) -> Result<Self, Problem> {
        let parts = cursor.into_iter().flat_map(|cursor| cursor.split(','));
        let parsed: Option<_> = parts
            .map(|part| {
                let (project, seq) = part.split_once(':')?;
                Some((project.to_owned(), seq.parse().ok()?))
            })
            .collect();
        let before = parsed.ok_or_else(|| {
            Problem::bad_request("`after` is no cursor: give `next_cursor` of the part before")
        })?;
        Ok(Self { before })
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let parts: Vec<String> =
            self.before.iter().map(|(project, seq)| format!("{project}:{seq}")).collect();
        f.write_str(&parts.join(","))
    }
}

/// A memory in a path.
#[derive(Debug, Deserialize, JsonSchema)]
struct MemoryInPath {
    /// The memory.
    id: MemoryId,
}

/// A memory with those that it replaced and that replaced it.
#[derive(Debug, Serialize, JsonSchema)]
struct MemoryStory {
    /// The project that remembers it.
    project: String,
    /// What is remembered.
    #[serde(flatten)]
    entry: Entry,
    /// What replaced it; null if it counts.
    superseded_by: Option<MemoryId>,
    /// What it replaced, the newest first.
    replaced: Vec<Entry>,
    /// What replaced it, the oldest first; the last one counts.
    replaced_by: Vec<Entry>,
}

fn memory(call: &Call, path: MemoryInPath, _: Nothing) -> Result<MemoryStory, Problem> {
    for served in call.all() {
        let ledger = ledger(served);
        if let Some(entry) = ledger.find(&path.id)? {
            return story(&served.key, &ledger, entry);
        }
    }
    Err(Problem::not_found(format!("there is no memory `{}`", path.id)))
}

fn story(project: &str, ledger: &Ledger, entry: Entry) -> Result<MemoryStory, Problem> {
    let mut replaced = Vec::new();
    let mut earlier = entry.supersedes.clone();
    while let Some(id) = earlier.filter(|_| replaced.len() < CHAIN) {
        let Some(found) = ledger.find(&id)? else { break };
        earlier = found.supersedes.clone();
        replaced.push(found);
    }
    let mut replaced_by: Vec<Entry> = Vec::new();
    while replaced_by.len() < CHAIN
        && let Some(later) = ledger.successor(replaced_by.last().unwrap_or(&entry))?
    {
        replaced_by.push(later);
    }
    let superseded_by = replaced_by.first().map(|later| later.id.clone());
    Ok(MemoryStory { project: project.to_owned(), entry, superseded_by, replaced, replaced_by })
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
    /// The plan that it is about.
    #[serde(default)]
    plan_id: Option<PlanId>,
    /// The memory that it replaces.
    #[serde(default)]
    supersedes: Option<MemoryId>,
}

fn publish(call: &Call, _: Nothing, new: NewMemory) -> Result<Memory, Problem> {
    let served = call.one()?;
    if let Some(plan) = &new.plan_id {
        served.view(plan)?;
    }
    let draft = Draft {
        kind: new.kind,
        room_id: None,
        plan_id: new.plan_id,
        author_role: RoleRef::new(HUMAN)?,
        reference: new.reference.filter(|text| !text.is_empty()),
        tags: new.tags,
        summary: new.summary,
        detail: new.detail.filter(|detail| !detail.is_empty()),
        supersedes: new.supersedes,
        key: None,
    };
    let entry = ledger(served).publish(served.project().store(), draft)?;
    served.refresh(Some(Changed::Ledger));
    Ok(Memory { project: served.key.clone(), entry })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_says_how_far_each_ledger_was_read() {
        assert_eq!(Place::parse(None).unwrap(), Place::default());
        let place = Place::parse(Some("3fa9c1d2:17,77b0aa31:4")).unwrap();
        let expected = [("3fa9c1d2".to_owned(), 17), ("77b0aa31".to_owned(), 4)];
        assert_eq!(place.before, expected.into());
        assert_eq!(place.to_string(), "3fa9c1d2:17,77b0aa31:4");
        for wrong in ["", "x", "x:", "x:-1", "x:1,,y:2", "x:1;y:2"] {
            assert_eq!(Place::parse(Some(wrong)).unwrap_err().status().as_u16(), 400, "{wrong}");
        }
    }
}
