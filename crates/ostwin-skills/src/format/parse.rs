//! From the bytes of a `SKILL.md` to a skill.

use std::path::Path;

use ostwin_core::ids::{RoleName, SkillName};
use ostwin_core::yaml;

use super::fields::{Fields, phrases, tools, words};
use super::skill::{Skill, TrustLevel};
use super::{MAX_DESCRIPTION_CHARS, MAX_DOCUMENT_BYTES};
use crate::error::{FormatError, SkillError};

/// The fields of the front matter.
const FIELDS: [&str; 16] = [
    "name",
    "description",
    "tags",
    "platform",
    "enabled",
    "trust_level",
    "requires_mcp",
    "dependencies",
    "applicable_roles",
    "version",
    "author",
    "triggers",
    "license",
    "compatibility",
    "metadata",
    "allowed_tools",
];

/// A `SKILL.md` that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// What its front matter says.
    pub skill: Skill,
    /// The instructions behind it.
    pub body: String,
    /// What is odd, each with its place.
    pub warnings: Vec<String>,
}

impl Document {
    /// Checks that the skill has the name of its folder, by which everybody else finds it; `path`
    /// is only named in the error.
    ///
    /// # Errors
    /// [`SkillError::OtherName`].
    pub fn check_folder(&self, path: &Path, folder: &str) -> Result<(), SkillError> {
        if self.skill.name.as_str() == folder {
            return Ok(());
        }
        let (folder, name) = (folder.to_owned(), self.skill.name.to_string());
        Err(SkillError::OtherName { path: path.to_owned(), folder, name })
    }
}

/// Reads a `SKILL.md`; `path` is only named in messages.
///
/// # Errors
/// [`FormatError`] with line and column: it is too large or no text, has no front matter, or a
/// field is missing or holds what it must not.
pub fn parse(path: &Path, bytes: &[u8]) -> Result<Document, FormatError> {
    let at_start = |message: String| FormatError::at(path, "", 0, message);
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > MAX_DOCUMENT_BYTES {
        let message = format!(
            "the file is larger than {MAX_DOCUMENT_BYTES} bytes; move parts of it into files beside it"
        );
        return Err(at_start(message));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let valid = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let text = String::from_utf8_lossy(valid);
        FormatError::at(path, &text, text.len(), "this is not UTF-8 text; save the file as UTF-8")
    })?;
    let front = yaml::front_matter(text).ok_or_else(|| {
        at_start(
            "there is no front matter: the file must begin with YAML between two lines `---`, \
             with `name` and `description`"
                .to_owned(),
        )
    })?;
    let values = yaml::mapping(front.yaml).map_err(|error| {
        let message = format!("the front matter can't be read: {}", error.message);
        FormatError::at(path, text, front.start + error.offset, message)
    })?;
    let mut fields = Fields::new(path, text, front, values);
    let mut warnings = Vec::new();
    let name = name(&mut fields, &mut warnings)?;
    let description = description(&mut fields)?;
    let mut skill = Skill {
        tags: fields.list("tags", phrases)?,
        platform: platforms(&fields.list("platform", words)?),
        enabled: fields.flag("enabled", true)?,
        trust_level: trust_level(&mut fields, &mut warnings)?,
        requires_mcp: fields.list("requires_mcp", words)?,
        dependencies: fields.names("dependencies", SkillName::new)?,
        applicable_roles: fields.names("applicable_roles", RoleName::new)?,
        version: fields.text("version")?,
        author: fields.text("author")?,
        triggers: fields.list("triggers", phrases)?,
        license: fields.text("license")?,
        compatibility: fields.text("compatibility")?,
        metadata: fields.map("metadata")?,
        allowed_tools: fields.list("allowed_tools", tools)?,
        ..Skill::new(name, description)
    };
    let (extra, unknown) = fields.rest(&FIELDS);
    skill.extra = extra;
    warnings.extend(unknown);
    if front.body.trim().is_empty() {
        let message = "there are no instructions behind the front matter";
        warnings.push(FormatError::at(path, text, text.len(), message).to_string());
    }
    Ok(Document { skill, body: front.body.to_owned(), warnings })
}

fn name(fields: &mut Fields<'_>, warnings: &mut Vec<String>) -> Result<SkillName, FormatError> {
    let text = fields.required("name")?;
    let name = SkillName::new(&text).map_err(|error| fields.error_at("name", error.to_string()))?;
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !text.chars().all(plain) || text.ends_with('-') || text.contains("--") {
        let message = format!(
            "other programs may not take the name `{name}`: the open format has lower-case \
             letters, digits and single `-` between them"
        );
        warnings.push(fields.error_at("name", message).to_string());
    }
    Ok(name)
}

fn description(fields: &mut Fields<'_>) -> Result<String, FormatError> {
    let text = fields.required("description")?;
    let length = text.chars().count();
    if length > MAX_DESCRIPTION_CHARS {
        let message = format!(
            "`description` has {length} characters and at most {MAX_DESCRIPTION_CHARS} are \
             allowed: say what the skill does and when to use it, the rest belongs into the body"
        );
        return Err(fields.error_at("description", message));
    }
    Ok(text)
}

/// A level that nobody knows is the one that is trusted least.
fn trust_level(
    fields: &mut Fields<'_>,
    warnings: &mut Vec<String>,
) -> Result<TrustLevel, FormatError> {
    let Some(text) = fields.text("trust_level")? else { return Ok(TrustLevel::default()) };
    let known = TrustLevel::ALL.into_iter().find(|level| text.eq_ignore_ascii_case(level.as_str()));
    Ok(known.unwrap_or_else(|| {
        let known = TrustLevel::ALL.map(|level| format!("`{}`", level.as_str())).join(", ");
        let message = format!(
            "`trust_level` is `{text}`, which is none of {known}; the skill counts as `experimental`"
        );
        warnings.push(fields.error_at("trust_level", message).to_string());
        TrustLevel::Experimental
    }))
}

/// Operating systems as Rust names them; a word for all of them is no limit.
fn platforms(written: &[String]) -> Vec<String> {
    let mut platforms: Vec<String> = Vec::new();
    for word in written {
        let platform = match word.to_ascii_lowercase().as_str() {
            "any" | "all" | "*" => return Vec::new(),
            "darwin" | "osx" | "mac" => "macos".to_owned(),
            "win" | "win32" => "windows".to_owned(),
            other => other.to_owned(),
        };
        if !platforms.contains(&platform) {
            platforms.push(platform);
        }
    }
    platforms
}
