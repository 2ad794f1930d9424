//! The tool servers: what a session pays for each before it has called anything, and what the
//! calls cost over small and large projects.

mod calls;
mod client;
pub(crate) mod corpus;
mod seat;
mod vectors;

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Result, bail};
use serde_json::{Value, json};

pub(crate) use calls::bench as bench_calls;
use client::Client;
use seat::Seat;

use crate::samples::Samples;
use crate::table::{self, Table};

const SERVERS: [&str; 4] = ["warroom", "memory", "dashboard", "skills"];
const STARTS: usize = 60;

/// The program of a server, beside this one.
fn program(server: &str) -> Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name(format!("ostwin-mcp-{server}"));
    if !path.is_file() {
        bail!("`{}` has not been built: use `cargo xtask bench`", path.display());
    }
    Ok(path)
}

/// Start, memory and the size of the list of tools, for each server.
pub(crate) fn bench() -> Result<()> {
    let seat = Seat::new()?;
    let mut starts = Table::new("tool servers: from spawn to `initialize` answered");
    let bare = start_times(echo_once)?;
    starts.row("bare: spawn of `cat` to its first line", &bare, "");
    let mut sizes = String::from("\ntool servers: what a session pays for each\n");
    for server in SERVERS {
        let program = program(server)?;
        let greet = || -> Result<Client> {
            let mut client = Client::start(&program, &seat.binding())?;
            client.initialize()?;
            Ok(client)
        };
        starts.row(server, &start_times(greet)?, "(target 5 ms)");
        let mut client = greet()?;
        let idle = client.memory_kib()? as f64 / 1024.0;
        let list = client.request("tools/list", &json!({}))?;
        let tools = list["tools"].as_array().map_or(0, Vec::len);
        let text = list["tools"].to_string();
        sizes.push_str(&format!(
            "  {server:9}  {idle:.1} MiB idle (target 4 MiB)   tools/list: {tools} tools, {:.1} KiB, \
             {} tokens, {} without the schemas of results\n",
            text.len() as f64 / 1024.0,
            tokens(&text)?,
            tokens(&as_models_read(&list["tools"]))?
        ));
    }
    starts.print()?;
    sizes.push_str("  memory is PSS; tokens are counted with the encoding o200k_base\n");
    table::print(&sizes)
}

/// Time to start a process that has said something, and the process is ended outside of it.
fn start_times(start: impl Fn() -> Result<Client>) -> Result<Samples> {
    let mut times = Vec::with_capacity(STARTS);
    for _ in 0..STARTS {
        let began = Instant::now();
        let client = start()?;
        times.push(began.elapsed());
        drop(client);
    }
    Ok(Samples::new(times))
}

/// The least that a process on a pipe can do.
fn echo_once() -> Result<Client> {
    let mut client = Client::start(Path::new("cat"), &[])?;
    client.send("{}")?;
    client.receive()?;
    Ok(client)
}

/// What hosts pass on to a model: names, descriptions and arguments.
fn as_models_read(tools: &Value) -> String {
    let tools = tools.as_array().into_iter().flatten();
    let parts = tools.map(|tool| json!([tool["name"], tool["description"], tool["inputSchema"]]));
    Value::from_iter(parts).to_string()
}

/// Tokens of a text for a current model.
fn tokens(text: &str) -> Result<usize> {
    let encoding = tiktoken_rs::bpe_for_tokenizer(tiktoken_rs::tokenizer::Tokenizer::O200kBase)?;
    Ok(encoding.count_ordinary(text))
}
