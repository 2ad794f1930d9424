//! The plan as a value. Fields hold what the plan said and nothing that was resolved later, so
//! that a missing value stays distinguishable from one that equals a default.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use super::source::Span;
use crate::ids::{EpicId, RoleRef, SkillName};

/// A whole plan.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// The title without the word `Plan`, one line; `None` if the plan has no heading for it.
    pub title: Option<String>,
    /// What the plan is for, in Markdown: the text below the title and the `Goal` section.
    pub goal: Option<String>,
    /// Settings from the `Config` section and the front matter, in the order they were written.
    pub config: Map<String, Value>,
    /// Markdown outside of every epic that no rule claims, starting with a heading.
    pub notes: String,
    /// Epics and loose tasks, in plan order.
    pub epics: Vec<Epic>,
    /// Where each key of `config` is written.
    pub config_spans: Vec<(String, Span)>,
}

impl Plan {
    /// The same plan with every span emptied: two plans that say the same are equal then.
    pub fn without_spans(&self) -> Self {
        let mut plan = self.clone();
        plan.config_spans.clear();
        for epic in &mut plan.epics {
            epic.span = Span::default();
            epic.spans = EpicSpans::default();
        }
        plan
    }

    /// The epic of this id.
    pub fn epic(&self, id: &EpicId) -> Option<&Epic> {
        self.epics.iter().find(|epic| epic.id == *id)
    }
}

/// What a node of the plan is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Entry {
    /// A piece of work with its own war-room, written as an epic.
    #[default]
    Epic,
    /// A loose task, outside of every epic; it gets a room of its own too.
    Task,
}

/// One epic, or a loose task.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Epic {
    /// The id, in upper case.
    pub id: EpicId,
    /// Whether this is an epic or a loose task.
    #[serde(rename = "type")]
    pub entry: Entry,
    /// One line; empty if the header has none.
    pub title: String,
    /// Ids that must pass first, each once, in the order they were written.
    pub depends_on: Vec<EpicId>,
    /// The first works, the others review in order.
    pub roles: Vec<RoleRef>,
    /// What is to be reached.
    pub objective: Option<String>,
    /// Everything that no rule claimed, verbatim Markdown.
    pub description: String,
    /// The files that the epic is about, as written; see [`Epic::key_file_list`].
    pub key_files: Option<String>,
    /// When it starts relative to others that could start too.
    pub priority: Option<Priority>,
    /// Longest time of one attempt, in seconds.
    #[serde(rename = "timeout_seconds")]
    pub timeout: Option<u64>,
    /// How many rejections and failures are retried.
    pub max_retries: Option<u32>,
    /// Pause before a retry, in seconds.
    #[serde(rename = "retry_delay_seconds")]
    pub retry_delay: Option<u64>,
    /// The model that its sessions use.
    pub model: Option<String>,
    /// The agent program that its sessions use.
    pub agent: Option<String>,
    /// Whether its sessions get no MCP servers.
    pub no_mcp: Option<bool>,
    /// Skills that its sessions get beside those of the role.
    pub skill_refs: Vec<SkillName>,
    /// Where its sessions work, as written.
    pub working_dir: Option<String>,
    /// The stages of its lifecycle, in order.
    pub pipeline: Vec<String>,
    /// Capabilities whose review stages are added.
    pub capabilities: Vec<String>,
    /// A lifecycle of its own.
    pub lifecycle: Option<LifecycleSource>,
    /// Whether a single role's work passes without a review.
    pub skip_review: Option<bool>,
    /// Whether it never runs beside another epic of the plan.
    pub serialize: Option<bool>,
    /// Most tokens that the epic may use.
    pub budget_tokens: Option<u64>,
    /// Most money that the epic may cost, in US dollars.
    pub budget_usd: Option<f64>,
    /// `DOD-1`, `DOD-2`, ...
    pub definition_of_done: Vec<Criterion>,
    /// `AC-1`, `AC-2`, ...
    pub acceptance_criteria: Vec<Criterion>,
    /// The steps that the plan proposes.
    pub tasks: Vec<Task>,
    /// The whole epic in the plan's text.
    pub span: Span,
    /// The places of its parts, for diagnostics.
    #[serde(skip)]
    pub spans: EpicSpans,
}

impl Epic {
    /// An epic of this id and nothing else.
    pub fn new(id: EpicId, entry: Entry) -> Self {
        Self {
            id,
            entry,
            title: String::new(),
            depends_on: Vec::new(),
            roles: Vec::new(),
            objective: None,
            description: String::new(),
            key_files: None,
            priority: None,
            timeout: None,
            max_retries: None,
            retry_delay: None,
            model: None,
            agent: None,
            no_mcp: None,
            skill_refs: Vec::new(),
            working_dir: None,
            pipeline: Vec::new(),
            capabilities: Vec::new(),
            lifecycle: None,
            skip_review: None,
            serialize: None,
            budget_tokens: None,
            budget_usd: None,
            definition_of_done: Vec::new(),
            acceptance_criteria: Vec::new(),
            tasks: Vec::new(),
            span: Span::default(),
            spans: EpicSpans::default(),
        }
    }

    /// Leaves every dependency once, where it is named first.
    pub(super) fn depend_once(&mut self) {
        let mut seen = HashSet::new();
        let is_first: Vec<bool> = self.depends_on.iter().map(|id| seen.insert(id)).collect();
        if is_first.iter().all(|first| *first) {
            return;
        }
        let mut keep = is_first.iter();
        self.spans.depends_on.retain(|_| keep.next().copied().unwrap_or(true));
        let mut keep = is_first.iter();
        self.depends_on.retain(|_| keep.next().copied().unwrap_or(true));
    }

    /// The single files and folders that `key_files` names: items of a list, or what commas and
    /// line ends separate, without code marks.
    pub fn key_file_list(&self) -> Vec<&str> {
        let Some(text) = &self.key_files else { return Vec::new() };
        text.split(['\n', ','])
            .map(|item| item.trim().trim_start_matches(['-', '*', '+']).trim())
            .map(|item| match item.strip_prefix('`').and_then(|rest| rest.split_once('`')) {
                Some((code, _)) => code,
                None => item,
            })
            .map(|item| item.trim_start_matches("./").trim_end_matches('/'))
            .filter(|item| !item.is_empty())
            .collect()
    }
}

/// The places of an epic's parts. A list is parallel to the field of the same name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EpicSpans {
    /// The id in the header.
    pub id: Span,
    /// The header's line.
    pub header: Span,
    /// Each reference of `depends_on`.
    pub depends_on: Vec<Span>,
    /// Each role.
    pub roles: Vec<Span>,
    /// The value of `Key files`.
    pub key_files: Span,
    /// The lifecycle's JSON or drawing.
    pub lifecycle: Span,
    /// The value of `Pipeline`.
    pub pipeline: Span,
    /// The value of `Capabilities`.
    pub capabilities: Span,
}

/// One criterion by which an epic is judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Criterion {
    /// `DOD-n` or `AC-n`, by order.
    pub id: String,
    /// Markdown, one or more lines.
    pub text: String,
    /// Whether the plan's box is ticked. It has no meaning to the engine and is kept for people.
    #[serde(default)]
    pub checked: bool,
}

/// One step that an epic proposes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Task {
    /// `TASK-001`, if the plan gives one.
    pub id: Option<EpicId>,
    /// One line.
    pub title: String,
    /// Markdown; empty if there is no more than the title.
    pub text: String,
    /// Who is to do it.
    pub role: Option<RoleRef>,
    /// What must be there first, as written.
    pub requires: Vec<String>,
    /// What it makes possible, as written.
    pub unlocks: Vec<String>,
    /// Whether the plan's box is ticked.
    #[serde(default)]
    pub checked: bool,
}

/// A lifecycle that the plan gives itself.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LifecycleSource {
    /// A machine in JSON, not yet checked.
    Machine(Value),
    /// An arrow drawing, as written.
    Drawing(String),
}

/// When an epic starts relative to others that could start too: a lower rank is earlier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Priority {
    /// Rank 0.
    High,
    /// Rank 50; what an epic without a priority has.
    #[default]
    Normal,
    /// Rank 100.
    Low,
    /// The rank itself.
    Rank(i64),
}

impl Priority {
    /// The order of starting: lower is earlier.
    pub fn rank(self) -> i64 {
        match self {
            Self::High => 0,
            Self::Normal => 50,
            Self::Low => 100,
            Self::Rank(rank) => rank,
        }
    }

    /// Reads one of the words, in any case, or an integer.
    pub fn parse(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().as_str() {
            "high" => Some(Self::High),
            "normal" | "medium" => Some(Self::Normal),
            "low" => Some(Self::Low),
            number => number.parse().ok().map(Self::Rank),
        }
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::High => f.write_str("high"),
            Self::Normal => f.write_str("normal"),
            Self::Low => f.write_str("low"),
            Self::Rank(rank) => rank.fmt(f),
        }
    }
}

impl Serialize for Priority {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Rank(rank) => serializer.serialize_i64(*rank),
            word => serializer.collect_str(word),
        }
    }
}

impl<'de> Deserialize<'de> for Priority {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WordOrRank;

        impl Visitor<'_> for WordOrRank {
            type Value = Priority;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`high`, `normal`, `low` or an integer")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Priority, E> {
                Priority::parse(text)
                    .ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
            }

            fn visit_i64<E: de::Error>(self, rank: i64) -> Result<Priority, E> {
                Ok(Priority::Rank(rank))
            }

            fn visit_u64<E: de::Error>(self, rank: u64) -> Result<Priority, E> {
                i64::try_from(rank)
                    .map(Priority::Rank)
                    .map_err(|_| E::invalid_value(de::Unexpected::Unsigned(rank), &self))
            }
        }

        deserializer.deserialize_any(WordOrRank)
    }
}

impl JsonSchema for Priority {
    fn schema_name() -> Cow<'static, str> {
        "Priority".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "when to start relative to others: a word or an integer, lower is earlier (high 0, normal 50, low 100)",
            "oneOf": [
                { "enum": ["high", "normal", "low"] },
                { "type": "integer" }
            ]
        })
    }
}
