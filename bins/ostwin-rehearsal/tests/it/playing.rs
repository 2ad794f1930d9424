//! Parts and misbehaviour, without servers: what shows on the wire and in the
//! process table.

use std::os::unix::process::ExitStatusExt as _;

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde_json::{Value, json};

use crate::client::{Client, prompt_for, said};

fn rule(steps: &Value) -> Value {
    json!([{"steps": steps}])
}

fn process(pid: u32) -> Pid {
    Pid::from_raw(i32::try_from(pid).unwrap()).unwrap()
}

#[test]
fn the_usual_part_is_played_to_its_end() {
    let mut client = Client::new(&json!([]));
    let session = client.open();
    let id = client.prompt(&session, &prompt_for("engineer", "work"));
    let (answer, updates) = client.answer(id);
    assert_eq!(answer["result"]["stopReason"], "end_turn");
    assert!(answer["result"]["usage"]["inputTokens"].as_u64().unwrap() > 0);
    assert!(said(&updates).starts_with("Rehearsal: I take EPIC-001, \"Greet\"."));
    let plan = updates.iter().find(|update| update["sessionUpdate"] == "plan").unwrap();
    assert_eq!(plan["entries"][0]["status"], "in_progress");
    assert!(client.close().success());
}

#[test]
fn silence_ends_the_turn_and_the_nudge_goes_on_or_not() {
    let say = json!({"do": "say", "text": "on with it"});
    let mut client = Client::new(&rule(&json!([{"do": "silence"}, say])));
    let session = client.open();
    let (answer, text) = client.turn(&session, &prompt_for("engineer", "work"));
    assert_eq!((&answer["result"]["stopReason"], text.as_str()), (&json!("end_turn"), ""));
    assert_eq!(client.turn(&session, "and your signal?").1, "on with it");
    client.close();

    let mut client = Client::new(&rule(&json!([{"do": "silence", "nudge": "ignore"}, say])));
    let session = client.open();
    client.turn(&session, &prompt_for("engineer", "work"));
    assert_eq!(client.turn(&session, "and your signal?").1, "");
    client.close();
}

#[test]
fn a_prompt_without_a_contract_is_refused() {
    let mut client = Client::new(&json!([]));
    let session = client.open();
    let (answer, _) = client.turn(&session, "write a poem");
    assert_eq!(answer["error"]["code"], -32602);
    client.close();
}

#[test]
fn a_busy_service_is_played_as_often_as_the_script_says() {
    let steps = json!([{"do": "rate_limit", "times": 2}, {"do": "say", "text": "at last"}]);
    let mut client = Client::new(&rule(&steps));
    let session = client.open();
    let prompt = prompt_for("engineer", "work");
    for _ in 0..2 {
        let (answer, _) = client.turn(&session, &prompt);
        let wanted = (&json!(429), &json!(429));
        assert_eq!((&answer["error"]["code"], &answer["error"]["data"]["status"]), wanted);
    }
    assert_eq!(client.turn(&session, &prompt).1, "at last");
    client.close();
}

#[test]
fn a_crash_is_an_exit_code_or_a_kill() {
    for (how, code, signal) in [
        (json!({"do": "crash", "exit_code": 9}), Some(9), None),
        (json!({"do": "crash"}), None, Some(9)),
    ] {
        let mut client = Client::new(&rule(&json!([how])));
        let session = client.open();
        client.prompt(&session, &prompt_for("engineer", "work"));
        while client.next().is_some() {}
        let status = client.wait();
        assert_eq!((status.code(), status.signal()), (code, signal));
    }
}

#[test]
fn a_hanging_turn_can_be_cancelled_and_a_stubborn_one_cannot() {
    let mut client = Client::new(&rule(&json!([{"do": "say", "text": "now"}, {"do": "hang"}])));
    let session = client.open();
    let id = client.prompt(&session, &prompt_for("engineer", "work"));
    assert_eq!(client.next().unwrap()["method"], "session/update");
    let cancel = json!({"sessionId": session});
    client.send(&json!({"jsonrpc": "2.0", "method": "session/cancel", "params": cancel}));
    assert_eq!(client.answer(id).0["result"]["stopReason"], "cancelled");
    assert!(client.close().success());

    let stubborn = json!([{"do": "hang", "stubborn": true}]);
    let mut client = Client::new(&json!([
        {"when": {"role": ["qa"]}, "steps": [{"do": "say", "text": "still here"}]},
        {"steps": stubborn},
    ]));
    let session = client.open();
    let witness = client.open();
    client.prompt(&session, &prompt_for("engineer", "work"));
    // The same process goes on serving others, so it has got that far.
    assert_eq!(client.turn(&witness, &prompt_for("qa", "review")).1, "still here");
    kill_process(process(client.pid()), Signal::TERM).unwrap();
    assert_eq!(client.turn(&witness, &prompt_for("qa", "review")).0["error"], Value::Null);
    client.kill();
}

#[test]
fn a_stray_outlives_its_agent_and_ignores_term() {
    let mut client = Client::new(&rule(&json!([{"do": "fork", "seconds": 60}])));
    let session = client.open();
    let (_, text) = client.turn(&session, &prompt_for("engineer", "work"));
    let pid = text.split_whitespace().nth(1).unwrap().parse().unwrap();
    client.close();
    let stray = process(pid);
    // It leads a session of its own as soon as it has left this one.
    while rustix::process::getsid(Some(stray)) != Ok(stray) {
        test_kill_process(stray).expect("the stray ended");
        std::thread::yield_now();
    }
    kill_process(stray, Signal::KILL).unwrap();
}

#[test]
fn a_flood_of_updates_comes_whole_and_in_order() {
    let steps = json!([{"do": "flood", "to": "updates", "mib": 2}, {"do": "say", "text": "!"}]);
    let mut client = Client::new(&rule(&steps));
    let session = client.open();
    let (_, text) = client.turn(&session, &prompt_for("engineer", "work"));
    assert_eq!((text.len(), text.ends_with('!')), ((2 << 20) + 1, true));
    client.close();
}

#[test]
fn a_permission_is_asked_for_and_its_answer_told() {
    let mut client = Client::new(&rule(&json!([{"do": "ask_permission", "title": "Run it"}])));
    let session = client.open();
    let id = client.prompt(&session, &prompt_for("engineer", "work"));
    let request = loop {
        let message = client.next().unwrap();
        if message["method"] == "session/request_permission" {
            break message;
        }
    };
    assert_eq!(request["params"]["toolCall"]["title"], "Run it");
    let outcome = json!({"outcome": {"outcome": "selected", "optionId": "allow"}});
    client.send(&json!({"jsonrpc": "2.0", "id": request["id"], "result": outcome}));
    let (_, updates) = client.answer(id);
    assert_eq!(said(&updates), "The answer to \"Run it\" was: allow\n");
    client.close();
}

#[test]
fn a_session_that_it_never_saw_can_be_loaded() {
    let mut client = Client::new(&rule(&json!([{"do": "say", "text": "{ref} again"}])));
    client.initialize();
    let params = json!({"sessionId": "of-another-day", "cwd": "/", "mcpServers": []});
    let id = client.ask("session/load", &params);
    assert_eq!(client.answer(id).0["error"], Value::Null);
    let (_, text) = client.turn("of-another-day", &prompt_for("engineer", "work"));
    assert_eq!(text, "EPIC-001 again");
    client.close();
}

#[test]
fn figures_of_the_script_are_the_usage() {
    let usage = json!({"input_tokens": 100, "output_tokens": 20, "cost_usd": 0.25});
    let mut client = Client::new(&json!([{"steps": [], "usage": usage}]));
    let session = client.open();
    let id = client.prompt(&session, &prompt_for("engineer", "work"));
    let (answer, updates) = client.answer(id);
    let wanted = json!({"totalTokens": 120, "inputTokens": 100, "outputTokens": 20});
    assert_eq!(answer["result"]["usage"], wanted);
    assert_eq!(updates.last().unwrap()["cost"], json!({"amount": 0.25, "currency": "USD"}));
    client.close();
}

#[test]
fn a_server_that_is_missing_fails_the_session() {
    let mut client = Client::new(&json!([]));
    client.initialize();
    let server = json!({"name": "warroom", "command": "/no/such/server", "args": [], "env": []});
    let id = client.ask("session/new", &json!({"cwd": "/", "mcpServers": [server]}));
    let (answer, _) = client.answer(id);
    let problem = answer["error"]["data"].as_str().unwrap();
    assert!(problem.contains("`warroom` did not start (`/no/such/server`)"), "{problem}");
    client.close();
}
