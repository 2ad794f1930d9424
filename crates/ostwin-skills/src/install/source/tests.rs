use proptest::prelude::*;

use super::*;

fn read(text: &str) -> Result<String, String> {
    let source: Source = text.parse().map_err(|error: SourceError| error.problem)?;
    let kind = match &source {
        Source::Folder { .. } => "folder",
        Source::ArchiveFile { .. } => "file",
        Source::ArchiveUrl { .. } => "download",
        Source::Git { .. } => "git",
        Source::Named { .. } => "named",
    };
    assert_eq!(source.to_string(), text.trim_end_matches('/'), "written as it was read");
    Ok(kind.to_owned())
}

#[test]
fn every_form_is_told_from_the_others() {
    let cases = [
        ("testing", "named"),
        ("testing@1.2", "named"),
        ("./testing", "folder"),
        (".", "folder"),
        ("shared/testing#a/", "folder"),
        ("/srv/skills/testing", "folder"),
        ("testing.zip", "file"),
        ("../x/testing.TAR.GZ#skills/testing", "file"),
        ("https://example.org/a/testing.tgz", "download"),
        ("https://example.org/testing.zip?raw=1#a", "download"),
        ("http://127.0.0.1:8080/testing.zip", "download"),
        ("https://example.org/skills.git", "git"),
        ("https://example.org/skills@feature/x#testing", "git"),
        ("ssh://git@example.org:22/skills.git@v1.2", "git"),
        ("file:///srv/skills.git@0123456789abcdef0123456789abcdef01234567#a/b", "git"),
    ];
    for (text, kind) in cases {
        assert_eq!(read(text).as_deref(), Ok(kind), "{text}");
    }
}

#[test]
fn nothing_passes_that_could_run_or_leak() {
    let cases = [
        ("", "empty"),
        ("--upload-pack=touch x", "option"),
        ("ext::sh -c touch% /x", "no programs"),
        ("ext::sh://x", "`https://`"),
        ("git://example.org/x", "only `https://`"),
        ("ftp://example.org/x.zip", "only `https://`"),
        ("http://example.org/x.zip", "use `https://`"),
        ("http://127.0.0.1.example.org/x.git", "use `https://`"),
        ("https://user:secret@example.org/x.git", "no user or password"),
        ("https://token@example.org/x.zip", "no user or password"),
        ("ssh://-oProxyCommand=x/y", "host"),
        ("ssh://git:secret@example.org/x", "one plain word"),
        ("ssh://-l@example.org/x", "one plain word"),
        ("https://example.org", "no path"),
        ("https://example.org/", "no path"),
        ("file://host/x.git", "no host"),
        ("https://example.org/x y", "printable"),
        ("https://example.org/x.git@--upload-pack=x", "behind `@`"),
        ("https://example.org/x.git@a..b", "behind `@`"),
        ("https://example.org/x.git@a:b", "behind `@`"),
        ("https://example.org/x.git@", "behind `@`"),
        ("https://example.org/x.git#../y", "dot"),
        ("https://example.org/x.git#/y", "relative"),
        ("./x#.git", "dot"),
        ("git@example.org:skills/x.git", "ssh://git@host"),
        ("testing#a", "index takes no folder"),
        ("two words", "only ASCII"),
        ("a\nb", "control"),
    ];
    for (text, part) in cases {
        let problem = read(text).unwrap_err();
        assert!(problem.contains(part), "{text:?}: {problem}");
    }
}

#[test]
fn paths_inside_a_project_are_written_relative_to_it() {
    let source: Source = "../shared/x#a".parse().unwrap();
    let anchored = source.anchored(Path::new("/p/sub"));
    assert_eq!(anchored.to_string(), "/p/shared/x#a");
    assert_eq!(anchored.clone().relative_to(Path::new("/p")).to_string(), "./shared/x#a");
    assert_eq!(anchored.clone().relative_to(Path::new("/q")), anchored);
}

#[test]
fn a_revision_does_not_change_the_origin() {
    let read = |text: &str| text.parse::<Source>().unwrap();
    let one = read("https://example.org/x.git@v1#a");
    assert!(one.is_same_origin(&read("https://example.org/x.git#a")));
    assert!(!one.is_same_origin(&read("https://example.org/x.git#b")));
    assert!(!one.is_same_origin(&read("https://example.com/x.git#a")));
}

#[test]
fn siblings_lie_below_the_folder_of_an_index() {
    let index = Url::web("https://example.org/skills/index.json?x=/y").unwrap();
    let sibling = index.sibling(&SkillPath::new("a/b.zip").unwrap()).unwrap();
    assert_eq!(sibling.as_str(), "https://example.org/skills/a/b.zip");
}

proptest! {
    #[test]
    fn no_text_panics_and_what_is_read_is_read_again(text in "\\PC{0,40}|(https|ssh|file|ext)(://|::)[a-z@:/#.-]{0,30}") {
        if let Ok(source) = text.parse::<Source>() {
            prop_assert_eq!(source.to_string().parse::<Source>().ok(), Some(source));
        }
    }
}
