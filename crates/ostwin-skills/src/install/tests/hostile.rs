//! What must not be installed: each is refused for its reason, and leaves nothing behind.

use tar::EntryType;

use super::archives::{Tar, packed, patched, zip, zip_with_link};
use super::*;
use crate::place::MAX_FILES;

/// Installs an archive that must be refused; what was said.
fn refused(file: &str, bytes: &[u8]) -> String {
    let world = World::new();
    world.write(&format!("sources/{file}"), bytes);
    let before = world.project();
    let source = world.source(&format!("./sources/{file}"));
    let error = world.force(&source).unwrap_err();
    assert_eq!(world.project(), before, "{file}: {error}");
    error.to_string()
}

#[test]
fn tar_archives_with_anything_but_plain_files_are_refused() {
    let skill = || Tar::of_skill("testing");
    let cases = [
        (skill().link(EntryType::Symlink, "notes.md", "/etc/passwd"), "a link"),
        (skill().link(EntryType::Symlink, "up", "../../.."), "a link"),
        (skill().link(EntryType::Link, "notes.md", "/etc/passwd"), "a hard link"),
        (skill().link(EntryType::Char, "null", ""), "a device"),
        (skill().link(EntryType::Block, "disk", ""), "a device"),
        (skill().link(EntryType::Fifo, "pipe", ""), "a pipe"),
        (skill().link(EntryType::Continuous, "odd", ""), "of an unknown kind"),
        (skill().file("/etc/cron.d/x", b""), "absolute"),
        (skill().file("../x", b""), "`.` or `..`"),
        (skill().file("a/../../x", b""), "`.` or `..`"),
        (skill().file(r"..\x", b""), r"`\`"),
        (skill().file("C:/x", b""), "`:`"),
        (skill().entry(EntryType::Regular, b"a\xffb", "", b"", 0), "not UTF-8"),
        (skill().file("bell\u{7}", b""), "control characters"),
        (skill().file(".git/hooks/post-checkout", b""), "a repository inside"),
        (skill().file("SKILL.md", b""), "twice"),
        (skill().file("a", b"").file("a/b", b""), "twice"),
        (skill().file("Notes.md", b"").file("notes.md", b""), "one name on some systems"),
        (Tar::default().file("README.md", b""), "no `SKILL.md`"),
        (Tar::default().file("skill.md", document("testing", "").as_bytes()), "no `SKILL.md`"),
        (
            Tar::default().file("a/SKILL.md", b"").file("b/SKILL.md", b""),
            "several skills in it: `a`, `b`",
        ),
        (Tar::default().file("SKILL.md", b"no front matter"), "no front matter"),
        (Tar::of_skill("../x"), "not a valid skill name"),
    ];
    for (archive, part) in cases {
        let bytes = archive.bytes();
        for (file, bytes) in [("x.tar", bytes.clone()), ("x.tar.gz", packed(&bytes))] {
            let said = refused(file, &bytes);
            assert!(said.contains(part), "{part}: {said}");
        }
    }
}

#[test]
fn zip_archives_with_anything_but_plain_files_are_refused() {
    let skill = document("testing", "");
    let with = |name: &str| zip(&[("SKILL.md", skill.as_bytes()), (name, b"x")]);
    let cases = [
        (zip_with_link("notes.md", "/etc/passwd"), "a link"),
        (with("/etc/x"), "absolute"),
        (with("../x"), "`.` or `..`"),
        (with(r"..\x"), r"`\`"),
        (with("C:x"), "`:`"),
        (with(".git/config"), "a repository inside"),
        (with("skill.MD"), "one name on some systems"),
        // Two names that became one only after the archive was written.
        (patched(with("other.md"), b"other.md", b"SKILL.md"), "names a file twice"),
        (zip(&[("README.md", b"x")]), "no `SKILL.md`"),
        (zip(&[("a/SKILL.md", b""), ("b/SKILL.md", b"")]), "several skills"),
    ];
    for (bytes, part) in cases {
        let said = refused("x.zip", &bytes);
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[test]
fn bombs_cost_no_more_than_the_bound() {
    let zeros = vec![0; 64 << 20];
    let many: Vec<String> = (0..=MAX_FILES).map(|number| format!("f/{number}")).collect();
    let skill = document("testing", "");
    let mut tar = Tar::of_skill("testing");
    let mut files: Vec<(&str, &[u8])> = vec![("SKILL.md", skill.as_bytes())];
    for name in &many {
        tar = tar.file(name, b"");
        files.push((name, b""));
    }
    // 1,001 files are one too many: the document counts.
    assert!(refused("x.tgz", &tar.packed()).contains("more than 1000 files"));
    assert!(refused("x.zip", &zip(&files)).contains("more than 1000 files"));

    let bomb = Tar::of_skill("testing").file("zeros", &zeros).packed();
    assert!(bomb.len() < 1 << 20, "it is small on the wire: {}", bomb.len());
    assert!(refused("x.tgz", &bomb).contains("more than 20 MiB"));
    let bomb = zip(&[("SKILL.md", skill.as_bytes()), ("zeros", &zeros)]);
    assert!(bomb.len() < 1 << 20, "it is small on the wire: {}", bomb.len());
    assert!(refused("x.zip", &bomb).contains("more than 20 MiB"));
    // What is passed over counts too, because it has to be unpacked: hidden files, long names.
    let hidden = Tar::of_skill("testing").file(".zeros", &zeros).packed();
    assert!(refused("x.tgz", &hidden).contains("more than 20 MiB"));
    let name = Tar::of_skill("testing")
        .entry(EntryType::GNULongName, b"././@LongLink", "", &zeros, zeros.len() as u64)
        .file("x", b"");
    assert!(refused("x.tgz", &name.packed()).contains("more than 20 MiB"));
}

#[test]
fn archives_that_lie_or_are_cut_off_are_refused() {
    let lying = Tar::of_skill("testing").entry(EntryType::Regular, b"x", "", b"abc", 1 << 40);
    assert!(refused("x.tar", &lying.bytes()).contains("damaged"));
    let whole = Tar::of_skill("testing").file("x", &[7; 3000]);
    let bytes = whole.bytes();
    assert!(refused("x.tar", &bytes[..2000]).contains("damaged"));
    let gz = packed(&bytes);
    for cut in [1, 8, 20, gz.len() / 2] {
        assert!(refused("x.tgz", &gz[..gz.len() - cut]).contains("damaged"), "{cut}");
    }
    let skill = document("testing", "");
    let sound = zip(&[("SKILL.md", skill.as_bytes()), ("x", &[7; 3000])]);
    assert!(refused("x.zip", &sound[..sound.len() - 30]).contains("damaged"));
    // Both lists say that `x` holds three bytes.
    let short = patched(sound, &3000_u32.to_le_bytes(), &3_u32.to_le_bytes());
    assert!(refused("x.zip", &short).contains("damaged"));
    for (file, bytes) in [("x.zip", &b"PK"[..]), ("x.tar.gz", b"<html>"), ("x.tar", b"")] {
        let said = refused(file, bytes);
        assert!(
            said.contains("damaged, or no archive") || said.contains("no `SKILL.md`"),
            "{said}"
        );
    }
}

#[test]
fn folders_with_anything_but_plain_files_are_refused() {
    let world = World::new();
    let source = world.skill("testing", "");
    let before = world.project();
    let dir = world.dir.path().join("sources/testing");
    std::os::unix::fs::symlink("/etc/passwd", dir.join("notes.md")).unwrap();
    let said = world.install(&source).unwrap_err().to_string();
    assert!(said.contains("`notes.md`, which is a link"), "{said}");
    fs::remove_file(&dir.join("notes.md")).unwrap();
    let socket = std::os::unix::net::UnixListener::bind(dir.join("socket")).unwrap();
    let said = world.install(&source).unwrap_err().to_string();
    assert!(said.contains("`socket`, which is a socket"), "{said}");
    drop(socket);
    fs::remove_file(&dir.join("socket")).unwrap();
    std::os::unix::fs::symlink("/", dir.join("root")).unwrap();
    assert!(world.install(&source).is_err());
    assert_eq!(world.project(), before);
    let said = world.install(&world.source("./none")).unwrap_err().to_string();
    assert!(said.starts_with("there is nothing at"), "{said}");
}

#[test]
fn nothing_is_installed_through_a_link_out_of_the_project() {
    let world = World::new();
    let source = world.skill("testing", "");
    let outside = world.dir.path().join("outside");
    fs::create_dirs(&outside).unwrap();
    std::os::unix::fs::symlink(&outside, world.layout().skills()).unwrap();
    let before = world.project();
    assert!(matches!(world.force(&source), Err(InstallError::LeadsOut { .. })));
    let remove = world.installer().remove(&world.shelf(), &name("testing"), true);
    assert!(matches!(remove, Err(InstallError::LeadsOut { .. })));
    assert_eq!(world.project(), before);
    assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 0);
}
