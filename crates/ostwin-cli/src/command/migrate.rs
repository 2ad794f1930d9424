//! `migrate`: which versions the files have, and older ones moved on.

use std::collections::BTreeMap;

use ostwin_core::migrate::{self, Found, Kind, MIGRATIONS, MigrateError, Moved, State};
use ostwin_core::project::Project;
use ostwin_core::store::Store;
use ostwin_service::{Exit, Explain, Failure};
use serde_json::json;

use crate::args::MigrateArgs;
use crate::context::Context;
use crate::out::remark;
use crate::view::figures::plural;
use crate::view::table;

pub(crate) fn migrate(context: &Context, args: &MigrateArgs) -> anyhow::Result<Exit> {
    // Settings of another version cannot be read, and must not keep anybody from moving them on.
    let project = Project::new(context.base.layout()?, Store::default());
    let found = migrate::survey(&project)?;
    let newer: Vec<String> = found
        .newer()
        .map(|file| format!("`{}` has version {}", file.path.display(), file.version))
        .collect();
    if !newer.is_empty() {
        let text = format!("newer than this program knows: {}", newer.join("; "));
        return Err(Failure::new(Exit::Usage, text)
            .hint("use a newer ostwin; nothing was changed")
            .into());
    }
    let moved = match migrate::migrate(&project, &found, MIGRATIONS, !args.dry_run) {
        Err(error @ MigrateError::Driven { .. }) => return Err(error).exit(Exit::Owned),
        moved => moved?,
    };
    let problems: Vec<String> = found.unreadable.iter().map(ToString::to_string).collect();
    if context.out.json {
        context.out.json(&json!({
            "files": found.files,
            "moved": moved,
            "written": !args.dry_run && !moved.is_empty(),
            "unreadable": problems,
        }))?;
    } else {
        context.out.text(&table_of(&found, context.out.width()))?;
        tell(&moved, args.dry_run);
        for problem in &problems {
            remark(&format!("cannot be read: {problem}"));
        }
    }
    Ok(if problems.is_empty() { Exit::Ok } else { Exit::NotPassed })
}

/// One line for each kind of file and version.
fn table_of(found: &Found, width: Option<usize>) -> String {
    let mut counts: BTreeMap<(Kind, u32, &str), usize> = BTreeMap::new();
    for file in &found.files {
        let state = match file.state {
            State::Current => "current",
            State::Older => "older",
            State::Newer => "newer",
        };
        *counts.entry((file.kind, file.version, state)).or_default() += 1;
    }
    let rows: Vec<Vec<String>> = counts
        .into_iter()
        .map(|((kind, version, state), count)| {
            let kind = kind.as_str().to_owned();
            vec![kind, version.to_string(), state.to_owned(), count.to_string()]
        })
        .collect();
    table::table(&["file", "version", "", "files"], &rows, width)
}

fn tell(moved: &[Moved], dry_run: bool) {
    if moved.is_empty() {
        remark("nothing to do: every file is current");
        return;
    }
    let word = if dry_run { "would go" } else { "went" };
    for Moved { path, from, to, copy } in moved {
        let (path, copy) = (path.display(), copy.display());
        remark(&format!("`{path}` {word} from version {from} to {to}; the old one is `{copy}`"));
    }
    remark(&plural(moved.len(), "file"));
}
