//! `mcp add`, `mcp remove`: one server in the file of a tier.

use std::collections::BTreeMap;
use std::path::PathBuf;

use ostwin_core::layout;
use ostwin_core::project::Project;
use ostwin_core::redact::is_secret_name;
use ostwin_core::{env, fs};
use ostwin_runner::mcp::{self, EditError, Removed, Server, TierFile};
use ostwin_service::{Exit, Explain, Failure};
use serde_json::json;

use crate::args::McpAddArgs;
use crate::context::Context;
use crate::out::remark;

/// Largest file of MCP servers that is read, in bytes.
const MAX_BYTES: u64 = 1 << 20;

pub(super) fn add(context: &Context, project: &Project, args: &McpAddArgs) -> anyhow::Result<Exit> {
    let name = &args.name;
    let server = match &args.url {
        Some(url) => {
            let headers = pairs("--header", &args.header)?;
            Server::Remote { url: url.clone(), headers, sse: false }
        }
        None => {
            Server::Local { command: args.command.clone(), environment: pairs("--env", &args.env)? }
        }
    };
    let file = file(project, args.user)?;
    let replaced = file.add(project.store(), name, &server, args.replace).map_err(explained)?;
    let (Server::Local { environment: values, .. } | Server::Remote { headers: values, .. }) =
        &server;
    for (key, value) in values {
        if is_secret_name(key) && !value.contains("${") && !value.contains("{env:") {
            remark(&format!(
                "warning: the value of `{key}` stands in `{}` for everybody who reads it: \
                 `ostwin vault set {name} {key}`, and write `${{vault:{name}/{key}}}` there",
                file.path.display()
            ));
        }
    }
    if context.out.json {
        context.out.json(&json!({ "server": name, "file": file.path, "replaced": replaced }))?;
    } else {
        let word = if replaced { "replaced" } else { "added" };
        let path = file.path.display();
        remark(&format!("`{name}` is {word} in `{path}`; `ostwin mcp test {name}` tries it"));
    }
    Ok(Exit::Ok)
}

pub(super) fn remove(
    context: &Context,
    project: &Project,
    name: &str,
    user: bool,
) -> anyhow::Result<Exit> {
    let file = file(project, user)?;
    let lower = if user { None } else { lower_tier(name)? };
    let removed = file.remove(project.store(), name, lower.is_some()).map_err(explained)?;
    if context.out.json {
        let hidden = removed == Removed::Hidden;
        context.out.json(&json!({ "server": name, "file": file.path, "hidden": hidden }))?;
        return Ok(Exit::Ok);
    }
    let path = file.path.display();
    remark(&match (removed, lower) {
        (Removed::Deleted, None) => format!("`{name}` is gone from `{path}`"),
        (Removed::Deleted, Some(lower)) => format!(
            "`{name}` is gone from `{path}`; sessions get the one of `{}` now, and the same command \
             once more hides that too",
            lower.display()
        ),
        (Removed::Hidden, lower) => format!(
            "`{path}` says `null` for `{name}` now, which hides the one of `{}` in this project",
            lower.unwrap_or_default().display()
        ),
    });
    Ok(Exit::Ok)
}

/// The user's file, if it has the server.
fn lower_tier(name: &str) -> anyhow::Result<Option<PathBuf>> {
    let Some(path) = env::config_dir().map(|dir| layout::user_mcp(&dir)) else { return Ok(None) };
    let Some(bytes) = fs::read_optional(&path, MAX_BYTES)? else { return Ok(None) };
    let file = mcp::parse(&path, &bytes).exit(Exit::Usage)?;
    Ok(matches!(file.servers.get(name), Some(Some(_))).then_some(path))
}

fn file(project: &Project, user: bool) -> anyhow::Result<TierFile> {
    let layout = project.layout();
    if !user {
        return Ok(TierFile { path: layout.mcp_config(), guard: layout.mcp_lock() });
    }
    let Some(dir) = env::config_dir() else {
        let text = "there is no home directory, so no file of your own";
        return Err(Failure::new(Exit::Environment, text).into());
    };
    Ok(TierFile { path: layout::user_mcp(&dir), guard: layout::user_mcp_lock(&dir) })
}

fn pairs(flag: &str, given: &[String]) -> anyhow::Result<BTreeMap<String, String>> {
    let mut pairs = BTreeMap::new();
    for text in given {
        let Some((key, value)) = text.split_once('=').filter(|(key, _)| !key.trim().is_empty())
        else {
            // The text itself is not told: it may be a secret whose name was forgotten.
            let text = format!("{flag} takes KEY=VALUE, and one of them has no `=` behind a name");
            return Err(Failure::new(Exit::Usage, text).into());
        };
        if pairs.insert(key.trim().to_owned(), value.to_owned()).is_some() {
            let text = format!("{flag} gives `{}` twice", key.trim());
            return Err(Failure::new(Exit::Usage, text).into());
        }
    }
    Ok(pairs)
}

fn explained(error: EditError) -> anyhow::Error {
    let exit = match &error {
        EditError::Fs(_) | EditError::Lock(_) => Exit::Environment,
        _ => Exit::Usage,
    };
    let failed: Result<(), EditError> = Err(error);
    failed.exit(exit).err().unwrap_or_else(|| anyhow::anyhow!("the file was not changed"))
}
