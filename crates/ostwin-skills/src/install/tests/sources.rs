//! Every kind of source: archives, a repository, an index, a server on this machine.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Command, Stdio};

use super::archives::{Tar, zip};
use super::*;

#[test]
fn archives_of_every_kind_are_installed() {
    let world = World::new();
    let skill = document("testing", "");
    let tar = || {
        Tar::default()
            .file("./repo-main/README.md", b"x")
            .file("./repo-main/testing/SKILL.md", skill.as_bytes())
            .file("./repo-main/testing/a/b.md", b"b")
    };
    world.write("x.tar", tar().bytes());
    world.write("x.tar.gz", tar().packed());
    world.write("x.tgz", tar().packed());
    let files: [(&str, &[u8]); 2] =
        [("testing/SKILL.md", skill.as_bytes()), ("testing/a/b.md", b"b")];
    world.write("x.zip", zip(&files));
    let mut hashes = Vec::new();
    for source in ["x.tar", "x.tar.gz", "x.tgz#testing", "x.tar#repo-main/testing"] {
        let report = world.force(&world.source(source)).unwrap();
        let files: Vec<_> = report.files.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(files, ["SKILL.md", "a/b.md"], "{source}");
        assert!(report.revision.is_some_and(|revision| revision.starts_with("sha256:")));
        hashes.push(report.sha256);
    }
    hashes.dedup();
    assert_eq!(hashes.len(), 1, "the same files, whatever they come in");
    let report = world.force(&world.source("x.zip")).unwrap();
    assert!(report.files.iter().all(|file| file.executable));
    // The hash of the archive is a pin too.
    let archive =
        super::super::hash::sha256(&std::fs::read(world.dir.path().join("x.zip")).unwrap());
    let request = Request { sha256: Some(archive), ..Request::new(world.source("x.zip")) };
    assert!(world.installer().install(&world.shelf(), &request).is_ok());
    assert!(
        world
            .install(&world.source("x.tar#other"))
            .unwrap_err()
            .to_string()
            .contains("no `other/SKILL.md`")
    );
}

/// Runs Git in a folder; what it wrote.
#[expect(clippy::disallowed_methods, reason = "the test makes a repository")]
fn git(dir: &Path, args: &[&str]) -> String {
    let mut git = Command::new("git");
    for (name, _) in ostwin_core::env::vars().iter().filter(|(name, _)| name.starts_with("GIT_")) {
        git.env_remove(name);
    }
    let who = ["-c", "user.name=Somebody", "-c", "user.email=somebody@example.org"];
    let done = git
        .current_dir(dir)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .args(who)
        .args(args)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(done.status.success(), "{args:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap().trim().to_owned()
}

/// A repository with two versions of a skill; its address and the commits.
fn repository(world: &World) -> (String, [String; 2]) {
    let dir = world.dir.path().join("repo");
    let commit = |version: &str| {
        world.write(
            "repo/skills/testing/SKILL.md",
            document("testing", &format!("version: {version}\n")),
        );
        git(&dir, &["add", "-A"]);
        git(&dir, &["commit", "-q", "-m", version]);
        git(&dir, &["rev-parse", "HEAD"])
    };
    world.write("repo/README.md", "x");
    world.write("repo/.gitattributes", "*.md filter=evil text eol=crlf\n");
    git(&dir, &["init", "-q", "-b", "main"]);
    let first = commit("1");
    git(&dir, &["tag", "v1"]);
    let second = commit("2");
    (format!("file://{}", dir.display()), [first, second])
}

#[test]
fn a_repository_is_read_at_a_branch_a_tag_or_a_commit() {
    let world = World::new();
    let (url, [first, second]) = repository(&world);
    let install = |source: &str| world.install(&world.source(source)).unwrap();
    let newest = install(&format!("{url}#skills/testing"));
    assert_eq!((newest.revision.as_ref(), newest.version.as_deref()), (Some(&second), Some("2")));
    // Bytes as they were committed: no filter, no line ends.
    let content = world.content(".agents/skills/testing/SKILL.md").unwrap();
    assert_eq!(content, document("testing", "version: 2\n"));
    let tag = install(&format!("{url}@v1#skills/testing"));
    assert_eq!((tag.revision.as_ref(), tag.outcome), (Some(&first), Outcome::Replaced));
    assert_eq!(install(&format!("{url}@main#skills/testing")).revision.as_ref(), Some(&second));
    let exact = install(&format!("{url}@{first}#skills/testing"));
    assert_eq!(exact.revision.as_ref(), Some(&first));
    let updated = world.installer().update(&world.shelf(), &name("testing"), false, false).unwrap();
    assert_eq!(updated.outcome, Outcome::Unchanged);

    let before = world.project();
    let missing = world.install(&world.source(&format!("{url}@v9"))).unwrap_err().to_string();
    assert!(missing.contains("git cannot fetch `v9`"), "{missing}");
    let gone = world.install(&world.source("file:///no/where.git")).unwrap_err().to_string();
    assert!(gone.contains("git cannot fetch"), "{gone}");
    assert_eq!(world.project(), before);
}

#[test]
fn links_and_submodules_of_a_repository_are_refused() {
    let world = World::new();
    let (url, [first, _]) = repository(&world);
    let dir = world.dir.path().join("repo");
    let before = world.project();
    std::os::unix::fs::symlink("/etc/passwd", dir.join("skills/testing/notes.md")).unwrap();
    git(&dir, &["add", "-A"]);
    git(&dir, &["commit", "-q", "-m", "a link"]);
    let said = world.install(&world.source(&url)).unwrap_err().to_string();
    assert!(said.contains("`notes.md`, which is a link"), "{said}");
    fs::remove_file(&dir.join("skills/testing/notes.md")).unwrap();
    let module = format!("160000,{first},skills/testing/module");
    git(&dir, &["add", "-A"]);
    git(&dir, &["update-index", "--add", "--cacheinfo", &module]);
    git(&dir, &["commit", "-q", "-m", "a submodule"]);
    let said = world.install(&world.source(&url)).unwrap_err().to_string();
    assert!(said.contains("`module`, which is a submodule"), "{said}");
    assert_eq!(world.project(), before);
}

#[test]
fn nobody_waits_for_git_after_giving_up() {
    let world = World::new();
    // A server that never answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let source = world.source(&format!("http://{}/x.git", silent.local_addr().unwrap()));
    let before = world.project();
    let looks = std::cell::Cell::new(0);
    let impatient = |_| {
        looks.set(looks.get() + 1);
        looks.get() < 3
    };
    let installer = Installer { pause: &impatient, ..world.installer() };
    let error = installer.install(&world.shelf(), &Request::new(source)).unwrap_err();
    assert!(matches!(error, InstallError::Git(GitError::GivenUp { .. })), "{error}");
    assert_eq!(world.project(), before);
}

/// A server that gives one answer for each path, as often as it is asked, while `work` runs.
fn serving<R>(answers: &[(&str, Vec<u8>)], work: impl FnOnce(&str) -> R) -> R {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let answers: Vec<(String, Vec<u8>)> =
        answers.iter().map(|(path, answer)| ((*path).to_owned(), answer.clone())).collect();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() == 1 {
                head.push(byte[0]);
            }
            let head = String::from_utf8(head).unwrap();
            let path = head.split(' ').nth(1).unwrap();
            let answer = answers.iter().find(|(known, _)| known == path);
            let answer = answer
                .map_or(&b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"[..], |(_, a)| a);
            // A client that has read enough goes away.
            drop(stream.write_all(answer));
        }
    });
    work(&address)
}

fn ok(body: &[u8]) -> Vec<u8> {
    let head =
        format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

#[test]
fn archives_and_indexes_are_downloaded() {
    let mut world = World::new();
    let archive = Tar::of_skill("testing").packed();
    let sha256 = super::super::hash::sha256(&archive);
    let entry = |name: &str, sha256: &str| {
        serde_json::json!({
            "name": name, "description": "d", "version": "3", "source": "./a/testing.tgz", "sha256": sha256
        })
    };
    let skills =
        [entry("testing", &sha256), entry("other", &sha256), entry("changed", &"0".repeat(64))];
    let index = serde_json::json!({ "v": 1, "skills": skills }).to_string();
    let endless =
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 99999999999\r\n\r\n".to_vec();
    let away =
        b"HTTP/1.1 302 Found\r\nLocation: /s/a/testing.tgz\r\nContent-Length: 0\r\n\r\n".to_vec();
    let answers = [
        ("/s/index.json", ok(index.as_bytes())),
        ("/s/a/testing.tgz", ok(&archive)),
        ("/endless.zip", endless),
        ("/away.tgz", away),
    ];
    serving(&answers, |address| {
        let direct = world.source(&format!("{address}/s/a/testing.tgz"));
        assert_eq!(world.install(&direct).unwrap().revision, Some(format!("sha256:{sha256}")));
        let failing =
            |path: &str| world.install(&world.source(&format!("{address}{path}"))).unwrap_err();
        assert!(matches!(
            failing("/none.zip"),
            InstallError::Download(DownloadError::Nothing { .. })
        ));
        assert!(matches!(
            failing("/endless.zip"),
            InstallError::Download(DownloadError::TooLarge { .. })
        ));
        assert!(matches!(
            failing("/away.tgz"),
            InstallError::Refused { .. } | InstallError::Download(_)
        ));

        world.registry = Some(Registry::parse(&format!("{address}/s/"), Path::new("/")).unwrap());
        let named = world.source("testing@3");
        let elsewhere = world.install(&named);
        let report = elsewhere.unwrap();
        assert_eq!(report.outcome, Outcome::Unchanged);
        assert_eq!(report.version.as_deref(), Some("3"), "the index says the version");
        assert_eq!(report.registry, Some(format!("{address}/s/index.json")));
        assert_eq!(report.source, format!("{address}/s/a/testing.tgz"));
        let error = |source: &str| world.install(&world.source(source)).unwrap_err();
        assert!(matches!(error("testing@4"), InstallError::NotInRegistry { .. }));
        assert!(error("testin").to_string().ends_with("did you mean `testing`?"));
        assert!(matches!(error("other"), InstallError::OtherSkill { .. }));
        // It is not even looked at what the archive holds before its hash is right.
        assert!(matches!(
            error("changed"),
            InstallError::OtherSkill { .. } | InstallError::OtherContent { .. }
        ));
        let updated = world.installer().update(&world.shelf(), &name("testing"), false, false);
        assert_eq!(updated.unwrap().outcome, Outcome::Unchanged);
    });
}

#[test]
fn a_folder_can_be_an_index() {
    let mut world = World::new();
    assert!(matches!(
        world.install(&world.source("testing")),
        Err(InstallError::NoRegistry { .. })
    ));
    let sha256 = {
        let looked = Request { dry_run: true, ..Request::new(world.skill("testing", "")) };
        world.installer().install(&world.shelf(), &looked).unwrap().sha256
    };
    let index = |sha256: &str| {
        let skill = serde_json::json!({
            "name": "testing", "description": "d", "source": "./testing", "sha256": sha256
        });
        serde_json::json!({ "v": 1, "skills": [skill] }).to_string()
    };
    world.registry = Some(Registry::parse("sources", world.dir.path()).unwrap());
    assert!(matches!(world.install(&world.source("testing")), Err(InstallError::Nothing { .. })));
    world.write("sources/index.json", index(&"1".repeat(64)));
    let before = world.project();
    assert!(matches!(
        world.install(&world.source("testing")),
        Err(InstallError::OtherContent { .. })
    ));
    assert_eq!(world.project(), before);
    world.write("sources/index.json", index(&sha256));
    assert_eq!(world.install(&world.source("testing")).unwrap().outcome, Outcome::Added);
    world.write("sources/index.json", r#"{"v":1,"skills":7}"#);
    assert!(matches!(world.install(&world.source("testing")), Err(InstallError::Registry(_))));
}
