//! From the append of a line to its event at a client, each in a process of its own.

use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::mem::MaybeUninit;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use ostwin_core::channel::{Channel, DEFAULT_MAX_MESSAGE_BYTES, Draft};
use ostwin_core::room::Room;
use ostwin_core::store::{Durability, Store};
use rustix::fs::inotify;

use super::APPENDER;
use super::server::Connection;
use crate::samples::Samples;
use crate::table;

/// What stands before the time in a message.
const MARK: &str = "appended at ";
/// How long nothing is appended between two measurements.
const PAUSE: Duration = Duration::from_millis(10);

/// The time of the machine, the same in every process.
#[expect(clippy::disallowed_methods, reason = "what is measured takes microseconds")]
fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Has messages appended to so many `rooms` at once, again and again, and waits for the events.
pub(super) fn measure(
    stream: &mut Connection,
    rooms: &[Room],
    at_once: usize,
    times: usize,
) -> Result<Samples> {
    let mut appender = Appender::start()?;
    let mut took = Vec::new();
    let mut next = rooms.iter().cycle();
    for _ in 0..times {
        for room in next.by_ref().take(at_once) {
            appender.append(POST, room.channel().path())?;
        }
        let mut left = at_once;
        while left > 0 {
            let line = stream.line()?;
            if let Some(at) = appended_at(&line) {
                took.push(now().saturating_sub(at));
                left -= 1;
            }
        }
        // It is the pace that is measured at.
        std::thread::sleep(PAUSE);
    }
    Ok(Samples::new(took))
}

/// The same without the server: a bare append that is seen by whoever watches the file.
pub(super) fn measure_bare(times: usize) -> Result<Samples> {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("lines");
    ostwin_core::fs::replace_hint(&path, b"")?;
    let watch = inotify::init(inotify::CreateFlags::CLOEXEC)?;
    inotify::add_watch(&watch, &path, inotify::WatchFlags::MODIFY)?;
    let mut buffer = [MaybeUninit::uninit(); 4096];
    let mut events = inotify::Reader::new(watch, &mut buffer);
    let mut appender = Appender::start()?;
    let (mut took, mut offset) = (Vec::new(), 0);
    for _ in 0..times {
        appender.append(BARE, &path)?;
        events.next()?;
        let mut file = std::fs::File::open(&path)?;
        file.seek(SeekFrom::Start(offset))?;
        let mut line = String::new();
        offset += u64::try_from(file.read_to_string(&mut line)?)?;
        let at = appended_at(&line).context("a line says when it was appended")?;
        took.push(now().saturating_sub(at));
        std::thread::sleep(PAUSE);
    }
    Ok(Samples::new(took))
}

fn appended_at(line: &str) -> Option<Duration> {
    let (_, rest) = line.split_once(MARK)?;
    let digits = rest.split(|char: char| !char.is_ascii_digit()).next()?;
    Some(Duration::from_nanos(digits.parse().ok()?))
}

const POST: &str = "post";
const BARE: &str = "bare";
/// Fills a channel with long messages.
const FILL: &str = "fill";

/// A process that appends, from the side of whoever tells it where.
struct Appender {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Appender {
    #[expect(clippy::disallowed_methods, reason = "the benchmark's writer is a process")]
    fn start() -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg(APPENDER)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let input = child.stdin.take().context("an appender has an input")?;
        let output = BufReader::new(child.stdout.take().context("an appender has an output")?);
        Ok(Self { child, input, output })
    }

    fn append(&mut self, how: &str, path: &Path) -> Result<()> {
        Ok(self.input.write_all(format!("{how} {}\n", path.display()).as_bytes())?)
    }
}

impl Drop for Appender {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Has a process of its own append `bytes` to the channel, in messages as long as they may be;
/// `meanwhile` is called until that is done.
pub(super) fn fill(
    room: &Room,
    bytes: u64,
    mut meanwhile: impl FnMut() -> Result<()>,
) -> Result<()> {
    let mut appender = Appender::start()?;
    appender.append(&format!("{FILL} {bytes}"), room.channel().path())?;
    std::thread::scope(|scope| {
        let done = scope.spawn(|| appender.output.read_line(&mut String::new()));
        while !done.is_finished() {
            meanwhile()?;
            std::thread::sleep(Duration::from_millis(50));
        }
        match done.join() {
            Ok(Ok(length)) if length > 0 => Ok(()),
            _ => bail!("the channel could not be filled: see above"),
        }
    })
}

/// The appender itself: a line on its input says how and where.
pub(crate) fn append_as_told() -> Result<()> {
    let store = Store::new(Durability::Os, Duration::from_secs(60));
    for line in std::io::stdin().lines() {
        let line = line?;
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            [POST, path] => post(&store, path, format!("{MARK}{}", now().as_nanos()))?,
            [BARE, path] => write_bare(Path::new(path))?,
            [FILL, bytes, path] => {
                let body = "What an agent has to say at length. ".repeat(1_800);
                let length = u64::try_from(body.len())?;
                for _ in 0..bytes.parse::<u64>()? / length {
                    post(&store, path, body.clone())?;
                }
                table::print("done\n")?;
            }
            _ => bail!("an appender is told how and where, not `{line}`"),
        }
    }
    Ok(())
}

fn post(store: &Store, path: &str, body: String) -> Result<()> {
    let draft = Draft {
        attempt: None,
        from: "engineer".parse()?,
        to: "qa".parse()?,
        kind: "note".parse()?,
        reference: None,
        body,
        data: None,
    };
    Channel::new(path.into()).post(store, draft, &[], DEFAULT_MAX_MESSAGE_BYTES)?;
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "the limit is measured with the bare calls")]
fn write_bare(path: &Path) -> Result<()> {
    let mut file = std::fs::OpenOptions::new().append(true).open(path)?;
    file.write_all(format!("{MARK}{}\n", now().as_nanos()).as_bytes())?;
    Ok(())
}
