//! What a resolution says.

use std::fmt;

use ostwin_core::config::Preflight;
use ostwin_core::ids::{RoleName, SkillName};
use serde::Serialize;

use crate::place::SkillPlace;
use crate::tiers::Tier;

/// The asker of what another skill builds on; its place is that skill.
pub const DEPENDENCY: &str = "dependency";
/// The asker of what lies in a folder whose skills are for every session of it; its place is the
/// tier.
pub const FOLDER: &str = "folder";

/// Who asked for a skill, or against it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Asker {
    /// The kind of source, in a word: `role.json`, `epic`, [`DEPENDENCY`].
    pub by: &'static str,
    /// The file, the key or the skill.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
}

impl Asker {
    /// An asker with its place.
    pub fn at(by: &'static str, place: impl Into<String>) -> Self {
        Self { by, place: Some(place.into()) }
    }
}

impl fmt::Display for Asker {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.by, &self.place) {
            (DEPENDENCY, Some(skill)) => write!(out, "skill `{skill}`"),
            (FOLDER, Some(tier)) => write!(out, "{tier} folder"),
            (by, Some(place)) => write!(out, "{by} {place}"),
            (by, None) => out.write_str(by),
        }
    }
}

/// A skill that is named somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The skill.
    pub name: SkillName,
    /// Who names it.
    pub by: Asker,
}

/// A skill that the session gets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ResolvedSkill {
    /// Its name.
    pub name: SkillName,
    /// What it does and when to use it.
    pub description: String,
    /// Its version, if it says one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Where it was found.
    pub tier: Tier,
    /// Its folder.
    pub place: SkillPlace,
    /// The roles that it says it is for; none means all. A session of another role gets it because
    /// somebody named it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub applicable_roles: Vec<RoleName>,
    /// Who asked for it.
    pub asked_by: Vec<Asker>,
}

/// Why a skill is left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Reason {
    /// No tier has it.
    #[error("no tier has it{}", near.as_ref().map_or_else(String::new, |near| format!(" (did you mean `{near}`?)")))]
    Missing {
        /// The nearest skill that exists.
        #[serde(skip_serializing_if = "Option::is_none")]
        near: Option<String>,
    },
    /// It is there and cannot be read.
    #[error("it is broken: {problem}")]
    Broken {
        /// What is wrong with it.
        problem: String,
    },
    /// Somebody does not want it.
    #[error("it is disabled by {by}")]
    Disabled {
        /// Who.
        by: Asker,
    },
    /// Its own front matter switches it off.
    #[error("its front matter has `enabled: false`")]
    NotEnabled,
    /// It is for other systems.
    #[error("it is for {}, and this is {here}", platform.join(", "))]
    Platform {
        /// The systems that it is for.
        platform: Vec<String>,
        /// The system that this is.
        here: String,
    },
    /// It is not trusted far enough.
    #[error("it is experimental; set `skills.allow_experimental` to use such skills")]
    Experimental,
    /// It is for other roles.
    #[error("it is for {}", roles.iter().map(|role| format!("`{role}`")).collect::<Vec<_>>().join(", "))]
    OtherRoles {
        /// The roles that it is for.
        roles: Vec<RoleName>,
    },
    /// The session lacks a server that it needs.
    #[error("it needs the MCP server `{server}`, which the session does not have")]
    NoServer {
        /// The server.
        server: String,
    },
    /// Something that it builds on is left out.
    #[error("it builds on `{skill}`, which is left out")]
    Needs {
        /// The skill that it builds on.
        skill: SkillName,
    },
}

/// A skill that the session does not get.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// Its name, or that of its folder.
    pub name: String,
    /// Why.
    pub why: Reason,
    /// Who asked for it.
    pub asked_by: Vec<Asker>,
}

impl LeftOut {
    /// Whether somebody named it; else it only lies in a folder.
    pub fn is_named(&self) -> bool {
        self.asked_by.iter().any(|asker| asker.by != FOLDER)
    }

    /// Whether it was named and cannot be had.
    fn is_missing(&self) -> bool {
        matches!(self.why, Reason::Missing { .. } | Reason::Broken { .. }) && self.is_named()
    }
}

impl fmt::Display for LeftOut {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let askers: Vec<String> = self.asked_by.iter().map(ToString::to_string).collect();
        write!(out, "skill `{}`, wanted by {}: {}", self.name, askers.join(" and "), self.why)
    }
}

/// Which skills a session gets, and which not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Resolution {
    /// The skills, by name.
    pub skills: Vec<ResolvedSkill>,
    /// What was asked for and left out, by name.
    pub left_out: Vec<LeftOut>,
    /// Every tier with its place, as it was searched.
    pub searched: Vec<String>,
}

impl Resolution {
    /// Whether this will do: a skill that is named and cannot be had is an error, or with
    /// [`Preflight::Warn`] a warning. What is broken, and what does not fit here although somebody
    /// named it, is a warning either way.
    ///
    /// # Errors
    /// [`MissingSkills`] names each of them, who wants it and where it was looked for.
    pub fn preflight(&self, preflight: Preflight) -> Result<Vec<String>, MissingSkills> {
        let missing = self.left_out.iter().filter(|left| left.is_missing());
        let missing: Vec<LeftOut> = missing.cloned().collect();
        if preflight == Preflight::Error && !missing.is_empty() {
            return Err(MissingSkills { missing, searched: self.searched.clone() });
        }
        let told = |left: &&LeftOut| match left.why {
            Reason::Broken { .. } => true,
            // Somebody said so.
            Reason::Disabled { .. } | Reason::OtherRoles { .. } => false,
            _ => left.is_named(),
        };
        Ok(self.left_out.iter().filter(told).map(ToString::to_string).collect())
    }
}

/// Skills that are named and cannot be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{}; looked in {}; mend, install or take out what is named, or set `skills.preflight` to `warn`",
    missing.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
    searched.join(", ")
)]
pub struct MissingSkills {
    /// The skills.
    pub missing: Vec<LeftOut>,
    /// Every tier with its place.
    pub searched: Vec<String>,
}
