//! The commands around the agent.

use ostwin_core::fs::replace_hint;

use crate::client::command;

fn output(args: &[&str]) -> (Option<i32>, String, String) {
    let output = command().args(args).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn the_built_in_script_is_printed_and_checks() {
    let (code, script, _) = output(&["script"]);
    assert_eq!(code, Some(0));
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("script.json");
    replace_hint(&file, script.as_bytes()).unwrap();
    let (code, stdout, stderr) = output(&["check", file.to_str().unwrap()]);
    assert_eq!((code, stdout.as_str(), stderr.as_str()), (Some(0), "", ""));
}

#[test]
fn the_schema_is_json() {
    let (code, schema, _) = output(&["schema"]);
    let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
    assert_eq!((code, &schema["title"]), (Some(0), &serde_json::json!("Script")));
}

#[test]
fn a_bad_script_is_refused_before_anything_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("script.json");
    replace_hint(&file, b"{\"v\": 1, \"rule\": []}").unwrap();
    let name = file.to_str().unwrap();
    let (code, stdout, stderr) = output(&["--script", name]);
    assert_eq!((code, stdout.as_str()), (Some(2), ""));
    assert!(stderr.contains("unknown field `rule`") && stderr.contains(name), "{stderr}");
    let (code, _, stderr) = output(&["--script", "/no/such/script.json"]);
    assert_eq!(code, Some(2));
    assert!(stderr.contains("/no/such/script.json"), "{stderr}");
    let (code, _, stderr) = output(&["--pace", "-1"]);
    assert_eq!(code, Some(2), "{stderr}");
}
