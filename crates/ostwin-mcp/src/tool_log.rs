//! `tools.jsonl`: every call that an attempt's session made to one of our servers.
//!
//! Several servers of one session append to the same file, each line with one write and without a
//! lock: the file is a record for people, and no decision is taken from it. Long values are kept
//! as their length and hash, so that a log can be read and still proves what was sent. Secrets are
//! replaced like everywhere else.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use ostwin_core::fs::{self, FsError};
use ostwin_core::json::Version;
use ostwin_core::redact::Redactor;
use ostwin_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::error::{Code, ToolError};

/// Longest text that is logged as it is, in bytes.
const MAX_LOGGED_BYTES: usize = 200;
/// Longest list that is logged item by item.
const MAX_LOGGED_ITEMS: usize = 32;

/// One line of the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Format version.
    pub v: Version<1>,
    /// When the call came in.
    pub ts: Timestamp,
    /// The server.
    pub server: String,
    /// The tool.
    pub tool: String,
    /// The arguments, long values as length and hash.
    pub arguments: Value,
    /// `ok`, or the code of the failure.
    pub outcome: String,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// How long it took.
    pub duration_ms: u64,
}

impl Line {
    /// The line of a call.
    pub fn new(
        ts: Timestamp,
        server: &str,
        tool: &str,
        arguments: Value,
        outcome: Result<(), &ToolError>,
        took: Duration,
    ) -> Self {
        Self {
            v: Version::default(),
            ts,
            server: server.to_owned(),
            tool: tool.to_owned(),
            arguments,
            outcome: outcome.err().map_or("ok", |error| Code::as_str(error.code)).to_owned(),
            error: outcome.err().map(|error| error.message.clone()),
            duration_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

/// Where calls are logged; nowhere for a session that is no attempt.
#[derive(Debug, Default)]
pub struct ToolLog {
    path: Option<PathBuf>,
    redactor: Redactor,
    file: OnceLock<Option<File>>,
}

impl ToolLog {
    /// A log in this file, opened at the first call, in which `redactor` replaces secrets.
    pub fn new(path: Option<PathBuf>, redactor: Redactor) -> Self {
        Self { path, redactor, file: OnceLock::new() }
    }

    /// Adds a line, without the secrets in its arguments and its error. A log that cannot be
    /// written is said once on stderr and never fails a call.
    pub fn add(&self, mut line: Line) {
        let Some(mut file) = self.file.get_or_init(|| self.open()).as_ref() else { return };
        self.redactor.in_value(&mut line.arguments);
        self.redactor.in_option(&mut line.error);
        let written =
            serde_json::to_vec(&line).map_err(std::io::Error::from).and_then(|mut bytes| {
                bytes.push(b'\n');
                file.write_all(&bytes)
            });
        if let Err(error) = written {
            tracing::warn!(tool = line.tool, %error, "a call could not be logged");
        }
    }

    fn open(&self) -> Option<File> {
        let path = self.path.as_ref()?;
        fs::open_log(path)
            .inspect_err(|error: &FsError| {
                tracing::warn!(%error, "calls are not logged");
            })
            .ok()
    }
}

/// Arguments as the log keeps them.
pub(crate) fn shortened(arguments: &Map<String, Value>) -> Value {
    Value::Object(arguments.iter().map(|(key, value)| (key.clone(), shorten(value))).collect())
}

fn shorten(value: &Value) -> Value {
    match value {
        Value::String(text) if text.len() > MAX_LOGGED_BYTES => digest(text.as_bytes()),
        Value::Array(items) if items.len() > MAX_LOGGED_ITEMS => {
            digest(value.to_string().as_bytes())
        }
        Value::Array(items) => Value::Array(items.iter().map(shorten).collect()),
        Value::Object(fields) if fields.len() > MAX_LOGGED_ITEMS => {
            digest(value.to_string().as_bytes())
        }
        Value::Object(fields) => shortened(fields),
        other => other.clone(),
    }
}

fn digest(bytes: &[u8]) -> Value {
    let hash = Sha256::digest(bytes);
    let mut hex = String::with_capacity(2 * hash.len());
    for byte in hash {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    json!({ "bytes": bytes.len(), "sha256": hex })
}

#[cfg(test)]
mod tests {
    use ostwin_core::redact::Secrets;

    use super::*;

    #[test]
    fn long_values_are_told_by_length_and_hash() {
        let arguments = json!({
            "path": "report.md",
            "content": "a".repeat(201),
            "data": { "criteria": [{ "evidence": "b".repeat(300) }], "n": 1 }
        });
        assert_eq!(
            shortened(arguments.as_object().unwrap()),
            json!({
                "path": "report.md",
                "content": {
                    "bytes": 201,
                    "sha256": "a92efd82109373e58f9a2056dee01e807e216ce6075f7051207c0a9f7d666e50"
                },
                "data": {
                    "criteria": [{
                        "evidence": {
                            "bytes": 300,
                            "sha256": "dccc1450d6fc4232955fcc5cf81105d874c4c6f8c710a71b2763d2c3238e923f"
                        }
                    }],
                    "n": 1
                }
            })
        );
    }

    #[test]
    fn two_servers_share_one_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tools.jsonl");
        let now = Timestamp::from_millis(0);
        let refused = ToolError::new(Code::Conflict, "it has sent its signal already");
        for (server, outcome) in [("warroom", Ok(())), ("memory", Err(&refused))] {
            let log = ToolLog::new(Some(path.clone()), Redactor::default());
            let took = Duration::from_millis(3);
            log.add(Line::new(now, server, "x", json!({}), outcome, took));
        }
        let (lines, scanned) = ostwin_core::jsonl::read_all::<Line>(&path).unwrap();
        assert_eq!((lines.len(), scanned.skipped), (2, 0));
        assert_eq!((lines[0].outcome.as_str(), &lines[0].error), ("ok", &None));
        assert_eq!(lines[1].outcome, "conflict");
        assert_eq!(lines[1].error.as_deref(), Some("it has sent its signal already"));
    }

    #[test]
    fn no_secret_is_logged() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tools.jsonl");
        let secrets = Secrets::of([("A_KEY", "s3cr3t-value")]);
        let redactor = Redactor::new(&secrets, &[]).unwrap();
        let refused = ToolError::invalid("s3cr3t-value", "unknown field `s3cr3t-value`");
        let arguments = json!({ "s3cr3t-value": ["Basic bWU6czNjcjN0LXZhbHVl"] });
        ToolLog::new(Some(path.clone()), redactor).add(Line::new(
            Timestamp::from_millis(0),
            "warroom",
            "x",
            arguments,
            Err(&refused),
            Duration::ZERO,
        ));
        let line = ostwin_core::jsonl::read_all::<Line>(&path).unwrap().0.remove(0);
        assert_eq!(line.error.as_deref(), Some("unknown field `[redacted:A_KEY]`"));
        let text = line.arguments.to_string();
        assert!(!text.contains("s3cr3t") && !text.contains("czNjcjN0LXZhbHVl"), "{text}");
    }

    #[test]
    fn a_session_without_attempt_logs_nothing() {
        let now = Timestamp::from_millis(0);
        ToolLog::default().add(Line::new(now, "s", "t", json!({}), Ok(()), Duration::ZERO));
    }
}
