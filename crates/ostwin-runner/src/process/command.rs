//! Starting processes: the only place that builds a `Command`.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// A command for `program`, inheriting everything, for the caller to fill in.
#[expect(clippy::disallowed_methods, reason = "this module owns process creation")]
pub fn command(program: impl AsRef<OsStr>) -> Command {
    Command::new(program)
}

/// The same for async callers. The child is not killed when its handle is
/// dropped: whoever starts one says how it ends.
pub fn async_command(program: impl AsRef<OsStr>) -> tokio::process::Command {
    tokio::process::Command::from(command(program))
}

/// A command for an agent: no shell, exactly the environment given, all three
/// streams piped, and a process group of its own so that it can be signalled
/// together with the children that stay in it.
///
/// Returns `None` for an empty `argv`.
pub fn agent_command(
    argv: &[String],
    cwd: &Path,
    env: &BTreeMap<String, String>,
) -> Option<Command> {
    let (program, args) = argv.split_first()?;
    let mut agent = command(program);
    agent
        .args(args)
        .current_dir(cwd)
        .env_clear()
        .envs(env)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    Some(agent)
}
