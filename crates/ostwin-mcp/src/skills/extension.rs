//! Skills for clients that know the protocol's own extension: manifests, and files by address.
//!
//! An address is `skill://<name>/<path>`, percent-encoded. What a session sees here is what it can
//! load by a tool: the copies that it was given, then what its tiers have for its role.

use std::str::from_utf8;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ostwin_core::ids::{SkillName, SkillPath};
use ostwin_core::yaml;
use ostwin_skills::SkillError;
use ostwin_skills::format::DOCUMENT;
use ostwin_skills::place::{MAX_TOTAL_BYTES, SkillPlace};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use rmcp::model::{ResourceContents, Skill, SkillFrontmatter, SkillResource, SkillResources};
use serde_json::{Map, Value};

use super::desk::{Desk, Found};
use super::server::Skills;
use crate::bounds::{MAX_REPLY_BYTES, fit_lines, fits_once};
use crate::error::{Code, ToolError};
use crate::library::{Library, Page, SCHEME};

/// Most skills of one page.
const PAGE: usize = 50;

/// Most bytes of a file that is no text; in an answer it takes a third more.
const MAX_BLOB_BYTES: usize = MAX_REPLY_BYTES / 2;

/// What stands in an address as a code: everything but what no reader of addresses takes for
/// something else.
const ENCODED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// The skills of this server's client.
pub(super) fn library() -> Library<Skills> {
    Library { list, get, read }
}

fn list(skills: &Skills, skip: usize) -> Result<Page, ToolError> {
    let desk = Desk::of_client(skills);
    let all = desk.all();
    let mut manifests: Vec<Skill> = Vec::new();
    let mut at = skip;
    // What the extension has no place for, such as a name with a capital, is left to the tools.
    while let Some(found) = all.get(at).filter(|_| manifests.len() < PAGE) {
        manifests.extend(manifest(found).ok().filter(|skill| skill.validate().is_ok()));
        at += 1;
    }
    let lines = manifests.iter().map(|skill| serde_json::to_string(skill).unwrap_or_default());
    let fitting = fit_lines(lines).0.len().max(1);
    if fitting < manifests.len() {
        manifests.truncate(fitting);
        let last = manifests.last().map(|skill| skill.name().to_owned());
        let before = all.iter().position(|found| Some(found.name.as_str()) == last.as_deref());
        at = before.map_or(at, |before| before + 1);
    }
    Ok(Page { skills: manifests, next: (at < all.len()).then_some(at) })
}

fn get(skills: &Skills, address: &str) -> Result<Skill, ToolError> {
    let (name, path) = parse(address)?;
    if path.as_str() != DOCUMENT {
        let text = format!("`{address}` is no skill: the address of one ends with `/{DOCUMENT}`");
        return Err(ToolError::invalid("uri", text));
    }
    let skill = manifest(&Desk::of_client(skills).find(name.as_str())?)?;
    skill.validate().map_err(|error| {
        let text = format!("the extension has no place for this skill, load_skill does: {error}");
        ToolError::new(Code::CorruptState, text)
    })?;
    Ok(skill)
}

fn read(skills: &Skills, address: &str) -> Result<ResourceContents, ToolError> {
    let (name, path) = parse(address)?;
    let found = Desk::of_client(skills).find(name.as_str())?;
    let limit = u64::try_from(MAX_REPLY_BYTES).unwrap_or(u64::MAX);
    let part = found.place.read(&path, 0, limit)?;
    let whole = u64::try_from(part.bytes.len()).is_ok_and(|length| length == part.total);
    let contents = match from_utf8(&part.bytes) {
        Ok(text) if whole && fits_once(text) => {
            ResourceContents::text(text, address).with_mime_type(mime_type(&path))
        }
        Err(_) if whole && part.bytes.len() <= MAX_BLOB_BYTES => {
            ResourceContents::blob(STANDARD.encode(&part.bytes), address)
                .with_mime_type("application/octet-stream")
        }
        _ => {
            let text = format!(
                "`{path}` has {} bytes, and an answer at most {MAX_REPLY_BYTES}: read_skill_file \
                 gives a text in parts; the file lies at `{}`",
                part.total,
                path.below(&found.place.path()).display()
            );
            return Err(ToolError::new(Code::TooLarge, text));
        }
    };
    Ok(contents)
}

/// What a skill says of itself, and its files with their hashes.
fn manifest(found: &Found) -> Result<Skill, ToolError> {
    let mut said = front_matter(&found.place)?;
    let mut text = |key| match said.shift_remove(key) {
        Some(Value::String(text)) => text.trim().to_owned(),
        other => other.unwrap_or_default().to_string(),
    };
    let mut front = SkillFrontmatter::new(text("name"), text("description"));
    front.extra = said;
    Ok(Skill::new(address_of(&found.name, DOCUMENT), front, resources(found)?))
}

/// Every field that the author wrote.
fn front_matter(place: &SkillPlace) -> Result<Map<String, Value>, ToolError> {
    // Only a document that can be read as a skill is one.
    place.document()?;
    let document = SkillPath::new(DOCUMENT).map_err(|error| broken(place, &error))?;
    let bytes = place.read(&document, 0, u64::MAX)?.bytes;
    let text = from_utf8(&bytes).map_err(|error| broken(place, &error))?;
    let front = yaml::front_matter(text).map(|front| yaml::mapping(front.yaml));
    front.transpose().map_err(|error| broken(place, &error.message)).map(Option::unwrap_or_default)
}

fn broken(place: &SkillPlace, problem: &dyn std::fmt::Display) -> ToolError {
    let path = place.document_path();
    ToolError::new(Code::CorruptState, format!("`{}` is broken: {problem}", path.display()))
}

/// The files with their hashes; without them if there are more than are promised to be the same
/// tomorrow.
fn resources(found: &Found) -> Result<SkillResources, ToolError> {
    let listed = found.place.files()?;
    let total: u64 = listed.files.iter().map(|file| file.bytes).sum();
    if listed.truncated || total > MAX_TOTAL_BYTES {
        return Ok(SkillResources::Dynamic);
    }
    let mut files = Vec::new();
    let mut left = MAX_TOTAL_BYTES;
    for file in &listed.files {
        let part = match found.place.read(&file.path, 0, left.saturating_add(1)) {
            Ok(part) => part,
            Err(SkillError::NoFile { .. }) => continue,
            Err(error) => return Err(error.into()),
        };
        match left.checked_sub(part.total) {
            Some(rest) => left = rest,
            None => return Ok(SkillResources::Dynamic),
        }
        let address = address_of(&found.name, file.path.as_str());
        files.push(SkillResource::from_bytes(address, &part.bytes));
    }
    Ok(SkillResources::Files(files))
}

fn address_of(name: &SkillName, path: &str) -> String {
    format!("{SCHEME}{}/{}", utf8_percent_encode(name.as_str(), ENCODED), encoded(path))
}

fn encoded(path: &str) -> String {
    utf8_percent_encode(path, ENCODED).to_string()
}

/// The skill and the file that an address names.
fn parse(address: &str) -> Result<(SkillName, SkillPath), ToolError> {
    let wrong = |problem: &dyn std::fmt::Display| {
        let text = format!("`{address}` is no address of a skill's file: {problem}");
        ToolError::invalid("uri", text)
    };
    let form = &"it must be `skill://<name>/<path>`";
    let rest = address.strip_prefix(SCHEME).ok_or_else(|| wrong(form))?;
    let (name, path) = rest.split_once('/').ok_or_else(|| wrong(form))?;
    let decode = |text: &str| -> Result<String, ToolError> {
        let decoded = percent_decode_str(text).decode_utf8();
        decoded.map(|text| text.into_owned()).map_err(|error| wrong(&error))
    };
    let name = SkillName::new(&decode(name)?).map_err(|error| wrong(&error))?;
    let path = SkillPath::new(&decode(path)?).map_err(|error| wrong(&error))?;
    Ok((name, path))
}

/// The type of a text, as far as its name tells: a page that a browser would run is plain text.
fn mime_type(path: &SkillPath) -> &'static str {
    match path.as_str().rsplit_once('.') {
        Some((_, "md")) => "text/markdown",
        Some((_, "json")) => "application/json",
        _ => "text/plain",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_a_file_of_a_skill_and_nothing_else() {
        let name: SkillName = "testing".parse().unwrap();
        for path in ["SKILL.md", "a b/ü?#%.md", "deep/er/x"] {
            let address = address_of(&name, path);
            assert!(address.is_ascii() && !address.contains(['?', '#', ' ']), "{address}");
            let (found, file) = parse(&address).unwrap();
            assert_eq!((found, file.as_str()), (name.clone(), path));
        }
        for address in [
            "skill://testing",
            "skill://testing/",
            "skill://testing/../x",
            "skill://testing/%2e%2e/x",
            "skill://testing/a%2F..%2F..%2Fx",
            "skill://..%2Fskills/SKILL.md",
            "skill://%2e%2e/SKILL.md",
            "skill:///SKILL.md",
            "skill://testing/%ff",
            "skill://testing/a%00b",
            "skill://testing//etc/passwd",
            "ostwin://room/brief",
        ] {
            let error = parse(address).unwrap_err();
            assert_eq!(error.code, Code::InvalidArgument, "{address}");
        }
    }
}
