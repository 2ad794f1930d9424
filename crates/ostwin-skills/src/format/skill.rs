//! What the front matter of a skill says.

use ostwin_core::ids::{RoleName, SkillName};
use ostwin_core::json::Extra;
use serde::Serialize;
use serde_json::{Map, Value};

/// A skill, without its body.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Skill {
    /// Its name, which is also that of its folder.
    pub name: SkillName,
    /// What it does and when to use it: the one line by which an agent picks it.
    pub description: String,
    /// Words to find it by.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Operating systems that it is for (`linux`, `macos`, `windows`); none means all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub platform: Vec<String>,
    /// Whether it is used at all.
    pub enabled: bool,
    /// How far it is trusted.
    pub trust_level: TrustLevel,
    /// MCP servers that a session must have for it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub requires_mcp: Vec<String>,
    /// Skills that it builds on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dependencies: Vec<SkillName>,
    /// Roles that it is for; none means all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub applicable_roles: Vec<RoleName>,
    /// Its version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Who wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// Phrases that call for it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub triggers: Vec<String>,
    /// Its licence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub license: Option<String>,
    /// What it needs of its surroundings, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compatibility: Option<String>,
    /// Whatever its author keeps with it.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
    /// Tools that it wants to use without asking. Said to people; it grants nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowed_tools: Vec<String>,
    /// Fields that this version does not know.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub extra: Extra,
}

impl Skill {
    /// A skill with every default.
    pub fn new(name: SkillName, description: impl Into<String>) -> Self {
        Self {
            name,
            description: description.into(),
            tags: Vec::new(),
            platform: Vec::new(),
            enabled: true,
            trust_level: TrustLevel::default(),
            requires_mcp: Vec::new(),
            dependencies: Vec::new(),
            applicable_roles: Vec::new(),
            version: None,
            author: None,
            triggers: Vec::new(),
            license: None,
            compatibility: None,
            metadata: Map::new(),
            allowed_tools: Vec::new(),
            extra: Extra::new(),
        }
    }

    /// Whether it is for sessions of this role.
    pub fn is_for(&self, role: &RoleName) -> bool {
        self.applicable_roles.is_empty() || self.applicable_roles.contains(role)
    }
}

/// How far a skill is trusted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TrustLevel {
    /// Part of what every team relies on.
    Core,
    /// Fit for use.
    #[default]
    Stable,
    /// Used only where the setting `skills.allow_experimental` says so.
    Experimental,
}

impl TrustLevel {
    /// Every level, from trusted to not.
    pub const ALL: [Self; 3] = [Self::Core, Self::Stable, Self::Experimental];

    /// The level in a word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Core => "core",
            Self::Stable => "stable",
            Self::Experimental => "experimental",
        }
    }
}
