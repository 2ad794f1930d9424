//! Programs that other people wrote, for the tests that hold ours against them: clients of the tool
//! servers, agents, and a tester of the dashboard.
//!
//! They are installed below `target/peers` from the lock files of `tests/peers`, each by the
//! package manager of its language, and only when its lock file has changed. Where a language is
//! not there, the tests that need it are left out, and that is said; continuous integration must
//! have them all.

use std::io;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};

use crate::cargo::{command, target, variable, workspace};
use crate::steps::{lack, run, skip};

/// The programs of one language or kind.
struct Peers {
    /// Their folder, below `tests/peers` and below `target/peers`.
    name: &'static str,
    /// What pins every version.
    lock: &'static str,
    /// What the package manager reads besides.
    files: &'static [&'static str],
    /// The tests that need them.
    tests: &'static [&'static str],
    /// Fails where the language is not there.
    probe: &'static [&'static str],
    advice: &'static str,
    /// The commands that install, run in the folder below `target`, which has the files.
    install: &'static [&'static [&'static str]],
}

/// How packages of Python are installed: into a folder of their own, by hash.
const PIP: &[&[&str]] = &[
    &["python3", "-m", "venv", "--clear", "venv"],
    &[
        "venv/bin/python",
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--only-binary=:all:",
        "--require-hashes",
        "--requirement=requirements.txt",
    ],
];

const PEERS: [Peers; 5] = [
    Peers {
        name: "node",
        lock: "package-lock.json",
        files: &["package.json", ".npmrc"],
        tests: &["peers::conformance::", "peers::inspector::"],
        probe: &["npm", "--version"],
        advice: "Node.js and npm are not installed",
        install: &[&["npm", "ci", "--loglevel=error"]],
    },
    Peers {
        name: "agents",
        lock: "package-lock.json",
        files: &["package.json", ".npmrc"],
        tests: &["peers::opencode::"],
        probe: &["npm", "--version"],
        advice: "Node.js and npm are not installed",
        install: &[&["npm", "ci", "--loglevel=error"]],
    },
    Peers {
        name: "gemini",
        lock: "package-lock.json",
        files: &["package.json", ".npmrc"],
        // It runs on the Node.js of the first.
        tests: &["peers::gemini::"],
        probe: &["npm", "--version"],
        advice: "Node.js and npm are not installed",
        // What is optional there is compiled, and no session needs it.
        install: &[&["npm", "ci", "--omit=optional", "--loglevel=error"]],
    },
    Peers {
        name: "python",
        lock: "requirements.txt",
        files: &[],
        tests: &["peers::python_sdk::"],
        probe: &[
            "python3",
            "-c",
            "import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 10))",
        ],
        advice: "Python 3.10 or later with its module `venv` is not installed",
        install: PIP,
    },
    Peers {
        name: "schemathesis",
        lock: "requirements.txt",
        files: &[],
        tests: &["peers::schemathesis::"],
        probe: &[
            "python3",
            "-c",
            "import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))",
        ],
        advice: "Python 3.11 or later with its module `venv` is not installed",
        install: PIP,
    },
];

/// A copy of the lock file as of the last installation that went through.
const INSTALLED: &str = "installed";

/// Installs what is not yet there; the tests that cannot run because something is missing.
///
/// # Errors
/// Something is missing in continuous integration: the code to exit with.
pub(crate) fn install() -> Result<Vec<&'static str>, ExitCode> {
    let mut left_out = Vec::new();
    for peers in &PEERS {
        if !peers.install()? {
            left_out.extend(peers.tests);
        }
    }
    Ok(left_out)
}

impl Peers {
    /// Whether they are there afterwards.
    fn install(&self) -> Result<bool, ExitCode> {
        if self.is_installed() {
            return Ok(true);
        }
        if !self.is_possible() {
            return self.do_without(self.advice);
        }
        if let Err(error) = self.prepare() {
            let folder = self.folder();
            return self.do_without(&format!("cannot write to `{}`: {error}", folder.display()));
        }
        for words in self.install {
            if run(&self.step(), &mut self.tool(words)).is_err() {
                return self.do_without("the installation failed; it needs a network");
            }
        }
        match std::fs::copy(self.wanted(), self.folder().join(INSTALLED)) {
            Ok(_) => Ok(true),
            Err(error) => self.do_without(&format!("cannot be marked as installed: {error}")),
        }
    }

    fn is_installed(&self) -> bool {
        let found = std::fs::read(self.folder().join(INSTALLED)).ok();
        found.is_some() && found == std::fs::read(self.wanted()).ok()
    }

    /// A folder with the files and without the mark, so that what is broken off is begun again.
    #[expect(clippy::disallowed_methods, reason = "this tool has no dependencies, core included")]
    fn prepare(&self) -> io::Result<()> {
        let folder = self.folder();
        std::fs::create_dir_all(&folder)?;
        match std::fs::remove_file(folder.join(INSTALLED)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        for file in self.files.iter().chain([&self.lock]) {
            std::fs::copy(self.source().join(file), folder.join(file))?;
        }
        Ok(())
    }

    fn do_without(&self, reason: &str) -> Result<bool, ExitCode> {
        if variable("CI").is_some() {
            lack(&self.step(), reason);
            return Err(ExitCode::from(6));
        }
        skip(&self.step(), &format!("{reason}; their tests are left out"));
        Ok(false)
    }

    fn step(&self) -> String {
        format!("clients of others ({})", self.name)
    }

    fn source(&self) -> PathBuf {
        workspace().join("tests").join("peers").join(self.name)
    }

    fn wanted(&self) -> PathBuf {
        self.source().join(self.lock)
    }

    fn folder(&self) -> PathBuf {
        target().join("peers").join(self.name)
    }

    fn is_possible(&self) -> bool {
        let mut probe = self.tool(self.probe);
        let probe = probe.current_dir(workspace()).stdout(Stdio::null()).stderr(Stdio::null());
        probe.status().is_ok_and(|status| status.success())
    }

    /// A command of these words in the folder; a program with a path is one of the folder.
    fn tool(&self, words: &[&str]) -> Command {
        let folder = self.folder();
        let (&program, args) = words.split_first().unwrap_or((&"", &[]));
        let mut tool = match program.contains('/') {
            true => command(folder.join(program)),
            false => command(program),
        };
        tool.args(args).current_dir(folder).stdin(Stdio::null());
        tool
    }
}
