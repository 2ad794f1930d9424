//! The table of routes: each is written once, as a function from what was asked to what is
//! answered, and its types are both how it is called and how it is described.
//!
//! A handler is blocking code over core. It runs on a thread that may block; what it returns is
//! serialised, given an entity tag and, where the client has it already, not sent again.

use std::error::Error;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter, on};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tower_http::timeout::TimeoutError;

use super::kept::{Kept, Snapshot};
use super::problem::{Mistake, Problem};
use crate::app::App;
use crate::call::Call;

/// What a route takes or gives nothing of.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
pub(crate) struct Nothing {}

/// The header that says which event of the stream an answer is not older than.
pub(crate) const STREAM_ID: HeaderName = HeaderName::from_static("ostwin-stream-id");

/// How a type is described.
pub(crate) type Describe = fn(&mut SchemaGenerator) -> Schema;

/// One route.
pub(crate) struct Route {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) summary: &'static str,
    pub(crate) about: About,
    pub(crate) handler: MethodRouter<Arc<App>>,
}

/// What is said of a route beside its path.
pub(crate) struct About {
    /// The parts of the path that vary.
    pub(crate) path: Option<Describe>,
    /// The parameters behind the `?`.
    pub(crate) query: Option<Describe>,
    /// The headers that change the answer, and what they say.
    pub(crate) headers: Vec<(&'static str, &'static str)>,
    /// The body that is sent.
    pub(crate) body: Option<Describe>,
    /// The status of a success.
    pub(crate) status: StatusCode,
    /// What a success holds; its media type, and its schema where it is JSON.
    pub(crate) answer: (&'static str, Option<Describe>),
    /// Further answers, with the media type of those that are no problem documents.
    pub(crate) others: Vec<(u16, Option<&'static str>)>,
    /// Whether it is a snapshot: with an entity tag, and the event that it includes.
    pub(crate) snapshot: bool,
}

/// What every route may answer: a query that makes no sense, a stranger, another page, another
/// name, and what is the server's own.
const ALWAYS: [u16; 6] = [400, 401, 403, 421, 500, 503];
/// What a route that takes a body may answer besides.
const WITH_BODY: [u16; 6] = [404, 408, 409, 413, 415, 422];

impl Route {
    /// The same with further answers, all of them problems.
    pub(crate) fn or(mut self, statuses: &[u16]) -> Self {
        self.about.others.extend(statuses.iter().map(|status| (*status, None)));
        self
    }

    /// The same with an answer that is no problem document: its media type, empty for no content.
    pub(crate) fn or_else(mut self, status: u16, media_type: &'static str) -> Self {
        self.about.others.retain(|(known, _)| *known != status);
        self.about.others.push((status, Some(media_type)));
        self
    }

    /// The same with a header that it looks at.
    pub(crate) fn with_header(mut self, name: &'static str, says: &'static str) -> Self {
        self.about.headers.push((name, says));
        self
    }

    /// The same with another status for a success.
    pub(crate) fn status(mut self, status: StatusCode) -> Self {
        self.about.status = status;
        self
    }
}

impl About {
    /// A route with this path, which answers JSON.
    fn json<P: JsonSchema, A: JsonSchema>(status: StatusCode) -> Self {
        Self {
            path: Some(describe::<P>),
            query: None,
            headers: Vec::new(),
            body: None,
            status,
            answer: (JSON, Some(refer::<A>)),
            others: ALWAYS.map(|status| (status, None)).into(),
            snapshot: false,
        }
    }
}

fn describe<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    T::json_schema(generator)
}

fn refer<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

const JSON: &str = "application/json";

/// A route that reads: `answer` gets the path and the query.
fn reads<P, Q, A>(
    path: &'static str,
    summary: &'static str,
    kept: Option<Arc<Kept>>,
    answer: fn(&Call, P, Q) -> Result<A, Problem>,
) -> Route
where
    P: DeserializeOwned + JsonSchema + Send + 'static,
    Q: DeserializeOwned + JsonSchema + Send + 'static,
    A: Serialize + JsonSchema + 'static,
{
    let of_project = crate::app::is_of_a_project(path);
    let handler = move |State(app): State<Arc<App>>,
                        path: Result<Path<P>, PathRejection>,
                        headers: HeaderMap,
                        uri: Uri| {
        let kept = kept.clone();
        async move {
            let (call, path, query) = begin::<P, Q>(app, of_project, path, &uri)?;
            // Taken before anything is read: what happens meanwhile is told again, never missed.
            let (stream_id, changes) = (call.app.hub.last_id(), call.app.board_changes());
            if let Some(known) = kept.as_ref().and_then(|kept| kept.get(&uri, changes)) {
                return Ok(tagged(known, &headers, &stream_id));
            }
            let body = blocking(move || json(&answer(&call, path, query)?)).await?;
            let snapshot = Snapshot::of(body);
            if let Some(kept) = &kept {
                kept.put(&uri, changes, &snapshot);
            }
            Ok::<_, Problem>(tagged(snapshot, &headers, &stream_id))
        }
    };
    let mut about = About::json::<P, A>(StatusCode::OK);
    about.query = Some(describe::<Q>);
    about.snapshot = true;
    let route = Route {
        method: Method::GET,
        path,
        summary,
        about,
        handler: on(MethodFilter::GET, handler),
    };
    let route = if of_project { route.or(&[404, 409]) } else { route };
    let says = "The `ETag` of what the client has: it is not sent again.";
    route.or_else(304, "").with_header("If-None-Match", says)
}

macro_rules! reading {
    ($($(#[$doc:meta])* $name:ident, $kept:expr;)*) => {$(
        $(#[$doc])*
        pub(crate) fn $name<P, Q, A>(
            path: &'static str,
            summary: &'static str,
            answer: fn(&Call, P, Q) -> Result<A, Problem>,
        ) -> Route
        where
            P: DeserializeOwned + JsonSchema + Send + 'static,
            Q: DeserializeOwned + JsonSchema + Send + 'static,
            A: Serialize + JsonSchema + 'static,
        {
            reads(path, summary, $kept, answer)
        }
    )*};
}

reading! {
    /// A route by which something is read.
    get, None;
    /// A route that reads nothing but boards: it answers the same until one of them changes.
    get_of_boards, Some(Arc::default());
}

/// A route that changes something: `act` gets the path and the body.
fn change<P, B, A>(
    (method, filter): (Method, MethodFilter),
    path: &'static str,
    summary: &'static str,
    status: StatusCode,
    act: fn(&Call, P, B) -> Result<A, Problem>,
) -> Route
where
    P: DeserializeOwned + JsonSchema + Send + 'static,
    B: DeserializeOwned + JsonSchema + Send + 'static,
    A: Serialize + JsonSchema + 'static,
{
    let handler = move |State(app): State<Arc<App>>,
                        path: Result<Path<P>, PathRejection>,
                        headers: HeaderMap,
                        uri: Uri,
                        body: Result<Bytes, BytesRejection>| async move {
        let (call, path, _) = begin::<P, Nothing>(app, true, path, &uri)?;
        let body = sent::<B>(&headers, body)?;
        let body = blocking(move || json(&act(&call, path, body)?)).await?;
        Ok::<_, Problem>((status, [(header::CONTENT_TYPE, JSON)], body))
    };
    let mut about = About::json::<P, A>(status);
    about.body = Some(refer::<B>);
    Route { method, path, summary, about, handler: on(filter, handler) }.or(&WITH_BODY)
}

macro_rules! changing {
    ($($(#[$doc:meta])* $name:ident, $method:ident;)*) => {$(
        $(#[$doc])*
        pub(crate) fn $name<P, B, A>(
            path: &'static str,
            summary: &'static str,
            status: u16,
            act: fn(&Call, P, B) -> Result<A, Problem>,
        ) -> Route
        where
            P: DeserializeOwned + JsonSchema + Send + 'static,
            B: DeserializeOwned + JsonSchema + Send + 'static,
            A: Serialize + JsonSchema + 'static,
        {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
            change((Method::$method, MethodFilter::$method), path, summary, status, act)
        }
    )*};
}

changing! {
    /// A route by which something is asked for or made.
    post, POST;
    /// A route by which something is replaced.
    put, PUT;
    /// A route by which something is removed.
    delete, DELETE;
}

/// A route that is answered in another way than by a JSON value.
pub(crate) fn raw<P: JsonSchema, Q: JsonSchema>(
    path: &'static str,
    summary: &'static str,
    media_type: &'static str,
    handler: MethodRouter<Arc<App>>,
) -> Route {
    let mut about = About::json::<P, Nothing>(StatusCode::OK);
    about.query = Some(describe::<Q>);
    about.answer = (media_type, None);
    Route { method: Method::GET, path, summary, about, handler }
}

/// A part of a list.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "PageOf{T}")]
pub(crate) struct Page<T> {
    /// The part.
    pub(crate) items: Vec<T>,
    /// What `after` has to be for the next part; null if this is the last one.
    pub(crate) next_cursor: Option<String>,
}

/// A list that is given whole.
pub(crate) fn page<T>(items: Vec<T>) -> Page<T> {
    Page { items, next_cursor: None }
}

/// The part of a list behind the item called `after`, of at most `limit` items; what is left out
/// bounds nothing.
pub(crate) fn part<T>(
    mut items: Vec<T>,
    after: Option<&str>,
    limit: Option<usize>,
    name: impl Fn(&T) -> String,
) -> Result<Page<T>, Problem> {
    if let Some(after) = after {
        let Some(place) = items.iter().position(|item| name(item) == after) else {
            let text =
                format!("`after` is `{after}`, which is not in the list any more: begin again");
            return Err(Problem::not_found(text));
        };
        items.drain(..=place);
    }
    let limit = limit.unwrap_or(usize::MAX).max(1);
    let more = items.len() > limit;
    items.truncate(limit);
    let next_cursor = items.last().filter(|_| more).map(name);
    Ok(Page { items, next_cursor })
}

/// Understands path and query of a request.
fn begin<P, Q: DeserializeOwned>(
    app: Arc<App>,
    of_project: bool,
    path: Result<Path<P>, PathRejection>,
    uri: &Uri,
) -> Result<(Call, P, Q), Problem> {
    let Path(path) = path.map_err(|error| Problem::bad_request(error.body_text()))?;
    let project = if of_project { app.named(uri)?.map(Arc::clone) } else { None };
    Ok((Call { app, project }, path, query::<Q>(uri)?))
}

/// The parameters behind the `?` of a request.
pub(crate) fn query<Q: DeserializeOwned>(uri: &Uri) -> Result<Q, Problem> {
    let read = Query::try_from_uri(uri);
    read.map(|Query(query)| query).map_err(|error| Problem::bad_request(error.body_text()))
}

/// Understands the body of a request. One that is left out is an empty object.
fn sent<B: DeserializeOwned>(
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<B, Problem> {
    let body = body.map_err(|error| {
        let status = if is_late(&error) { StatusCode::REQUEST_TIMEOUT } else { error.status() };
        Problem::new(status, error.body_text())
    })?;
    if body.is_empty() {
        return parsed(b"{}");
    }
    // Whatever a form of another page can send without asking first has another type.
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).map(str::trim);
    if !kind.is_some_and(|kind| kind.eq_ignore_ascii_case(JSON)) {
        let text = "the body has to be JSON, with `Content-Type: application/json`";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, text));
    }
    parsed(&body)
}

/// Whether a body did not come because its sender paused for too long.
fn is_late(error: &BytesRejection) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        if error.is::<TimeoutError>() {
            return true;
        }
        cause = error.source();
    }
    false
}

fn parsed<B: DeserializeOwned>(bytes: &[u8]) -> Result<B, Problem> {
    serde_json::from_slice(bytes).map_err(|error| {
        let mistake = Mistake {
            message: error.to_string(),
            line: Some(error.line()).filter(|line| *line > 0),
            column: Some(error.column()).filter(|column| *column > 0),
            ..Mistake::default()
        };
        let text = format!("the body is not what this takes: {error}");
        Problem::unprocessable(text).with(vec![mistake])
    })
}

fn json<T: Serialize>(value: &T) -> Result<Vec<u8>, Problem> {
    serde_json::to_vec(value).map_err(|error| Problem::internal(&error))
}

/// Runs what may block where it may.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(Problem::internal(&error)))
}

/// A snapshot with its entity tag, or only that it is the one that the client has.
fn tagged(Snapshot { body, tag }: Snapshot, asked: &HeaderMap, stream_id: &str) -> Response {
    let has = |tags: &HeaderValue| {
        tags.to_str().is_ok_and(|tags| {
            tags.split(',').any(|known| known.trim().trim_start_matches("W/") == tag)
        })
    };
    let known = asked.get_all(header::IF_NONE_MATCH).iter().any(has);
    let headers = [
        (header::ETAG, tag),
        (header::CACHE_CONTROL, "private, no-cache".to_owned()),
        (STREAM_ID, stream_id.to_owned()),
    ];
    if known {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    (headers, [(header::CONTENT_TYPE, JSON)], body).into_response()
}
