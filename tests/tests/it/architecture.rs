//! The rules of the house that a machine can check.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};

/// Own crates from the ground up: one may use only what stands on a lower line. Binaries stand
/// above all of them.
const LEVELS: &[&[&str]] = &[
    &["ostwin-core"],
    &["ostwin-watch"],
    &["ostwin-memory", "ostwin-skills", "ostwin-embed"],
    &["ostwin-runner"],
    &["ostwin-engine"],
    &["ostwin-cli", "ostwin-api", "ostwin-bot", "ostwin-mcp"],
];

/// What every binary shares stands beside the levels, above core. The command line crate is the
/// inside of a binary and speaks its exit codes.
const SERVICE: &str = "ostwin-service";
const SERVICE_USERS: &[&str] = &["ostwin-cli"];

/// For tests only.
const TESTKIT: &str = "ostwin-testkit";

/// The rehearsal agent must be replaceable by any other agent, so it knows no more than they do.
const REHEARSAL: &str = "ostwin-rehearsal";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Level(usize),
    Service,
    Testkit,
    Bin,
    /// The workspace's own tools: tests, benchmarks, tasks.
    Tool,
}

fn workspace() -> Result<Metadata> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml");
    Ok(MetadataCommand::new().manifest_path(manifest).no_deps().exec()?)
}

fn folder(package: &Package) -> Result<PathBuf> {
    let manifest = package.manifest_path.as_std_path();
    Ok(manifest.parent().context("a manifest lies in a folder")?.to_owned())
}

fn place(root: &Path, package: &Package) -> Result<Place> {
    let name = package.name.as_str();
    let dir = folder(package)?;
    let dir = dir.strip_prefix(root)?;
    Ok(match name {
        SERVICE => Place::Service,
        TESTKIT => Place::Testkit,
        _ if dir.starts_with("bins") => Place::Bin,
        _ if dir.starts_with("crates") => {
            let level = LEVELS.iter().position(|level| level.contains(&name));
            Place::Level(level.with_context(|| format!("{name} has no level: give it one"))?)
        }
        _ => Place::Tool,
    })
}

fn may_use(user: (&str, Place), kind: DependencyKind, used: (&str, Place)) -> bool {
    match (user, used) {
        (_, (_, Place::Bin | Place::Tool)) => false,
        (_, (_, Place::Testkit)) => kind == DependencyKind::Development,
        ((_, Place::Tool), _) => true,
        ((REHEARSAL, _), (used, _)) => used == "ostwin-core" || used == SERVICE,
        ((user, place), (_, Place::Service)) => {
            place == Place::Bin || SERVICE_USERS.contains(&user)
        }
        ((_, Place::Bin), _) => true,
        ((_, Place::Level(user)), (_, Place::Level(used))) => used < user,
        ((_, Place::Service | Place::Testkit), (used, _)) => used == "ostwin-core",
    }
}

#[test]
fn arrows_point_down() -> Result<()> {
    let metadata = workspace()?;
    let root = metadata.workspace_root.as_std_path();
    let mut places = BTreeMap::new();
    for package in &metadata.packages {
        places.insert(package.name.to_string(), place(root, package)?);
    }
    let mut wrong = Vec::new();
    for package in &metadata.packages {
        let user = (package.name.as_str(), places[package.name.as_str()]);
        for dependency in &package.dependencies {
            let Some(used) = places.get(&dependency.name) else { continue };
            if !may_use(user, dependency.kind, (&dependency.name, *used)) {
                wrong.push(format!("{} -> {} ({})", user.0, dependency.name, dependency.kind));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new(), "these arrows do not point down");
    assert!(places.len() > 10, "the workspace was not found: {places:?}");
    Ok(())
}

#[test]
fn the_rule_refuses_what_it_should() {
    let normal = DependencyKind::Normal;
    let (core, engine) = (("ostwin-core", Place::Level(0)), ("ostwin-engine", Place::Level(4)));
    let service = (SERVICE, Place::Service);
    let testkit = (TESTKIT, Place::Testkit);
    assert!(may_use(engine, normal, core));
    assert!(!may_use(core, normal, engine));
    assert!(!may_use(engine, normal, engine));
    assert!(!may_use(engine, normal, service));
    assert!(may_use(("ostwin-cli", Place::Level(5)), normal, service));
    assert!(!may_use(engine, normal, testkit));
    assert!(may_use(engine, DependencyKind::Development, testkit));
    assert!(!may_use((REHEARSAL, Place::Bin), normal, engine));
    assert!(!may_use(engine, normal, ("ostwin", Place::Bin)));
}

#[test]
fn core_is_blocking_code_without_a_network() -> Result<()> {
    let metadata = workspace()?;
    let barred = ["tokio", "futures", "reqwest", "hyper", "axum", "rmcp", "async-trait"];
    for crate_name in ["ostwin-core", "ostwin-watch", "ostwin-memory"] {
        let package = metadata.packages.iter().find(|package| package.name == crate_name);
        let package = package.with_context(|| format!("{crate_name} is gone"))?;
        let used = package.dependencies.iter().map(|dependency| dependency.name.as_str());
        let used: Vec<&str> = used.filter(|name| barred.contains(name)).collect();
        assert_eq!(used, Vec::<&str>::new(), "{crate_name} is plain blocking code");
    }
    let xtask = metadata.packages.iter().find(|package| package.name == "xtask");
    assert_eq!(xtask.context("xtask is gone")?.dependencies, vec![]);
    Ok(())
}

#[test]
fn every_crate_takes_the_shared_lints() -> Result<()> {
    for package in &workspace()?.packages {
        let manifest = std::fs::read_to_string(&package.manifest_path)?;
        let lints = manifest.split("[lints]").nth(1).unwrap_or_default();
        let first = lints.lines().map(str::trim).find(|line| !line.is_empty());
        assert_eq!(first, Some("workspace = true"), "[lints] of {}", package.name);
    }
    Ok(())
}

#[test]
fn main_files_only_wire() -> Result<()> {
    let metadata = workspace()?;
    let root = metadata.workspace_root.as_std_path();
    let mut seen = 0;
    for package in &metadata.packages {
        if place(root, package)? == Place::Bin {
            let path = folder(package)?.join("src/main.rs");
            let lines = std::fs::read_to_string(&path)?.lines().count();
            assert!(lines < 40, "{} has {lines} lines", path.display());
            seen += 1;
        }
    }
    assert!(seen >= 4, "only {seen} binaries were found");
    Ok(())
}

#[test]
fn no_integration_test_is_forgotten() -> Result<()> {
    for package in &workspace()?.packages {
        let dir = folder(package)?.join("tests/it");
        let Ok(main) = std::fs::read_to_string(dir.join("main.rs")) else { continue };
        let declared: BTreeSet<&str> = main
            .lines()
            .filter_map(|line| line.trim().strip_prefix("mod ")?.strip_suffix(';'))
            .collect();
        for entry in std::fs::read_dir(&dir)? {
            let path = entry?.path();
            let rust = path.extension().is_some_and(|extension| extension == "rs");
            let module = rust || path.join("mod.rs").is_file();
            let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
            if module && name != "main" {
                assert!(declared.contains(name), "`mod {name};` is missing in {}", dir.display());
            }
        }
    }
    Ok(())
}

/// Names of files that only `ostwin_core::layout` writes down.
const LAYOUT_NAMES: &[&str] = &[
    ".agents",
    "war-rooms",
    "PLAN.meta.json",
    "PLAN.refined.md",
    "DAG.json",
    "attempt.json",
    "channel.jsonl",
    "control.jsonl",
    "engine.json",
    "engine.lock",
    "events.jsonl",
    "ledger.jsonl",
    "lifecycle-audit.jsonl",
    "lifecycle.json",
    "progress.json",
    "room.lock",
    "session.lock",
    "status.txt",
    "tools.jsonl",
    "transcript.jsonl",
];

/// Where a name belongs to somebody else: the folder in which other agent programs look for skills
/// by themselves.
const FOREIGN: &[(&str, &str)] = &[("crates/ostwin-core/src/config/agents.rs", ".agents/skills")];

/// Whether a literal is a path below `.agents/`, and neither a text that mentions one nor, with a
/// way up, the place of a shipped file beside the source.
fn is_layout_path(literal: &str) -> bool {
    let mut parts = literal.split('/');
    let text = literal.contains(char::is_whitespace);
    !text && !parts.clone().any(|part| part == "..") && parts.any(|it| LAYOUT_NAMES.contains(&it))
}

#[test]
fn only_core_knows_where_files_are() -> Result<()> {
    let metadata = workspace()?;
    let root = metadata.workspace_root.as_std_path();
    let owner = root.join("crates/ostwin-core/src/layout.rs");
    // The names are the same in part, and not ours: where the earlier program kept its files.
    let earlier = root.join("crates/ostwin-core/src/earlier/places.rs");
    let mut files = Vec::new();
    for package in &metadata.packages {
        if !matches!(place(root, package)?, Place::Tool | Place::Testkit) {
            rust_files(&folder(package)?.join("src"), &mut files)?;
        }
    }
    for owner in [&owner, &earlier] {
        assert!(files.contains(owner), "{} is gone", owner.display());
    }
    let mut wrong = Vec::new();
    for path in files.iter().filter(|path| **path != owner && **path != earlier) {
        let source = std::fs::read_to_string(path)?;
        let shipped = source.split("#[cfg(test)]").next().unwrap_or_default();
        let file = path.strip_prefix(root)?.display().to_string();
        for literal in string_literals(shipped) {
            if is_layout_path(literal) && !FOREIGN.contains(&(file.as_str(), literal)) {
                wrong.push(format!("{file}: \"{literal}\""));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new(), "ask `ostwin_core::layout` instead");
    Ok(())
}

/// An example in a doc comment is a program of its own to build; ours are unit tests.
#[test]
fn no_comment_holds_code_that_nothing_runs() -> Result<()> {
    let metadata = workspace()?;
    let root = metadata.workspace_root.as_std_path();
    let mut files = Vec::new();
    for package in &metadata.packages {
        rust_files(&folder(package)?.join("src"), &mut files)?;
    }
    let mut wrong = Vec::new();
    for path in &files {
        let source = std::fs::read_to_string(path)?;
        let mut inside = false;
        for (number, line) in source.lines().enumerate() {
            let comment = line.trim_start();
            let comment = comment.strip_prefix("//!").or_else(|| comment.strip_prefix("///"));
            let Some(fence) = comment.and_then(|text| text.trim_start().strip_prefix("```")) else {
                continue;
            };
            if !inside && fence != "text" {
                wrong.push(format!("{}:{}", path.strip_prefix(root)?.display(), number + 1));
            }
            inside = !inside;
        }
    }
    assert_eq!(wrong, Vec::<String>::new(), "make it a unit test, or mark it as `text`");
    Ok(())
}

/// All sources below `dir`, except those of tests.
fn rust_files(dir: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
        if name == "tests" {
            continue;
        }
        if path.is_dir() {
            rust_files(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

/// The string literals of a source, as they are written; comments are left out.
fn string_literals(source: &str) -> Vec<&str> {
    let mut literals = Vec::new();
    let mut rest = source;
    while let Some(at) = rest.find(['"', '/', '\'']) {
        let (before, from) = rest.split_at(at);
        rest = if from.starts_with("//") {
            from.split_once('\n').map_or("", |(_, next)| next)
        } else if from.starts_with("/*") {
            from.split_once("*/").map_or("", |(_, next)| next)
        } else if from.starts_with("'\"'") || from.starts_with("'\\") {
            // A quote or an escape as a character; after any other `'` nothing can be mistaken.
            from.get(3..).unwrap_or_default()
        } else if let Some(text) = from.strip_prefix('"') {
            let hashes = before.len() - before.trim_end_matches('#').len();
            let raw = before.trim_end_matches('#').ends_with('r');
            let end = if raw {
                text.find(&format!("\"{}", "#".repeat(hashes)))
            } else {
                end_of_text(text)
            };
            let (literal, next) = text.split_at(end.unwrap_or(text.len()));
            literals.push(literal);
            next.get(1..).unwrap_or_default()
        } else {
            &from[1..]
        };
    }
    literals
}

/// Where the closing quote stands.
fn end_of_text(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().position(|byte| {
        let end = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        end
    })
}

#[test]
fn literals_are_told_from_texts_and_comments() {
    let source = concat!(
        r##"// join("status.txt")"##,
        "\n",
        r##"a.join("channel.jsonl"); b = '"'; /* "DAG.json" */ c = r#"x/.agents/y"#;"##,
        r##" say("see `.agents/config.json` for it, \"quoted\""); d = '\''; e("engine.json")"##,
    );
    let found: Vec<&str> =
        string_literals(source).into_iter().filter(|literal| is_layout_path(literal)).collect();
    assert_eq!(found, ["channel.jsonl", "x/.agents/y", "engine.json"]);
}
