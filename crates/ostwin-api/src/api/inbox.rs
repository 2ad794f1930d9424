//! What waits for a person, in all plans.

use ostwin_core::board::{self, Waiting, by_urgency};
use schemars::JsonSchema;
use serde::Serialize;

use crate::call::Call;
use crate::http::{Nothing, Page, Problem, Route, get, page};
use crate::project::Current;

/// The routes.
pub(super) fn routes() -> Vec<Route> {
    vec![get("/api/inbox", "What waits for a person, the most urgent first", inbox)]
}

/// Something that waits for a person.
#[derive(Debug, Serialize, JsonSchema)]
struct InboxItem {
    /// The project.
    project: String,
    /// What it is, and what can be done about it.
    #[serde(flatten)]
    waiting: Waiting,
}

fn inbox(call: &Call, _: Nothing, _: Nothing) -> Result<Page<InboxItem>, Problem> {
    let mut found: Vec<(Waiting, &str)> = Vec::new();
    for served in call.all() {
        let Current { project, settings } = served.current();
        for view in served.views.all() {
            let waiting = board::inbox(&project, &settings.config, &view.plan, &view.board)?;
            found.extend(waiting.into_iter().map(|waiting| (waiting, served.key.as_str())));
        }
    }
    found.sort_by_key(|(waiting, _)| by_urgency(waiting));
    let items = found
        .into_iter()
        .map(|(waiting, project)| InboxItem { project: project.to_owned(), waiting });
    Ok(page(items.collect()))
}
