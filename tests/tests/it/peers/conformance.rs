//! The official conformance suite. It speaks HTTP only, so a bridge stands between it and the
//! server; scenarios that want tools of the suite's own are listed with the reason, and are held
//! against that list: one that passes without being expected to is as wrong as one that fails.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::sync::mpsc;
use std::time::Duration;

use ostwin_testkit::Process;
use serde_json::Value;

use super::kit::{self, Seat, Server, every_server};

every_server!(check);

fn check(server: &Server) {
    let seat = Seat::at(server);
    let (bridge, address) = bridge(&seat);
    let folder = seat.file("results");
    let mut suite = seat.node_package("conformance");
    suite.args(["server", "--suite", "all", "--url", &address, "--output-dir"]).arg(&folder);
    // Its exit code says that something failed, and the suite's own tools always do.
    let finished = kit::finish(&mut suite);
    hang_up(bridge);

    let mut passed = BTreeSet::new();
    let mut others = BTreeSet::new();
    for entry in std::fs::read_dir(&folder).unwrap_or_else(|_| panic!("{finished:#?}")) {
        let path = entry.unwrap().path();
        let checks = kit::json(&std::fs::read_to_string(path.join("checks.json")).unwrap());
        let said =
            |word: &str| checks.as_array().unwrap().iter().any(|check| check["status"] == word);
        let is_passed = said("SUCCESS") && !said("FAILURE");
        let scenario = scenario(path.file_name().unwrap().to_str().unwrap());
        if is_passed { &mut passed } else { &mut others }.insert(scenario);
    }

    let mut expected: BTreeSet<String> = not_applicable();
    for (offered, scenario) in
        [(server.resources, "resources-list"), (server.prompts, "prompts-list")]
    {
        if !offered {
            expected.insert(scenario.to_owned());
        }
    }
    assert_eq!(others, expected, "{}", finished.stdout);
    let own = ["dns-rebinding-protection", "ping", "server-initialize", "tools-list"];
    assert!(own.iter().all(|scenario| passed.contains(*scenario)), "{passed:?}");
}

/// The name of a scenario, from that of its results: `server-ping-2026-01-31T12-00-00-000Z`.
fn scenario(folder: &str) -> String {
    let name = folder.strip_prefix("server-").unwrap();
    let stamp = "-2026-01-31T12-00-00-000Z".len();
    name[..name.len() - stamp].to_owned()
}

fn not_applicable() -> BTreeSet<String> {
    let list = std::fs::read_to_string(kit::source("node/not-applicable.json")).unwrap();
    let Value::Object(reasons) = kit::json(&list) else { panic!("not an object: {list}") };
    reasons.into_iter().map(|(scenario, _)| scenario).collect()
}

/// A bridge to the server of a seat, and its address.
fn bridge(seat: &Seat) -> (Process, String) {
    let mut command = seat.node(&kit::source("node/bridge.mjs"));
    command.args(&seat.command).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut process = Process::spawn(&mut command).unwrap();
    let mut output = BufReader::new(process.child().stdout.take().unwrap());
    let (sender, first) = mpsc::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        sender.send(line).unwrap();
    });
    let address = first.recv_timeout(Duration::from_secs(60)).unwrap().trim().to_owned();
    assert!(address.starts_with("http://127.0.0.1:"), "`{address}`");
    (process, address)
}

/// Ends the bridge; it ends its servers.
fn hang_up(mut bridge: Process) {
    drop(bridge.child().stdin.take());
    assert!(bridge.wait(Duration::from_secs(60)).unwrap().success());
}
