//! What a call costs: from the line that asks to the line that answers.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::{Value, json};

use super::client::Client;
use super::corpus::{self, Numbers};
use super::{Seat, program, vectors};
use crate::quality::labels;
use crate::samples::Samples;
use crate::table::{self, Table};

const CALLS: usize = 300;

/// Messages over channels and memories over ledgers of three sizes.
pub(crate) fn bench() -> Result<()> {
    let mut table = Table::new("calls, from the line that asks to the line that answers");
    table.row("bare: a line through `cat`", &echo()?, "");
    let mut memory = String::from("\nmemory of the servers behind their calls\n");
    let mut seat = Seat::new()?;
    for messages in [10, 1_000, 10_000] {
        seat = Seat::new()?;
        corpus::messages(&seat.room().channel(), messages)?;
        let mut client = greeted("warroom", &seat)?;
        let read = json!({ "last_n": 20 });
        let times = timed(|| client.call("read_messages", &read))?;
        table.row(&format!("read_messages, last 20 of {messages}"), &times, "(target 0.5 ms)");
        memory.push_str(&used("warroom", &client, &format!("{messages} messages"))?);
    }
    let mut client = greeted("warroom", &seat)?;
    let note = json!({ "to": "qa", "type": "note", "body": "Two of three parts are done." });
    let times = timed(|| client.call("post_message", &note))?;
    table.row("post_message behind 10000, durability os", &times, "(target 0.1 ms)");
    drop(client);

    for entries in [100, 10_000, 100_000] {
        let seat = Seat::new()?;
        ostwin_core::fs::replace_hint(&seat.layout().ledger(), &corpus::ledger(entries)?)?;
        let mut client = greeted("memory", &seat)?;
        let mut numbers = Numbers::new();
        let mut search = |mode: &str| {
            let question = json!({ "text": numbers.question(), "mode": mode });
            client.call("search", &question)
        };
        let first = Samples::once(|| search("lexical"))?;
        table.row(&format!("first search of {entries} entries: index made"), &first, "");
        let times = timed(|| search("lexical"))?;
        table.row(&format!("lexical search of {entries}"), &times, "(target 5 ms)");
        memory.push_str(&used("memory", &client, &format!("{entries} entries"))?);
        drop(client);
        memory.push_str(&hybrid(&mut table, &seat, entries)?);
    }
    table.print()?;
    table::print(&memory)
}

/// Searches by words and meaning, when every entry has its vector; the memory of the server.
fn hybrid(table: &mut Table, seat: &Seat, entries: usize) -> Result<String> {
    let set = labels::read()?;
    let sentences: Vec<&str> = set.entries.iter().map(|entry| entry.summary.as_str()).collect();
    if let Err(reason) = vectors::make(seat.room().project(), &sentences)? {
        return Ok(format!("  hybrid searches of {entries} entries were not measured: {reason}\n"));
    }
    let mut client = greeted("memory", seat)?;
    let mut numbers = Numbers::new();
    let mut queries = set.queries.iter().cycle();
    let mut search = || {
        // Words that the ledger has, and a meaning that its vectors have.
        let meaning = queries.next().map_or("", |query| query.text.as_str());
        let text = format!("{meaning} {}", numbers.question());
        let (answer, took) = client.call("search", &json!({ "text": text, "mode": "hybrid" }))?;
        if answer["mode_used"] != "hybrid" {
            bail!("a hybrid search became another: {}", answer["note"]);
        }
        Ok((answer, took))
    };
    let first = Samples::once(&mut search)?;
    table.row(&format!("first hybrid search of {entries}: encoder started"), &first, "");
    let times = timed(search)?;
    table.row(&format!("hybrid search of {entries}, warm"), &times, "(target 30 ms)");
    used("memory", &client, &format!("{entries}, hybrid"))
}

/// The times of many calls, without what the client does with their answers.
fn timed(mut call: impl FnMut() -> Result<(Value, Duration)>) -> Result<Samples> {
    Samples::told(CALLS, || call().map(|(_, took)| took))
}

fn greeted(server: &str, seat: &Seat) -> Result<Client> {
    let mut client = Client::start(&program(server)?, &seat.binding())?;
    client.initialize()?;
    Ok(client)
}

fn used(server: &str, client: &Client, over: &str) -> Result<String> {
    let mebibytes = client.memory_kib()? as f64 / 1024.0;
    Ok(format!("  {server:9}  {over:16}  {mebibytes:.1} MiB\n"))
}

/// The same way there and back without a server.
fn echo() -> Result<Samples> {
    let mut client = Client::start(Path::new("cat"), &[])?;
    let line = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" }).to_string();
    Samples::take(CALLS, || {
        client.send(&line)?;
        client.receive().map(str::len)
    })
}
