//! Bad plans are reported with place and suggestion.

use super::super::{
    MAX_PLAN_BYTES, ParseOptions, ParsedPlan, locate, parse, parse_bytes, render, sarif,
};
use super::{codes, parsed};

const CRITERIA: &str = "Definition of Done:\n- x\n\nAcceptance Criteria:\n- y\n";

/// An epic that nothing is wrong with but what `body` says.
fn epic(id: &str, body: &str) -> String {
    format!("## {id}: T\n\n{body}\n\n{CRITERIA}\n")
}

fn options() -> ParseOptions {
    ParseOptions {
        known_config_keys: Some(vec!["max_retries".to_owned(), "dashboard".to_owned()]),
        known_roles: Some(vec!["engineer".to_owned(), "qa".to_owned()]),
        dynamic_roles: true,
        registry: None,
    }
}

#[test]
fn every_mistake_has_its_code_and_place() {
    let table = [
        (epic("EPIC-001", "") + &epic("epic-001", ""), "duplicate-id", 11, 4),
        (epic("EPIC-001", "depends_on: EPIC-01"), "unknown-dependency", 3, 13),
        (epic("EPIC-001", "depends_on: [EPIC-001]"), "self-dependency", 3, 14),
        (
            epic("EPIC-001", "depends_on: Epic 2") + &epic("EPIC-002", "depends_on: EPIC-001"),
            "dependency-cycle",
            3,
            13,
        ),
        (
            epic("EPIC-001", "Lifecycle:\n```json\n{\"a\": 1,\n  oops}\n```"),
            "malformed-lifecycle",
            6,
            3,
        ),
        (epic("EPIC-001", "- Lifecycle:\n\n  ```json\n  []\n  ```"), "malformed-lifecycle", 6, 3),
        (epic("EPIC-001", "Lifecycle: engineer → qa →"), "malformed-lifecycle", 3, 26),
        (epic("EPIC-001", "Pipeline: engineer -> q!"), "malformed-lifecycle", 3, 23),
        (epic("EPIC-001", "timeout: soon"), "unreadable-number", 3, 10),
        (epic("EPIC-001", "max_retries: -1"), "unreadable-number", 3, 14),
        (epic("EPIC-001", "priority: urgent"), "unreadable-number", 3, 11),
        (epic("EPIC-001", "budget_usd: lots"), "unreadable-number", 3, 13),
        (epic("EPIC-001", "depends_on: the login"), "unreadable-value", 3, 13),
        (epic("EPIC-001", "Roles: ../x"), "unreadable-value", 3, 8),
        (epic("EPIC-001", "no_mcp: maybe"), "unreadable-value", 3, 9),
        (epic("EPIC-001", "```yaml\nroles: [a\n```"), "malformed-yaml", 4, 8),
        ("---\na: [1\n---\n\n## Goal\n\nx\n".to_owned(), "malformed-yaml", 2, 4),
        (String::new(), "empty-plan", 1, 1),
        ("# Plan: T\n\n<!-- -->".trim_end_matches("\n\n<!-- -->").to_owned(), "empty-plan", 1, 1),
        ("a\0b".to_owned(), "binary-input", 1, 2),
        (format!("# T\n\n{}x\n", "- ".repeat(101)), "too-deep", 3, 1),
        (format!("# T\n\n{}x\n", ">".repeat(101)), "too-deep", 3, 1),
    ];
    for (text, code, line, column) in table {
        let found = parse(&text, &options());
        let errors: Vec<_> = locate(&found.diagnostics, &text)
            .into_iter()
            .filter(|one| one.severity == super::super::Severity::Error)
            .map(|one| (one.code.as_str(), one.line, one.column))
            .collect();
        assert_eq!(errors, [(code, line, column)], "{text}");
        let help =
            found.diagnostics.iter().find(|one| one.is_error()).and_then(|one| one.help.clone());
        assert!(help.is_some(), "{code} suggests something");
    }
}

#[test]
fn warnings_have_their_code_and_place() {
    let two = |one: &str, other: &str| epic("EPIC-001", one) + &epic("EPIC-002", other);
    let named = "Key files: a.rs";
    let table = [
        ("## EPIC-001: T\n".to_owned(), "missing-criteria", 1, 1),
        (epic("EPIC-001", "depend_on: none"), "misspelled-directive", 3, 1),
        (epic("EPIC-001", "- Rolse: qa"), "misspelled-directive", 3, 3),
        (epic("EPIC-001", "### Acceptence Criteria"), "misspelled-directive", 3, 5),
        (epic("EPIC-001", "```yaml\nroles: [qa]\nmodle: x\n```"), "misspelled-directive", 5, 1),
        (epic("EPIC-001", "Roles: qa\nRoles: engineer"), "repeated-directive", 4, 1),
        (epic("EPIC-001", "Model:"), "empty-directive", 3, 1),
        (epic("EPIC-001", "Pipeline: enginer -> qa"), "unknown-role", 3, 11),
        (epic("EPIC-001", "Roles: engineer, qa\nPipeline: engineer"), "not-acted-on", 3, 18),
        (
            epic("EPIC-001", "Capabilities: security\nLifecycle: engineer → qa"),
            "not-acted-on",
            3,
            15,
        ),
        (epic("EPIC-001", "Roles: enginer"), "unknown-role", 3, 8),
        ("## Config\n\n- max_retry: 3\n\n## Goal\n\nx\n".to_owned(), "unknown-config-key", 3, 3),
        ("---\ncolour: red\n---\n\n## Goal\n\nx\n".to_owned(), "unknown-config-key", 2, 1),
        (
            two(named, "depends_on: EPIC-001")
                + &epic("EPIC-003", "Key files: b.rs\nserialize: true"),
            "orphan-epic",
            21,
            1,
        ),
        (two(named, named), "overlapping-files", 13, 12),
        (two(named, ""), "unnamed-files", 11, 1),
        ("# EPIC-001: T\n\n## Goal\n\nx\n".to_owned(), "misplaced-heading", 1, 3),
        ("#### EPIC-001: T\n\n## Goal\n\nx\n".to_owned(), "misplaced-heading", 1, 6),
        ("## Goal\n\nx\n\n## Definition of Done\n\n- y\n".to_owned(), "misplaced-heading", 5, 4),
    ];
    for (text, code, line, column) in table {
        let found = parse(&text, &options());
        let all: Vec<_> = locate(&found.diagnostics, &text)
            .into_iter()
            .map(|one| (one.code.as_str(), one.line, one.column))
            .collect();
        assert_eq!(all, [(code, line, column)], "{text}");
        assert!(!found.has_errors(), "{text}");
    }
}

#[test]
fn good_plans_are_left_alone() {
    for text in [
        epic("EPIC-001", "Roles: engineer:fe, qa\nsome `text`: here\nsee http://example.com"),
        epic("EPIC-001", "depends_on: PLAN-REVIEW"),
        epic("EPIC-001", &"0.5 1 ".repeat(200)),
        epic(
            "EPIC-001",
            &format!("{}\n\nx\n{}\n\n{}", "-".repeat(200), "*".repeat(200), "- ".repeat(200)),
        ),
        epic("EPIC-001", "Key files: a.rs") + &epic("EPIC-002", "Key files: b.rs"),
        epic("EPIC-001", "") + &epic("EPIC-002", "depends_on: EPIC-001"),
        epic("EPIC-001", "serialize: true") + &epic("EPIC-002", ""),
        epic("EPIC-001", "working_dir: a") + &epic("EPIC-002", "working_dir: b"),
        "## Config\n\n- dashboard.port: 3\n- max_concurrent_rooms: 1\n\n"
            .replace("max_concurrent_rooms: 1", "max_retries: 1")
            + &epic("EPIC-001", ""),
    ] {
        assert_eq!(codes(&parse(&text, &options())), [""; 0], "{text}");
    }
}

#[test]
fn an_unknown_role_is_an_error_without_dynamic_roles() {
    let options = ParseOptions { dynamic_roles: false, ..options() };
    let found = parse(&epic("EPIC-001", "Roles: wizard"), &options);
    assert!(found.has_errors());
    assert_eq!(codes(&found), ["unknown-role"]);
}

#[test]
fn what_is_no_text_is_refused() {
    let refused = |bytes: &[u8]| parse_bytes(bytes, &ParseOptions::default());
    let one = |found: &ParsedPlan| {
        let [diagnostic] = found.diagnostics.as_slice() else { panic!("{found:?}") };
        (diagnostic.code.as_str(), diagnostic.span.start)
    };
    assert_eq!(one(&refused(b"# A\n\xff\xfe")), ("binary-input", 4));
    assert_eq!(one(&refused(b"\x7fELF\0\0")), ("binary-input", 4));
    assert_eq!(one(&refused(&vec![b'a'; MAX_PLAN_BYTES + 1])), ("too-large", 0));
    assert_eq!(refused(&[b'a'; 100]).diagnostics, []);
}

#[test]
fn a_cycle_is_drawn_whole() {
    let text = epic("EPIC-001", "depends_on: EPIC-003")
        + &epic("EPIC-002", "depends_on: EPIC-001, EPIC-003")
        + &epic("EPIC-003", "Key files: x\ndepends_on: EPIC-002")
        + &epic("EPIC-004", "depends_on: EPIC-003");
    let found = parsed(&text);
    insta::assert_snapshot!(render(&found.diagnostics, "PLAN.md", &text), @r#"
    error[dependency-cycle]: epics wait for each other: EPIC-001 -> EPIC-003 -> EPIC-002 -> EPIC-001
      --> PLAN.md:3:13
       |
     3 | depends_on: EPIC-003
       |             ^^^^^^^^
      ::: PLAN.md:24:13
       |
    24 | depends_on: EPIC-002
       |             ^^^^^^^^ waits for EPIC-002
      ::: PLAN.md:13:13
       |
    13 | depends_on: EPIC-001, EPIC-003
       |             ^^^^^^^^ waits for EPIC-001
       = help: remove one of these dependencies
    "#);
}

#[test]
fn diagnostics_are_rendered_with_line_and_caret() {
    let text = "# Plan: Ä\n\n## Config\n\n- max_retrys: 3\n\n## EPIC-001: T\n\n\tdepends\ndepends_on: [EPIC-02, EPIC-001]\nRoles: enginer\n\n## EPIC-002: Überschrift\n\nDefinition of Done:\n- x\n\n## EPIC-002: U\n";
    let found = parse(text, &options());
    insta::assert_snapshot!(render(&found.diagnostics, "PLAN.md", text), @r#"
    warning[unknown-config-key]: `max_retrys` is not a setting
     --> PLAN.md:5:3
      |
    5 | - max_retrys: 3
      |   ^^^^^^^^^^
      = help: did you mean `max_retries`?

    warning[missing-criteria]: EPIC-001 has neither a Definition of Done nor Acceptance Criteria
     --> PLAN.md:7:1
      |
    7 | ## EPIC-001: T
      | ^^^^^^^^^^^^^^
      = help: reviewers judge by these lists: say what must be true in the end

    error[unknown-dependency]: EPIC-001 depends on `EPIC-02`, which the plan does not have
      --> PLAN.md:10:14
       |
    10 | depends_on: [EPIC-02, EPIC-001]
       |              ^^^^^^^
       = help: did you mean `EPIC-002`?

    error[self-dependency]: EPIC-001 depends on itself
      --> PLAN.md:10:23
       |
    10 | depends_on: [EPIC-02, EPIC-001]
       |                       ^^^^^^^^
       = help: remove it from its own dependencies

    warning[unknown-role]: no role `enginer` is known; a general agent takes its place
      --> PLAN.md:11:8
       |
    11 | Roles: enginer
       |        ^^^^^^^
       = help: did you mean `engineer`?

    warning[missing-criteria]: EPIC-002 has no Acceptance Criteria
      --> PLAN.md:13:1
       |
    13 | ## EPIC-002: Überschrift
       | ^^^^^^^^^^^^^^^^^^^^^^^^
       = help: reviewers judge by these lists: say what must be true in the end

    warning[missing-criteria]: EPIC-002 has neither a Definition of Done nor Acceptance Criteria
      --> PLAN.md:18:1
       |
    18 | ## EPIC-002: U
       | ^^^^^^^^^^^^^^
       = help: reviewers judge by these lists: say what must be true in the end

    error[duplicate-id]: `EPIC-002` is used twice
      --> PLAN.md:18:4
       |
    18 | ## EPIC-002: U
       |    ^^^^^^^^
      ::: PLAN.md:13:4
       |
    13 | ## EPIC-002: Überschrift
       |    ^^^^^^^^ first used here
       = help: give every epic an id of its own
    "#);
    insta::assert_json_snapshot!(locate(&found.diagnostics, text)[..2], @r#"
    [
      {
        "code": "unknown-config-key",
        "severity": "warning",
        "message": "`max_retrys` is not a setting",
        "help": "did you mean `max_retries`?",
        "line": 5,
        "column": 3,
        "end_line": 5,
        "end_column": 13,
        "span": {
          "start": 25,
          "end": 35
        },
        "labels": []
      },
      {
        "code": "missing-criteria",
        "severity": "warning",
        "message": "EPIC-001 has neither a Definition of Done nor Acceptance Criteria",
        "help": "reviewers judge by these lists: say what must be true in the end",
        "line": 7,
        "column": 1,
        "end_line": 7,
        "end_column": 15,
        "span": {
          "start": 40,
          "end": 54
        },
        "labels": []
      }
    ]
    "#);
    let log = sarif(&found.diagnostics, "my plans/PLAN.md", text);
    insta::assert_json_snapshot!(log["runs"][0]["results"][0], @r#"
    {
      "ruleId": "unknown-config-key",
      "ruleIndex": 17,
      "level": "warning",
      "message": {
        "text": "`max_retrys` is not a setting. Help: did you mean `max_retries`?"
      },
      "locations": [
        {
          "physicalLocation": {
            "artifactLocation": {
              "uri": "my%20plans/PLAN.md"
            },
            "region": {
              "startLine": 5,
              "startColumn": 3,
              "endLine": 5,
              "endColumn": 13
            }
          }
        }
      ]
    }
    "#);
    assert_eq!(log["version"], "2.1.0");
}

#[test]
fn control_characters_and_long_lines_do_not_reach_the_terminal() {
    let long = "x".repeat(300);
    let text = format!("## EPIC-001: \u{1b}[31m\n\n{long} \n\ntimeout: {long}\n");
    let shown = render(&parsed(&text).diagnostics, "PLAN.md", &text);
    assert!(!shown.contains('\u{1b}'));
    assert!(shown.lines().all(|line| line.chars().count() < 200), "{shown}");
}

#[test]
fn ten_thousand_epics_that_share_a_file_are_few_warnings() {
    let mut text = String::new();
    for number in 0..2000 {
        text.push_str(&epic(&format!("EPIC-{number:04}"), "Key files: a.rs"));
    }
    assert_eq!(parsed(&text).diagnostics.len(), 20);
}
