//! Why there is no role.

use std::path::PathBuf;

use ostwin_core::fs::FsError;
use ostwin_core::ids::RoleName;
use ostwin_core::json::JsonError;
use ostwin_core::lock::LockError;

/// Why a role could not be found, read or made.
#[derive(Debug, thiserror::Error)]
pub enum RoleError {
    /// No tier has it.
    #[error(
        "there is no role `{role}`{}; looked in {}; make it with `ostwin role new {role}` or set \
         `dynamic_roles` to true",
        near.as_ref().map_or_else(String::new, |near| format!(" (did you mean `{near}`?)")),
        searched.join(", "),
    )]
    NotFound {
        /// The role that was asked for.
        role: RoleName,
        /// Every tier, with its place.
        searched: Vec<String>,
        /// The nearest role that exists.
        near: Option<String>,
    },
    /// The role's settings are malformed.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// The prompt that the settings name is not there.
    #[error(
        "role `{role}`: its prompt `{}` does not exist; write it, or name another file in \
         `prompt_file` of `{}`",
        prompt.display(),
        settings.display()
    )]
    NoPrompt {
        /// The role.
        role: RoleName,
        /// The missing file.
        prompt: PathBuf,
        /// The file that names it.
        settings: PathBuf,
    },
    /// The prompt is not text.
    #[error("role `{role}`: its prompt `{}` is not UTF-8 text; save it as UTF-8", prompt.display())]
    NotText {
        /// The role.
        role: RoleName,
        /// The file.
        prompt: PathBuf,
    },
    /// The registry points to a folder that holds no role.
    #[error(
        "`{}`: the entry `{role}` points to `{}`, which holds no `role.json`; mend or remove its `path`",
        registry.display(),
        dir.display()
    )]
    BadEntry {
        /// The registry.
        registry: PathBuf,
        /// The entry.
        role: RoleName,
        /// The folder.
        dir: PathBuf,
    },
    /// The project has it.
    #[error("the project has the role `{role}` in `{}`; edit it there, or choose another name", dir.display())]
    Exists {
        /// The role.
        role: RoleName,
        /// Its folder.
        dir: PathBuf,
    },
    /// The project has no files of it.
    #[error("the project has no role `{role}` of its own: `{}` holds none", dir.display())]
    NotOwn {
        /// The role.
        role: RoleName,
        /// Where its folder would be.
        dir: PathBuf,
    },
    /// Its prompt says nothing.
    #[error("the prompt of role `{role}` is empty: say who the role is and what it does")]
    EmptyPrompt {
        /// The role.
        role: RoleName,
    },
    /// Something cannot become part of a new role.
    #[error("`{}` cannot be part of a role: {problem}", path.display())]
    Uncopied {
        /// What it is.
        path: PathBuf,
        /// Why not.
        problem: String,
    },
    /// A file could not be read or written.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// Somebody else is changing the registry.
    #[error(transparent)]
    Lock(#[from] LockError),
}
