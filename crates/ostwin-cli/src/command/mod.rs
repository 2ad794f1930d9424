//! The commands: one module per group, each from arguments to an exit code.

mod agent;
mod attempt;
mod budget;
mod completions;
mod config;
mod control;
mod dag;
mod dashboard;
mod demo;
mod demo_dashboard;
mod detach;
mod doctor;
mod drive;
mod gc;
mod generate;
mod import;
mod init;
mod logs;
mod man;
mod mcp;
mod memory;
mod migrate;
mod plan;
mod plan_text;
mod preview;
mod resolve;
mod review;
mod revision;
mod role;
mod room;
mod room_answer;
mod room_archive;
mod room_lifecycle;
mod room_new;
mod run;
mod skills;
mod status;
mod stop;
mod top;
mod vault;
mod version;
mod watch_timeouts;

use ostwin_core::env;
use ostwin_service::Exit;
use ostwin_service::start_logging;
use tracing::level_filters::LevelFilter;

use crate::args::{Cli, Command};
use crate::context::Context;

/// Does what was typed.
pub(crate) fn run(cli: Cli) -> anyhow::Result<Exit> {
    let context = Context::new(cli.base);
    start_logging(context.base.logging(log_level(&context, &cli.command)))?;
    match cli.command {
        Command::Init(args) => init::init(&context, &args),
        Command::Demo(args) => demo::demo(&context, &args),
        Command::Run(args) => run::run(&context, &args),
        Command::Plan(command) => plan::run(&context, &command),
        Command::Dag(command) => dag::run(&context, &command),
        Command::Status(args) => status::status(&context, &args),
        Command::Top(args) => top::top(&context, &args),
        Command::Dashboard(args) => dashboard::dashboard(&context, &args),
        Command::Logs(args) => logs::logs(&context, &args),
        Command::Agent(command) => agent::run(&context, &command),
        Command::Attempt(command) => attempt::run(&context, &command),
        Command::Room(command) => room::run(&context, &command),
        Command::Memory(command) => memory::run(&context, &command),
        Command::Role(command) => role::run(&context, &command),
        Command::Skills(command) => skills::run(&context, &command),
        Command::Vault(command) => vault::run(&context, &command),
        Command::Resolve(command) => resolve::run(&context, &command),
        Command::Mcp(command) => mcp::run(&context, &command),
        Command::Stop(args) => stop::stop(&context, &args),
        Command::Pause(args) => control::pause(&context, &args.what, true),
        Command::Resume(args) => control::pause(&context, &args.what, false),
        Command::Retry(args) => control::retry(&context, &args),
        Command::Cancel(args) => control::cancel(&context, &args),
        Command::WatchTimeouts(args) => watch_timeouts::watch_timeouts(&context, &args),
        Command::Config(command) => config::run(&context, &command),
        Command::Doctor => doctor::doctor(&context),
        Command::Gc(args) => gc::gc(&context, &args),
        Command::Migrate(args) => migrate::migrate(&context, &args),
        Command::Import(args) => import::import(&context, &args),
        Command::Man(args) => man::man(&context, &args),
        Command::Completions(args) => completions::completions(&context, &args),
        Command::Version => version::version(&context),
        Command::Gen(args) => generate::generate(&context, &args),
    }
}

/// What is logged unless somebody asks for more. A log on the terminal would tear the live view,
/// which tells by itself what matters.
fn log_level(context: &Context, command: &Command) -> LevelFilter {
    let live = match command {
        Command::Run(args) => !args.dry_run && !args.detach,
        Command::Demo(_) | Command::Top(_) => true,
        Command::Status(args) => args.watch,
        _ => false,
    };
    let asked = context.base.verbose > 0 || env::var_os("RUST_LOG").is_some();
    if live && context.out.is_live() && !asked { LevelFilter::OFF } else { LevelFilter::WARN }
}
