//! What the values of the earlier program mean here. Pure functions.

use serde_json::{Value, json};

use super::read::{EarlierRole, text_of};
use crate::channel::{self, PLAIN_TYPES, SIGNAL_TYPES};
use crate::ids::{NameError, PlanId, RoleName, RoleRef, RoomId, SignalName, SkillName, StateName};
use crate::ledger::{self, Kind, MAX_DETAIL_BYTES, MAX_SUMMARY_BYTES, MAX_TAG_BYTES, MAX_TAGS};
use crate::lifecycle::{Machine, StateKind, names};
use crate::roles::{InstanceType, RoleSpec};
use crate::room::PastMessage;
use crate::time::Timestamp;

/// The state of `machine` that is nearest to `status`, and what to know where it is not the same.
pub fn nearest_state(machine: &Machine, status: &str) -> (StateName, Option<String>) {
    let named = |name: &str| StateName::new(name).ok().filter(|name| machine.state(name).is_some());
    let first = |kind: StateKind| {
        machine.states.keys().find(|name| machine.kind(name) == Some(kind)).cloned()
    };
    let initial = || machine.initial_state.clone();
    let decides = || named(names::TRIAGE).or_else(|| named(names::ESCALATED));
    let told = |state: Option<StateName>, note: &str| {
        (state.unwrap_or_else(initial), Some(format!("`{status}`: {note}")))
    };
    match status {
        "" | "pending" | "ready" => (initial(), None),
        "paused" => told(None, "`ostwin pause` pauses a room"),
        "blocked" | "waiting" => told(None, "what it waits for is worked out from the plan"),
        "failed" => told(first(StateKind::Work), "what failed last is tried again"),
        _ => match named(status) {
            Some(state) => (state, None),
            None if status.contains("triage") || status.contains("redesign") => {
                told(decides(), "somebody has to decide")
            }
            None if status == "architect-review" || status == "plan-revision" => {
                told(decides(), "somebody has to decide")
            }
            None if status == "signoff" => told(named(names::ESCALATED), "somebody has to decide"),
            None if status.contains("review") => told(first(StateKind::Review), "it is reviewed"),
            None if matches!(status, "engineering" | "developing" | "fixing" | "optimize") => {
                told(first(StateKind::Work), "it is worked on")
            }
            None => told(None, "no state is called so here; it begins anew"),
        },
    }
}

/// A message, or why there is no place for it. Its type stays where there is one of this name, else
/// it is a `note`.
pub fn message(value: &Value, max_bytes: usize) -> Result<PastMessage, String> {
    let kind = text_of(value, &["type"]).ok_or("it has no type")?;
    let body = value.get("body").and_then(Value::as_str).unwrap_or_default();
    if body.len() > max_bytes {
        return Err(format!("its text has {} bytes and at most {max_bytes} are taken", body.len()));
    }
    let at = text_of(value, &["ts"]).ok_or("it has no time")?;
    let at: Timestamp = at.parse().map_err(|_| format!("`{at}` is no time"))?;
    let known = PLAIN_TYPES.iter().chain(SIGNAL_TYPES).any(|known| *known == kind);
    let text = |key: &str| text_of(value, &[key]).unwrap_or_default();
    let (from, to) = (text("from"), text("to"));
    let kept = SignalName::new(if known { &kind } else { "note" });
    let mut imported = json!({ "id": text("id") });
    if !known {
        imported["type"] = json!(kind);
    }
    let role = |name: &str| RoleRef::new(name).or_else(|_| RoleRef::new("engine"));
    let name = |error: NameError| error.to_string();
    Ok(PastMessage {
        at,
        draft: channel::Draft {
            attempt: None,
            from: role(&from).map_err(name)?,
            to: role(&to).map_err(name)?,
            kind: kept.map_err(name)?,
            reference: text_of(value, &["ref"]),
            body: body.to_owned(),
            data: Some(json!({ "imported": imported })),
        },
    })
}

/// An entry of the shared memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastMemory {
    /// When it was published; `None` if it does not say.
    pub at: Option<Timestamp>,
    /// Its earlier id.
    pub id: String,
    /// The earlier id of the entry that it replaces.
    pub supersedes: Option<String>,
    /// The entry, without the one that it replaces.
    pub draft: ledger::Draft,
}

/// An entry of the shared memory, or why there is no place for it. `room` says which room and plan
/// an earlier room has become.
pub fn memory(
    value: &Value,
    room: impl Fn(&str) -> Option<(RoomId, PlanId)>,
) -> Result<PastMemory, String> {
    let id = text_of(value, &["id"]).ok_or("it has no id")?;
    let kind = text_of(value, &["kind"]).ok_or("it has no kind")?;
    let kind = Kind::ALL
        .into_iter()
        .find(|known| known.as_str() == kind)
        .ok_or_else(|| format!("there is no kind `{kind}`"))?;
    let mut summary = text_of(value, &["summary"]).ok_or("it has no summary")?;
    let mut detail = text_of(value, &["detail"]);
    if summary.len() > MAX_SUMMARY_BYTES {
        // The whole text goes where there is room for it.
        let short: String = summary.chars().take(200).collect();
        let rest = detail.map_or_else(String::new, |detail| format!("\n\n{detail}"));
        detail = Some(format!("{summary}{rest}"));
        summary = format!("{short} …");
    }
    if let Some(detail) = detail.as_ref().filter(|detail| detail.len() > MAX_DETAIL_BYTES) {
        let bytes = detail.len();
        return Err(format!("it has {bytes} bytes and at most {MAX_DETAIL_BYTES} are taken"));
    }
    let tags = value.get("tags").and_then(Value::as_array).into_iter().flatten();
    let tags = tags
        .filter_map(Value::as_str)
        .filter(|tag| !tag.is_empty() && tag.len() <= MAX_TAG_BYTES)
        .take(MAX_TAGS);
    let of_room = text_of(value, &["room_id"]).and_then(|name| room(&name));
    let (room_id, plan_id) = of_room.unzip();
    let author = text_of(value, &["author_role"]).unwrap_or_default();
    let author = RoleRef::new(&author).or_else(|_| RoleRef::new("human"));
    let at = text_of(value, &["ts"]).or_else(|| text_of(value, &["created_at"]));
    Ok(PastMemory {
        at: at.and_then(|at| at.parse().ok()),
        supersedes: text_of(value, &["supersedes"]),
        draft: ledger::Draft {
            kind,
            room_id,
            plan_id,
            author_role: author.map_err(|error| error.to_string())?,
            reference: text_of(value, &["ref"]).filter(|text| text.len() <= 256),
            tags: tags.map(str::to_owned).collect(),
            summary,
            detail,
            supersedes: None,
            key: Some(format!("import:{id}")),
        },
        id,
    })
}

/// A role as it is here.
#[derive(Clone, Debug, PartialEq)]
pub struct RoleMapped {
    /// Its name.
    pub name: RoleName,
    /// Its settings.
    pub spec: RoleSpec,
    /// Its prompt.
    pub prompt: String,
    /// What of its settings was not taken, and why.
    pub notes: Vec<String>,
}

/// A role, or why there is no place for it.
pub fn role(role: &EarlierRole) -> Result<RoleMapped, String> {
    let name = RoleName::new(&role.name).map_err(|error| error.to_string())?;
    let settings: Value = serde_json::from_str(&role.text)
        .map_err(|error| format!("`{}`: {error}", role.settings.display()))?;
    let prompt = role.prompt.clone().filter(|prompt| !prompt.trim().is_empty());
    let prompt = prompt.ok_or("it has no prompt")?;
    let mut notes = Vec::new();
    let texts = |key: &str| -> Vec<String> {
        let list = settings.get(key).and_then(Value::as_array).into_iter().flatten();
        list.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    if let Some(model) = text_of(&settings, &["model"]) {
        notes.push(format!(
            "its model `{model}` is not taken, for models belong to agent programs; `ostwin config \
             set roles.{name}.model MODEL` sets one"
        ));
    }
    for (key, why) in [
        ("quality_gates", "gates are commands here"),
        ("mcp_refs", "its sessions see every server of the project"),
    ] {
        let found = texts(key);
        if !found.is_empty() {
            notes.push(format!("`{key}` ({}) is not taken: {why}", found.join(", ")));
        }
    }
    let mut skill_refs = Vec::new();
    for skill in texts("skill_refs") {
        match SkillName::new(&skill) {
            Ok(skill) => skill_refs.push(skill),
            Err(error) => notes.push(error.to_string()),
        }
    }
    let evaluates = text_of(&settings, &["instance_type"]).as_deref() == Some("evaluator");
    let seconds = |key: &str| settings.get(key).and_then(Value::as_u64);
    let spec = RoleSpec {
        name: Some(name.clone()),
        display_name: text_of(&settings, &["display_name"]),
        description: text_of(&settings, &["description"]),
        capabilities: texts("capabilities"),
        temperature: settings.get("temperature").and_then(Value::as_f64),
        instance_type: if evaluates { InstanceType::Evaluator } else { InstanceType::Worker },
        timeout_seconds: seconds("timeout_seconds").or_else(|| seconds("timeout")),
        skill_refs,
        no_mcp: settings.get("no_mcp").and_then(Value::as_bool).unwrap_or(false),
        ..RoleSpec::default()
    };
    Ok(RoleMapped { name, spec, prompt, notes })
}
