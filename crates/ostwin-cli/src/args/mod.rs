//! What can be typed: the parser of the command line, and nothing of what it means.

mod agents;
mod control;
mod dashboard;
mod mcp;
mod memory;
mod plans;
mod project;
mod roles;
mod rooms;
mod skills;
mod upkeep;
mod vault;

use clap::builder::Styles;
use clap::builder::styling::{AnsiColor, Effects};
use clap::{Parser, Subcommand};
use ostwin_service::BaseArgs;

pub(crate) use agents::{AgentCommand, AgentRunArgs, AgentTestArgs};
pub(crate) use control::{
    CancelArgs, PauseArgs, PlanOrRoom, ResumeArgs, RetryArgs, StopArgs, WatchTimeoutsArgs,
};
pub(crate) use dashboard::DashboardArgs;
pub(crate) use mcp::{McpAddArgs, McpCommand, McpListArgs, McpTestArgs};
pub(crate) use memory::{MemoryCommand, MemoryFormat, MemoryPublishArgs, MemorySearchArgs};
pub(crate) use plans::{
    BegunAnswer, DagCommand, DagFormat, DemoArgs, DemoPlan, PlanCheckArgs, PlanCommand, PlanFormat,
    ReviewRule, RunArgs,
};
pub(crate) use project::{CompletionsArgs, ConfigCommand, GenArgs, InitArgs};
pub(crate) use roles::{RoleCommand, RoleNewArgs};
pub(crate) use rooms::{
    AttemptCommand, LifecycleFormat, LogsArgs, ResolveCommand, RoomCommand, RoomNewArgs,
    RoomPostArgs, RoomReplyArgs, StatusArgs, TopArgs,
};
pub(crate) use skills::{
    SearchSource, SkillsCommand, SkillsInstallArgs, SkillsSearchArgs, SkillsUpdateArgs,
};
pub(crate) use upkeep::{GcArgs, ImportArgs, ManArgs, MigrateArgs};
pub(crate) use vault::{VaultCommand, VaultEncryptArgs};

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().effects(Effects::BOLD))
    .usage(AnsiColor::Green.on_default().effects(Effects::BOLD))
    .literal(AnsiColor::Cyan.on_default().effects(Effects::BOLD))
    .placeholder(AnsiColor::Cyan.on_default());

/// Run a plan with a team of coding agents
///
/// A PLAN.md holds epics and what depends on what. Each epic gets a war-room, in which one agent
/// works and another reviews, until it passes or a person has to decide. All state is plain files
/// below .agents/: kill anything at any moment, and go on with the same command.
#[derive(Debug, Parser)]
#[command(
    name = "ostwin",
    version,
    styles = STYLES,
    disable_help_subcommand = true,
    max_term_width = 100,
    after_help = "\
Examples:
  ostwin demo                   a real plan on rehearsal agents, without a model
  ostwin init                   make this folder a project
  ostwin plan check PLAN.md     is the plan sound?
  ostwin run PLAN.md --dry-run  what would happen?
  ostwin run PLAN.md            run it, or go on with it
  ostwin status --watch         look at it from another terminal

Exit codes:
  0  all well                  4  a person has to decide   70   a bug
  1  some epic did not pass    5  stopped by request       130  interrupted
  2  bad plan or usage         6  environment              143  terminated
  3  owned by another engine"
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) base: BaseArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Init(InitArgs),
    Demo(DemoArgs),
    Run(RunArgs),
    /// Plans: check, format, list, show
    #[command(subcommand)]
    Plan(PlanCommand),
    /// The graph of a plan: build, show, what could start
    #[command(subcommand)]
    Dag(DagCommand),
    Status(StatusArgs),
    Top(TopArgs),
    Dashboard(DashboardArgs),
    Logs(LogsArgs),
    /// Agent programs: which are here, whether they answer; one session by hand
    #[command(subcommand)]
    Agent(AgentCommand),
    /// The sessions of agents
    #[command(subcommand)]
    Attempt(AttemptCommand),
    /// War-rooms: make, list, show, decide, post
    #[command(subcommand)]
    Room(RoomCommand),
    /// The shared memory: search, list, show, publish, export
    #[command(subcommand)]
    Memory(MemoryCommand),
    /// Roles: list, make, copy, check
    #[command(subcommand)]
    Role(RoleCommand),
    /// Skills: list, search, install, update, remove
    #[command(subcommand)]
    Skills(SkillsCommand),
    /// Secrets: set, get, list, remove, encrypt
    #[command(subcommand)]
    Vault(VaultCommand),
    /// What a session would get, each value with its source
    #[command(subcommand)]
    Resolve(ResolveCommand),
    /// Tool servers: which sessions get, whether they answer; add, remove
    #[command(subcommand)]
    Mcp(McpCommand),
    Stop(StopArgs),
    Pause(PauseArgs),
    Resume(ResumeArgs),
    Retry(RetryArgs),
    Cancel(CancelArgs),
    WatchTimeouts(WatchTimeoutsArgs),
    /// Check that this project and this machine are in order
    ///
    /// Each finding comes with its fix. Exits with 1 if something is wrong.
    #[command(after_help = "\
Examples:
  ostwin doctor           what is wrong, and what to do about it
  ostwin doctor --json    the same for programs")]
    Doctor,
    /// Settings: read, change, list, each with its source
    #[command(subcommand)]
    Config(ConfigCommand),
    Gc(GcArgs),
    Migrate(MigrateArgs),
    Import(ImportArgs),
    Completions(CompletionsArgs),
    Man(ManArgs),
    /// Print the version and where the sibling programs are
    Version,
    #[command(name = "__gen", hide = true)]
    Gen(GenArgs),
}
