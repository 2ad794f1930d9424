//! The frame of every request: problems, routes and their description, checks before a handler.

mod guard;
mod kept;
mod listen;
mod openapi;
mod problem;
mod route;

pub(crate) use guard::{Hosts, guard};
pub(crate) use listen::listen;
pub(crate) use openapi::document;
pub(crate) use problem::{Mistake, Problem, with_causes};
pub(crate) use route::{
    Nothing, Page, Route, blocking, delete, get, get_of_boards, page, part, post, put, query, raw,
};
