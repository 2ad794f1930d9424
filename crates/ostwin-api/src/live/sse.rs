//! The stream on the wire: server-sent events of what a client asked for.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Uri};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream;
use ostwin_core::ids::{PlanId, RoomId};
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::sync::mpsc::Receiver;

use super::hub::{Listening, Numbered, Topic};
use crate::app::App;
use crate::http::{Problem, query};

/// How often a stream without news says that it is still there.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// What a client wants to hear of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
pub(crate) struct StreamQuery {
    /// Only of this plan; what is shared by all of them too.
    plan: Option<PlanId>,
    /// Only of this room; what is about its whole plan too.
    room: Option<RoomId>,
    /// Only these kinds of events, separated by commas: `plan`, `room`, `channel`, `progress`,
    /// `attempt`, `memory`, `alert`.
    topics: Option<String>,
    /// The last event that was seen, for clients that cannot send `Last-Event-ID`.
    last_event_id: Option<String>,
}

/// What one stream is made of.
struct Telling {
    greeting: Option<Event>,
    missed: VecDeque<Arc<Numbered>>,
    live: Receiver<Arc<Numbered>>,
    project: Option<String>,
    wanted: StreamQuery,
    app: Arc<App>,
}

/// `GET /api/stream`
pub(crate) async fn stream(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let wanted = query::<StreamQuery>(&uri)?;
    refuse_unknown_topics(&wanted)?;
    let project = app.named(&uri)?;
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
    let last = last.or_else(|| wanted.last_event_id.clone());
    let Listening { from, reset, missed, live } = app.hub.listen(last.as_deref());
    let id = app.hub.id(from);
    let greeting = Event::default()
        .event(if reset { "reset" } else { "hello" })
        .retry(Duration::from_secs(1))
        .data(format!("{{\"stream_id\":\"{id}\"}}"))
        .id(id);
    let telling = Telling {
        greeting: Some(greeting),
        missed: missed.into(),
        live,
        project: project.map(|project| project.key.clone()),
        wanted,
        app,
    };
    let events = stream::unfold(telling, |mut telling| async {
        let event = telling.next().await?;
        Some((Ok::<_, Infallible>(event), telling))
    });
    let mut answer =
        Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT)).into_response();
    // A proxy that gathers what it passes on would hold events back.
    answer.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(answer)
}

/// A stream that nothing can ever come by is a mistake of whoever asks.
fn refuse_unknown_topics(wanted: &StreamQuery) -> Result<(), Problem> {
    let known = Topic::ALL.map(Topic::as_str);
    let mut asked = wanted.topics.iter().flat_map(|topics| topics.split(',')).map(str::trim);
    match asked.find(|name| !known.contains(name)) {
        Some(name) => Err(Problem::bad_request(format!(
            "`topics` names `{name}`, and there are only {}",
            known.join(", ")
        ))),
        None => Ok(()),
    }
}

impl Telling {
    async fn next(&mut self) -> Option<Event> {
        if let Some(greeting) = self.greeting.take() {
            return Some(greeting);
        }
        loop {
            let event = match self.missed.pop_front() {
                Some(event) => event,
                None => self.live.recv().await?,
            };
            if takes(self.project.as_deref(), &self.wanted, &event) {
                let id = self.app.hub.id(event.number);
                let news = &event.news;
                return Some(Event::default().event(news.topic.as_str()).id(id).data(&news.data));
            }
        }
    }
}

fn takes(project: Option<&str>, wanted: &StreamQuery, event: &Numbered) -> bool {
    let news = &event.news;
    let topic = |topics: &String| topics.split(',').any(|name| name.trim() == news.topic.as_str());
    project.is_none_or(|project| project == news.project)
        && wanted.plan.as_ref().is_none_or(|plan| news.plan.as_ref().is_none_or(|of| of == plan))
        && wanted.room.as_ref().is_none_or(|room| news.room.as_ref().is_none_or(|of| of == room))
        && wanted.topics.as_ref().is_none_or(topic)
}

#[cfg(test)]
mod tests {
    use super::super::hub::News;
    use super::*;

    #[test]
    fn only_what_was_asked_for_is_told() {
        let event = |topic, plan: Option<&str>, room: Option<u32>| Numbered {
            number: 1,
            news: News {
                topic,
                project: "one".to_owned(),
                plan: plan.map(|plan| plan.parse().unwrap()),
                room: room.map(RoomId::numbered),
                data: String::new(),
            },
        };
        let events = [
            event(Topic::Channel, Some("shop-000001"), Some(1)),
            event(Topic::Channel, Some("shop-000001"), Some(2)),
            event(Topic::Plan, Some("shop-000001"), None),
            event(Topic::Plan, Some("blog-000002"), None),
            event(Topic::Memory, None, None),
        ];
        let taken = |project, query: &StreamQuery| {
            events.each_ref().map(|event| takes(project, query, event))
        };
        let all = StreamQuery::default;
        assert_eq!(taken(None, &all()), [true; 5]);
        assert_eq!(taken(Some("two"), &all()), [false; 5]);
        let room = StreamQuery { room: Some(RoomId::numbered(1)), ..all() };
        assert_eq!(taken(None, &room), [true, false, true, true, true]);
        let plan = StreamQuery { plan: Some("shop-000001".parse().unwrap()), ..all() };
        assert_eq!(taken(Some("one"), &plan), [true, true, true, false, true]);
        let topics = StreamQuery { topics: Some("plan, memory".to_owned()), ..all() };
        assert_eq!(taken(None, &topics), [false, false, true, true, true]);
    }
}
