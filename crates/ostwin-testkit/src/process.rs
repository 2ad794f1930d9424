//! Processes of a test: found, started, waited for with a limit, and never left behind.

use std::ffi::OsStr;
use std::io::{self, Read};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread::JoinHandle;
use std::time::Duration;

use ostwin_core::env;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions};

/// A command, for tests that start programs.
#[expect(clippy::disallowed_methods, reason = "tests start processes of their own")]
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    Command::new(program)
}

/// The folder of the binaries that were built with this test.
pub(crate) fn bin_dir() -> io::Result<PathBuf> {
    if let Some(dir) = env::var_os(env::BIN_DIR) {
        return Ok(dir.into());
    }
    // target/<profile>/deps/<test> or target/<profile>/<program>
    let exe = std::env::current_exe()?;
    let dir = exe.parent().ok_or(io::ErrorKind::NotFound)?;
    let dir = if dir.ends_with("deps") { dir.parent().unwrap_or(dir) } else { dir };
    Ok(dir.to_owned())
}

/// The path of one of the workspace's binaries, as built with this test or named by
/// `OSTWIN_BIN_DIR`.
///
/// # Errors
/// It has not been built.
pub fn bin(name: &str) -> io::Result<PathBuf> {
    let path = bin_dir()?.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    if path.is_file() {
        return Ok(path);
    }
    let text = format!(
        "`{}` has not been built: run `cargo build --workspace --bins`, or the tests through \
         `cargo xtask test`",
        path.display()
    );
    Err(io::Error::new(io::ErrorKind::NotFound, text))
}

/// A running process, killed when the value is dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    /// Told once, when the process has ended.
    ended: Receiver<()>,
}

/// What a process left.
#[derive(Debug)]
pub struct Finished {
    /// How it ended.
    pub status: ExitStatus,
    /// Its standard output, invalid UTF-8 replaced.
    pub stdout: String,
    /// Its standard error, invalid UTF-8 replaced.
    pub stderr: String,
}

impl Process {
    /// Starts `command`.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn spawn(command: &mut Command) -> io::Result<Self> {
        let child = command.spawn()?;
        let pid = Pid::from_child(&child);
        let (sender, ended) = mpsc::channel();
        std::thread::Builder::new().name("test-wait".to_owned()).spawn(move || {
            // Leaves the process to be reaped by its owner, so that its number stays its own.
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            while let Err(rustix::io::Errno::INTR) =
                rustix::process::waitid(WaitId::Pid(pid), options)
            {}
            // The owner may be gone already.
            let _ = sender.send(());
        })?;
        Ok(Self { child, ended })
    }

    /// Runs `command` to its end, without input, and gives what it wrote.
    ///
    /// # Errors
    /// It cannot be started, or takes longer than `patience` and is killed.
    pub fn finish(command: &mut Command, patience: Duration) -> io::Result<Finished> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = Self::spawn(command)?;
        let stdout = reader(process.child.stdout.take());
        let stderr = reader(process.child.stderr.take());
        let status = process.wait(patience)?;
        Ok(Finished { status, stdout: text(stdout), stderr: text(stderr) })
    }

    /// The process number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The child, for its streams.
    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Whether it still runs.
    ///
    /// # Errors
    /// The system does not say.
    pub fn is_running(&mut self) -> io::Result<bool> {
        Ok(self.child.try_wait()?.is_none())
    }

    /// Sends a signal, if it still runs.
    ///
    /// # Errors
    /// The signal cannot be sent.
    pub fn signal(&mut self, signal: Signal) -> io::Result<()> {
        if self.is_running()? {
            rustix::process::kill_process(Pid::from_child(&self.child), signal)?;
        }
        Ok(())
    }

    /// Waits for the end.
    ///
    /// # Errors
    /// It takes longer than `patience` (kind `TimedOut`); it still runs then.
    pub fn wait(&mut self, patience: Duration) -> io::Result<ExitStatus> {
        if let Err(mpsc::RecvTimeoutError::Timeout) = self.ended.recv_timeout(patience) {
            let text = format!("process {} still runs after {patience:?}", self.id());
            return Err(io::Error::new(io::ErrorKind::TimedOut, text));
        }
        self.child.wait()
    }

    /// Ends it with SIGKILL, as a crash or `kill -9` would, and waits for the end.
    ///
    /// # Errors
    /// It cannot be killed.
    pub fn kill(&mut self) -> io::Result<ExitStatus> {
        self.child.kill()?;
        self.child.wait()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Nothing can be done about a process that cannot be killed.
        drop(self.kill());
    }
}

fn reader(stream: Option<impl Read + Send + 'static>) -> Option<JoinHandle<Vec<u8>>> {
    let mut stream = stream?;
    Some(std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // What was read before an error is still worth a look.
        drop(stream.read_to_end(&mut bytes));
        bytes
    }))
}

fn text(reader: Option<JoinHandle<Vec<u8>>>) -> String {
    let bytes = reader.and_then(|reader| reader.join().ok()).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut shell = command("sh");
        shell.args(["-c", script]);
        shell
    }

    #[test]
    fn output_and_status_are_given() {
        let finished =
            Process::finish(&mut shell("echo out; echo err >&2; exit 3"), Duration::from_secs(30));
        let finished = finished.unwrap();
        assert_eq!(finished.status.code(), Some(3));
        assert_eq!((finished.stdout.as_str(), finished.stderr.as_str()), ("out\n", "err\n"));
    }

    #[test]
    fn a_process_that_takes_too_long_is_killed() {
        let mut sleeper = shell("exec sleep 1000");
        let error = Process::finish(&mut sleeper, Duration::from_millis(10)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[test]
    fn a_killed_process_says_so_and_can_be_asked_again() {
        use std::os::unix::process::ExitStatusExt;
        let mut process = Process::spawn(&mut shell("exec sleep 1000")).unwrap();
        assert!(process.is_running().unwrap());
        process.signal(Signal::TERM).unwrap();
        assert_eq!(process.wait(Duration::from_secs(30)).unwrap().signal(), Some(15));
        assert!(!process.is_running().unwrap());
        assert_eq!(process.kill().unwrap().signal(), Some(15));
    }

    #[test]
    fn a_missing_binary_is_named_with_the_way_to_build_it() {
        let error = bin("no-such-binary").unwrap_err().to_string();
        assert!(error.contains("no-such-binary` has not been built: run `cargo build"), "{error}");
    }
}
