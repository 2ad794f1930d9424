//! `vault`: secrets by server and key.

use std::io::{IsTerminal as _, Read as _};
use std::path::PathBuf;

use ostwin_core::env;
use ostwin_core::layout;
use ostwin_core::project::Project;
use ostwin_core::vault::{self, VaultError, Vaults};
use ostwin_service::{Exit, Explain, Failure};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use serde_json::json;

use crate::args::VaultCommand;
use crate::context::Context;
use crate::out::{prompt, remark};
use crate::view::table;

/// Longest value, in bytes.
const MAX_VALUE_BYTES: u64 = 64 << 10;

pub(crate) fn run(context: &Context, command: &VaultCommand) -> anyhow::Result<Exit> {
    match command {
        VaultCommand::Set { server, key, user } => set(context, server, key, *user),
        VaultCommand::Get { server, key } => get(context, server, key),
        VaultCommand::List => list(context),
        VaultCommand::Rm { server, key, user } => remove(context, server, key, *user),
    }
}

fn set(context: &Context, server: &str, key: &str, user: bool) -> anyhow::Result<Exit> {
    let (project, _) = context.project()?;
    let (path, guard) = place(&project, user)?;
    // What cannot be a name is said before anybody types a secret.
    vault::check_names(server, key).exit(Exit::Usage)?;
    let value = read_value(server, key)?;
    vault::change(project.store(), &path, &guard, |vault| vault.set(server, key, &value))
        .map_err(|error| explained(&error))?;
    if context.out.json {
        context.out.json(&json!({ "server": server, "key": key, "vault": path }))?;
    } else {
        let path = path.display();
        remark(&format!(
            "`{server}/{key}` is in `{path}`; write it as `${{vault:{server}/{key}}}`"
        ));
    }
    Ok(Exit::Ok)
}

fn get(context: &Context, server: &str, key: &str) -> anyhow::Result<Exit> {
    let vaults = read(&context.project()?.0)?;
    let Some(value) = vaults.get(server, key) else {
        let text = format!("no vault holds `{server}/{key}`");
        return Err(Failure::new(Exit::Usage, text)
            .hint("`ostwin vault list` lists the names")
            .into());
    };
    if context.out.json {
        context.out.json(&json!({ "server": server, "key": key, "value": value }))?;
    } else {
        context.out.text(&format!("{value}\n"))?;
    }
    Ok(Exit::Ok)
}

fn list(context: &Context) -> anyhow::Result<Exit> {
    let vaults = read(&context.project()?.0)?;
    let names = vaults.names();
    if context.out.json {
        let names = names
            .iter()
            .map(|(server, key, path)| json!({ "server": server, "key": key, "vault": path }));
        context.out.json(&names.collect::<Vec<_>>())?;
        return Ok(Exit::Ok);
    }
    if names.is_empty() {
        remark("no secret yet; `ostwin vault set SERVER KEY` adds one");
        return Ok(Exit::Ok);
    }
    let rows: Vec<Vec<String>> = names
        .into_iter()
        .map(|(server, key, path)| vec![server, key, path.display().to_string()])
        .collect();
    context.out.text(&table::table(&["server", "key", "vault"], &rows, context.out.width()))?;
    Ok(Exit::Ok)
}

fn remove(context: &Context, server: &str, key: &str, user: bool) -> anyhow::Result<Exit> {
    let (project, _) = context.project()?;
    let (path, guard) = place(&project, user)?;
    let removed =
        vault::change(project.store(), &path, &guard, |vault| Ok(vault.remove(server, key)))
            .map_err(|error| explained(&error))?;
    if !removed {
        let text = format!("`{}` does not hold `{server}/{key}`", path.display());
        return Err(Failure::new(Exit::Usage, text)
            .hint("`ostwin vault list` lists the names")
            .into());
    }
    if context.out.json {
        context.out.json(&json!({ "server": server, "key": key, "vault": path }))?;
    } else {
        remark(&format!("`{server}/{key}` is gone from `{}`", path.display()));
    }
    Ok(Exit::Ok)
}

/// The vaults of a project and of the user, for a command that needs them.
pub(crate) fn read(project: &Project) -> anyhow::Result<Vaults> {
    let config_dir = env::config_dir();
    Vaults::read(project.layout(), config_dir.as_deref()).map_err(|error| explained(&error).into())
}

/// The vault that is changed, and its lock.
fn place(project: &Project, user: bool) -> anyhow::Result<(PathBuf, PathBuf)> {
    if !user {
        return Ok((project.layout().vault(), project.layout().vault_lock()));
    }
    let Some(dir) = env::config_dir() else {
        let text = "there is no home directory, so no vault of your own";
        return Err(Failure::new(Exit::Environment, text).into());
    };
    Ok((layout::user_vault(&dir), layout::user_vault_lock(&dir)))
}

fn explained(error: &VaultError) -> Failure {
    let exit = match error {
        VaultError::Fs(_) | VaultError::Lock(_) => Exit::Environment,
        _ => Exit::Usage,
    };
    Failure::new(exit, error.to_string())
}

/// The value: typed without being shown, or all of standard input but a newline at its end.
fn read_value(server: &str, key: &str) -> anyhow::Result<String> {
    let mut value = String::new();
    if std::io::stdin().is_terminal() {
        prompt(&format!("Value for {server}/{key} (not shown): "));
        let typed = {
            let _hidden = Hidden::begin();
            std::io::stdin().read_line(&mut value)
        };
        prompt("\n");
        typed?;
    } else {
        let read = std::io::stdin().lock().take(MAX_VALUE_BYTES + 1).read_to_string(&mut value);
        read.map_err(|error| Failure::new(Exit::Usage, format!("no value was read: {error}")))?;
        if value.len() as u64 > MAX_VALUE_BYTES {
            let text = format!("the value is longer than {MAX_VALUE_BYTES} bytes");
            return Err(Failure::new(Exit::Usage, text).into());
        }
    }
    let end = value.trim_end_matches(['\n', '\r']).len();
    value.truncate(end);
    Ok(value)
}

/// While it lives, the terminal does not show what is typed.
struct Hidden {
    before: Option<Termios>,
}

impl Hidden {
    fn begin() -> Self {
        let before = tcgetattr(std::io::stdin()).ok();
        if let Some(before) = &before {
            let mut hidden = before.clone();
            hidden.local_modes.remove(LocalModes::ECHO);
            hidden.local_modes.insert(LocalModes::ECHONL);
            // A terminal that cannot be told shows what is typed, as it always does.
            let _ = tcsetattr(std::io::stdin(), OptionalActions::Flush, &hidden);
        }
        Self { before }
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, before);
        }
    }
}
