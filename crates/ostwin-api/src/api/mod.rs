//! The routes, by resource.

mod agents;
mod artifacts;
mod attempts;
mod budget;
mod channel;
mod config;
mod control;
mod dag;
mod docs;
mod health;
mod inbox;
mod mcp;
mod memories;
mod named;
mod plan_text;
mod plans;
mod review;
mod roles;
mod rooms;
mod search;
mod server;
mod skills;
mod stats;
mod timeline;
mod vault;

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
        budget::routes(),
        rooms::routes(),
        channel::routes(),
        attempts::routes(),
        artifacts::routes(),
        inbox::routes(),
        memories::routes(),
        stats::routes(),
        search::routes(),
        roles::routes(),
        skills::routes(),
        mcp::routes(),
        agents::routes(),
        config::routes(),
        vault::routes(),
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
