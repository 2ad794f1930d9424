//! The names of all files: nobody else joins a path below `.agents/` by hand.

use std::path::{Path, PathBuf};

use crate::fs::FsError;
use crate::ids::{PlanId, RoleName, RoleRef, RoomId, SkillName, StateName};

/// Name of the folder that holds a project's state.
pub const AGENTS_DIR: &str = ".agents";

/// What `init` has Git ignore, relative to `.agents/`.
pub const GIT_IGNORED: &[&str] = &[
    "war-rooms/",
    "bots/",
    "cache/",
    "archive/",
    "vault.json",
    "dashboard.token",
    ".installing-*/",
    "plans/*/engine*",
    "plans/*/control.jsonl",
    "*.lock",
];

/// What the name of a room's archive ends with.
const ARCHIVE_SUFFIX: &str = ".tar.zst";

/// The paths in `dir` whose names are wanted, sorted; none if it does not exist.
fn named_like(dir: &Path, wanted: impl Fn(&str) -> bool) -> Result<Vec<PathBuf>, FsError> {
    let failed = |error| FsError::new("list", dir, error);
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed)?;
        if entry.file_name().to_str().is_some_and(&wanted) {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

/// The files of one project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    root: PathBuf,
}

impl Layout {
    /// The layout of the project at `root`, the folder that holds `.agents/`.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The nearest ancestor of `start` that is a project: it holds `.agents/config.json` and is
    /// not `home` itself, where `.agents/` is the user's own part.
    pub fn find(start: &Path, home: Option<&Path>) -> Option<Self> {
        start
            .ancestors()
            .filter(|dir| Some(*dir) != home)
            .map(Self::new)
            .find(|layout| layout.config().is_file())
    }

    /// The project's root.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder of all state.
    pub fn agents(&self) -> PathBuf {
        self.root.join(AGENTS_DIR)
    }

    /// The project's settings; its presence marks the root.
    pub fn config(&self) -> PathBuf {
        self.agents().join("config.json")
    }

    /// The lock of whoever changes the project's settings, or those beside one of its plans.
    pub fn config_lock(&self) -> PathBuf {
        self.agents().join("config.lock")
    }

    /// The role catalogue and the rules of assignment.
    pub fn registry(&self) -> PathBuf {
        self.agents().join("registry.json")
    }

    /// The lock of whoever imports a plan.
    pub fn plans_lock(&self) -> PathBuf {
        self.agents().join("plans.lock")
    }

    /// Where a new role of the project is made, until it is whole. No role is called like this.
    pub fn new_role(&self, role: &RoleName) -> PathBuf {
        self.roles().join(format!(".new-{role}"))
    }

    /// The lock of whoever changes the project's MCP servers.
    pub fn mcp_lock(&self) -> PathBuf {
        self.agents().join("mcp.lock")
    }

    /// The lock of whoever changes the catalogue.
    pub fn registry_lock(&self) -> PathBuf {
        self.agents().join("registry.lock")
    }

    /// The project's secrets.
    pub fn vault(&self) -> PathBuf {
        self.agents().join("vault.json")
    }

    /// The lock of whoever changes the project's secrets.
    pub fn vault_lock(&self) -> PathBuf {
        self.agents().join("vault.lock")
    }

    /// By what the dashboard knows who may come in.
    pub fn dashboard_token(&self) -> PathBuf {
        self.agents().join("dashboard.token")
    }

    /// The shared memory.
    pub fn ledger(&self) -> PathBuf {
        self.agents().join("ledger.jsonl")
    }

    /// The project's MCP servers.
    pub fn mcp_config(&self) -> PathBuf {
        self.agents().join("mcp").join("config.json")
    }

    /// What Git ignores of the state.
    pub fn gitignore(&self) -> PathBuf {
        self.agents().join(".gitignore")
    }

    /// The project's roles.
    pub fn roles(&self) -> PathBuf {
        self.agents().join("roles")
    }

    /// The project's skills, which agents also read by themselves.
    pub fn skills(&self) -> PathBuf {
        self.agents().join("skills")
    }

    /// One skill of the project.
    pub fn skill(&self, skill: &SkillName) -> PathBuf {
        self.skills().join(skill.as_str())
    }

    /// What was installed into [`Layout::skills`], from where, with which hash.
    pub fn skills_lock(&self) -> PathBuf {
        self.agents().join("skills.lock.json")
    }

    /// The lock of whoever installs or removes a skill.
    pub fn skills_guard(&self) -> PathBuf {
        self.agents().join("skills.lock")
    }

    /// All plans.
    pub fn plans(&self) -> PathBuf {
        self.agents().join("plans")
    }

    /// The files of one plan.
    pub fn plan(&self, plan: &PlanId) -> PlanPaths {
        PlanPaths { dir: self.plans().join(plan.as_str()) }
    }

    /// Where a plan is put before its files are removed.
    pub fn removed_plan(&self, plan: &PlanId) -> PathBuf {
        self.plans().join(format!(".removed-{plan}"))
    }

    /// All war-rooms.
    pub fn rooms(&self) -> PathBuf {
        self.agents().join("war-rooms")
    }

    /// Where a room is put before its files are removed.
    pub fn removed_room(&self, room: &RoomId) -> PathBuf {
        self.rooms().join(format!(".removed-{room}"))
    }

    /// The files of one room.
    pub fn room(&self, room: &RoomId) -> RoomPaths {
        RoomPaths { dir: self.rooms().join(room.as_str()) }
    }

    /// Where a room is built before its name is claimed; `nonce` keeps builders apart.
    pub fn new_room(&self, nonce: &str) -> RoomPaths {
        RoomPaths { dir: self.rooms().join(format!(".new-{nonce}")) }
    }

    /// The folders that removals of plans and rooms put aside and did not come to remove: whoever
    /// removed them was killed, or is at it.
    ///
    /// # Errors
    /// A folder cannot be listed; a missing one holds none.
    pub fn left_behind(&self) -> Result<Vec<PathBuf>, FsError> {
        let mut found = named_like(&self.rooms(), |name| name.starts_with(".removed-"))?;
        found.extend(named_like(&self.plans(), |name| name.starts_with(".removed-"))?);
        Ok(found)
    }

    /// The folders in which rooms of `plan` were being built.
    ///
    /// # Errors
    /// The folder of rooms cannot be listed; a missing one holds none.
    pub fn unfinished_rooms(&self, plan: &PlanId) -> Result<Vec<PathBuf>, FsError> {
        let prefix = format!(".new-{plan}-");
        named_like(&self.rooms(), |name| name.starts_with(&prefix))
    }

    /// The archives of rooms.
    pub fn archives(&self) -> PathBuf {
        self.agents().join("archive")
    }

    /// The archive of one room.
    pub fn archive(&self, room: &RoomId) -> PathBuf {
        self.archives().join(format!("{room}{ARCHIVE_SUFFIX}"))
    }

    /// Every archive of a room that is there.
    ///
    /// # Errors
    /// The folder of archives cannot be listed; a missing one holds none.
    pub fn each_archive(&self) -> Result<Vec<PathBuf>, FsError> {
        let is_room = |name: &str| {
            name.strip_suffix(ARCHIVE_SUFFIX).is_some_and(|room| room.parse::<RoomId>().is_ok())
        };
        named_like(&self.archives(), is_room)
    }

    /// What can be rebuilt at any time.
    pub fn cache(&self) -> PathBuf {
        self.agents().join("cache")
    }

    /// The search index of the shared memory.
    pub fn memory_index(&self) -> PathBuf {
        self.cache().join("memory.sqlite")
    }

    /// The vectors of the shared memory by one model; `model` is safe in a file's name.
    pub fn memory_vectors(&self, model: &str) -> PathBuf {
        self.cache().join(format!("memory-{model}.vectors"))
    }

    /// The vectors of every model that the shared memory was searched by.
    ///
    /// # Errors
    /// The cache cannot be listed; a missing one holds none.
    pub fn all_memory_vectors(&self) -> Result<Vec<PathBuf>, FsError> {
        named_like(&self.cache(), |name| name.starts_with("memory-") && name.ends_with(".vectors"))
    }

    /// The search index with what its database keeps beside it.
    pub fn memory_index_files(&self) -> [PathBuf; 3] {
        ["memory.sqlite", "memory.sqlite-wal", "memory.sqlite-shm"]
            .map(|name| self.cache().join(name))
    }

    /// The lock of whoever brings the caches of the shared memory up to date.
    pub fn memory_lock(&self) -> PathBuf {
        self.cache().join("memory.lock")
    }

    /// The lock of whoever makes vectors of the shared memory.
    pub fn memory_embedding_lock(&self) -> PathBuf {
        self.cache().join("memory-embedding.lock")
    }

    /// A file that is locked for a moment, to see whether locks work here.
    pub fn probe_lock(&self) -> PathBuf {
        self.agents().join(format!("probe-{}.lock", std::process::id()))
    }

    /// The slots of one limit: the folder of the files that running sessions lock.
    pub fn slots(&self, limit: &str) -> PathBuf {
        self.cache().join("slots").join(limit)
    }
}

/// The files of a role, wherever its tier keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RolePaths {
    dir: PathBuf,
}

impl RolePaths {
    /// The role in `roles`, a folder of roles.
    pub fn new(roles: &Path, role: &RoleName) -> Self {
        Self { dir: roles.join(role.as_str()) }
    }

    /// The role whose folder this is.
    pub fn at(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// The role's folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The role's settings.
    pub fn settings(&self) -> PathBuf {
        self.dir.join("role.json")
    }

    /// A file of the role, such as its prompt.
    pub fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Skills for this role only.
    pub fn skills(&self) -> PathBuf {
        self.dir.join("skills")
    }
}

/// The user's own roles, across projects.
pub fn user_roles(home: &Path) -> PathBuf {
    home.join(AGENTS_DIR).join("roles")
}

/// The user's own skills, across projects.
pub fn user_skills(home: &Path) -> PathBuf {
    home.join(AGENTS_DIR).join("skills")
}

/// What was installed into [`user_skills`].
pub fn user_skills_lock(home: &Path) -> PathBuf {
    home.join(AGENTS_DIR).join("skills.lock.json")
}

/// The folder of what is the user's own, across projects.
pub fn user_agents(home: &Path) -> PathBuf {
    home.join(AGENTS_DIR)
}

/// The lock of whoever installs or removes a skill of the user.
pub fn user_skills_guard(home: &Path) -> PathBuf {
    home.join(AGENTS_DIR).join("skills.lock")
}

/// The files of the place where a skill is made ready before it is swapped in: a folder beside the
/// lock file, on the same file system as the skills. Whoever works there holds its lock; one whose
/// lock is free was left by a killed process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkillStaging {
    dir: PathBuf,
}

impl SkillStaging {
    /// What the folder's name starts with.
    pub const PREFIX: &'static str = ".installing-";

    /// The place in `agents`, an `.agents/` folder; `nonce` keeps processes apart.
    pub fn new(agents: &Path, nonce: u128) -> Self {
        Self { dir: agents.join(format!("{}{nonce:032x}", Self::PREFIX)) }
    }

    /// Every such place in `agents`, used or left behind.
    ///
    /// # Errors
    /// The folder cannot be listed; a missing one holds none.
    pub fn list(agents: &Path) -> Result<Vec<Self>, FsError> {
        let found = named_like(agents, |name| name.starts_with(Self::PREFIX))?;
        Ok(found.into_iter().map(|dir| Self { dir }).collect())
    }

    /// The folder itself.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The lock of whoever works there.
    pub fn lock(&self) -> PathBuf {
        self.dir.join("lock")
    }

    /// What is about to be changed: a file by which a change that was cut off is finished.
    pub fn intent(&self) -> PathBuf {
        self.dir.join("intent.json")
    }

    /// The new content of a skill.
    pub fn fresh(&self, name: &SkillName) -> PathBuf {
        self.dir.join("new").join(name.as_str())
    }

    /// What was there before.
    pub fn aside(&self, name: &SkillName) -> PathBuf {
        self.dir.join("old").join(name.as_str())
    }

    /// What was fetched from elsewhere.
    pub fn fetched(&self) -> PathBuf {
        self.dir.join("fetched")
    }
}

/// The user's settings, in the folder that [`crate::env::config_dir`] names.
pub fn user_config(config_dir: &Path) -> PathBuf {
    config_dir.join("config.json")
}

/// The lock of whoever changes the user's settings.
pub fn user_config_lock(config_dir: &Path) -> PathBuf {
    config_dir.join("config.lock")
}

/// The user's own MCP servers, in the folder that [`crate::env::config_dir`] names.
pub fn user_mcp(config_dir: &Path) -> PathBuf {
    config_dir.join("mcp.json")
}

/// The user's own secrets, in the folder that [`crate::env::config_dir`] names.
pub fn user_vault(config_dir: &Path) -> PathBuf {
    config_dir.join("vault.json")
}

/// The lock of whoever changes the user's MCP servers.
pub fn user_mcp_lock(config_dir: &Path) -> PathBuf {
    config_dir.join("mcp.lock")
}

/// The lock of whoever changes the user's secrets.
pub fn user_vault_lock(config_dir: &Path) -> PathBuf {
    config_dir.join("vault.lock")
}

/// The files of one plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanPaths {
    dir: PathBuf,
}

macro_rules! files {
    ($paths:ident: $($(#[$doc:meta])* $name:ident = $file:literal;)*) => {
        impl $paths {
            /// The folder itself.
            pub fn dir(&self) -> &Path {
                &self.dir
            }

            $(
                $(#[$doc])*
                pub fn $name(&self) -> PathBuf {
                    self.dir.join($file)
                }
            )*
        }
    };
}

files! { PlanPaths:
    /// The plan as it was imported.
    plan = "PLAN.md";
    /// Where it came from, and its revision.
    meta = "PLAN.meta.json";
    /// Overrides of roles for the plan's sessions.
    roles = "PLAN.roles.json";
    /// Further skills for the plan's sessions.
    skills = "PLAN.skills.json";
    /// The plan as its review changed it.
    refined = "PLAN.refined.md";
    /// The graph, with the room of each epic.
    dag = "DAG.json";
    /// Plan-level events.
    events = "events.jsonl";
    /// Which process drives the plan.
    engine = "engine.json";
    /// The lock of whoever drives the plan.
    engine_lock = "engine.lock";
    /// The engine's output when nobody watches.
    engine_log = "engine.log";
    /// What that was before it grew too long.
    engine_log_earlier = "engine.log.1";
    /// The lock of the command that is told of alerts.
    engine_alert_lock = "engine-alert.lock";
    /// What that command's guardian complained of.
    engine_alert_stderr = "engine-alert.log";
    /// Requests to the engine.
    control = "control.jsonl";
    /// What a person lets the plan use, instead of what the settings say.
    budget = "budget.json";
    /// The lock of whoever changes that.
    budget_lock = "budget.lock";
}

/// The files of one room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomPaths {
    dir: PathBuf,
}

files! { RoomPaths:
    /// The room's contract.
    config = "config.json";
    /// What is to be done, in Markdown.
    brief = "brief.md";
    /// The tasks as a check list.
    tasks = "tasks.md";
    /// The room's state machine.
    lifecycle = "lifecycle.json";
    /// The current state: a projection of the audit.
    status = "status.txt";
    /// Every transition, in order.
    audit = "lifecycle-audit.jsonl";
    /// The message log.
    channel = "channel.jsonl";
    /// How far the open attempt says it is.
    progress = "progress.json";
    /// The deliverables.
    artifacts = "artifacts";
    /// The attempts.
    attempts = "attempts";
    /// What a person set for this room only.
    settings = "settings.json";
    /// MCP servers for this room only.
    mcp = "mcp.json";
    /// Roles for this room only.
    roles = "roles";
    /// Skills for this room only.
    skills = "skills";
    /// Which of the room's files were moved into its archive.
    archived = "archived.json";
    /// The lock of whoever changes the room's state.
    lock = "room.lock";
}

impl RoomPaths {
    /// The files of attempt `number`, in `state`, by `role`.
    pub fn attempt(&self, number: u32, state: &StateName, role: &RoleRef) -> AttemptPaths {
        let role = role.to_string().replace(':', ".");
        AttemptPaths { dir: self.attempts().join(format!("{number:03}-{state}-{role}")) }
    }
}

/// The files of one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptPaths {
    dir: PathBuf,
}

impl AttemptPaths {
    /// The attempt whose folder this is.
    pub fn at(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// What quality gate `number`, counted from 1, said, as a path below the attempt's folder.
    pub fn gate_output(&self, number: usize) -> String {
        format!("gates/{number}.log")
    }

    /// The file of that output.
    pub fn gate_log(&self, number: usize) -> PathBuf {
        self.gates().join(format!("{number}.log"))
    }

    /// What the guardian of that gate complained of.
    pub fn gate_stderr(&self, number: usize) -> PathBuf {
        self.gates().join(format!("{number}.stderr.log"))
    }

    /// The number in the folder's name; `None` if the folder is no attempt's.
    pub fn number(&self) -> Option<u32> {
        self.dir.file_name()?.to_str()?.split('-').next()?.parse().ok()
    }
}

files! { AttemptPaths:
    /// Who works, until when, and how it ended.
    record = "attempt.json";
    /// The prompt as it was sent.
    prompt = "prompt.md";
    /// The MCP servers of the session, secrets masked.
    mcp = "mcp.json";
    /// The same with their secrets, for an agent that reads it from a file; it is there as long as
    /// the session is.
    private_mcp = "tmp/mcp.json";
    /// The skills of the session.
    skills = "skills";
    /// Output of quality gates.
    gates = "gates";
    /// The session's TMPDIR.
    tmp = "tmp";
    /// The session's HOME, where its agent wants one per session.
    home = "home";
    /// What the agent said and did.
    transcript = "transcript.jsonl";
    /// Every call to an own MCP server.
    tools = "tools.jsonl";
    /// The agent's standard error.
    stderr = "stderr.log";
    /// Which of these files were removed to make space.
    removed = "removed.json";
    /// The lock of the session's guardian.
    session_lock = "session.lock";
    /// The lock of the guardian of its quality gates.
    gate_lock = "gate.lock";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_is_found_from_below_but_never_in_home() {
        let home = tempfile::tempdir().unwrap();
        let home = home.path();
        let project = home.join("project");
        std::fs::create_dir_all(project.join("src/deep")).unwrap();
        for dir in [home, &project] {
            std::fs::create_dir_all(dir.join(AGENTS_DIR)).unwrap();
            crate::fs::replace_hint(&dir.join(".agents/config.json"), b"{}").unwrap();
        }
        let found = Layout::find(&project.join("src/deep"), Some(home));
        assert_eq!(found, Some(Layout::new(&project)));
        assert_eq!(Layout::find(home, Some(home)), None);
    }

    #[test]
    fn attempts_are_numbered_folders() {
        let room = Layout::new("/p").room(&RoomId::numbered(1));
        let attempt =
            room.attempt(7, &"developing".parse().unwrap(), &"engineer:fe".parse().unwrap());
        assert!(attempt.dir().ends_with("room-001/attempts/007-developing-engineer.fe"));
        assert_eq!(attempt.number(), Some(7));
    }
    #[test]
    fn places_where_skills_are_made_ready_are_known_by_their_name() {
        let dir = tempfile::tempdir().unwrap();
        let place = SkillStaging::new(dir.path(), 7);
        std::fs::create_dir(place.dir()).unwrap();
        std::fs::create_dir(dir.path().join("skills")).unwrap();
        assert_eq!(SkillStaging::list(dir.path()).unwrap(), [place]);
        assert_eq!(SkillStaging::list(&dir.path().join("none")).unwrap(), []);
    }
}
