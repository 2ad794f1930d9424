//! A project with a ledger, and an encoder that knows a few ideas.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ostwin_core::config::MemorySettings;
use ostwin_core::ids::{MemoryId, RoomId};
use ostwin_core::layout::Layout;
use ostwin_core::ledger::{Draft, Entry, Kind, Ledger};
use ostwin_core::project::Project;
use ostwin_core::store::{Durability, Store};
use ostwin_core::time::{Clock, Timestamp};
use ostwin_memory::embedder::{Embed, EmbedError, Model};
use ostwin_memory::{Answer, Catalogue, Filter, Mode, Question};
use tempfile::TempDir;

const HOUR: i64 = 3_600_000;

/// The hour at which the tests take place.
pub(crate) const NOW: i64 = 1_000_000;

/// A clock that stands still.
#[derive(Debug)]
struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(NOW * HOUR)
    }
}

/// An entry to publish.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    pub(crate) kind: Kind,
    pub(crate) summary: String,
    pub(crate) tags: Vec<String>,
    pub(crate) detail: Option<String>,
    pub(crate) reference: Option<String>,
    pub(crate) room: u32,
    pub(crate) supersedes: Option<MemoryId>,
}

impl Said {
    pub(crate) fn new(kind: Kind, summary: &str) -> Self {
        let summary = summary.to_owned();
        let (tags, detail, reference) = (Vec::new(), None, None);
        Self { kind, summary, tags, detail, reference, room: 1, supersedes: None }
    }
}

/// A project with nothing in it but the shared memory.
pub(crate) struct World {
    pub(crate) dir: TempDir,
    pub(crate) project: Project,
}

impl World {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::new(dir.path());
        std::fs::create_dir_all(layout.agents()).unwrap();
        let store =
            Store { durability: Durability::Os, clock: Arc::new(Stopped), ..Store::default() };
        Self { dir, project: Project::new(layout, store) }
    }

    pub(crate) fn layout(&self) -> &Layout {
        self.project.layout()
    }

    pub(crate) fn ledger(&self) -> Ledger {
        Ledger::new(self.layout().ledger())
    }

    pub(crate) fn say(&self, said: Said) -> Entry {
        let draft = Draft {
            kind: said.kind,
            room_id: Some(RoomId::numbered(said.room)),
            plan_id: None,
            author_role: "architect".parse().unwrap(),
            reference: said.reference,
            tags: said.tags,
            summary: said.summary,
            detail: said.detail,
            supersedes: said.supersedes,
            key: None,
        };
        self.ledger().publish(self.project.store(), draft).unwrap()
    }

    pub(crate) fn decide(&self, summary: &str) -> Entry {
        self.say(Said::new(Kind::Decision, summary))
    }

    /// Puts an entry of this age into the ledger.
    pub(crate) fn said_hours_ago(&self, hours: i64, kind: Kind, summary: &str) {
        let ts = Timestamp::from_millis((NOW - hours) * HOUR);
        let mut entry = self.say(Said::new(kind, summary));
        entry.ts = ts;
        let bytes = std::fs::read_to_string(self.layout().ledger()).unwrap();
        let kept: String = bytes
            .lines()
            .rev()
            .skip(1)
            .map(|line| format!("{line}\n"))
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
            .collect();
        self.write(&format!("{kept}{}\n", serde_json::to_string(&entry).unwrap()));
    }

    /// Replaces the ledger.
    pub(crate) fn write(&self, text: &str) {
        ostwin_core::fs::replace_hint(&self.layout().ledger(), text.as_bytes()).unwrap();
    }

    pub(crate) fn catalogue(&self) -> Catalogue {
        Catalogue::with_encoder(&self.project, &MemorySettings::default(), Box::new(NoEncoder))
    }

    pub(crate) fn with_ideas(&self) -> (Catalogue, Arc<AtomicUsize>) {
        let asked = Arc::new(AtomicUsize::new(0));
        let encoder = Ideas { model: ideas_model("ideas-1"), asked: asked.clone() };
        let settings = MemorySettings::default();
        (Catalogue::with_encoder(&self.project, &settings, Box::new(encoder)), asked)
    }
}

pub(crate) fn question(text: &str, mode: Mode) -> Question {
    Question { text: text.to_owned(), mode, limit: 10, explain: true, filter: Filter::default() }
}

/// The summaries that answer, best first.
pub(crate) fn found(answer: &Answer) -> Vec<&str> {
    answer.hits.iter().map(|hit| hit.entry.summary.as_str()).collect()
}

/// What the words of `text` find, best first.
pub(crate) fn lexical(catalogue: &mut Catalogue, text: &str) -> Vec<String> {
    let answer = catalogue.search(&question(text, Mode::Lexical)).unwrap();
    found(&answer).into_iter().map(str::to_owned).collect()
}

/// An encoder that is not there.
struct NoEncoder;

impl Embed for NoEncoder {
    fn model(&self) -> &Model {
        unreachable!("it is not asked for what it cannot do")
    }

    fn embed(&mut self, _: &[&str]) -> Result<Vec<Vec<f32>>, EmbedError> {
        Err(EmbedError::Unavailable { reason: "no encoder here".into() })
    }
}

/// Words for the same idea, one idea a dimension.
const IDEAS: [&[&str]; 4] = [
    &["login", "sign-in", "authentication"],
    &["money", "price", "payment"],
    &["fast", "quick", "speed"],
    &["database", "tables", "storage"],
];

pub(crate) fn ideas_model(name: &str) -> Model {
    Model { name: name.to_owned(), dimensions: IDEAS.len() + 1 }
}

/// An encoder to which a text is the ideas in it; of one without any, nothing else is near.
pub(crate) struct Ideas {
    pub(crate) model: Model,
    /// Texts that it was given.
    pub(crate) asked: Arc<AtomicUsize>,
}

impl Embed for Ideas {
    fn model(&self) -> &Model {
        &self.model
    }

    fn embed(&mut self, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedError> {
        self.asked.fetch_add(texts.len(), Ordering::SeqCst);
        let vector = |text: &&str| {
            let text = text.to_lowercase();
            let holds = |words: &[&str]| words.iter().any(|word| text.contains(word));
            let mut parts: Vec<f32> =
                IDEAS.iter().map(|words| f32::from(u8::from(holds(words)))).collect();
            let nothing = parts.iter().all(|part| *part == 0.0);
            parts.push(f32::from(u8::from(nothing)));
            let length = parts.iter().map(|part| part * part).sum::<f32>().sqrt();
            parts.iter().map(|part| part / length).collect()
        };
        Ok(texts.iter().map(vector).collect())
    }
}
