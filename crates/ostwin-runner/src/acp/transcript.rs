//! What an agent said and did, as one JSON line each.
//!
//! Every agent's session reads the same in `transcript.jsonl`. Chunks of a
//! message are joined into lines of a readable size, long tool values are cut
//! with a note, and the whole file has a cap: after it comes one `truncated`
//! event and then only the `end`. Secrets are replaced, also where a chunk or a
//! line would have cut them in two. The file is a hint: it is appended to without
//! a lock by the one session that owns it, and never synced.

use std::io::Write;
use std::sync::Arc;

use ostwin_core::redact::Redactor;
use ostwin_core::time::{Clock, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::update::{Diff, PlanStep, TokenUsage, ToolStatus, Update, UpdateSink};

/// Version of the transcript's format.
const VERSION: u32 = 1;

/// A message is written once so much of it has gathered.
const JOIN_BYTES: usize = 8 << 10;

/// Longer tool arguments, results and file texts are cut.
const MAX_VALUE_BYTES: usize = 64 << 10;

/// What a transcript may hold by default.
pub const DEFAULT_MAX_BYTES: u64 = 32 << 20;

/// One event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// The session is open.
    Session {
        /// The agent's name and version, if it tells.
        agent: Option<String>,
        /// The agent's id of the session.
        session_id: String,
        /// It is an earlier session that was loaded again.
        resumed: bool,
    },
    /// We asked something. The first one is in `prompt.md` and only named here.
    Prompt {
        /// The number of the turn, from 1.
        turn: u32,
        /// The text of a further prompt.
        text: Option<String>,
        /// Its length.
        bytes: usize,
    },
    /// A part of the agent's message.
    Text {
        /// The text.
        text: String,
    },
    /// A part of the model's reasoning.
    Thought {
        /// The text.
        text: String,
    },
    /// A tool was called.
    ToolCall {
        /// The agent's id of the call.
        id: String,
        /// What the agent calls it.
        title: String,
        /// What sort of tool it is.
        kind: String,
        /// Its arguments.
        input: Option<Value>,
    },
    /// A tool call ended.
    ToolResult {
        /// The agent's id of the call.
        id: String,
        /// What the agent calls it.
        title: String,
        /// How it ended.
        status: ToolStatus,
        /// What it returned.
        output: Option<Value>,
        /// Changes to files.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        diffs: Vec<Diff>,
        /// Time from call to end.
        duration_ms: Option<u64>,
    },
    /// The agent's plan.
    Plan {
        /// Its steps.
        steps: Vec<PlanStep>,
    },
    /// Tokens and cost so far.
    Usage {
        /// Tokens of the turn that ended, if this is the end of one.
        tokens: Option<TokenUsage>,
        /// Tokens in the model's context.
        context_used: Option<u64>,
        /// Tokens that fit it.
        context_size: Option<u64>,
        /// Cost of the session so far, in US dollars.
        cost_usd: Option<f64>,
    },
    /// A permission was asked for and decided.
    Permission {
        /// The agent's id of the tool call.
        tool_call: String,
        /// What the agent calls it.
        title: String,
        /// The id of the answer chosen; none if the question was called off.
        choice: Option<String>,
        /// Who decided.
        decided_by: String,
    },
    /// A message of the agent or the runner about the session.
    Notice {
        /// `info`, `warning` or `error`.
        severity: String,
        /// What it says.
        text: String,
    },
    /// A turn ended.
    TurnEnd {
        /// The number of the turn, from 1.
        turn: u32,
        /// Why.
        stop_reason: String,
        /// How long it took.
        duration_ms: u64,
    },
    /// The cap is reached; nothing but the end follows.
    Truncated {
        /// The cap.
        max_bytes: u64,
    },
    /// The session ended.
    End {
        /// How, in one word.
        outcome: String,
        /// More about it.
        detail: Option<String>,
    },
}

/// One line of a transcript.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// When it was written.
    pub ts: Timestamp,
    /// What happened.
    pub event: Event,
}

/// What every line has beside its event.
#[derive(Debug, Serialize, Deserialize)]
struct Stamp {
    v: u32,
    ts: Timestamp,
}

impl Entry {
    /// Reads one line.
    ///
    /// # Errors
    ///
    /// The line is no entry of this version.
    pub fn parse(line: &str) -> Result<Self, serde_json::Error> {
        let stamp: Stamp = serde_json::from_str(line)?;
        let event = serde_json::from_str(line)?;
        Ok(Self { ts: stamp.ts, event })
    }
}

#[derive(Debug, Serialize)]
struct Line<'a> {
    v: u32,
    ts: Timestamp,
    #[serde(flatten)]
    event: &'a Event,
}

/// Writes a transcript.
#[derive(Debug)]
pub struct Writer<W: Write> {
    out: W,
    clock: Arc<dyn Clock>,
    max_bytes: u64,
    written: u64,
    truncated: bool,
    /// A message in the making: whether it is a thought, and its text so far.
    open: Option<(bool, String)>,
    redactor: Redactor,
}

impl<W: Write> Writer<W> {
    /// A transcript on `out` that takes at most about `max_bytes` and no secret that `redactor`
    /// knows.
    pub fn new(out: W, clock: Arc<dyn Clock>, max_bytes: u64, redactor: Redactor) -> Self {
        Self { out, clock, max_bytes, written: 0, truncated: false, open: None, redactor }
    }

    /// Writes an event. A transcript that can't be written is a pity and no
    /// reason to stop an agent: it is reported once and then left.
    pub fn write(&mut self, event: &Event) {
        self.flush_message();
        self.put(event);
    }

    /// Writes what has gathered of a message.
    pub fn flush_message(&mut self) {
        if let Some((thought, text)) = self.open.take() {
            self.put_message(thought, text);
        }
    }

    fn join(&mut self, thought: bool, text: &str) {
        if self.open.as_ref().is_some_and(|(open, _)| *open != thought) {
            self.flush_message();
        }
        // A chunk can be as long as a protocol line: it is taken in pieces.
        let enough = JOIN_BYTES + self.redactor.longest();
        let mut rest = text;
        while !rest.is_empty() {
            let (_, joined) = self.open.get_or_insert_with(|| (thought, String::new()));
            let room = enough.saturating_sub(joined.len());
            let (piece, after) = rest.split_at(rest.floor_char_boundary(room.max(4)));
            joined.push_str(piece);
            rest = after;
            if joined.len() + 4 > enough {
                self.flush_head();
            }
        }
    }

    /// Writes the head of a message, up to where no secret can be cut in two, and keeps the rest.
    fn flush_head(&mut self) {
        let Some((thought, text)) = &mut self.open else { return };
        let place = self.redactor.divide(text, JOIN_BYTES);
        let rest = text.split_off(place);
        let (thought, text) = (*thought, std::mem::replace(text, rest));
        self.put_message(thought, text);
        if self.open.as_ref().is_some_and(|(_, rest)| rest.is_empty()) {
            self.open = None;
        }
    }

    fn put_message(&mut self, thought: bool, text: String) {
        self.put(&if thought { Event::Thought { text } } else { Event::Text { text } });
    }

    fn put(&mut self, event: &Event) {
        if self.truncated && !matches!(event, Event::End { .. }) {
            return;
        }
        let bytes = match self.line(event) {
            Ok(bytes) => bytes,
            Err(error) => return tracing::warn!(%error, "a transcript event can't be written"),
        };
        let length = bytes.len() as u64;
        if self.written + length > self.max_bytes && !self.truncated {
            self.truncated = true;
            self.put_always(&Event::Truncated { max_bytes: self.max_bytes });
            if !matches!(event, Event::End { .. }) {
                return;
            }
        }
        self.written += length;
        self.send(&bytes);
    }

    fn put_always(&mut self, event: &Event) {
        if let Ok(bytes) = self.line(event) {
            self.send(&bytes);
        }
    }

    /// The line of an event, without secrets.
    fn line(&self, event: &Event) -> Result<Vec<u8>, serde_json::Error> {
        let line = Line { v: VERSION, ts: self.clock.now(), event };
        let mut bytes = if self.redactor.is_idle() {
            serde_json::to_vec(&line)?
        } else {
            let mut value = serde_json::to_value(&line)?;
            // Version, time and type are ours.
            for (_, field) in value.as_object_mut().into_iter().flatten().skip(3) {
                self.redactor.in_value(field);
            }
            serde_json::to_vec(&value)?
        };
        bytes.push(b'\n');
        Ok(bytes)
    }

    fn send(&mut self, bytes: &[u8]) {
        if let Err(error) = self.out.write_all(bytes).and_then(|()| self.out.flush()) {
            if !self.truncated {
                tracing::warn!(%error, "the transcript can't be written any more");
            }
            self.truncated = true;
        }
    }
}

impl<W: Write + Send> UpdateSink for Writer<W> {
    fn update(&mut self, update: Update) {
        match update {
            Update::Text(text) => self.join(false, &text),
            Update::Thought(text) => self.join(true, &text),
            Update::ToolCall { id, title, kind, input } => {
                let input = input.map(cut_value);
                self.write(&Event::ToolCall { id, title: cut_text(title), kind, input });
            }
            Update::ToolResult { id, title, status, output, diffs, duration } => {
                self.write(&Event::ToolResult {
                    id,
                    title: cut_text(title),
                    status,
                    output: output.map(cut_value),
                    diffs: diffs.into_iter().map(cut_diff).collect(),
                    duration_ms: duration
                        .map(|duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)),
                });
            }
            Update::Plan(steps) => self.write(&Event::Plan { steps }),
            Update::Context { used, size, cost_usd } => self.write(&Event::Usage {
                tokens: None,
                context_used: Some(used),
                context_size: Some(size),
                // Nought is said by who does not know the price.
                cost_usd: cost_usd.filter(|cost| *cost > 0.0),
            }),
            Update::Notice { severity, text } => {
                self.write(&Event::Notice { severity, text: cut_text(text) });
            }
        }
    }
}

fn cut_text(text: String) -> String {
    if text.len() <= MAX_VALUE_BYTES {
        return text;
    }
    let head = &text[..text.floor_char_boundary(MAX_VALUE_BYTES)];
    format!("{head}\n[cut: {} bytes in all]", text.len())
}

/// A long value keeps its head as text and tells its size.
fn cut_value(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(cut_text(text)),
        value => {
            let text = value.to_string();
            if text.len() <= MAX_VALUE_BYTES { value } else { Value::String(cut_text(text)) }
        }
    }
}

fn cut_diff(diff: Diff) -> Diff {
    Diff {
        path: diff.path,
        old_text: diff.old_text.map(cut_text),
        new_text: cut_text(diff.new_text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Noon;

    impl Clock for Noon {
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(1_769_847_330_250)
        }
    }

    fn written(max_bytes: u64, work: impl FnOnce(&mut Writer<&mut Vec<u8>>)) -> Vec<Event> {
        let mut out = Vec::new();
        let mut writer = Writer::new(&mut out, Arc::new(Noon), max_bytes, Redactor::default());
        work(&mut writer);
        writer.flush_message();
        let text = String::from_utf8(out).unwrap();
        text.lines().map(|line| Entry::parse(line).unwrap().event).collect()
    }

    fn text(text: &str) -> Event {
        Event::Text { text: text.into() }
    }

    #[test]
    fn a_line_has_version_time_and_type_first() {
        let mut out = Vec::new();
        Writer::new(&mut out, Arc::new(Noon), 1_000, Redactor::default()).write(&text("hi"));
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "{\"v\":1,\"ts\":\"2026-01-31T08:15:30.250Z\",\"type\":\"text\",\"text\":\"hi\"}\n"
        );
    }

    #[test]
    fn chunks_are_joined_until_something_else_comes() {
        let events = written(1 << 20, |writer| {
            writer.update(Update::Text("one ".into()));
            writer.update(Update::Text("message".into()));
            writer.update(Update::Thought("hm".into()));
            writer.update(Update::Text("another".into()));
            writer.write(&Event::End { outcome: "done".into(), detail: None });
        });
        assert_eq!(
            events,
            [
                text("one message"),
                Event::Thought { text: "hm".into() },
                text("another"),
                Event::End { outcome: "done".into(), detail: None },
            ]
        );
    }

    #[test]
    fn a_long_message_is_split_and_nothing_of_it_is_lost() {
        let long = "äöü-".repeat(10_000);
        let events = written(1 << 20, |writer| writer.update(Update::Text(long.clone())));
        let mut joined = String::new();
        for event in &events {
            let Event::Text { text } = event else { panic!("{event:?}") };
            assert!(text.len() <= JOIN_BYTES);
            joined.push_str(text);
        }
        assert_eq!(joined, long);
        assert_eq!(events.len(), long.len().div_ceil(JOIN_BYTES - 4));
    }

    #[test]
    fn a_secret_is_not_written_however_it_is_cut() {
        let secrets = ostwin_core::redact::Secrets::of([("A_KEY", "s3cr3t-value")]);
        let redactor = Redactor::new(&secrets, &[]).unwrap();
        let mut out = Vec::new();
        let mut writer = Writer::new(&mut out, Arc::new(Noon), 1 << 20, redactor);
        for length in JOIN_BYTES - 20..JOIN_BYTES + 20 {
            writer.update(Update::Text("x".repeat(length)));
            for part in ["s3c", "r3t-", "value"] {
                writer.update(Update::Text(part.into()));
            }
        }
        writer.update(Update::ToolCall {
            id: "1".into(),
            title: "curl -H s3cr3t-value".into(),
            kind: "execute".into(),
            input: Some(serde_json::json!({ "s3cr3t-value": ["s3cr3t-value"] })),
        });
        writer.flush_message();
        let written = String::from_utf8(out).unwrap();
        let lines: Vec<_> = written.lines().map(|line| Entry::parse(line).unwrap()).collect();
        let is_text = |entry: &&Entry| matches!(entry.event, Event::Text { .. });
        assert!(lines.iter().filter(is_text).count() > 40);
        assert!(!written.contains("s3cr3t-value"));
        assert_eq!(written.matches("[redacted:A_KEY]").count(), 40 + 3);
    }

    #[test]
    fn after_the_cap_there_is_one_note_and_the_end() {
        let events = written(400, |writer| {
            for _ in 0..50 {
                writer.write(&text("0123456789"));
            }
            writer.write(&Event::End { outcome: "timeout".into(), detail: None });
        });
        let notes = events.iter().filter(|event| matches!(event, Event::Truncated { .. })).count();
        assert_eq!(notes, 1);
        assert_eq!(
            &events[events.len() - 2..],
            [
                Event::Truncated { max_bytes: 400 },
                Event::End { outcome: "timeout".into(), detail: None }
            ]
        );
        assert!(events.len() < 10);
    }

    #[test]
    fn long_tool_values_keep_their_head_and_tell_their_size() {
        let value = Value::String("x".repeat(MAX_VALUE_BYTES + 5));
        let Value::String(cut) = cut_value(value) else { panic!("no text") };
        assert!(cut.ends_with("[cut: 65541 bytes in all]"));
        let list = Value::Array(vec![Value::from(7); MAX_VALUE_BYTES]);
        assert!(cut_value(list).to_string().len() < 2 * MAX_VALUE_BYTES);
    }
}
