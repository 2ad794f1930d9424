//! `resolve model`: agent, model and limits of a session, each with its source.

use ostwin_core::config::Settings;
use ostwin_core::ids::{RoleRef, RoomId};
use ostwin_core::project::Project;
use ostwin_service::{Exit, Explain};
use serde_json::{Map, Value, json};

use super::{Asked, outside_of_rooms, warn};
use crate::context::Context;
use crate::view::{session as view, table};

/// The settings that are about agent, model and limits, in the order in which they are shown.
const KEYS: [&str; 12] = [
    "agent",
    "agent_command",
    "model",
    "temperature",
    "max_tokens",
    "timeout_seconds",
    "max_retries",
    "retry_delay_seconds",
    "agent_retries",
    "kill_grace_seconds",
    "budget_tokens",
    "budget_usd",
];

pub(super) fn model(
    context: &Context,
    project: &Project,
    settings: &Settings,
    role: &RoleRef,
    room: Option<&RoomId>,
) -> anyhow::Result<Exit> {
    let (found, resolved) = match room {
        Some(room) => {
            let settled = Asked::read(context, project, settings, room)?.settle(role)?;
            (settled.role, settled.settings)
        }
        None => {
            let (found, resolved) = outside_of_rooms(project, settings, role)?;
            (found, resolved.exit(Exit::Usage)?)
        }
    };
    let all = serde_json::to_value(&resolved)?;
    let known = |key: &&str| Some(((*key).to_owned(), all.get(*key)?.clone()));
    let shown: Map<String, Value> = KEYS.iter().filter_map(known).collect();
    let shown = Value::Object(shown);
    let told = |(name, value): &(&str, String)| {
        format!(
            "`{name}` ({value}) has an effect only if the agent's program offers an option of that \
             name; a session that cannot send it says so"
        )
    };
    let warnings: Vec<String> = resolved.options().iter().map(told).collect();
    if context.out.json {
        context.out.json(&json!({
            "role": role, "room": room, "settings": shown, "warnings": warnings,
        }))?;
    } else {
        let rows = view::settings(&shown);
        let head = ["setting", "value", "from"];
        context.out.text(&table::table(&head, &rows, context.out.width()))?;
        warn(&warnings);
    }
    warn(&found.warnings);
    Ok(Exit::Ok)
}
