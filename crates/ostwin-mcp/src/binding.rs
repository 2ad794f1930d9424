//! Who a server speaks for, fixed when it starts.
//!
//! The engine starts a session's servers with the room, the role and the attempt on their command
//! line, so no tool has an argument by which an agent could speak for another. A person's own
//! client starts a server with none of them and speaks as `human`.

use std::path::PathBuf;

use ostwin_core::config::{self, Config, LoadError, Places};
use ostwin_core::env;
use ostwin_core::ids::{AttemptId, NameError, PlanId, RoleRef, RoomId};
use ostwin_core::layout::AttemptPaths;
use ostwin_core::project::{Project, ProjectError, locate};
use ostwin_core::redact::{PatternError, Secrets};
use ostwin_core::roles::{ToolList, ToolLists};
use ostwin_core::room::{Attempt, Room, RoomError};
use ostwin_core::vault::{Keys, Vaults};

use crate::tool_log::ToolLog;

/// The role by which a person speaks.
const HUMAN: &str = "human";
/// Who speaks without being a session.
const RESERVED: [&str; 2] = [HUMAN, "engine"];

/// The arguments of every server.
#[derive(Clone, Debug, Default, PartialEq, Eq, clap::Args)]
pub struct BindingArgs {
    /// The project: the folder that holds `.agents/` [default: found upwards from here]
    #[arg(long, value_name = "DIR", env = env::PROJECT, hide_env_values = true)]
    pub project: Option<PathBuf>,
    /// The room of the session; with it, --role and --attempt are needed too
    #[arg(long, env = env::ROOM, hide_env_values = true)]
    pub room: Option<RoomId>,
    /// The role of the session
    #[arg(long, env = env::ROLE, hide_env_values = true)]
    pub role: Option<RoleRef>,
    /// The attempt of the session
    #[arg(long, value_name = "ID", env = env::ATTEMPT, hide_env_values = true)]
    pub attempt: Option<AttemptId>,
    /// The plan of the room
    #[arg(long, value_name = "ID", env = env::PLAN, hide_env_values = true)]
    pub plan: Option<PlanId>,
    /// The only tools that the session may call, separated by commas [default: all]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub allowed_tools: Option<Vec<String>>,
    /// Tools that the session may not call, separated by commas
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub denied_tools: Vec<String>,
}

/// Why a server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum BindingError {
    /// A part of an attempt's identity is missing.
    #[error(
        "a session is named by --room, --role and --attempt together, and {missing} is missing; \
         a person's own client gives none of them"
    )]
    Incomplete {
        /// The first argument that is missing.
        missing: &'static str,
    },
    /// The role is none that a session can have.
    #[error("no session speaks as `{role}`: --role names the role that works in the room")]
    Reserved {
        /// The role that was asked for.
        role: RoleRef,
    },
    /// There is no such project.
    #[error(transparent)]
    Project(#[from] ProjectError),
    /// The project's settings cannot be read.
    #[error(transparent)]
    Settings(#[from] LoadError),
    /// A pattern of the setting `redact` cannot be used.
    #[error(transparent)]
    Pattern(#[from] PatternError),
    /// There is no such room.
    #[error(transparent)]
    Room(#[from] RoomError),
    /// A name that cannot be one.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The working directory is gone, so no project can be found from it.
    #[error("the working directory is gone; name the project with --project")]
    WorkingDir(#[source] std::io::Error),
}

/// The session of one attempt.
#[derive(Clone, Debug)]
pub struct Session {
    /// The room.
    pub room: Room,
    /// The attempt.
    pub attempt: AttemptId,
    /// The plan of the room, if it was named.
    pub plan: Option<PlanId>,
}

/// Whom a server speaks for, and in which project.
#[derive(Clone, Debug)]
pub struct Binding {
    /// The project.
    pub project: Project,
    /// The project's settings.
    pub settings: Config,
    /// Who speaks: the session's role, with instance, or `human`.
    pub speaker: RoleRef,
    /// The session; none for a person's own client.
    pub session: Option<Session>,
    /// Which tools it may call.
    pub tools: ToolLists,
}

impl Binding {
    /// Settles what was asked for on the command line or by the environment.
    ///
    /// # Errors
    /// An identity that is not whole, no such project or room, or settings that cannot be read.
    pub fn resolve(args: &BindingArgs) -> Result<Self, BindingError> {
        let identity = identity(args)?;
        let here = match &args.project {
            Some(project) => project.clone(),
            None => std::env::current_dir().map_err(BindingError::WorkingDir)?,
        };
        let layout = locate(args.project.as_deref(), &here, env::home().as_deref())?;
        let loaded = config::load(&Places::of_process(Some(&layout)), Vec::new())?;
        // What is no business of the session's agent must not be recorded either.
        let (vaults, _) =
            Vaults::readable(&layout, env::config_dir().as_deref(), &Keys::of_this_process());
        let secrets = Secrets::of_this_process().and(&vaults.secrets());
        let project = Project::configured(layout, &loaded.settings.config, secrets)?;
        let binding = Self::new(project, loaded.settings.config, identity, args.plan.clone())?;
        let (allowed, denied) = (args.allowed_tools.clone(), args.denied_tools.clone());
        Ok(Self { tools: ToolLists { allowed, denied }, ..binding })
    }

    /// The binding of a session, or of a person's client, in an open project.
    ///
    /// # Errors
    /// There is no such room.
    pub fn new(
        project: Project,
        settings: Config,
        identity: Option<(RoomId, RoleRef, AttemptId)>,
        plan: Option<PlanId>,
    ) -> Result<Self, BindingError> {
        let Some((room, speaker, attempt)) = identity else {
            let (speaker, tools) = (RoleRef::new(HUMAN)?, ToolLists::default());
            return Ok(Self { project, settings, speaker, session: None, tools });
        };
        let session = Some(Session { room: Room::open(&project, &room)?, attempt, plan });
        Ok(Self { project, settings, speaker, session, tools: ToolLists::default() })
    }

    /// The log of the attempt's calls, in which no secret is kept; it keeps nothing for a person's
    /// own client, or while the attempt's record cannot be found.
    pub fn tool_log(&self) -> ToolLog {
        let path = self.attempt().map(|attempt| attempt.tools());
        ToolLog::new(path, self.project.store().redactor.clone())
    }

    /// Why the speaker may not call a tool of the server of this name; `None` if it may.
    pub(crate) fn withholds(&self, server: &str, tool: &str) -> Option<String> {
        let list = self.tools.refusing(server, tool)?;
        let does = match list {
            ToolList::Allowed => "does not name it",
            ToolList::Denied => "names it",
        };
        Some(format!("`{tool}` is not for the role `{}`: its `{list}` {does}", self.speaker))
    }

    /// The files of the session's attempt.
    pub(crate) fn attempt(&self) -> Option<AttemptPaths> {
        let session = self.session.as_ref()?;
        let is_mine = |attempt: &Attempt| attempt.record.id == session.attempt;
        // Nearly always the last one; the others are read only for a session that outlived its own.
        let last = session.room.last_attempt().ok().flatten().filter(is_mine);
        let mine = last.or_else(|| session.room.attempts().ok()?.into_iter().find(is_mine))?;
        Some(mine.paths)
    }

    /// The room of the session.
    pub fn own_room(&self) -> Option<&RoomId> {
        self.session.as_ref().map(|session| session.room.id())
    }
}

/// The identity of a session: all of it or none.
fn identity(args: &BindingArgs) -> Result<Option<(RoomId, RoleRef, AttemptId)>, BindingError> {
    match (args.room.clone(), args.role.clone(), args.attempt.clone()) {
        (Some(_), Some(role), Some(_)) if RESERVED.contains(&role.role.as_str()) => {
            Err(BindingError::Reserved { role })
        }
        (Some(room), Some(role), Some(attempt)) => Ok(Some((room, role, attempt))),
        (None, None, None) => Ok(None),
        (None, _, _) => Err(BindingError::Incomplete { missing: "--room" }),
        (_, None, _) => Err(BindingError::Incomplete { missing: "--role" }),
        (_, _, None) => Err(BindingError::Incomplete { missing: "--attempt" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_is_whole_or_absent() {
        let whole = BindingArgs {
            room: Some(RoomId::numbered(1)),
            role: Some("engineer:fe".parse().unwrap()),
            attempt: Some("att-00000000000000000000000001".parse().unwrap()),
            ..BindingArgs::default()
        };
        assert!(identity(&whole).unwrap().is_some());
        assert!(identity(&BindingArgs::default()).unwrap().is_none());
        for (missing, args) in [
            ("--room", BindingArgs { room: None, ..whole.clone() }),
            ("--role", BindingArgs { role: None, ..whole.clone() }),
            ("--attempt", BindingArgs { attempt: None, ..whole.clone() }),
        ] {
            let error = identity(&args).unwrap_err();
            assert!(error.to_string().contains(&format!("{missing} is missing")), "{error}");
        }
        let human = BindingArgs { role: Some("human".parse().unwrap()), ..whole };
        assert!(matches!(identity(&human), Err(BindingError::Reserved { .. })));
    }
}
