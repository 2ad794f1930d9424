//! The web app, which is part of the program. A path that is no file of it is one of its pages, and
//! gets the app's one document.

use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;

use crate::http::Problem;

/// The app as it was built. A debug build reads it from where it lies.
#[derive(RustEmbed)]
#[folder = "../../web/dist"]
#[allow_missing = true]
struct App;

const DOCUMENT: &str = "index.html";
/// Where the files are whose names hold the hash of their content.
const HASHED: &str = "assets/";

/// What is shown where the app was not built.
const WITHOUT: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
<title>OSTwin</title><h1>The web app is not part of this build</h1>\
<p>Build it with Node, then build <code>ostwin-dashboard</code> again:</p>\
<pre>cd web\nnpm ci\nnpm run build</pre>\
<p>The API works without it: <a href=\"/api/docs\">its reference</a>.</p></html>";

/// Anything that is no route.
pub(crate) async fn asset(method: Method, uri: Uri, asked: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    if crate::door::is_open(uri.path()) && !method.is_safe() {
        let text = format!("`{}` is a page: it can only be read", uri.path());
        let answer = Problem::new(StatusCode::METHOD_NOT_ALLOWED, text).into_response();
        ([(header::ALLOW, "GET, HEAD")], answer).into_response()
    } else if crate::door::is_open(uri.path()) {
        found(path, &asked)
    } else {
        Problem::not_found(format!("there is no route `{}`", uri.path())).into_response()
    }
}

fn found(path: &str, asked: &HeaderMap) -> Response {
    let name = if path.is_empty() { DOCUMENT } else { path };
    if let Some(file) = App::get(name) {
        return answer(name, &file, asked);
    }
    let last = name.rsplit('/').next().unwrap_or_default();
    if last.contains('.') && name != DOCUMENT {
        return (StatusCode::NOT_FOUND, "there is no such file").into_response();
    }
    match App::get(DOCUMENT) {
        Some(file) => answer(DOCUMENT, &file, asked),
        None => ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], WITHOUT).into_response(),
    }
}

fn answer(name: &str, file: &rust_embed::EmbeddedFile, asked: &HeaderMap) -> Response {
    let hash = file.metadata.sha256_hash();
    let tag: String = hash.iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    let tag = format!("\"{tag}\"");
    let lasting = name.starts_with(HASHED);
    let cache = if lasting { "public, max-age=31536000, immutable" } else { "no-cache" };
    let headers = [
        (header::ETAG, tag.clone()),
        (header::CACHE_CONTROL, cache.to_owned()),
        (header::CONTENT_TYPE, media_type(name).to_owned()),
    ];
    let known = asked.get(header::IF_NONE_MATCH).is_some_and(|known| known == tag.as_str());
    if known {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    (headers, file.data.to_vec()).into_response()
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
