//! The plan: what a person writes in `PLAN.md`, as a value.
//!
//! People write plans by hand and models write them badly, so the text is read as Markdown, in
//! every spelling that is in use. Nothing is lost silently: what no rule claims is an epic's
//! description. What is wrong is reported with its place, the line it stands in and a suggestion.
//!
//! Everything here is a pure function over text and values; the module reads no file and owns no
//! state. [`parse`] gives the value and everything that is wrong with it, [`format()`] writes the one
//! canonical spelling, [`epic_hash`] and [`diff`] tell what an edit changed.

mod check;
mod config;
mod criteria;
mod diagnostic;
mod diff;
mod directives;
mod draft;
mod epic;
mod fences;
mod format;
mod header;
mod keys;
mod lifecycle;
mod lifecycle_check;
mod loose;
mod markdown;
mod overlap;
mod parse;
mod render;
mod sarif;
mod sections;
mod settings;
mod source;
mod tasks;
mod text;
mod value;
mod view;

#[cfg(test)]
mod tests;

pub use diagnostic::{Code, Diagnostic, Label, Severity};
pub use diff::{PlanDiff, diff, epic_hash};
pub use draft::draft;
pub use format::format;
pub use lifecycle::{Cast, CastError, Casting, cast, flow};
pub use parse::{MAX_PLAN_BYTES, ParseOptions, ParsedPlan, parse, parse_bytes};
pub use render::{LocatedDiagnostic, locate, render};
pub use sarif::sarif;
pub use source::{LineIndex, Position, Span};
pub use value::{Criterion, Entry, Epic, EpicSpans, LifecycleSource, Plan, Priority, Task};
pub use view::to_json;
