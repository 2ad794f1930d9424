use std::io::Read;

use proptest::prelude::*;

use super::name::{Place, place};
use super::*;
use crate::place::{MAX_DEPTH, MAX_FILES, MAX_TOTAL_BYTES};

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
    // One letter, and a letter with an accent behind it.
    assert_eq!(grown(&[("\u{e9}", ""), ("e\u{301}", "")]), case("\u{e9}", "e\u{301}"));
    assert_eq!(grown(&[("a./x", ""), ("a/x", "")]), case("a.", "a"));
    assert_eq!(grown(&[("x ", ""), ("x", "")]), case("x ", "x"));
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
    assert_eq!(growing.file(b".hidden", false, &b""[..]), Ok(None));
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
    // However much there is of the rest, it counts for nothing.
    for number in 0..3 * MAX_FILES {
        growing.folder(format!("r/a/{number}").as_bytes()).unwrap();
        growing.file(format!("r/.x/{number}").as_bytes(), false, &b""[..]).unwrap();
    }
    assert_eq!(growing.finish().unwrap().left_out(), [] as [&str; 0]);
    let leads = |folder: &str| leads_to_wanted(folder, Some(&SkillPath::new("b/c").unwrap()));
    let all = ["b", "b/c", "b/c/d", "r", "r/b", "r/b/c", "r/b/c/d"];
    assert!(all.into_iter().all(leads));
    assert!(!["b/d", "r/a", "r/b/d", "r/r/b", "r/bb"].into_iter().any(leads));
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
