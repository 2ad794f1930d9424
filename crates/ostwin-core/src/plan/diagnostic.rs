//! What is wrong with a plan, as values. Rendering them is the business of `render` and `sarif`.

use std::fmt;

use serde::{Serialize, Serializer};

use super::source::Span;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The plan can't be used.
    Error,
    /// The plan can be used, but probably not as meant.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

macro_rules! codes {
    ($($(#[doc = $doc:literal])* $name:ident => $text:literal,)*) => {
        /// What kind of mistake it is. The text of a code never changes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $($(#[doc = $doc])* $name,)*
        }

        impl Code {
            /// Every code, for references and for the rules of a SARIF log.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The stable text.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }

            /// What the code means, in one sentence.
            pub fn meaning(self) -> &'static str {
                match self {
                    $(Self::$name => concat!($($doc),*).trim_ascii(),)*
                }
            }
        }
    };
}

codes! {
    /// Two epics have the same id.
    DuplicateId => "duplicate-id",
    /// A dependency names no epic of the plan.
    UnknownDependency => "unknown-dependency",
    /// Epics wait for each other in a circle.
    DependencyCycle => "dependency-cycle",
    /// An epic depends on itself.
    SelfDependency => "self-dependency",
    /// A lifecycle is no sound machine, or its drawing or pipeline can't be read.
    MalformedLifecycle => "malformed-lifecycle",
    /// A number or duration can't be read.
    UnreadableNumber => "unreadable-number",
    /// A directive's value can't be read.
    UnreadableValue => "unreadable-value",
    /// The plan has neither an epic nor a goal.
    EmptyPlan => "empty-plan",
    /// The file is not text.
    BinaryInput => "binary-input",
    /// The file is larger than a plan may be.
    TooLarge => "too-large",
    /// Lists or quotes are nested deeper than anybody reads.
    TooDeep => "too-deep",
    /// The front matter or a YAML fence is not valid YAML.
    MalformedYaml => "malformed-yaml",
    /// A role is known to no tier.
    UnknownRole => "unknown-role",
    /// An epic lacks a Definition of Done or Acceptance Criteria.
    MissingCriteria => "missing-criteria",
    /// A directive is spelled almost right.
    MisspelledDirective => "misspelled-directive",
    /// A directive is given twice.
    RepeatedDirective => "repeated-directive",
    /// A directive has no value.
    EmptyDirective => "empty-directive",
    /// A key of the Config section is not a setting.
    UnknownConfigKey => "unknown-config-key",
    /// An epic stands alone while others are connected.
    OrphanEpic => "orphan-epic",
    /// Epics that can run together may write the same files.
    OverlappingFiles => "overlapping-files",
    /// Epics that can run together do not say which files they touch.
    UnnamedFiles => "unnamed-files",
    /// A heading looks like an epic header but is not one.
    MisplacedHeading => "misplaced-heading",
    /// A directive has no effect, because another one decides.
    NotActedOn => "not-acted-on",
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// A second place that a diagnostic speaks about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// What is there.
    pub text: String,
}

/// One thing that is wrong with a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// What kind of mistake.
    pub code: Code,
    /// How bad it is.
    pub severity: Severity,
    /// One sentence, without the place.
    pub message: String,
    /// Where.
    pub span: Span,
    /// What to do about it.
    pub help: Option<String>,
    /// Other places that explain it.
    pub labels: Vec<Label>,
}

impl Diagnostic {
    /// An error at a place.
    pub fn error(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, span, message.into())
    }

    /// A warning at a place.
    pub fn warning(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, span, message.into())
    }

    fn new(severity: Severity, code: Code, span: Span, message: String) -> Self {
        Self { code, severity, message, span, help: None, labels: Vec::new() }
    }

    /// The same with a suggestion.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same with another place.
    #[must_use]
    pub fn with_label(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: text.into() });
        self
    }

    /// Whether the plan can't be used because of it.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}
