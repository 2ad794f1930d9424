use std::path::Path;

use ostwin_core::ids::{RoleName, SkillName};
use serde_json::json;

use super::*;

fn read(text: &str) -> Result<Document, String> {
    parse(Path::new("x/SKILL.md"), text.as_bytes()).map_err(|error| error.to_string())
}

fn with(lines: &str) -> Result<Document, String> {
    read(&format!("---\nname: testing\ndescription: How to test.\n{lines}---\n\nDo it.\n"))
}

#[test]
fn two_fields_are_a_skill() {
    let skill = Skill::new(SkillName::new("testing").unwrap(), "How to test.");
    let expected = Document { skill, body: "Do it.\n".to_owned(), warnings: Vec::new() };
    assert_eq!(with("").unwrap(), expected);
}

#[test]
fn every_field_is_read_in_every_spelling() {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let expected = Skill {
        tags: names(&["unit tests", "quality"]),
        platform: names(&["macos", "linux"]),
        enabled: false,
        trust_level: TrustLevel::Experimental,
        requires_mcp: names(&["warroom", "db"]),
        dependencies: ["a", "b"].map(|name| SkillName::new(name).unwrap()).to_vec(),
        applicable_roles: vec![RoleName::new("qa").unwrap()],
        version: Some("1.2".to_owned()),
        author: Some("A team".to_owned()),
        triggers: names(&["write a test", "why is it red"]),
        license: Some("Apache-2.0".to_owned()),
        compatibility: Some("Needs git".to_owned()),
        metadata: json!({"level": 3}).as_object().unwrap().clone(),
        allowed_tools: names(&["Bash(git add *)", "Read"]),
        ..Skill::new(SkillName::new("testing").unwrap(), "How to test.")
    };
    let lists = with(
        "tags: [unit tests, quality]\nplatform:\n- darwin\n- linux\nenabled: false\n\
         trust_level: experimental\nrequires_mcp:\n- warroom\n- db\ndependencies: [a, b]\n\
         applicable_roles: [qa]\nversion: 1.2\nauthor: A team\ntriggers:\n- write a test\n\
         - why is it red\nlicense: Apache-2.0\ncompatibility: Needs git\nmetadata:\n  level: 3\n\
         allowed_tools:\n- Bash(git add *)\n- Read\n",
    );
    let texts = with(
        "tags: unit tests, quality\nplatform: macOS linux\nenabled: off\n\
         Trust-Level: Experimental\nrequires-mcp: warroom, db\ndependencies: a b, a\n\
         applicable-roles: qa\nversion: '1.2'\nauthor: A team\n\
         triggers: write a test, why is it red\nlicense: Apache-2.0\ncompatibility: Needs git\n\
         metadata: {level: 3}\nallowed-tools: Bash(git add *) Read\n",
    );
    for read in [lists, texts] {
        let Document { skill, warnings, .. } = read.unwrap();
        assert_eq!((skill, warnings), (expected.clone(), Vec::new()));
    }
}

#[test]
fn oddities_are_kept_and_reported_with_their_place() {
    let text = "---\nname: My_Skill\ndescription: x\ntrust_level: high\ntag: a\nmodel: opus\n---\n";
    let Document { skill, warnings, .. } = read(text).unwrap();
    assert_eq!(skill.trust_level, TrustLevel::Experimental);
    assert_eq!(serde_json::to_value(&skill.extra).unwrap(), json!({"tag": "a", "model": "opus"}));
    assert_eq!(
        warnings,
        [
            "x/SKILL.md:2:1: other programs may not take the name `My_Skill`: the open format has \
             lower-case letters, digits and single `-` between them",
            "x/SKILL.md:4:1: `trust_level` is `high`, which is none of `core`, `stable`, \
             `experimental`; the skill counts as `experimental`",
            "x/SKILL.md:5:1: field `tag` is unknown; did you mean `tags`?",
            "x/SKILL.md:6:1: field `model` is unknown",
            "x/SKILL.md:8:1: there are no instructions behind the front matter",
        ]
    );
}

#[test]
fn mistakes_name_their_place() {
    let error = |text: &str| read(text).unwrap_err();
    assert_eq!(
        error("# Testing"),
        "x/SKILL.md:1:1: there is no front matter: the file must begin with YAML between two lines \
         `---`, with `name` and `description`"
    );
    assert_eq!(
        error("---\nname: testing\n---\n"),
        "x/SKILL.md:2:1: the field `description` is required and missing"
    );
    assert_eq!(
        error("---\ndescription: x\nname: a/b\n---\n"),
        "x/SKILL.md:3:1: `a/b` is not a valid skill name: it may hold only ASCII letters, digits, \
         `-`, `_` and `.`"
    );
    assert_eq!(
        with("enabled: perhaps\n").unwrap_err(),
        "x/SKILL.md:4:1: `enabled` must be `true` or `false`, and is a text"
    );
    assert_eq!(
        with("tags: {a: b}\n").unwrap_err(),
        "x/SKILL.md:4:1: `tags` must be a list of texts, or one text with them, and is a mapping"
    );
    assert_eq!(
        with("version: 1\ndependencies: [../x]\n").unwrap_err(),
        "x/SKILL.md:5:1: `dependencies`: `../x` is not a valid skill name: it must start with an \
         ASCII letter or digit"
    );
    assert!(with("tags: [a\n").unwrap_err().starts_with("x/SKILL.md:"));
    let long = format!("---\nname: a\ndescription: {}\n---\n", "ä".repeat(1025));
    assert!(error(&long).starts_with("x/SKILL.md:3:1: `description` has 1025 characters"));
    let error = parse(Path::new("SKILL.md"), b"---\nname: \xff\n---\n").unwrap_err();
    assert_eq!((error.line, error.column), (2, 7));
    let large = vec![b'x'; usize::try_from(MAX_DOCUMENT_BYTES).unwrap() + 1];
    assert!(parse(Path::new("SKILL.md"), &large).unwrap_err().message.contains("1048576"));
}

#[test]
fn a_skill_has_the_name_of_its_folder() {
    let document = with("").unwrap();
    let path = Path::new("x/SKILL.md");
    assert!(document.check_folder(path, "testing").is_ok());
    assert_eq!(
        document.check_folder(path, "tests").unwrap_err().to_string(),
        "x/SKILL.md: the skill is found by its folder `tests`, but its name is `testing`; give \
         both the same name"
    );
}
