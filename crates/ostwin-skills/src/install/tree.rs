//! The files of a skill as a value, and the rules that every one of them passed.
//!
//! Whatever a skill comes from, its files go through [`Growing`], one by one, before anything is
//! written: a hostile archive is refused while it is read, and costs at most its bound in memory.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Read};

use ostwin_core::ids::SkillPath;
use sha2::{Digest, Sha256};

use super::hash::hex;
use crate::format::DOCUMENT;
use crate::place::{MAX_DEPTH, MAX_FILES, MAX_TOTAL_BYTES};

/// Why files are not taken for a skill. Nothing was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A name could lead elsewhere, or means something else on another system.
    #[error("it holds `{name}`: {problem}")]
    Name {
        /// The name, made printable.
        name: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Something that is neither a plain file nor a folder.
    #[error("it holds `{name}`, which is {what}; a skill is plain files in plain folders")]
    Kind {
        /// Its name.
        name: String,
        /// What it is.
        what: &'static str,
    },
    /// One name is there twice.
    #[error("it holds `{name}` twice")]
    Twice {
        /// The name.
        name: String,
    },
    /// Two names are the same on some systems.
    #[error("it holds `{one}` and `{other}`, which are one name where case does not count")]
    Case {
        /// The first.
        one: String,
        /// The second.
        other: String,
    },
    /// There are too many files.
    #[error("it holds more than {MAX_FILES} files")]
    TooMany,
    /// The files are too large.
    #[error("its files hold more than {} MiB", MAX_TOTAL_BYTES >> 20)]
    TooLarge,
    /// It could not be read to its end.
    #[error("it is damaged, or no archive: {problem}")]
    Damaged {
        /// What went wrong.
        problem: String,
    },
    /// No folder in it is a skill.
    #[error("there is no `SKILL.md` in it")]
    NoDocument,
    /// More than one folder in it is a skill.
    #[error("there are several skills in it: {}; name one behind `#`", folders.join(", "))]
    Several {
        /// Their folders.
        folders: Vec<String>,
    },
    /// The folder that was named is not there, or is no skill.
    #[error("there is no `{subdir}/SKILL.md` in it")]
    NoFolder {
        /// The folder.
        subdir: SkillPath,
    },
}

impl Refusal {
    /// Something of this kind under this name.
    pub(super) fn kind(name: &[u8], what: &'static str) -> Self {
        Self::Kind { name: printable(name), what }
    }

    /// What could not be read; a stream that is too long says so by its kind.
    pub(super) fn unreadable(error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::FileTooLarge {
            return Self::TooLarge;
        }
        Self::damaged(error)
    }

    pub(super) fn damaged(problem: &dyn std::fmt::Display) -> Self {
        Self::Damaged { problem: problem.to_string() }
    }
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeFile {
    /// Whether it may be run.
    pub executable: bool,
    /// Its content.
    pub content: Vec<u8>,
}

/// The files of a skill.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    files: BTreeMap<SkillPath, TreeFile>,
    left_out: Vec<String>,
}

impl Tree {
    /// The files by their paths.
    pub fn files(&self) -> impl ExactSizeIterator<Item = (&SkillPath, &TreeFile)> {
        self.files.iter()
    }

    /// A file's content.
    pub fn content(&self, path: &str) -> Option<&[u8]> {
        let path = SkillPath::new(path).ok()?;
        self.files.get(&path).map(|file| file.content.as_slice())
    }

    /// What was there and is not part of a skill: files and folders whose names start with a dot.
    pub fn left_out(&self) -> &[String] {
        &self.left_out
    }

    /// The length of all files together.
    pub fn bytes(&self) -> u64 {
        self.files.values().map(|file| length(&file.content)).sum()
    }

    /// The SHA-256 over all files: each file's mode, the SHA-256 of its content and its path, one
    /// line a file, sorted by path.
    pub fn sha256(&self) -> String {
        let mut hasher = Sha256::new();
        for (path, file) in &self.files {
            let mode = if file.executable { "100755" } else { "100644" };
            let content = hex(&Sha256::digest(&file.content));
            hasher.update(format!("{mode} {content} {path}\n"));
        }
        hex(&hasher.finalize())
    }

    /// The skill among these files: the folder that was named, else the one that holds the only
    /// `SKILL.md`.
    ///
    /// # Errors
    /// There is no such folder, none with a `SKILL.md`, or several.
    pub(super) fn skill(self, subdir: Option<&SkillPath>) -> Result<Self, Refusal> {
        let folder = skill_folder(self.files.keys().map(SkillPath::as_str), subdir)?;
        if folder.is_empty() {
            return Ok(self);
        }
        let below = |path: &str| path.strip_prefix(&*folder)?.strip_prefix('/').map(str::to_owned);
        let files = self
            .files
            .into_iter()
            .filter_map(|(path, file)| Some((SkillPath::new(&below(path.as_str())?).ok()?, file)))
            .collect();
        let left_out = self.left_out.iter().filter_map(|name| below(name)).collect();
        Ok(Self { files, left_out })
    }
}

/// The folder of the skill among files with these paths: `subdir`, also below the one folder that
/// archives of repositories have around everything; without it, the outermost folder with a
/// `SKILL.md`, if it is the only one. Empty for the root.
///
/// # Errors
/// There is no such folder, none with a `SKILL.md`, or several.
pub(super) fn skill_folder<'p>(
    paths: impl Iterator<Item = &'p str>,
    subdir: Option<&SkillPath>,
) -> Result<String, Refusal> {
    let is_named = |folder: &&str| {
        subdir.is_none_or(|subdir| *folder == subdir.as_str() || is_below_top(folder, subdir))
    };
    let mut folders: Vec<&str> = paths
        .filter_map(|path| match path.strip_suffix(DOCUMENT) {
            Some("") => Some(""),
            Some(folder) => folder.strip_suffix('/'),
            None => None,
        })
        .filter(is_named)
        .collect();
    folders.sort_unstable();
    let all = folders.clone();
    let is_inside = |inner: &str, outer: &str| {
        outer.is_empty() || inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('/'))
    };
    folders.retain(|inner| !all.iter().any(|outer| inner != outer && is_inside(inner, outer)));
    match (folders.as_slice(), subdir) {
        ([folder], _) => Ok((*folder).to_owned()),
        ([], Some(subdir)) => Err(Refusal::NoFolder { subdir: subdir.clone() }),
        ([], None) => Err(Refusal::NoDocument),
        (several, _) => {
            let folders = several.iter().take(20).map(|folder| format!("`{folder}`")).collect();
            Err(Refusal::Several { folders })
        }
    }
}

fn is_below_top(folder: &str, subdir: &SkillPath) -> bool {
    folder.split_once('/').is_some_and(|(_, below)| below == subdir.as_str())
}

/// Whether a path is of interest where only `subdir` is wanted.
pub(super) fn is_wanted(path: &str, subdir: Option<&SkillPath>) -> bool {
    let Some(subdir) = subdir else { return true };
    let is_in =
        |path: &str| path.strip_prefix(subdir.as_str()).is_some_and(|rest| rest.starts_with('/'));
    is_in(path) || path.split_once('/').is_some_and(|(_, below)| is_in(below))
}

/// A tree while files are added to it.
#[derive(Debug, Default)]
pub(super) struct Growing {
    tree: Tree,
    subdir: Option<SkillPath>,
    entries: usize,
    bytes: u64,
    /// Every path and every folder of it as it is spelled, by its spelling without case.
    spelled: HashMap<String, String>,
}

impl Growing {
    /// An empty tree that takes in only what is below `subdir`.
    pub(super) fn new(subdir: Option<&SkillPath>) -> Self {
        Self { subdir: subdir.cloned(), ..Self::default() }
    }

    /// Takes note of a folder.
    pub(super) fn folder(&mut self, name: &[u8]) -> Result<(), Refusal> {
        self.count()?;
        match place(name)? {
            Place::Root | Place::Hidden(_) => Ok(()),
            Place::Plain(path) => self.spell(path.as_str()),
        }
    }

    /// Whether something other than a file or folder is passed over under this name.
    pub(super) fn passes_over(&mut self, name: &[u8]) -> Result<bool, Refusal> {
        self.count()?;
        Ok(match place(name)? {
            Place::Root => false,
            Place::Hidden(name) => {
                self.leave_out(name);
                true
            }
            Place::Plain(path) => !is_wanted(path.as_str(), self.subdir.as_ref()),
        })
    }

    /// Adds a file, which is read to its end; how many bytes it had, or `None` if it is no part of
    /// a skill and was not read.
    pub(super) fn file(
        &mut self,
        name: &[u8],
        executable: bool,
        content: impl Read,
    ) -> Result<Option<u64>, Refusal> {
        let path = match place(name)? {
            Place::Root => {
                let problem = "it names no file".to_owned();
                return Err(Refusal::Name { name: printable(name), problem });
            }
            Place::Hidden(name) => {
                self.count()?;
                self.leave_out(name);
                return Ok(None);
            }
            Place::Plain(path) if !is_wanted(path.as_str(), self.subdir.as_ref()) => {
                return Ok(None);
            }
            Place::Plain(path) => path,
        };
        self.count()?;
        if self.tree.files.contains_key(&path) {
            return Err(Refusal::Twice { name: path.to_string() });
        }
        self.spell(path.as_str())?;
        let left = MAX_TOTAL_BYTES.saturating_sub(self.bytes);
        let mut bytes = Vec::new();
        content
            .take(left + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| Refusal::unreadable(&error))?;
        let read = length(&bytes);
        if read > left {
            return Err(Refusal::TooLarge);
        }
        self.bytes += read;
        self.tree.files.insert(path, TreeFile { executable, content: bytes });
        Ok(Some(read))
    }

    /// The tree as it has grown.
    ///
    /// # Errors
    /// A file is a folder too.
    pub(super) fn finish(self) -> Result<Tree, Refusal> {
        let files = &self.tree.files;
        let is_file = |folder: &str| SkillPath::new(folder).is_ok_and(|f| files.contains_key(&f));
        for path in files.keys().map(SkillPath::as_str) {
            let mut folders = path.match_indices('/').map(|(at, _)| &path[..at]);
            if let Some(folder) = folders.find(|folder| is_file(folder)) {
                return Err(Refusal::Twice { name: folder.to_owned() });
            }
        }
        Ok(self.tree)
    }

    fn count(&mut self) -> Result<(), Refusal> {
        self.entries += 1;
        // Folders count as files do: they cost as much.
        if self.entries > 2 * MAX_FILES || self.tree.files.len() >= MAX_FILES {
            return Err(Refusal::TooMany);
        }
        Ok(())
    }

    fn leave_out(&mut self, name: String) {
        if self.tree.left_out.len() < MAX_FILES {
            self.tree.left_out.push(name);
        }
    }

    /// Notes how a path and the folders above it are spelled.
    fn spell(&mut self, path: &str) -> Result<(), Refusal> {
        let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        for spelling in ends.map(|end| &path[..end]) {
            let known = self.spelled.entry(spelling.to_lowercase());
            let known = known.or_insert_with(|| spelling.to_owned());
            if known != spelling {
                return Err(Refusal::Case { one: known.clone(), other: spelling.to_owned() });
            }
        }
        Ok(())
    }
}

/// What a name in an archive or a folder stands for.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    /// The folder around everything.
    Root,
    /// A plain path.
    Plain(SkillPath),
    /// A plain path but for a dot at the start of a part: not part of a skill.
    Hidden(String),
}

fn place(name: &[u8]) -> Result<Place, Refusal> {
    let refuse =
        |problem: &str| Err(Refusal::Name { name: printable(name), problem: problem.to_owned() });
    let Ok(text) = std::str::from_utf8(name) else {
        return refuse("the name is not UTF-8");
    };
    let mut text = text;
    while let Some(rest) = text.strip_prefix("./") {
        text = rest;
    }
    let text = text.strip_suffix('/').unwrap_or(text);
    if matches!(text, "" | ".") {
        return if name.starts_with(b"/") {
            refuse("the path is absolute")
        } else {
            Ok(Place::Root)
        };
    }
    if text.starts_with('/') {
        return refuse("the path is absolute");
    }
    let mut hidden = false;
    for part in text.split('/') {
        if matches!(part, "." | "..") {
            return refuse("a part of the path is `.` or `..`");
        }
        // Some systems take `.git.` and `.GIT ` for `.git`.
        if part.trim_end_matches(['.', ' ']).eq_ignore_ascii_case(".git") {
            return refuse("a repository inside a skill could run programs");
        }
        hidden |= part.starts_with('.');
    }
    if text.split('/').count() > MAX_DEPTH {
        return refuse("the path has too many folders");
    }
    let seen =
        if hidden { text.replace("/.", "/_").replacen('.', "_", 1) } else { text.to_owned() };
    match SkillPath::new(&seen) {
        Ok(_) if hidden => Ok(Place::Hidden(text.to_owned())),
        Ok(path) => Ok(Place::Plain(path)),
        Err(error) => refuse(error.problem),
    }
}

/// A name of others, fit to be shown.
pub(super) fn printable(name: &[u8]) -> String {
    let text = String::from_utf8_lossy(name);
    let mut shown: String = text.chars().take(MAX_SHOWN).map(visible).collect();
    if text.chars().nth(MAX_SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

/// Most characters of a foreign text that are shown.
const MAX_SHOWN: usize = 400;

fn visible(c: char) -> char {
    if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn grown(files: &[(&str, &str)]) -> Result<Tree, Refusal> {
        let mut growing = Growing::new(None);
        for (name, content) in files {
            growing.file(name.as_bytes(), name.ends_with(".sh"), content.as_bytes())?;
        }
        growing.finish()
    }

    fn paths(tree: &Tree) -> Vec<&str> {
        tree.files().map(|(path, _)| path.as_str()).collect()
    }

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        let long = format!("{}/x", "n".repeat(256));
        let deep = "d/".repeat(MAX_DEPTH) + "x";
        let cases = [
            ("/etc/passwd", "absolute"),
            ("//x", "absolute"),
            ("/", "absolute"),
            ("../x", "`..`"),
            ("a/../../x", "`..`"),
            ("a/./x", "`..`"),
            ("a/..", "`..`"),
            (r"a\..\x", r"`\`"),
            (r"C:\x", r"`\`"),
            ("C:x", "`:`"),
            ("a//x", "empty component"),
            ("a\0x", "control"),
            ("a\nx", "control"),
            (".git/config", "repository"),
            ("a/.GIT/hooks/x", "repository"),
            ("a/.git./x", "repository"),
            (".hidden/a\\b", r"`\`"),
            (long.as_str(), "255 bytes"),
            (deep.as_str(), "too many folders"),
        ];
        for (name, part) in cases {
            let error = grown(&[(name, "")]).unwrap_err();
            assert!(matches!(error, Refusal::Name { .. }), "{name}: {error:?}");
            assert!(error.to_string().contains(part), "{name}: {error}");
        }
        let error = Growing::new(None).file(b"a\xff", false, &b""[..]).unwrap_err();
        assert_eq!(error.to_string(), "it holds `a\u{fffd}`: the name is not UTF-8");
    }

    #[test]
    fn names_that_are_one_name_somewhere_are_refused() {
        let twice = Refusal::Twice { name: "a".to_owned() };
        assert_eq!(grown(&[("a", "1"), ("./a", "2")]), Err(twice.clone()));
        assert_eq!(grown(&[("a", "1"), ("a.b", ""), ("a/x", "2")]), Err(twice));
        let case = |one: &str, other: &str| {
            Err(Refusal::Case { one: one.to_owned(), other: other.to_owned() })
        };
        assert_eq!(grown(&[("a/Read.md", ""), ("a/read.md", "")]), case("a/Read.md", "a/read.md"));
        assert_eq!(grown(&[("A/x", ""), ("a/y", "")]), case("A", "a"));
        assert_eq!(grown(&[("É", ""), ("é", "")]), case("É", "é"));
        let mut growing = Growing::new(None);
        growing.folder(b"Docs/").unwrap();
        assert!(growing.file(b"docs", false, &b""[..]).is_err());
    }

    #[test]
    fn bounds_hold_while_files_come() {
        let mut growing = Growing::new(None);
        let endless = || std::io::repeat(b'x');
        assert_eq!(growing.file(b"a", false, endless()), Err(Refusal::TooLarge));
        let mut growing = Growing::new(None);
        let half = || endless().take(MAX_TOTAL_BYTES / 2);
        assert_eq!(growing.file(b"a", false, half()), Ok(Some(MAX_TOTAL_BYTES / 2)));
        assert_eq!(growing.file(b"b", false, half()), Ok(Some(MAX_TOTAL_BYTES / 2)));
        assert_eq!(growing.file(b"c", false, &b"x"[..]), Err(Refusal::TooLarge));

        let mut growing = Growing::new(None);
        for number in 0..MAX_FILES {
            growing.file(format!("f{number}").as_bytes(), false, &b""[..]).unwrap();
        }
        assert_eq!(growing.file(b"one-more", false, &b""[..]), Err(Refusal::TooMany));
        let mut growing = Growing::new(None);
        let folders = (0..).find(|n| growing.folder(format!("d{n}").as_bytes()).is_err());
        assert_eq!(folders, Some(2 * MAX_FILES));
    }

    #[test]
    fn hidden_files_are_no_part_of_a_skill() {
        let tree = grown(&[("SKILL.md", "x"), (".env", "s"), ("a/.cache/b", "c")]).unwrap();
        assert_eq!(paths(&tree), ["SKILL.md"]);
        assert_eq!(tree.left_out(), [".env", "a/.cache/b"]);
    }

    #[test]
    fn the_skill_is_the_outermost_folder_with_a_document() {
        let skill = |names: &[&str], subdir: Option<&str>| {
            let files: Vec<_> = names.iter().map(|name| (*name, "")).collect();
            let subdir = subdir.map(|subdir| SkillPath::new(subdir).unwrap());
            let tree = grown(&files).unwrap().skill(subdir.as_ref());
            tree.map(|tree| paths(&tree).join(" ")).map_err(|error| error.to_string())
        };
        let ok = |text: &str| Ok(text.to_owned());
        let inner = ["SKILL.md", "examples/x/SKILL.md"];
        assert_eq!(skill(&inner, None), ok("SKILL.md examples/x/SKILL.md"));
        assert_eq!(skill(&["top/README.md", "top/s/SKILL.md", "top/s/a"], None), ok("SKILL.md a"));
        let two = ["r/a/SKILL.md", "r/b/SKILL.md", "r/b/x"];
        assert_eq!(
            skill(&two, None).unwrap_err(),
            "there are several skills in it: `r/a`, `r/b`; name one behind `#`"
        );
        assert_eq!(skill(&two, Some("r/b")), ok("SKILL.md x"));
        // The folder around an archive of a repository need not be known.
        assert_eq!(skill(&two, Some("b")), ok("SKILL.md x"));
        assert_eq!(skill(&two, Some("c")).unwrap_err(), "there is no `c/SKILL.md` in it");
        assert_eq!(skill(&["a/skill.md"], None).unwrap_err(), "there is no `SKILL.md` in it");
        assert_eq!(skill(&[], None).unwrap_err(), "there is no `SKILL.md` in it");
    }

    #[test]
    fn only_what_is_asked_for_is_read() {
        let subdir = SkillPath::new("b").unwrap();
        let mut growing = Growing::new(Some(&subdir));
        assert_eq!(growing.file(b"r/a/huge", false, std::io::repeat(0)), Ok(None));
        assert_eq!(growing.file(b"r/b/SKILL.md", false, &b"x"[..]), Ok(Some(1)));
        assert_eq!(growing.passes_over(b"r/a/link"), Ok(true));
        assert_eq!(growing.passes_over(b"r/b/link"), Ok(false));
        assert!(growing.file(b"../x", false, &b""[..]).is_err());
    }

    #[test]
    fn the_hash_covers_names_modes_and_contents() {
        let hash = |files: &[(&str, &str)]| grown(files).unwrap().sha256();
        let base = hash(&[("a", "1"), ("b", "2")]);
        // `printf '100644 %s a\n100644 %s b\n' SHA-OF-1 SHA-OF-2 | sha256sum`
        assert_eq!(base, "fbd1f257cd88e4593e6ec7fb8d796c5f38ec9e640449627e8bcd560f5450bc29");
        assert_eq!(base, hash(&[("b", "2"), ("a", "1")]));
        for other in
            [&[("a", "2"), ("b", "1")], &[("a", "1"), ("c", "2")], &[("a", "1"), ("b.sh", "2")]]
        {
            assert_ne!(base, hash(other));
        }
    }

    proptest! {
        #[test]
        fn no_accepted_name_leaves_its_folder(name in prop::collection::vec(any::<u8>(), 0..40)) {
            if let Ok(Place::Plain(path)) = place(&name) {
                let text = path.as_str();
                prop_assert!(!text.starts_with('/') && !text.split('/').any(|part| part.is_empty() || part.starts_with('.')));
                prop_assert!(!text.contains(['\\', ':', '\0']));
            }
        }
    }
}
