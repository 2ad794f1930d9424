use std::os::unix::fs::symlink;

use tempfile::TempDir;

use super::*;

fn path(text: &str) -> ArtifactPath {
    ArtifactPath::new(text).unwrap()
}

fn store() -> Store {
    Store { durability: Durability::Os, ..Store::default() }
}

/// A folder of artifacts beside a file that no artifact may reach.
fn artifacts() -> (TempDir, Artifacts) {
    let dir = tempfile::tempdir().unwrap();
    let inside = dir.path().join("artifacts");
    std::fs::create_dir(&inside).unwrap();
    crate::fs::replace_hint(&dir.path().join("secret"), b"secret").unwrap();
    (dir, Artifacts::new(inside))
}

fn listed(artifacts: &Artifacts, prefix: &str) -> Vec<String> {
    let listing = artifacts.list(prefix, None, 100).unwrap();
    listing.found.iter().map(|found| found.path.to_string()).collect()
}

#[test]
fn what_is_written_is_read_back_whole_or_in_parts() {
    let (_dir, artifacts) = artifacts();
    let file = path("src/deep/lib.rs");
    for (content, replaced) in [("one", false), ("twenty", true)] {
        let written = artifacts.write(&store(), &file, content.as_bytes()).unwrap();
        assert_eq!((written.bytes, written.replaced), (content.len() as u64, replaced));
        assert_eq!(artifacts.sha256(&file).unwrap(), written.sha256);
    }
    let part = artifacts.read(&file, 2, 3).unwrap();
    assert_eq!(part, Part { bytes: b"ent".to_vec(), total: 6 });
    assert_eq!(artifacts.read(&file, 9, 3).unwrap().bytes, b"");
    // Nothing temporary is left.
    assert_eq!(std::fs::read_dir(artifacts.dir.join("src/deep")).unwrap().count(), 1);
}

#[test]
fn no_link_is_followed_in_either_direction() {
    let (dir, artifacts) = artifacts();
    let outside = dir.path();
    symlink(outside, artifacts.dir.join("out")).unwrap();
    symlink(outside.join("secret"), artifacts.dir.join("file")).unwrap();
    symlink("/nowhere/at/all", artifacts.dir.join("dangling")).unwrap();
    for target in ["out/secret", "out/new", "out/a/b", "file", "dangling"] {
        let written = artifacts.write(&store(), &path(target), b"x").unwrap_err();
        let read = artifacts.read(&path(target), 0, 10).unwrap_err();
        for error in [written, read] {
            assert!(matches!(error, ArtifactError::Link { .. }), "{target}: {error}");
        }
    }
    assert_eq!(std::fs::read(outside.join("secret")).unwrap(), b"secret");
    assert_eq!(std::fs::read_dir(outside).unwrap().count(), 2);
    let listing = artifacts.list("", None, 100).unwrap();
    assert_eq!(listing.found, []);
    let links: Vec<_> = listing.unreadable.iter().map(|entry| entry.path.as_str()).collect();
    assert_eq!(links, ["dangling", "file", "out"]);
}

#[test]
fn a_folder_of_artifacts_that_is_a_link_is_refused() {
    let (dir, artifacts) = artifacts();
    let link = dir.path().join("link");
    symlink(&artifacts.dir, &link).unwrap();
    let linked = Artifacts::new(link);
    let errors = [
        linked.write(&store(), &path("a"), b"x").unwrap_err(),
        linked.read(&path("a"), 0, 1).unwrap_err(),
        linked.list("", None, 1).unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(error, ArtifactError::Link { .. }), "{error}");
    }
}

#[test]
fn what_is_no_file_is_named() {
    let (_dir, artifacts) = artifacts();
    artifacts.write(&store(), &path("a/b"), b"x").unwrap();
    let cases = [
        (artifacts.write(&store(), &path("a"), b"x").unwrap_err(), "`a` is no regular file"),
        (artifacts.write(&store(), &path("a/b/c"), b"x").unwrap_err(), "`a/b` is no folder"),
        (artifacts.read(&path("a"), 0, 1).unwrap_err(), "`a` is no regular file"),
        (artifacts.read(&path("none/x"), 0, 1).unwrap_err(), "there is no artifact `none/x`"),
    ];
    for (error, expected) in cases {
        assert_eq!(error.to_string(), expected);
    }
    let large = vec![0; MAX_ARTIFACT_BYTES + 1];
    let error = artifacts.write(&store(), &path("large"), &large).unwrap_err();
    assert!(matches!(error, ArtifactError::TooLarge { .. }));
    assert_eq!(listed(&artifacts, ""), ["a/b"]);
}

#[test]
fn a_listing_is_sorted_paged_and_filtered_by_prefix() {
    let (_dir, artifacts) = artifacts();
    for name in ["b.md", "a/2", "a/1", "ab", "a/deep/x"] {
        artifacts.write(&store(), &path(name), b"x").unwrap();
    }
    assert_eq!(listed(&artifacts, ""), ["a/1", "a/2", "a/deep/x", "ab", "b.md"]);
    assert_eq!(listed(&artifacts, "a/"), ["a/1", "a/2", "a/deep/x"]);
    assert_eq!(listed(&artifacts, "a/d"), ["a/deep/x"]);
    let page = artifacts.list("", Some("a/2"), 2).unwrap();
    let paths: Vec<_> = page.found.iter().map(|found| found.path.as_str()).collect();
    assert_eq!((paths, page.more), (vec!["a/deep/x", "ab"], true));
    assert_eq!(Artifacts::new("/nowhere".into()).list("", None, 9).unwrap(), Listing::default());
}
