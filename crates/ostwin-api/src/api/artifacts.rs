//! Artifacts: listed, and given as what nobody's browser runs.
//!
//! An artifact is written by an agent. Pictures, plain text and the like are shown; what can hold a
//! script is only given as a file to keep, and even then in a sandbox.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get as on_get;
use ostwin_core::artifacts::{Artifacts, Found, MAX_ARTIFACT_BYTES};
use ostwin_core::ids::{ArtifactPath, RoomId};
use ostwin_core::time::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rooms::RoomPath;
use crate::app::App;
use crate::call::Call;
use crate::http::{Nothing, Problem, Route, blocking, get, raw};

/// Artifacts in one answer, unless asked for another number.
const LISTED: usize = 500;
/// Most artifacts in one answer.
const MOST_LISTED: usize = 2_000;
/// What an artifact may do in a browser: nothing.
const SANDBOX: &str = "sandbox; default-src 'none'; img-src 'self'; style-src 'none'";

/// The routes.
pub(super) fn routes() -> Vec<Route> {
    vec![
        get("/api/rooms/{id}/artifacts", "The artifacts of a room, by path", artifacts),
        raw::<ArtifactInPath, Nothing>(
            "/api/rooms/{id}/artifacts/{*path}",
            "The content of an artifact: shown where that is safe, else to keep; ranges are given",
            "*/*",
            on_get(content),
        )
        .or(&[404, 409, 413, 416])
        .or_else(206, "*/*")
        .with_header("Range", "`bytes=0-99`: only this part."),
    ]
}

/// An artifact in a path.
#[derive(Debug, Deserialize, JsonSchema)]
struct ArtifactInPath {
    /// The room.
    id: RoomId,
    /// The artifact's path.
    path: String,
}

/// Which artifacts are wanted.
#[derive(Debug, Deserialize, JsonSchema)]
struct ArtifactsQuery {
    /// Only those whose path begins like this.
    prefix: Option<String>,
    /// Only those behind this path.
    after: Option<String>,
    /// At most so many; 500 if left out, 2000 at most.
    limit: Option<usize>,
}

/// The artifacts of a room.
#[derive(Debug, Serialize, JsonSchema)]
struct ArtifactList {
    /// By path.
    items: Vec<Artifact>,
    /// What `after` has to be for the next part; null if this is the last one.
    next_cursor: Option<String>,
    /// What lies there and is no artifact, and why.
    problems: Vec<String>,
}

/// An artifact.
#[derive(Debug, Serialize, JsonSchema)]
struct Artifact {
    /// Its path in the room's artifacts.
    path: String,
    /// Its length.
    size_bytes: u64,
    /// When its content changed last.
    modified_at: Timestamp,
    /// What it is, by its name.
    media_type: &'static str,
    /// Whether a browser may show it.
    inline: bool,
}

fn artifacts(call: &Call, path: RoomPath, query: ArtifactsQuery) -> Result<ArtifactList, Problem> {
    let (_, room) = call.room(&path.id)?;
    let limit = query.limit.unwrap_or(LISTED).clamp(1, MOST_LISTED);
    let artifacts = Artifacts::new(room.paths().artifacts());
    let prefix = query.prefix.unwrap_or_default();
    let listing = artifacts.list(&prefix, query.after.as_deref(), limit)?;
    let last = listing.found.last().map(|found| found.path.to_string());
    let shown = |Found { path, bytes, modified }| {
        let (media_type, inline) = media_type(&path);
        Artifact {
            path: path.to_string(),
            size_bytes: bytes,
            modified_at: modified,
            media_type,
            inline,
        }
    };
    let problem = |of: ostwin_core::artifacts::Unreadable| format!("`{}`: {}", of.path, of.problem);
    Ok(ArtifactList {
        items: listing.found.into_iter().map(shown).collect(),
        next_cursor: last.filter(|_| listing.more),
        problems: listing.unreadable.into_iter().map(problem).collect(),
    })
}

/// What an artifact is by its name, and whether a browser may show it.
fn media_type(path: &ArtifactPath) -> (&'static str, bool) {
    let name = path.as_str().rsplit('/').next().unwrap_or_default();
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    match ending.as_deref().unwrap_or_default() {
        "txt" | "log" | "md" | "markdown" | "csv" | "tsv" | "diff" | "patch" | "toml" | "yaml"
        | "yml" | "rs" | "py" | "ts" | "tsx" | "js" | "jsx" | "css" | "sh" | "go" | "c" | "h"
        | "cpp" | "java" | "sql" | "jsonl" | "ini" | "cfg" => ("text/plain; charset=utf-8", true),
        "json" => ("application/json", true),
        "png" => ("image/png", true),
        "jpg" | "jpeg" => ("image/jpeg", true),
        "gif" => ("image/gif", true),
        "webp" => ("image/webp", true),
        _ => ("application/octet-stream", false),
    }
}

/// Which bytes of a file of `total` are asked for: from the first to the one behind the last.
fn range(headers: &HeaderMap, total: u64) -> Option<Result<(u64, u64), Problem>> {
    let text = headers.get(header::RANGE)?.to_str().ok()?;
    let (first, last) = text.strip_prefix("bytes=")?.split_once('-')?;
    let wanted = match (first.trim().parse::<u64>(), last.trim().parse::<u64>()) {
        (Ok(first), Ok(last)) if first <= last => (first, last.saturating_add(1).min(total)),
        (Ok(first), Err(_)) if last.trim().is_empty() => (first, total),
        (Err(_), Ok(count)) if first.trim().is_empty() => (total.saturating_sub(count), total),
        // Several ranges, or none that can be read: the whole is given.
        _ => return None,
    };
    Some(if wanted.0 < wanted.1 {
        Ok(wanted)
    } else {
        let text = format!("the artifact has {total} bytes");
        Err(Problem::new(StatusCode::RANGE_NOT_SATISFIABLE, text))
    })
}

async fn content(
    State(app): State<Arc<App>>,
    path: Result<Path<ArtifactInPath>, PathRejection>,
    uri: Uri,
    asked: HeaderMap,
) -> Result<Response, Problem> {
    let Path(path) = path.map_err(|error| Problem::bad_request(error.body_text()))?;
    let call = Call { project: app.named(&uri)?.map(Arc::clone), app };
    blocking(move || given(&call, &path, &asked)).await
}

fn given(call: &Call, path: &ArtifactInPath, asked: &HeaderMap) -> Result<Response, Problem> {
    let (_, room) = call.room(&path.id)?;
    let artifacts = Artifacts::new(room.paths().artifacts());
    let artifact = ArtifactPath::new(&path.path)?;
    let total = artifacts.read(&artifact, 0, 0)?.total;
    let wanted = range(asked, total).transpose()?;
    let (first, end) = wanted.unwrap_or((0, total));
    let length = usize::try_from(end - first).unwrap_or(usize::MAX);
    if length > MAX_ARTIFACT_BYTES {
        let text = format!(
            "at most {MAX_ARTIFACT_BYTES} bytes are given at once: ask for a part with `Range`"
        );
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, text));
    }
    let part = artifacts.read(&artifact, first, length)?;
    let (media_type, inline) = media_type(&artifact);
    let mut answer = part.bytes.into_response();
    let headers = answer.headers_mut();
    let mut put = |name, value: String| {
        if let Ok(value) = value.parse() {
            headers.insert(name, value);
        }
    };
    put(header::CONTENT_TYPE, media_type.to_owned());
    put(header::CONTENT_SECURITY_POLICY, SANDBOX.to_owned());
    put(header::CACHE_CONTROL, "private, no-cache".to_owned());
    put(header::ACCEPT_RANGES, "bytes".to_owned());
    put(header::CONTENT_DISPOSITION, disposition(&artifact, inline));
    if wanted.is_some() {
        put(header::CONTENT_RANGE, format!("bytes {first}-{}/{total}", end.saturating_sub(1)));
        *answer.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    Ok(answer)
}

/// What a file's name holds unquoted in a header.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'.').remove(b'-').remove(b'_');

fn disposition(path: &ArtifactPath, inline: bool) -> String {
    let name = path.as_str().rsplit('/').next().unwrap_or_default();
    let how = if inline { "inline" } else { "attachment" };
    format!("{how}; filename*=UTF-8''{}", utf8_percent_encode(name, PLAIN))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_hold_a_script_is_never_shown() {
        let inline = |path: &str| media_type(&ArtifactPath::new(path).unwrap()).1;
        for path in
            ["a.html", "a.HTM", "a.svg", "a.xml", "a.xhtml", "a.pdf", "a", "a.png.html", "d.md/x"]
        {
            assert!(!inline(path), "{path}");
        }
        for path in ["a.md", "deep/er/a.PNG", "report.txt", "a.html.txt"] {
            assert!(inline(path), "{path}");
        }
    }

    #[test]
    fn a_range_is_understood_or_left_out() {
        let range = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::RANGE, text.parse().unwrap());
            super::range(&headers, 10)
                .map(|range| range.map_err(|problem| problem.status().as_u16()))
        };
        assert_eq!(range("bytes=0-3"), Some(Ok((0, 4))));
        assert_eq!(range("bytes=4-"), Some(Ok((4, 10))));
        assert_eq!(range("bytes=-3"), Some(Ok((7, 10))));
        assert_eq!(range("bytes=4-99"), Some(Ok((4, 10))));
        assert_eq!(range("bytes=10-"), Some(Err(416)));
        assert_eq!(range("bytes=-0"), Some(Err(416)));
        for whole in ["bytes=3-1", "bytes=0-1,4-5", "lines=0-1", "bytes=a-b"] {
            assert_eq!(range(whole), None, "{whole}");
        }
    }

    #[test]
    fn a_name_cannot_leave_its_header() {
        let path = ArtifactPath::new("d/a\" b;é.txt").unwrap();
        assert_eq!(disposition(&path, true), "inline; filename*=UTF-8''a%22%20b%3B%C3%A9.txt");
    }
}
