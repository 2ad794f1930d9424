//! What agents may do without asking: the policy by which permission requests are answered.

use std::fmt;

use schemars::{JsonSchema, Schema};
use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A permission policy. In `role.json` its mode alone is enough: `"approval": "ask"`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Approvals", default)]
#[schemars(transform = or_mode_alone)]
pub struct Approvals {
    /// How a request is answered.
    pub mode: ApprovalMode,
    /// Patterns `tool` or `tool:command*` that are allowed, for `rules`.
    pub allow: Vec<String>,
    /// Patterns that are denied, for `rules`; they win over `allow`.
    pub deny: Vec<String>,
    /// What happens to what no pattern matches, for `rules`.
    pub otherwise: Otherwise,
}

/// How permission requests are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalMode {
    /// Everything is allowed.
    #[default]
    Auto,
    /// By the patterns of `allow` and `deny`.
    Rules,
    /// A person is asked.
    Ask,
}

/// What happens to a request that no pattern matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Otherwise {
    /// It is allowed.
    Allow,
    /// It is denied.
    #[default]
    Deny,
    /// A person is asked.
    Ask,
}

impl Serialize for Approvals {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // The inherent function that `remote` derives, not this one; so below.
        Self::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for Approvals {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LongOrShort)
    }
}

struct LongOrShort;

impl<'de> Visitor<'de> for LongOrShort {
    type Value = Approvals;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("`auto`, `rules`, `ask`, or an object with `mode`")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Approvals, E> {
        let mode = ApprovalMode::deserialize(StrDeserializer::new(text))?;
        Ok(Approvals { mode, ..Approvals::default() })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Approvals, A::Error> {
        Approvals::deserialize(MapAccessDeserializer::new(map))
    }
}

fn or_mode_alone(schema: &mut Schema) {
    schema.insert("type".to_owned(), serde_json::json!(["object", "string"]));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_long_form() {
        let read = |text| serde_json::from_str::<Approvals>(text).map_err(|e| e.to_string());
        let ask = Approvals { mode: ApprovalMode::Ask, ..Approvals::default() };
        assert_eq!(read("\"ask\""), Ok(ask.clone()));
        assert_eq!(read("{\"mode\":\"ask\"}"), Ok(ask));
        assert_eq!(
            read("\"aks\"").unwrap_err(),
            "unknown variant `aks`, expected one of `auto`, `rules`, `ask` at line 1 column 5"
        );
        assert_eq!(
            read("1").unwrap_err(),
            "invalid type: integer `1`, expected `auto`, `rules`, `ask`, or an object with `mode` \
             at line 1 column 1"
        );
    }
}
