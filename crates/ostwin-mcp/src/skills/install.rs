//! `install_skill`: bringing a skill in, if the speaker may.

use ostwin_core::ids::RoleName;
use ostwin_skills::install::{
    DownloadError, GitError, InstallError, Installer, Outcome, Refusal, Report, Request, Shelf,
    Source,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::desk::Desk;
use super::list::Scope;
use crate::args::Text;
use crate::bounds::fit_list;
use crate::error::{Code, ToolError};
use crate::waiting::Waiting;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct InstallSkill {
    /// Where it is: a name in the index (`testing`, `testing@1.2`), a folder or archive (`./x`,
    /// `/srv/x.zip`, relative to the project), `https://host/x.tar.gz`, or a Git repository
    /// (`https://host/repo.git@tag#folder`).
    source: Text<1, 2048>,
    /// For this project (the default) or for all projects of the user.
    #[serde(default)]
    scope: Option<Scope>,
    /// Only for sessions of this role; for every role if left out.
    #[serde(default)]
    role: Option<RoleName>,
    /// The version that it must have.
    #[serde(default)]
    version: Option<Text<1, 64>>,
    /// The SHA-256 that the skill must have, or the archive that it comes in.
    #[serde(default)]
    sha256: Option<Text<64, 71>>,
    /// Only tell what would be installed.
    #[serde(default)]
    dry_run: bool,
    /// Replace a skill that was not installed from there, or was changed since.
    #[serde(default)]
    force: bool,
}

/// What happens to a skill's folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Change {
    /// It is new.
    Added,
    /// It replaces another one.
    Replaced,
    /// It is there already.
    Unchanged,
}

#[derive(Debug, Serialize, JsonSchema)]
struct File {
    /// Where it is in the skill.
    path: String,
    /// Its length.
    bytes: u64,
    /// Whether it may be run.
    executable: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Done {
    /// The skill.
    name: String,
    /// What happened to its folder, or would.
    outcome: Change,
    /// Whether nothing was changed because only a look was asked for.
    dry_run: bool,
    /// Its folder.
    path: String,
    /// Where it came from.
    source: String,
    /// What the source was: a commit, or the hash of an archive.
    revision: Option<String>,
    /// Its version, if it says one.
    version: Option<String>,
    /// The SHA-256 over its files.
    sha256: String,
    /// How many files it has.
    file_count: usize,
    /// The length of its files together.
    bytes: u64,
    /// Its files, or the first of them.
    files: Vec<File>,
    /// What is odd about it.
    warnings: Vec<String>,
    /// The version that it replaces, if that is known.
    replaced_version: Option<String>,
}

pub(super) fn install_skill(
    desk: &Desk,
    args: InstallSkill,
    waiting: &Waiting,
) -> Result<Done, ToolError> {
    let scope = args.scope.unwrap_or(Scope::Project);
    may_install(desk, scope)?;
    let shelf = match (scope, args.role) {
        (Scope::Project, role) => desk.project_shelf(role),
        (Scope::User, None) => user_shelf(desk)?,
        (Scope::User, Some(_)) => {
            let text = "`role` is for the scope `project`: a user's skills are for every role";
            return Err(ToolError::invalid("role", text));
        }
    };
    let source: Source =
        args.source.parse().map_err(|error| ToolError::from(InstallError::Source(error)))?;
    let request = Request {
        source,
        version: args.version.map(Text::into_string),
        sha256: args.sha256.map(Text::into_string),
        force: args.force,
        dry_run: args.dry_run,
    };
    let registry = desk.registry()?;
    let installer = Installer {
        store: desk.binding.project.store(),
        registry: registry.as_ref(),
        base: desk.binding.project.layout().root(),
        by: &desk.binding.speaker,
        pause: &|time| waiting.wait(time),
    };
    Ok(Done::from(installer.install(&shelf, &request)?))
}

/// Refuses a session whose role was not given the right, or that is over. A person may.
fn may_install(desk: &Desk, scope: Scope) -> Result<(), ToolError> {
    let Some(session) = &desk.binding.session else { return Ok(()) };
    let role = &desk.binding.speaker.role;
    if !desk.binding.settings.skills.install_roles.contains(role) {
        let text = format!(
            "sessions of `{role}` may not install skills: a person does it with `ostwin skills \
             install`, or adds the role to `skills.install_roles`; ask_human asks for it"
        );
        return Err(ToolError::new(Code::Forbidden, text));
    }
    if scope == Scope::User {
        let text = "a session installs for its project alone: what is for all projects of the \
                    user, they install themselves";
        return Err(ToolError {
            field: Some("scope".into()),
            ..ToolError::new(Code::Forbidden, text)
        });
    }
    let open = session.room.open_attempt()?;
    if open.is_some_and(|open| open.record.id == session.attempt) {
        return Ok(());
    }
    let text = format!("attempt {} is not the open one of this room", session.attempt);
    Err(ToolError::new(Code::Conflict, text))
}

fn user_shelf(desk: &Desk) -> Result<Shelf, ToolError> {
    desk.user_shelf().ok_or_else(|| {
        ToolError::new(Code::Unavailable, "there is no home directory for the user's own skills")
    })
}

impl From<Report> for Done {
    fn from(report: Report) -> Self {
        let files = report.files.into_iter();
        let mut files: Vec<File> = files
            .map(|file| File { path: file.path, bytes: file.bytes, executable: file.executable })
            .collect();
        let file_count = files.len();
        files.truncate(200);
        fit_list(&mut files);
        Self {
            name: report.name.to_string(),
            outcome: match report.outcome {
                Outcome::Added => Change::Added,
                Outcome::Replaced => Change::Replaced,
                Outcome::Unchanged => Change::Unchanged,
            },
            dry_run: report.dry_run,
            path: report.path.display().to_string(),
            source: report.source,
            revision: report.revision,
            version: report.version,
            sha256: report.sha256,
            file_count,
            bytes: report.bytes,
            files,
            warnings: report.warnings,
            replaced_version: report.replaced.and_then(|replaced| replaced.version),
        }
    }
}

impl From<InstallError> for ToolError {
    fn from(error: InstallError) -> Self {
        use InstallError as E;
        let of_source = |code, error: &InstallError| Self {
            field: Some("source".to_owned()),
            ..Self::because(code, error)
        };
        match error {
            E::Fs(error) => error.into(),
            E::Lock(error) => error.into(),
            E::Refused { refusal: Refusal::TooMany | Refusal::TooLarge, .. }
            | E::Git(GitError::TooLarge { .. })
            | E::Download(DownloadError::TooLarge { .. }) => of_source(Code::TooLarge, &error),
            E::Source(_)
            | E::Refused { .. }
            | E::Format(_)
            | E::OtherSkill { .. }
            | E::InPlace { .. }
            | E::Git(GitError::Refused { .. }) => of_source(Code::InvalidArgument, &error),
            E::BadHash { .. } | E::OtherContent { .. } => Self {
                field: Some("sha256".into()),
                ..Self::because(Code::InvalidArgument, &error)
            },
            E::OtherVersion { .. } => Self {
                field: Some("version".into()),
                ..Self::because(Code::InvalidArgument, &error)
            },
            E::Conflict { .. } => Self::because(Code::Conflict, &error),
            E::LeadsOut { .. } => Self::because(Code::Forbidden, &error),
            E::Nothing { .. }
            | E::NotInRegistry { .. }
            | E::Download(DownloadError::Nothing { .. }) => of_source(Code::NotFound, &error),
            E::NotInstalled { .. } => Self::because(Code::NotFound, &error),
            E::Registry(_) | E::RegistryEntry { .. } | E::LockFile(_) => {
                Self::because(Code::CorruptState, &error)
            }
            // The network and other people's servers: the next try may succeed.
            E::Download(DownloadError::Failed { .. }) | E::Git(GitError::Timeout { .. }) => {
                Self { retryable: true, ..Self::because(Code::Unavailable, &error) }
            }
            E::NoRegistry { .. } | E::Download(_) | E::Git(_) => {
                Self::because(Code::Unavailable, &error)
            }
            E::Entropy(_) => Self::because(Code::IoError, &error),
        }
    }
}
