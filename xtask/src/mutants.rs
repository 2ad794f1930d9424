//! The mutation check: takes out one safeguard after the other, and sees that the simulation notices.
//!
//! All mutations are put into a copy of the sources at once, each behind a question for its name,
//! so that one build serves them all. The table below is the whole of what is tried: the exact text
//! in the sources, and what stands in its place.

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::time::Instant;

use crate::cargo::{command, target, variable, workspace};
use crate::steps::say;

/// By which the copy is told which mutation it has.
const VARIABLE: &str = "OSTWIN_MUTANT";
/// In a replacement: whether the mutation is on.
const ASKED: &str = "MUTANT";
/// How many seeds are played against each mutation.
const PLANS: &str = "400";

struct Mutation {
    name: &'static str,
    file: &'static str,
    text: &'static str,
    instead: &'static str,
}

const MUTATIONS: &[Mutation] = &[
    Mutation {
        name: "room-lock-not-taken",
        file: "crates/ostwin-core/src/room/mod.rs",
        text: "        lock::exclusive(&self.paths.lock(), patience, || {
            let mut locked = LockedRoom::new(self)?;
            locked.finish_transition()?;
            section(&mut locked)
        })
",
        instead: "        let work = || {
            let mut locked = LockedRoom::new(self)?;
            locked.finish_transition()?;
            section(&mut locked)
        };
        if MUTANT {
            return work();
        }
        lock::exclusive(&self.paths.lock(), patience, work)
",
    },
    Mutation {
        name: "append-lock-not-taken",
        file: "crates/ostwin-core/src/jsonl.rs",
        text: "        let outcome = lock::locked(path, file, store.lock_timeout, |file| {
            let Some(length) = current_length(path, file)? else { return Ok(None) };
            let Some(make) = make.take() else { return Ok(None) };
            append_locked(store.durability, path, file, length, make).map(Some)
        })??;
",
        instead: "        let mut section = |file: &mut File| {
            let Some(length) = current_length(path, file)? else { return Ok(None) };
            let Some(make) = make.take() else { return Ok(None) };
            append_locked(store.durability, path, file, length, make).map(Some)
        };
        let outcome = if MUTANT {
            let mut file = file;
            section(&mut file)?
        } else {
            lock::locked(path, file, store.lock_timeout, section)??
        };
",
    },
    Mutation {
        name: "status-before-audit",
        file: "crates/ostwin-core/src/room/locked.rs",
        text: "        let (entry, _) = jsonl::append(store, &self.room.paths().audit(), |seq| AuditEntry {
",
        instead: "        if MUTANT {
            let line = status_line(&to);
            fs::replace_record(&self.room.paths().status(), line.as_bytes(), store.durability)?;
        }
        let (entry, _) = jsonl::append(store, &self.room.paths().audit(), |seq| AuditEntry {
",
    },
    Mutation {
        name: "half-a-transition-left",
        file: "crates/ostwin-core/src/room/mod.rs",
        text: "            locked.finish_transition()?;
",
        instead: "            if !MUTANT {
                locked.finish_transition()?;
            }
",
    },
    Mutation {
        name: "no-sync-before-rename",
        file: "crates/ostwin-core/src/fs.rs",
        text: "    if sync {
        file.as_file().sync_all()",
        instead: "    if sync && !MUTANT {
        file.as_file().sync_all()",
    },
    Mutation {
        name: "no-sync-of-folder",
        file: "crates/ostwin-core/src/fs.rs",
        text: "    crash_point(\"after_rename\");
    if sync {
",
        instead: "    crash_point(\"after_rename\");
    if sync && !MUTANT {
",
    },
    Mutation {
        name: "attempt-folder-not-synced",
        file: "crates/ostwin-core/src/room/locked.rs",
        text: "        if store.durability == Durability::Sync {
            // Without its name",
        instead: "        if store.durability == Durability::Sync && !MUTANT {
            // Without its name",
    },
    Mutation {
        name: "new-room-not-synced",
        file: "crates/ostwin-core/src/room/create.rs",
        text: "        sync_all(paths)?;
",
        instead: "        if !MUTANT {
            sync_all(paths)?;
        }
",
    },
    Mutation {
        name: "no-sync-after-append",
        file: "crates/ostwin-core/src/jsonl.rs",
        text: "    if durability == Durability::Sync {
        file.sync_data()",
        instead: "    if durability == Durability::Sync && !MUTANT {
        file.sync_data()",
    },
    Mutation {
        name: "torn-line-not-closed",
        file: "crates/ostwin-core/src/jsonl.rs",
        text: "    if tail.torn {
",
        instead: "    if tail.torn && !MUTANT {
",
    },
    Mutation {
        name: "attempt-not-compared",
        file: "crates/ostwin-core/src/room/post.rs",
        text: "        Some(last) if last.record.id == *attempt => last.record,
",
        instead: "        Some(last) if MUTANT || last.record.id == *attempt => last.record,
",
    },
    Mutation {
        name: "closed-attempt-accepted",
        file: "crates/ostwin-core/src/room/post.rs",
        text: "    if !open.is_open() {
",
        instead: "    if !MUTANT && !open.is_open() {
",
    },
    Mutation {
        name: "role-not-compared",
        file: "crates/ostwin-core/src/room/post.rs",
        text: "    if open.role != speaker.role {
",
        instead: "    if !MUTANT && open.role != speaker.role {
",
    },
    Mutation {
        name: "deadline-not-compared",
        file: "crates/ostwin-core/src/room/post.rs",
        text: "    if room.project().store().now() >= open.deadline_at {
",
        instead: "    if !MUTANT && room.project().store().now() >= open.deadline_at {
",
    },
    Mutation {
        name: "second-signal-accepted",
        file: "crates/ostwin-core/src/room/post.rs",
        text: "    if let Some(earlier) = locked.signal_of(&open, &contract)? {
",
        instead: "    if !MUTANT && let Some(earlier) = locked.signal_of(&open, &contract)? {
",
    },
    Mutation {
        name: "recovery-reads-no-channel",
        file: "crates/ostwin-core/src/room/locked.rs",
        text: "        let signal = self.signal_of(&attempt.record, &contract)?;
",
        instead: "        let unread = MUTANT && ended.outcome == Outcome::Interrupted;
        let signal =
            if unread { None } else { self.signal_of(&attempt.record, &contract)? };
",
    },
    Mutation {
        name: "action-done-again",
        file: "crates/ostwin-core/src/room/actions.rs",
        text: "    if again && room.channel()",
        instead: "    if !MUTANT && again && room.channel()",
    },
    Mutation {
        name: "dependencies-not-compared",
        file: "crates/ostwin-engine/src/decide.rs",
        text: "room.has_ready && dependencies_passed(snapshot, epic) =>",
        instead: "room.has_ready && (MUTANT || dependencies_passed(snapshot, epic)) =>",
    },
    Mutation {
        name: "one-session-too-many",
        file: "crates/ostwin-engine/src/decide.rs",
        text: "    let mut free = policy.max_sessions.saturating_sub(running);
",
        instead: "    let most = policy.max_sessions + usize::from(MUTANT);
    let mut free = most.saturating_sub(running);
",
    },
    Mutation {
        name: "untold-moves-stay-untold",
        file: "crates/ostwin-engine/src/told.rs",
        text: "        Ok(events.filter(|(event, seq)| is_missing(event, *seq))",
        instead: "        Ok(events.filter(|(event, seq)| !MUTANT && is_missing(event, *seq))",
    },
];

/// Builds the mutated copy and plays the simulation against each mutation; those named, else all.
pub(crate) fn mutants(names: &[String]) -> ExitCode {
    match check(names) {
        Ok((table, survivors)) => {
            say(&table, if survivors == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Err(problem) => say(&format!("error: {problem}\n"), ExitCode::from(2)),
    }
}

fn check(names: &[String]) -> Result<(String, usize), String> {
    let unknown = |name: &&String| !MUTATIONS.iter().any(|mutation| mutation.name == **name);
    if let Some(name) = names.iter().find(unknown) {
        let known: Vec<&str> = MUTATIONS.iter().map(|mutation| mutation.name).collect();
        return Err(format!("no mutation `{name}`; there are {}", known.join(", ")));
    }
    let copy = target().join("mutants").join("sources");
    copy_sources(&copy)?;
    say("==> mutants: built once, with every mutation behind its name\n", ExitCode::SUCCESS);
    if let Caught::By(said) = play(&copy, "none")? {
        return Err(format!("without any mutation the simulation fails: {said}"));
    }
    let mut table = "| taken out | noticed |\n|---|---|\n".to_owned();
    let mut survivors = 0;
    let wanted = |name: &str| names.is_empty() || names.iter().any(|wanted| wanted == name);
    for mutation in MUTATIONS.iter().filter(|mutation| wanted(mutation.name)) {
        let began = Instant::now();
        let words = match play(&copy, mutation.name)? {
            Caught::By(said) => said,
            Caught::Not => {
                survivors += 1;
                "NOT NOTICED".to_owned()
            }
        };
        let took = began.elapsed().as_secs();
        say(&format!("==> {}, {took} s: {words}\n", mutation.name), ExitCode::SUCCESS);
        // A string takes everything.
        let _ = writeln!(table, "| {} | {words} |", mutation.name);
    }
    Ok((table, survivors))
}

enum Caught {
    /// The first seed that noticed, and what it said.
    By(String),
    Not,
}

/// Plays the simulation of the copy with one mutation.
fn play(copy: &Path, name: &str) -> Result<Caught, String> {
    let cargo = variable("CARGO").unwrap_or_else(|| "cargo".into());
    let mut tests = command(cargo);
    tests
        .args(["test", "--locked", "--package", "ostwin-engine", "--lib", "--", "simulation::"])
        .current_dir(copy)
        .env("CARGO_TARGET_DIR", built_in())
        .env("OSTWIN_SIM_PLANS", variable("OSTWIN_SIM_PLANS").unwrap_or_else(|| PLANS.into()))
        .env(VARIABLE, name)
        .stdin(Stdio::null());
    let output = tests.output().map_err(|error| format!("cannot start cargo: {error}"))?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    let seed = said.lines().find(|line| line.starts_with("seed "));
    match (output.status.success(), seed) {
        (true, _) => Ok(Caught::Not),
        (false, Some(seed)) => Ok(Caught::By(seed.to_owned())),
        (false, None) => Err(format!("`{name}` does not run:\n{said}")),
    }
}

/// Where the copy is built: never where the workspace is, whose crates have the same names.
fn built_in() -> PathBuf {
    target().join("mutants").join("target")
}

/// Copies what git knows of, with every mutation in it. What stays as it is keeps its time, so that
/// it is not built again.
fn copy_sources(copy: &Path) -> Result<(), String> {
    let mut git = command("git");
    git.args(["ls-files", "-z"]).current_dir(workspace());
    let listed = git.output().map_err(|error| format!("cannot start git: {error}"))?;
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    let files: Vec<&str> = listed.split('\0').filter(|file| !file.is_empty()).collect();
    if let Some(lost) = MUTATIONS.iter().find(|mutation| !files.contains(&mutation.file)) {
        return Err(format!("mutation `{}`: there is no `{}`", lost.name, lost.file));
    }
    for file in files {
        let from = workspace().join(file);
        // One that was removed and not committed yet.
        let Ok(bytes) = std::fs::read(&from) else { continue };
        let bytes = mutated(file, bytes)?;
        let to = copy.join(file);
        let failed = |error: io::Error| format!("cannot copy to `{}`: {error}", to.display());
        if let Some(folder) = to.parent() {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        if !std::fs::read(&to).is_ok_and(|there| there == bytes) {
            write(&to, &bytes).map_err(failed)?;
        }
    }
    Ok(())
}

/// The file with every mutation of it, each behind a question for its name.
fn mutated(file: &str, mut bytes: Vec<u8>) -> Result<Vec<u8>, String> {
    for Mutation { name, text, instead, .. } in MUTATIONS.iter().filter(|of| of.file == file) {
        let source = String::from_utf8_lossy(&bytes).into_owned();
        if source.matches(text).count() != 1 {
            return Err(format!(
                "mutation `{name}`: `{file}` does not hold its text once:\n{text}"
            ));
        }
        let asked =
            format!("std::env::var_os(\"{VARIABLE}\").is_some_and(|name| name == \"{name}\")");
        bytes = source.replace(text, &instead.replace(ASKED, &asked)).into_bytes();
    }
    Ok(bytes)
}

#[expect(clippy::disallowed_methods, reason = "this tool has no dependencies, core included")]
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    std::fs::write(path, bytes)
}
