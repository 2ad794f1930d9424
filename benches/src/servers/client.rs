//! A client that writes the lines of the protocol and waits for each answer.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::idle;

/// A running server.
pub(crate) struct Client {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    line: String,
    last_id: u64,
}

impl Client {
    /// Starts `program`, which speaks nothing yet.
    #[expect(clippy::disallowed_methods, reason = "the measured program is started from outside")]
    pub(crate) fn start(program: &Path, args: &[String]) -> Result<Self> {
        let mut child = Command::new(program)
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start `{}`", program.display()))?;
        let input = child.stdin.take().context("a server has an input")?;
        let output = BufReader::new(child.stdout.take().context("a server has an output")?);
        Ok(Self { child, input, output, line: String::new(), last_id: 0 })
    }

    /// Greets the server.
    pub(crate) fn initialize(&mut self) -> Result<()> {
        let params = json!({
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": { "name": "ostwin-benches", "version": env!("CARGO_PKG_VERSION") },
        });
        self.request("initialize", &params)?;
        self.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }).to_string())
    }

    /// The result of a request.
    pub(crate) fn request(&mut self, method: &str, params: &Value) -> Result<Value> {
        self.timed_request(method, params).map(|(result, _)| result)
    }

    /// The result of a request, and the time from the line that asks to the line that answers.
    fn timed_request(&mut self, method: &str, params: &Value) -> Result<(Value, Duration)> {
        self.last_id += 1;
        let id = self.last_id;
        let request = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        let request = request.to_string();
        let asked = Instant::now();
        self.send(&request)?;
        let line = self.receive()?;
        let took = asked.elapsed();
        let mut answer: Value = serde_json::from_str(line)?;
        match answer.get_mut("result").map(Value::take) {
            Some(result) if answer["id"] == id => Ok((result, took)),
            _ => bail!("`{method}` was answered by {answer}"),
        }
    }

    /// The structured result of a call that must succeed, and how long its answer took.
    pub(crate) fn call(&mut self, tool: &str, arguments: &Value) -> Result<(Value, Duration)> {
        let params = json!({ "name": tool, "arguments": arguments });
        let (mut result, took) = self.timed_request("tools/call", &params)?;
        if result["isError"] == true {
            bail!("`{tool}` refused: {}", result["content"]);
        }
        Ok((result["structuredContent"].take(), took))
    }

    /// Sends one line.
    pub(crate) fn send(&mut self, line: &str) -> Result<()> {
        self.input.write_all(format!("{line}\n").as_bytes())?;
        Ok(())
    }

    /// The next line.
    pub(crate) fn receive(&mut self) -> Result<&str> {
        self.line.clear();
        if self.output.read_line(&mut self.line)? == 0 {
            bail!("the server has ended");
        }
        Ok(self.line.trim_end())
    }

    /// What the process itself costs in memory, in KiB.
    pub(crate) fn memory_kib(&self) -> Result<u64> {
        idle::pss_kib(self.child.id())
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
