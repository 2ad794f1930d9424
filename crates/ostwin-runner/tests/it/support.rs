//! What the tests share: a sandbox with a guardian, and patience.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use libtest_mimic::{Failed, Trial};
use ostwin_runner::guardian::{
    Guardian, GuardianProgram, Redact, Reservation, Running, SlotLimit, Start,
};
use tempfile::TempDir;

/// No test waits longer than this for anything. Only a failing one waits that long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A test that runs on a runtime of its own and fails if it takes too long.
pub(crate) fn trial<F>(name: &'static str, test: fn() -> F) -> Trial
where
    F: Future<Output = ()> + 'static,
{
    Trial::test(name, move || {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(Failed::from)?;
        runtime
            .block_on(async { tokio::time::timeout(PATIENCE, test()).await })
            .map_err(|_| Failed::from("it took too long"))
    })
}

/// A directory for one test, and an attempt id that no other test has.
#[derive(Debug)]
pub(crate) struct Sandbox {
    dir: TempDir,
    pub(crate) attempt: String,
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let name = dir.path().file_name().unwrap().to_string_lossy();
        let attempt = format!("att-{}", name.trim_start_matches('.'));
        Self { attempt, dir }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn slots(&self, max: u32) -> SlotLimit {
        let dir = self.path("slots");
        ostwin_core::fs::create_dirs(&dir).unwrap();
        SlotLimit { dir, max }
    }

    /// A session that runs `script` in a shell.
    pub(crate) fn shell(&self, script: &str) -> Start {
        self.start(&["/bin/sh", "-c", script])
    }

    pub(crate) fn start(&self, argv: &[&str]) -> Start {
        Start {
            argv: argv.iter().map(ToString::to_string).collect(),
            cwd: self.dir.path().to_owned(),
            env: BTreeMap::from([("PATH".to_owned(), "/usr/bin:/bin".to_owned())]),
            attempt: self.attempt.clone(),
            session_lock: self.path("session.lock"),
            session_lock_wait_ms: 0,
            stderr_log: self.path("stderr.log"),
            stderr_max_bytes: 1 << 20,
            grace_seconds: 1,
            redact: Redact::default(),
        }
    }

    pub(crate) async fn run(&self, start: &Start) -> Running {
        self.reserve(Vec::new()).await.start(start).await.unwrap()
    }

    pub(crate) async fn reserve(&self, slots: Vec<SlotLimit>) -> Guardian {
        match Guardian::reserve(&program(), slots).await.unwrap() {
            Reservation::Granted(guardian) => *guardian,
            Reservation::Full { dir } => panic!("{} is full", dir.display()),
        }
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs_err::read_to_string(self.path(name)).unwrap()
    }

    /// Waits until a process of the session has written a number to `name`.
    pub(crate) async fn pid_in(&self, name: &str) -> u32 {
        let path = self.path(name);
        until(|| read_pid(&path)).await
    }

    /// The processes that carry this sandbox's mark now.
    pub(crate) fn marked(&self) -> Vec<u32> {
        let mark = format!("OSTWIN_ATTEMPT={}", self.attempt);
        let processes = fs_err::read_dir("/proc").unwrap();
        processes
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok())
            .filter(|pid| {
                fs_err::read(format!("/proc/{pid}/environ")).is_ok_and(|environment| {
                    environment.split(|byte| *byte == 0).any(|entry| entry == mark.as_bytes())
                })
            })
            .collect()
    }
}

/// This very binary as a guardian.
pub(crate) fn program() -> GuardianProgram {
    GuardianProgram {
        program: std::env::current_exe().unwrap(),
        args: Vec::new(),
        env: vec![(crate::AS_GUARDIAN.to_owned(), "1".to_owned())],
    }
}

fn read_pid(path: &Path) -> Option<u32> {
    let text = fs_err::read_to_string(path).ok()?;
    text.strip_suffix('\n')?.trim().parse().ok()
}

/// Asks again and again until there is an answer: for what no event announces.
pub(crate) async fn until<T>(mut ask: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(started.elapsed() < PATIENCE, "it never came about");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
