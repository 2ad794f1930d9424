//! `version`: which program this is, and which siblings it would start.

use ostwin_runner::agents::Programs;
use ostwin_runner::mcp;
use ostwin_service::Exit;
use serde_json::json;

use crate::context::Context;
use crate::view::table;

/// The programs beside the tool servers.
const OTHERS: [&str; 2] = ["ostwin-dashboard", "ostwin-rehearsal"];

pub(crate) fn version(context: &Context) -> anyhow::Result<Exit> {
    let programs = Programs::of_this_process();
    let names = mcp::OWN.map(mcp::own_program).into_iter().chain(OTHERS.map(str::to_owned));
    let found = names.map(|name| {
        let path = programs.find(&name);
        (name, path)
    });
    let version = env!("CARGO_PKG_VERSION");
    if context.out.json {
        let siblings: serde_json::Map<_, _> =
            found.map(|(name, path)| (name, json!(path))).collect();
        context.out.json(&json!({"version": version, "programs": siblings}))?;
        return Ok(Exit::Ok);
    }
    context.out.text(&format!("ostwin {version}\n"))?;
    let rows: Vec<(String, String)> = found
        .map(|(name, path)| {
            (name, path.map_or("not found".to_owned(), |path| path.display().to_string()))
        })
        .collect();
    let rows: Vec<(&str, String)> =
        rows.iter().map(|(name, path)| (name.as_str(), path.clone())).collect();
    context.out.text(&table::pairs(&rows))?;
    Ok(Exit::Ok)
}
