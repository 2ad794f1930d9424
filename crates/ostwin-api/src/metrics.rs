//! What the server counts of itself, in the text that Prometheus reads.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::StatusCode;

use crate::app::App;

/// Counters of this process.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    answered: [AtomicU64; 5],
}

impl Metrics {
    /// Counts an answer.
    pub(crate) fn answered(&self, status: StatusCode) {
        let class = usize::from(status.as_u16() / 100).saturating_sub(1).min(4);
        self.answered[class].fetch_add(1, Ordering::Relaxed);
    }
}

/// The text.
pub(crate) fn text(app: &App) -> String {
    let mut page = Page::default();
    let version = labels(&[("version", env!("CARGO_PKG_VERSION"))]);
    page.add("ostwin_dashboard_build_info", "gauge", "Which version it is.", [(version, 1)]);
    let answered = (1..).zip(&app.metrics.answered).map(|(class, count)| {
        (labels(&[("status", &format!("{class}xx"))]), count.load(Ordering::Relaxed))
    });
    page.add("ostwin_dashboard_requests_total", "counter", "Requests answered.", answered);
    let (listeners, let_go) = app.hub.listeners();
    page.one("ostwin_dashboard_stream_clients", "gauge", "Open streams.", listeners as u64);
    page.one(
        "ostwin_dashboard_stream_clients_dropped_total",
        "counter",
        "Streams that were ended because their client did not keep up.",
        let_go,
    );
    let events = app.hub.events();
    page.one("ostwin_dashboard_stream_events_total", "counter", "Events that were told.", events);
    of_projects(app, &mut page);
    of_process(&mut page);
    page.0
}

/// How plans and epics stand, what runs, and what waits for a person.
fn of_projects(app: &App, page: &mut Page) {
    let mut plans: BTreeMap<String, u64> = BTreeMap::new();
    let mut epics: BTreeMap<String, u64> = BTreeMap::new();
    let mut engines: BTreeMap<String, u64> = BTreeMap::new();
    let mut sessions: BTreeMap<String, u64> = BTreeMap::new();
    let mut tokens: BTreeMap<String, u64> = BTreeMap::new();
    for project in &app.projects {
        let own = labels(&[("project", &project.key)]);
        let with = |name: &str, value: &str| labels(&[("project", &project.key), (name, value)]);
        let [engines, sessions, tokens] =
            [&mut engines, &mut sessions, &mut tokens].map(|of| of.entry(own.clone()).or_default());
        for view in project.views.all() {
            let board = &view.board;
            *plans.entry(with("state", board.state.as_str())).or_default() += 1;
            *engines += u64::from(board.engine.as_ref().is_some_and(|engine| engine.alive));
            *tokens = tokens.saturating_add(board.tokens);
            for row in &board.rows {
                let tone = serde_json::to_value(row.display.tone).unwrap_or_default();
                *epics.entry(with("tone", tone.as_str().unwrap_or_default())).or_default() += 1;
                *sessions += u64::from(row.active);
            }
        }
    }
    page.add("ostwin_plans", "gauge", "Plans by how they stand.", plans);
    page.add("ostwin_epics", "gauge", "Epics by how they stand.", epics);
    page.add("ostwin_engines", "gauge", "Engines that drive a plan.", engines);
    page.add("ostwin_sessions", "gauge", "Sessions that run.", sessions);
    let help = "Tokens that sessions of the plans reported.";
    page.add("ostwin_tokens", "gauge", help, tokens);
}

/// What this process uses, by the names that Prometheus has for it. Where the system does not say,
/// there is no figure.
fn of_process(page: &mut Page) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let resident = status.lines().find_map(|line| {
        let kib = line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?;
        kib.trim().parse::<u64>().ok()
    });
    if let Some(kib) = resident {
        let help = "Resident memory in bytes.";
        page.one("process_resident_memory_bytes", "gauge", help, kib * 1024);
    }
    if let Ok(open) = std::fs::read_dir("/proc/self/fd") {
        page.one("process_open_fds", "gauge", "Open file descriptors.", open.count() as u64);
    }
}

/// A page of figures.
#[derive(Default)]
struct Page(String);

impl Page {
    fn one(&mut self, name: &str, kind: &str, help: &str, value: u64) {
        self.add(name, kind, help, [(String::new(), value)]);
    }

    fn add(
        &mut self,
        name: &str,
        kind: &str,
        help: &str,
        values: impl IntoIterator<Item = (String, u64)>,
    ) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for (labels, value) in values {
            let _ = writeln!(self.0, "{name}{labels} {value}");
        }
    }
}

/// `{project="3fa9c1d2",state="running"}`
fn labels(pairs: &[(&str, &str)]) -> String {
    let escaped = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let pairs: Vec<String> =
        pairs.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
    format!("{{{}}}", pairs.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_cannot_leave_its_quotes() {
        assert_eq!(labels(&[("a", "b"), ("c", "d")]), "{a=\"b\",c=\"d\"}");
        assert_eq!(labels(&[("a", "\\\"\n")]), "{a=\"\\\\\\\"\\n\"}");
    }
}
