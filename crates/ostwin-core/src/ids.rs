//! Names and identifiers. A value of one of these types has been parsed: it cannot hold a path
//! separator, `..`, a NUL or a leading dot, so it may become part of a path.

use std::borrow::{Borrow, Cow};
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::time::Timestamp;

/// Longest name that may become one path component, in bytes.
pub const MAX_NAME_BYTES: usize = 64;

/// Why a text is not a name of the wanted kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a valid {kind}: {problem}")]
pub struct NameError {
    /// What was wanted, in words.
    pub kind: &'static str,
    /// The refused text, shortened for display.
    pub text: String,
    /// What is wrong with it.
    pub problem: &'static str,
}

impl NameError {
    fn new(kind: &'static str, text: &str, problem: &'static str) -> Self {
        Self { kind, text: text.chars().take(80).collect(), problem }
    }
}

fn check_component(text: &str) -> Result<(), &'static str> {
    if text.is_empty() {
        return Err("it is empty");
    }
    if text.len() > MAX_NAME_BYTES {
        return Err("it is longer than 64 bytes");
    }
    if !text.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return Err("it must start with an ASCII letter or digit");
    }
    if !text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')) {
        return Err("it may hold only ASCII letters, digits, `-`, `_` and `.`");
    }
    if text.contains("..") {
        return Err("it must not hold `..`");
    }
    Ok(())
}

/// What every parsed text has: it is shown, read and written as the text it is.
macro_rules! as_text {
    ($name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::new(text)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <Cow<'de, str>>::deserialize(deserializer)?;
                Self::new(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $pattern:literal, $parse:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Parses `text`, or says why it is not one.
            pub fn new(text: &str) -> Result<Self, NameError> {
                let parse: fn(&str) -> Result<String, &'static str> = $parse;
                parse(text).map(Self).map_err(|problem| NameError::new($kind, text, problem))
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        as_text!($name);

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "pattern": $pattern, "description": $kind })
            }
        }
    };
}

fn component(text: &str) -> Result<String, &'static str> {
    check_component(text).map(|()| text.to_owned())
}

name_type!(
    /// The name of a role: the folder of its two files.
    RoleName, "role name", "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", component
);
name_type!(
    /// The name of a skill: the folder of its `SKILL.md`.
    SkillName, "skill name", "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", component
);
name_type!(
    /// The id of a plan: a readable slug and six random hex digits (`shop-3fa9c1`).
    PlanId, "plan id", "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", component
);
name_type!(
    /// The id of a war-room: `room-NNN`, unique in the project.
    RoomId, "room id", "^room-[0-9]{3,9}$", |text| {
        let digits = text.strip_prefix("room-").ok_or("it must look like `room-001`")?;
        if !(3..=9).contains(&digits.len()) || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err("it must look like `room-001`");
        }
        Ok(text.to_owned())
    }
);
name_type!(
    /// The id of an epic or a task as plans write it, in upper case: `EPIC-001`.
    EpicId, "epic id", "^[A-Z0-9][A-Z0-9._-]{0,63}$", |text| {
        check_component(text).map(|()| text.to_ascii_uppercase())
    }
);
name_type!(
    /// The name of a state of a room's machine.
    StateName, "state name", "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", component
);
name_type!(
    /// The name of a signal, which is also a message type.
    SignalName, "signal name", "^[a-z][a-z0-9-]{0,31}$", |text| {
        if text.len() > 32 || !text.starts_with(|c: char| c.is_ascii_lowercase()) {
            return Err("it must start with a lower-case letter and hold at most 32");
        }
        if !text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') {
            return Err("it may hold only lower-case letters, digits and `-`");
        }
        Ok(text.to_owned())
    }
);

impl RoomId {
    /// The id with this number, padded to three digits.
    pub fn numbered(number: u32) -> Self {
        Self(format!("room-{number:03}"))
    }

    /// The number in the id.
    pub fn number(&self) -> u32 {
        self.0.strip_prefix("room-").and_then(|digits| digits.parse().ok()).unwrap_or(0)
    }
}

impl EpicId {
    /// The text of the id of the review that is the root of a reviewed plan.
    pub const PLAN_REVIEW: &'static str = "PLAN-REVIEW";

    /// The root of a reviewed plan.
    pub fn plan_review() -> Self {
        Self(Self::PLAN_REVIEW.to_owned())
    }

    /// Whether this is the plan's review and not an epic.
    pub fn is_plan_review(&self) -> bool {
        self.0 == Self::PLAN_REVIEW
    }
}

impl PlanId {
    /// A readable id for a plan of this title: a slug and six hex digits of `entropy`.
    pub fn for_title(title: &str, entropy: u128) -> Self {
        let mut slug = String::new();
        for c in title.chars().flat_map(char::to_lowercase) {
            if c.is_ascii_alphanumeric() {
                slug.push(c);
            } else if !slug.is_empty() && !slug.ends_with('-') {
                slug.push('-');
            }
            if slug.len() >= 40 {
                break;
            }
        }
        let slug = slug.trim_matches('-');
        let slug = if slug.is_empty() { "plan" } else { slug };
        Self(format!("{slug}-{:06x}", entropy & 0xff_ffff))
    }
}

/// A role, or one of its instances: `engineer`, `engineer:fe`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoleRef {
    /// The role whose files are used.
    pub role: RoleName,
    /// The named set of overrides in `roles.<role>.instances`.
    pub instance: Option<RoleName>,
}

impl RoleRef {
    /// Parses `role` or `role:instance`.
    pub fn new(text: &str) -> Result<Self, NameError> {
        match text.split_once(':') {
            None => Ok(Self { role: RoleName::new(text)?, instance: None }),
            Some((role, instance)) => {
                Ok(Self { role: RoleName::new(role)?, instance: Some(RoleName::new(instance)?) })
            }
        }
    }
}

impl From<RoleName> for RoleRef {
    fn from(role: RoleName) -> Self {
        Self { role, instance: None }
    }
}

impl fmt::Display for RoleRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.instance {
            None => f.pad(self.role.as_str()),
            Some(instance) => f.pad(&format!("{}:{instance}", self.role)),
        }
    }
}

impl fmt::Debug for RoleRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

impl FromStr for RoleRef {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::new(text)
    }
}

impl Serialize for RoleRef {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RoleRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <Cow<'de, str>>::deserialize(deserializer)?;
        Self::new(&text).map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for RoleRef {
    fn schema_name() -> Cow<'static, str> {
        "RoleRef".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}(:[A-Za-z0-9][A-Za-z0-9._-]{0,63})?$",
            "description": "a role, or `role:instance`"
        })
    }
}

/// A relative path of plain components with `/` between them, which cannot leave its folder.
macro_rules! path_type {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub struct $name(String);

        impl $name {
            /// Longest path, in bytes.
            pub const MAX_BYTES: usize = MAX_PATH_BYTES;

            /// Parses a relative path with `/` between its components.
            pub fn new(text: &str) -> Result<Self, NameError> {
                match check_inner_path(text) {
                    Ok(()) => Ok(Self(text.to_owned())),
                    Err(problem) => Err(NameError::new($kind, text, problem)),
                }
            }

            /// The path as text, with `/` between its components.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// This path below `dir`.
            pub fn below(&self, dir: &Path) -> PathBuf {
                dir.join(&self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

/// Longest relative path, in bytes.
const MAX_PATH_BYTES: usize = 512;

fn check_inner_path(text: &str) -> Result<(), &'static str> {
    if text.len() > MAX_PATH_BYTES {
        return Err("it is longer than 512 bytes");
    }
    for part in text.split('/') {
        if part.is_empty() {
            return Err("it must be relative and have no empty component");
        }
        if part.starts_with('.') {
            return Err("no component may start with a dot");
        }
        if part.len() > 255 {
            return Err("a component is longer than 255 bytes");
        }
        if part.chars().any(|c| c.is_control() || matches!(c, '\\' | ':')) {
            return Err("it must not hold control characters, `\\` or `:`");
        }
    }
    Ok(())
}

path_type!(
    /// The path of an artifact relative to its room's `artifacts/`: plain components, no way out.
    ArtifactPath, "artifact path"
);
path_type!(
    /// The path of a file relative to the folder of its skill: plain components, no way out.
    SkillPath, "path in a skill"
);

macro_rules! ulid_type {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// What every id of this kind starts with.
            pub const PREFIX: &'static str = $prefix;

            /// A new id: sortable by `now`, unguessable by `entropy`.
            pub fn generate(now: Timestamp, entropy: u128) -> Self {
                let millis = u64::try_from(now.as_millis()).unwrap_or(0);
                Self(format!("{}{}", $prefix, ulid::Ulid::from_parts(millis, entropy)))
            }

            /// Parses an id that was read from a file or an argument.
            pub fn new(text: &str) -> Result<Self, NameError> {
                let valid = text
                    .strip_prefix($prefix)
                    .is_some_and(|id| ulid::Ulid::from_string(id).is_ok());
                if valid {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(NameError::new(
                        concat!("`", $prefix, "` id"),
                        text,
                        concat!("it must be `", $prefix, "` and a ULID of 26 characters"),
                    ))
                }
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        as_text!($name);

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({
                    "type": "string",
                    "pattern": concat!("^", $prefix, "[0-9A-HJKMNP-TV-Z]{26}$")
                })
            }
        }
    };
}

ulid_type!(
    /// The id of a channel message.
    MessageId, "msg-"
);
ulid_type!(
    /// The id of a ledger entry.
    MemoryId, "mem-"
);
ulid_type!(
    /// The id of one attempt: the fence that keeps late and foreign writers out.
    AttemptId, "att-"
);
ulid_type!(
    /// The id of one run of an engine.
    RunId, "run-"
);
ulid_type!(
    /// The id of a control request.
    ControlId, "ctl-"
);

/// Unpredictable bits from the operating system, for ids that must not be guessed.
///
/// # Errors
/// The system's random source failed, which no caller can mend.
pub fn entropy() -> std::io::Result<u128> {
    let mut bytes = [0_u8; 16];
    let mut filled = 0;
    while filled < bytes.len() {
        filled +=
            rustix::rand::getrandom(&mut bytes[filled..], rustix::rand::GetRandomFlags::empty())?;
    }
    Ok(u128::from_le_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_leave_their_directory() {
        for text in ["", ".", "..", "a/b", "../a", "a\\b", ".hidden", "a..b", "a\0b", "ä", "-x"] {
            assert!(RoleName::new(text).is_err(), "accepted {text:?}");
            assert!(PlanId::new(text).is_err(), "accepted {text:?}");
        }
        assert!(RoleName::new(&"x".repeat(65)).is_err());
        assert_eq!(RoleName::new("security-auditor").unwrap().as_str(), "security-auditor");
    }

    #[test]
    fn artifact_paths_stay_inside() {
        for text in ["", "/etc/passwd", "../x", "a/../b", "a//b", "a/", ".git/x", "a\nb", "c:x"] {
            assert!(ArtifactPath::new(text).is_err(), "accepted {text:?}");
        }
        assert_eq!(ArtifactPath::new("src/lib.rs").unwrap().as_str(), "src/lib.rs");
    }

    #[test]
    fn room_ids_are_numbered() {
        assert_eq!(RoomId::numbered(7).as_str(), "room-007");
        assert_eq!(RoomId::new("room-1234").unwrap().number(), 1234);
        assert!(RoomId::new("room-1").is_err());
    }

    #[test]
    fn ids_sort_by_time() {
        let early = MessageId::generate(Timestamp::from_millis(1), u128::MAX >> 48);
        let late = MessageId::generate(Timestamp::from_millis(2), 0);
        assert!(early < late);
        assert_eq!(MessageId::new(early.as_str()).unwrap(), early);
        assert!(MessageId::new("mem-01J8Z3K9V7Q2M5N4P6R8S0T1W3").is_err());
    }

    #[test]
    fn plan_ids_are_readable() {
        let id = PlanId::for_title("A shop: für *alle*!", 0xabc_3fa9c1);
        assert_eq!(id.as_str(), "a-shop-f-r-alle-3fa9c1");
        assert_eq!(PlanId::for_title("???", 1).as_str(), "plan-000001");
    }
}
