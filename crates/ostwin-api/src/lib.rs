//! The dashboard: a projection of the files of one or several projects, told over REST and SSE.
//!
//! It owns nothing but the token of its door. Whatever it shows was read from files; whatever it
//! changes goes through the functions of core and engine that every other program calls; a plan is
//! run by an engine that is a process of its own. So it can be ended at any moment, and nothing
//! that runs notices.
//!
//! - `http` is the frame: who may call, what a problem looks like, and the table of routes from
//!   which both the router and the OpenAPI document are made.
//! - `live` keeps the boards current from file events and tells clients what changed.
//! - `api` holds the routes, one file for each resource: blocking functions from what was asked to
//!   what is answered.

#[expect(
    clippy::needless_pass_by_value,
    reason = "the handlers of a table have one shape: each gets what was asked as its own"
)]
mod api;
mod app;
mod assets;
mod call;
mod door;
mod http;
mod live;
mod metrics;
mod project;
mod server;
mod sibling;

pub use app::openapi;
pub use door::{DoorError, TOKEN_BYTES, one_time_link, token_of};
pub use project::ProjectError;
pub use server::{Options, ServeError, Server, url_of};
