//! The catalogue of the shared memory: what every process of a project asks when it wants to know
//! what others left.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use ostwin_core::config::{EmbeddingSettings, HalfLives, MemorySettings};
use ostwin_core::ids::RoomId;
use ostwin_core::jsonl;
use ostwin_core::ledger::Entry;
use ostwin_core::project::Project;
use ostwin_core::time::{Clock, Timestamp};

use crate::embedder::{self, Embed, EmbedError};
use crate::error::MemoryError;
use crate::filter::Filter;
use crate::index::{Index, Place, Scored, Term, Terms};
use crate::meaning::{Meaning, Near, NoMeaning};
use crate::search::{
    Answer, DEPTH, Explain, Hit, Mode, Question, Ranked, TermScore, Worded, aged, best_first, fuse,
};
use crate::shelf::Shelf;
use crate::tokens::question_tokens;

/// Who turns texts into vectors.
enum Encoder {
    /// Whoever the settings of the project at `root` name, connected when it is first needed.
    Named { settings: EmbeddingSettings, root: PathBuf, connected: Option<Box<dyn Embed>> },
    /// This one.
    Given(Box<dyn Embed>),
}

impl Encoder {
    /// The encoder, looked for again each time it was not there: it may be installed meanwhile.
    fn get(&mut self) -> Result<&mut dyn Embed, EmbedError> {
        match self {
            Self::Given(encoder) => Ok(encoder.as_mut()),
            Self::Named { connected: Some(encoder), .. } => Ok(encoder.as_mut()),
            Self::Named { settings, root, connected } => {
                Ok(connected.insert(embedder::connect(settings, root)?).as_mut())
            }
        }
    }
}

/// The entries of a ledger, by what is in them. Opens nothing before it is first asked.
pub struct Catalogue {
    shelf: Shelf,
    meaning: Meaning,
    encoder: Encoder,
    lives: HalfLives,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for Catalogue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Catalogue").field("shelf", &self.shelf).finish_non_exhaustive()
    }
}

impl Catalogue {
    /// The catalogue of a project, with the encoder that the settings name.
    pub fn new(project: &Project, settings: &MemorySettings) -> Self {
        let encoder = Encoder::Named {
            settings: settings.embedding.clone(),
            root: project.layout().root().to_owned(),
            connected: None,
        };
        Self::with(project, settings, encoder)
    }

    /// The catalogue of a project, with this encoder.
    pub fn with_encoder(
        project: &Project,
        settings: &MemorySettings,
        encoder: Box<dyn Embed>,
    ) -> Self {
        Self::with(project, settings, Encoder::Given(encoder))
    }

    fn with(project: &Project, settings: &MemorySettings, encoder: Encoder) -> Self {
        Self {
            shelf: Shelf::new(project),
            meaning: Meaning::new(project.layout()),
            encoder,
            lives: settings.half_life_hours.clone(),
            clock: project.store().clock.clone(),
        }
    }

    /// The entries that answer a question, best first.
    ///
    /// Without an encoder a [`Mode::Hybrid`] question is answered by words, and the answer says so.
    ///
    /// # Errors
    /// The ledger cannot be read, another process works on the index for too long, or only the
    /// meaning was to be compared and cannot be.
    pub fn search(&mut self, question: &Question) -> Result<Answer, MemoryError> {
        let (mode, near, mut note) = self.near(question)?;
        let (lives, now) = (self.lives.clone(), self.clock.now());
        let hits = self.hits(|index| {
            let tokens = question_tokens(&question.text);
            let terms =
                if mode == Mode::Semantic { Terms::default() } else { index.terms(tokens)? };
            let mut ranked = match mode {
                Mode::Lexical => by_words(index, question, &terms.known, &lives, now)?,
                Mode::Semantic => by_meaning(&near, question.limit, &lives, now),
                Mode::Hybrid => {
                    let lexical = worded(index, &terms, &question.filter)?;
                    fuse(lexical, near.places.clone(), question.limit, &lives, now)
                }
            };
            if question.explain {
                explain_terms(index, &terms.known, &mut ranked)?;
            }
            Ok(ranked)
        })?;
        if self.shelf.is_behind() {
            let words = "another process is still indexing: the newest memories may be missing";
            note = Some(note.map_or(words.to_owned(), |note| format!("{note}; {words}")));
        }
        let hits = hits.into_iter().map(|(entry, ranked)| Hit {
            entry,
            score: ranked.score,
            explain: question.explain.then_some(ranked.explain),
        });
        Ok(Answer {
            hits: hits.collect(),
            mode_used: mode,
            note,
            not_yet_embedded: near.unembedded,
            skipped_lines: self.skipped_lines()?,
        })
    }

    /// The `limit` entries that `filter` takes and that are worth most at their age, best first.
    /// For when there is nothing to search by.
    ///
    /// # Errors
    /// The ledger cannot be read, or another process works on the index for too long.
    pub fn freshest(&mut self, filter: &Filter, limit: usize) -> Result<Vec<Entry>, MemoryError> {
        let (lives, now) = (self.lives.clone(), self.clock.now());
        let hits = self.hits(|index| {
            let newest = index.newest_of_each_kind(filter, limit)?;
            let mut ranked: Vec<Ranked> = newest
                .into_iter()
                .map(|place| {
                    let explain = aged(&place, &lives, now);
                    Ranked { score: explain.decay, place, explain }
                })
                .collect();
            best_first(&mut ranked, limit);
            Ok(ranked)
        })?;
        Ok(hits.into_iter().map(|(entry, _)| entry).collect())
    }

    /// The first `limit` entries that a room published by itself and that are not superseded,
    /// oldest first, and how many there are.
    ///
    /// # Errors
    /// As [`Catalogue::freshest`].
    pub fn of_room(
        &mut self,
        room: &RoomId,
        limit: usize,
    ) -> Result<(Vec<Entry>, usize), MemoryError> {
        let (lives, now) = (self.lives.clone(), self.clock.now());
        let mut all = 0;
        let hits = self.hits(|index| {
            let (places, count) = index.of_room(room, limit)?;
            all = count;
            let rank = |place: Place| {
                let explain = aged(&place, &lives, now);
                Ranked { place, score: 0.0, explain }
            };
            Ok(places.into_iter().map(rank).collect())
        })?;
        Ok((hits.into_iter().map(|(entry, _)| entry).collect(), all))
    }

    /// Lines of the ledger that cannot be read.
    ///
    /// # Errors
    /// As [`Catalogue::freshest`].
    pub fn skipped_lines(&mut self) -> Result<usize, MemoryError> {
        self.shelf.asked(|index| index.skipped())
    }

    /// What is near in meaning, by which mode that is used, and what to say about it.
    fn near(&mut self, question: &Question) -> Result<(Mode, Near, Option<String>), MemoryError> {
        if question.mode == Mode::Lexical {
            return Ok((Mode::Lexical, Near::default(), None));
        }
        let depth = question.limit.max(DEPTH);
        let found = self.encoder.get().map_err(NoMeaning::from).and_then(|encoder| {
            let (text, filter) = (&question.text, &question.filter);
            self.meaning.near(&mut self.shelf, encoder, text, filter, depth)
        });
        match found {
            Ok(near) => Ok((question.mode, near, None)),
            // Of the ledger, which the other half of the search needs too.
            Err(NoMeaning::Memory(error @ MemoryError::Ledger(_))) => Err(error),
            Err(reason) if question.mode == Mode::Semantic => {
                Err(MemoryError::NoMeaning { reason: reason.to_string() })
            }
            Err(reason) => {
                let note = format!(
                    "searched by words only, so try other words for the same thing: {reason}"
                );
                Ok((Mode::Lexical, Near::default(), Some(note)))
            }
        }
    }

    /// The entries of what `rank` finds. If the ledger is not what the index says, it is indexed
    /// anew, once.
    fn hits(
        &mut self,
        mut rank: impl FnMut(&mut Index) -> Result<Vec<Ranked>, MemoryError>,
    ) -> Result<Vec<(Entry, Ranked)>, MemoryError> {
        let mut anew = false;
        loop {
            let ranked = self.shelf.asked(&mut rank)?;
            let wanted = ranked.len();
            let mut hits = Vec::with_capacity(wanted);
            for ranked in ranked {
                let entry = jsonl::read_at::<Entry>(self.shelf.ledger(), ranked.place.start)?;
                let same = entry.filter(|entry| entry.id.as_str() == ranked.place.id);
                hits.extend(same.map(|entry| (entry, ranked)));
            }
            if hits.len() == wanted || anew {
                return Ok(hits);
            }
            self.shelf.read_anew()?;
            anew = true;
        }
    }
}

fn by_words(
    index: &Index,
    question: &Question,
    terms: &[Term],
    lives: &HalfLives,
    now: Timestamp,
) -> Result<Vec<Ranked>, MemoryError> {
    let weigh = |bm25, kind, ts| bm25 * crate::decay::worth(lives, kind, now.since(ts));
    let scored = index.lexical(terms, &question.filter, question.limit, weigh)?;
    let mut ranked = Vec::with_capacity(scored.len());
    for (rank, scored) in (1..).zip(scored) {
        let Some(place) = index.place(scored.number)? else { continue };
        let explain = Explain {
            lexical: Some(scored.bm25),
            lexical_rank: Some(rank),
            ..aged(&place, lives, now)
        };
        ranked.push(Ranked { place, score: scored.weight, explain });
    }
    Ok(ranked)
}

/// The entries with the best matching words, for fusing.
fn worded(index: &Index, terms: &Terms, filter: &Filter) -> Result<Vec<Worded>, MemoryError> {
    let scored = index.lexical(&terms.known, filter, DEPTH, |bm25, _, _| bm25)?;
    let shares = index.shares(terms, scored.iter().map(|scored| scored.number))?;
    let mut worded = Vec::with_capacity(scored.len());
    for Scored { number, bm25, .. } in scored {
        let share = shares.get(&number).copied().unwrap_or_default();
        worded.extend(index.place(number)?.map(|place| Worded { place, bm25, share }));
    }
    Ok(worded)
}

fn by_meaning(near: &Near, limit: usize, lives: &HalfLives, now: Timestamp) -> Vec<Ranked> {
    let ranked = (1..).zip(near.places.iter().cloned()).map(|(rank, (place, cosine))| {
        let explain =
            Explain { cosine: Some(cosine), cosine_rank: Some(rank), ..aged(&place, lives, now) };
        Ranked { score: cosine * explain.decay, place, explain }
    });
    let mut ranked: Vec<Ranked> = ranked.collect();
    best_first(&mut ranked, limit);
    ranked
}

fn explain_terms(index: &Index, terms: &[Term], ranked: &mut [Ranked]) -> Result<(), MemoryError> {
    for Ranked { place, explain, .. } in ranked {
        for term in terms {
            let score = index.term_score(term, place.number)?;
            let found = score.map(|score| TermScore { term: term.as_str().to_owned(), score });
            explain.terms.extend(found);
        }
    }
    Ok(())
}
