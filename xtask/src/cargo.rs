//! Running cargo and what it has built.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Which of cargo's profiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    /// Quick to build.
    Dev,
    /// Quick to run.
    Release,
}

/// What the demo starts; each finds the others beside it.
pub(crate) const DEMO_PACKAGES: [&str; 7] = [
    "ostwin",
    "ostwin-rehearsal",
    "ostwin-mcp-warroom",
    "ostwin-mcp-memory",
    "ostwin-mcp-skills",
    "ostwin-mcp-dashboard",
    "ostwin-dashboard",
];

/// A command that runs `program`.
#[expect(clippy::disallowed_methods, reason = "this tool starts cargo and what it has built")]
pub(crate) fn command(program: impl Into<OsString>) -> Command {
    Command::new(program.into())
}

/// A variable of the environment, if it is set to something.
#[expect(clippy::disallowed_methods, reason = "this tool has no dependencies, core included")]
pub(crate) fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// The folder of the workspace.
pub(crate) fn workspace() -> &'static Path {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own)
}

/// The cargo that runs us, in the workspace, with these arguments.
pub(crate) fn cargo(args: &[&str]) -> Command {
    let mut cargo = command(variable("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(args).current_dir(workspace()).stdin(Stdio::null());
    cargo
}

/// `cargo build` of these packages.
pub(crate) fn build(packages: &[&str], profile: Profile) -> Command {
    let mut build = cargo(&["build", "--locked"]);
    if profile == Profile::Release {
        build.arg("--release");
    }
    for package in packages {
        build.args(["--package", package]);
    }
    build
}

/// Where cargo puts a binary of this profile: beside us, or in the folder next to ours.
pub(crate) fn built(bin: &str, profile: Profile) -> PathBuf {
    let folder = match profile {
        Profile::Dev => "debug",
        Profile::Release => "release",
    };
    target().join(folder).join(format!("{bin}{}", std::env::consts::EXE_SUFFIX))
}

/// The folder that everything is built in: the one we were built in ourselves.
pub(crate) fn target() -> PathBuf {
    let own = std::env::current_exe().ok();
    let target = own.as_deref().and_then(|exe| exe.parent()?.parent());
    target.map_or_else(|| workspace().join("target"), Path::to_owned)
}

/// Whether cargo knows this subcommand: `fmt`, `clippy`, `nextest` and `deny` are installed apart.
pub(crate) fn has(subcommand: &str) -> bool {
    let mut probe = cargo(&[subcommand, "--version"]);
    let probe = probe.stdout(Stdio::null()).stderr(Stdio::null());
    probe.status().is_ok_and(|status| status.success())
}
