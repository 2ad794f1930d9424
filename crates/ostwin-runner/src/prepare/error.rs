//! Why a session could not be made ready.

use std::path::PathBuf;

use ostwin_core::artifacts::ArtifactError;
use ostwin_core::fs::FsError;
use ostwin_core::jsonl::JsonlError;
use ostwin_core::plans::PlanStoreError;
use ostwin_core::room::RoomError;
use ostwin_memory::MemoryError;
use ostwin_skills::resolve::{CircleError, MissingSkills};
use ostwin_skills::stage::StageError;

use crate::agents::AgentEnvError;
use crate::mcp::McpError;
use crate::resolve::ResolveError;
use crate::roles::RoleError;

/// Why a session could not be made ready. Nothing was started.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// The role could not be found or read.
    #[error(transparent)]
    Role(#[from] RoleError),
    /// There is no agent to run it.
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    /// The environment of the agent's entry could not be filled in.
    #[error(transparent)]
    AgentEnv(#[from] AgentEnvError),
    /// Its MCP servers could not be settled.
    #[error(transparent)]
    Mcp(#[from] McpError),
    /// Skills that it would get build on each other in a circle.
    #[error(transparent)]
    SkillCircle(#[from] CircleError),
    /// Skills that are named for it cannot be had.
    #[error(transparent)]
    MissingSkills(#[from] MissingSkills),
    /// Its skills could not be copied.
    #[error(transparent)]
    Stage(#[from] StageError),
    /// An own server's program is missing.
    #[error(
        "`{program}` is neither beside this executable nor on PATH; build it (`cargo build --bin \
         {program}`), or name its folder in OSTWIN_BIN_DIR"
    )]
    NoServer {
        /// The program.
        program: String,
    },
    /// There is nothing to work in.
    #[error(
        "the working directory `{}` of room `{room}` does not exist; make it, or mend \
         `working_dir` in the plan",
        dir.display()
    )]
    NoWorkingDir {
        /// The room.
        room: String,
        /// The folder.
        dir: PathBuf,
    },
    /// The room could not be read.
    #[error(transparent)]
    Room(#[from] RoomError),
    /// The plan could not be read.
    #[error(transparent)]
    Plan(#[from] PlanStoreError),
    /// A room that this one builds on has artifacts that cannot be listed.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// A log could not be read.
    #[error(transparent)]
    Jsonl(#[from] JsonlError),
    /// The shared memory did not answer.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// A file could not be read or written.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// The prompt's contract has no JSON form.
    #[error("the prompt could not be written")]
    Prompt(#[source] serde_json::Error),
}
