//! The text of a plan, read and parsed, with the name that diagnostics call it by.

use std::path::Path;

use ostwin_core::config::{self, Settings};
use ostwin_core::layout::Layout;
use ostwin_core::plan::{self, ParseOptions, ParsedPlan};
use ostwin_core::registry::Registry;
use ostwin_runner::roles::plan_options;
use ostwin_service::{Exit, Failure};

use crate::context::Context;
use crate::out::remark;
use crate::view::figures::plural;

/// A plan as it was read.
#[derive(Debug)]
pub(super) struct PlanText {
    /// The file as it was named, or the plan's id.
    pub(super) name: String,
    /// The bytes of the file.
    pub(super) bytes: Vec<u8>,
    /// The text; what is not UTF-8 is replaced in it.
    pub(super) text: String,
    pub(super) parsed: ParsedPlan,
    /// By which its stages were understood; `None` outside of any project.
    pub(super) registry: Option<Registry>,
}

impl PlanText {
    /// Reads a file, by the rules of the project that the command is run in, if it is in one.
    pub(super) fn read(context: &Context, file: &Path) -> anyhow::Result<Self> {
        let bytes = super::plan::read(file)?;
        Ok(Self::of(file.display().to_string(), bytes, &parse_options(context)?))
    }

    pub(super) fn of(name: String, bytes: Vec<u8>, options: &ParseOptions) -> Self {
        let parsed = plan::parse_bytes(&bytes, options);
        // The beginning of what is no plan at all says nothing.
        let shown = if bytes.len() > plan::MAX_PLAN_BYTES { &[][..] } else { &bytes[..] };
        let text = String::from_utf8_lossy(shown).into_owned();
        Self { name, bytes, text, parsed, registry: options.registry.clone() }
    }

    /// The diagnostics for people.
    pub(super) fn rendered(&self) -> String {
        plan::render(&self.parsed.diagnostics, &self.name, &self.text)
    }

    /// Tells what is wrong with a plan that cannot be used.
    pub(super) fn refuse(&self) -> anyhow::Result<Exit> {
        remark(self.rendered().trim_end());
        let count = self.parsed.diagnostics.iter().filter(|found| found.is_error()).count();
        let text = format!("`{}` has {}; nothing was changed", self.name, plural(count, "error"));
        Err(Failure::new(Exit::Usage, text).into())
    }
}

/// How plans are checked here: by the roles and settings of the project, if this is one.
pub(super) fn parse_options(context: &Context) -> anyhow::Result<ParseOptions> {
    let project = context.project_if_any()?;
    Ok(match &project {
        Some((project, settings)) => options_of(project.layout(), settings),
        None => options_anywhere(),
    })
}

/// How plans are checked in a project.
pub(super) fn options_of(layout: &Layout, settings: &Settings) -> ParseOptions {
    plan_options(layout, &settings.config)
}

/// How plans are checked outside of any project, where nobody knows which roles there will be.
pub(super) fn options_anywhere() -> ParseOptions {
    ParseOptions { known_config_keys: Some(config::known_keys()), ..ParseOptions::default() }
}
