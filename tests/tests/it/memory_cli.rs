//! The shared memory from a shell.

use ostwin_testkit::Finished;
use serde_json::{Value, json};

use crate::field::Field;

/// A project whose search is by words alone, whatever is installed beside the programs.
fn field() -> Field {
    let settings = json!({ "memory": { "embedding": { "kind": "none" } } });
    Field::new(&json!({ "v": 1 }), &settings)
}

fn value(finished: &Finished) -> Value {
    serde_json::from_str(&finished.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", finished.stdout))
}

fn publish(field: &Field, kind: &str, summary: &str, further: &[&str]) -> String {
    let mut args = vec!["memory", "publish", "--kind", kind, "--summary", summary, "--json"];
    args.extend(further);
    value(&field.expect(&args, 0))["id"].as_str().unwrap().to_owned()
}

fn summaries(entries: &Value) -> Vec<&str> {
    entries.as_array().unwrap().iter().map(|e| e["summary"].as_str().unwrap()).collect()
}

#[test]
fn what_a_person_publishes_is_found_listed_shown_and_exported() {
    let field = field();
    let first = publish(&field, "decision", "Prices are floats.", &["--tag", "money"]);
    let second = publish(
        &field,
        "decision",
        "Prices are integers of cents.",
        &[
            "--tag",
            "money",
            "--tag",
            "cart",
            "--ref",
            "EPIC-001",
            "--detail",
            "No\nfloats.",
            "--supersedes",
            &first,
        ],
    );
    publish(&field, "warning", "The clock of `TimeService.now` drifts.", &[]);

    let found = value(&field.expect(&["memory", "search", "integer", "prices", "--json"], 0));
    assert_eq!(found["hits"][0]["entry"]["id"], json!(second));
    assert_eq!(found["hits"].as_array().map(Vec::len), Some(1));
    assert_eq!((&found["mode_used"], found["hits"][0].get("explain")), (&json!("lexical"), None));
    let text = field.expect(&["memory", "search", "time_service", "--explain"], 0);
    assert!(text.stdout.contains("The clock of `TimeService.now` drifts."), "{}", text.stdout);
    assert!(text.stdout.contains("timeservice "), "{}", text.stdout);
    assert!(text.stderr.contains("words only"), "{}", text.stderr);
    for (further, hits) in [(["--kind", "code"], 0), (["--tag", "MONEY"], 1)] {
        let mut args = vec!["memory", "search", "prices", "--mode", "lexical", "--json"];
        args.extend(further);
        let found = value(&field.expect(&args, 0));
        assert_eq!(found["hits"].as_array().map(Vec::len), Some(hits), "{further:?}");
    }
    let nothing = field.expect(&["memory", "search", "zebra", "--mode", "lexical"], 0);
    assert_eq!((nothing.stdout.as_str(), nothing.stderr.as_str()), ("", "nothing found\n"));

    let list = value(&field.expect(&["memory", "list", "--json"], 0));
    let expected = ["The clock of `TimeService.now` drifts.", "Prices are integers of cents."];
    assert_eq!(summaries(&list), expected);
    assert_eq!((&list[1]["author_role"], &list[1]["room_id"]), (&json!("human"), &Value::Null));
    let list = value(&field.expect(&["memory", "list", "--kind", "decision", "--json"], 0));
    assert_eq!(summaries(&list), expected[1..]);
    let list = field.expect(&["memory", "list", "--limit", "1"], 0);
    assert!(list.stdout.contains("warning") && !list.stdout.contains("Prices"), "{}", list.stdout);
    assert!(list.stderr.contains("`--limit N` shows more"), "{}", list.stderr);
    let none = field.expect(&["memory", "list", "--room", "room-007"], 0);
    assert_eq!(none.stderr, "no entry\n");

    let shown = value(&field.expect(&["memory", "show", &first, "--json"], 0));
    assert_eq!(shown["superseded_by"], json!(second));
    let shown = field.expect(&["memory", "show", &second], 0).stdout;
    for part in ["supersedes  mem-", "tags        money, cart", "\nNo\nfloats.\n"] {
        assert!(shown.contains(part), "{part:?} in {shown}");
    }

    let lines = field.expect(&["memory", "export"], 0).stdout;
    let ledger = std::fs::read_to_string(field.project.layout().ledger()).unwrap();
    let in_force: String = ledger.lines().skip(1).map(|line| format!("{line}\n")).collect();
    assert_eq!(lines, in_force);
    let markdown = field.expect(&["memory", "export", "--format", "markdown"], 0).stdout;
    let decisions = markdown.find("\n## Decisions\n\n- Prices are integers of cents.\n").unwrap();
    let warnings = markdown.find("\n## Warnings\n\n- The clock of").unwrap();
    assert!(decisions < warnings && !markdown.contains("Prices are floats"), "{markdown}");
    let only = field.expect(&["memory", "export", "--kind", "warning"], 0).stdout;
    assert_eq!(only.lines().count(), 1);
}

#[test]
fn what_cannot_be_done_changes_nothing_and_says_why() {
    let field = field();
    let unknown = "mem-00000000000000000000000000";
    let asked: [(&[&str], i32, &str); 7] = [
        (&["memory", "show", unknown], 2, unknown),
        (&["memory", "show", "mem-1"], 2, "26 characters"),
        (
            &["memory", "publish", "--kind", "idea", "--summary", "x"],
            2,
            "possible values: decision",
        ),
        (&["memory", "publish", "--kind", "code", "--summary", " "], 2, "`summary` is empty"),
        (
            &["memory", "publish", "--kind", "code", "--summary", "x", "--supersedes", unknown],
            2,
            "not in the ledger",
        ),
        (&["memory", "search", "x", "--mode", "semantic"], 6, "`memory.embedding.kind` is `none`"),
        (&["memory", "search"], 2, "<TEXT>"),
    ];
    for (args, code, expected) in asked {
        let finished = field.expect(args, code);
        assert!(finished.stderr.contains(expected), "{args:?}: {}", finished.stderr);
        assert_eq!(finished.stdout, "", "{args:?}");
    }
    assert!(!field.project.layout().ledger().exists());
}

#[test]
fn lines_that_cannot_be_read_are_told() {
    let field = field();
    publish(&field, "code", "fn total() -> Cents", &[]);
    let ledger = field.project.layout().ledger();
    let whole = std::fs::read(&ledger).unwrap();
    ostwin_core::fs::replace_hint(&ledger, &[b"rubbish\n", whole.as_slice()].concat()).unwrap();
    for args in [
        &["memory", "search", "total", "--mode", "lexical"][..],
        &["memory", "list"],
        &["memory", "export"],
    ] {
        let finished = field.expect(args, 0);
        assert!(finished.stdout.contains("total"), "{args:?}: {}", finished.stdout);
        assert!(finished.stderr.contains("1 line of the ledger cannot be read"), "{args:?}");
    }
}
