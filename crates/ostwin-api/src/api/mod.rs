//! The routes, by resource.

mod artifacts;
mod attempts;
mod channel;
mod dag;
mod docs;
mod health;
mod plans;
mod rooms;
mod server;

use axum::http::{Method, StatusCode, Uri};

use crate::http::{Problem, Route};

/// Every route of the server.
pub(crate) fn routes() -> Vec<Route> {
    [
        server::routes(),
        plans::routes(),
        dag::routes(),
        rooms::routes(),
        channel::routes(),
        attempts::routes(),
        artifacts::routes(),
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
