//! Clients that break the protocol, and what a server does then: it answers as JSON-RPC says, or
//! not at all, stays small, and goes on.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::process::{ChildStdin, Stdio};
use std::time::Duration;

use ostwin_testkit::{Process, TestProject, wait_until};
use rustix::fs::{OFlags, fcntl_setfl};
use serde_json::{Value, json};

use super::client::{Client, Table, unpack};
use super::protocol::SERVERS;

const PATIENCE: Duration = Duration::from_secs(60);

/// The longest message that is read.
const LONGEST: usize = 16 << 20;

/// The code and the number of an error.
fn fault(answer: &Value) -> (i64, Value) {
    (answer["error"]["code"].as_i64().unwrap_or_else(|| panic!("{answer}")), answer["id"].clone())
}

/// The server still answers, and nothing else is to be read before.
fn goes_on(client: &mut Client) {
    let answer = client.request("ping", &json!({}));
    assert_eq!(answer["result"], json!({}), "{answer}");
}

#[test]
fn a_fault_is_answered_with_its_code_and_its_number() {
    let table = Table::new();
    for server in SERVERS {
        let mut client = Client::greeted(&table.project, server, &[]);
        for (line, expected) in [
            (r#"{"jsonrpc":"2.0","id":"a","method":"no/such"}"#, (-32601, json!("a"))),
            (r#"{"jsonrpc":"2.0","id":71,"method":"tools/call"}"#, (-32602, json!(71))),
            (
                r#"{"jsonrpc":"2.0","id":72,"method":"tools/call","params":{"name":7}}"#,
                (-32602, json!(72)),
            ),
            (
                r#"{"jsonrpc":"2.0","id":73,"method":"tools/call","params":{"name":"rm"}}"#,
                (-32602, json!(73)),
            ),
            (r#"{"jsonrpc":"2.0","id":74,"method":"ping","params":[1]}"#, (-32602, json!(74))),
            (r#"{"jsonrpc":"1.0","id":75,"method":"ping"}"#, (-32600, json!(75))),
            (r#"{"id":"b","method":"ping"}"#, (-32600, json!("b"))),
            (r#"{"jsonrpc":"2.0","id":76,"method":5}"#, (-32600, json!(76))),
            (r#"{"jsonrpc":"2.0","id":77}"#, (-32600, json!(77))),
            (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, (-32600, Value::Null)),
            (r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#, (-32600, Value::Null)),
            (r#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#, (-32600, Value::Null)),
            (r#"{"jsonrpc":"2.0","id":[],"method":"ping"}"#, (-32600, Value::Null)),
            (r#"{"jsonrpc":"2.0"}"#, (-32600, Value::Null)),
            ("17", (-32600, Value::Null)),
            ("[]", (-32600, Value::Null)),
        ] {
            client.raw(format!("{line}\n").as_bytes());
            let answer = client.receive();
            assert_eq!(fault(&answer), expected, "{server}: {line}");
            let words = answer["error"]["message"].as_str().unwrap_or_default();
            assert!(!words.is_empty(), "{server}: {line}: {answer}");
        }
        goes_on(&mut client);
    }
}

#[test]
fn what_is_no_request_is_not_answered() {
    let table = Table::new();
    for server in SERVERS {
        let mut client = Client::greeted(&table.project, server, &[]);
        for line in [
            &b"{\"jsonrpc\":\"2.0\",\"id\":"[..],
            b"",
            b"\r",
            b"\0\0\0",
            b"{\"jsonrpc\":\"2.0\",\"id\":7,\0\"method\":\"ping\"}",
            b"Content-Length: 52",
            br#"{"jsonrpc":"2.0","method":"notifications/of-another-program","params":{"a":[]}}"#,
            br#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":{}}}"#,
            br#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":999}}"#,
            br#"{"jsonrpc":"2.0","method":"tools/list"}"#,
            br#"{"jsonrpc":"2.0","id":999,"result":{}}"#,
            br#"{"jsonrpc":"2.0","id":999,"error":{"code":1,"message":"no"}}"#,
            br#"{"jsonrpc":"2.0","error":{"code":1,"message":"no"}}"#,
        ] {
            client.raw(line);
            client.raw(b"\n");
        }
        goes_on(&mut client);
        // What has a number is answered, also if its text is none.
        for (line, number) in [
            (&b"{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"\xff\xfe\"}"[..], 7),
            (br#"{"jsonrpc":"2.0","id":9,"method":"ping","params":{"a":1e999}}"#, 9),
        ] {
            client.raw(line);
            client.raw(b"\n");
            assert_eq!(fault(&client.receive()), (-32600, json!(number)), "{server}");
        }
        // A mark of the byte order and a carriage return are no faults.
        client.raw(b"\xEF\xBB\xBF{\"jsonrpc\":\"2.0\",\"id\":8,\"method\":\"ping\"}\r\n");
        assert_eq!(client.receive(), json!({ "jsonrpc": "2.0", "id": 8, "result": {} }));
    }
}

#[test]
fn what_comes_before_the_greeting_does_not_end_the_server() {
    let table = Table::new();
    for server in SERVERS {
        let mut client = Client::start(&table.project, server, &[]);
        let stray = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
        client.line(&stray);
        client.line(&json!({ "jsonrpc": "2.0", "id": 9, "result": {} }));
        goes_on(&mut client);
        // Whatever was answered so far, the conversation has not begun.
        client.line(&stray);
        client.line(&json!({
            "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": 9 }
        }));
        client.raw(b"no json\n[]\n");
        assert_eq!(fault(&client.receive()), (-32600, Value::Null));
        let early = client.request("tools/call", &json!({ "name": "list_memories" }));
        assert_eq!(early["error"]["code"], -32602, "{early}");
        client.line(&stray);
        let broken = client.request("initialize", &json!({ "protocolVersion": 7 }));
        assert_eq!(broken["error"]["code"], -32602, "{broken}");
        assert_eq!(client.initialize("2025-06-18")["protocolVersion"], "2025-06-18");
        goes_on(&mut client);
    }
}

#[test]
fn a_call_before_the_greeting_does_nothing() {
    let table = Table::new();
    let mut client = Client::start(&table.project, "ostwin-mcp-memory", &[]);
    let call = json!({
        "name": "publish",
        "arguments": { "kind": "code", "summary": "too early", "tags": ["x"] }
    });
    let early = client.request("tools/call", &call);
    assert_eq!(early["error"]["code"], -32602, "{early}");
    client.initialize("2025-06-18");
    let listed = client.ok("list_memories", &json!({}));
    assert_eq!(listed["memories"], json!([]), "nothing was published");
}

#[test]
fn batches_belong_to_one_revision() {
    let table = Table::new();
    let batch = json!([
        { "jsonrpc": "2.0", "id": "one", "method": "ping" },
        { "jsonrpc": "2.0", "method": "notifications/progress",
          "params": { "progressToken": 1, "progress": 1 } },
        { "jsonrpc": "2.0", "id": "two", "method": "tools/list" },
        { "jsonrpc": "2.0", "id": "two", "method": "ping" },
        { "jsonrpc": "2.0", "id": "three", "method": "no/such" },
        5,
    ]);
    for server in SERVERS {
        for version in ["2024-11-05", "2025-06-18", "2025-11-25"] {
            let mut client = Client::start(&table.project, server, &[]);
            client.initialize(version);
            client.line(&batch);
            assert_eq!(fault(&client.receive()), (-32600, Value::Null), "{version}");
            goes_on(&mut client);
        }
        let mut client = Client::start(&table.project, server, &[]);
        client.initialize("2025-03-26");
        client.line(&batch);
        let answer = client.receive();
        let mut parts: Vec<(Value, Value)> = answer
            .as_array()
            .unwrap_or_else(|| panic!("{answer}"))
            .iter()
            .map(|part| (part["id"].clone(), part["error"]["code"].clone()))
            .collect();
        parts.sort_by_key(|part| format!("{part:?}"));
        let mut expected = vec![
            (Value::Null, json!(-32600)),
            (Value::Null, json!(-32600)),
            (json!("one"), Value::Null),
            (json!("three"), json!(-32601)),
            (json!("two"), Value::Null),
        ];
        expected.sort_by_key(|part| format!("{part:?}"));
        assert_eq!(parts, expected, "{answer}");
        // One of notifications alone has no answer.
        client.line(&json!([{ "jsonrpc": "2.0", "method": "notifications/initialized" }]));
        goes_on(&mut client);
    }
}

/// A request that takes so many bytes, without its end of line.
fn request_of(bytes: usize, id: u64) -> Vec<u8> {
    // The number comes last, as some clients write it.
    let mut call = br#"{"method":"no/such","params":{"id":"7","of":""#.to_vec();
    let end = format!("\"}},\"jsonrpc\":\"2.0\",\"id\":{id}}}");
    call.resize(bytes - end.len(), b'x');
    call.extend_from_slice(end.as_bytes());
    call
}

#[test]
fn nobody_gets_megabytes_of_their_own_back() {
    let table = Table::new();
    let mut client = Client::greeted(&table.project, "ostwin-mcp-warroom", &[]);
    let long = "x".repeat(1 << 20);
    for (method, params) in [
        ("tools/call", json!({ "name": long })),
        ("resources/read", json!({ "uri": long })),
        ("prompts/get", json!({ "name": long })),
        (long.as_str(), json!({})),
    ] {
        let answer = client.request(method, &params);
        assert!(answer["error"].is_object() && answer.to_string().len() < 70_000, "too long");
    }
}

#[test]
fn a_message_may_be_16_mib_and_a_longer_one_is_refused_by_its_number() {
    let table = Table::new();
    for server in SERVERS {
        let mut client = Client::greeted(&table.project, server, &[]);
        for (bytes, id, code) in [(LONGEST, 501, -32601), (LONGEST + 1, 502, -32600)] {
            client.raw(&[&request_of(bytes, id), &b"\n"[..]].concat());
            assert_eq!(fault(&client.receive()), (code, json!(id)), "{server}");
        }
        let rubbish = vec![b'x'; LONGEST + 1];
        client.raw(&[&rubbish, &b"\n"[..]].concat());
        goes_on(&mut client);
    }
}

/// The most memory that a process has had so far.
fn peak_mib(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}

#[test]
fn a_line_without_end_costs_bounded_memory_and_is_nobodys_message() {
    let table = Table::new();
    let mut client = Client::greeted(&table.project, "ostwin-mcp-memory", &[]);
    let idle = peak_mib(client.process_id());
    client.raw(br#"{"jsonrpc":"2.0","id":5,"method":"ping","params":{"a":""#);
    let part = vec![b'x'; 1 << 20];
    for _ in 0..128 {
        client.raw(&part);
    }
    let grown = peak_mib(client.process_id()) - idle;
    assert!(grown < 3 * (LONGEST as u64 >> 20), "{grown} MiB");
    let (status, lines) = client.hang_up();
    assert_eq!((status.code(), lines), (Some(0), Vec::new()));
}

#[test]
fn a_request_that_was_torn_off_does_nothing() {
    let table = Table::new();
    let mut client = Client::greeted(&table.project, "ostwin-mcp-memory", &[]);
    let call = json!({
        "jsonrpc": "2.0", "id": 5, "method": "tools/call", "params": {
            "name": "publish",
            "arguments": { "kind": "code", "summary": "torn", "tags": ["x"] }
        }
    });
    client.raw(call.to_string().as_bytes());
    let (status, lines) = client.hang_up();
    assert_eq!((status.code(), lines), (Some(0), Vec::new()));
    assert!(!table.project.layout().ledger().exists());
}

#[test]
fn a_number_in_use_is_refused_and_a_withdrawn_request_is_not_answered() {
    let (table, attempt) = Table::at_work();
    let mut client = table.seat("ostwin-mcp-warroom", "engineer", &attempt.record.id);
    let question = json!({ "name": "ask_human", "arguments": { "question": "Which port?" } });
    let asking = client.send("tools/call", &question);
    wait_until("the question", PATIENCE, || (!table.messages().is_empty()).then_some(())).unwrap();
    client.line(&json!({ "jsonrpc": "2.0", "id": asking, "method": "ping" }));
    assert_eq!(fault(&client.receive()), (-32600, Value::Null));
    client.line(&json!({
        "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": asking }
    }));
    goes_on(&mut client);
    let (status, lines) = client.hang_up();
    assert_eq!((status.code(), lines), (Some(0), Vec::new()));
}

#[test]
fn a_storm_of_notifications_is_weathered() {
    let table = Table::new();
    let mut client = Client::greeted(&table.project, "ostwin-mcp-memory", &[]);
    let idle = peak_mib(client.process_id());
    let gusts = [
        json!({ "jsonrpc": "2.0", "method": "notifications/progress",
                "params": { "progressToken": "t", "progress": 1 } }),
        json!({ "jsonrpc": "2.0", "method": "notifications/cancelled",
                "params": { "requestId": 12345 } }),
        json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }),
        json!({ "jsonrpc": "2.0", "method": "notifications/weather" }),
    ];
    let storm: String = gusts.iter().cycle().take(2_000).map(|gust| format!("{gust}\n")).collect();
    for _ in 0..5 {
        client.raw(storm.as_bytes());
    }
    goes_on(&mut client);
    let grown = peak_mib(client.process_id()) - idle;
    assert!(grown < 16, "{grown} MiB");
}

/// A server whose answers are read by hand, or not.
struct Deaf {
    process: Process,
    input: ChildStdin,
}

impl Deaf {
    fn start(project: &TestProject, server: &str) -> Self {
        let mut command = project.command(server).unwrap();
        command.arg("--project").arg(project.root());
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = Process::spawn(&mut command).unwrap();
        let input = process.child().stdin.take().unwrap();
        Self { process, input }
    }

    fn greet(&mut self) {
        let greeting = json!({
            "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
                "protocolVersion": "2025-11-25",
                "capabilities": {},
                "clientInfo": { "name": "deaf", "version": "1" },
            }
        });
        self.input.write_all(format!("{greeting}\n").as_bytes()).unwrap();
    }

    /// What the process has done so far, and whether it sleeps.
    fn work(&self) -> (bool, String) {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id())).unwrap();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        (fields[0] == "S", fields[11..13].join(" "))
    }
}

#[test]
fn a_client_that_does_not_read_is_not_read_from() {
    let table = Table::new();
    let mut deaf = Deaf::start(&table.project, "ostwin-mcp-memory");
    deaf.greet();
    fcntl_setfl(&deaf.input, OFlags::NONBLOCK).unwrap();
    // Long requests, so that few of them wait in the pipe, and answers that are longer still.
    let padding = "x".repeat(2_000);
    let mut requests = (1..=20_000).map(|id| {
        let params = json!({ "_meta": { "padding": padding } });
        let request =
            json!({ "jsonrpc": "2.0", "id": id, "method": "tools/list", "params": params });
        format!("{request}\n").into_bytes()
    });
    let mut asked = 0;
    let mut rest = Vec::new();
    let (mut still, mut before) = (0, String::new());
    wait_until("the server to stop reading", PATIENCE, || {
        loop {
            if rest.is_empty() {
                rest = requests.next()?;
                asked += 1;
            }
            match deaf.input.write(&rest) {
                Ok(written) => drop(rest.drain(..written)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => panic!("{error}"),
            }
        }
        let (sleeps, done) = deaf.work();
        still = if sleeps && done == before { still + 1 } else { 0 };
        before = done;
        (still > 20).then_some(())
    })
    .unwrap();
    assert!(asked < 20_000, "it read everything");
    assert!(peak_mib(deaf.process.id()) < 64, "{} MiB", peak_mib(deaf.process.id()));

    // Nothing was lost: whoever reads at last gets an answer to each request that was sent.
    let output = deaf.process.child().stdout.take().unwrap();
    drop(deaf.input);
    let answers = BufReader::new(output).lines().map_while(Result::ok);
    // The last request may have been written in part.
    let expected = if rest.is_empty() { asked } else { asked - 1 };
    assert_eq!(answers.count(), expected + 1);
    assert_eq!(deaf.process.wait(PATIENCE).unwrap().code(), Some(0));
}

#[test]
fn a_server_whose_answers_nobody_can_read_ends() {
    let table = Table::new();
    for server in SERVERS {
        let mut ungreeted = Deaf::start(&table.project, server);
        drop(ungreeted.process.child().stdout.take());
        ungreeted.greet();
        assert_eq!(ungreeted.process.wait(PATIENCE).unwrap().code(), Some(0), "{server}");

        let mut greeted = Deaf::start(&table.project, server);
        let mut output = greeted.process.child().stdout.take().unwrap();
        greeted.greet();
        assert_eq!(output.read(&mut [0; 1]).unwrap(), 1);
        drop(output);
        greeted.input.write_all(b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\n").unwrap();
        // The input is still open.
        assert_eq!(greeted.process.wait(PATIENCE).unwrap().code(), Some(0), "{server}");
    }
}

#[test]
fn many_calls_at_once_are_all_answered() {
    let table = Table::new();
    let mut client = Client::greeted(&table.project, "ostwin-mcp-memory", &[]);
    let call = json!({ "name": "list_memories", "arguments": {} });
    let ids: Vec<u64> = (0..1_000).map(|_| client.send("tools/call", &call)).collect();
    let mut answered: Vec<u64> = ids
        .iter()
        .map(|_| {
            let answer = client.receive();
            assert!(!unpack(&answer).1, "{answer}");
            answer["id"].as_u64().unwrap()
        })
        .collect();
    answered.sort_unstable();
    assert_eq!(answered, ids);
}
