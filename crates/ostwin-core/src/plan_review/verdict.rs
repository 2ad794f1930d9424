//! What a reviewer of a plan says: a verdict on one text, named by its hash.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::artifacts::Artifacts;
use crate::channel::Message;
use crate::fs;
use crate::ids::{ArtifactPath, SignalName};
use crate::lifecycle::names;
use crate::plan::{self, LineIndex, MAX_PLAN_BYTES, ParseOptions};
use crate::plans::sha256;
use crate::room::{Contract, Room, RoomError, VerdictError};

/// So many errors of a revision are told at once.
const MAX_ERRORS: usize = 5;

/// The structured part of the `pass` that ends the review of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlanVerdict {
    /// SHA-256 of the text that was read, in hex.
    pub plan_sha256: String,
    /// What the reviewer says to it.
    pub verdict: Judgement,
    /// Of a revision: the whole revised plan, a path below the room's `artifacts/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact: Option<String>,
    /// SHA-256 of that artifact when the verdict was accepted, in hex. Whoever accepts it fills it
    /// in, so that the text cannot change behind the verdict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_sha256: Option<String>,
    /// The verdict in a few sentences.
    #[serde(default)]
    pub summary: String,
}

/// What a reviewer says to a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Judgement {
    /// It can run as it is.
    Approve,
    /// It can run as the artifact has it.
    Revise,
}

/// A verdict that holds: it is about the plan that lies on disk, and its revision is a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reviewed {
    /// The verdict.
    pub verdict: PlanVerdict,
    /// The revised plan, if it revises.
    pub revision: Option<Vec<u8>>,
}

/// Why a verdict on a plan does not hold.
#[derive(Debug, thiserror::Error)]
pub enum PlanCheckError {
    /// It is malformed, about another text, or its revision is no plan.
    #[error(transparent)]
    Verdict(#[from] VerdictError),
    /// The room or the plan could not be read.
    #[error(transparent)]
    Room(#[from] RoomError),
}

/// Checks the data of a `pass` in the room of a plan's review against the plan on disk. With
/// `sealed`, the revision must be the one that was there when the verdict was accepted.
///
/// # Errors
/// [`PlanCheckError`], saying what was expected.
pub fn check(
    room: &Room,
    contract: &Contract,
    data: Option<&Value>,
    sealed: bool,
) -> Result<Reviewed, PlanCheckError> {
    let text = text_under_review(room, contract)?;
    let verdict = parse(data)?;
    let expected = sha256(&text);
    let mut problems = Vec::new();
    if verdict.plan_sha256 != expected {
        problems.push(format!(
            "`plan_sha256` is `{}`, and that of the plan under review is `{expected}`: read the \
             plan again and judge that text",
            verdict.plan_sha256
        ));
    }
    let mut revision = None;
    match (verdict.verdict, &verdict.artifact) {
        (Judgement::Approve, None) => {
            if plan::parse_bytes(&text, &ParseOptions::default()).plan.epics.is_empty() {
                problems.push(
                    "the plan has only a goal: write the epics as a whole plan with \
                     `write_artifact`, and answer with verdict `revise` and that `artifact`"
                        .to_owned(),
                );
            }
        }
        (Judgement::Approve, Some(_)) => problems.push(
            "an `approve` has no `artifact`: leave it out, or answer with verdict `revise`"
                .to_owned(),
        ),
        (Judgement::Revise, None) => problems.push(
            "a `revise` names its `artifact`: the whole revised plan, written with `write_artifact`"
                .to_owned(),
        ),
        (Judgement::Revise, Some(path)) => match read_revision(room, path) {
            Ok(bytes) => {
                problems.extend(problems_of(path, &bytes));
                let seal = verdict.artifact_sha256.as_deref();
                if seal.map_or(sealed, |seal| seal != sha256(&bytes)) {
                    problems.push(format!(
                        "the artifact `{path}` is not the one that the verdict was accepted with"
                    ));
                }
                revision = Some(bytes);
            }
            Err(problem) => problems.push(problem),
        },
    }
    if problems.is_empty() {
        Ok(Reviewed { verdict, revision })
    } else {
        Err(VerdictError::Plan { problems }.into())
    }
}

/// Adds to the data of an accepted verdict the hash of its revision.
pub fn seal(data: &mut Option<Value>, reviewed: &Reviewed) {
    if let (Some(Value::Object(data)), Some(revision)) = (data, &reviewed.revision) {
        data.insert("artifact_sha256".to_owned(), json!(sha256(revision)));
    }
}

/// The signal that a message moves the room of a plan's review by: its type, but `fail` for a
/// `pass` that does not hold. The servers refuse such a one; a line written by hand gets no further.
///
/// # Errors
/// The room or the plan could not be read.
pub fn effective_signal(
    room: &Room,
    contract: &Contract,
    message: &Message,
) -> Result<SignalName, RoomError> {
    if message.kind.as_str() != names::PASS {
        return Ok(message.kind.clone());
    }
    match check(room, contract, message.data.as_ref(), true) {
        Ok(_) => Ok(message.kind.clone()),
        Err(PlanCheckError::Verdict(_)) => Ok(SignalName::new(names::FAIL)?),
        Err(PlanCheckError::Room(error)) => Err(error),
    }
}

fn text_under_review(room: &Room, contract: &Contract) -> Result<Vec<u8>, RoomError> {
    let paths = room.project().layout().plan(&contract.plan_id);
    Ok(fs::read(&paths.plan(), MAX_PLAN_BYTES as u64)?)
}

fn parse(data: Option<&Value>) -> Result<PlanVerdict, VerdictError> {
    let shape = "`data` of a pass on a plan must be {plan_sha256, verdict: \"approve\" or \
                 \"revise\", artifact (of a revise), summary}";
    let problem = |problem: String| VerdictError::Plan { problems: vec![problem] };
    let data = data.ok_or_else(|| problem(format!("{shape}: it is missing")))?;
    serde_json::from_value(data.clone()).map_err(|error| problem(format!("{shape}: {error}")))
}

fn read_revision(room: &Room, path: &str) -> Result<Vec<u8>, String> {
    let path = &ArtifactPath::new(path).map_err(|error| format!("`artifact`: {error}"))?;
    let artifacts = Artifacts::new(room.paths().artifacts());
    let part = artifacts.read(path, 0, MAX_PLAN_BYTES + 1).map_err(|error| format!("{error}"))?;
    if part.bytes.len() > MAX_PLAN_BYTES {
        return Err(format!("the artifact `{path}` is larger than a plan may be"));
    }
    Ok(part.bytes)
}

/// What is wrong with a revised plan; nothing if it can run.
fn problems_of(path: &str, bytes: &[u8]) -> Vec<String> {
    let parsed = plan::parse_bytes(bytes, &ParseOptions::default());
    let text = String::from_utf8_lossy(bytes);
    let index = LineIndex::new(&text);
    let errors = parsed.diagnostics.iter().filter(|found| found.is_error());
    let mut problems: Vec<String> = errors
        .take(MAX_ERRORS)
        .map(|found| {
            let line = index.position(found.span.start).line;
            format!("`{path}`, line {line}: {}", found.message)
        })
        .collect();
    if problems.is_empty() && parsed.plan.epics.is_empty() {
        problems.push(format!("`{path}` has no epic: write each as `## EPIC-001: Title`"));
    }
    problems
}
