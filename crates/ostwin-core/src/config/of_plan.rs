//! `PLAN.roles.json` and `PLAN.skills.json`: what a plan's sessions get beyond what its text says.
//!
//! They stand beside the imported plan and belong to people and to programs that help them. A plan's
//! text cannot be edited without becoming a revision; who works on it with which model, and with
//! which skills, may change from one start of the engine to the next. Both are layers of settings
//! above the plan's `Config` section and below the environment.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::error::ConfigError;
use super::layer::{FileError, Layer};
use super::load::{LoadError, read_bytes};
use super::shape;
use super::source::{Source, SourceKind};
use super::types::RoleSettings;
use crate::ids::{RoleName, SkillName};
use crate::json::{Version, from_slice_located};
use crate::layout::PlanPaths;

/// `PLAN.roles.json`: overrides of roles for the sessions of one plan.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct PlanRoles {
    /// Version of this file's schema.
    pub schema_version: Version<1>,
    /// Overrides by role, as the setting `roles` has them.
    pub roles: BTreeMap<RoleName, RoleSettings>,
}

/// `PLAN.skills.json`: skills for every session of one plan.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct PlanSkills {
    /// Version of this file's schema.
    pub schema_version: Version<1>,
    /// The skills, added to those that the setting `skill_refs` names elsewhere.
    pub skill_refs: Vec<SkillName>,
}

/// One of the two files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlanFile {
    /// `PLAN.roles.json`.
    Roles,
    /// `PLAN.skills.json`.
    Skills,
}

impl PlanFile {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Roles, Self::Skills];

    /// The file that a dotted key stands in; `None` for what only the plan's text sets.
    pub fn of_key(key: &str) -> Option<Self> {
        let path = shape::split(key);
        Self::ALL.into_iter().find(|file| path.first().is_some_and(|first| first == file.holds()))
    }

    /// The setting that the file holds.
    pub fn holds(self) -> &'static str {
        match self {
            Self::Roles => "roles",
            Self::Skills => "skill_refs",
        }
    }

    /// Where the file of a plan is.
    pub fn path(self, plan: &PlanPaths) -> PathBuf {
        match self {
            Self::Roles => plan.roles(),
            Self::Skills => plan.skills(),
        }
    }
}

/// What the two files of a plan set; one that is not there sets nothing.
///
/// # Errors
///
/// A file cannot be read, is malformed, or holds a setting that is not its own.
pub fn of_plan(plan: &PlanPaths) -> Result<Vec<Layer>, LoadError> {
    let mut layers = Vec::new();
    for which in PlanFile::ALL {
        let file = which.path(plan);
        let Some(bytes) = read_bytes(&file)? else { continue };
        let values: Map<String, Value> =
            from_slice_located(&file, &bytes).map_err(FileError::Json)?;
        let foreign = values
            .keys()
            .find(|key| !["$schema", "schema_version", which.holds()].contains(&key.as_str()));
        if let Some(key) = foreign {
            let place = Source::file(SourceKind::Plan, &file);
            let (key, holds) = (key.clone(), which.holds());
            let error = ConfigError::NotHere { place, key, holds };
            return Err(FileError::Settings(vec![error]).into());
        }
        layers.push(Layer::from_file(SourceKind::Plan, &file, &bytes)?);
    }
    Ok(layers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;
    use crate::fs::replace_hint;
    use crate::layout::Layout;

    fn plan(dir: &tempfile::TempDir, files: &[(PlanFile, &str)]) -> PlanPaths {
        let plan = Layout::new(dir.path()).plan(&"shop-3fa9c1".parse().unwrap());
        crate::fs::create_dirs(plan.dir()).unwrap();
        for (file, text) in files {
            replace_hint(&file.path(&plan), text.as_bytes()).unwrap();
        }
        plan
    }

    #[test]
    fn they_stand_above_the_text_of_the_plan_and_below_the_environment() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(of_plan(&plan(&dir, &[])).unwrap(), []);
        let roles = r#"{"schema_version": 1, "roles": {"qa": {"model": "file", "no_mcp": true}}}"#;
        let skills = r#"{"$schema": "x", "schema_version": 1, "skill_refs": ["of-file", "both"]}"#;
        let plan = plan(&dir, &[(PlanFile::Roles, roles), (PlanFile::Skills, skills)]);
        let text = serde_json::json!({
            "skill_refs": ["of-text", "both"], "roles.qa.model": "text", "roles.qa.timeout_seconds": 9,
        });
        let (text, _) =
            Layer::from_plan(&plan.plan(), text.as_object().unwrap(), &|_| None).unwrap();
        let (environment, _) = Layer::from_env([("OSTWIN_ROLES__QA__NO_MCP", "false")]).unwrap();
        let layers = [vec![environment, text], of_plan(&plan).unwrap()].concat();
        let settings = Settings::merge(layers).unwrap();
        let qa = &settings.config.roles[&"qa".parse::<RoleName>().unwrap()];
        assert_eq!(
            (qa.model.as_deref(), qa.timeout_seconds, qa.no_mcp),
            (Some("file"), Some(9), Some(false))
        );
        let named: Vec<(String, Option<PathBuf>)> = settings
            .skill_refs()
            .into_iter()
            .map(|(name, source)| (name.to_string(), source.file))
            .collect();
        let (in_text, in_file) = (Some(plan.plan()), Some(plan.skills()));
        assert_eq!(
            named,
            [
                ("of-text".to_owned(), in_text),
                ("both".to_owned(), in_file.clone()),
                ("of-file".to_owned(), in_file)
            ]
        );
    }

    #[test]
    fn each_holds_its_own_setting_alone() {
        let dir = tempfile::tempdir().unwrap();
        let failed = |file, text: &str| {
            let error = of_plan(&plan(&dir, &[(file, text)])).unwrap_err().to_string();
            replace_hint(&file.path(&plan(&dir, &[])), b"{}").unwrap();
            error.replace(&dir.path().display().to_string(), "PROJECT")
        };
        assert_eq!(
            failed(PlanFile::Skills, r#"{"max_retries": 1}"#),
            "plan PROJECT/.agents/plans/shop-3fa9c1/PLAN.skills.json: the file holds `skill_refs` \
             and nothing else; set `max_retries` in the plan's `Config`"
        );
        assert!(
            failed(PlanFile::Roles, r#"{"roles": {"qa": {"modell": "x"}}}"#)
                .contains("`roles.qa.model`")
        );
        assert!(failed(PlanFile::Skills, r#"{"skill_refs": ["../x"]}"#).contains("skill_refs"));
        assert!(failed(PlanFile::Skills, "[]").contains("PLAN.skills.json:1:1"));
        assert!(failed(PlanFile::Roles, r#"{"schema_version": 2}"#).contains("schema version 2"));
    }

    #[test]
    fn a_key_has_one_file_or_none() {
        assert_eq!(PlanFile::of_key("roles.qa.model"), Some(PlanFile::Roles));
        assert_eq!(PlanFile::of_key("skill_refs"), Some(PlanFile::Skills));
        assert_eq!(PlanFile::of_key("skills.preflight"), None);
        assert_eq!(PlanFile::of_key(""), None);
    }
}
