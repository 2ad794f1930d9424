//! Requests as fast as they are answered, and the least that a server could do for them.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, body::Incoming};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use super::server::Server;
use crate::samples::Samples;
use crate::table;

/// Connections that ask at once.
const CONNECTIONS: usize = 4;
const ROUND: Duration = Duration::from_secs(2);

/// What a round of requests came to.
pub(super) struct Load {
    /// Answers per second.
    pub(super) rate: f64,
    /// How long each took.
    pub(super) answers: Samples,
}

/// Asks over several connections for a while, one request after the other in each.
pub(super) fn round(server: &Server, request: &[u8], status: u16) -> Result<Load> {
    let began = Instant::now();
    let asked = || -> Result<Vec<Duration>> {
        let mut connection = server.connect()?;
        let mut took = Vec::new();
        while began.elapsed() < ROUND {
            let asked = Instant::now();
            let answer = connection.ask(request)?;
            took.push(asked.elapsed());
            if answer.status != status {
                bail!("a request was answered by {}", answer.status);
            }
        }
        Ok(took)
    };
    let answers = std::thread::scope(|scope| -> Result<Vec<Duration>> {
        let askers: Vec<_> = (0..CONNECTIONS).map(|_| scope.spawn(asked)).collect();
        let mut all = Vec::new();
        for asker in askers {
            all.extend(asker.join().ok().context("a client panicked")??);
        }
        Ok(all)
    })?;
    let rate = answers.len() as f64 / began.elapsed().as_secs_f64();
    Ok(Load { rate, answers: Samples::new(answers) })
}

/// The round in the middle, by its rate.
pub(super) fn median(mut rounds: Vec<Load>) -> Result<Load> {
    rounds.sort_by(|a, b| a.rate.total_cmp(&b.rate));
    let middle = rounds.len() / 2;
    rounds.into_iter().nth(middle).context("there was no round")
}

/// The bare server: says where it is, and answers everything with the same bytes.
pub(crate) fn serve_bare(length: usize) -> Result<()> {
    let body = Bytes::from(vec![b'x'; length]);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async move {
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
        table::print(&format!("{}\n", listener.local_addr()?))?;
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let body = body.clone();
            let reply = service_fn(move |_: Request<Incoming>| {
                let mut reply = Response::new(Full::new(body.clone()));
                let json = HeaderValue::from_static("application/json");
                reply.headers_mut().insert(CONTENT_TYPE, json);
                std::future::ready(Ok::<_, std::convert::Infallible>(reply))
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), reply));
        }
    })
}
