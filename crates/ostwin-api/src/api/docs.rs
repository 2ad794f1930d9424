//! The API's description as a page: a list without a script, made from the OpenAPI document.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use crate::app::App;

/// `GET /api/docs`
pub(super) async fn docs(State(app): State<Arc<App>>) -> Response {
    let document: Value = serde_json::from_str(&app.document).unwrap_or_default();
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], page(&document)).into_response()
}

fn page(document: &Value) -> String {
    let mut html =
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>OSTwin API</title>\
        <h1>OSTwin API</h1><p>The whole of it, with every schema: \
        <a href=\"/api/openapi.json\">openapi.json</a>.</p>"
            .to_owned();
    for (path, operations) in document["paths"].as_object().into_iter().flatten() {
        for (method, operation) in operations.as_object().into_iter().flatten() {
            // Writing to a string cannot fail.
            let _ = write!(
                html,
                "<h2><code>{} {}</code></h2><p>{}</p>",
                method.to_uppercase(),
                escaped(path),
                escaped(operation["summary"].as_str().unwrap_or_default())
            );
            parameters(&mut html, operation);
        }
    }
    html.push_str("</html>");
    html
}

fn parameters(html: &mut String, operation: &Value) {
    let parameters = operation["parameters"].as_array().map_or(&[][..], Vec::as_slice);
    let text = |of: &Value| escaped(of.as_str().unwrap_or_default());
    let mut rows = String::new();
    for parameter in parameters {
        let (name, place) = (text(&parameter["name"]), text(&parameter["in"]));
        let words = text(&parameter["description"]);
        let _ = write!(rows, "<li><code>{name}</code> ({place}) {words}</li>");
    }
    let body = operation["requestBody"].pointer("/content/application~1json/schema/$ref");
    if let Some(name) = body.and_then(Value::as_str).and_then(|body| body.rsplit('/').next()) {
        let _ = write!(rows, "<li>body: <code>{}</code></li>", escaped(name));
    }
    if !rows.is_empty() {
        let _ = write!(html, "<ul>{rows}</ul>");
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
