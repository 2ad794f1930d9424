//! `man`: the manual, made from what can be typed.

use std::path::Path;

use clap::{Command, CommandFactory as _};
use clap_mangen::Man;
use ostwin_core::fs;
use ostwin_service::Exit;
use serde_json::json;

use crate::args::{Cli, ManArgs};
use crate::context::{Context, here};
use crate::out::remark;
use crate::view::figures::plural;

pub(crate) fn man(context: &Context, args: &ManArgs) -> anyhow::Result<Exit> {
    let pages = pages()?;
    let Some(dir) = &args.dir else {
        let main = pages.first().map(|page| page.text.as_str()).unwrap_or_default();
        context.out.text(main)?;
        return Ok(Exit::Ok);
    };
    let dir = here()?.join(dir);
    write(&dir, &pages)?;
    if context.out.json {
        let files: Vec<_> = pages.iter().map(|page| dir.join(&page.file)).collect();
        context.out.json(&json!({"pages": files}))?;
    } else {
        remark(&format!("{} written to `{}`", plural(pages.len(), "page"), dir.display()));
    }
    Ok(Exit::Ok)
}

fn write(dir: &Path, pages: &[Page]) -> anyhow::Result<()> {
    fs::create_dirs(dir)?;
    for page in pages {
        fs::replace_hint(&dir.join(&page.file), page.text.as_bytes())?;
    }
    Ok(())
}

/// One page of the manual.
#[derive(Debug)]
struct Page {
    file: String,
    text: String,
}

/// A page for the program and for each of its commands, the program's first.
fn pages() -> anyhow::Result<Vec<Page>> {
    let mut root = Cli::command();
    root.build();
    let mut pages = Vec::new();
    add(&mut pages, &root, "ostwin")?;
    Ok(pages)
}

fn add(pages: &mut Vec<Page>, command: &Command, name: &str) -> anyhow::Result<()> {
    let mut text = Vec::new();
    let source = concat!("ostwin ", env!("CARGO_PKG_VERSION"));
    Man::new(command.clone()).title(name).source(source).manual("OSTwin").render(&mut text)?;
    let text = String::from_utf8_lossy(&text).into_owned();
    pages.push(Page { file: format!("{name}.1"), text });
    for inner in command.get_subcommands().filter(|inner| !inner.is_hide_set()) {
        add(pages, inner, &format!("{name}-{}", inner.get_name()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(command: &Command) -> usize {
        let shown = command.get_subcommands().filter(|inner| !inner.is_hide_set());
        1 + shown.map(count).sum::<usize>()
    }

    #[test]
    fn every_command_has_a_page_with_its_name_and_its_examples() {
        let pages = pages().unwrap();
        let mut root = Cli::command();
        root.build();
        assert_eq!(pages.len(), count(&root));
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), &pages).unwrap();
        let page = |name: &str| std::fs::read_to_string(dir.path().join(name)).unwrap();
        let main = page("ostwin.1");
        assert!(main.contains(".TH ostwin 1"), "{main}");
        assert!(main.contains("ostwin\\-room(1)"), "{main}");
        let archive = page("ostwin-room-archive.1");
        assert!(archive.contains("\\fBostwin room archive\\fR"), "{archive}");
        assert!(archive.contains("\\-\\-restore"), "{archive}");
        assert!(!pages.iter().any(|page| page.file.contains("__gen")));
        assert!(pages.iter().all(|page| page.text.contains(".SH NAME")));
    }
}
