//! The types of `registry.json`, and the questions it answers.

use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{RoleName, StateName};
use crate::json::{
    Extra, JsonError, Ordered, UnknownField, Version, from_slice_located, unknown_fields,
};

/// The role catalogue and the rules of assignment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Registry")]
pub struct Registry {
    /// Version of this file's schema.
    #[serde(default)]
    pub schema_version: Version<1>,
    /// Every known role; of two with the same name the first counts.
    #[serde(default)]
    pub roles: Vec<RegistryRole>,
    /// Who does what where a plan names nobody.
    pub assignment_rules: AssignmentRules,
    /// Other words for capabilities: `db` for `database`.
    #[serde(default)]
    pub capability_aliases: Ordered<String, String>,
    /// The review stage that a required capability adds.
    #[serde(default)]
    pub capability_reviews: Ordered<String, CapabilityReview>,
    /// Fields that this version does not know.
    #[serde(skip)]
    pub extra: Extra,
}
crate::keep_extra!(Registry);

/// A role in the catalogue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "RegistryRole")]
pub struct RegistryRole {
    /// Its name.
    pub name: RoleName,
    /// What it is for, in one sentence.
    #[serde(default)]
    pub description: String,
    /// Its folder, relative to `.agents/` or absolute, if no other tier has it.
    #[serde(default)]
    pub path: Option<String>,
    /// What it can do.
    #[serde(default)]
    pub capabilities: Vec<String>,
    /// The model it is best used with.
    #[serde(default)]
    pub default_model: Option<String>,
    /// The types of task it takes: `epic`, `task`, `review`; any, if empty.
    #[serde(default)]
    pub supported_task_types: Vec<String>,
    /// Whether it is taken first where several would do.
    #[serde(default)]
    pub default_assignment: bool,
    /// Fields that this version does not know.
    #[serde(skip)]
    pub extra: Extra,
}
crate::keep_extra!(RegistryRole);

/// Who does what where a plan names nobody.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "AssignmentRules")]
pub struct AssignmentRules {
    /// Works on an epic.
    pub default_role: RoleName,
    /// Reviews it if the epic names one role only; null for no review.
    #[serde(default)]
    pub review_role: Option<RoleName>,
    /// Reviews plans.
    #[serde(default)]
    pub design_role: Option<RoleName>,
    /// Decides in triage.
    #[serde(default)]
    pub orchestration_role: Option<RoleName>,
    /// Fields that this version does not know.
    #[serde(skip)]
    pub extra: Extra,
}
crate::keep_extra!(AssignmentRules);

/// The review stage that a required capability adds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "CapabilityReview")]
pub struct CapabilityReview {
    /// The name of the stage.
    pub stage: StateName,
    /// Who reviews in it.
    pub role: RoleName,
    /// Fields that this version does not know.
    #[serde(skip)]
    pub extra: Extra,
}
crate::keep_extra!(CapabilityReview);

impl Registry {
    /// Reads a `registry.json`; `path` is only named in messages. Returned with the fields that
    /// nobody knows.
    ///
    /// # Errors
    ///
    /// [`JsonError`] with line and column if the text is not a registry, or of a newer schema.
    pub fn read(path: &Path, bytes: &[u8]) -> Result<(Self, Vec<UnknownField>), JsonError> {
        let registry: Self = from_slice_located(path, bytes)?;
        let mut unknown = unknown_fields::<Self>(&registry.extra);
        unknown.extend(unknown_fields::<AssignmentRules>(&registry.assignment_rules.extra));
        for role in &registry.roles {
            unknown.extend(unknown_fields::<RegistryRole>(&role.extra));
        }
        Ok((registry, unknown))
    }

    /// The entry of this name.
    pub fn role(&self, name: &RoleName) -> Option<&RegistryRole> {
        self.roles.iter().find(|role| role.name == *name)
    }

    /// The name under which a capability is known: lower case, aliases followed to their end.
    pub fn canonical(&self, capability: &str) -> String {
        let mut name = capability.trim().to_lowercase();
        // Aliases that go round in a circle end after as many steps as there are aliases.
        for _ in 0..self.capability_aliases.len() {
            match self.capability_aliases.get(&name) {
                Some(next) => name = next.trim().to_lowercase(),
                None => break,
            }
        }
        name
    }

    /// The entry that covers most of the required capabilities; where several cover as many, one
    /// with `default_assignment`, else the first. `None` if none covers any.
    pub fn match_capabilities<C: AsRef<str>>(&self, required: &[C]) -> Option<&RegistryRole> {
        let mut wanted: Vec<String> =
            required.iter().map(|capability| self.canonical(capability.as_ref())).collect();
        wanted.sort();
        wanted.dedup();
        let covered = |role: &RegistryRole| {
            let can: Vec<String> =
                role.capabilities.iter().map(|capability| self.canonical(capability)).collect();
            wanted.iter().filter(|capability| can.contains(capability)).count()
        };
        self.roles
            .iter()
            .enumerate()
            .map(|(index, role)| (covered(role), role.default_assignment, index, role))
            .filter(|(count, ..)| *count > 0)
            .max_by_key(|(count, default, index, _)| (*count, *default, std::cmp::Reverse(*index)))
            .map(|(.., role)| role)
    }

    /// The review stages that the required capabilities add, each once, in the order required.
    pub fn reviews_for<C: AsRef<str>>(&self, required: &[C]) -> Vec<&CapabilityReview> {
        let mut reviews: Vec<&CapabilityReview> = Vec::new();
        for capability in required {
            let name = self.canonical(capability.as_ref());
            let added = self
                .capability_reviews
                .iter()
                .find(|(key, _)| self.canonical(key) == name)
                .map(|(_, review)| review);
            reviews.extend(added.filter(|review| !reviews.contains(review)));
        }
        reviews
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"{"schema_version":1,"roles":[
        {"name":"qa","capabilities":["review","Testing"]},
        {"name":"engineer","capabilities":["backend","database","testing"],"default_assignment":true,"colour":"red"},
        {"name":"auditor","capabilities":["security","database","backend"]}],
      "assignment_rules":{"default_role":"engineer","review_role":"qa"},
      "capability_aliases":{"sql":"db","db":"database","round":"circle","circle":"round"},
      "capability_reviews":{"security":{"stage":"security-review","role":"auditor"},
                            "database":{"stage":"data-review","role":"engineer"}}}"#;

    fn registry() -> Registry {
        Registry::read(Path::new("registry.json"), TEXT.as_bytes()).unwrap().0
    }

    fn matched(required: &[&str]) -> Option<String> {
        registry().match_capabilities(required).map(|role| role.name.to_string())
    }

    #[test]
    fn the_role_that_covers_most_is_taken() {
        assert_eq!(matched(&["security", "backend", "SQL"]).as_deref(), Some("auditor"));
        assert_eq!(matched(&["sql", "backend"]).as_deref(), Some("engineer"));
        assert_eq!(matched(&["testing"]).as_deref(), Some("engineer"));
        assert_eq!(matched(&["review"]).as_deref(), Some("qa"));
        assert_eq!(matched(&["round"]), None);
        assert_eq!(matched(&[]), None);
    }

    #[test]
    fn capabilities_add_their_reviews_once() {
        let registry = registry();
        let stages = |required: &[&str]| -> Vec<String> {
            registry.reviews_for(required).iter().map(|review| review.stage.to_string()).collect()
        };
        assert_eq!(stages(&["sql", "security", "database"]), ["data-review", "security-review"]);
        assert_eq!(stages(&["cooking"]), Vec::<String>::new());
    }

    #[test]
    fn unknown_fields_are_reported_and_kept_in_order() {
        let (registry, unknown) =
            Registry::read(Path::new("registry.json"), TEXT.as_bytes()).unwrap();
        let unknown: Vec<_> = unknown.iter().map(ToString::to_string).collect();
        assert_eq!(unknown, ["field `colour` is unknown"]);
        let written = serde_json::to_string(&registry).unwrap();
        let aliases = r#""capability_aliases":{"sql":"db","db":"database","round":"circle","circle":"round"}"#;
        assert!(written.contains(aliases) && written.contains(r#""colour":"red""#), "{written}");
        assert_eq!(serde_json::from_str::<Registry>(&written).unwrap(), registry);
    }

    #[test]
    fn the_shipped_registry_is_whole() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.agents/registry.json");
        let (registry, unknown) = Registry::read(&path, &fs_err::read(&path).unwrap()).unwrap();
        assert_eq!(unknown, []);
        let rules = &registry.assignment_rules;
        let reviewers = registry.capability_reviews.iter().map(|(_, review)| &review.role);
        let named = [&rules.review_role, &rules.design_role, &rules.orchestration_role];
        let named = named.into_iter().flatten().chain([&rules.default_role]).chain(reviewers);
        for role in named {
            assert!(registry.role(role).is_some(), "{role}");
        }
    }

    #[test]
    fn mistakes_name_their_place() {
        let wrong = |text: &str| {
            Registry::read(Path::new("registry.json"), text.as_bytes()).unwrap_err().to_string()
        };
        assert_eq!(wrong("{}"), "registry.json:1:2: missing field `assignment_rules`");
        assert_eq!(
            wrong(r#"{"roles":[{"name":"a/b"}]}"#),
            "registry.json:1:24: `a/b` is not a valid role name: it may hold only ASCII letters, \
             digits, `-`, `_` and `.`"
        );
    }
}
