//! What a name that somebody else wrote stands for.

use ostwin_core::ids::SkillPath;

use super::Refusal;
use super::refusal::printable;
use crate::place::MAX_DEPTH;

/// What a name in an archive or a folder stands for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The folder around everything.
    Root,
    /// A plain path.
    Plain(SkillPath),
    /// A plain path but for a dot at the start of a part: not part of a skill.
    Hidden(String),
}

/// What `name` stands for.
///
/// # Errors
/// It could lead elsewhere, or means something else on another system.
pub(super) fn place(name: &[u8]) -> Result<Place, Refusal> {
    let refuse =
        |problem: &str| Err(Refusal::Name { name: printable(name), problem: problem.to_owned() });
    let Ok(text) = std::str::from_utf8(name) else {
        return refuse("the name is not UTF-8");
    };
    let mut text = text;
    while let Some(rest) = text.strip_prefix("./") {
        text = rest;
    }
    let text = text.strip_suffix('/').unwrap_or(text);
    if matches!(text, "" | ".") {
        return if name.starts_with(b"/") {
            refuse("the path is absolute")
        } else {
            Ok(Place::Root)
        };
    }
    if text.starts_with('/') {
        return refuse("the path is absolute");
    }
    let mut hidden = false;
    for part in text.split('/') {
        if matches!(part, "." | "..") {
            return refuse("a part of the path is `.` or `..`");
        }
        // Some systems take `.git.` and `.GIT ` for `.git`.
        if part.trim_end_matches(['.', ' ']).eq_ignore_ascii_case(".git") {
            return refuse("a repository inside a skill could run programs");
        }
        hidden |= part.starts_with('.');
    }
    if text.split('/').count() > MAX_DEPTH {
        return refuse("the path has too many folders");
    }
    let seen =
        if hidden { text.replace("/.", "/_").replacen('.', "_", 1) } else { text.to_owned() };
    match SkillPath::new(&seen) {
        Ok(_) if hidden => Ok(Place::Hidden(text.to_owned())),
        Ok(path) => Ok(Place::Plain(path)),
        Err(error) => refuse(error.problem),
    }
}
