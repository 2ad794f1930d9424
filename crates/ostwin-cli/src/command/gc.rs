//! `gc`: what nobody needs any more goes.

use std::time::Duration;

use ostwin_core::gc::{self, Item, Keep, Kept, Sweep};
use ostwin_core::project::Project;
use ostwin_service::{Exit, Explain};
use ostwin_skills::install::{self, Shelf};
use serde_json::json;

use crate::args::GcArgs;
use crate::context::Context;
use crate::out::remark;
use crate::view::figures::{self, plural};
use crate::view::table;

const DAY: u64 = 86_400;

pub(crate) fn gc(context: &Context, args: &GcArgs) -> anyhow::Result<Exit> {
    let (project, settings) = context.project()?;
    let retention = &settings.config.retention;
    let days = |days: u32| Duration::from_secs(u64::from(days) * DAY);
    let keep = Keep {
        transcripts: args.keep.or(retention.transcript_days.map(days)),
        archives: retention.archive_days.map(days),
    };
    let mut swept = gc::sweep(&project, keep, !args.dry_run)?;
    installations(&project, !args.dry_run, &mut swept)?;
    if context.out.json {
        context.out.json(&json!({
            "removed": !args.dry_run,
            "items": swept.items,
            "kept": swept.kept,
            "bytes": swept.bytes(),
        }))?;
        return Ok(Exit::Ok);
    }
    context.out.text(&table_of(&project, &swept.items, context.out.width()))?;
    for Kept { what, reason } in &swept.kept {
        remark(&format!("{what} was left alone: {reason}"));
    }
    remark(&summary(&swept, args.dry_run));
    Ok(Exit::Ok)
}

/// What killed installations of skills have left: finished or undone, as they were meant.
fn installations(project: &Project, remove: bool, swept: &mut Sweep) -> anyhow::Result<()> {
    let shelf = Shelf::of_project(project.layout().clone(), None);
    for left in install::left_behind(&shelf, project.store())? {
        swept.items.extend(Item::leftover(left)?);
    }
    if remove {
        install::tidy(&shelf, project.store()).exit(Exit::Environment)?;
    }
    Ok(())
}

fn table_of(project: &Project, items: &[Item], width: Option<usize>) -> String {
    if items.is_empty() {
        return String::new();
    }
    let rows: Vec<Vec<String>> = items
        .iter()
        .map(|item| {
            let path = item.path.strip_prefix(project.layout().root()).unwrap_or(&item.path);
            vec![
                item.what.as_str().to_owned(),
                figures::bytes(item.bytes),
                item.files.to_string(),
                path.display().to_string(),
            ]
        })
        .collect();
    table::table(&["what", "size", "files", "path"], &rows, width)
}

fn summary(swept: &Sweep, dry_run: bool) -> String {
    if swept.items.is_empty() {
        return "nothing to remove".to_owned();
    }
    let files = plural(swept.items.iter().map(|item| item.files).sum(), "file");
    let size = figures::bytes(swept.bytes());
    match dry_run {
        true => format!("{files}, {size}; `ostwin gc` removes them"),
        false => format!("{files} removed, {size}"),
    }
}
