//! The server: its address, its layers, its beginning and its end.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use ostwin_core::ids::entropy;
use ostwin_core::layout::Layout;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tower_http::compression::CompressionLayer;
use tower_http::timeout::RequestBodyTimeoutLayer;

use crate::app::App;
use crate::door::{Door, DoorError, one_time_link, token_of};
use crate::http::{Hosts, Problem, document, guard, listen};
use crate::live::Hub;
use crate::metrics::Metrics;
use crate::project::{ProjectError, Served};
use crate::{api, assets};

/// Longest body of a request, in bytes.
const BODY: usize = 1 << 20;
/// How long a request may take: longer than an engine's answer, or the end of a session, is waited
/// for. Streams are no requests that take long: their answer begins at once.
const REQUEST: Duration = Duration::from_secs(60);
/// How long a body may pause on its way.
const PAUSE: Duration = Duration::from_secs(15);

/// What is to be served, and where.
#[derive(Clone, Debug)]
pub struct Options {
    /// The projects; the token is that of the first.
    pub projects: Vec<Layout>,
    /// The address to listen at.
    pub bind: IpAddr,
    /// The port; 0 for any that is free.
    pub port: u16,
    /// Further names by which browsers may call the server.
    pub hosts: Vec<String>,
    /// Whose word the requests are, for audits.
    pub actor: String,
}

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// No project was named.
    #[error("there is no project to serve")]
    NoProject,
    /// There is no token.
    #[error(transparent)]
    Door(#[from] DoorError),
    /// A project cannot be read.
    #[error("cannot serve `{}`", root.display())]
    Project {
        /// The project.
        root: std::path::PathBuf,
        /// Why.
        #[source]
        source: ProjectError,
    },
    /// The address is not to be had.
    #[error(
        "cannot listen at {address}; another dashboard may run there: `--port 0` takes a free port"
    )]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The system gave no random bits.
    #[error("no random bits for the server's start")]
    Entropy(#[source] std::io::Error),
}

/// A server that listens.
#[derive(Debug)]
pub struct Server {
    app: Arc<App>,
    listener: TcpListener,
    address: SocketAddr,
    token: String,
}

impl Server {
    /// Reads the projects and begins to listen. Reading blocks: call it before anything else runs.
    ///
    /// # Errors
    /// [`ServeError`].
    pub async fn start(options: &Options) -> Result<Self, ServeError> {
        let first = options.projects.first().ok_or(ServeError::NoProject)?;
        let token = token_of(first)?;
        let wanted = SocketAddr::new(options.bind, options.port);
        let failed = |source| ServeError::Listen { address: wanted, source };
        let listener = TcpListener::bind(wanted).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let hub = Arc::new(Hub::new(entropy().map_err(ServeError::Entropy)?));
        let mut projects: Vec<Arc<Served>> = Vec::new();
        for layout in &options.projects {
            if projects.iter().any(|known| known.root() == layout.root()) {
                continue;
            }
            let served = Served::start(layout, &hub)
                .map_err(|source| ServeError::Project { root: layout.root().to_owned(), source })?;
            projects.push(Arc::new(served));
        }
        let app = Arc::new(App {
            projects,
            hub,
            door: Door::new(token.clone()),
            hosts: Hosts::of(address, &options.hosts),
            metrics: Metrics::default(),
            actor: options.actor.clone(),
            document: document(&api::routes()).to_string(),
        });
        Ok(Self { app, listener, address, token })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where a browser on this machine finds it.
    pub fn url(&self) -> String {
        url_of(self.address)
    }

    /// An address that lets a browser in, once.
    ///
    /// # Errors
    /// The system gave no random bits.
    pub fn link(&self) -> Result<String, DoorError> {
        one_time_link(&self.url(), &self.token)
    }

    /// Serves until `stop` turns true. Engines go on.
    pub async fn serve(self, stop: watch::Receiver<bool>) {
        let router = router(&self.app);
        listen(self.listener, router, stop).await;
        self.app.hub.close();
    }
}

/// Where a browser on this machine finds a server that listens at `address`.
pub fn url_of(address: SocketAddr) -> String {
    let host = match address.ip() {
        ip if ip.is_unspecified() => "127.0.0.1".to_owned(),
        IpAddr::V6(ip) => format!("[{ip}]"),
        IpAddr::V4(ip) => ip.to_string(),
    };
    format!("http://{host}:{}", address.port())
}

/// Every route behind its checks.
pub(crate) fn router(app: &Arc<App>) -> Router {
    let mut router = Router::new();
    for route in api::routes() {
        router = router.route(route.path, route.handler);
    }
    router
        .fallback(assets::asset)
        .method_not_allowed_fallback(api::wrong_method)
        .layer(DefaultBodyLimit::max(BODY))
        .layer(RequestBodyTimeoutLayer::new(PAUSE))
        .layer(from_fn(in_time))
        .layer(from_fn_with_state(Arc::clone(app), guard))
        .layer(CompressionLayer::new())
        .with_state(Arc::clone(app))
}

/// No request takes for ever.
async fn in_time(request: Request, next: Next) -> Response {
    tokio::time::timeout(REQUEST, next.run(request)).await.unwrap_or_else(|_| {
        let text = format!("the request has taken {} s; look again later", REQUEST.as_secs());
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, text).into_response()
    })
}
