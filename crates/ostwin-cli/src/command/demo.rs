//! `demo`: a project of its own, an example plan, the rehearsal agent.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use ostwin_core::config::{Layer, REHEARSAL};
use ostwin_core::fs;
use ostwin_core::layout::Layout;
use ostwin_core::plan;
use ostwin_core::project;
use ostwin_core::store::Store;
use ostwin_engine::{Mode, Scope, Submitted};
use ostwin_runner::agents::{Programs, find_program};
use ostwin_service::{Exit, Explain, Failure};
use serde_json::{Value, json};

use super::demo_dashboard::Beside;
use super::plan_text::{PlanText, options_anywhere};
use super::run::plan_layer;
use super::{drive, review};
use crate::args::DemoArgs;
use crate::context::{Context, configured, here};
use crate::examples::Example;
use crate::out::remark;

/// The script's name in the demo's project.
const SCRIPT: &str = "rehearsal.json";
const PLAN: &str = "PLAN.md";

pub(crate) fn demo(context: &Context, args: &DemoArgs) -> anyhow::Result<Exit> {
    let programs = ["ostwin-rehearsal", "ostwin-mcp-warroom", "ostwin-mcp-memory"];
    let found = Programs::of_this_process();
    let missing: Vec<&str> =
        programs.into_iter().filter(|name| found.find(name).is_none()).collect();
    if !missing.is_empty() {
        let text = format!("not found: {}", missing.join(", "));
        return Err(Failure::new(Exit::Environment, text)
            .hint("the programs of OSTwin belong into one folder; `cargo xtask demo` builds them")
            .into());
    }
    let example = Example::of(args.plan);
    let root = folder(args)?;
    let store = Store::default();
    let script = root.join(SCRIPT);
    let source = root.join(PLAN);
    fs::replace_record(&script, example.script.as_bytes(), store.durability)?;
    fs::replace_record(&source, example.plan.as_bytes(), store.durability)?;
    let settings = settings(args, &script);
    let (layout, _) = project::init(&root, None, &settings, &store)?;
    let text = PlanText::of(PLAN.to_owned(), example.plan.into(), &options_anywhere());
    if text.parsed.has_errors() {
        return text.refuse().exit(Exit::Bug);
    }
    // For a person: a script that runs the demo waits for nobody.
    let watched = context.out.is_live() && !args.no_dashboard;
    let beside = watched.then(|| Beside::start(layout.root())).flatten();
    if let Some(beside) = &beside {
        context.out.text(&format!("Watch it in the browser: {}\n", beside.link))?;
    }
    let exit = run(context, &layout, &source, &text)?;
    if !context.out.json {
        context.out.text(&next_steps(&root, &program()))?;
    }
    if let Some(beside) = beside {
        context.out.text("\nThe dashboard stays until you press Ctrl-C.\n")?;
        beside.wait();
    }
    Ok(exit)
}

fn run(context: &Context, layout: &Layout, source: &Path, text: &PlanText) -> anyhow::Result<Exit> {
    // The demo is to be the same for everybody: what the user set for real work has no part in it.
    let file = fs::read(&layout.config(), 1 << 20)?;
    let kind = ostwin_core::config::SourceKind::Flag;
    let layer = Layer::from_file(kind, &layout.config(), &file).exit(Exit::Bug)?;
    let settings = context.settings(Some(layout), vec![layer, plan_layer(text)?])?;
    let project = configured(layout.clone(), &settings)?;
    let parsed: &plan::Plan = &text.parsed.plan;
    let submitted = ostwin_engine::submit(&project, source, &text.bytes, parsed, true, Mode::New)?;
    let (Submitted::New(plan) | Submitted::Resumed(plan) | Submitted::Finished(plan)) = submitted;
    if !context.out.json && !context.out.terminal {
        remark(&format!("the project is in `{}`", layout.root().display()));
    }
    if let Err(exit) = review::before_run(context, &project, &plan, &settings, false)? {
        return Ok(exit);
    }
    drive::drive(context, &project, &plan, settings, false, Scope::Plan)
}

/// The folder of the demo's project: empty, or fresh.
fn folder(args: &DemoArgs) -> anyhow::Result<PathBuf> {
    let Some(named) = &args.keep else {
        let fresh = tempfile::Builder::new()
            .prefix("ostwin-demo-")
            .tempdir()
            .context("cannot make a temporary folder")
            .exit(Exit::Environment)?;
        return Ok(fresh.keep());
    };
    let dir = here()?.join(named);
    fs::create_dirs(&dir)?;
    let mut entries = fs_err::read_dir(&dir)?;
    if entries.next().is_some() {
        let text = format!("`{}` is not empty", dir.display());
        return Err(Failure::new(Exit::Usage, text).hint("name an empty folder, or none").into());
    }
    Ok(fs_err::canonicalize(&dir)?)
}

fn settings(args: &DemoArgs, script: &Path) -> Value {
    let mut settings = json!({
        "schema_version": 1,
        "default_agent": REHEARSAL,
        "agents": { REHEARSAL: { "env": {
            "OSTWIN_REHEARSAL_SCRIPT": script,
            "OSTWIN_REHEARSAL_PACE": args.pace.to_string(),
        } } },
    });
    if let Some(rooms) = args.max_rooms {
        settings["max_concurrent_rooms"] = json!(rooms);
    }
    settings
}

/// Where the project is, and what to type there.
fn next_steps(root: &Path, program: &str) -> String {
    let commands = [
        (format!("{program} status"), "how every epic came out"),
        (format!("{program} logs --type fail"), "what the reviewers found"),
        (format!("{program} room show room-002"), "criteria, attempts, verdict"),
        (format!("{program} attempt show room-002"), "what one session did"),
        ("cat .agents/ledger.jsonl".to_owned(), "what the agents remember"),
        ("cat .agents/war-rooms/room-002/*-audit.jsonl".to_owned(), "every transition of a room"),
    ];
    let width = commands.iter().map(|(command, _)| command.len()).max().unwrap_or(0);
    let mut out = format!("\nThe project is left for you. Try:\n  cd {}\n", root.display());
    for (command, what) in &commands {
        out.push_str(&format!("  {command:width$}  # {what}\n"));
    }
    out
}

/// How this program is called here: by its name if that finds it, else by its path.
fn program() -> String {
    let here = std::env::current_exe().ok().and_then(|path| fs_err::canonicalize(path).ok());
    let programs = Programs::of_this_process();
    let named = find_program("ostwin", &programs.path);
    let named = named.and_then(|path| fs_err::canonicalize(path).ok());
    match here {
        Some(path) if named.as_ref() != Some(&path) => path.display().to_string(),
        _ => "ostwin".to_owned(),
    }
}
