//! The environment, read in one place.
//!
//! Code that decides takes values; only the edge asks this module.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// The project's root, instead of the search upwards from the working directory.
pub const PROJECT: &str = "OSTWIN_PROJECT";
/// The folder in which the project's own binaries are looked for first.
pub const BIN_DIR: &str = "OSTWIN_BIN_DIR";
/// The mark that every process of an agent session carries: the attempt's id.
pub const ATTEMPT: &str = "OSTWIN_ATTEMPT";
/// The room of an agent session, for scripts inside it.
pub const ROOM: &str = "OSTWIN_ROOM";
/// The role of an agent session, for scripts inside it.
pub const ROLE: &str = "OSTWIN_ROLE";
/// The plan of an agent session's room.
pub const PLAN: &str = "OSTWIN_PLAN";
/// The key of the service that turns text into vectors, if it wants one.
pub const EMBEDDING_KEY: &str = "OSTWIN_EMBEDDING_KEY";
/// The file with the identity that opens encrypted vaults.
pub const VAULT_IDENTITY: &str = "OSTWIN_VAULT_IDENTITY";
/// The secret values of an agent session, as a JSON object by name: handed to the session's own tool
/// servers, which replace them in everything that they record.
pub const SECRETS: &str = "OSTWIN_SECRETS";
/// Name of the crash point at which a debug build aborts, `:n` for the n-th time it is reached.
pub const FAIL: &str = "OSTWIN_FAIL";

/// One variable that the programs read or set: a line of the reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// What it means, in one sentence.
    pub meaning: &'static str,
}

/// What a person may set. Any setting can be given by a variable too.
pub const FOR_PEOPLE: &[Variable] = &[
    Variable { name: PROJECT, meaning: "the project's root, instead of the search upwards" },
    Variable {
        name: BIN_DIR,
        meaning: "the folder in which the sibling programs are looked for first",
    },
    Variable {
        name: EMBEDDING_KEY,
        meaning: "the key of the service that turns text into vectors (`memory.embedding.url`)",
    },
    Variable {
        name: VAULT_IDENTITY,
        meaning: "the file with the identity that opens encrypted vaults (`ostwin vault encrypt`)",
    },
    Variable {
        name: "XDG_CONFIG_HOME",
        meaning: "your own settings are in `ostwin/` below it; without it, below `~/.config`",
    },
    Variable { name: "NO_COLOR", meaning: "no colours, whatever the value, if it is not empty" },
    Variable {
        name: "RUST_LOG",
        meaning: "what is logged, for example `ostwin_engine=debug`; stronger than `-v` and `-q`",
    },
];

/// What a session finds in its environment, for scripts inside it.
pub const IN_SESSIONS: &[Variable] = &[
    Variable {
        name: ATTEMPT,
        meaning: "the attempt's id, which every process of the session carries",
    },
    Variable { name: ROLE, meaning: "the role of the session, with its instance" },
    Variable {
        name: SECRETS,
        meaning: "the session's secret values, which are not to be recorded; in its own tool \
                  servers",
    },
    Variable { name: PROJECT, meaning: "the project's root; in sessions without tool servers" },
    Variable { name: ROOM, meaning: "the room of the session; in sessions without tool servers" },
    Variable {
        name: "OSTWIN_BIN",
        meaning: "the program `ostwin`, to post with; in sessions without tool servers",
    },
];

/// The value of one variable, if it is set and is UTF-8.
#[expect(clippy::disallowed_methods, reason = "this module owns the environment")]
pub fn var(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The value of one variable as the system gives it.
#[expect(clippy::disallowed_methods, reason = "this module owns the environment")]
pub fn var_os(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

/// Every variable whose name and value are UTF-8.
pub fn vars() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// The user's home directory, if one is set.
pub fn home() -> Option<PathBuf> {
    var_os("HOME").filter(|home| !home.is_empty()).map(PathBuf::from)
}

/// The user's configuration directory: `$XDG_CONFIG_HOME/ostwin`, else `~/.config/ostwin`.
pub fn config_dir() -> Option<PathBuf> {
    let base = match var_os("XDG_CONFIG_HOME").filter(|dir| !dir.is_empty()) {
        Some(dir) => PathBuf::from(dir),
        None => home()?.join(".config"),
    };
    Some(base.join("ostwin"))
}

/// This machine's name, as written into files that name a process.
pub fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// The kernel's id of this boot: a process of another boot is gone.
pub fn boot_id() -> String {
    static BOOT_ID: OnceLock<String> = OnceLock::new();
    BOOT_ID
        .get_or_init(|| {
            fs_err::read_to_string("/proc/sys/kernel/random/boot_id")
                .map(|id| id.trim().to_owned())
                .unwrap_or_default()
        })
        .clone()
}

/// Aborts the process if this is a debug build and [`FAIL`] names `point`: the crash matrix of the
/// tests walks these points one by one. `after_rename` means the first time that the point is
/// reached, `after_rename:3` the third.
pub fn crash_point(point: &str) {
    if cfg!(debug_assertions) {
        static FAIL_AT: OnceLock<Option<(String, u64)>> = OnceLock::new();
        static REACHED: AtomicU64 = AtomicU64::new(0);
        let fail_at = FAIL_AT.get_or_init(|| {
            let text = var(FAIL)?;
            Some(match text.split_once(':') {
                Some((name, time)) => (name.to_owned(), time.parse().ok()?),
                None => (text, 1),
            })
        });
        if let Some((name, time)) = fail_at
            && name == point
            && REACHED.fetch_add(1, Ordering::Relaxed) + 1 == *time
        {
            std::process::abort();
        }
    }
}
