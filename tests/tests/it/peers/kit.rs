//! The servers as the peers are told of them, and the programs of the peers.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use ostwin_testkit::{Finished, Process, bin};
use serde_json::Value;

use crate::mcp::client::Table;

/// Longest time that a peer may take, on a slow and busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A server, and two calls that a seat in a fresh room can make.
pub(super) struct Server {
    pub(super) program: &'static str,
    /// What it calls itself.
    pub(super) name: &'static str,
    pub(super) resources: bool,
    pub(super) prompts: bool,
    /// A tool that answers, its arguments, and the fields of its answer in alphabetical order.
    pub(super) answered: (&'static str, &'static str, &'static [&'static str]),
    /// A tool that refuses, its arguments, and the code.
    pub(super) refused: (&'static str, &'static str, &'static str),
}

pub(super) const MEMORY: Server = Server {
    program: "ostwin-mcp-memory",
    name: "ostwin-memory",
    resources: false,
    prompts: false,
    answered: ("query", "{}", &["memories", "next_cursor", "skipped_lines"]),
    refused: (
        "publish",
        r#"{"kind":"code","summary":"s","tags":["t"],"supersedes":"mem-00000000000000000000000000"}"#,
        "invalid_argument",
    ),
};

pub(super) const WARROOM: Server = Server {
    program: "ostwin-mcp-warroom",
    name: "ostwin-warroom",
    resources: true,
    prompts: true,
    answered: ("list_artifacts", "{}", &["artifacts", "next_cursor", "unreadable"]),
    refused: ("post_message", r#"{"to":"qa","type":"pass","body":"b"}"#, "forbidden"),
};

pub(super) const DASHBOARD: Server = Server {
    program: "ostwin-mcp-dashboard",
    name: "ostwin-dashboard",
    resources: true,
    prompts: false,
    answered: ("list_rooms", "{}", &["next_cursor", "problems", "rooms"]),
    refused: ("get_room_state", r#"{"room_id":"room-404"}"#, "not_found"),
};

pub(super) const SKILLS: Server = Server {
    program: "ostwin-mcp-skills",
    name: "ostwin-skills",
    resources: true,
    prompts: false,
    answered: ("search_skills", r#"{"query":"review"}"#, &["more", "problems", "skills"]),
    refused: ("load_skill", r#"{"name":"no-such-skill"}"#, "not_found"),
};

/// One test for each server: `check` gets it.
macro_rules! every_server {
    ($check:ident) => {
        #[test]
        fn memory() {
            $check(&super::kit::MEMORY);
        }
        #[test]
        fn warroom() {
            $check(&super::kit::WARROOM);
        }
        #[test]
        fn dashboard() {
            $check(&super::kit::DASHBOARD);
        }
        #[test]
        fn skills() {
            $check(&super::kit::SKILLS);
        }
    };
}
pub(super) use every_server;

/// A room at work, with an engineer's seat at one server.
pub(super) struct Seat {
    table: Table,
    pub(super) command: Vec<String>,
}

impl Seat {
    pub(super) fn at(server: &Server) -> Self {
        let (table, attempt) = Table::at_work();
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        let mut command = vec![text(&bin(server.program).unwrap())];
        for (option, value) in [
            ("--project", text(table.project.root())),
            ("--room", table.room.id().to_string()),
            ("--role", "engineer".to_owned()),
            ("--attempt", attempt.record.id.to_string()),
        ] {
            command.extend([option.to_owned(), value]);
        }
        Self { table, command }
    }

    /// A file of the room's project that no test has written yet.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.table.project.root().join(name)
    }

    /// A command in the environment of the project.
    #[expect(
        clippy::disallowed_methods,
        reason = "the clients are started as a person would start them"
    )]
    pub(super) fn program(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        let project = &self.table.project;
        command.env_clear().envs(project.env()).current_dir(project.root());
        command
    }

    /// A command that runs a script of Node.js with the version that the peers were written for.
    pub(super) fn node(&self, script: &Path) -> Command {
        let mut command = self.program(&node_program());
        command.arg(script);
        command
    }

    /// A script of one of the packages of Node.js.
    pub(super) fn node_package(&self, name: &str) -> Command {
        let folder = installed("node", "package-lock.json").join("node_modules/.bin");
        self.node(&folder.join(name))
    }

    /// A command that runs a script with the packages of Python.
    pub(super) fn python(&self, script: &Path) -> Command {
        let python = installed("python", "requirements.txt").join("venv/bin/python");
        let mut command = self.program(&python);
        command.arg(script);
        command
    }
}

/// Node.js, in the version that the peers were written for.
pub(super) fn node_program() -> PathBuf {
    let own = installed("node", "package-lock.json").join("node_modules/.bin/node");
    // For some systems there is no such package: then it is up to whoever runs the tests.
    if own.exists() { own } else { "node".into() }
}

/// A file of this workspace's side of the peers.
pub(super) fn source(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers").join(path)
}

/// Where `cargo xtask peers` has put them.
pub(super) fn installed(name: &str, lock: &str) -> PathBuf {
    let built = bin("ostwin").unwrap();
    let folder = built.parent().and_then(Path::parent).unwrap().join("peers").join(name);
    let found = std::fs::read(folder.join("installed")).ok();
    let wanted = std::fs::read(source(name).join(lock)).ok();
    assert!(
        found.is_some() && found == wanted,
        "the clients in `{}` are not there or not those of the lock file: run `cargo xtask peers`",
        folder.display()
    );
    folder
}

/// Runs a peer to its end.
pub(super) fn finish(command: &mut Command) -> Finished {
    Process::finish(command, PATIENCE).unwrap()
}

/// Runs a peer that must succeed, and gives what it printed.
pub(super) fn succeed(command: &mut Command) -> Finished {
    let finished = finish(command);
    assert!(finished.status.success(), "{command:?}: {finished:#?}");
    finished
}

pub(super) fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in `{text}`"))
}
