//! `vault`: secrets by server and key.

use std::io::{IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};

use ostwin_core::env;
use ostwin_core::layout;
use ostwin_core::project::Project;
use ostwin_core::vault::{self, Form, Keys, Vault, VaultError, Vaults};
use ostwin_service::{Exit, Explain, Failure};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use serde_json::json;

use crate::args::{VaultCommand, VaultEncryptArgs};
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
        VaultCommand::Encrypt(args) => encrypt(context, args),
        VaultCommand::Decrypt { user } => decrypt(context, *user),
    }
}

fn set(context: &Context, server: &str, key: &str, user: bool) -> anyhow::Result<Exit> {
    let (project, _) = context.project()?;
    let (path, guard) = place(&project, user)?;
    // What cannot be a name is said before anybody types a secret.
    vault::check_names(server, key).exit(Exit::Usage)?;
    let value = read_value(server, key)?;
    change(context, &project, (&path, &guard), |vault| vault.set(server, key, &value))?;
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
    let vaults = read(context, &context.project()?.0)?;
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
    let vaults = read(context, &context.project()?.0)?;
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
        change(context, &project, (&path, &guard), |vault| Ok(vault.remove(server, key)))?;
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

fn encrypt(context: &Context, args: &VaultEncryptArgs) -> anyhow::Result<Exit> {
    let (project, _) = context.project()?;
    let (path, guard) = place(&project, args.user)?;
    let before = form_of(&path)?;
    let (form, new) = match &args.identity {
        Some(file) => {
            let file = std::path::absolute(file)?;
            if !file.exists() {
                let recipient = vault::new_identity(&file).map_err(|error| explained(&error))?;
                remark(&format!(
                    "`{}` is new and opens what is encrypted to {recipient}; keep a copy where it \
                     cannot be lost",
                    file.display()
                ));
            }
            (Form::Identity, Keys::identity(&file))
        }
        None => {
            let passphrase = new_passphrase(&path)?;
            let keys = Keys::of_this_process().and_passphrase(passphrase);
            (Form::Passphrase, keys.map_err(|error| explained(&error))?)
        }
    };
    opening(context, |keys| {
        // Once more to the same identity needs no other key.
        let keys = if keys.has_identity() || before != Form::Identity { keys } else { &new };
        vault::reseal(project.store(), &path, &guard, keys, form, &new)
    })?;
    if context.out.json {
        context.out.json(&json!({ "vault": path, "form": form, "before": before }))?;
    } else {
        let how = match &args.identity {
            Some(file) => {
                let file = std::path::absolute(file)?;
                format!("set OSTWIN_VAULT_IDENTITY={} wherever ostwin runs", file.display())
            }
            None => "it is asked for on a terminal; what runs in the background cannot open the \
                     vault"
                .to_owned(),
        };
        remark(&format!("`{}` is {}: {how}", path.display(), form.as_str()));
    }
    Ok(Exit::Ok)
}

fn decrypt(context: &Context, user: bool) -> anyhow::Result<Exit> {
    let (project, _) = context.project()?;
    let (path, guard) = place(&project, user)?;
    let before = form_of(&path)?;
    if before == Form::Passphrase && !std::io::stdin().is_terminal() {
        let keys = Keys::of_this_process().and_passphrase(piped("passphrase")?);
        let keys = keys.map_err(|error| explained(&error))?;
        // It is asked for once: nobody did before.
        let _ = context.keys.set(keys);
    }
    if before != Form::Plain {
        opening(context, |keys| {
            vault::reseal(project.store(), &path, &guard, keys, Form::Plain, &Keys::default())
        })?;
    }
    if context.out.json {
        context.out.json(&json!({ "vault": path, "form": Form::Plain, "before": before }))?;
    } else {
        let path = path.display();
        remark(&match before {
            Form::Plain => format!("`{path}` is not encrypted"),
            _ => format!("`{path}` is plain again, and nobody but you can read it"),
        });
    }
    Ok(Exit::Ok)
}

/// How a vault that is there is kept.
fn form_of(path: &Path) -> anyhow::Result<Form> {
    let form = Form::read(path).map_err(|error| explained(&error))?;
    form.ok_or_else(|| explained(&VaultError::Missing { path: path.to_owned() }).into())
}

/// The vaults of a project and of the user, for a command that needs them. Where a passphrase opens
/// them, a person at a terminal is asked for it, once.
pub(crate) fn read(context: &Context, project: &Project) -> anyhow::Result<Vaults> {
    let config_dir = env::config_dir();
    opening(context, |keys| Vaults::read(project.layout(), config_dir.as_deref(), keys))
}

fn change<R>(
    context: &Context,
    project: &Project,
    (path, guard): (&Path, &Path),
    change: impl Fn(&mut Vault) -> Result<R, VaultError>,
) -> anyhow::Result<R> {
    opening(context, |keys| vault::change(project.store(), path, guard, keys, &change))
}

/// Does something with vaults by the keys that this process has. If a passphrase is missing and
/// somebody is there who can type it, they are asked, and it is done again.
fn opening<R>(
    context: &Context,
    work: impl Fn(&Keys) -> Result<R, VaultError>,
) -> anyhow::Result<R> {
    let known = context.keys.get().cloned().unwrap_or_else(Keys::of_this_process);
    match work(&known) {
        Err(VaultError::NeedsPassphrase { path }) if std::io::stdin().is_terminal() => {
            let typed = typed(&format!("Passphrase of {} (not shown): ", path.display()))?;
            let keys = known.and_passphrase(typed).map_err(|error| explained(&error))?;
            let result = work(&keys).map_err(|error| explained(&error))?;
            // Only one that opened the vault is kept.
            let _ = context.keys.set(keys);
            Ok(result)
        }
        outcome => outcome.map_err(|error| explained(&error).into()),
    }
}

/// A passphrase that nobody may mistype: asked for twice at a terminal.
fn new_passphrase(path: &Path) -> anyhow::Result<String> {
    if !std::io::stdin().is_terminal() {
        return piped("passphrase");
    }
    let first = typed(&format!("New passphrase of {} (not shown): ", path.display()))?;
    if typed("Once more: ")? != first {
        return Err(Failure::new(Exit::Usage, "the two are not the same; nothing changed").into());
    }
    Ok(first)
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
    if std::io::stdin().is_terminal() {
        typed(&format!("Value for {server}/{key} (not shown): "))
    } else {
        piped("value")
    }
}

/// What a person at the terminal types, which is not shown.
fn typed(question: &str) -> anyhow::Result<String> {
    let mut line = String::new();
    prompt(question);
    let typed = {
        let _hidden = Hidden::begin();
        std::io::stdin().read_line(&mut line)
    };
    prompt("\n");
    typed?;
    Ok(without_end(line))
}

/// All of standard input but a newline at its end.
fn piped(what: &str) -> anyhow::Result<String> {
    let mut text = String::new();
    let read = std::io::stdin().lock().take(MAX_VALUE_BYTES + 1).read_to_string(&mut text);
    read.map_err(|error| Failure::new(Exit::Usage, format!("no {what} was read: {error}")))?;
    if text.len() as u64 > MAX_VALUE_BYTES {
        let text = format!("the {what} is longer than {MAX_VALUE_BYTES} bytes");
        return Err(Failure::new(Exit::Usage, text).into());
    }
    Ok(without_end(text))
}

fn without_end(mut text: String) -> String {
    text.truncate(text.trim_end_matches(['\n', '\r']).len());
    text
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
