//! The dashboard as a process: a plan is run from it, it is killed meanwhile, and nothing is missed.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use ostwin_core::fs;
use ostwin_testkit::{TestProject, wait_until};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(120);

/// A running dashboard; killed when it goes.
pub(crate) struct Dashboard {
    pub(crate) child: Child,
    pub(crate) address: String,
    pub(crate) token: String,
}

impl Drop for Dashboard {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Dashboard {
    pub(crate) fn start(project: &TestProject) -> Result<Self> {
        let mut child = project
            .command("ostwin-dashboard")?
            .args(["--port", "0", "--json"])
            .arg("--project")
            .arg(project.root())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut line = String::new();
        let out = child.stdout.take().context("no output")?;
        BufReader::new(out).read_line(&mut line)?;
        let told: Value = serde_json::from_str(&line).context("it says where it is")?;
        let url = told["url"].as_str().context("no url")?;
        let address = url.strip_prefix("http://").context("no address")?.to_owned();
        let token = fs::read(&project.layout().dashboard_token(), 4096)?;
        let token = String::from_utf8(token)?.trim().to_owned();
        Ok(Self { child, address, token })
    }

    fn send(&self, method: &str, path: &str, last: Option<&str>, body: &str) -> Result<TcpStream> {
        let mut stream = TcpStream::connect(&self.address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let last = last.map(|id| format!("Last-Event-ID: {id}\r\n")).unwrap_or_default();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n\
             Content-Type: application/json\r\nConnection: close\r\n{last}\
             Content-Length: {}\r\n\r\n{body}",
            self.address,
            self.token,
            body.len()
        )?;
        Ok(stream)
    }

    pub(crate) fn ask(&self, method: &str, path: &str, body: &Value) -> Result<(u16, Value)> {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let mut answer = String::new();
        self.send(method, path, None, &body)?.read_to_string(&mut answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").context("no head")?;
        let status = head.split(' ').nth(1).context("no status")?.parse()?;
        Ok((status, serde_json::from_str(body).unwrap_or_default()))
    }

    pub(crate) fn get(&self, path: &str) -> Result<Value> {
        let (status, answer) = self.ask("GET", path, &Value::Null)?;
        ensure!(status == 200, "{path}: {status} {answer}");
        Ok(answer)
    }

    pub(crate) fn stream(&self, last: Option<&str>) -> Result<Events> {
        Ok(Events(BufReader::new(self.send("GET", "/api/stream", last, "")?)))
    }
}

pub(crate) struct Events(BufReader<TcpStream>);

impl Events {
    /// Reads on until a session was opened; the id of the last event.
    fn until_a_session_runs(&mut self) -> Result<String> {
        let mut last = String::new();
        loop {
            let Some((name, id, data)) = self.next()? else { bail!("the stream ended") };
            last = if id.is_empty() { last } else { id };
            if name == "attempt" && data["event"] == "opened" {
                return Ok(last);
            }
        }
    }

    /// The next event: name, id, data. `None` if the stream has ended.
    pub(crate) fn next(&mut self) -> Result<Option<(String, String, Value)>> {
        let (mut name, mut id, mut data) = (String::new(), String::new(), Value::Null);
        loop {
            let mut line = String::new();
            match self.0.read_line(&mut line) {
                Ok(0) => return Ok(None),
                // A server that was killed resets the connection.
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {
                    return Ok(None);
                }
                read => drop(read?),
            }
            let line = line.trim_end();
            match line.split_once(": ") {
                Some(("event", value)) => name = value.to_owned(),
                Some(("id", value)) => id = value.to_owned(),
                Some(("data", value)) => data = serde_json::from_str(value)?,
                _ if line.is_empty() && !name.is_empty() => return Ok(Some((name, id, data))),
                _ => {}
            }
        }
    }
}

const PLAN: &str = "# Plan: Two greetings\n\n\
    ## EPIC-001: One\n\nWrite a greeting.\n\n\
    ## EPIC-002: Two\n\ndepends_on: [EPIC-001]\n\nWrite another.\n";

#[test]
fn a_plan_is_run_from_the_browser_while_the_dashboard_is_killed() -> Result<()> {
    let project = TestProject::with_settings(&json!({
        "default_agent": "rehearsal",
        "plan_review": "off",
    }))?;
    let mut dashboard = Dashboard::start(&project)?;
    let mut events = dashboard.stream(None)?;
    let (status, made) = dashboard.ask("POST", "/api/plans", &json!({ "markdown": PLAN }))?;
    ensure!(status == 201, "{made}");
    let plan = made["plan_id"].as_str().context("no plan")?.to_owned();
    let run = format!("/api/plans/{plan}/run");
    let (status, started) = dashboard.ask("POST", &run, &json!({ "review": "off" }))?;
    ensure!(status == 202, "{started}");

    // In the middle of it the dashboard is killed; the engine does not notice.
    let last = events.until_a_session_runs()?;
    dashboard.child.kill()?;
    dashboard.child.wait()?;
    while events.next()?.is_some() {}

    let dashboard = Dashboard::start(&project)?;
    let mut events = dashboard.stream(Some(&last))?;
    let first = events.next()?.context("nothing was told")?.0;
    assert_eq!(first, "reset", "an id of another process says nothing");
    // What is told from now on and what is read now leave no gap.
    let state = |answer: &Value| answer["summary"]["state"].as_str().unwrap_or_default().to_owned();
    let path = format!("/api/plans/{plan}");
    let mut seen = state(&dashboard.get(&path)?);
    while seen != "finished" {
        ensure!(seen != "failed", "the plan failed");
        let Some((name, _, data)) = events.next()? else { bail!("the stream ended") };
        if name == "plan" {
            seen = data["state"].as_str().unwrap_or_default().to_owned();
        }
    }
    let board = dashboard.get(&path)?;
    assert_eq!(board["board"]["counts"]["passed"], 2, "{board}");
    let rooms = dashboard.get("/api/rooms")?;
    for room in rooms["items"].as_array().context("no rooms")? {
        assert_eq!(room["passed"], true, "{room}");
        let id = room["room"].as_str().context("no room")?;
        let channel = dashboard.get(&format!("/api/rooms/{id}/channel"))?;
        assert!(channel["items"].as_array().is_some_and(|items| items.len() >= 2), "{channel}");
        let transcript = dashboard.get(&format!("/api/rooms/{id}/attempts/1/transcript"))?;
        assert!(transcript["items"].as_array().is_some_and(|items| !items.is_empty()));
    }
    // The engine ends after its last word.
    let driven =
        || ostwin_core::control::is_driven(&project.layout().plan(&plan.parse().ok()?)).ok();
    wait_until("the engine's end", PATIENCE, || (driven() == Some(false)).then_some(()))?;
    Ok(())
}

#[test]
fn an_engine_that_is_killed_is_seen_to_be_gone() -> Result<()> {
    let project = TestProject::with_settings(&json!({
        "default_agent": "rehearsal",
        "plan_review": "off",
    }))?;
    let dashboard = Dashboard::start(&project)?;
    let mut events = dashboard.stream(None)?;
    let (_, made) = dashboard.ask("POST", "/api/plans", &json!({ "markdown": PLAN }))?;
    let plan = made["plan_id"].as_str().context("no plan")?.to_owned();
    let run = format!("/api/plans/{plan}/run");
    let (status, started) = dashboard.ask("POST", &run, &json!({}))?;
    ensure!(status == 202, "{started}");
    events.until_a_session_runs()?;
    let pid = i32::try_from(started["pid"].as_i64().context("no process")?)?;
    let pid = rustix::process::Pid::from_raw(pid).context("no process")?;
    rustix::process::kill_process(pid, rustix::process::Signal::KILL)?;
    // Nothing but the process is gone: no file says so.
    loop {
        let Some((name, _, data)) = events.next()? else { bail!("the stream ended") };
        if name == "plan" && data["engine"]["alive"] == false && data["state"] == "stopped" {
            assert_eq!(data["running_since"], Value::Null);
            return Ok(());
        }
    }
}

#[test]
fn tool_servers_and_agents_are_tested_by_starting_them() -> Result<()> {
    let project = TestProject::with_settings(&json!({
        "default_agent": "rehearsal",
        "agents": { "broken": { "command": ["false"] } },
    }))?;
    let dashboard = Dashboard::start(&project)?;
    let test = |path: &str| dashboard.ask("POST", path, &Value::Null);
    let (status, memory) = test("/api/mcp/memory/test")?;
    ensure!(status == 200, "{memory}");
    assert_eq!((&memory["name"], &memory["ok"]), (&json!("memory"), &json!(true)), "{memory}");
    let tools = memory["answer"]["tools"].as_array().context("no tools")?;
    assert!(tools.iter().any(|tool| tool["name"] == "search"), "{memory}");

    let server = json!({ "command": ["false"] });
    let (status, named) = dashboard.ask("PUT", "/api/mcp/mute", &server)?;
    ensure!(status == 200, "{named}");
    let (status, mute) = test("/api/mcp/mute/test")?;
    assert_eq!((status, &mute["ok"], &mute["answer"]), (200, &json!(false), &Value::Null));
    assert!(mute["error"].as_str().is_some_and(|error| !error.is_empty()), "{mute}");

    let (status, agent) = test("/api/agents/rehearsal/test")?;
    ensure!(status == 200, "{agent}");
    assert_eq!((&agent["ok"], &agent["error"]), (&json!(true), &Value::Null), "{agent}");
    assert!(agent["says"].as_str().is_some_and(|says| says.contains("rehearsal")), "{agent}");
    assert!(agent["took_ms"].is_u64(), "{agent}");
    let (status, broken) = test("/api/agents/broken/test")?;
    assert_eq!((status, &broken["ok"]), (200, &json!(false)), "{broken}");
    assert!(broken["error"].as_str().is_some_and(|error| !error.is_empty()), "{broken}");
    // Nothing of it is left: only the dashboard itself runs.
    wait_until("the end of what was tested", PATIENCE, || {
        (project.processes() == [dashboard.child.id()]).then_some(())
    })?;
    Ok(())
}

#[test]
fn a_finished_plan_runs_again_as_a_new_one_and_an_edited_one_goes_on() -> Result<()> {
    let project = TestProject::with_settings(&json!({
        "default_agent": "rehearsal",
        "plan_review": "off",
        "agents": { "rehearsal": { "command": ["ostwin-rehearsal", "--pace", "0"] } },
    }))?;
    let file = project.write("PLAN.md", PLAN)?;
    let mut first = project.command("ostwin")?;
    first.args(["run", "PLAN.md", "--no-wait", "--project"]).arg(project.root());
    ensure!(first.current_dir(project.root()).stdout(Stdio::null()).status()?.success());
    let dashboard = Dashboard::start(&project)?;
    let plans = dashboard.get("/api/plans")?;
    let plan = plans["items"][0]["plan_id"].as_str().context("no plan")?.to_owned();
    let run = |body: Value| dashboard.ask("POST", &format!("/api/plans/{plan}/run"), &body);
    let (status, refused) = run(json!({}))?;
    assert_eq!(status, 409, "{refused}");
    assert!(refused["detail"].as_str().is_some_and(|text| text.contains("`new`")), "{refused}");

    let state = |plan: &str| -> Result<Value> {
        let board = dashboard.get(&format!("/api/plans/{plan}"))?;
        Ok(board["summary"]["state"].clone())
    };
    let ended = |plan: &str| {
        let layout = project.layout().plan(&plan.parse().ok()?);
        let driven = ostwin_core::control::is_driven(&layout).ok()?;
        (!driven && state(plan).ok()? == "finished").then_some(())
    };
    // The epic that the edit changes has begun: that has to be said.
    project.write("PLAN.md", &PLAN.replace("Write another.", "Write a long one."))?;
    assert_eq!(dashboard.get(&format!("/api/plans/{plan}"))?["source_differs"], true);
    let (status, asked) = run(json!({ "resume": true }))?;
    assert_eq!(status, 409, "{asked}");
    let (status, resumed) = run(json!({ "resume": true, "begun": "redo" }))?;
    assert_eq!((status, &resumed["plan_id"]), (202, &json!(plan)), "{resumed}");
    wait_until("the revision's end", PATIENCE, || ended(&plan))?;
    let now = dashboard.get(&format!("/api/plans/{plan}"))?;
    assert_eq!((&now["revision"], &now["source_differs"]), (&json!(2), &json!(false)));

    let (status, again) = run(json!({ "new": true }))?;
    assert_eq!(status, 202, "{again}");
    let new = again["plan_id"].as_str().context("no plan")?.to_owned();
    assert_ne!(new, plan);
    wait_until("the new plan's end", PATIENCE, || ended(&new))?;
    drop(file);
    Ok(())
}

#[test]
fn a_link_leads_to_a_dashboard_that_runs() -> Result<()> {
    let project = TestProject::with_settings(&json!({}))?;
    let dashboard = Dashboard::start(&project)?;
    let link = |port: &str| -> Result<std::process::Output> {
        let mut command = project.command("ostwin-dashboard")?;
        command.args(["--link", "--json", "--port", port, "--project"]).arg(project.root());
        Ok(command.output()?)
    };
    let (_, port) = dashboard.address.rsplit_once(':').context("no port")?;
    let told: Value = serde_json::from_slice(&link(port)?.stdout)?;
    let way = told["link"].as_str().context("no link")?;
    let path = way.strip_prefix(&format!("http://{}", dashboard.address)).context("elsewhere")?;
    let mut answer = String::new();
    dashboard.send("GET", path, None, "")?.read_to_string(&mut answer)?;
    assert!(answer.to_lowercase().contains("\r\nset-cookie: "), "{answer}");

    // Nothing listens at a port of this number.
    let refused = link("1")?;
    assert_eq!(refused.status.code(), Some(6));
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(said.contains("no dashboard can be reached at http://127.0.0.1:1: "), "{said}");
    assert!(refused.stdout.is_empty());
    Ok(())
}

#[test]
fn a_supervisor_is_told_that_it_serves_and_that_it_ends() -> Result<()> {
    use std::os::unix::net::UnixDatagram;
    let project = TestProject::with_settings(&json!({}))?;
    let path = project.root().join("notify");
    let socket = UnixDatagram::bind(&path)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    let mut child = project
        .command("ostwin-dashboard")?
        .args(["--port", "0", "--json"])
        .arg("--project")
        .arg(project.root())
        .env("NOTIFY_SOCKET", &path)
        .env("WATCHDOG_USEC", "200000")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let told = || -> Result<String> {
        let mut bytes = [0; 4096];
        let length = socket.recv(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes[..length]).into_owned())
    };
    let ready = told()?;
    assert!(ready.starts_with("READY=1\nSTATUS=serving at http://127.0.0.1:"), "{ready}");
    for _ in 0..3 {
        assert_eq!(told()?.trim_end(), "WATCHDOG=1");
    }
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM)?;
    let mut last = told()?;
    while last.trim_end() == "WATCHDOG=1" {
        last = told()?;
    }
    assert_eq!(last.trim_end(), "STOPPING=1");
    assert!(child.wait()?.success());
    Ok(())
}
