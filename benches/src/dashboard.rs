//! The dashboard as a process over 50 rooms of 200 messages: how soon it tells, how fast it
//! answers, what it takes while nothing happens, and what a long channel costs it.

mod load;
mod server;
mod stream;
mod team;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use ostwin_core::room::Room;

pub(crate) use load::serve_bare;
pub(crate) use stream::append_as_told;

use server::{Connection, Server};
use team::{MESSAGES, ROOMS};

use crate::idle;
use crate::samples::Samples;
use crate::table::{self, Table, figure};

/// The hidden argument that makes this program append what it is told.
pub(crate) const APPENDER: &str = "__appender";
/// The hidden argument that makes this program answer with so many bytes.
pub(crate) const BARE_SERVER: &str = "__bare-server";

const STARTS: usize = 11;
const APPENDS: usize = 1_000;
const BURSTS: usize = 20;
const ROUNDS: usize = 5;
/// Messages of the long channel.
const LONG: usize = 100_000;
const READS: usize = 30;
/// What is appended to one channel while the server watches.
const GROWTH: u64 = 4 << 30;
/// What the disk must have left afterwards.
const SPARE: u64 = 2 << 30;
/// A thread of the runtime that was used once ends after ten idle seconds, which is a wake-up.
const SETTLE: Duration = Duration::from_secs(15);
const WATCH: Duration = Duration::from_secs(30);

/// `project DIR LONG`; gives the arguments behind it.
pub(crate) fn make_project<'a>(args: &'a [&'a str]) -> Result<&'a [&'a str]> {
    let [root, long, rest @ ..] = args else { bail!("`project` needs: a folder, a number") };
    let rooms = team::make(Path::new(root))?;
    team::say(rooms.last().context("there are rooms")?, long.parse()?)?;
    Ok(rest)
}

/// All but what takes gigabytes.
pub(crate) fn bench() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let rooms = team::make(dir.path())?;
    starts(dir.path())?;
    let (server, _) = Server::start(dir.path())?;
    let pss = idle::pss_kib(server.pid())?;
    table::print(&format!(
        "\ndashboard: {:.1} MiB (PSS) after its start; {}\n",
        mib(pss),
        first_load(&server)?
    ))?;
    events(&server, &rooms)?;
    requests(&server)?;
    at_rest(&server)?;
    drop(server);
    let room = rooms.last().context("there are rooms")?;
    team::say(room, LONG - MESSAGES)?;
    pages(&Server::start(dir.path())?.0, room)
}

fn mib(kib: u64) -> f64 {
    kib as f64 / 1024.0
}

fn starts(root: &Path) -> Result<()> {
    let started = Samples::told(STARTS, || Server::start(root).map(|(_, took)| took))?;
    let mut table = Table::new("dashboard: from spawn to where it listens");
    table.row(&format!("{ROOMS} rooms, {MESSAGES} messages each"), &started, "");
    table.print()
}

/// What a browser loads before it shows the first page, as the server sends it.
fn first_load(server: &Server) -> Result<String> {
    let mut connection = server.connect()?;
    let mut get = |path: &str| connection.ask(&server.request(path, "Accept-Encoding: gzip\r\n"));
    let page = server.get("/")?.body;
    let page = String::from_utf8_lossy(&page);
    let named = ["src=\"", "href=\""].into_iter().flat_map(|name| page.split(name).skip(1));
    let paths: Vec<&str> = named
        .filter_map(|rest| rest.split('"').next())
        .filter(|path| path.ends_with(".js") || path.ends_with(".css"))
        .collect();
    if paths.is_empty() {
        return Ok("built without the web app".to_owned());
    }
    let mut bytes = get("/")?.body.len();
    for path in &paths {
        bytes += get(&format!("/{}", path.trim_start_matches(['.', '/'])))?.body.len();
    }
    let kib = bytes as f64 / 1024.0;
    Ok(format!("the page and what it names, {} files: {kib:.1} KiB as sent", paths.len() + 1))
}

fn events(server: &Server, rooms: &[Room]) -> Result<()> {
    let mut stream = server.stream("?topics=channel")?;
    let mut table = Table::new("dashboard: from the append of a line to its event at a client");
    let bare = stream::measure_bare(APPENDS)?;
    let remark = |samples: &Samples| format!("p99 {}", figure(samples.p99()));
    table.row("bare append, seen by inotify and read", &bare, remark(&bare));
    let one = stream::measure(&mut stream, rooms, 1, APPENDS)?;
    table.row("one line, in turn in each room", &one, remark(&one) + " (target p99 20 ms)");
    let burst = stream::measure(&mut stream, rooms, rooms.len(), BURSTS)?;
    table.row("a line in every room at once", &burst, remark(&burst));
    table.print()
}

fn requests(server: &Server) -> Result<()> {
    // What was appended before is still being taken note of.
    settle(server.pid(), || Ok(()))?;
    let answer = server.get("/api/rooms")?;
    let known = server.request("/api/rooms", &format!("If-None-Match: {}\r\n", answer.etag));
    let asked = server.request("/api/rooms", "");
    let bare = Server::bare(answer.body.len())?;
    let any = bare.request("/", "");
    let mut rounds = [Vec::new(), Vec::new(), Vec::new()];
    // In turns, so that whatever else the machine does meets all of them.
    for _ in 0..ROUNDS {
        rounds[0].push(load::round(&bare, &any, 200)?);
        rounds[1].push(load::round(server, &asked, 200)?);
        rounds[2].push(load::round(server, &known, 304)?);
    }
    let [bare, asked, known] = rounds.map(load::median);
    let (bare, asked, known) = (bare?, asked?, known?);
    let kib = answer.body.len() as f64 / 1024.0;
    let mut table = Table::new(format!(
        "dashboard: `/api/rooms` of {ROOMS} rooms, {kib:.1} KiB, 4 connections"
    ));
    for (name, load, target) in [
        ("bare hyper reply of that size", &bare, ""),
        ("`/api/rooms`", &asked, " (target 50 %)"),
        ("`/api/rooms`, known already (304)", &known, ""),
    ] {
        let share = 100.0 * load.rate / bare.rate;
        let p99 = figure(load.answers.p99());
        let remark = format!("p99 {p99}, {:.0} a second, {share:.0} % of bare{target}", load.rate);
        table.row(name, &load.answers, remark);
    }
    table.print()
}

/// What it takes of the machine while nothing happens, without and with a browser that listens.
fn at_rest(server: &Server) -> Result<()> {
    let look = |name: &str| -> Result<()> {
        std::thread::sleep(SETTLE);
        let found = idle::wakeups(server.pid(), WATCH)?;
        table::print(&format!(
            "idle dashboard, {name}, {} s: {} wake-ups, {} ms of processor, {:.1} MiB (PSS)\n",
            WATCH.as_secs(),
            found.total(),
            found.cpu_ticks * 10,
            mib(idle::pss_kib(server.pid())?)
        ))
    };
    table::print("\n")?;
    look("nobody listens")?;
    let _listener = server.stream("")?;
    look("one listens (a heartbeat every 15 s)")
}

/// Pages of a long channel, wherever they stand in it.
fn pages(server: &Server, room: &Room) -> Result<()> {
    let path = format!("/api/rooms/{}/channel", room.id());
    let mut connection = server.connect()?;
    let mut table = Table::new(format!("dashboard: 100 messages of {LONG}"));
    let middle = LONG / 2;
    for (name, query) in [
        ("the newest", String::new()),
        ("from the middle", format!("?before={middle}")),
        ("the oldest, backwards", "?before=101".to_owned()),
        ("the oldest, forwards", "?after=0".to_owned()),
    ] {
        let request = server.request(&format!("{path}{query}"), "");
        let before = idle::read_bytes(server.pid())?;
        let length = connection.ask(&request)?.body.len();
        let read = idle::read_bytes(server.pid())? - before;
        let samples = Samples::take(READS, || connection.ask(&request))?;
        let [length, read] = [length as u64, read].map(|bytes| bytes as f64 / 1024.0);
        table.row(name, &samples, format!("{length:.0} KiB, for which {read:.0} KiB were read"));
    }
    table.print()?;
    let pss = mib(idle::pss_kib(server.pid())?);
    table::print(&format!("\ndashboard: {pss:.1} MiB (PSS) after that\n"))
}

/// What gigabytes in one channel do to the memory of a server that is listened to.
pub(crate) fn bench_growth() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let disk = rustix::fs::statvfs(dir.path())?;
    if disk.f_bavail * disk.f_frsize < GROWTH + SPARE {
        bail!("`{}` has no room for {} GiB", dir.path().display(), GROWTH >> 30);
    }
    let rooms = team::make(dir.path())?;
    let room = rooms.last().context("there are rooms")?;
    let (server, _) = Server::start(dir.path())?;
    let before = idle::pss_kib(server.pid())?;
    let mut listener = server.stream("")?;
    let listening = std::thread::spawn(move || listen(&mut listener));
    let (mut most, began) = (before, Instant::now());
    let mut look = || -> Result<()> {
        most = most.max(idle::pss_kib(server.pid())?);
        Ok(())
    };
    stream::fill(room, GROWTH, &mut look)?;
    let written = began.elapsed();
    settle(server.pid(), &mut look)?;
    let (took, after) = (began.elapsed(), idle::pss_kib(server.pid())?);
    let length = std::fs::metadata(room.channel().path())?.len();
    let page = format!("/api/rooms/{}/channel?limit=20", room.id());
    let page = Samples::take(READS, || server.get(&page))?;
    drop(server);
    let heard = listening.join().unwrap_or(0);
    table::print(&format!(
        "\ndashboard: one channel grows by {:.1} GiB within {}, and it is told within {} ({heard} \
         lines heard)\n  memory (PSS): {:.1} MiB before, {:.1} MiB at most, {:.1} MiB after\n  \
         the newest 20 messages after that: {} (median)\n",
        length as f64 / f64::from(1 << 30),
        figure(written),
        figure(took),
        mib(before),
        mib(most),
        mib(after),
        figure(page.median())
    ))
}

/// Reads until the server ends it.
fn listen(stream: &mut Connection) -> usize {
    let mut lines = 0;
    while stream.line().is_ok() {
        lines += 1;
    }
    lines
}

/// Waits until a process has done nothing for a second.
fn settle(pid: u32, mut meanwhile: impl FnMut() -> Result<()>) -> Result<()> {
    let process = Path::new("/proc").join(pid.to_string());
    loop {
        let before = idle::cpu_ticks(&process)?;
        for _ in 0..10 {
            std::thread::sleep(Duration::from_millis(100));
            meanwhile()?;
        }
        if idle::cpu_ticks(&process)? == before {
            return Ok(());
        }
    }
}
