//! The routes, by resource.

mod artifacts;
mod attempts;
mod channel;
mod control;
mod dag;
mod docs;
mod health;
mod inbox;
mod memories;
mod plan_text;
mod plans;
mod review;
mod rooms;
mod server;
mod settings;
mod stats;
mod team;
mod timeline;

use axum::http::{Method, StatusCode, Uri};

use crate::http::{Problem, Route};

/// Every route of the server.
pub(crate) fn routes() -> Vec<Route> {
    [
        server::routes(),
        plans::routes(),
        plan_text::routes(),
        dag::routes(),
        review::routes(),
        timeline::routes(),
        control::routes(),
        rooms::routes(),
        channel::routes(),
        attempts::routes(),
        artifacts::routes(),
        inbox::routes(),
        memories::routes(),
        stats::routes(),
        settings::routes(),
        team::routes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A route that is not called like this.
pub(crate) async fn wrong_method(method: Method, uri: Uri) -> Problem {
    let text = format!("`{}` does not take {method}; `/api/docs` lists what it takes", uri.path());
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, text)
}
