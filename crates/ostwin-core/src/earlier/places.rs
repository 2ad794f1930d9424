//! Where the earlier program kept what.

use std::path::{Path, PathBuf};

use crate::fs::FsError;
use crate::layout::AGENTS_DIR;

/// What the command of a tool server that came with the earlier program has in its path.
pub const OWN_SERVERS: &str = ".agents/mcp/";

/// The files of a project of the earlier program.
#[derive(Clone, Debug)]
pub(super) struct Places {
    root: PathBuf,
}

impl Places {
    pub(super) fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    fn agents(&self) -> PathBuf {
        self.root.join(AGENTS_DIR)
    }

    /// The folders of rooms, the usual one first; the other is that of its first versions.
    pub(super) fn rooms(&self) -> [PathBuf; 2] {
        [self.root.join(".war-rooms"), self.agents().join("war-rooms")]
    }

    /// The folders of plans, the usual one first; `plan create` wrote into the other.
    pub(super) fn plans(&self) -> [PathBuf; 2] {
        [self.agents().join("plans"), self.root.join("plans")]
    }

    pub(super) fn ledgers(&self) -> [PathBuf; 2] {
        [self.agents().join("memory").join("ledger.jsonl"), self.agents().join("ledger.jsonl")]
    }

    pub(super) fn roles(&self) -> PathBuf {
        self.agents().join("roles")
    }

    pub(super) fn skills(&self) -> PathBuf {
        self.agents().join("skills")
    }

    /// The files of tool servers, the newer first.
    pub(super) fn mcp(&self) -> [PathBuf; 2] {
        let dir = self.agents().join("mcp");
        [dir.join("config.json"), dir.join("mcp-config.json")]
    }

    pub(super) fn settings(&self) -> PathBuf {
        self.agents().join("config.json")
    }
}

/// What is beside the text of a plan.
pub(super) fn plan_meta(plan: &Path) -> PathBuf {
    plan.with_extension("meta.json")
}

/// The files of one room.
#[derive(Clone, Debug)]
pub(super) struct RoomPlaces {
    pub(super) dir: PathBuf,
}

impl RoomPlaces {
    pub(super) fn config(&self) -> PathBuf {
        self.dir.join("config.json")
    }

    pub(super) fn status(&self) -> PathBuf {
        self.dir.join("status")
    }

    pub(super) fn task_ref(&self) -> PathBuf {
        self.dir.join("task-ref")
    }

    pub(super) fn retries(&self) -> PathBuf {
        self.dir.join("retries")
    }

    pub(super) fn tasks(&self) -> PathBuf {
        self.dir.join("TASKS.md")
    }

    pub(super) fn channel(&self) -> PathBuf {
        self.dir.join("channel.jsonl")
    }

    pub(super) fn artifacts(&self) -> PathBuf {
        self.dir.join("artifacts")
    }

    /// Whether a folder is a room: it has one of the files by which the earlier program knew one.
    pub(super) fn is_room(&self) -> bool {
        [self.config(), self.status(), self.task_ref()].iter().any(|file| file.is_file())
    }

    /// What a room has that nothing here corresponds to: notes of processes, copies of settings for
    /// each role, scratch of agents, reports of its own checks.
    pub(super) fn without_counterpart(&self) -> Result<Vec<String>, FsError> {
        const KNOWN: [&str; 19] = [
            "config.json",
            "status",
            "task-ref",
            "retries",
            "TASKS.md",
            "channel.jsonl",
            "artifacts",
            "brief.md",
            "lifecycle.json",
            "lifecycle.md",
            "audit.log",
            "state_changed_at",
            "done_epoch",
            "pids",
            "progress.json",
            "channel.jsonl.lock",
            "redesigns",
            "status.lock",
            "DAG.json",
        ];
        let of_role = |name: &str| {
            let stem = name.strip_suffix(".json").and_then(|stem| stem.rsplit_once('_'));
            stem.is_some_and(|(_, number)| number.bytes().all(|byte| byte.is_ascii_digit()))
        };
        let mut names = names_in(&self.dir)?;
        names.retain(|name| !KNOWN.contains(&name.as_str()) && !of_role(name));
        names.retain(|name| {
            let inner = self.dir.join(name);
            !inner.is_dir() || names_in(&inner).is_ok_and(|inner| !inner.is_empty())
        });
        Ok(names)
    }
}

/// The names in a folder, sorted; none if there is no such folder.
pub(super) fn names_in(dir: &Path) -> Result<Vec<String>, FsError> {
    let failed = |error| FsError::new("list", dir, error);
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        names.extend(entry.map_err(failed)?.file_name().into_string());
    }
    names.sort();
    Ok(names)
}
