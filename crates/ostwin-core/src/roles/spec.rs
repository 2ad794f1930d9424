//! The settings of a role, as `role.json` holds them beside its prompt. People own the file; a
//! field that nobody knows is kept and reported.

use std::fmt;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::config::Approvals;
use crate::ids::{ArtifactPath, RoleName, SkillName};
use crate::json::{Extra, JsonError, UnknownField, Version, from_slice_located, unknown_fields};

/// The settings of a role. What is not set is inherited, at last from the project's settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "RoleSpec")]
pub struct RoleSpec {
    /// Version of this file's schema.
    #[serde(default)]
    pub schema_version: Version<1>,
    /// The role's name; its folder's name if it is not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<RoleName>,
    /// The name that people see; `name` if it is not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// What the role is for, in one sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What it can do, in tags that epics ask for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub capabilities: Vec<String>,
    /// The file with its identity prompt, inside the role's folder.
    #[serde(default = "default_prompt_file", deserialize_with = "inner_path")]
    pub prompt_file: String,
    /// The agent program: a key of the setting `agents`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// The model, sent where the agent's protocol has a place for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The sampling temperature, sent where the agent's protocol has a place for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// Longest answer in tokens, sent where the agent's protocol has a place for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u64>,
    /// Whether it makes things or judges them.
    #[serde(default)]
    pub instance_type: InstanceType,
    /// Seconds that one attempt may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<u64>,
    /// Rejections and failed attempts that are answered by another try.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_retries: Option<u32>,
    /// Skills its sessions get.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skill_refs: Vec<SkillName>,
    /// Skills its sessions do not get, whoever names them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub disabled_skills: Vec<SkillName>,
    /// MCP servers its sessions may see, besides the own ones; all, if not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mcp_refs: Option<Vec<String>>,
    /// Whether its sessions get no MCP servers at all.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub no_mcp: bool,
    /// Tools its sessions may call; all, if not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_tools: Option<Vec<String>>,
    /// Tools its sessions may not call.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub denied_tools: Vec<String>,
    /// Commands that must succeed before its `done` counts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quality_gates: Vec<QualityGate>,
    /// What the agent may do without asking.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approvals>,
    /// Further environment variables that its sessions may see.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env_allow: Vec<String>,
    /// Fields that this version does not know.
    #[serde(skip)]
    pub extra: Extra,
}
crate::keep_extra!(RoleSpec);

impl Default for RoleSpec {
    fn default() -> Self {
        Self {
            schema_version: Version::default(),
            name: None,
            display_name: None,
            description: None,
            capabilities: Vec::new(),
            prompt_file: default_prompt_file(),
            agent: None,
            model: None,
            temperature: None,
            max_tokens: None,
            instance_type: InstanceType::default(),
            timeout_seconds: None,
            max_retries: None,
            skill_refs: Vec::new(),
            disabled_skills: Vec::new(),
            mcp_refs: None,
            no_mcp: false,
            allowed_tools: None,
            denied_tools: Vec::new(),
            quality_gates: Vec::new(),
            approval: None,
            env_allow: Vec::new(),
            extra: Extra::new(),
        }
    }
}

fn default_prompt_file() -> String {
    "ROLE.md".to_owned()
}

/// A path that can't leave the role's folder.
fn inner_path<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    ArtifactPath::new(&text).map_err(|error| {
        serde::de::Error::custom(format_args!("`prompt_file` must stay in the folder: {error}"))
    })?;
    Ok(text)
}

/// Whether a role makes things or judges them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum InstanceType {
    /// It makes things.
    #[default]
    Worker,
    /// It judges what others made.
    Evaluator,
}

/// A command that must succeed before a worker's `done` counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "QualityGate")]
pub struct QualityGate {
    /// What the result is called.
    pub name: String,
    /// Program and arguments; one text is a line for `sh`. Not set, `name` is that of a known check.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "command_or_line"
    )]
    pub command: Option<Vec<String>>,
    /// Seconds that it may take.
    #[serde(default = "default_gate_timeout")]
    pub timeout: u64,
    /// Fields that this version does not know.
    #[serde(skip)]
    pub extra: Extra,
}
crate::keep_extra!(QualityGate);

fn default_gate_timeout() -> u64 {
    300
}

fn command_or_line<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Vec<String>>, D::Error> {
    struct Command;

    impl<'de> Visitor<'de> for Command {
        type Value = Option<Vec<String>>;

        fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
            out.write_str("a list of program and arguments, or one line for `sh`")
        }

        fn visit_unit<E: serde::de::Error>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_str<E: serde::de::Error>(self, line: &str) -> Result<Self::Value, E> {
            Ok(Some(["sh", "-c", line].map(str::to_owned).to_vec()))
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
            let mut command: Vec<String> = Vec::new();
            while let Some(part) = seq.next_element()? {
                command.push(part);
            }
            if command.first().is_none_or(String::is_empty) {
                return Err(serde::de::Error::custom("the command names no program"));
            }
            Ok(Some(command))
        }
    }

    deserializer.deserialize_any(Command)
}

/// A `role.json` as it was read, and what is odd about it.
#[derive(Debug, Clone, PartialEq)]
pub struct RoleFile {
    /// What it says; `name` and `display_name` are set.
    pub spec: RoleSpec,
    /// What is odd, in the order of the file.
    pub warnings: Vec<RoleWarning>,
}

/// Something in a `role.json` that was probably meant otherwise.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RoleWarning {
    /// A field that nobody knows.
    #[error("{}: {field}", path.display())]
    UnknownField {
        /// The file.
        path: PathBuf,
        /// The field.
        field: UnknownField,
    },
    /// The file gives another name than its folder, by which the role is found.
    #[error("{}: the role is found by its folder `{folder}`, but its name is `{name}`", path.display())]
    OtherName {
        /// The file.
        path: PathBuf,
        /// The folder's name.
        folder: RoleName,
        /// The name in the file.
        name: RoleName,
    },
}

impl RoleSpec {
    /// Reads the `role.json` of the role in the folder `folder`; `path` is only named in messages.
    ///
    /// # Errors
    ///
    /// [`JsonError`] with line and column if the text is not a role, or of a newer schema.
    pub fn read(folder: &RoleName, path: &Path, bytes: &[u8]) -> Result<RoleFile, JsonError> {
        let mut spec: Self = from_slice_located(path, bytes)?;
        let mut warnings: Vec<RoleWarning> = unknown_fields::<Self>(&spec.extra)
            .into_iter()
            .map(|field| RoleWarning::UnknownField { path: path.to_owned(), field })
            .collect();
        if let Some(name) = spec.name.take().filter(|name| name != folder) {
            let (path, folder) = (path.to_owned(), folder.clone());
            warnings.push(RoleWarning::OtherName { path, folder, name });
        }
        spec.display_name.get_or_insert_with(|| folder.to_string());
        spec.name = Some(folder.clone());
        Ok(RoleFile { spec, warnings })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ApprovalMode;

    fn read(text: &str) -> Result<RoleFile, String> {
        let folder = RoleName::new("qa").unwrap();
        RoleSpec::read(&folder, Path::new("role.json"), text.as_bytes()).map_err(|e| e.to_string())
    }

    #[test]
    fn an_empty_file_is_a_role_with_every_default() {
        let RoleFile { spec, warnings } = read("{}").unwrap();
        let expected = RoleSpec {
            name: Some(RoleName::new("qa").unwrap()),
            display_name: Some("qa".to_owned()),
            ..RoleSpec::default()
        };
        assert_eq!((spec, warnings), (expected, Vec::new()));
    }

    #[test]
    fn every_field_is_read_and_written_again() {
        let text = r#"{"schema_version":1,"name":"qa","display_name":"QA","description":"Reviews.","capabilities":["review"],"prompt_file":"prompts/QA.md","agent":"codex","model":"m","temperature":0.5,"max_tokens":100,"instance_type":"evaluator","timeout_seconds":60,"max_retries":0,"skill_refs":["a"],"disabled_skills":["b"],"mcp_refs":["c"],"no_mcp":true,"allowed_tools":[],"denied_tools":["d"],"quality_gates":[{"name":"test","command":["cargo","test"],"timeout":30}],"approval":{"mode":"ask","allow":[],"deny":[],"otherwise":"deny"},"env_allow":["E"],"later":[1]}"#;
        let RoleFile { spec, warnings } = read(text).unwrap();
        assert_eq!(serde_json::to_string(&spec).unwrap(), text);
        assert_eq!(warnings.len(), 1);
    }

    #[test]
    fn short_forms() {
        let spec = read(
            r#"{"approval":"rules","quality_gates":[{"name":"a","command":"make x"},{"name":"b"}]}"#,
        )
        .unwrap()
        .spec;
        assert_eq!(spec.approval.map(|approval| approval.mode), Some(ApprovalMode::Rules));
        let [line, named] = spec.quality_gates.as_slice() else { panic!("two gates") };
        assert_eq!(line.command.as_deref().unwrap(), ["sh", "-c", "make x"]);
        assert_eq!((named.command.as_ref(), named.timeout), (None, 300));
    }

    #[test]
    fn oddities_are_reported() {
        let warnings = read(r#"{"$schema":"s","name":"tester","timeout":3,"capabilites":[]}"#)
            .unwrap()
            .warnings;
        let warnings: Vec<_> = warnings.iter().map(ToString::to_string).collect();
        assert_eq!(
            warnings,
            [
                "role.json: field `timeout` is unknown",
                "role.json: field `capabilites` is unknown; did you mean `capabilities`?",
                "role.json: the role is found by its folder `qa`, but its name is `tester`"
            ]
        );
    }

    #[test]
    fn shipped_roles_have_nothing_odd() {
        let roles = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.agents/roles");
        let mut count = 0;
        for entry in fs_err::read_dir(&roles).unwrap() {
            let dir = entry.unwrap().path();
            let folder = RoleName::new(&dir.file_name().unwrap().to_string_lossy()).unwrap();
            let path = dir.join("role.json");
            let file = RoleSpec::read(&folder, &path, &fs_err::read(&path).unwrap()).unwrap();
            assert_eq!(file.warnings, [], "{folder}");
            assert!(fs_err::metadata(dir.join(&file.spec.prompt_file)).unwrap().is_file());
            count += 1;
        }
        assert_eq!(count, 8);
    }

    #[test]
    fn mistakes_name_their_place() {
        assert_eq!(
            read(r#"{"prompt_file":"../x"}"#).unwrap_err(),
            "role.json:1:22: `prompt_file` must stay in the folder: `../x` is not a valid artifact \
             path: no component may start with a dot"
        );
        assert_eq!(
            read(r#"{"quality_gates":[{"name":"a","command":[]}]}"#).unwrap_err(),
            "role.json:1:42: the command names no program"
        );
    }
}
