//! Settings with their sources, and secrets by their names.

use std::path::PathBuf;

use ostwin_core::config::{self, Layer, SourceKind};
use ostwin_core::env;
use ostwin_core::fs;
use ostwin_core::store::Durability;
use ostwin_core::vault::{self, Keys, VaultError, Vaults};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::call::Call;
use crate::http::{Nothing, Page, Problem, Route, delete, get, page, put};

/// No settings file is longer.
const MAX_BYTES: u64 = 4 << 20;

/// The routes.
pub(super) fn routes() -> Vec<Route> {
    vec![
        get("/api/config", "Every setting, its value, and where that comes from", settings),
        put("/api/config", "Sets one value in the project's file, or takes it away", 200, set),
        get("/api/vault", "The names of secrets; their values are never told", secrets),
        put("/api/vault/{server}/{key}", "Keeps a secret", 200, keep),
        delete("/api/vault/{server}/{key}", "Forgets a secret", 200, forget),
    ]
}

/// One setting.
#[derive(Debug, Serialize, JsonSchema)]
struct Setting {
    /// Its dotted key.
    key: String,
    /// Its value.
    value: Value,
    /// Where that comes from.
    source: config::Source,
    /// The same in words.
    source_words: String,
    /// What is shipped.
    default: Value,
    /// What it takes, in words.
    #[serde(rename = "type")]
    kind: String,
    /// The variable that sets it.
    env: String,
    /// What it means.
    doc: String,
}

fn settings(call: &Call, _: Nothing, _: Nothing) -> Result<Page<Setting>, Problem> {
    let settings = call.one()?.current().settings;
    let reference = config::reference();
    let told = settings.list().into_iter().map(|(key, value, source)| {
        let doc = reference.iter().find(|doc| stands_for(&doc.key, &key));
        Setting {
            value,
            source_words: source.to_string(),
            source,
            default: doc.map(|doc| doc.default.clone()).unwrap_or_default(),
            kind: doc.map(|doc| doc.kind.clone()).unwrap_or_default(),
            env: doc.map(|doc| doc.env.clone()).unwrap_or_default(),
            doc: doc.map(|doc| doc.doc.clone()).unwrap_or_default(),
            key,
        }
    });
    Ok(page(told.collect()))
}

/// Whether a key of the reference, in which `NAME` is any name, is meant by `key`.
fn stands_for(reference: &str, key: &str) -> bool {
    let (mut one, mut other) = (reference.split('.'), key.split('.'));
    loop {
        match (one.next(), other.next()) {
            (None, None) => return true,
            (Some("NAME"), Some(_)) => {}
            (Some(one), Some(other)) if one == other => {}
            _ => return false,
        }
    }
}

/// A value to set.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewSetting {
    /// The dotted key.
    key: String,
    /// The value; null takes away what the project's file says.
    value: Value,
}

/// What is in force now.
#[derive(Debug, Serialize, JsonSchema)]
struct SettingNow {
    /// The dotted key.
    key: String,
    /// The value in force.
    value: Value,
    /// Where it comes from: not the project's file, if something stronger says another.
    source: config::Source,
}

fn set(call: &Call, _: Nothing, new: NewSetting) -> Result<SettingNow, Problem> {
    let served = call.one()?;
    let layout = served.project().layout().clone();
    let file = layout.config();
    let text = match &new.value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    };
    let bytes = fs::read_optional(&file, MAX_BYTES)?;
    let refused = |error: &dyn std::error::Error| Problem::of(unprocessable(), error);
    let changed = config::set(&file, bytes.as_deref(), &new.key, text.as_deref())
        .map_err(|error| refused(&error))?;
    let changed = fs::json_bytes(&changed).map_err(|error| Problem::internal(&error))?;
    // What does not fit together is not written.
    let project =
        Layer::from_file(SourceKind::Project, &file, &changed).map_err(|error| refused(&error))?;
    let places = config::Places { project: None, ..config::Places::of_process(Some(&layout)) };
    let loaded = config::load(&places, vec![project]).map_err(|error| refused(&error))?;
    fs::replace_record(&file, &changed, Durability::Sync)?;
    served.reload()?;
    let missing = || Problem::not_found(format!("nothing sets `{}`", new.key));
    let (value, source) = match loaded.settings.get(&new.key) {
        Some(found) => found,
        None if new.value.is_null() => (Value::Null, config::Source::shipped()),
        None => return Err(missing()),
    };
    Ok(SettingNow { key: new.key, value, source })
}

fn unprocessable() -> axum::http::StatusCode {
    axum::http::StatusCode::UNPROCESSABLE_ENTITY
}

/// A secret by its name.
#[derive(Debug, Serialize, JsonSchema)]
struct SecretName {
    /// Which server it is for.
    server: String,
    /// Its key.
    key: String,
    /// The file that holds it.
    vault: String,
    /// Whether that is the project's, which can be changed here.
    of_project: bool,
}

fn secrets(call: &Call, _: Nothing, _: Nothing) -> Result<Page<SecretName>, Problem> {
    let layout = call.one()?.project().layout().clone();
    let vaults = Vaults::read(&layout, env::config_dir().as_deref(), &Keys::of_this_process())?;
    let own: PathBuf = layout.vault();
    let names = vaults.names().into_iter().map(|(server, key, path)| SecretName {
        server,
        key,
        vault: path.display().to_string(),
        of_project: path == own,
    });
    Ok(page(names.collect()))
}

/// A secret in a path.
#[derive(Debug, Deserialize, JsonSchema)]
struct SecretPath {
    /// Which server it is for.
    server: String,
    /// Its key.
    key: String,
}

/// A secret to keep.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewSecret {
    /// The value. It is never told again.
    value: String,
}

fn keep(call: &Call, path: SecretPath, new: NewSecret) -> Result<Nothing, Problem> {
    let served = call.one()?;
    let project = served.project();
    vault::check_names(&path.server, &path.key)?;
    let (file, guard) = (project.layout().vault(), project.layout().vault_lock());
    vault::change(project.store(), &file, &guard, &Keys::of_this_process(), |vault| {
        vault.set(&path.server, &path.key, &new.value)
    })?;
    // From now on it is kept out of what is recorded.
    served.reload()?;
    Ok(Nothing {})
}

fn forget(call: &Call, path: SecretPath, _: Nothing) -> Result<Nothing, Problem> {
    let served = call.one()?;
    let project = served.project();
    let (file, guard) = (project.layout().vault(), project.layout().vault_lock());
    let removed = vault::change(project.store(), &file, &guard, &Keys::of_this_process(), |vault| {
        Ok(vault.remove(&path.server, &path.key))
    })?;
    if !removed {
        let text = format!("the project's vault does not hold `{}/{}`", path.server, path.key);
        return Err(Problem::not_found(text));
    }
    served.reload()?;
    Ok(Nothing {})
}

impl From<VaultError> for Problem {
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::Fs(error) => error.into(),
            VaultError::Lock(error) => error.into(),
            error => Self::of(unprocessable(), &error),
        }
    }
}

impl std::fmt::Debug for NewSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NewSecret")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_of_the_reference_stands_for_any_name() {
        assert!(stands_for("agents.NAME.command", "agents.claude.command"));
        assert!(stands_for("max_retries", "max_retries"));
        assert!(!stands_for("agents.NAME.command", "agents.claude"));
        assert!(!stands_for("max_retries", "max_triages"));
    }
}
