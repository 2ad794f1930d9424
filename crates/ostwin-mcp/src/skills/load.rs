//! `load_skill` and `read_skill_file`: reading a skill.

use ostwin_core::ids::SkillPath;
use ostwin_skills::format::DOCUMENT;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::desk::Desk;
use crate::args::{Number, Text, Whole};
use crate::bounds::fit_list;
use crate::error::ToolError;
use crate::text::TextPart;
use crate::waiting::Waiting;

/// Most bytes of a body in one answer.
const MAX_BODY_BYTES: usize = 64 * 1024;
/// Most further files that one answer names.
const MAX_FILES_LISTED: usize = 300;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LoadSkill {
    /// The skill.
    name: Text<1, 64>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct File {
    /// Its path, as read_skill_file takes it.
    path: String,
    /// Its length.
    bytes: u64,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Loaded {
    /// The skill.
    name: String,
    /// What it does and when to use it.
    description: String,
    /// What to do, as Markdown.
    body: String,
    /// Whether there is more of the body: read_skill_file reads all of `SKILL.md`.
    body_is_cut: bool,
    /// Its further files.
    files: Vec<File>,
    /// How many more files there are.
    more_files: usize,
    /// Its folder, for scripts in it that are to be run.
    path: String,
    /// Where it was found: `session` for what you were given, else `room`, `role`, `project`,
    /// `user` or `shipped`.
    tier: String,
}

pub(super) fn load_skill(desk: &Desk, args: LoadSkill, _: &Waiting) -> Result<Loaded, ToolError> {
    let LoadSkill { name } = args;
    let found = desk.find(&name)?;
    let document = found.place.document()?;
    let listed = found.place.files()?;
    let further = listed.files.into_iter().filter(|file| file.path.as_str() != DOCUMENT);
    let mut files: Vec<File> =
        further.map(|file| File { path: file.path.to_string(), bytes: file.bytes }).collect();
    let all = files.len();
    files.truncate(MAX_FILES_LISTED);
    fit_list(&mut files);
    let mut body = document.body;
    let body_is_cut = body.len() > MAX_BODY_BYTES;
    if body_is_cut {
        body.truncate(body.floor_char_boundary(MAX_BODY_BYTES));
    }
    Ok(Loaded {
        name: found.name.to_string(),
        description: document.skill.description,
        body,
        body_is_cut,
        more_files: all - files.len(),
        files,
        path: found.place.path().display().to_string(),
        tier: found.tier.to_owned(),
    })
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReadSkillFile {
    /// The skill.
    name: Text<1, 64>,
    /// The file, as load_skill listed it.
    path: Text<1, 512>,
    /// From this byte on: `next_offset` of the answer before; 0 if left out.
    #[serde(default)]
    offset: Option<Number>,
    /// At most this many bytes; 65536 if left out.
    #[serde(default)]
    limit: Option<Whole<4, 98304>>,
}

pub(super) fn read_skill_file(
    desk: &Desk,
    args: ReadSkillFile,
    _: &Waiting,
) -> Result<TextPart, ToolError> {
    let ReadSkillFile { name, path, offset, limit } = args;
    let path =
        SkillPath::new(&path).map_err(|error| ToolError::invalid("path", error.to_string()))?;
    let found = desk.find(&name)?;
    let offset = offset.map_or(0, Number::get);
    let limit = limit.map_or(65536, Whole::get);
    let part = found.place.read(&path, offset, limit).map_err(|error| {
        let error = ToolError::from(error);
        ToolError { field: Some("path".to_owned()), ..error }
    })?;
    TextPart::new(&part.bytes, offset, part.total).ok_or_else(|| {
        let text = format!(
            "`{path}` is no UTF-8 text at byte {offset}; it has {} bytes and lies at `{}`",
            part.total,
            path.below(&found.place.path()).display()
        );
        ToolError::invalid("path", text)
    })
}
