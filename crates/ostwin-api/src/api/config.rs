//! Settings with their sources, and setting those of the project.

use axum::http::StatusCode;
use ostwin_core::config::{
    self, EditError, Layer, Places, Settings, SettingsFile, Source, SourceKind,
};
use ostwin_core::redact::{Redactor, is_secret_name};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::call::Call;
use crate::http::{Mistake, Nothing, Page, Problem, Route, get, page, put, with_causes};
use crate::project::Current;

/// What is shown instead of a value by whose name it is a secret.
const HIDDEN: &str = "(hidden)";

/// The routes.
pub(super) fn routes() -> Vec<Route> {
    vec![
        get("/api/config", "Every setting, its value, and where that comes from", settings),
        put("/api/config", "Sets one value in the project's file, or takes it away", 200, set),
    ]
}

/// One setting.
#[derive(Debug, Serialize, JsonSchema)]
struct Setting {
    /// Its dotted key.
    key: String,
    /// Its value; what is secret is not told.
    value: Value,
    /// The layer that the value comes from.
    layer: SourceKind,
    /// The same in words, with file and line, or the variable.
    source: String,
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

/// A setting that somebody set, by the layer that has the last word.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct SettingOf {
    /// Its dotted key.
    key: String,
    /// Its value; what is secret is not told.
    value: Value,
    /// The layer that the value comes from.
    layer: SourceKind,
    /// The same in words, with file and line, or the variable.
    source: String,
}

/// What somebody set: everything that does not have its shipped value.
pub(super) fn set_by_somebody(settings: &Settings, redactor: &Redactor) -> Vec<SettingOf> {
    let told = settings.list().into_iter().filter(|(_, _, source)| is_set(source));
    told.map(|(key, mut value, source)| {
        hide(redactor, &key, &mut value);
        SettingOf { value, layer: source.kind, source: source.to_string(), key }
    })
    .collect()
}

fn is_set(source: &Source) -> bool {
    source.kind != SourceKind::Shipped
}

fn settings(call: &Call, _: Nothing, _: Nothing) -> Result<Page<Setting>, Problem> {
    let Current { project, settings } = call.one()?.current();
    let reference = config::reference();
    let told = settings.list().into_iter().map(|(key, mut value, source)| {
        hide(&project.store().redactor, &key, &mut value);
        let doc = reference.iter().find(|doc| stands_for(&doc.key, &key));
        Setting {
            value,
            layer: source.kind,
            source: source.to_string(),
            default: doc.map(|doc| doc.default.clone()).unwrap_or_default(),
            kind: doc.map(|doc| doc.kind.clone()).unwrap_or_default(),
            env: doc.map(|doc| doc.env.clone()).unwrap_or_default(),
            doc: doc.map(|doc| doc.doc.clone()).unwrap_or_default(),
            key,
        }
    });
    Ok(page(told.collect()))
}

/// Takes secrets out of a value: those that are known, and what stands under the name of one.
fn hide(redactor: &Redactor, key: &str, value: &mut Value) {
    redactor.in_value(value);
    let name = key.rsplit('.').next().unwrap_or(key);
    match value {
        Value::String(text) if is_secret_name(name) && !is_placeholder(text) => {
            HIDDEN.clone_into(text);
        }
        Value::Object(fields) => {
            fields.iter_mut().for_each(|(name, value)| hide(redactor, name, value));
        }
        _ => {}
    }
}

/// Whether a value only says where the secret is.
fn is_placeholder(text: &str) -> bool {
    text.is_empty() || text.starts_with("${") || text.starts_with("{env:")
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
    /// The value, or its text; null takes away what the project's file says.
    value: Value,
}

/// What is in force now.
#[derive(Debug, Serialize, JsonSchema)]
struct SettingNow {
    /// The dotted key.
    key: String,
    /// The value in force; null if nothing sets it.
    value: Value,
    /// The layer that it comes from: not `project`, if another has the last word.
    layer: SourceKind,
    /// The same in words.
    source: String,
}

fn set(call: &Call, _: Nothing, new: NewSetting) -> Result<SettingNow, Problem> {
    let served = call.one()?;
    let project = served.project();
    let layout = project.layout();
    let file = SettingsFile::of_project(layout);
    let text = match &new.value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    };
    if let Err(near) = config::nearest_key(&new.key) {
        let near = near.map_or_else(String::new, |near| format!(" (did you mean `{near}`?)"));
        let text = format!("there is no setting `{}`{near}; `/api/config` lists them", new.key);
        return Err(refused(text));
    }
    // What does not fit together is not written.
    let accept = |changed: &[u8]| {
        let layer = Layer::from_file(SourceKind::Project, &file.path, changed)
            .map_err(|error| refused(with_causes(&error)))?;
        let places = Places { project: None, ..Places::of_process(Some(layout)) };
        config::load(&places, vec![layer]).map_err(|error| refused(with_causes(&error)))
    };
    let loaded = file.edit(project.store(), &new.key, text.as_deref(), accept)?;
    served.reload()?;
    let (mut value, source) = match loaded.settings.get(&new.key) {
        Some((value, source)) => (value, source),
        None => (Value::Null, loaded.settings.provenance(&new.key)),
    };
    hide(&project.store().redactor, &new.key, &mut value);
    Ok(SettingNow { key: new.key, value, layer: source.kind, source: source.to_string() })
}

impl From<EditError> for Problem {
    fn from(error: EditError) -> Self {
        match error {
            EditError::File(error) => refused(with_causes(&error)),
            EditError::Fs(error) => error.into(),
            EditError::Lock(error) => error.into(),
        }
    }
}

/// A value that is not taken. Nothing was written.
fn refused(text: String) -> Problem {
    let mistake = Mistake { message: text.clone(), ..Mistake::default() };
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, text).with(vec![mistake])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_key_of_the_reference_stands_for_any_name() {
        assert!(stands_for("agents.NAME.command", "agents.claude.command"));
        assert!(stands_for("max_retries", "max_retries"));
        assert!(!stands_for("agents.NAME.command", "agents.claude"));
        assert!(!stands_for("max_retries", "max_triages"));
    }

    #[test]
    fn what_is_secret_by_its_name_is_not_told() {
        let hidden = |key: &str, mut value: Value| {
            hide(&Redactor::default(), key, &mut value);
            value
        };
        assert_eq!(hidden("agents.a.env.API_KEY", json!("k-123")), json!(HIDDEN));
        let all = hidden("agents.a.env", json!({ "API_KEY": "k", "LANG": "C" }));
        assert_eq!(all, json!({ "API_KEY": HIDDEN, "LANG": "C" }));
        let placeholder = json!("${vault:a/API_KEY}");
        assert_eq!(hidden("agents.a.env.API_KEY", placeholder.clone()), placeholder);
        assert_eq!(hidden("budget_tokens", json!(7)), json!(7));
        assert_eq!(hidden("default_agent", json!("claude")), json!("claude"));
    }
}
