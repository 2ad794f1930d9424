//! Which of many files are those of the skill that is meant.

use ostwin_core::ids::SkillPath;

use super::Refusal;
use crate::format::DOCUMENT;

/// The folder of the skill among files with these paths: `subdir`, also below the one folder that
/// archives of repositories have around everything; without it, the outermost folder with a
/// `SKILL.md`, if it is the only one. Empty for the root.
///
/// # Errors
/// There is no such folder, none with a `SKILL.md`, or several.
pub(in crate::install) fn skill_folder<'p>(
    paths: impl Iterator<Item = &'p str>,
    subdir: Option<&SkillPath>,
) -> Result<String, Refusal> {
    let is_named = |folder: &&str| {
        subdir.is_none_or(|subdir| *folder == subdir.as_str() || is_below_top(folder, subdir))
    };
    let mut folders: Vec<&str> = paths
        .filter_map(|path| match path.strip_suffix(DOCUMENT) {
            Some("") => Some(""),
            Some(folder) => folder.strip_suffix('/'),
            None => None,
        })
        .filter(is_named)
        .collect();
    folders.sort_unstable();
    let all = folders.clone();
    let is_inside = |inner: &str, outer: &str| {
        outer.is_empty() || inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('/'))
    };
    folders.retain(|inner| !all.iter().any(|outer| inner != outer && is_inside(inner, outer)));
    match (folders.as_slice(), subdir) {
        ([folder], _) => Ok((*folder).to_owned()),
        ([], Some(subdir)) => Err(Refusal::NoFolder { subdir: subdir.clone() }),
        ([], None) => Err(Refusal::NoDocument),
        (several, _) => {
            let folders = several.iter().take(20).map(|folder| format!("`{folder}`")).collect();
            Err(Refusal::Several { folders })
        }
    }
}

fn is_below_top(folder: &str, subdir: &SkillPath) -> bool {
    folder.split_once('/').is_some_and(|(_, below)| below == subdir.as_str())
}

/// Whether a path is of interest where only `subdir` is wanted.
pub(in crate::install) fn is_wanted(path: &str, subdir: Option<&SkillPath>) -> bool {
    let Some(subdir) = subdir else { return true };
    let is_in =
        |path: &str| path.strip_prefix(subdir.as_str()).is_some_and(|rest| rest.starts_with('/'));
    is_in(path) || path.split_once('/').is_some_and(|(_, below)| is_in(below))
}

/// Whether there may be something of interest in the folder with this path.
pub(in crate::install) fn leads_to_wanted(folder: &str, subdir: Option<&SkillPath>) -> bool {
    let Some(wanted) = subdir else { return true };
    let is_above = |folder: &str| {
        let rest = wanted.as_str().strip_prefix(folder);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    // Any folder at the top may be the one around everything.
    let below_top = folder.split_once('/').map(|(_, below)| below);
    is_wanted(folder, subdir) || is_above(folder) || below_top.is_none_or(is_above)
}
