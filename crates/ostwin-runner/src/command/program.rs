//! One run of the program: the prompt in, its output out, its exit.

use std::io;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{ChildStdin, ChildStdout};
use tokio_util::sync::CancellationToken;

use crate::process::{ExitStatus, async_command};

/// Output without a newline is passed on in pieces of this size.
const MAX_PIECE_BYTES: u64 = 8 << 10;

/// The longest last line that is kept.
const MAX_LINE_BYTES: usize = 1 << 20;

/// How long output is still read after the program has ended: what it started may hold it open.
const DRAIN: Duration = Duration::from_secs(2);

/// What a run came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Run {
    /// How the program ended.
    pub(super) status: ExitStatus,
    /// The last line with anything in it; none if there was none.
    pub(super) last_line: Option<LastLine>,
    /// It was asked to end.
    pub(super) cancelled: bool,
}

/// The last line of a program's output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum LastLine {
    /// The line.
    Text(String),
    /// It was longer than what is kept.
    TooLong,
}

/// Runs `argv` in `cwd` with `prompt` as its input, and passes on what it prints through `say`.
/// Once `cancelled`, the program gets SIGTERM; whatever ignores that is the guardian's to end.
///
/// # Errors
/// The program cannot be started or waited for.
pub(super) async fn run(
    argv: &[String],
    cwd: &Path,
    prompt: String,
    cancelled: &CancellationToken,
    mut say: impl FnMut(String),
) -> io::Result<Run> {
    let Some((program, args)) = argv.split_first() else {
        return Err(io::Error::other("there is no program to run"));
    };
    let mut child = async_command(program)
        .args(args)
        .current_dir(cwd)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let input = child.stdin.take();
    let feeding = tokio::spawn(async move { feed(input, &prompt).await });
    let mut last = Last::default();
    let pid = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
    let mut asked = false;
    let output = child.stdout.take();
    let status = {
        let reading = read(output, |piece| {
            last.take(piece);
            say(String::from_utf8_lossy(piece).into_owned());
        });
        tokio::pin!(reading);
        let mut read_to_end = false;
        let status = loop {
            tokio::select! {
                status = child.wait() => break status?,
                () = &mut reading, if !read_to_end => read_to_end = true,
                () = cancelled.cancelled(), if !asked => {
                    asked = true;
                    if let Some(pid) = pid {
                        // Fails only if it has just ended.
                        let _ = kill_process(pid, Signal::TERM);
                    }
                }
            }
        };
        if !read_to_end {
            // What is not there by then belongs to nobody who still works.
            let _ = tokio::time::timeout(DRAIN, &mut reading).await;
        }
        status
    };
    feeding.abort();
    let status = {
        use std::os::unix::process::ExitStatusExt as _;
        ExitStatus { code: status.code(), signal: status.signal() }
    };
    Ok(Run { status, last_line: last.line(), cancelled: asked })
}

/// Writes the prompt and closes the input. A program that does not read it is free not to.
async fn feed(input: Option<ChildStdin>, prompt: &str) {
    if let Some(mut input) = input {
        let _ = input.write_all(prompt.as_bytes()).await;
    }
}

async fn read(output: Option<ChildStdout>, mut take: impl FnMut(&[u8])) {
    let Some(output) = output else { return };
    let mut output = BufReader::new(output);
    let mut piece = Vec::new();
    while let Ok(1..) = (&mut output).take(MAX_PIECE_BYTES).read_until(b'\n', &mut piece).await {
        take(&piece);
        piece.clear();
    }
}

/// Keeps the last line of what comes in pieces.
#[derive(Debug, Default)]
struct Last {
    complete: Vec<u8>,
    open: Vec<u8>,
}

impl Last {
    fn take(&mut self, piece: &[u8]) {
        // One byte more than fits says that there was more.
        let room = (MAX_LINE_BYTES + 1).saturating_sub(self.open.len());
        self.open.extend_from_slice(&piece[..piece.len().min(room)]);
        if piece.ends_with(b"\n") {
            self.close();
        }
    }

    fn close(&mut self) {
        if !self.open.trim_ascii().is_empty() {
            std::mem::swap(&mut self.complete, &mut self.open);
        }
        self.open.clear();
    }

    fn line(mut self) -> Option<LastLine> {
        self.close();
        match self.complete.len() {
            0 => None,
            too_long if too_long > MAX_LINE_BYTES => Some(LastLine::TooLong),
            _ => {
                let line = String::from_utf8_lossy(self.complete.trim_ascii()).into_owned();
                Some(LastLine::Text(line))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Vec<String> {
        ["/bin/sh", "-c", script].map(str::to_owned).to_vec()
    }

    async fn ran(script: &str, prompt: &str) -> (Run, String) {
        let mut said = String::new();
        let cancelled = CancellationToken::new();
        let dir = std::env::temp_dir();
        let argv = shell(script);
        let run = run(&argv, &dir, prompt.to_owned(), &cancelled, |text| {
            said.push_str(&text);
        });
        let run = run.await.unwrap();
        (run, said)
    }

    fn exited(code: i32) -> ExitStatus {
        ExitStatus { code: Some(code), signal: None }
    }

    #[tokio::test]
    async fn the_prompt_goes_in_and_what_is_printed_comes_out() {
        let (run, said) = ran("cat; printf 'end\\n\\n'; exit 3", "do it\n").await;
        let last_line = Some(LastLine::Text("end".to_owned()));
        assert_eq!(run, Run { status: exited(3), last_line, cancelled: false });
        assert_eq!(said, "do it\nend\n\n");
    }

    #[tokio::test]
    async fn a_program_that_reads_nothing_and_one_that_says_nothing_are_fine() {
        let (run, said) = ran("exit 0", &"x".repeat(1 << 20)).await;
        assert_eq!(run, Run { status: exited(0), last_line: None, cancelled: false });
        assert_eq!(said, "");
    }

    #[tokio::test]
    async fn what_it_leaves_behind_does_not_hold_the_turn() {
        let (run, said) = ran("sleep 30 & echo $!", "").await;
        assert_eq!(run.status, exited(0));
        let left = Pid::from_raw(said.trim().parse().unwrap()).unwrap();
        // In a session the guardian ends it.
        kill_process(left, Signal::KILL).unwrap();
    }

    #[tokio::test]
    async fn a_cancelled_program_is_asked_to_end() {
        let cancelled = CancellationToken::new();
        let (token, argv) = (cancelled.clone(), shell("echo up; exec sleep 1000"));
        let dir = std::env::temp_dir();
        let run = run(&argv, &dir, String::new(), &cancelled, |_| token.cancel()).await.unwrap();
        assert!(run.cancelled);
        assert_eq!(run.status.signal, Some(15));
    }

    #[test]
    fn the_last_line_is_found_in_any_pieces() {
        let last = |pieces: &[&str]| {
            let mut last = Last::default();
            pieces.iter().for_each(|piece| last.take(piece.as_bytes()));
            last.line()
        };
        let text = |text: &str| Some(LastLine::Text(text.to_owned()));
        assert_eq!(last(&[]), None);
        assert_eq!(last(&["\n", " \n"]), None);
        assert_eq!(last(&["a\n", "b", "c\n", "\n"]), text("bc"));
        assert_eq!(last(&["a\n", "tail"]), text("tail"));
        let long = "x".repeat(MAX_LINE_BYTES);
        assert_eq!(last(&[&long, "\n"]), Some(LastLine::TooLong));
        assert_eq!(last(&[&long]), text(&long));
        assert_eq!(last(&[&long, "y", "\n", "z"]), text("z"));
    }
}
