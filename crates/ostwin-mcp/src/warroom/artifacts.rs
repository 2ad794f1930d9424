//! `list_artifacts`, `write_artifact`, `read_artifact`: what the work delivers.

use ostwin_core::artifacts::ArtifactError;
use ostwin_core::ids::ArtifactPath;
use ostwin_core::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::desk::Desk;
use crate::args::{Number, Text, Whole};
use crate::bounds::fit_list;
use crate::error::{Code, ToolError};
use crate::text::TextPart;
use crate::waiting::Waiting;

/// Most entries without content that one answer names.
const MAX_UNREADABLE: usize = 50;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ListArtifacts {
    /// Only paths that start with this, such as `reports/`.
    #[serde(default)]
    prefix: Option<Text<0, 512>>,
    /// At most this many in one answer; 100 if left out.
    #[serde(default)]
    limit: Option<Whole<1, 500>>,
    /// Give the SHA-256 of each too.
    #[serde(default)]
    sha256: bool,
    /// Where to go on: `next_cursor` of the answer before.
    #[serde(default)]
    cursor: Option<Text<1, 512>>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Artifact {
    /// Its path, as `read_artifact` takes it.
    path: String,
    /// Its length.
    bytes: u64,
    /// When it changed last.
    modified: Timestamp,
    /// The SHA-256 of its content, if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Unreadable {
    /// What is there.
    path: String,
    /// Why it is no artifact.
    problem: String,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Listed {
    /// The artifacts, by path.
    artifacts: Vec<Artifact>,
    /// What lies there and is no readable artifact.
    unreadable: Vec<Unreadable>,
    /// Where to go on; null if there is no more.
    next_cursor: Option<String>,
}

pub(super) fn list_artifacts(
    desk: &Desk,
    args: ListArtifacts,
    _: &Waiting,
) -> Result<Listed, ToolError> {
    let ListArtifacts { prefix, limit, sha256, cursor } = args;
    let artifacts = desk.artifacts();
    let limit = limit.map_or(100, Whole::count);
    let listing =
        artifacts.list(prefix.as_deref().unwrap_or_default(), cursor.as_deref(), limit)?;
    let mut unreadable: Vec<Unreadable> = listing
        .unreadable
        .into_iter()
        .map(|entry| Unreadable { path: entry.path, problem: entry.problem })
        .collect();
    let mut listed: Vec<Artifact> = Vec::with_capacity(listing.found.len());
    for found in listing.found {
        let sha256 = match sha256.then(|| artifacts.sha256(&found.path)) {
            None => None,
            Some(Ok(hash)) => Some(hash),
            Some(Err(error)) => {
                let problem = ToolError::from(error).message;
                unreadable.push(Unreadable { path: found.path.to_string(), problem });
                continue;
            }
        };
        let (path, bytes, modified) = (found.path.to_string(), found.bytes, found.modified);
        listed.push(Artifact { path, bytes, modified, sha256 });
    }
    unreadable.truncate(MAX_UNREADABLE);
    let more = fit_list(&mut listed) || listing.more;
    let next_cursor = listed.last().filter(|_| more).map(|last| last.path.clone());
    Ok(Listed { artifacts: listed, unreadable, next_cursor })
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WriteArtifact {
    /// Where, relative to the room's artifacts: `report.md`, `src/cart.rs`. Folders are made.
    path: Text<1, 512>,
    /// The whole content; it replaces what was there. At most 10 MiB.
    #[schemars(length(max = 10485760))]
    content: String,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Written {
    /// The artifact's path.
    path: String,
    /// Its length.
    bytes: u64,
    /// The SHA-256 of its content.
    sha256: String,
    /// Whether another content was there before.
    replaced: bool,
}

pub(super) fn write_artifact(
    desk: &Desk,
    args: WriteArtifact,
    _: &Waiting,
) -> Result<Written, ToolError> {
    let WriteArtifact { path, content } = args;
    let path = artifact_path(&path)?;
    desk.still_open()?;
    let store = desk.room.project().store();
    let written = desk.artifacts().write(store, &path, content.as_bytes())?;
    Ok(Written {
        path: path.to_string(),
        bytes: written.bytes,
        sha256: written.sha256,
        replaced: written.replaced,
    })
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReadArtifact {
    /// Which one, as `list_artifacts` names it.
    path: Text<1, 512>,
    /// From this byte on: `next_offset` of the answer before; 0 if left out.
    #[serde(default)]
    offset: Option<Number>,
    /// At most this many bytes; 65536 if left out.
    #[serde(default)]
    limit: Option<Whole<4, 98304>>,
}

pub(super) fn read_artifact(
    desk: &Desk,
    args: ReadArtifact,
    _: &Waiting,
) -> Result<TextPart, ToolError> {
    let ReadArtifact { path, offset, limit } = args;
    let path = artifact_path(&path)?;
    let artifacts = desk.artifacts();
    let offset = offset.map_or(0, Number::get);
    let part = artifacts.read(&path, offset, limit.map_or(65536, Whole::count))?;
    TextPart::new(&part.bytes, offset, part.total).ok_or_else(|| {
        let text = format!(
            "`{path}` is no UTF-8 text at byte {offset}; open the file itself: `{}`",
            artifacts.path(&path).display()
        );
        ToolError::invalid("path", text)
    })
}

fn artifact_path(text: &str) -> Result<ArtifactPath, ToolError> {
    ArtifactPath::new(text).map_err(|error| ToolError::invalid("path", error.to_string()))
}

impl From<ArtifactError> for ToolError {
    fn from(error: ArtifactError) -> Self {
        let code = match error {
            ArtifactError::Fs(error) => return error.into(),
            ArtifactError::NotFound { .. } => Code::NotFound,
            ArtifactError::Link { .. } => Code::Forbidden,
            ArtifactError::WrongKind { .. } => Code::InvalidArgument,
            ArtifactError::TooLarge { .. } => Code::TooLarge,
        };
        let field = if code == Code::TooLarge { "content" } else { "path" };
        Self { field: Some(field.to_owned()), ..Self::because(code, &error) }
    }
}

#[cfg(test)]
mod tests {
    use ostwin_core::artifacts::MAX_ARTIFACT_BYTES;

    #[test]
    fn the_schema_says_the_limit_that_holds() {
        assert_eq!(MAX_ARTIFACT_BYTES, 10485760);
    }
}
