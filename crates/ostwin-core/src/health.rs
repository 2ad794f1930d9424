//! Is a project in order? Reads everything, changes nothing; each finding says how to mend it.

use std::io::{Read, Seek, SeekFrom};
use std::ops::ControlFlow;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::control;
use crate::env;
use crate::events::Event;
use crate::fs::{self, FsError};
use crate::ids::PlanId;
use crate::jsonl::{self, JsonlError};
use crate::layout::{Layout, SkillStaging};
use crate::lifecycle::{AuditLine, Replay};
use crate::lock;
use crate::plans::{self, PlanStoreError, StoredPlan};
use crate::project::Project;
use crate::room::{Room, RoomError};
use crate::skills_lock::{SkillsLock, SkillsLockError};
use crate::vault::{self, Keys, Vault, VaultError};
use crate::{channel, ledger, registry::Registry};

/// What to do about a record that is damaged: nothing here guesses what it said.
const RESTORE: &str = "restore the file from version control or a backup, or move its folder away";

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// As it should be.
    Ok,
    /// Worth knowing; nothing is lost.
    Note,
    /// Something does not work, or something was lost.
    Problem,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub subject: String,
    /// How bad it is.
    pub severity: Severity,
    /// What was found.
    pub found: String,
    /// How to mend it, where there is something to mend.
    pub fix: Option<String>,
}

impl Finding {
    /// Something that is as it should be.
    pub fn ok(subject: impl Into<String>, found: impl Into<String>) -> Self {
        Self { subject: subject.into(), severity: Severity::Ok, found: found.into(), fix: None }
    }

    /// Something worth knowing.
    pub fn note(
        subject: impl Into<String>,
        found: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        let fix = Some(fix.into());
        Self { subject: subject.into(), severity: Severity::Note, found: found.into(), fix }
    }

    /// Something that does not work.
    pub fn problem(
        subject: impl Into<String>,
        found: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        let fix = Some(fix.into());
        Self { subject: subject.into(), severity: Severity::Problem, found: found.into(), fix }
    }
}

/// Looks at the files of a project.
///
/// # Errors
/// The folders of plans or rooms cannot be listed.
pub fn examine(project: &Project) -> Result<Vec<Finding>, HealthError> {
    let mut findings = Vec::new();
    let layout = project.layout();
    examine_registry(&layout.registry(), &mut findings);
    lines_of::<ledger::Entry>("shared memory", &layout.ledger(), &mut findings);
    examine_skills(layout, &mut findings);
    examine_vaults(layout, &mut findings);
    let found = plans::survey(project)?;
    for (id, error) in &found.unreadable {
        findings.push(unreadable_plan(id, error));
    }
    for plan in &found.plans {
        examine_plan(plan, &mut findings);
    }
    for room in Room::list(project)? {
        examine_room(&room, &mut findings);
    }
    examine_unfinished(project, &mut findings);
    Ok(findings)
}

/// Why a project could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum HealthError {
    /// The plans cannot be listed.
    #[error(transparent)]
    Plans(#[from] PlanStoreError),
    /// The rooms cannot be listed.
    #[error(transparent)]
    Rooms(#[from] RoomError),
}

fn examine_registry(path: &Path, findings: &mut Vec<Finding>) {
    let read = crate::fs::read_optional(path, 4 << 20);
    match read.map(|bytes| bytes.map(|bytes| Registry::read(path, &bytes))) {
        Ok(None) => {}
        Ok(Some(Ok(_))) => findings.push(Finding::ok("role registry", "readable")),
        Ok(Some(Err(error))) => findings.push(Finding::problem(
            "role registry",
            error.to_string(),
            "mend the file, or remove it: the shipped registry is used then",
        )),
        Err(error) => findings.push(unreadable("role registry", &error)),
    }
}

fn examine_vaults(layout: &Layout, findings: &mut Vec<Finding>) {
    let keys = Keys::of_this_process();
    for path in vault::places(layout, env::config_dir().as_deref()) {
        let subject = format!("vault `{}`", path.display());
        match Vault::read(&path, &keys) {
            Ok(None) => {}
            Ok(Some(vault)) => {
                let count = vault.names().count();
                findings.push(Finding::ok(
                    subject,
                    format!("readable by you alone; secrets in it: {count}"),
                ));
            }
            Err(VaultError::NeedsPassphrase { .. }) => findings.push(Finding::ok(
                subject,
                "encrypted with a passphrase, which is asked for on a terminal only",
            )),
            Err(error @ VaultError::NeedsIdentity { .. }) => findings.push(Finding::problem(
                subject,
                error.to_string(),
                "export OSTWIN_VAULT_IDENTITY=FILE",
            )),
            Err(error @ (VaultError::WrongKey { .. } | VaultError::Identity { .. })) => {
                findings.push(Finding::problem(
                    subject,
                    error.to_string(),
                    "let OSTWIN_VAULT_IDENTITY name the file of the identity it was encrypted to",
                ));
            }
            Err(error @ VaultError::Mode { .. }) => findings.push(Finding::problem(
                subject,
                error.to_string(),
                format!("chmod 600 {}", path.display()),
            )),
            Err(error) => findings.push(Finding::problem(
                subject,
                error.to_string(),
                "mend the file by hand: it is never replaced",
            )),
        }
    }
}

fn examine_skills(layout: &Layout, findings: &mut Vec<Finding>) {
    let subject = "installed skills";
    match SkillsLock::read(&layout.skills_lock()) {
        Ok(lock) if lock.skills.is_empty() => {}
        Ok(_) => findings.push(Finding::ok(subject, "readable")),
        Err(SkillsLockError::Fs(error)) => findings.push(unreadable(subject, &error)),
        Err(SkillsLockError::Json(error)) => findings.push(Finding::problem(
            subject,
            error.to_string(),
            "mend the file, or remove it and install again what it named",
        )),
    }
    let is_left = |staging: &SkillStaging| !lock::is_held(&staging.lock()).unwrap_or(true);
    let left = SkillStaging::list(&layout.agents()).unwrap_or_default();
    for staging in left.iter().filter(|staging| is_left(staging)) {
        findings.push(Finding::note(
            subject,
            format!("an installation that was cut off left `{}`", staging.dir().display()),
            "the next `ostwin skills install`, `update` or `remove` finishes or undoes it",
        ));
    }
}

fn unreadable(subject: impl Into<String>, error: &dyn std::error::Error) -> Finding {
    let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
    Finding::problem(subject, format!("{error}{cause}"), "check the file and its permissions")
}

fn unreadable_plan(id: &PlanId, error: &PlanStoreError) -> Finding {
    let subject = format!("plan {id}");
    match error {
        PlanStoreError::NoRecord { .. } => Finding::note(
            subject,
            error.to_string(),
            "import the plan again with `ostwin run PLAN.md`, and remove the folder",
        ),
        _ => Finding { fix: Some(RESTORE.to_owned()), ..unreadable(subject, error) },
    }
}

fn examine_plan(plan: &StoredPlan, findings: &mut Vec<Finding>) {
    let subject = format!("plan {}", plan.meta.plan_id);
    if let Err(error) = plan.text() {
        let fix = Some(RESTORE.to_owned());
        findings.push(Finding { fix, ..unreadable(&subject, &error) });
    }
    lines_of::<Event>(&format!("{subject}, events"), &plan.paths.events(), findings);
    lines_of::<control::Request>(&format!("{subject}, requests"), &plan.paths.control(), findings);
    if let Err(error) = plan.dag() {
        findings.push(Finding::problem(
            &subject,
            format!("the graph is unreadable: {error}"),
            "remove the graph's file: the next run makes it again from the rooms that are there",
        ));
    }
    match (control::is_driven(&plan.paths), control::engine_record(&plan.paths)) {
        (Ok(true), Ok(record)) => {
            let who = record.map_or_else(String::new, |record| format!(", pid {}", record.pid));
            findings.push(Finding::ok(&subject, format!("an engine drives it{who}")));
        }
        (Ok(false), _) => {}
        (Err(error), _) => findings.push(unreadable(&subject, &error)),
        (_, Err(error)) => findings.push(unreadable(&subject, &error)),
    }
}

fn examine_room(room: &Room, findings: &mut Vec<Finding>) {
    let subject = room.id().to_string();
    let before = findings.len();
    lines_of::<channel::Message>(&format!("{subject}, channel"), &room.paths().channel(), findings);
    lines_of::<AuditLine>(&format!("{subject}, audit"), &room.paths().audit(), findings);
    if let Err(error) = examine_state(room, &subject, findings) {
        findings.push(Finding::problem(&subject, error.to_string(), RESTORE));
    }
    for attempt in room.each_attempt().unwrap_or_default() {
        if let Err(error) = attempt {
            findings.push(Finding::problem(&subject, error.to_string(), RESTORE));
        }
    }
    if findings.len() == before {
        findings.push(Finding::ok(subject, "in order"));
    }
}

fn examine_state(room: &Room, subject: &str, findings: &mut Vec<Finding>) -> Result<(), RoomError> {
    let contract = room.contract()?;
    let machine = room.machine()?;
    let mut replay = Replay::default();
    for line in room.audit()? {
        if let Err(oddity) = replay.feed(&machine, &line) {
            findings.push(Finding::note(
                format!("{subject}, audit"),
                oddity.to_string(),
                "nothing to do: the audit's last line is the state",
            ));
        }
    }
    let Some(state) = replay.state.clone() else {
        return Err(RoomError::NoState { audit: room.paths().audit() });
    };
    let status = crate::fs::read_optional(&room.paths().status(), 1024)?.unwrap_or_default();
    let driven = control::is_driven(&room.project().layout().plan(&contract.plan_id))?;
    let status = String::from_utf8_lossy(&status).trim().to_owned();
    if !driven && (status != state.as_str() || replay.unapplied().is_some()) {
        findings.push(Finding::note(
            subject,
            format!("the status says `{status}`, the audit `{state}`"),
            "nothing to do: the next run repairs it",
        ));
    }
    if let Some(attempt) = room.open_attempt()?
        && !driven
    {
        let here = attempt.record.host == env::host();
        let whose = if here { "an engine that is gone" } else { "an engine of another machine" };
        findings.push(Finding::note(
            subject,
            format!("attempt {} is open and belongs to {whose}", attempt.record.number),
            "run the plan again: the attempt is closed and the work goes on",
        ));
    }
    Ok(())
}

fn examine_unfinished(project: &Project, findings: &mut Vec<Finding>) {
    let rooms = project.layout().rooms();
    let Ok(entries) = std::fs::read_dir(&rooms) else { return };
    let unfinished = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.starts_with(".new-"))
        .count();
    if unfinished > 0 {
        findings.push(Finding::note(
            "rooms",
            format!("{unfinished} half-built rooms were left by engines that were killed"),
            "run their plan again, or remove the folders `.new-*` while no engine runs",
        ));
    }
}

/// Counts what cannot be read in a file of lines.
fn lines_of<T: DeserializeOwned>(subject: &str, path: &Path, findings: &mut Vec<Finding>) {
    let mut lines = 0_usize;
    let scanned = jsonl::scan::<T>(path, 0, |_, _| {
        lines += 1;
        ControlFlow::Continue(())
    });
    match scanned {
        Err(error) => findings.push(unreadable(subject, &error)),
        Ok(scanned) if scanned.skipped > 0 => findings.push(Finding::note(
            subject,
            format!("{} of {} lines cannot be read", scanned.skipped, lines + scanned.skipped),
            format!("nothing is lost that could be read; look at `{}`", path.display()),
        )),
        Ok(_) => match is_torn(path) {
            Ok(true) => findings.push(Finding::note(
                subject,
                "the last line is torn: its writer was killed",
                "nothing to do: the next line closes it",
            )),
            Ok(false) => {}
            Err(error) => findings.push(unreadable(subject, &error)),
        },
    }
}

fn is_torn(path: &Path) -> Result<bool, JsonlError> {
    let read = || -> std::io::Result<bool> {
        let mut file = match fs::open(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
            file => file?,
        };
        if file.metadata()?.len() == 0 {
            return Ok(false);
        }
        file.seek(SeekFrom::End(-1))?;
        let mut last = [0_u8];
        file.read_exact(&mut last)?;
        Ok(last != *b"\n")
    };
    read().map_err(|error| FsError::new("read", path, error).into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::store::{Durability, Store};

    #[test]
    fn a_torn_and_a_broken_line_are_found_and_a_new_project_is_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store { durability: Durability::Os, ..Store::default() };
        let (layout, _) = crate::project::init(dir.path(), None, &json!({}), &store).unwrap();
        let project = Project::new(layout, store);
        assert_eq!(examine(&project).unwrap(), []);

        let ledger = project.layout().ledger();
        crate::fs::replace_hint(&ledger, b"null\n{\"v\":1").unwrap();
        let findings = examine(&project).unwrap();
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].found, "1 of 1 lines cannot be read");

        crate::fs::replace_hint(&ledger, b"{\"v\":1").unwrap();
        let findings = examine(&project).unwrap();
        assert_eq!(findings[0].severity, Severity::Note);
        assert!(findings[0].found.contains("torn"), "{findings:?}");
    }
}
