//! The ACP driver against an agent on the other end of a pipe.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use libtest_mimic::Trial;
use ostwin_runner::acp::{
    AcpError, AgentInfo, Allow, McpServer, Open, PermissionAsk, PermissionDecision,
    PermissionPolicy, PromptEnd, RemoteServer, Session, StopReason, TokenUsage, Update, UpdateSink,
};
use serde_json::{Value, json};
use tokio::io::{DuplexStream, ReadHalf, WriteHalf};

use crate::fake_agent::{Wire, initialized, said};
use crate::support::{trial, until};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("acp::a_session_is_opened_and_prompted", a_session_is_opened_and_prompted),
        trial(
            "acp::all_updates_of_a_turn_come_before_its_end",
            all_updates_of_a_turn_come_before_its_end,
        ),
        trial(
            "acp::an_earlier_session_is_loaded_without_its_replay",
            an_earlier_session_is_loaded_without_its_replay,
        ),
        trial(
            "acp::servers_of_the_network_go_to_agents_that_can",
            servers_of_the_network_go_to_agents_that_can,
        ),
        trial(
            "acp::a_session_that_is_forgotten_is_replaced",
            a_session_that_is_forgotten_is_replaced,
        ),
        trial(
            "acp::a_model_is_selected_where_there_is_a_choice",
            a_model_is_selected_where_there_is_a_choice,
        ),
        trial(
            "acp::an_option_is_set_where_the_agent_has_it",
            an_option_is_set_where_the_agent_has_it,
        ),
        trial("acp::permissions_are_decided_and_observed", permissions_are_decided_and_observed),
        trial("acp::failures_are_sorted", failures_are_sorted),
        trial("acp::an_endless_line_is_given_up", an_endless_line_is_given_up),
        trial("acp::noise_is_passed_over_and_counted", noise_is_passed_over_and_counted),
        trial("acp::a_flood_waits_for_the_sink", a_flood_waits_for_the_sink),
        trial("acp::requests_wait_for_answers", requests_wait_for_answers),
        trial("acp::a_silent_agent_fails_the_handshake", a_silent_agent_fails_the_handshake),
        trial("acp::a_cancelled_turn_ends_as_cancelled", a_cancelled_turn_ends_as_cancelled),
    ]
}

type Agent = Wire<ReadHalf<DuplexStream>, WriteHalf<DuplexStream>>;

/// Keeps what it gets. While it is locked elsewhere, the driver has to wait.
#[derive(Debug, Default)]
struct Kept(Vec<Update>);

impl UpdateSink for Kept {
    fn update(&mut self, update: Update) {
        self.0.push(update);
    }
}

fn open() -> Open {
    Open {
        cwd: "/work".into(),
        mcp_servers: Vec::new(),
        remote_servers: Vec::new(),
        resume: None,
        model: None,
        options: Vec::new(),
        handshake_timeout: Duration::from_secs(20),
        client_version: "1".into(),
    }
}

/// A client that opens a session with `open`, and the agent's end of its pipe.
struct Stage {
    kept: Arc<Mutex<Kept>>,
    agent: Agent,
    session: tokio::task::JoinHandle<Result<Session, AcpError>>,
}

impl Stage {
    fn new(open: Open) -> Self {
        Self::with(open, Arc::new(Allow), |_, _| ())
    }

    fn with(
        open: Open,
        policy: Arc<dyn PermissionPolicy>,
        observe: impl Fn(&PermissionAsk, &PermissionDecision) + Send + Sync + 'static,
    ) -> Self {
        let (ours, theirs) = tokio::io::duplex(4 << 10);
        let (reader, writer) = tokio::io::split(ours);
        let kept = Arc::new(Mutex::new(Kept::default()));
        let sink = Arc::clone(&kept);
        let session = tokio::spawn(async move {
            Session::open(reader, writer, &open, sink, policy, observe).await
        });
        let (reader, writer) = tokio::io::split(theirs);
        Self { kept, agent: Wire::new(reader, writer), session }
    }

    /// After the handshake: what the client has, the agent's end, what was kept.
    async fn opened(mut self) -> (Session, Agent, Arc<Mutex<Kept>>) {
        self.agent.open("s").await;
        (self.session.await.unwrap().unwrap(), self.agent, self.kept)
    }
}

fn kept(kept: &Mutex<Kept>) -> Vec<Update> {
    kept.lock().unwrap().0.clone()
}

async fn a_session_is_opened_and_prompted() {
    let server = McpServer {
        name: "warroom".into(),
        command: "/bin/warroom".into(),
        args: vec!["--room".into(), "r".into()],
        env: vec![("A".into(), "b".into())],
    };
    let mut stage = Stage::new(Open { mcp_servers: vec![server], ..open() });
    let params = stage.agent.open("s").await;
    assert_eq!(
        params,
        json!({"cwd": "/work", "mcpServers": [{
            "name": "warroom", "command": "/bin/warroom", "args": ["--room", "r"],
            "env": [{"name": "A", "value": "b"}],
        }]})
    );
    let session = stage.session.await.unwrap().unwrap();
    assert_eq!(
        *session.info(),
        AgentInfo {
            name: Some("fake".into()),
            version: Some("7".into()),
            session_id: "s".into(),
            resumed: false,
            can_resume: true,
            models: Vec::new(),
            model_selected: false,
            left_out: Vec::new(),
        }
    );
    let mut agent = stage.agent;
    let answering = async {
        let (id, params) = agent.expect("session/prompt").await;
        let prompt = json!([{"type": "text", "text": "do it"}]);
        assert_eq!(params, json!({"sessionId": "s", "prompt": prompt}));
        let usage =
            json!({"inputTokens": 10, "outputTokens": 5, "totalTokens": 17, "cachedReadTokens": 2});
        agent.answer(&id, &json!({"stopReason": "end_turn", "usage": usage})).await;
    };
    let (end, ()) = tokio::join!(session.prompt("do it"), answering);
    let usage =
        TokenUsage { input: 10, output: 5, total: 17, cached_read: 2, ..TokenUsage::default() };
    assert_eq!(end, Ok(PromptEnd { stop_reason: StopReason::EndTurn, usage: Some(usage) }));
}

async fn all_updates_of_a_turn_come_before_its_end() {
    let (session, mut agent, sink) = Stage::new(open()).opened().await;
    let answering = async {
        let (id, _) = agent.expect("session/prompt").await;
        for number in 0..500 {
            agent.say(&number.to_string()).await;
        }
        agent.answer(&id, &json!({"stopReason": "end_turn"})).await;
    };
    let (end, ()) = tokio::join!(session.prompt("go"), answering);
    end.unwrap();
    let expected: Vec<Update> =
        (0..500).map(|number: i32| Update::Text(number.to_string())).collect();
    assert_eq!(kept(&sink), expected);
}

async fn an_earlier_session_is_loaded_without_its_replay() {
    let mut stage = Stage::new(Open { resume: Some("earlier".into()), ..open() });
    let agent = &mut stage.agent;
    let (id, _) = agent.expect("initialize").await;
    agent.answer(&id, &initialized()).await;
    let (id, params) = agent.expect("session/load").await;
    assert_eq!(params, json!({"sessionId": "earlier", "cwd": "/work", "mcpServers": []}));
    agent.say("what was said before").await;
    agent.answer(&id, &json!({})).await;
    let session = stage.session.await.unwrap().unwrap();
    assert_eq!((session.info().session_id.as_str(), session.info().resumed), ("earlier", true));
    stage.agent.say("news").await;
    let sink = stage.kept;
    until(|| (!kept(&sink).is_empty()).then_some(())).await;
    assert_eq!(kept(&sink), [Update::Text("news".into())]);
}

fn remote(name: &str, sse: bool) -> RemoteServer {
    RemoteServer {
        name: name.into(),
        url: format!("https://example.org/{name}"),
        headers: vec![("Authorization".into(), "Bearer x".into())],
        sse,
    }
}

/// An agent that can load sessions and reach these servers.
fn can(http: bool, sse: bool) -> Value {
    let mut answer = initialized();
    answer["agentCapabilities"]["mcpCapabilities"] = json!({"http": http, "sse": sse});
    answer
}

async fn servers_of_the_network_go_to_agents_that_can() {
    let headers = json!([{"name": "Authorization", "value": "Bearer x"}]);
    let docs = json!({
        "type": "http", "name": "docs", "url": "https://example.org/docs", "headers": headers,
    });
    let feed = json!({
        "type": "sse", "name": "feed", "url": "https://example.org/feed", "headers": headers,
    });
    let without = |name: &str, how: &str| {
        format!(
            "the session has no MCP server `{name}`: it is reached over {how}, and the agent's \
             program says that it cannot"
        )
    };
    let (no_docs, no_feed) = (without("docs", "HTTP"), without("feed", "SSE"));
    for (abilities, given, left_out) in [
        (can(true, true), json!([docs, feed]), vec![]),
        (can(true, false), json!([docs]), vec![no_feed.clone()]),
        (can(false, true), json!([feed]), vec![no_docs.clone()]),
        (initialized(), json!([]), vec![no_docs, no_feed]),
    ] {
        for (resume, method) in [(None, "session/new"), (Some("s".to_owned()), "session/load")] {
            let remote_servers = vec![remote("docs", false), remote("feed", true)];
            let mut stage = Stage::new(Open { remote_servers, resume, ..open() });
            let agent = &mut stage.agent;
            let (id, _) = agent.expect("initialize").await;
            agent.answer(&id, &abilities).await;
            let (id, params) = agent.expect(method).await;
            assert_eq!(params["mcpServers"], given, "{method}");
            agent.answer(&id, &json!({"sessionId": "s"})).await;
            let session = stage.session.await.unwrap().unwrap();
            assert_eq!(session.info().left_out, left_out, "{method}");
        }
    }
}

async fn a_session_that_is_forgotten_is_replaced() {
    let mut stage = Stage::new(Open { resume: Some("earlier".into()), ..open() });
    let agent = &mut stage.agent;
    let (id, _) = agent.expect("initialize").await;
    agent.answer(&id, &initialized()).await;
    let (id, _) = agent.expect("session/load").await;
    agent.refuse(&id, -32002, "Resource not found").await;
    let (id, _) = agent.expect("session/new").await;
    agent.answer(&id, &json!({"sessionId": "fresh"})).await;
    let session = stage.session.await.unwrap().unwrap();
    assert_eq!((session.info().session_id.as_str(), session.info().resumed), ("fresh", false));
}

async fn a_model_is_selected_where_there_is_a_choice() {
    let mut stage = Stage::new(Open { model: Some("Large".into()), ..open() });
    let agent = &mut stage.agent;
    let (id, _) = agent.expect("initialize").await;
    agent.answer(&id, &initialized()).await;
    let (id, _) = agent.expect("session/new").await;
    let options = json!([{
        "id": "model", "name": "Model", "category": "model", "type": "select",
        "currentValue": "s", "options": [{"value": "s", "name": "Small"}, {"value": "l", "name": "Large"}],
    }]);
    agent.answer(&id, &json!({"sessionId": "s", "configOptions": options})).await;
    let (id, params) = agent.expect("session/set_config_option").await;
    assert_eq!((&params["configId"], &params["value"]), (&json!("model"), &json!("l")));
    agent.answer(&id, &json!({"configOptions": options})).await;
    assert!(stage.session.await.unwrap().unwrap().info().model_selected);
}

async fn an_option_is_set_where_the_agent_has_it() {
    let wishes = vec![("temperature", "0.2".to_owned()), ("max_tokens", "4000".to_owned())];
    let offered = |values: &[&str]| {
        let values: Vec<Value> =
            values.iter().map(|value| json!({"value": value, "name": value})).collect();
        json!([{
            "id": "temperature", "name": "Temperature", "type": "select",
            "currentValue": "1", "options": values,
        }])
    };
    let no_effect =
        |what: &str, why: &str| format!("{what} has no effect: the agent's program {why}");
    let no_tokens = no_effect("`max_tokens` (4000)", "offers no such option");
    let no_value = no_effect("`temperature` (0.2)", "does not offer that value");
    let no_option = no_effect("`temperature` (0.2)", "offers no such option");
    for (options, set, left_out) in [
        (offered(&["0.20", "1"]), Some("0.20"), vec![no_tokens.clone()]),
        (offered(&["0", "1"]), None, vec![no_value, no_tokens.clone()]),
        (json!([]), None, vec![no_option, no_tokens]),
    ] {
        let mut stage = Stage::new(Open { options: wishes.clone(), ..open() });
        let agent = &mut stage.agent;
        let (id, _) = agent.expect("initialize").await;
        agent.answer(&id, &initialized()).await;
        let (id, _) = agent.expect("session/new").await;
        agent.answer(&id, &json!({"sessionId": "s", "configOptions": options})).await;
        if let Some(value) = set {
            let (id, params) = agent.expect("session/set_config_option").await;
            assert_eq!(
                (&params["configId"], &params["value"]),
                (&json!("temperature"), &json!(value))
            );
            agent.answer(&id, &json!({"configOptions": options})).await;
        }
        let session = stage.session.await.unwrap().unwrap();
        assert_eq!(session.info().left_out, left_out);
    }
}

fn permission(id: u32) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": "session/request_permission", "params": {
        "sessionId": "s",
        "toolCall": {"toolCallId": "t", "title": "Run tests", "rawInput": {"command": "make"}},
        "options": [
            {"optionId": "no", "name": "No", "kind": "reject_once"},
            {"optionId": "yes", "name": "Yes", "kind": "allow_once"},
        ],
    }})
}

async fn permissions_are_decided_and_observed() {
    let observed = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&observed);
    let stage = Stage::with(open(), Arc::new(Allow), move |ask, decision| {
        seen.lock().unwrap().push((ask.title.clone(), decision.clone()));
    });
    let (_session, mut agent, _) = stage.opened().await;
    agent.send(&permission(41)).await;
    let answer = agent.next().await.unwrap();
    let outcome = json!({"outcome": {"outcome": "selected", "optionId": "yes"}});
    assert_eq!((&answer["id"], &answer["result"]), (&json!(41), &outcome));
    let decision = PermissionDecision { choice: Some("yes".into()), decided_by: "auto".into() };
    assert_eq!(*observed.lock().unwrap(), [("Run tests".to_owned(), decision)]);
}

async fn failures_are_sorted() {
    let refused = async |code, message: &str| {
        let (session, mut agent, _) = Stage::new(open()).opened().await;
        let answering = async {
            let (id, _) = agent.expect("session/prompt").await;
            agent.refuse(&id, code, message).await;
        };
        tokio::join!(session.prompt("go"), answering).0.unwrap_err()
    };
    assert_eq!(refused(-32000, "log in").await, AcpError::Auth("log in".into()));
    assert_eq!(refused(429, "slow down").await, AcpError::RateLimited("slow down".into()));
    assert_eq!(
        refused(-32603, "boom").await,
        AcpError::Agent { code: -32603, message: "boom".into() }
    );
    let (session, mut agent, _) = Stage::new(open()).opened().await;
    let leaving = async {
        agent.expect("session/prompt").await;
        drop(agent);
    };
    assert_eq!(tokio::join!(session.prompt("go"), leaving).0, Err(AcpError::Closed));
}

async fn an_endless_line_is_given_up() {
    let (session, mut agent, _) = Stage::new(open()).opened().await;
    let (end, ()) = tokio::join!(
        async {
            let end = session.prompt("go").await;
            session.close().await;
            end
        },
        async {
            agent.expect("session/prompt").await;
            // The write ends early, because nobody reads any more.
            assert!(agent.line(&"x".repeat(17 << 20)).await.is_err());
        }
    );
    let Err(AcpError::Protocol(fault)) = end else { panic!("{end:?}") };
    assert!(fault.contains("16777216 bytes"), "{fault}");
}

async fn noise_is_passed_over_and_counted() {
    let (session, mut agent, _) = Stage::new(open()).opened().await;
    let answering = async {
        let (id, _) = agent.expect("session/prompt").await;
        for line in ["Debugger listening", "", "[]", "{\"half\":"] {
            agent.line(line).await.unwrap();
        }
        agent.answer(&id, &json!({"stopReason": "refusal"})).await;
    };
    let (end, ()) = tokio::join!(session.prompt("go"), answering);
    assert_eq!(end.map(|end| end.stop_reason), Ok(StopReason::Refusal));
    assert_eq!(session.noise(), 3);
}

async fn a_flood_waits_for_the_sink() {
    let (session, mut agent, sink) = Stage::new(open()).opened().await;
    let held = Arc::clone(&sink);
    let (release, released) = std::sync::mpsc::channel::<()>();
    let (locked, is_locked) = tokio::sync::oneshot::channel();
    // The sink is held on a thread, so that nothing of the test waits for it.
    let holder = std::thread::spawn(move || {
        let guard = held.lock().unwrap();
        locked.send(()).unwrap();
        released.recv().unwrap();
        drop(guard);
    });
    is_locked.await.unwrap();
    let chunk = said(&"x".repeat(1_000)).to_string();
    let sent = AtomicUsize::new(0);
    let flood = async {
        loop {
            agent.line(&chunk).await.unwrap();
            sent.fetch_add(1, Ordering::Relaxed);
        }
    };
    // The pipe, and what the reader has taken out of it at once.
    let stuck = until_stuck(flood, &sent, 4).await;
    assert!(stuck < 200, "{stuck} updates went somewhere");
    release.send(()).unwrap();
    holder.join().unwrap();
    until(|| (kept(&sink).len() >= stuck - 1).then_some(())).await;
    drop(session);
}

/// Lets a flood go on until it has `sent` at least so much and then stands still; how much it was.
async fn until_stuck(flood: impl Future<Output = ()>, sent: &AtomicUsize, least: usize) -> usize {
    let count = || sent.load(Ordering::Relaxed);
    let standstill = async {
        until(|| (count() >= least).then_some(())).await;
        // A machine that stalls here only makes the test milder.
        tokio::time::sleep(Duration::from_millis(300)).await;
    };
    tokio::select! {
        () = flood => panic!("the flood came to an end"),
        () = standstill => count(),
    }
}

/// Never decides.
struct Asleep;

impl PermissionPolicy for Asleep {
    fn decide<'a>(
        &'a self,
        _: &'a PermissionAsk,
    ) -> std::pin::Pin<Box<dyn Future<Output = PermissionDecision> + Send + 'a>> {
        Box::pin(std::future::pending())
    }
}

async fn requests_wait_for_answers() {
    let stage = Stage::with(open(), Arc::new(Asleep), |_, _| ());
    let (session, mut agent, _) = stage.opened().await;
    let sent = AtomicUsize::new(0);
    let flood = async {
        for id in 0.. {
            agent.send(&permission(id)).await;
            sent.fetch_add(1, Ordering::Relaxed);
        }
    };
    let stuck = until_stuck(flood, &sent, 64).await;
    assert!(stuck < 200, "{stuck} requests went somewhere");
    drop(session);
}

async fn a_silent_agent_fails_the_handshake() {
    let mut stage = Stage::new(Open { handshake_timeout: Duration::from_secs(1), ..open() });
    stage.agent.expect("initialize").await;
    let error = stage.session.await.unwrap().unwrap_err();
    assert_eq!(error, AcpError::HandshakeTimeout("initialize"));
    assert_eq!(stage.agent.next().await, None, "the connection is still open");
}

async fn a_cancelled_turn_ends_as_cancelled() {
    let (session, mut agent, _) = Stage::new(open()).opened().await;
    let answering = async {
        let (id, _) = agent.expect("session/prompt").await;
        let (none, params) = agent.expect("session/cancel").await;
        assert_eq!((none, params), (Value::Null, json!({"sessionId": "s"})));
        agent.answer(&id, &json!({"stopReason": "cancelled"})).await;
    };
    let cancelling = async { session.cancel() };
    let (end, (), ()) = tokio::join!(session.prompt("go"), answering, cancelling);
    assert_eq!(end.map(|end| end.stop_reason), Ok(StopReason::Cancelled));
}
