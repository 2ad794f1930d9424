//! The semantic half of a search: whose vector points where the question's does.
//!
//! Publishing makes no vectors. Whoever searches first makes the ones that are missing, the newest
//! first and so many at a time, so that no search takes long; one process does it and the others
//! go on with what is there.

use std::path::Path;
use std::time::{Duration, Instant};

use ostwin_core::jsonl;
use ostwin_core::layout::Layout;
use ostwin_core::ledger::Entry;
use ostwin_core::lock::{self, LockError};

use crate::embedder::{Embed, EmbedError, Model};
use crate::error::MemoryError;
use crate::filter::Filter;
use crate::index::{Index, Noted, Place, Unembedded};
use crate::shelf::Shelf;
use crate::vectors::{Header, Quantized, Vectors};

/// Below this cosine two texts have nothing to do with each other.
pub const MIN_COSINE: f32 = 0.25;

/// Most vectors that one search makes.
pub const MAX_EMBEDDED_AT_ONCE: usize = 256;

/// How long one search goes on making vectors: on a slow machine it makes fewer.
const MAX_EMBEDDING_TIME: Duration = Duration::from_secs(2);

/// Vectors that are made before they are written: what a kill costs.
const CHUNK: usize = 32;

/// Most characters of an entry that are given to the encoder, which looks at the first 128 tokens.
const MAX_TEXT_CHARS: usize = 700;

/// Records of entries that are gone and are tolerated beside as many as there are entries.
const TOLERATED_RECORDS: u64 = 1_000;

/// Why meanings were not compared.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoMeaning {
    #[error(transparent)]
    Embed(#[from] EmbedError),
    #[error("the encoder gave no usable vector")]
    Vector,
    #[error(transparent)]
    Memory(#[from] MemoryError),
}

/// The entries whose meaning is near.
#[derive(Debug, Default)]
pub(crate) struct Near {
    /// The entries with their cosines, best first.
    pub(crate) places: Vec<(Place, f64)>,
    /// Entries that have no vector yet.
    pub(crate) unembedded: usize,
}

/// The vectors of a ledger's entries, and whoever makes them.
pub(crate) struct Meaning {
    layout: Layout,
    vectors: Option<Vectors>,
}

impl std::fmt::Debug for Meaning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Meaning").field("vectors", &self.vectors).finish_non_exhaustive()
    }
}

impl Meaning {
    pub(crate) fn new(layout: &Layout) -> Self {
        Self { layout: layout.clone(), vectors: None }
    }

    /// The `limit` entries nearest to `text` that `filter` takes, after making missing vectors.
    pub(crate) fn near(
        &mut self,
        shelf: &mut Shelf,
        encoder: &mut dyn Embed,
        text: &str,
        filter: &Filter,
        limit: usize,
    ) -> Result<Near, NoMeaning> {
        let question = encoder.embed(&[text])?.pop().ok_or(NoMeaning::Vector)?;
        let model = encoder.model().clone();
        let question = usable(&model, &question).ok_or(NoMeaning::Vector)?;
        // The index decides first whether there is a disk to write to.
        shelf.asked(|_| Ok(()))?;
        let path = self.layout.memory_vectors(&model.name);
        let vectors = match self.vectors.take() {
            Some(known) if *known.model() == model && known.is_on_disk() == shelf.is_on_disk() => {
                known
            }
            _ if shelf.is_on_disk() => Vectors::on_disk(path, model),
            _ => Vectors::in_memory(model),
        };
        let vectors = self.vectors.insert(vectors);
        shelf.asked(|index| register(index, vectors))?;
        embed_missing(shelf, vectors, encoder, &self.layout.memory_embedding_lock())?;
        let places = match scan(shelf, vectors, &question, filter, limit)? {
            Some(places) => places,
            None => {
                // Something else wrote to the file: later searches make the vectors again.
                shelf.asked(|index| {
                    index.exclusively(|index| {
                        let header = vectors.start_again()?;
                        index.note(&noted(vectors, &header), [])
                    })
                })?;
                Vec::new()
            }
        };
        Ok(Near { places, unembedded: shelf.asked(|index| index.count_unembedded())? })
    }
}

/// The nearest entries; none if the file is damaged.
fn scan(
    shelf: &mut Shelf,
    vectors: &Vectors,
    question: &Quantized,
    filter: &Filter,
    limit: usize,
) -> Result<Option<Vec<(Place, f64)>>, MemoryError> {
    let mut near: Vec<(String, f32)> = Vec::new();
    let sound = vectors.scan(0, |record| {
        let cosine = record.cosine(question);
        if cosine >= MIN_COSINE {
            near.extend(record.id().map(|id| (id, cosine)));
        }
    })?;
    if !sound {
        return Ok(None);
    }
    // Ids sort by time: of equals the newer is first.
    near.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then_with(|| b.0.cmp(&a.0)));
    let best = || near.iter().map(|(id, cosine)| (id.as_str(), f64::from(*cosine)));
    let mut places = shelf.asked(|index| index.taken(best(), filter, limit))?;
    // Ids of the same millisecond sort by chance; their numbers tell which came later.
    places.sort_by(|a, b| b.1.total_cmp(&a.1).then(b.0.number.cmp(&a.0.number)));
    Ok(Some(places))
}

/// Lets the index know which entries have vectors, if that changed.
fn register(index: &mut Index, vectors: &mut Vectors) -> Result<(), MemoryError> {
    let known = index.noted()?;
    if vectors.header()?.is_some_and(|header| noted(vectors, &header) == known) {
        return Ok(());
    }
    index.exclusively(|index| settle(index, vectors).map(|_| ()))
}

/// Brings index and file of vectors together; the file is made anew if it is not usable. To be
/// called exclusively.
fn settle(index: &mut Index, vectors: &mut Vectors) -> Result<Header, MemoryError> {
    let mut header = match vectors.header()? {
        Some(header) => header,
        None => vectors.start_again()?,
    };
    let known = index.noted()?;
    let same_file = known.generation == header.generation;
    if same_file && known.records == header.records {
        return Ok(header);
    }
    let lost = same_file && known.records > header.records;
    let first = if same_file { known.records } else { 0 };
    let mut ids = Vec::new();
    let sound = !lost && vectors.scan(first, |record| ids.extend(record.id()))?;
    if !sound {
        ids.clear();
        header = vectors.start_again()?;
    } else if header.records > 2 * index.count()? as u64 + TOLERATED_RECORDS {
        header = vectors.retain(|id| index.is_searched(id))?;
        ids.clear();
        vectors.scan(0, |record| ids.extend(record.id()))?;
    }
    index.note(&noted(vectors, &header), ids)?;
    Ok(header)
}

fn noted(vectors: &Vectors, header: &Header) -> Noted {
    Noted {
        model: vectors.model().name.clone(),
        generation: header.generation.clone(),
        records: header.records,
    }
}

/// Makes vectors of the newest entries that have none, unless another process is at it.
fn embed_missing(
    shelf: &mut Shelf,
    vectors: &mut Vectors,
    encoder: &mut dyn Embed,
    lock: &Path,
) -> Result<(), NoMeaning> {
    if shelf.asked(|index| index.count_unembedded())? == 0 {
        return Ok(());
    }
    if !shelf.is_on_disk() {
        return embed_chunks(shelf, vectors, encoder);
    }
    match lock::exclusive(lock, Duration::ZERO, || embed_chunks(shelf, vectors, encoder)) {
        Err(LockError::Busy { .. }) => Ok(()),
        Err(error) => Err(MemoryError::from(error).into()),
        Ok(outcome) => outcome,
    }
}

fn embed_chunks(
    shelf: &mut Shelf,
    vectors: &mut Vectors,
    encoder: &mut dyn Embed,
) -> Result<(), NoMeaning> {
    let started = Instant::now();
    let missing = shelf.asked(|index| index.unembedded(MAX_EMBEDDED_AT_ONCE))?;
    for chunk in missing.chunks(CHUNK) {
        if started.elapsed() > MAX_EMBEDDING_TIME {
            break;
        }
        let mut ids = Vec::with_capacity(chunk.len());
        let mut texts = Vec::with_capacity(chunk.len());
        for Unembedded { id, start } in chunk {
            let entry = jsonl::read_at::<Entry>(shelf.ledger(), *start)
                .map_err(MemoryError::from)?
                .filter(|entry| entry.id.as_str() == id);
            if let Some(entry) = entry {
                ids.push(id.clone());
                texts.push(text_of(&entry));
            }
        }
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let made = if texts.is_empty() { Vec::new() } else { encoder.embed(&texts)? };
        if made.len() != ids.len() {
            return Err(NoMeaning::Vector);
        }
        let records: Vec<(String, Quantized)> = ids
            .into_iter()
            .zip(made)
            .map(|(id, vector)| {
                let model = vectors.model();
                // Without a direction it is near to nothing, and is not asked for again.
                let vector = usable(model, &vector).unwrap_or_else(|| Quantized::none(model));
                (id, vector)
            })
            .collect();
        shelf.asked(|index| index.exclusively(|index| add(index, vectors, &records)))?;
    }
    Ok(())
}

/// Writes the vectors and lets the index know. To be called exclusively.
fn add(
    index: &mut Index,
    vectors: &mut Vectors,
    records: &[(String, Quantized)],
) -> Result<(), MemoryError> {
    let header = settle(index, vectors)?;
    vectors.append(&header, records)?;
    let header = Header { records: header.records + records.len() as u64, ..header };
    index.note(&noted(vectors, &header), records.iter().map(|(id, _)| id.clone()))
}

fn usable(model: &Model, vector: &[f32]) -> Option<Quantized> {
    (vector.len() == model.dimensions).then(|| Quantized::of(vector)).flatten()
}

/// What an entry says, as the encoder reads it: what matters most comes first, because it looks at
/// the start only.
fn text_of(entry: &Entry) -> String {
    let mut text = entry.summary.trim().to_owned();
    for more in [Some(entry.tags.join(", ")), entry.detail.clone()].into_iter().flatten() {
        if !more.is_empty() {
            text.push('\n');
            text.push_str(more.trim());
        }
    }
    if let Some((end, _)) = text.char_indices().nth(MAX_TEXT_CHARS) {
        text.truncate(end);
    }
    text
}
