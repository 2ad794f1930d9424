//! The prompt of a session, built from plain values.
//!
//! A prompt is an ordered list of sections, each with an id, a source, a priority and a byte
//! budget. Over the total budget the least important are cut first, at a line's end, with a mark
//! that says what is missing and where to read it. The last section, the *verdict contract*, says
//! how this session ends and is never cut.
//!
//! Everything that other people and agents wrote is set apart: its headings move below those of
//! the prompt, whatever Markdown it leaves open ends with its section, and it cannot hold anything
//! that passes for the contract. The module reads no file and owns no state.

mod build;
mod contract;
mod fit;
mod foreign;
mod input;
mod nudge;
mod texts;

#[cfg(test)]
mod tests;

pub use build::{DEFAULT_BUDGET, Prompt, SectionReport, build};
pub use contract::{CONTRACT_INFO, Contract};
pub use input::{
    Criterion, Interrupted, PromptInput, SignalChoice, SkillLine, Standing, Text, ToolLine,
    skill_lines,
};
pub use nudge::nudge;
pub use texts::{INSTALL_TOOL, MEMORY_TOOLS, OWN_TOOLS, SKILLS_TOOLS, Tools, WARROOM_TOOLS};
