use std::os::unix::fs::symlink;

use super::*;

/// A folder with a skill of two files, and things that are no files of it.
fn folder() -> (tempfile::TempDir, SkillPlace) {
    let dir = tempfile::tempdir().unwrap();
    let skill = dir.path().join("testing");
    std::fs::create_dir_all(skill.join("references/deep")).unwrap();
    let write = |path: &str, text: &str| {
        ostwin_core::fs::replace_hint(&dir.path().join(path), text.as_bytes()).unwrap();
    };
    write("secret", "hidden");
    write("testing/SKILL.md", "---\nname: testing\ndescription: x\n---\nBody\n");
    write("testing/references/deep/list.md", "0123456789");
    write("testing/.hidden", "x");
    write("testing/a:b", "x");
    symlink("../secret", skill.join("out")).unwrap();
    symlink("references", skill.join("in")).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, skill.join("pipe"), 0o644.into()).unwrap();
    (dir, SkillPlace::Folder(skill))
}

fn path(text: &str) -> SkillPath {
    SkillPath::new(text).unwrap()
}

#[test]
fn only_plain_files_belong_to_a_skill() {
    let (_dir, place) = folder();
    let file = |text: &str, bytes| SkillFile { path: path(text), bytes, executable: false };
    let skipped =
        |path: &str, problem: &str| Skipped { path: path.to_owned(), problem: problem.to_owned() };
    let expected = SkillFiles {
        files: vec![file("SKILL.md", 42), file("references/deep/list.md", 10)],
        skipped: vec![
            skipped(
                "a:b",
                "`a:b` is not a valid path in a skill: it must not hold control characters, `\\` \
                 or `:`",
            ),
            skipped("in", "it is a link, and links are not followed"),
            skipped("out", "it is a link, and links are not followed"),
            skipped("pipe", "it is no regular file"),
        ],
        truncated: false,
    };
    assert_eq!(place.files().unwrap(), expected);
}

#[test]
fn nothing_is_read_through_a_link() {
    let (dir, place) = folder();
    let relative =
        |error: SkillError| error.to_string().replace(&dir.path().display().to_string(), "DIR");
    let error = |text: &str| relative(place.read(&path(text), 0, 10).unwrap_err());
    assert_eq!(
        error("out"),
        "DIR/testing: `out` is a link, and links inside a skill are not followed; put the file \
         itself there"
    );
    assert!(error("in/deep/list.md").starts_with("DIR/testing: `in` is a link"));
    assert_eq!(error("references"), "DIR/testing: `references` is no regular file");
    assert_eq!(error("SKILL.md/x"), "DIR/testing: `SKILL.md` is no folder");
    assert_eq!(error("pipe"), "DIR/testing: `pipe` is no regular file");
    assert_eq!(error("references/none"), "DIR/testing: there is no file `references/none`");
    let part = place.read(&path("references/deep/list.md"), 3, 4).unwrap();
    assert_eq!(part, Part { bytes: b"3456".to_vec(), total: 10 });
}

#[test]
fn a_skills_own_folder_may_be_a_link_but_not_its_document() {
    let (dir, _) = folder();
    symlink("testing", dir.path().join("shared")).unwrap();
    let shared = SkillPlace::Folder(dir.path().join("shared"));
    assert_eq!(shared.document().unwrap().body, "Body\n");
    std::fs::create_dir(dir.path().join("sly")).unwrap();
    symlink("../testing/SKILL.md", dir.path().join("sly/SKILL.md")).unwrap();
    let sly = SkillPlace::Folder(dir.path().join("sly"));
    assert!(matches!(sly.document(), Err(SkillError::Link { .. })));
    let none = SkillPlace::Folder(dir.path().join("none"));
    assert!(matches!(none.document(), Err(SkillError::NoDocument { .. })));
}

#[test]
fn a_folder_of_too_many_files_is_listed_in_part() {
    let dir = tempfile::tempdir().unwrap();
    for number in 0..=MAX_FILES {
        ostwin_core::fs::replace_hint(&dir.path().join(format!("{number:05}")), b"").unwrap();
    }
    let files = SkillPlace::Folder(dir.path().to_owned()).files().unwrap();
    assert_eq!((files.files.len(), files.truncated), (MAX_FILES, true));
}

#[test]
fn what_is_shipped_is_what_the_repository_has() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.agents/skills");
    assert!(!shipped_skills().is_empty());
    for name in shipped_skills() {
        let (shipped, disk) =
            (SkillPlace::Shipped(name.clone()), SkillPlace::Folder(root.join(name.as_str())));
        let document = shipped.document().unwrap();
        assert_eq!(document.warnings, Vec::<String>::new(), "{name}");
        document.check_folder(&shipped.document_path(), name.as_str()).unwrap();
        let files = shipped.files().unwrap();
        assert_eq!(files, disk.files().unwrap(), "{name}");
        for file in files.files {
            let read = |place: &SkillPlace| place.read(&file.path, 0, u64::MAX).unwrap();
            assert_eq!(read(&shipped), read(&disk), "{name}/{}", file.path);
        }
    }
}
