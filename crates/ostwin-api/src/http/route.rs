//! The table of routes: each is written once, as a function from what was asked to what is
//! answered, and its types are both how it is called and how it is described.
//!
//! A handler is blocking code over core. It runs on a thread that may block; what it returns is
//! serialised, given an entity tag and, where the client has it already, not sent again.

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
use sha2::{Digest, Sha256};

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
    /// The body that is sent.
    pub(crate) body: Option<Describe>,
    /// The status of a success.
    pub(crate) status: StatusCode,
    /// What a success holds; its media type, and its schema where it is JSON.
    pub(crate) answer: (&'static str, Option<Describe>),
}

fn describe<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    T::json_schema(generator)
}

fn refer<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

const JSON: &str = "application/json";

/// A route that reads: `answer` gets the path and the query.
pub(crate) fn get<P, Q, A>(
    path: &'static str,
    summary: &'static str,
    answer: fn(&Call, P, Q) -> Result<A, Problem>,
) -> Route
where
    P: DeserializeOwned + JsonSchema + Send + 'static,
    Q: DeserializeOwned + JsonSchema + Send + 'static,
    A: Serialize + JsonSchema + 'static,
{
    let handler = move |State(app): State<Arc<App>>,
                        path: Result<Path<P>, PathRejection>,
                        headers: HeaderMap,
                        uri: Uri| async move {
        let (call, path, query) = match begin::<P, Q>(app, path, &uri) {
            Ok(asked) => asked,
            Err(problem) => return problem.into_response(),
        };
        // Taken before anything is read: what happens meanwhile is told again, never missed.
        let stream_id = call.app.hub.last_id();
        let body = blocking(move || json(&answer(&call, path, query)?)).await;
        match body {
            Ok(body) => tagged(body, &headers, &stream_id),
            Err(problem) => problem.into_response(),
        }
    };
    Route {
        method: Method::GET,
        path,
        summary,
        about: About {
            path: Some(describe::<P>),
            query: Some(describe::<Q>),
            body: None,
            status: StatusCode::OK,
            answer: (JSON, Some(refer::<A>)),
        },
        handler: on(MethodFilter::GET, handler),
    }
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
        let asked = begin::<P, Nothing>(app, path, &uri)
            .and_then(|(call, path, _)| Ok((call, path, sent::<B>(&headers, body)?)));
        let (call, path, body) = match asked {
            Ok(asked) => asked,
            Err(problem) => return problem.into_response(),
        };
        match blocking(move || json(&act(&call, path, body)?)).await {
            Ok(body) => (status, [(header::CONTENT_TYPE, JSON)], body).into_response(),
            Err(problem) => problem.into_response(),
        }
    };
    Route {
        method,
        path,
        summary,
        about: About {
            path: Some(describe::<P>),
            query: None,
            body: Some(refer::<B>),
            status,
            answer: (JSON, Some(refer::<A>)),
        },
        handler: on(filter, handler),
    }
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
    Route {
        method: Method::GET,
        path,
        summary,
        about: About {
            path: Some(describe::<P>),
            query: Some(describe::<Q>),
            body: None,
            status: StatusCode::OK,
            answer: (media_type, None),
        },
        handler,
    }
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

/// Understands path and query of a request.
fn begin<P, Q: DeserializeOwned>(
    app: Arc<App>,
    path: Result<Path<P>, PathRejection>,
    uri: &Uri,
) -> Result<(Call, P, Q), Problem> {
    let Path(path) = path.map_err(|error| Problem::bad_request(error.body_text()))?;
    let project = app.named(uri)?.map(Arc::clone);
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
    let body = body.map_err(|error| Problem::new(error.status(), error.body_text()))?;
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
fn tagged(body: Vec<u8>, asked: &HeaderMap, stream_id: &str) -> Response {
    let digest = Sha256::digest(&body);
    let tag: String = digest.iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    let tag = format!("\"{tag}\"");
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
