//! The command line of the official Inspector: the list of tools as it judges it, calls, a load.

use ostwin_testkit::Finished;
use serde_json::{Value, json};

use super::kit::{self, Seat, Server, every_server};

/// What its exit codes say.
const TOOL_ERROR: i32 = 5;

every_server!(check);

fn check(server: &Server) {
    let seat = Seat::at(server);
    for era in ["legacy", "modern"] {
        the_list_is_portable(&seat, era);
        what_is_offered_is_listed(&seat, server, era);
        calls_are_answered(&seat, server, era);
    }
    a_load_is_carried(&seat, server);
}

fn inspect(seat: &Seat, args: &[&str]) -> Finished {
    let mut command = seat.node_package("mcp-inspector");
    kit::finish(command.arg("--cli").args(&seat.command).args(args).args(["--format", "json"]))
}

/// What a method gives that must succeed.
fn result(seat: &Seat, args: &[&str]) -> Value {
    let finished = inspect(seat, args);
    assert!(finished.status.success(), "{args:?}: {finished:#?}");
    kit::json(&finished.stdout)["result"].take()
}

fn the_list_is_portable(seat: &Seat, era: &str) {
    let list = ["--method", "tools/list", "--strict", "--protocol-era", era];
    let finished = inspect(seat, &list);
    assert!(finished.status.success(), "{finished:#?}");
    // Models are given the arguments only: nothing about them may be a matter of the provider.
    // Results say where they may be null, which it warns of.
    let paths = finished.stderr.lines().filter_map(|line| line.trim().strip_prefix("Path: "));
    let odd: Vec<&str> = paths.filter(|path| !path.starts_with("outputSchema.")).collect();
    assert_eq!(odd, Vec::<&str>::new(), "{}", finished.stderr);
    let tools = kit::json(&finished.stdout);
    assert!(tools["result"]["tools"].as_array().is_some_and(|tools| tools.len() >= 4), "{tools}");
}

fn what_is_offered_is_listed(seat: &Seat, server: &Server, era: &str) {
    for (offered, what) in [(server.resources, "resources"), (server.prompts, "prompts")] {
        let listed = result(seat, &["--method", &format!("{what}/list"), "--protocol-era", era]);
        let is_listed = listed[what].as_array().is_some_and(|listed| !listed.is_empty());
        assert_eq!(is_listed, offered, "{listed}");
    }
}

fn calls_are_answered(seat: &Seat, server: &Server, era: &str) {
    let call = |tool: &str, arguments: &str| {
        let tool = ["--method", "tools/call", "--tool-name", tool];
        let rest = ["--tool-args-json", arguments, "--protocol-era", era];
        inspect(seat, &[tool, rest].concat())
    };
    let (tool, arguments, fields) = server.answered;
    let finished = call(tool, arguments);
    assert!(finished.status.success(), "{finished:#?}");
    let result = kit::json(&finished.stdout)["result"].take();
    let content = result["structuredContent"].as_object().unwrap();
    let mut found: Vec<&str> = content.keys().map(String::as_str).collect();
    found.sort_unstable();
    assert_eq!(found, fields);

    let (tool, arguments, code) = server.refused;
    let finished = call(tool, arguments);
    assert_eq!(finished.status.code(), Some(TOOL_ERROR), "{finished:#?}");
    let result = kit::json(&finished.stdout)["result"].take();
    let reason = kit::json(result["content"][0]["text"].as_str().unwrap());
    assert_eq!((&result["isError"], &reason["code"]), (&json!(true), &json!(code)), "{reason}");
}

fn a_load_is_carried(seat: &Seat, server: &Server) {
    let (tool, arguments, _) = server.answered;
    let call = ["--method", "tools/call", "--tool-name", tool, "--tool-args-json", arguments];
    let load = ["--load", "--load-requests", "300", "--load-concurrency", "20"];
    let mut summary = result(seat, &[&call[..], &load].concat());
    let latency = summary["latencyMs"].take();
    assert!(latency["max"].as_f64().is_some_and(|max| max > 0.0), "{latency}");
    for figure in ["elapsedMs", "throughput"] {
        summary[figure] = Value::Null;
    }
    assert_eq!(
        summary,
        json!({
            "tool": tool, "concurrency": 20, "requestLimit": 300, "requests": 300, "ok": 300,
            "toolErrors": 0, "errors": 0, "errorRate": 0, "elapsedMs": null, "throughput": null,
            "latencyMs": null, "errorMessages": [],
        })
    );
}
