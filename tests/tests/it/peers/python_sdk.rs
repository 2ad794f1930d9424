//! The client of the Python SDK, in each of the ways in which it begins a conversation.

use serde_json::{Value, json};

use super::kit::{self, Seat, Server, every_server};

/// How the client begins, the revision that it then speaks, and whether it knows whom it speaks
/// to: one that is told the revision beforehand asks for nothing.
const MODES: [(&str, &str, bool); 3] = [
    ("legacy", "2025-11-25", true),
    ("auto", "2026-07-28", true),
    ("2026-07-28", "2026-07-28", false),
];

every_server!(check);

fn check(server: &Server) {
    let (tool, arguments, fields) = server.answered;
    let (refusing, refused, code) = server.refused;
    for (mode, version, is_known) in MODES {
        let seat = Seat::at(server);
        let specification = json!({
            "command": seat.command[0],
            "args": seat.command[1..],
            "mode": mode,
            "answered": [tool, kit::json(arguments)],
            "refused": [refusing, kit::json(refused)],
        });
        let mut client = seat.python(&kit::source("python/client.py"));
        let finished = kit::succeed(client.arg(specification.to_string()));
        let mut report = kit::json(&finished.stdout);

        let offered = report["offered"].take();
        assert!(offered["tools"].as_array().is_some_and(|tools| tools.len() >= 4), "{offered}");
        if is_known {
            assert_eq!(offered["resources"].is_object(), server.resources, "{mode}: {offered}");
            assert_eq!(offered["prompts"].is_array(), server.prompts, "{mode}: {offered}");
        }
        for (uri, contents) in offered["resources"].as_object().into_iter().flatten() {
            // The room of the seat is not one of a plan that could be read; the revisions differ
            // in how they say that something is not there.
            let missing = if version == "2026-07-28" { -32602 } else { -32002 };
            let expected = if uri == "ostwin://plan/dag" { missing } else { 1 };
            assert_eq!(contents, expected, "{mode}: {uri}");
        }
        let reason = kit::json(report["refusal"]["text"][0].as_str().unwrap());
        assert_eq!(reason["code"], code, "{reason}");
        let unknown = report["unknown_tool"]["message"].take();
        assert!(unknown.as_str().is_some_and(|text| text.contains(tool)), "{unknown}");
        report["refusal"]["text"] = Value::Null;
        let name = if is_known { json!(server.name) } else { Value::Null };
        let result = json!({ "is_error": false, "fields": fields });
        assert_eq!(
            report,
            json!({
                "protocol_version": version,
                "server": name,
                "instructions": is_known,
                "offered": null,
                "results": vec![result; 16],
                "refusal": { "is_error": true, "structured": null, "text": null },
                "unknown_tool": { "code": -32602, "message": null },
            }),
            "{mode}"
        );
    }
}
