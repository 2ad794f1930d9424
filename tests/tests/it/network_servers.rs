//! Tool servers over the network: given to agents that can reach them, and missed by name else.

use serde_json::{Value, json};

use crate::field::{Field, lines_of, one_epic};

const SECRET: &str = "s3cr3t-of-the-docs";

/// A project with such a server, whose header is a secret.
fn field(reaches_network: bool) -> Field {
    let field = Field::new(&json!({ "v": 1, "reaches_network": reaches_network }), &json!({}));
    let add = [
        "mcp",
        "add",
        "docs",
        "--url",
        "https://docs.example.org/mcp",
        "--header",
        "Authorization=Bearer ${vault:docs/token}",
    ];
    field.expect(&add, 0);
    let vault = json!({ "docs": { "token": SECRET } });
    let path = field.project.layout().vault();
    ostwin_core::fs::replace_private(
        &path,
        vault.to_string().as_bytes(),
        ostwin_core::store::Durability::Os,
    )
    .unwrap();
    field.plan("PLAN.md", &one_epic(""));
    field
}

/// What the first session said and was told, a line each.
fn transcript(field: &Field, kind: &str) -> Vec<String> {
    let attempts = field.room(1).attempts().unwrap();
    let lines = lines_of(&attempts[0].paths.transcript());
    let of_kind = lines.into_iter().filter(|line| line["type"] == kind);
    of_kind.map(|line| line["text"].as_str().unwrap_or_default().to_owned()).collect()
}

fn prompt(field: &Field) -> String {
    std::fs::read_to_string(field.room(1).attempts().unwrap()[0].paths.prompt()).unwrap()
}

#[test]
fn an_agent_that_can_gets_it_with_its_headers_and_nothing_records_them() {
    let field = field(true);
    let run = field.expect(&["run", "PLAN.md", "--no-wait"], 0);
    let said = transcript(&field, "text").concat();
    let told = "I was given `docs` at https://docs.example.org/mcp by HTTP (Authorization: ";
    assert!(said.contains(told), "{said}");
    assert!(said.contains("Bearer [redacted:"), "{said}");
    assert!(!run.stderr.contains("docs"), "{}", run.stderr);
    let agents = field.project.layout().agents();
    for entry in walk(&agents).into_iter().filter(|path| !path.ends_with("vault.json")) {
        let bytes = std::fs::read(&entry).unwrap();
        let found = bytes.windows(SECRET.len()).any(|part| part == SECRET.as_bytes());
        assert!(!found, "{}", entry.display());
    }
}

fn walk(dir: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap().flatten() {
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            files.extend(walk(&entry.path()));
        } else if kind.is_file() {
            files.push(entry.path());
        }
    }
    files
}

#[test]
fn an_agent_that_cannot_goes_on_without_it_and_it_is_missed_by_name() {
    let field = field(false);
    let run = field.expect(&["run", "PLAN.md", "--no-wait"], 0);
    let missed = "the session has no MCP server `docs`: it is reached over HTTP";
    assert!(run.stderr.contains(missed), "{}", run.stderr);
    let notices = transcript(&field, "notice");
    assert_eq!(notices.iter().filter(|text| text.starts_with(missed)).count(), 1, "{notices:?}");
    assert!(!prompt(&field).contains("docs"), "{}", prompt(&field));
}

#[test]
fn the_list_promises_no_more_than_that() {
    let field = field(false);
    for args in [&["mcp", "list"][..], &["resolve", "mcp", "--role", "engineer"]] {
        let shown = field.expect(args, 0).stdout;
        let line = shown.lines().find(|line| line.starts_with("docs")).unwrap();
        assert!(line.contains("where the agent can"), "{line}");
    }
    let listed: Value =
        serde_json::from_str(&field.expect(&["mcp", "list", "--json"], 0).stdout).unwrap();
    let docs = listed.as_array().unwrap().iter().find(|one| one["name"] == "docs").unwrap();
    assert_eq!(docs["state"], "where_agent_can");
    let test = field.expect(&["mcp", "test", "docs"], 2);
    assert!(test.stdout.contains("a session's agent does that by itself"), "{}", test.stdout);
}
