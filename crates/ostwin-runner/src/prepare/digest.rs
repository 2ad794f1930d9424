//! The predecessor digest: what the epics that this one depends on left, and what else the shared
//! memory knows about it.

use std::fmt::Write as _;
use std::io;
use std::path::Path;

use ostwin_core::artifacts::{Artifacts, Found};
use ostwin_core::channel::Message;
use ostwin_core::config::MemorySettings;
use ostwin_core::ids::{EpicId, RoomId};
use ostwin_core::ledger::{Entry, Kind};
use ostwin_core::lifecycle::names;
use ostwin_core::room::{self, Contract, Room};
use ostwin_memory::{Catalogue, Filter, MemoryError, Mode, Question};

use super::error::PrepareError;
use super::messages::shortened;
use crate::prompt::Text;

/// Most entries of the ledger in a digest.
const MAX_ENTRIES: usize = 15;
/// Most bytes of a digest.
const MAX_BYTES: usize = 10 * 1024;
/// Most artifacts that are listed of one room.
const MAX_ARTIFACTS: usize = 20;
/// Most characters of what one room says about itself.
const MAX_SUMMARY_CHARS: usize = 1_500;
/// Most characters of one entry.
const MAX_ENTRY_CHARS: usize = 600;

/// An entry that scores less than this part of the best one is noise.
const MIN_SHARE_OF_BEST: f64 = 0.2;

/// What one dependency left.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Predecessor {
    pub(super) epic: EpicId,
    pub(super) title: String,
    pub(super) room: RoomId,
    pub(super) state: String,
    /// Its last `done`, in its own words.
    pub(super) summary: Option<String>,
    /// Where its artifacts are.
    pub(super) artifacts_dir: String,
    pub(super) artifacts: Vec<Found>,
    /// There are more than those.
    pub(super) more_artifacts: bool,
}

/// What a dependency published by itself, and how many entries there are of that.
type Published = (Vec<Entry>, usize);

/// Reads what the digest of a room is made of, and makes it.
pub(super) fn gather(
    room: &Room,
    contract: &Contract,
    settings: &MemorySettings,
) -> Result<Option<Text>, PrepareError> {
    let mut catalogue = Catalogue::new(room.project(), settings);
    let mut left = Vec::new();
    for predecessor in predecessors(room, contract)? {
        let published = catalogue.of_room(&predecessor.room, MAX_ENTRIES)?;
        left.push((predecessor, published));
    }
    let others = match is_empty(&room.project().layout().ledger()) {
        // Nothing has to be opened to find nothing.
        true => Vec::new(),
        false => {
            let keywords = keywords(contract, &room.brief()?);
            relevant(&mut catalogue, room.id(), keywords)?
        }
    };
    let body = digest(&left, others);
    let source = "the shared memory, by the tools `get_context` and `search`";
    Ok((!body.is_empty()).then(|| Text::new(body, source)))
}

/// Whether nobody has remembered anything yet.
fn is_empty(ledger: &Path) -> bool {
    match std::fs::metadata(ledger) {
        Ok(metadata) => metadata.len() == 0,
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}

fn keywords(contract: &Contract, brief: &str) -> String {
    format!("{}\n{brief}", contract.assignment.title)
}

fn predecessors(room: &Room, contract: &Contract) -> Result<Vec<Predecessor>, PrepareError> {
    let wanted: Vec<&EpicId> =
        contract.depends_on.iter().filter(|epic| !epic.is_plan_review()).collect();
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let rooms = room::of_plan(room.project(), &contract.plan_id)?;
    let mut predecessors = Vec::new();
    for epic in wanted {
        let Some((room, contract)) = rooms.iter().find(|(_, c)| c.task_ref == *epic) else {
            continue;
        };
        predecessors.push(predecessor(room, contract)?);
    }
    Ok(predecessors)
}

fn predecessor(room: &Room, contract: &Contract) -> Result<Predecessor, PrepareError> {
    let done = room.channel().latest(|message| message.kind.as_str() == names::DONE)?;
    let dir = room.paths().artifacts();
    let listing = Artifacts::new(dir.clone()).list("", None, MAX_ARTIFACTS)?;
    Ok(Predecessor {
        epic: contract.task_ref.clone(),
        title: contract.assignment.title.clone(),
        room: room.id().clone(),
        state: room.standing()?.state.to_string(),
        summary: done.as_ref().map(summary_of),
        artifacts_dir: dir.display().to_string(),
        artifacts: listing.found,
        more_artifacts: listing.more,
    })
}

/// The summary that a `done` gives itself, else its body.
fn summary_of(done: &Message) -> String {
    let own = done.data.as_ref().and_then(|data| data.get("summary")?.as_str());
    let text = own.map(str::trim).filter(|own| !own.is_empty()).unwrap_or(done.body.trim());
    limited(text, MAX_SUMMARY_CHARS)
}

/// `text` with its lines, cut behind `chars` characters.
fn limited(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        None => text.to_owned(),
        Some((end, _)) => format!("{} [...]", text.get(..end).unwrap_or_default().trim_end()),
    }
}

/// The digest as Markdown, at most 15 entries and 10 KiB; empty if there is nothing to tell.
/// `others` is what the shared memory knows besides, best first.
fn digest(left: &[(Predecessor, Published)], mut others: Vec<Entry>) -> String {
    let mut digest = Digest::default();
    for (predecessor, (published, count)) in left {
        digest.add_predecessor(predecessor);
        for entry in published {
            digest.add_entry(entry);
        }
        digest.left_out += count - published.len();
    }
    others.retain(|entry| !left.iter().any(|(p, _)| entry.room_id.as_ref() == Some(&p.room)));
    others.truncate(MAX_ENTRIES.saturating_sub(digest.entries));
    if !others.is_empty() {
        digest.add("## What else the shared memory knows\n\n");
        for kind in Kind::ALL {
            for entry in others.iter().filter(|entry| entry.kind == kind) {
                digest.add_entry(entry);
            }
        }
    }
    digest.finish()
}

/// The entries that answer `keywords`, best first, without those that share only a common word.
/// By words: a whole brief says too much for one meaning, and names what it needs.
fn relevant(
    catalogue: &mut Catalogue,
    own_room: &RoomId,
    keywords: String,
) -> Result<Vec<Entry>, MemoryError> {
    let hits = catalogue
        .search(&Question {
            text: keywords,
            filter: Filter { exclude_room: Some(own_room.clone()), ..Filter::default() },
            mode: Mode::Lexical,
            limit: MAX_ENTRIES * 2,
            explain: false,
        })?
        .hits;
    let enough = hits.first().map_or(0.0, |best| best.score * MIN_SHARE_OF_BEST);
    Ok(hits.into_iter().filter(|hit| hit.score >= enough).map(|hit| hit.entry).collect())
}

#[derive(Default)]
struct Digest {
    text: String,
    entries: usize,
    left_out: usize,
}

impl Digest {
    /// Adds `part` if it fits.
    fn add(&mut self, part: &str) -> bool {
        let fits = self.text.len() + part.len() <= MAX_BYTES - NOTE_BYTES;
        if fits {
            self.text.push_str(part);
        }
        fits
    }

    fn add_predecessor(&mut self, left: &Predecessor) {
        let mut part =
            format!("## {}: {} (`{}`, {})\n\n", left.epic, left.title, left.room, left.state);
        match &left.summary {
            Some(summary) => part.push_str(summary),
            None => part.push_str("It left no summary."),
        }
        if !left.artifacts.is_empty() {
            let _ = write!(part, "\n\nArtifacts, in `{}`:\n", left.artifacts_dir);
            for found in &left.artifacts {
                let _ = write!(part, "\n- `{}`, {}", found.path, size(found.bytes));
            }
            if left.more_artifacts {
                part.push_str("\n- and more");
            }
        }
        part.push_str("\n\n");
        self.left_out += usize::from(!self.add(&part));
    }

    fn add_entry(&mut self, entry: &Entry) {
        let part = format!(
            "- {}: {} (`{}`, {}{})\n\n",
            entry.kind.as_str(),
            shortened(&entry.summary, MAX_ENTRY_CHARS),
            entry.id,
            entry.author_role,
            if entry.detail.is_some() { ", has detail" } else { "" }
        );
        if self.entries < MAX_ENTRIES && self.add(&part) {
            self.entries += 1;
        } else {
            self.left_out += 1;
        }
    }

    fn finish(mut self) -> String {
        if self.left_out > 0 {
            let _ = write!(self.text, "{} more did not fit; search for them.", self.left_out);
        }
        self.text.truncate(self.text.trim_end().len());
        self.text
    }
}

/// Room for the last line.
const NOTE_BYTES: usize = 64;

fn size(bytes: u64) -> String {
    if bytes < 1024 { format!("{bytes} bytes") } else { format!("{} KiB", bytes.div_ceil(1024)) }
}
