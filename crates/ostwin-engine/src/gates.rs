//! Quality gates: the commands of a role that must succeed before its `done` counts.
//!
//! They run in the room's working directory, one after the other, until one fails; each under a
//! guardian of its own and within its own limit. What they say goes to the attempt's folder, what
//! came of them to its record.

use std::path::PathBuf;
use std::time::Duration;

use ostwin_core::fs;
use ostwin_core::redact::Redactor;
use ostwin_core::roles::QualityGate;
use ostwin_core::room::{Attempt, GateResult, Room, RoomError};
use ostwin_runner::agents::{EnvironmentPolicy, session_environment};
use ostwin_runner::chore::{Chore, ChoreEnd};
use ostwin_runner::guardian::Redact;
use ostwin_runner::prepare::Settled;

use crate::blocking::block_in_place;
use crate::error::EngineError;
use crate::sessions::Shared;

/// How much of what a failed gate said the session is told: the end of it.
const TOLD_BYTES: usize = 4 << 10;

/// The check, known by this name, that the room has an artifact.
const ARTIFACTS: &str = "artifacts";

/// The gates of one attempt and everything needed to run them.
#[derive(Clone)]
pub(crate) struct Gates {
    gates: Vec<QualityGate>,
    cwd: PathBuf,
    env: EnvironmentPolicy,
    grace: Duration,
    redactor: Redactor,
}

/// What came of the gates.
#[derive(Clone, Debug)]
pub(crate) struct Tried {
    /// One result for each gate that was tried.
    pub(crate) results: Vec<GateResult>,
    /// The end of what the failed one said.
    pub(crate) said: String,
}

impl Tried {
    /// The gate that failed.
    pub(crate) fn failed(&self) -> Option<&GateResult> {
        self.results.iter().find(|result| !result.passed)
    }

    /// What a session is told of the gate that failed.
    pub(crate) fn told(&self, failed: &GateResult) -> String {
        let output = if self.said.trim().is_empty() {
            "It said nothing.".to_owned()
        } else {
            format!("The end of what it said:\n\n```\n{}\n```", self.said.trim_end())
        };
        format!(
            "Your `done` does not count yet: quality gate `{}` failed, {}. {output}\n\nMend it, see \
             it succeed, and post `done` again. This is told once: if a gate fails again, the \
             attempt has failed. If something stops you, post that instead and say what it is.",
            failed.name, failed.reason
        )
    }
}

/// What is wrong with the gates of a role: one without a command that is no known check.
pub(crate) fn problem(gates: &[QualityGate]) -> Option<String> {
    let unknown = gates.iter().find(|gate| gate.command.is_none() && gate.name != ARTIFACTS)?;
    Some(format!(
        "quality gate `{}` has no command and is no known check: give it a command, or name it \
         `{ARTIFACTS}` (the room has an artifact)",
        unknown.name
    ))
}

/// The names of the gates of a session with these settings.
pub(crate) fn names(settled: &Settled) -> Vec<String> {
    settled.role.spec.quality_gates.iter().map(|gate| gate.name.clone()).collect()
}

impl Gates {
    /// The gates of a session with these settings; `None` if its role has none.
    pub(crate) fn of(
        shared: &Shared,
        settled: &Settled,
        attempt: &Attempt,
        cwd: PathBuf,
    ) -> Option<Self> {
        let spec = &settled.role.spec;
        if spec.quality_gates.is_empty() {
            return None;
        }
        Some(Self {
            gates: spec.quality_gates.clone(),
            cwd,
            env: EnvironmentPolicy {
                tmp: attempt.paths.tmp(),
                attempt: attempt.record.id.to_string(),
                role: attempt.record.role.to_string(),
                allow: spec.env_allow.clone(),
                ..EnvironmentPolicy::default()
            },
            grace: shared.kill_grace(),
            redactor: shared.redactor().clone(),
        })
    }

    /// Runs the gates until one fails, and records what came of them.
    ///
    /// # Errors
    /// A guardian did not start, or a file failed.
    pub(crate) async fn run(
        &self,
        shared: &Shared,
        room: &Room,
        attempt: &Attempt,
    ) -> Result<Tried, EngineError> {
        block_in_place(|| fs::create_dirs(&attempt.paths.gates()))?;
        let mut tried = Tried { results: Vec::new(), said: String::new() };
        for (index, gate) in self.gates.iter().enumerate() {
            let result = match &gate.command {
                Some(command) => {
                    let (result, said) =
                        self.run_one(shared, attempt, gate, command, index + 1).await?;
                    tried.said = said;
                    result
                }
                None => block_in_place(|| has_artifact(room, gate))?,
            };
            let passed = result.passed;
            tried.results.push(result);
            if !passed {
                break;
            }
        }
        let id = &attempt.record.id;
        let results = tried.results.clone();
        block_in_place(|| room.locked(|locked| locked.note_gates(id, results)))?;
        Ok(tried)
    }

    async fn run_one(
        &self,
        shared: &Shared,
        attempt: &Attempt,
        gate: &QualityGate,
        command: &[String],
        number: usize,
    ) -> Result<(GateResult, String), EngineError> {
        let paths = &attempt.paths;
        let chore = Chore {
            argv: command.to_vec(),
            input: None,
            cwd: self.cwd.clone(),
            env: session_environment(shared.environment(), &self.env),
            mark: mark(attempt),
            lock: paths.gate_lock(),
            stderr: paths.gate_stderr(number),
            limit: Duration::from_secs(gate.timeout),
            grace: self.grace,
            redact: Redact::like(&self.redactor),
        };
        let end = shared.world().chore(chore).await.map_err(EngineError::Guardian)?;
        let mut said = String::from_utf8_lossy(&end.output).into_owned();
        self.redactor.in_text(&mut said);
        block_in_place(|| fs::replace_hint(&paths.gate_log(number), said.as_bytes()))?;
        let result = GateResult {
            name: gate.name.clone(),
            passed: end.succeeded(),
            reason: reason(gate, &end),
            took_ms: u64::try_from(end.took.as_millis()).unwrap_or(u64::MAX),
            output: Some(paths.gate_output(number)),
        };
        Ok((result, tail(&said).to_owned()))
    }
}

/// By what the processes of an attempt's gates are found.
pub(crate) fn mark(attempt: &Attempt) -> String {
    format!("{}-gates", attempt.record.id)
}

fn reason(gate: &QualityGate, end: &ChoreEnd) -> String {
    match end.status {
        None => format!("it took longer than {} s", gate.timeout),
        Some(status) if status.code == Some(0) => "it succeeded".to_owned(),
        Some(status) if status.code == Some(127) => "its program was not found".to_owned(),
        Some(status) => format!("it ended with {status}"),
    }
}

/// The end of what was said, whole lines if there is more.
fn tail(said: &str) -> &str {
    if said.len() <= TOLD_BYTES {
        return said;
    }
    let mut start = said.len() - TOLD_BYTES;
    while !said.is_char_boundary(start) {
        start += 1;
    }
    let end = &said[start..];
    end.split_once('\n').map_or(end, |(_, lines)| lines)
}

fn has_artifact(room: &Room, gate: &QualityGate) -> Result<GateResult, RoomError> {
    let artifacts = room.paths().artifacts();
    let found = match std::fs::read_dir(&artifacts) {
        Ok(mut entries) => entries.next().is_some(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => false,
        Err(error) => return Err(fs::FsError::new("list", &artifacts, error).into()),
    };
    Ok(GateResult {
        name: gate.name.clone(),
        passed: found,
        reason: if found { "there is one" } else { "the room has no artifact" }.to_owned(),
        took_ms: 0,
        output: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_an_output_begins_with_a_whole_line() {
        let said = "first\n".to_owned() + &"ä".repeat(TOLD_BYTES / 2 - 4) + "\nlast\n";
        assert_eq!(tail("short"), "short");
        assert_eq!(tail(&said), said.split_once('\n').unwrap().1);
        assert!(tail(&"x".repeat(3 * TOLD_BYTES)).len() <= TOLD_BYTES);
    }

    #[test]
    fn a_name_without_a_command_must_be_a_known_check() {
        let gate = |name: &str, command: Option<&str>| QualityGate {
            name: name.to_owned(),
            command: command.map(|program| vec![program.to_owned()]),
            timeout: 1,
            extra: ostwin_core::json::Extra::new(),
        };
        assert_eq!(problem(&[gate("tests", Some("true")), gate("artifacts", None)]), None);
        let said = problem(&[gate("lint", None)]).unwrap();
        assert!(said.starts_with("quality gate `lint` has no command"), "{said}");
    }
}
