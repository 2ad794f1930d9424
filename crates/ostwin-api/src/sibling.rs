//! What another program of OSTwin does for the dashboard: it is started like a person would, and
//! its answer is JSON. An engine started so is a process of its own, which this one may leave.

use std::io::Read as _;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use ostwin_core::programs::Programs;
use ostwin_runner::process::command;
use serde_json::Value;

use crate::http::Problem;
use crate::project::Served;

/// The command line.
const PROGRAM: &str = "ostwin";
/// Exit codes of a command that was asked for something that cannot be.
const REFUSALS: [i32; 4] = [1, 2, 3, 4];
/// Most bytes of an answer that are read.
const ANSWER_BYTES: u64 = 16 << 20;
const POLL: Duration = Duration::from_millis(10);

/// Runs `ostwin` in the project with these arguments and gives what it printed.
pub(crate) fn ostwin(served: &Served, args: &[&str], patience: Duration) -> Result<Value, Problem> {
    let program = Programs::of_this_process().find(PROGRAM).ok_or_else(|| {
        let text = "the program `ostwin` is neither beside this one nor on PATH";
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, text)
    })?;
    let mut child = command(program)
        .args(args)
        .arg("--json")
        .arg("--project")
        .arg(served.root())
        .current_dir(served.root())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| Problem::of(StatusCode::SERVICE_UNAVAILABLE, &error))?;
    // Both are read while it runs: a full pipe would hold it up.
    let out = reader(child.stdout.take());
    let err = reader(child.stderr.take());
    let code = wait(&mut child, patience, args)?;
    let text = |reader: std::thread::JoinHandle<Vec<u8>>| {
        String::from_utf8_lossy(&reader.join().unwrap_or_default()).into_owned()
    };
    let (out, err) = (text(out), text(err));
    match code {
        Some(0) => {}
        // What was tested is told by the answer, whatever the exit code says.
        Some(code) if REFUSALS.contains(&code) && !out.trim().is_empty() => {}
        Some(code) if REFUSALS.contains(&code) => return Err(Problem::conflict(said(&err))),
        _ => return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, said(&err))),
    }
    serde_json::from_str(&out).map_err(|error| Problem::internal(&error))
}

fn reader(pipe: Option<impl std::io::Read + Send + 'static>) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(pipe) = pipe {
            // What was read before it broke is what there is.
            let _ = pipe.take(ANSWER_BYTES).read_to_end(&mut bytes);
        }
        bytes
    })
}

fn wait(child: &mut Child, patience: Duration, args: &[&str]) -> Result<Option<i32>, Problem> {
    let start = Instant::now();
    loop {
        let ended = child.try_wait().map_err(|error| Problem::internal(&error))?;
        if let Some(status) = ended {
            return Ok(status.code());
        }
        if start.elapsed() >= patience {
            let _ = child.kill();
            let _ = child.wait();
            let text =
                format!("`ostwin {}` has not ended after {} s", args.join(" "), patience.as_secs());
            return Err(Problem::new(StatusCode::GATEWAY_TIMEOUT, text));
        }
        std::thread::sleep(POLL);
    }
}

/// An error as the command line tells it, for a page: without the word `error:`.
fn said(err: &str) -> String {
    let text = err.trim();
    let text = text.strip_prefix("error: ").unwrap_or(text);
    if text.is_empty() { "it failed and said nothing".to_owned() } else { text.to_owned() }
}
