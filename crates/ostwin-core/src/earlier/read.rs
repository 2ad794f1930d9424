//! Reading a project of the earlier program into values.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::Value;

use super::places::{Places, RoomPlaces, names_in, plan_meta};
use crate::fs::{self, FsError};
use crate::layout::RolePaths;
use crate::plans::sha256;

/// Largest file of such a project that is read, in bytes.
const MAX_BYTES: u64 = 256 << 20;
/// The mark that some of its writers put before a text.
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// Something that was not taken, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Note {
    /// What.
    pub what: String,
    /// Why, or what to do about it.
    pub reason: String,
}

impl Note {
    /// A note about `what`.
    pub fn new(what: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { what: what.into(), reason: reason.into() }
    }
}

/// A project of the earlier program.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Earlier {
    /// Its plans.
    pub plans: Vec<EarlierPlan>,
    /// Its rooms.
    pub rooms: Vec<EarlierRoom>,
    /// The lines of its shared memory.
    pub memories: Lines,
    /// Its roles.
    pub roles: Vec<EarlierRole>,
    /// Its skills.
    pub skills: Vec<EarlierSkill>,
    /// Its file of tool servers.
    pub mcp: Option<PathBuf>,
    /// What is there and is not taken.
    pub notes: Vec<Note>,
}

/// A plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EarlierPlan {
    /// Its file.
    pub path: PathBuf,
    /// The ids by which rooms may name it.
    pub ids: BTreeSet<String>,
    /// Its text.
    pub text: String,
}

/// A room.
#[derive(Clone, Debug, PartialEq)]
pub struct EarlierRoom {
    /// Its folder.
    pub dir: PathBuf,
    /// Its name; rooms of several plans were kept in a folder each.
    pub name: String,
    /// The epic or task.
    pub task_ref: String,
    /// The id of its plan; empty if it names none.
    pub plan_id: String,
    /// Its state.
    pub status: String,
    /// How often it was tried again.
    pub retries: u32,
    /// Where its sessions worked.
    pub working_dir: Option<PathBuf>,
    /// Its tasks, in Markdown, as far as they were ticked off.
    pub tasks: Option<String>,
    /// The lines of its channel.
    pub messages: Lines,
    /// The folder of its artifacts.
    pub artifacts: PathBuf,
    /// What it has besides and nothing here corresponds to.
    pub others: Vec<String>,
}

/// The lines of a log.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lines {
    /// Each line that is JSON, with its number.
    pub values: Vec<(usize, Value)>,
    /// The numbers of those that are not.
    pub garbage: Vec<usize>,
}

/// A role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EarlierRole {
    /// Its folder's name.
    pub name: String,
    /// Its settings.
    pub settings: PathBuf,
    /// The text of its settings.
    pub text: String,
    /// Its prompt.
    pub prompt: Option<String>,
}

/// A skill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EarlierSkill {
    /// Its folder.
    pub dir: PathBuf,
    /// The role whose skill it is.
    pub role: Option<String>,
}

/// Why a project was not read.
#[derive(Debug, thiserror::Error)]
pub enum EarlierError {
    /// Nothing of the earlier program is there.
    #[error(
        "`{}` holds no project of the earlier OSTwin: neither rooms (`.war-rooms/`), nor plans, nor a \
         shared memory were found", root.display()
    )]
    Nothing {
        /// The folder.
        root: PathBuf,
    },
    /// A file could not be read.
    #[error(transparent)]
    Fs(#[from] FsError),
}

/// Reads the project in `root`; `plans` is a further folder of plans, for the earlier program kept
/// most of them in the user's home.
///
/// # Errors
/// [`EarlierError`].
pub fn read(root: &Path, plans: Option<&Path>) -> Result<Earlier, EarlierError> {
    let places = Places::new(root);
    let mut earlier = Earlier::default();
    for dir in places.plans().iter().map(PathBuf::as_path).chain(plans) {
        read_plans(root, dir, &mut earlier)?;
    }
    for dir in places.rooms() {
        read_rooms(&dir, &mut earlier)?;
    }
    for ledger in places.ledgers() {
        let lines = read_lines(&ledger)?;
        earlier.memories.values.extend(lines.values);
        earlier.memories.garbage.extend(lines.garbage);
    }
    let is_empty = earlier.plans.is_empty()
        && earlier.rooms.is_empty()
        && earlier.memories == Lines::default();
    if is_empty {
        return Err(EarlierError::Nothing { root: root.to_owned() });
    }
    read_roles(&places, &mut earlier)?;
    read_skills(&places.skills(), 0, &mut earlier)?;
    earlier.mcp = places.mcp().into_iter().find(|file| file.is_file());
    if places.settings().is_file() {
        let reason = "its settings have other names here; `ostwin config list --keys` lists them";
        earlier.notes.push(Note::new(places.settings().display().to_string(), reason));
    }
    Ok(earlier)
}

fn read_plans(root: &Path, dir: &Path, earlier: &mut Earlier) -> Result<(), EarlierError> {
    for name in names_in(dir)? {
        let Some(stem) = name.strip_suffix(".md") else { continue };
        let path = dir.join(&name);
        if !path.is_file() || earlier.plans.iter().any(|plan| plan.path == path) {
            continue;
        }
        if stem.ends_with(".refined") {
            let reason = "plans are reviewed anew; run it as a plan of its own if it is better";
            earlier.notes.push(Note::new(path.display().to_string(), reason));
            continue;
        }
        let text = read_text(&path)?.unwrap_or_default();
        // A plan that was run from a file of its own was known by a hash of where it was.
        let hashed = sha256(format!("{}:{stem}", root.display()).as_bytes());
        let mut ids = BTreeSet::from([stem.to_owned(), hashed[..12].to_owned()]);
        let meta = read_text(&plan_meta(&path))?.unwrap_or_default();
        let meta: Value = serde_json::from_str(&meta).unwrap_or_default();
        ids.extend(text_of(&meta, &["plan_id"]));
        earlier.plans.push(EarlierPlan { path, ids, text });
    }
    Ok(())
}

fn read_rooms(dir: &Path, earlier: &mut Earlier) -> Result<(), EarlierError> {
    for name in names_in(dir)? {
        let room = RoomPlaces { dir: dir.join(&name) };
        if !room.dir.is_dir() {
            continue;
        }
        if room.is_room() {
            earlier.rooms.push(read_room(name, &room)?);
            continue;
        }
        for inner in names_in(&room.dir)? {
            let room = RoomPlaces { dir: room.dir.join(&inner) };
            if room.dir.is_dir() && room.is_room() {
                earlier.rooms.push(read_room(format!("{name}/{inner}"), &room)?);
            }
        }
    }
    Ok(())
}

fn read_room(name: String, places: &RoomPlaces) -> Result<EarlierRoom, FsError> {
    let config = read_text(&places.config())?.unwrap_or_default();
    let config: Value = serde_json::from_str(&config).unwrap_or_default();
    let word = |path: &Path| -> Result<Option<String>, FsError> {
        let text = read_text(path)?.map(|text| text.trim().to_owned());
        Ok(text.filter(|text| !text.is_empty()))
    };
    let status = word(&places.status())?.or_else(|| text_of(&config, &["status", "current"]));
    let retries = word(&places.retries())?.and_then(|text| text.parse().ok());
    let task_ref = text_of(&config, &["task_ref"]);
    Ok(EarlierRoom {
        task_ref: word(&places.task_ref())?.or(task_ref).unwrap_or_default(),
        plan_id: text_of(&config, &["plan_id"]).unwrap_or_default(),
        status: status.unwrap_or_else(|| "pending".to_owned()),
        retries: retries.unwrap_or_default(),
        working_dir: text_of(&config, &["working_dir"]).map(PathBuf::from),
        tasks: read_text(&places.tasks())?,
        messages: read_lines(&places.channel())?,
        artifacts: places.artifacts(),
        others: places.without_counterpart()?,
        dir: places.dir.clone(),
        name,
    })
}

fn read_roles(places: &Places, earlier: &mut Earlier) -> Result<(), FsError> {
    for name in names_in(&places.roles())? {
        let role = RolePaths::at(places.roles().join(&name));
        let Some(text) = read_text(&role.settings())? else { continue };
        let named = serde_json::from_str(&text).unwrap_or_default();
        let prompt = text_of(&named, &["prompt_file"]).unwrap_or_else(|| "ROLE.md".to_owned());
        let prompt = read_text(&role.file(&prompt))?;
        earlier.roles.push(EarlierRole { name, settings: role.settings(), text, prompt });
    }
    Ok(())
}

/// Skills were kept in folders of their own, of tiers (`global/`) and of roles (`roles/<role>/`).
fn read_skills(dir: &Path, depth: usize, earlier: &mut Earlier) -> Result<(), FsError> {
    for name in names_in(dir)? {
        let inner = dir.join(&name);
        if !inner.is_dir() {
            continue;
        }
        if inner.join("SKILL.md").is_file() {
            let above = |levels: usize| {
                inner.ancestors().nth(levels)?.file_name()?.to_str().map(str::to_owned)
            };
            let role = above(1).filter(|_| above(2).as_deref() == Some("roles") && depth == 2);
            earlier.skills.push(EarlierSkill { dir: inner, role });
        } else if depth < 2 {
            read_skills(&inner, depth + 1, earlier)?;
        }
    }
    Ok(())
}

/// A text, without the mark that some writers put before it; bytes that are none are replaced.
fn read_text(path: &Path) -> Result<Option<String>, FsError> {
    let Some(bytes) = fs::read_optional(path, MAX_BYTES)? else { return Ok(None) };
    let text = String::from_utf8_lossy(&bytes);
    Ok(Some(text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&text).to_owned()))
}

fn read_lines(path: &Path) -> Result<Lines, FsError> {
    let text = read_text(path)?.unwrap_or_default();
    let mut lines = Lines::default();
    for (index, line) in text.lines().enumerate() {
        // Appending with a mark put one before every line.
        let line = line.trim_start_matches(BYTE_ORDER_MARK).trim();
        if line.is_empty() {
            continue;
        }
        match serde_json::from_str::<Value>(line) {
            Ok(value) if value.is_object() => lines.values.push((index + 1, value)),
            _ => lines.garbage.push(index + 1),
        }
    }
    Ok(lines)
}

/// The text at a place of a value; `None` if there is none, or an empty one.
pub(super) fn text_of(value: &Value, place: &[&str]) -> Option<String> {
    let found = place.iter().try_fold(value, |value, key| value.get(key))?;
    found.as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}
