//! `init`: a folder becomes a project.

use std::path::{Path, PathBuf};

use ostwin_core::config::{self, Places, REHEARSAL};
use ostwin_core::layout::Layout;
use ostwin_core::project::{self, Scaffolded};
use ostwin_core::store::Store;
use ostwin_core::{env, fs};
use ostwin_runner::agents::{FoundAgent, Programs, list_agents};
use ostwin_runner::roles::{shipped_files, shipped_registry};
use ostwin_service::{Exit, Explain, Failure};
use serde_json::{Value, json};

use crate::args::InitArgs;
use crate::context::{Context, here};
use crate::view::figures::plural;

pub(crate) fn init(context: &Context, args: &InitArgs) -> anyhow::Result<Exit> {
    let user = config::load(&Places::of_process(None), Vec::new()).exit(Exit::Usage)?.settings;
    let agents = list_agents(&user.config.agents, &Programs::of_this_process());
    if let Some(name) = &args.agent
        && !user.config.agents.contains_key(name)
    {
        let known: Vec<&str> = agents.iter().map(|agent| agent.name.as_str()).collect();
        let text = format!("no agent program is called `{name}`");
        let advice = format!("known are: {}", known.join(", "));
        return Err(Failure::new(Exit::Usage, text).hint(advice).into());
    }
    let dir = here()?.join(&args.dir);
    fs::create_dirs(&dir)?;
    let root = fs_err::canonicalize(&dir)?;
    let mut settings = json!({ "schema_version": 1 });
    if let Some(name) = &args.agent {
        settings["default_agent"] = json!(name);
    }
    let home = env::home().and_then(|home| fs_err::canonicalize(home).ok());
    let store = Store::default();
    let (layout, mut done) =
        project::init(&root, home.as_deref(), &settings, &store).exit(Exit::Usage)?;
    let kept_config = done.contains(&Scaffolded::Kept(layout.config()));
    let (registry, _) = shipped_registry().exit(Exit::Bug)?;
    let roles = shipped_files();
    let roles = roles.iter().map(|file| (file.path, file.content));
    done.extend(project::scaffold_roles(&layout, roles, registry, &store)?);
    let named = context.settings(Some(&layout), Vec::new())?.config.default_agent;
    if context.out.json {
        context.out.json(&as_json(&root, &done, &agents))?;
    } else {
        context.out.text(&told(&layout, &done))?;
        context.out.text(&next_steps(&agents, named.as_deref()))?;
    }
    match &args.agent {
        Some(name) if kept_config && named.as_ref() != Some(name) => {
            let text =
                format!("the settings were there and were left alone; they don't name `{name}`");
            Err(Failure::new(Exit::Usage, text)
                .hint(format!("`ostwin config set default_agent {name}`"))
                .into())
        }
        _ => Ok(Exit::Ok),
    }
}

fn as_json(root: &Path, done: &[Scaffolded], agents: &[FoundAgent]) -> Value {
    let paths = |created: bool| -> Vec<&PathBuf> {
        done.iter()
            .filter_map(|file| match file {
                Scaffolded::Created(path) if created => Some(path),
                Scaffolded::Kept(path) if !created => Some(path),
                _ => None,
            })
            .collect()
    };
    json!({
        "project": root,
        "created": paths(true),
        "kept": paths(false),
        "agents": agents,
    })
}

fn told(layout: &Layout, done: &[Scaffolded]) -> String {
    let root = layout.root().display();
    let shown = |path: &Path| {
        let path = path.strip_prefix(layout.root()).unwrap_or(path);
        path.display().to_string()
    };
    let created = done.iter().filter_map(|file| match file {
        Scaffolded::Created(path) => Some(path),
        Scaffolded::Kept(_) => None,
    });
    let (roles, others): (Vec<_>, Vec<_>) =
        created.partition(|path| path.starts_with(layout.roles()));
    if roles.is_empty() && others.is_empty() {
        return format!("`{root}` is a project already; nothing was changed.\n");
    }
    let mut out = format!("`{root}` is a project. Written:\n");
    for path in others {
        out.push_str(&format!("  {}\n", shown(path)));
    }
    if !roles.is_empty() {
        let files = plural(roles.len(), "file");
        out.push_str(&format!("  {}/  ({files})\n", shown(&layout.roles())));
    }
    out
}

fn next_steps(agents: &[FoundAgent], named: Option<&str>) -> String {
    let mut out = String::from("\n");
    match named {
        Some(name) => out.push_str(&format!("Sessions use the agent `{name}`.\n")),
        None => out.push_str(&choose_agent(agents)),
    }
    out.push_str(
        "\nNext: write a PLAN.md, then `ostwin plan check PLAN.md` and `ostwin run PLAN.md`.\n",
    );
    out
}

/// Which agents are here, and the line that names one.
fn choose_agent(agents: &[FoundAgent]) -> String {
    let mut out = String::new();
    let real: Vec<&FoundAgent> =
        agents.iter().filter(|agent| agent.program.is_some() && agent.name != REHEARSAL).collect();
    if real.is_empty() {
        out.push_str("No agent program was found on PATH (known: ");
        let known: Vec<&str> = agents.iter().map(|agent| agent.name.as_str()).collect();
        out.push_str(&known.join(", "));
        out.push_str(").\n");
    } else {
        out.push_str("Agent programs found here:\n");
        for agent in &real {
            let program = agent.program.as_ref().map(|path| path.display().to_string());
            out.push_str(&format!("  {:<10} {}\n", agent.name, program.unwrap_or_default()));
        }
    }
    let example = real.first().map_or("opencode", |agent| agent.name.as_str());
    out.push_str(&format!(
        "Name the one that does the work: `ostwin config set default_agent {example}`\n\
         (`{REHEARSAL}` plays a script and needs no model).\n"
    ));
    out
}
