//! The server itself: projects, health, figures, the stream, the way in, its own description.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get as on_get;
use axum_extra::extract::CookieJar;
use ostwin_core::time::system_clock;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::health;
use crate::app::App;
use crate::call::Call;
use crate::http::{Nothing, Page, Problem, Route, get, page, query, raw};
use crate::live::{StreamQuery, stream};

/// The routes.
pub(super) fn routes() -> Vec<Route> {
    vec![
        get("/api/projects", "The projects that are served", projects),
        get("/api/health", "Whether the server is there, and which version it is", health::health),
        raw::<Nothing, StreamQuery>(
            "/api/stream",
            "What changes, as it changes: `plan`, `room`, `channel`, `progress`, `attempt`, `memory` \
             and `alert` events; `hello` when the stream begins, `reset` when what was missed is gone",
            "text/event-stream",
            on_get(stream),
        )
        .or(&[404])
        .with_header("Last-Event-ID", "The last event that was seen: what was missed comes first."),
        raw::<Nothing, Nothing>(
            "/api/openapi.json",
            "This description",
            "application/vnd.oai.openapi+json;version=3.1",
            on_get(openapi),
        ),
        raw::<Nothing, Nothing>(
            "/api/docs",
            "This description for people",
            "text/html",
            on_get(super::docs::docs),
        ),
        raw::<Nothing, Nothing>(
            "/metrics",
            "Figures for Prometheus",
            "text/plain",
            on_get(metrics),
        ),
        raw::<Nothing, Link>(
            "/auth",
            "The way in for browsers: sets the cookie and leads to the app",
            "text/html",
            on_get(auth),
        )
        .status(StatusCode::SEE_OTHER)
        .or_else(401, "text/html"),
    ]
}

/// A project that is served.
#[derive(Debug, Serialize, JsonSchema)]
struct ServedProject {
    /// By what requests name it.
    project: String,
    /// The name of its folder.
    name: String,
    /// Where it is.
    root: String,
    /// How many plans it has.
    plans: usize,
}

fn projects(call: &Call, _: Nothing, _: Nothing) -> Result<Page<ServedProject>, Problem> {
    let served = call.app.projects.iter().map(|project| ServedProject {
        project: project.key.clone(),
        name: project.name.clone(),
        root: project.root().display().to_string(),
        plans: project.views.count(),
    });
    Ok(page(served.collect()))
}

async fn openapi(State(app): State<Arc<App>>) -> Response {
    let kind = "application/vnd.oai.openapi+json;version=3.1";
    ([(header::CONTENT_TYPE, kind)], app.document.clone()).into_response()
}

async fn metrics(State(app): State<Arc<App>>) -> Response {
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], crate::metrics::text(&app)).into_response()
}

/// A one-time link.
#[derive(Debug, Deserialize, JsonSchema)]
struct Link {
    /// What the link holds.
    token: String,
}

/// What is shown for a link that is no good.
const STALE: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>OSTwin</title>\
<h1>This link is no good any more</h1>\
<p>It lets in once, and for ten minutes. <code>ostwin dashboard --link</code> prints a new one.</p>\
</html>";

async fn auth(State(app): State<Arc<App>>, jar: CookieJar, uri: Uri) -> Result<Response, Problem> {
    let link = query::<Link>(&uri)?;
    let no_store = [(header::CACHE_CONTROL, "no-store")];
    Ok(match app.door.let_in(&link.token, system_clock().now()) {
        Some(cookie) => (no_store, jar.add(cookie), Redirect::to("/")).into_response(),
        None => {
            let html = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
            (StatusCode::UNAUTHORIZED, no_store, html, STALE).into_response()
        }
    })
}
