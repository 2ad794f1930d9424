//! The server as handlers see it: its projects, its door, its stream.

use std::sync::Arc;

use axum::http::Uri;
use serde::Deserialize;

use crate::api;
use crate::door::Door;
use crate::http::{Hosts, Problem, document, query};
use crate::live::Hub;
use crate::metrics::Metrics;
use crate::project::Served;

/// The state of the server.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) projects: Vec<Arc<Served>>,
    pub(crate) hub: Arc<Hub>,
    pub(crate) door: Door,
    pub(crate) hosts: Hosts,
    pub(crate) metrics: Metrics,
    /// Whose word the requests are, for audits.
    pub(crate) actor: String,
    /// The OpenAPI document.
    pub(crate) document: String,
}

#[derive(Deserialize)]
struct Named {
    project: Option<String>,
}

impl App {
    /// The project of this key, or the only one.
    pub(crate) fn project(&self, key: Option<&str>) -> Result<&Arc<Served>, Problem> {
        match (key, self.projects.as_slice()) {
            (None, [only]) => Ok(only),
            (None, _) => Err(Problem::bad_request(
                "several projects are served: name one with `?project=`; `/api/projects` lists them",
            )),
            (Some(key), projects) => {
                projects.iter().find(|project| project.key == key).ok_or_else(|| {
                    let text = format!("no project is called `{key}`; `/api/projects` lists them");
                    Problem::not_found(text)
                })
            }
        }
    }

    /// How often any board has changed. Never goes back, so while it is the same all boards are.
    pub(crate) fn board_changes(&self) -> u64 {
        self.projects.iter().map(|project| project.views.changes()).sum()
    }

    /// The project that a request names, if it names one.
    pub(crate) fn named(&self, uri: &Uri) -> Result<Option<&Arc<Served>>, Problem> {
        let named = query::<Named>(uri)?.project;
        named.map(|key| self.project(Some(&key))).transpose()
    }
}

/// Whether a route is about a project, so that it takes `?project=`.
pub(crate) fn is_of_a_project(path: &str) -> bool {
    const OF_THE_SERVER: [&str; 6] =
        ["/api/projects", "/api/health", "/api/openapi.json", "/api/docs", "/auth", "/metrics"];
    !OF_THE_SERVER.contains(&path)
}

/// The OpenAPI document of this version, as it is written into files.
pub fn openapi() -> String {
    let mut text = serde_json::to_string_pretty(&document(&api::routes())).unwrap_or_default();
    text.push('\n');
    text
}
