//! Appending to one channel by many processes at once, against the bare system calls.
//!
//! The limit is what any append must do: open the file, take its lock, write the line. A post does
//! that too, and also checks the message, finds the last number from the end of the file, and
//! guards against torn lines, replaced files and full disks.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use ostwin_core::channel::{Channel, DEFAULT_MAX_MESSAGE_BYTES, Draft};
use ostwin_core::layout::Layout;
use ostwin_core::store::{Durability, Store};
use rustix::fs::FlockOperation;

use crate::samples::Samples;
use crate::table::{self, Table};

/// The hidden argument that makes this program a writer.
pub(crate) const WRITER: &str = "__writer";

const POST: &str = "post";
const BARE: &str = "bare";
const BODY: &str = "All three criteria are met; see `artifacts/report.md` for the evidence, and \
                    the tests in `tests/stock.py` for how to repeat it.";

/// Lines that all writers of a round append together.
const LINES: usize = 4_800;
const ROUNDS: usize = 7;

pub(crate) fn bench() -> Result<()> {
    let mut table = Table::new("append to one channel, per line, `durability: os`");
    for processes in [1, 16, 50] {
        let bare = rounds(BARE, processes)?;
        let post = rounds(POST, processes)?;
        let ratio = post.median().as_secs_f64() / bare.median().as_secs_f64();
        table.row(&format!("{processes} processes, bare open+lock+write"), &bare, "");
        let remark = format!("{ratio:.2}x of bare (target 1.5x)");
        table.row(&format!("{processes} processes, post"), &post, remark);
    }
    table.print()
}

/// Time per line, round by round, each on a new file.
fn rounds(kind: &str, processes: usize) -> Result<Samples> {
    let mut samples = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let dir = tempfile::tempdir()?;
        let room = Layout::new(dir.path()).room(&ostwin_core::ids::RoomId::numbered(1));
        ostwin_core::fs::create_dirs(room.dir())?;
        samples.push(round(kind, processes, &room.channel())?);
    }
    Ok(Samples::new(samples))
}

fn round(kind: &str, processes: usize, path: &Path) -> Result<Duration> {
    let each = LINES / processes;
    let mut writers =
        (0..processes).map(|_| Writer::start(kind, path, each)).collect::<Result<Vec<_>>>()?;
    for writer in &mut writers {
        writer.expect("ready")?;
    }
    let start = Instant::now();
    for writer in &mut writers {
        writer.go()?;
    }
    for writer in &mut writers {
        writer.expect("done")?;
    }
    let time = start.elapsed();
    let (written, wanted) = (count_lines(path)?, each * processes);
    if written != wanted {
        bail!("{processes} processes appended {wanted} lines and {written} are there");
    }
    Ok(time / u32::try_from(wanted)?)
}

fn count_lines(path: &Path) -> Result<usize> {
    let mut lines = 0;
    for line in BufReader::new(File::open(path)?).split(b'\n') {
        line?;
        lines += 1;
    }
    Ok(lines)
}

/// A writer process, from the side of whoever tells it what to do.
struct Writer {
    child: Child,
    said: BufReader<std::process::ChildStdout>,
}

impl Writer {
    #[expect(clippy::disallowed_methods, reason = "the benchmark's writers are processes")]
    fn start(kind: &str, path: &Path, lines: usize) -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args([WRITER, kind, &lines.to_string()])
            .arg(path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let said = child.stdout.take().context("a writer has an output")?;
        Ok(Self { child, said: BufReader::new(said) })
    }

    fn expect(&mut self, word: &str) -> Result<()> {
        let mut line = String::new();
        self.said.read_line(&mut line)?;
        if line.trim_end() == word { Ok(()) } else { bail!("a writer failed: see above") }
    }

    fn go(&mut self) -> Result<()> {
        let input = self.child.stdin.as_mut().context("a writer has an input")?;
        input.write_all(b"go\n")?;
        Ok(())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The writer itself: says when it is ready, waits for the word, appends, says when it is done.
pub(crate) fn write_as_told(args: &[&str]) -> Result<()> {
    let [kind, lines, path] = args else { bail!("a writer needs: kind, lines, path") };
    let (lines, path): (usize, _) = (lines.parse()?, Path::new(path));
    table::print("ready\n")?;
    std::io::stdin().read_line(&mut String::new())?;
    match *kind {
        POST => post(path, lines)?,
        _ => write_bare(path, lines)?,
    }
    table::print("done\n")
}

fn post(path: &Path, lines: usize) -> Result<()> {
    let store = Store::new(Durability::Os, Duration::from_secs(60));
    let channel = Channel::new(path.to_owned());
    let draft = Draft {
        attempt: None,
        from: "engineer".parse()?,
        to: "qa".parse()?,
        kind: "done".parse()?,
        reference: Some("EPIC-001".to_owned()),
        body: BODY.to_owned(),
        data: None,
    };
    for _ in 0..lines {
        channel.post(&store, draft.clone(), &[], DEFAULT_MAX_MESSAGE_BYTES)?;
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "the limit is measured with the bare calls")]
fn write_bare(path: &Path, lines: usize) -> Result<()> {
    // As long as the line that `post` writes.
    let line = format!("{{\"v\":1,{}\"body\":\"{BODY}\"}}\n", " ".repeat(170));
    for _ in 0..lines {
        let mut file = std::fs::OpenOptions::new().append(true).create(true).open(path)?;
        rustix::fs::flock(&file, FlockOperation::LockExclusive)?;
        file.write_all(line.as_bytes())?;
        rustix::fs::flock(&file, FlockOperation::Unlock)?;
    }
    Ok(())
}
