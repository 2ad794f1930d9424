//! A process that doesn't want to go: what the step `fork` leaves behind.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::Context as _;

/// Starts a copy of this program that leaves the session and ignores SIGTERM.
pub(crate) fn spawn(seconds: u64, keep_mark: bool, hold_output: bool) -> anyhow::Result<u32> {
    let mut stray = tokio::process::Command::new(this_program()?);
    stray
        .args(["stray", "--seconds", &seconds.to_string()])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .stdout(if hold_output { Stdio::inherit() } else { Stdio::null() });
    if !keep_mark {
        stray.env_remove(ostwin_core::env::ATTEMPT);
    }
    let child = stray.spawn().context("cannot start a stray")?;
    child.id().context("the stray ended at once")
}

/// What the copy does: a session of its own, deaf to polite signals, for so long.
pub(crate) fn live(seconds: u64) -> anyhow::Result<()> {
    // It fails only for the leader of a group, which is apart already.
    let _ = rustix::process::setsid();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        deafen()?;
        let end = Instant::now() + Duration::from_secs(seconds);
        tokio::time::sleep_until(end.into()).await;
        Ok(())
    })
}

/// From now on the polite signals do nothing to this process.
pub(crate) fn deafen() -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    for kind in [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()] {
        // The handler stays for good, also without a listener.
        drop(signal(kind).context("cannot ignore a signal")?);
    }
    Ok(())
}

fn this_program() -> anyhow::Result<PathBuf> {
    std::env::current_exe().context("cannot find this program")
}
