//! `version`: which program this is, and which siblings it would start.

use ostwin_runner::agents::Programs;
use ostwin_service::Exit;
use serde_json::json;

use crate::context::Context;
use crate::view::table;

const SIBLINGS: [&str; 3] = ["ostwin-mcp-warroom", "ostwin-mcp-memory", "ostwin-rehearsal"];

pub(crate) fn version(context: &Context) -> anyhow::Result<Exit> {
    let programs = Programs::of_this_process();
    let found = SIBLINGS.map(|name| (name, programs.find(name)));
    let version = env!("CARGO_PKG_VERSION");
    if context.out.json {
        let siblings: serde_json::Map<_, _> =
            found.into_iter().map(|(name, path)| (name.to_owned(), json!(path))).collect();
        context.out.json(&json!({"version": version, "programs": siblings}))?;
        return Ok(Exit::Ok);
    }
    context.out.text(&format!("ostwin {version}\n"))?;
    let rows: Vec<(&str, String)> = found
        .into_iter()
        .map(|(name, path)| {
            (name, path.map_or("not found".to_owned(), |path| path.display().to_string()))
        })
        .collect();
    context.out.text(&table::pairs(&rows))?;
    Ok(Exit::Ok)
}
