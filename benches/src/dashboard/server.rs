//! The measured server as a process, and a client that sends bytes and counts bytes.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use ostwin_core::layout::Layout;
use serde_json::Value;

/// A server that listens; killed when it goes.
pub(super) struct Server {
    child: Child,
    pub(super) address: String,
    token: String,
}

impl Server {
    /// Starts the dashboard over a project; also says how long it took to tell where it listens.
    pub(super) fn start(root: &Path) -> Result<(Self, Duration)> {
        let program = std::env::current_exe()?.with_file_name("ostwin-dashboard");
        if !program.is_file() {
            bail!("`{}` has not been built: use `cargo xtask bench`", program.display());
        }
        let root_text = root.display().to_string();
        let began = Instant::now();
        let (child, line) =
            spawn(&program, &["--project", &root_text, "--port", "0", "--json"], root)?;
        let took = began.elapsed();
        let told: Value = serde_json::from_str(&line).context("it says where it is")?;
        let url = told["url"].as_str().context("it has an address")?;
        let address = url.trim_start_matches("http://").to_owned();
        let token = std::fs::read_to_string(Layout::new(root).dashboard_token())?;
        Ok((Self { child, address, token: token.trim().to_owned() }, took))
    }

    /// Starts what does nothing but answer with so many bytes.
    pub(super) fn bare(length: usize) -> Result<Self> {
        let program = std::env::current_exe()?;
        let (child, line) =
            spawn(&program, &[super::BARE_SERVER, &length.to_string()], Path::new("/"))?;
        Ok(Self { child, address: line.trim().to_owned(), token: String::new() })
    }

    /// The process.
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The bytes of a request that keeps the connection.
    pub(super) fn request(&self, path: &str, further: &str) -> Vec<u8> {
        format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n{further}\r\n",
            self.address, self.token
        )
        .into_bytes()
    }

    /// A new connection.
    pub(super) fn connect(&self) -> Result<Connection> {
        let stream = TcpStream::connect(&self.address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(120)))?;
        Ok(Connection(BufReader::with_capacity(64 * 1024, stream)))
    }

    /// What a `GET` answers.
    pub(super) fn get(&self, path: &str) -> Result<Answer> {
        self.connect()?.ask(&self.request(path, ""))
    }

    /// An open stream of events.
    pub(super) fn stream(&self, query: &str) -> Result<Connection> {
        let mut stream = self.connect()?;
        stream.0.get_mut().write_all(&self.request(&format!("/api/stream{query}"), ""))?;
        // The greeting: what comes from now on is news.
        while !stream.line()?.starts_with("data:") {}
        Ok(stream)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[expect(clippy::disallowed_methods, reason = "the measured program is started from outside")]
fn spawn(program: &Path, args: &[&str], dir: &Path) -> Result<(Child, String)> {
    let mut child = Command::new(program)
        .args(args)
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("cannot start `{}`", program.display()))?;
    let mut line = String::new();
    let out = child.stdout.take().context("a server has an output")?;
    BufReader::new(out).read_line(&mut line)?;
    Ok((child, line))
}

/// What a server answered.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) etag: String,
    pub(super) body: Vec<u8>,
}

/// A connection that is kept.
pub(super) struct Connection(BufReader<TcpStream>);

impl Connection {
    /// Sends a request and reads its answer to the end.
    pub(super) fn ask(&mut self, request: &[u8]) -> Result<Answer> {
        self.0.get_mut().write_all(request)?;
        let status = self.line()?;
        let status = status.split(' ').nth(1).context("an answer has a status")?.parse()?;
        let mut answer = Answer { status, ..Answer::default() };
        let (mut length, mut chunked) = (0, false);
        loop {
            let line = self.line()?;
            let Some((name, value)) = line.split_once(": ") else { break };
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.parse()?,
                "transfer-encoding" => chunked = value == "chunked",
                "etag" => answer.etag = value.to_owned(),
                _ => {}
            }
        }
        if status == 304 {
            return Ok(answer);
        }
        if !chunked {
            answer.body.resize(length, 0);
            self.0.read_exact(&mut answer.body)?;
            return Ok(answer);
        }
        loop {
            let size = usize::from_str_radix(&self.line()?, 16)?;
            let held = answer.body.len();
            answer.body.resize(held + size, 0);
            self.0.read_exact(&mut answer.body[held..])?;
            self.line()?;
            if size == 0 {
                return Ok(answer);
            }
        }
    }

    /// The next line, without its end.
    pub(super) fn line(&mut self) -> Result<String> {
        let mut line = Vec::new();
        if self.0.read_until(b'\n', &mut line)? == 0 {
            bail!("the server has closed the connection");
        }
        Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
    }
}
