//! An index of skills: a static JSON file that says what can be installed, and from where.
//!
//! `skills.registry_url` names one, as an address or a path. It is read, never written.

use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::SkillName;
use crate::json::{self, JsonError, Version};

/// The name of the index in a folder or below an address that ends with `/`.
pub const FILE_NAME: &str = "index.json";

/// The skills that can be installed by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SkillsIndex {
    /// Format version.
    #[serde(default)]
    pub v: Version<1>,
    /// The skills. One name may stand there several times, once for each version: the first is
    /// taken where no version is asked for.
    pub skills: Vec<IndexedSkill>,
}

/// One version of a skill in an index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct IndexedSkill {
    /// Its name.
    pub name: SkillName,
    /// What it is for, in a sentence or two.
    pub description: String,
    /// Words to find it by.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Its version.
    #[serde(default)]
    pub version: Option<String>,
    /// Where it is, as `skills install` takes it; a relative path starts at the index.
    pub source: String,
    /// The SHA-256 that the skill must have, or the archive that it comes in: 64 hexadecimal
    /// digits.
    #[schemars(regex(pattern = "^[0-9a-f]{64}$"))]
    pub sha256: String,
}

impl SkillsIndex {
    /// Reads an index; `place` is only named in messages.
    ///
    /// # Errors
    /// [`JsonError`] with line and column if the text is no index, or of a newer format.
    pub fn read(place: &Path, bytes: &[u8]) -> Result<Self, JsonError> {
        json::from_slice_located(place, bytes)
    }

    /// The skill of this name, in this version if one is asked for.
    pub fn get(&self, name: &SkillName, version: Option<&str>) -> Option<&IndexedSkill> {
        let is_wanted = |skill: &&IndexedSkill| {
            skill.name == *name && (version.is_none() || skill.version.as_deref() == version)
        };
        self.skills.iter().find(is_wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_a_name_is_taken_unless_a_version_is_named() {
        let text = r#"{"v":1,"skills":[
            {"name":"a","description":"d","version":"2","source":"./a-2.zip","sha256":"x","new":1},
            {"name":"a","description":"d","version":"1","source":"./a-1.zip","sha256":"y"}]}"#;
        let index = SkillsIndex::read(Path::new("index.json"), text.as_bytes()).unwrap();
        let name: SkillName = "a".parse().unwrap();
        let source = |version| index.get(&name, version).map(|skill| skill.source.as_str());
        assert_eq!(source(None), Some("./a-2.zip"));
        assert_eq!(source(Some("1")), Some("./a-1.zip"));
        assert_eq!(source(Some("3")), None);
        let error = SkillsIndex::read(Path::new("i.json"), br#"{"v":2,"skills":[]}"#).unwrap_err();
        assert!(error.to_string().starts_with("i.json:1:6: schema version 2"), "{error}");
    }
}
