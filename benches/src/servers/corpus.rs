//! Ledgers and channels of any size, the same on every machine.

use std::fmt::Write as _;

use anyhow::{Context, Result};
use ostwin_core::channel::{Channel, DEFAULT_MAX_MESSAGE_BYTES, Draft};
use ostwin_core::ids::{MemoryId, RoomId};
use ostwin_core::ledger::{Entry, Kind};
use ostwin_core::store::{Durability, Store};
use ostwin_core::time::Timestamp;

/// Different words of the corpus.
const WORDS: usize = 20_000;
const WORDS_PER_ENTRY: usize = 28;

/// Numbers that look random and are always the same: the generator of Marsaglia, "Xorshift RNGs"
/// (2003), with shifts 13, 7, 17.
pub(crate) struct Numbers(u64);

impl Numbers {
    pub(crate) fn new() -> Self {
        Self(0x9e37_79b9_7f4a_7c15)
    }

    /// A number below `limit`.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).unwrap_or(0)
    }

    /// A number from 0 up to 1.
    pub(crate) fn share(&mut self) -> f64 {
        self.below(1 << 20) as f64 / f64::from(1 << 20)
    }

    /// The rank of a word: the share of rank `r` falls like `1 / r`, as in real texts (Zipf).
    fn rank(&mut self) -> usize {
        let part = self.share();
        // Truncation is the point: every rank gets its stretch of the curve.
        ((WORDS as f64).powf(part) as usize).min(WORDS - 1)
    }

    /// A text of so many words.
    pub(crate) fn text(&mut self, words: usize) -> String {
        let mut text = String::new();
        for _ in 0..words {
            let rank = self.rank();
            let _ =
                write!(text, "{}{} ", word(rank), if rank.is_multiple_of(97) { "," } else { "" });
        }
        text
    }

    /// Three words that a person would search by: neither the commonest nor the rarest.
    pub(crate) fn question(&mut self) -> String {
        let words: Vec<String> = (0..3).map(|_| word(50 + self.below(2_000))).collect();
        words.join(" ")
    }
}

/// A pronounceable word for each rank, all different.
fn word(rank: usize) -> String {
    const CONSONANTS: &[u8] = b"bdfgklmnprstvz";
    const VOWELS: &[u8] = b"aeiou";
    let mut rest = rank;
    let mut word = String::new();
    for _ in 0..4 {
        word.push(char::from(CONSONANTS[rest % CONSONANTS.len()]));
        rest /= CONSONANTS.len();
        word.push(char::from(VOWELS[rest % VOWELS.len()]));
        rest /= VOWELS.len();
    }
    word
}

/// The lines of a ledger of so many entries, by twenty rooms.
pub(crate) fn ledger(entries: usize) -> Result<Vec<u8>> {
    let mut numbers = Numbers::new();
    let mut bytes = Vec::with_capacity(entries * 480);
    let now = Store::default().now().as_millis();
    for number in 1..=entries {
        let seq = u64::try_from(number)?;
        // One entry an hour back in time, the newest last.
        let ts = Timestamp::from_millis(now - i64::try_from(entries - number)? * 60_000);
        let entry = Entry {
            v: Default::default(),
            id: MemoryId::generate(ts, u128::from(seq)),
            seq,
            ts,
            kind: Kind::ALL[numbers.below(Kind::ALL.len())],
            room_id: Some(RoomId::numbered(2 + u32::try_from(number % 20)?)),
            plan_id: None,
            author_role: "engineer".parse()?,
            reference: Some(format!("EPIC-{:03}", number % 200)),
            tags: vec![word(numbers.rank()), word(numbers.rank())],
            summary: numbers.text(WORDS_PER_ENTRY),
            detail: None,
            supersedes: None,
            key: None,
        };
        serde_json::to_writer(&mut bytes, &entry).context("an entry becomes a line")?;
        bytes.push(b'\n');
    }
    Ok(bytes)
}

/// Appends so many messages to a channel.
pub(crate) fn messages(channel: &Channel, count: usize) -> Result<()> {
    let store = Store { durability: Durability::Os, ..Store::default() };
    let mut numbers = Numbers::new();
    for _ in 0..count {
        let draft = Draft {
            attempt: None,
            from: "engineer".parse()?,
            to: "manager".parse()?,
            kind: "note".parse()?,
            reference: None,
            body: numbers.text(40),
            data: None,
        };
        channel.post(&store, draft, &[], DEFAULT_MAX_MESSAGE_BYTES)?;
    }
    Ok(())
}
