//! Settings: one typed [`Config`], merged from layers, each value with its source.
//!
//! From low to high: what is shipped, the user's file, the project's file, the plan, the
//! environment, flags. Merging is a pure function over [`Layer`]s; only [`load`] touches the disk.
//! The project's and the user's `config.json` are owned by people; [`set`] changes one value of
//! such a file and leaves everything else as it is, and [`SettingsFile`] does so on disk, one writer
//! after the other.

mod agents;
mod approvals;
mod edit;
mod error;
mod layer;
mod load;
mod of_plan;
mod reference;
mod set;
mod settings;
mod shape;
mod source;
#[cfg(test)]
mod tests;
mod types;

pub use agents::{AgentHome, AgentSpec, CommandOutput, Protocol, REHEARSAL, how_to_install};
pub use approvals::{ApprovalMode, Approvals, Otherwise};
pub use edit::{EditError, SettingsFile};
pub use error::ConfigError;
pub use layer::{FileError, Layer};
pub use load::{LoadError, Loaded, Places, load};
pub use of_plan::{PlanFile, PlanRoles, PlanSkills, of_plan};
pub use reference::{KeyDoc, known_keys, nearest_key, reference};
pub use set::set;
pub use settings::Settings;
pub use source::{Source, SourceKind};
pub use types::{
    BotSettings, ChannelSettings, Config, DashboardSettings, EmbeddingKind, EmbeddingSettings,
    HalfLives, InstanceSettings, MemorySettings, PlanReview, Preflight, RetentionSettings,
    RoleSettings, SkillSettings, WatchMode,
};
