//! The end of an engine, learned from the system: a process that is killed changes no file, and its
//! plan would be shown as running for ever.

use std::os::fd::OwnedFd;
use std::sync::mpsc::Sender;

use ostwin_core::board::Engine;
use ostwin_core::env;
use ostwin_core::ids::PlanId;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::boards::Note;

/// That a thread waits for the end of one process.
#[derive(Debug)]
pub(super) struct Death {
    pid: u32,
}

impl Death {
    /// Waits for the end of `engine`, unless `known` does already. Only a process of this machine
    /// can be waited for.
    pub(super) fn watch(
        known: Option<Self>,
        engine: Option<&Engine>,
        plan: &PlanId,
        tell: &Sender<Note>,
    ) -> Option<Self> {
        let engine = engine.filter(|engine| engine.alive && engine.host == env::host())?;
        if let Some(known) = known.filter(|known| known.pid == engine.pid) {
            return Some(known);
        }
        let pid = Pid::from_raw(i32::try_from(engine.pid).ok()?)?;
        let process = pidfd_open(pid, PidfdFlags::empty()).ok()?;
        let (plan, tell) = (plan.clone(), tell.clone());
        let spawned = std::thread::Builder::new().name("engine-end".to_owned()).spawn(move || {
            wait(&process);
            // Nobody to tell: the server ends.
            drop(tell.send(Note::EngineGone(plan)));
        });
        spawned.ok().map(|_| Self { pid: engine.pid })
    }
}

/// Waits until the process has ended.
fn wait(process: &OwnedFd) {
    let mut ended = [PollFd::new(process, PollFlags::IN)];
    while let Err(rustix::io::Errno::INTR) = poll(&mut ended, None) {}
}
