//! `settings.json` of a room: what a person set for this room only, above what its epic says.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Room, RoomError, read_json_optional};
use crate::fs;
use crate::json::{Extra, Version, nearest};

/// The settings of one room. What is null is settled as if nobody had said anything.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "RoomSettings")]
pub struct RoomSettings {
    /// Version of this file's schema.
    #[serde(default)]
    pub schema_version: Version<1>,
    /// The agent program: a key of `agents`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// The model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Seconds that one attempt may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<u64>,
    /// Tokens that the room may use, all attempts together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget_tokens: Option<u64>,
    /// US dollars that the room may cost, all attempts together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget_usd: Option<f64>,
    /// Fields that this version does not know.
    #[serde(skip)]
    pub extra: Extra,
}
crate::keep_extra!(RoomSettings);

/// The settings that a room can have of its own.
pub const ROOM_KEYS: [&str; 5] =
    ["agent", "model", "timeout_seconds", "budget_tokens", "budget_usd"];

/// Why a room's setting was not changed.
#[derive(Debug, thiserror::Error)]
pub enum SetError {
    /// There is no such setting for a room.
    #[error("a room has no setting `{key}` of its own{}; there is {}", near.map_or_else(String::new, |near| format!(" (`{near}`?)")), ROOM_KEYS.join(", "))]
    UnknownKey {
        /// The key.
        key: String,
        /// The nearest that there is.
        near: Option<&'static str>,
    },
    /// The value does not fit the key.
    #[error("`{key}` cannot be {found}: {expected}")]
    WrongValue {
        /// The key.
        key: &'static str,
        /// What was given.
        found: String,
        /// What it needs to be.
        expected: &'static str,
    },
    /// The room could not be read or written.
    #[error(transparent)]
    Room(#[from] RoomError),
}

impl RoomSettings {
    /// Sets one value; null takes it back.
    ///
    /// # Errors
    /// No such key, or the value does not fit; nothing changed.
    pub fn set(&mut self, key: &str, value: &Value) -> Result<(), SetError> {
        let Some(key) = ROOM_KEYS.into_iter().find(|known| *known == key) else {
            let near = nearest(key, ROOM_KEYS);
            return Err(SetError::UnknownKey { key: key.to_owned(), near });
        };
        let wrong = |expected| SetError::WrongValue { key, found: value.to_string(), expected };
        let text = || match value {
            Value::Null => Ok(None),
            Value::String(text) if !text.trim().is_empty() => Ok(Some(text.clone())),
            _ => Err(wrong("a name, or null")),
        };
        let whole = |least: u64, expected| match value {
            Value::Null => Ok(None),
            _ => value.as_u64().filter(|n| *n >= least).map(Some).ok_or_else(|| wrong(expected)),
        };
        match key {
            "agent" => self.agent = text()?,
            "model" => self.model = text()?,
            "timeout_seconds" => {
                self.timeout_seconds = whole(1, "whole seconds from 1 on, or null")?;
            }
            "budget_tokens" => self.budget_tokens = whole(0, "a whole number, or null")?,
            _ => {
                self.budget_usd = match value {
                    Value::Null => None,
                    _ => {
                        let usd = value.as_f64().filter(|usd| *usd >= 0.0);
                        Some(usd.ok_or_else(|| wrong("0 or a positive number, or null"))?)
                    }
                };
            }
        }
        Ok(())
    }
}

impl Room {
    /// What was set for this room only.
    ///
    /// # Errors
    /// The file is malformed or cannot be read; a missing one sets nothing.
    pub fn settings(&self) -> Result<RoomSettings, RoomError> {
        Ok(read_json_optional(&self.paths.settings())?.unwrap_or_default())
    }

    /// Sets one value for this room only; null takes it back. Gives what is set now.
    ///
    /// # Errors
    /// No such key, the value does not fit, or a file failed; nothing changed.
    pub fn set(&self, key: &str, value: &Value) -> Result<RoomSettings, SetError> {
        self.locked(|_| {
            let mut settings = self.settings()?;
            settings.set(key, value)?;
            let durability = self.project.store().durability;
            fs::replace_json(&self.paths.settings(), &settings, durability)
                .map_err(RoomError::from)?;
            Ok(settings)
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_set_taken_back_and_checked() {
        let mut settings = RoomSettings::default();
        for (key, value) in [
            ("agent", json!("opencode")),
            ("model", json!("m")),
            ("timeout_seconds", json!(60)),
            ("budget_tokens", json!(1000)),
            ("budget_usd", json!(2.5)),
        ] {
            settings.set(key, &value).unwrap();
        }
        settings.set("model", &Value::Null).unwrap();
        let expected = RoomSettings {
            agent: Some("opencode".to_owned()),
            timeout_seconds: Some(60),
            budget_tokens: Some(1000),
            budget_usd: Some(2.5),
            ..RoomSettings::default()
        };
        assert_eq!(settings, expected);
        for (key, value, problem) in [
            ("budget_token", json!(1), "(`budget_tokens`?)"),
            ("budget_tokens", json!(-1), "`budget_tokens` cannot be -1: a whole number"),
            ("budget_usd", json!("x"), "`budget_usd` cannot be \"x\": 0 or a positive"),
            ("timeout_seconds", json!(0), "from 1 on"),
            ("agent", json!(" "), "a name"),
        ] {
            let error = settings.set(key, &value).unwrap_err().to_string();
            assert!(error.contains(problem), "{error}");
        }
        assert_eq!(settings, expected);
        let text = serde_json::to_string(&settings).unwrap();
        assert_eq!(serde_json::from_str::<RoomSettings>(&text).unwrap(), expected);
    }
}
