//! Reading one role from its folder, on disk or shipped.

use std::path::{Path, PathBuf};

use ostwin_core::fs;
use ostwin_core::ids::RoleName;
use ostwin_core::layout::RolePaths;
use ostwin_core::roles::RoleSpec;
use ostwin_core::yaml::front_matter;

use super::error::RoleError;
use super::shipped;

/// Largest file of a role that is read, in bytes.
pub(super) const MAX_FILE_BYTES: u64 = 1 << 20;

/// The prompt of a role whose settings do not name another.
pub(super) const PROMPT_FILE: &str = "ROLE.md";

/// What a folder says about a role.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Read {
    pub(super) spec: RoleSpec,
    /// The prompt without front matter.
    pub(super) prompt: String,
    /// Where the prompt is.
    pub(super) prompt_file: PathBuf,
    pub(super) warnings: Vec<String>,
}

/// The role in `dir`; `None` if the folder has neither settings nor a prompt, as one has that only
/// holds skills.
pub(super) fn from_folder(role: &RoleName, dir: &RolePaths) -> Result<Option<Read>, RoleError> {
    let file = |name: &str| fs::read_optional(&dir.file(name), MAX_FILE_BYTES);
    let settings = fs::read_optional(&dir.settings(), MAX_FILE_BYTES)?;
    if settings.is_none() && file(PROMPT_FILE)?.is_none() {
        return Ok(None);
    }
    read(role, dir, settings.as_deref(), |name| Ok(file(name)?)).map(Some)
}

/// The shipped role of this name.
pub(super) fn from_shipped(role: &RoleName) -> Result<Option<Read>, RoleError> {
    let dir = RolePaths::at(Path::new(shipped::PLACE).join(role.as_str()));
    match shipped::file(role, "role.json") {
        None => Ok(None),
        Some(settings) => read(role, &dir, Some(settings), |name| {
            Ok(shipped::file(role, name).map(<[u8]>::to_vec))
        })
        .map(Some),
    }
}

fn read(
    role: &RoleName,
    dir: &RolePaths,
    settings: Option<&[u8]>,
    file: impl Fn(&str) -> Result<Option<Vec<u8>>, RoleError>,
) -> Result<Read, RoleError> {
    // A prompt alone is a role with every default.
    let parsed = RoleSpec::read(role, &dir.settings(), settings.unwrap_or(b"{}"))?;
    let mut warnings: Vec<String> = parsed.warnings.iter().map(ToString::to_string).collect();
    let prompt_file = dir.file(&parsed.spec.prompt_file);
    let Some(bytes) = file(&parsed.spec.prompt_file)? else {
        let (role, settings) = (role.clone(), dir.settings());
        return Err(RoleError::NoPrompt { role, prompt: prompt_file, settings });
    };
    let Ok(text) = String::from_utf8(bytes) else {
        return Err(RoleError::NotText { role: role.clone(), prompt: prompt_file });
    };
    let prompt = without_front_matter(&text);
    if prompt.trim().is_empty() {
        warnings.push(format!("{}: the prompt is empty", prompt_file.display()));
    }
    Ok(Read { spec: parsed.spec, prompt: prompt.to_owned(), prompt_file, warnings })
}

/// `text` without the YAML block at its very beginning.
pub(super) fn without_front_matter(text: &str) -> &str {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    front_matter(text).map_or(text, |parts| parts.body)
}
