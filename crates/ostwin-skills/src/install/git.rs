//! The files of a commit of a Git repository, by the program `git`.
//!
//! Nothing is checked out: Git fetches one commit into a bare repository of its own, and the files
//! are read out of that, so that no attribute, filter, hook, submodule or link of the repository
//! has any effect. Fetching uses the person's own settings, because credentials and proxies are
//! there; reading uses none.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use ostwin_core::env;
use ostwin_core::fs::{self, FsError};
use ostwin_core::ids::SkillPath;
use ostwin_core::store::Durability;
use rustix::process::{Pid, Signal, kill_process_group};

use super::Pause;
use super::source::{Scheme, Url};
use super::tree::{Growing, Refusal, Tree, is_wanted, printable, skill_folder};
use crate::place::{MAX_FILES, MAX_TOTAL_BYTES};

/// Longest time for Git to fetch a commit.
const TIMEOUT: Duration = Duration::from_secs(300);
/// How often a running Git is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Most bytes that a commit may take in its packed form.
const MAX_PACK_BYTES: u64 = 512 << 20;
/// Longest list of a commit's files.
const MAX_LIST_BYTES: u64 = 64 << 20;
/// Longest text of Git about what went wrong.
const MAX_COMPLAINT_BYTES: u64 = 64 << 10;

/// Settings that hold for every call, whatever a person's own say.
const SETTINGS: [&str; 11] = [
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "protocol.ext.allow=never",
    "gc.auto=0",
    "maintenance.auto=false",
    // One pack, whose size can be watched, and every object in it checked.
    "fetch.unpackLimit=1",
    "fetch.fsckObjects=true",
    "fetch.recurseSubmodules=false",
    // A server that says nothing ends it, also when nobody is left to do that.
    "http.lowSpeedLimit=1000",
    "http.lowSpeedTime=60",
    "advice.detachedHead=false",
];

/// Why a repository's files were not read.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// There is no Git.
    #[error("the program `git` is not installed or not on PATH; install it, or use an archive")]
    NoGit,
    /// Git could not be started or talked to.
    #[error("cannot run `git`")]
    Run(#[source] std::io::Error),
    /// Git refused.
    #[error("git cannot fetch {}: {complaint}", wanted_words(url, rev.as_deref()))]
    Fetch {
        /// The repository.
        url: String,
        /// What was wanted of it.
        rev: Option<String>,
        /// What Git said.
        complaint: String,
    },
    /// Git fetched something that it then could not read.
    #[error("git cannot read what it fetched from `{url}`: {complaint}")]
    Read {
        /// The repository.
        url: String,
        /// What went wrong.
        complaint: String,
    },
    /// It took too long.
    #[error("git was ended after {} seconds without having fetched `{url}`", TIMEOUT.as_secs())]
    Timeout {
        /// The repository.
        url: String,
    },
    /// It is too large.
    #[error(
        "`{url}` is larger than {} MiB, which is too large to fetch for a skill; use an archive of \
         the skill alone",
        MAX_PACK_BYTES >> 20
    )]
    TooLarge {
        /// The repository.
        url: String,
    },
    /// Nobody waits for it any more.
    #[error("git was ended, because nobody waits for `{url}` any more")]
    GivenUp {
        /// The repository.
        url: String,
    },
    /// What the commit holds is no skill.
    #[error("`{url}` is not installed: {refusal}")]
    Refused {
        /// The repository.
        url: String,
        /// What is wrong.
        refusal: Refusal,
    },
    /// The system refused.
    #[error(transparent)]
    Fs(#[from] FsError),
}

fn wanted_words(url: &str, rev: Option<&str>) -> String {
    match rev {
        Some(rev) => format!("`{rev}` of `{url}` (a branch, a tag, or a whole commit id)"),
        None => format!("`{url}`"),
    }
}

/// A commit's files.
#[derive(Debug)]
pub(super) struct Commit {
    /// The commit's id.
    pub(super) id: String,
    /// The skill in it.
    pub(super) tree: Tree,
}

/// Fetches a commit into `dir`, which does not exist yet, and reads the skill in it.
///
/// # Errors
/// [`GitError`].
pub(super) fn read_commit(
    url: &Url,
    rev: Option<&str>,
    subdir: Option<&SkillPath>,
    dir: &Path,
    pause: Pause,
) -> Result<Commit, GitError> {
    let git = Git { url, dir, pause, until: Instant::now() + TIMEOUT };
    git.fetch(rev)?;
    let id = git.read(&["rev-parse", "--verify", "FETCH_HEAD^{commit}"], None, 1024)?;
    let id = String::from_utf8_lossy(&id).trim().to_owned();
    let refused = |refusal| GitError::Refused { url: url.to_string(), refusal };
    let list = ["ls-tree", "-r", "-z", "--long", "--full-tree", &id];
    let list = git.read(&list, None, MAX_LIST_BYTES)?;
    let entries = Entry::list(&list).ok_or_else(|| git.unexpected("its list of files"))?;
    let wanted = select(&entries, subdir).map_err(refused)?;
    let ids: String = wanted.iter().map(|(_, entry)| format!("{}\n", entry.id)).collect();
    let asked = dir.join("wanted");
    fs::create_file(&asked, ids.as_bytes(), false, Durability::Os)?;
    // Each file comes behind a line that names it.
    let limit = MAX_TOTAL_BYTES + u64::try_from(MAX_FILES * 100).unwrap_or(u64::MAX);
    let contents = git.read(&["cat-file", "--batch"], Some(&asked), limit)?;
    let mut growing = Growing::new(None);
    let mut rest = contents.as_slice();
    for (name, entry) in wanted {
        let (content, behind) =
            entry.content(rest).ok_or_else(|| git.unexpected("the content of a file"))?;
        growing.file(name, entry.mode == "100755", content).map_err(refused)?;
        rest = behind;
    }
    Ok(Commit { id, tree: growing.finish().map_err(refused)? })
}

/// One line of a commit's list of files.
#[derive(Debug, PartialEq, Eq)]
struct Entry<'l> {
    mode: &'l str,
    id: &'l str,
    bytes: u64,
    path: &'l [u8],
}

impl<'l> Entry<'l> {
    /// `<mode> <type> <id> <size>\t<path>\0`, as often as there are files.
    fn list(list: &'l [u8]) -> Option<Vec<Self>> {
        let lines = list.split(|byte| *byte == 0).filter(|line| !line.is_empty());
        lines.map(Self::read).collect()
    }

    fn read(line: &'l [u8]) -> Option<Self> {
        let tab = line.iter().position(|byte| *byte == b'\t')?;
        let mut words = std::str::from_utf8(&line[..tab]).ok()?.split_ascii_whitespace();
        let (mode, _type, id) = (words.next()?, words.next()?, words.next()?);
        // Submodules have no size.
        let bytes = words.next()?.parse().unwrap_or(0);
        Some(Self { mode, id, bytes, path: &line[tab + 1..] })
    }

    /// This file's content at the start of what `cat-file` wrote, and what is behind it.
    fn content(&self, written: &'l [u8]) -> Option<(&'l [u8], &'l [u8])> {
        let line = format!("{} blob {}\n", self.id, self.bytes);
        let rest = written.strip_prefix(line.as_bytes())?;
        let (content, rest) = rest.split_at_checked(usize::try_from(self.bytes).ok()?)?;
        Some((content, rest.strip_prefix(b"\n")?))
    }
}

/// The files of the skill in a commit, each with its path in the skill: links, submodules, too
/// many and too large ones are refused before anything is read.
fn select<'e>(
    entries: &'e [Entry<'e>],
    subdir: Option<&SkillPath>,
) -> Result<Vec<(&'e [u8], &'e Entry<'e>)>, Refusal> {
    let paths = entries.iter().filter_map(|entry| std::str::from_utf8(entry.path).ok());
    let folder = skill_folder(paths.filter(|path| is_wanted(path, subdir)), subdir)?;
    let mut wanted = Vec::new();
    let mut bytes = 0_u64;
    for entry in entries {
        let path = match folder.as_str() {
            "" => Some(entry.path),
            folder => entry.path.strip_prefix(folder.as_bytes()).and_then(|p| p.strip_prefix(b"/")),
        };
        let Some(path) = path else { continue };
        // Files with a leading dot are no part of a skill: whatever they are, they stay behind.
        if path.starts_with(b".") || path.windows(2).any(|pair| pair == b"/.") {
            continue;
        }
        match entry.mode {
            "100644" | "100755" | "100664" => {}
            "120000" => return Err(Refusal::kind(path, "a link")),
            "160000" => return Err(Refusal::kind(path, "a submodule")),
            _ => return Err(Refusal::kind(path, "of an unknown kind")),
        }
        bytes = bytes.saturating_add(entry.bytes);
        wanted.push((path, entry));
    }
    if wanted.len() > MAX_FILES {
        return Err(Refusal::TooMany);
    }
    if bytes > MAX_TOTAL_BYTES {
        return Err(Refusal::TooLarge);
    }
    Ok(wanted)
}

/// One conversation with Git about one repository.
struct Git<'a> {
    url: &'a Url,
    dir: &'a Path,
    pause: Pause<'a>,
    until: Instant,
}

impl Git<'_> {
    /// Fetches one commit into a new bare repository.
    fn fetch(&self, rev: Option<&str>) -> Result<(), GitError> {
        let mut init = command(&["init", "--bare", "--quiet", "--template="]);
        init.arg(self.dir);
        let complain = |complaint: String| GitError::Fetch {
            url: self.url.to_string(),
            rev: rev.map(str::to_owned),
            complaint,
        };
        self.run(init, 1024)?.map_err(complain)?;
        let mut fetch = self.inside(&[
            "fetch",
            "--quiet",
            "--depth=1",
            "--no-tags",
            "--no-recurse-submodules",
            "--no-write-commit-graph",
            "--",
        ]);
        fetch.arg(self.url.as_str()).arg(rev.unwrap_or("HEAD"));
        fetch.env("GIT_ALLOW_PROTOCOL", allowed(self.url.scheme()));
        if env::var_os("GIT_SSH_COMMAND").is_none() {
            fetch.env(
                "GIT_SSH_COMMAND",
                "ssh -oBatchMode=yes -oConnectTimeout=20 -oServerAliveInterval=20",
            );
        }
        self.run(fetch, 1024)?.map_err(complain)?;
        Ok(())
    }

    /// Reads from the fetched repository: what Git wrote, at most `limit` bytes.
    fn read(&self, args: &[&str], input: Option<&Path>, limit: u64) -> Result<Vec<u8>, GitError> {
        let mut command = self.inside(args);
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        command.env("GIT_ALLOW_PROTOCOL", "none").env("GIT_NO_LAZY_FETCH", "1");
        if let Some(input) = input {
            let file = File::open(input).map_err(|error| FsError::new("read", input, error))?;
            command.stdin(file);
        }
        let complain = |complaint| GitError::Read { url: self.url.to_string(), complaint };
        self.run(command, limit)?.map_err(complain)
    }

    fn inside(&self, args: &[&str]) -> Command {
        let mut git_dir = std::ffi::OsString::from("--git-dir=");
        git_dir.push(self.dir);
        command(
            &[git_dir.as_os_str()]
                .into_iter()
                .chain(args.iter().map(OsStr::new))
                .collect::<Vec<_>>(),
        )
    }

    fn unexpected(&self, what: &str) -> GitError {
        let complaint = format!("{what} is not written as expected");
        GitError::Read { url: self.url.to_string(), complaint }
    }

    /// Runs Git to its end: what it wrote, or what it complained of.
    fn run(&self, mut command: Command, limit: u64) -> Result<Result<Vec<u8>, String>, GitError> {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => GitError::NoGit,
            _ => GitError::Run(error),
        })?;
        let written = reader(child.stdout.take(), limit);
        let complained = reader(child.stderr.take(), MAX_COMPLAINT_BYTES);
        let status = match self.attend(&mut child) {
            Ok(status) => status,
            Err(error) => {
                end(&mut child);
                return Err(error);
            }
        };
        let (Ok(written), Ok(complained)) = (written.join(), complained.join()) else {
            return Err(GitError::Run(std::io::Error::other("what it wrote was lost")));
        };
        if status.success() {
            return Ok(Ok(written));
        }
        Ok(Err(complaint(&complained, status)))
    }

    /// Waits for the end of Git as long as that makes sense.
    fn attend(&self, child: &mut Child) -> Result<ExitStatus, GitError> {
        let url = || self.url.to_string();
        loop {
            if let Some(status) = child.try_wait().map_err(GitError::Run)? {
                return Ok(status);
            }
            if Instant::now() > self.until {
                return Err(GitError::Timeout { url: url() });
            }
            if size_of(&self.dir.join("objects").join("pack")) > MAX_PACK_BYTES {
                return Err(GitError::TooLarge { url: url() });
            }
            if !(self.pause)(LOOK_EVERY) {
                return Err(GitError::GivenUp { url: url() });
            }
        }
    }
}

/// Git without a terminal, without the caller's repository, and with our settings.
#[expect(clippy::disallowed_methods, reason = "this module owns the calls of `git`")]
fn command(args: &[impl AsRef<OsStr>]) -> Command {
    let mut command = Command::new("git");
    for setting in SETTINGS {
        command.arg("-c").arg(setting);
    }
    command.args(args).stdin(Stdio::null()).process_group(0);
    // Inside a hook, variables name the repository that the hook is of.
    let foreign = |name: &str| name.starts_with("GIT_") && !name.starts_with("GIT_SSH");
    for (name, _) in env::vars() {
        if foreign(&name) {
            command.env_remove(name);
        }
    }
    command
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_ASKPASS", "true")
        .env("SSH_ASKPASS_REQUIRE", "never")
        .env("GIT_LFS_SKIP_SMUDGE", "1")
        .env("LC_ALL", "C");
    command
}

/// The ways by which Git may fetch: that of the address, and those that a person's own settings
/// may put in its place.
fn allowed(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::Https | Scheme::Ssh => "https:ssh",
        Scheme::Http => "http",
        Scheme::File => "file",
    }
}

/// Reads a pipe on a thread of its own, so that Git never waits for us. What is beyond `limit` is
/// not read: Git ends over it.
fn reader(
    pipe: Option<impl Read + Send + 'static>,
    limit: u64,
) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(pipe) = pipe {
            // What was read until an error is what there is.
            drop(pipe.take(limit).read_to_end(&mut bytes));
        }
        bytes
    })
}

/// Ends Git and its helpers, which are in a process group of their own.
fn end(child: &mut Child) {
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    if let Some(group) = group {
        // One that has ended in between is what is wanted.
        let _ = kill_process_group(group, Signal::KILL);
    }
    drop(child.wait());
}

/// The last lines that Git wrote about its failure.
fn complaint(written: &[u8], status: ExitStatus) -> String {
    let text = String::from_utf8_lossy(written);
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let last = &lines[lines.len().saturating_sub(3)..];
    if last.is_empty() {
        return format!("it ended with {status}");
    }
    printable(last.join("; ").as_bytes())
}

/// The bytes of the files in a folder.
fn size_of(dir: &Path) -> u64 {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.metadata().ok()).map(|metadata| metadata.len()).sum()
}
