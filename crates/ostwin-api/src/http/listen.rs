//! Taking connections: each may take only so long to say what it wants, and there are only so many.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};

/// How long a client may take for the head of a request.
const HEAD: Duration = Duration::from_secs(15);
/// Most connections at once. A browser holds six at most.
const CONNECTIONS: usize = 512;
/// How long a system that has no more descriptors is left alone.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves `router` until `stop` turns true; then no further request is taken, and those that run
/// are not waited for: streams never end by themselves.
pub(crate) async fn listen(listener: TcpListener, router: Router, mut stop: watch::Receiver<bool>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let place = tokio::select! {
            place = Arc::clone(&places).acquire_owned() => place,
            _ = stop.wait_for(|stop| *stop) => return,
        };
        let Ok(place) = place else { return };
        let stream = tokio::select! {
            stream = listener.accept() => stream,
            _ = stop.wait_for(|stop| *stop) => return,
        };
        let stream = match stream {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be taken");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        // Events are small, and each is waited for.
        drop(stream.set_nodelay(true));
        let service = TowerToHyperService::new(router.clone());
        tokio::spawn(async move {
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD)
                .serve_connection(TokioIo::new(stream), service);
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended");
            }
            drop(place);
            Ok::<(), Infallible>(())
        });
    }
}
