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
    let mut text = String::new();
    let mut metric = |name: &str, kind: &str, help: &str, values: &[(String, u64)]| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for (labels, value) in values {
            let _ = writeln!(text, "{name}{labels} {value}");
        }
    };
    let answered: Vec<(String, u64)> = (1..)
        .zip(&app.metrics.answered)
        .map(|(class, count)| (format!("{{status=\"{class}xx\"}}"), count.load(Ordering::Relaxed)))
        .collect();
    metric("ostwin_dashboard_requests_total", "counter", "Requests answered.", &answered);
    let (listeners, let_go) = app.hub.listeners();
    let plain = |value: u64| [(String::new(), value)];
    metric("ostwin_dashboard_stream_clients", "gauge", "Open streams.", &plain(listeners as u64));
    metric(
        "ostwin_dashboard_stream_clients_dropped_total",
        "counter",
        "Streams that were ended because their client did not keep up.",
        &plain(let_go),
    );
    metric(
        "ostwin_dashboard_stream_events_total",
        "counter",
        "Events that were told.",
        &plain(app.hub.events()),
    );
    let mut plans: BTreeMap<String, u64> = BTreeMap::new();
    let mut epics: BTreeMap<String, u64> = BTreeMap::new();
    for project in &app.projects {
        for view in project.views.all() {
            let label = |name: &str, value: &str| {
                format!("{{project=\"{}\",{name}=\"{value}\"}}", project.key)
            };
            *plans.entry(label("state", view.board.state.as_str())).or_default() += 1;
            for row in &view.board.rows {
                let tone = serde_json::to_value(row.display.tone).unwrap_or_default();
                let tone = tone.as_str().unwrap_or_default().to_owned();
                *epics.entry(label("tone", &tone)).or_default() += 1;
            }
        }
    }
    let listed = |of: BTreeMap<String, u64>| of.into_iter().collect::<Vec<_>>();
    metric("ostwin_plans", "gauge", "Plans by how they stand.", &listed(plans));
    metric("ostwin_epics", "gauge", "Epics by how they stand.", &listed(epics));
    text
}
