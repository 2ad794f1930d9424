//! The OpenAPI document, made from the table of routes.
//!
//! The schemas are those that the types of core have anyway: OpenAPI 3.1 takes JSON Schema as it
//! is. What is answered and what is sent are described apart, because a field with a default may be
//! left out of the one and is always there in the other.
//!
//! Every answer that a route may give is listed by its status: there is no `default`, so that whoever
//! holds the server against its description finds what was forgotten.

use std::collections::BTreeMap;

use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::problem::Problem;
use super::route::{Describe, Route};

/// Where schemas stand in the document.
const SCHEMAS: &str = "/components/schemas";

/// The document of these routes.
pub(crate) fn document(routes: &[Route]) -> Value {
    let settings = || {
        SchemaSettings::draft2020_12().with(|settings| {
            settings.definitions_path = SCHEMAS.into();
            settings.meta_schema = None;
            settings.transforms.push(Box::new(RecursiveTransform(bounded)));
        })
    };
    let mut given = settings().for_serialize().into_generator();
    let mut taken = settings().for_deserialize().into_generator();
    // What stands in an address is said where it stands.
    let whole = |settings: &mut SchemaSettings| settings.inline_subschemas = true;
    let mut named = settings().for_deserialize().with(whole).into_generator();
    let problem = given.subschema_for::<Problem>().to_value();
    let mut paths = Map::new();
    for route in routes {
        let path = paths.entry(plain(route.path)).or_insert_with(|| json!({}));
        path[route.method.as_str().to_lowercase()] =
            operation(route, [&mut given, &mut taken, &mut named]);
    }
    let mut schemas = given.take_definitions(true);
    for (name, schema) in taken.take_definitions(true) {
        schemas.entry(name).or_insert(schema);
    }
    schemas.sort_keys();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "OSTwin dashboard",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Plans, war-rooms and memories of one or several projects. `HEAD` is \
                answered where `GET` is; another method than those listed gets 405, with `Allow`.",
        },
        "security": [{ "token": [] }, { "session": [] }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": problems(routes, &problem),
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer" },
                "session": { "type": "apiKey", "in": "cookie", "name": crate::door::COOKIE },
            },
        },
    })
}

/// Says how large a whole number may be: what is larger is refused.
fn bounded(schema: &mut Schema) {
    let most = match schema.get("format").and_then(Value::as_str) {
        Some("uint32") => u64::from(u32::MAX),
        Some("uint64" | "uint") => u64::MAX,
        _ => return,
    };
    if schema.get("maximum").is_none() {
        schema.insert("maximum".to_owned(), most.into());
    }
}

/// A path as OpenAPI writes it, which knows no rest of a path.
fn plain(path: &str) -> String {
    path.replace("{*", "{")
}

fn operation(route: &Route, [given, taken, named]: [&mut SchemaGenerator; 3]) -> Value {
    let about = &route.about;
    let mut parameters = parameters("path", about.path, named);
    parameters.extend(self::parameters("query", about.query, named));
    if crate::app::is_of_a_project(route.path) {
        parameters.push(json!({
            "name": "project",
            "in": "query",
            "required": false,
            "description": "Which project, as `/api/projects` names it; may be left out if there is only one.",
            "schema": { "type": "string" },
        }));
    }
    parameters.extend(about.headers.iter().map(|(name, says)| {
        json!({
            "name": name,
            "in": "header",
            "required": false,
            "description": says,
            "schema": { "type": "string" },
        })
    }));
    let responses = responses(route, given);
    let mut operation = json!({
        "operationId": operation_id(route),
        "summary": route.summary,
        "parameters": parameters,
        "responses": responses,
    });
    if let Some(body) = about.body {
        let schema = body(taken).to_value();
        operation["requestBody"] =
            json!({ "content": { "application/json": { "schema": schema } } });
    }
    if crate::door::is_open(route.path) {
        operation["security"] = json!([]);
    }
    operation
}

/// Every answer of a route: nothing else is answered.
fn responses(route: &Route, given: &mut SchemaGenerator) -> Map<String, Value> {
    let about = &route.about;
    let mut found = BTreeMap::new();
    for (status, media) in &about.others {
        let described = match *media {
            None if *status == 401 && crate::door::is_open(route.path) => continue,
            None => json!({ "$ref": format!("#/components/responses/{}", problem_name(*status)) }),
            Some("") => json!({ "description": meaning(*status) }),
            Some(media) => json!({ "description": meaning(*status), "content": { media: {} } }),
        };
        found.insert(*status, described);
    }
    let (media, schema) = about.answer;
    let mut success = json!({ "description": route.summary });
    if !about.status.is_redirection() {
        success["content"] = match schema {
            Some(schema) => json!({ media: { "schema": schema(given).to_value() } }),
            None => json!({ media: {} }),
        };
    }
    if about.snapshot {
        let header = |says: &str| json!({ "description": says, "required": true, "schema": { "type": "string" } });
        success["headers"] = json!({
            "ETag": header("What `If-None-Match` takes."),
            "Ostwin-Stream-Id": header("The last event of the stream that this is sure to include."),
        });
    }
    found.insert(about.status.as_u16(), success);
    found.into_iter().map(|(status, answer)| (status.to_string(), answer)).collect()
}

/// The problems that routes answer with, each once.
fn problems(routes: &[Route], problem: &Value) -> BTreeMap<String, Value> {
    let all = routes.iter().flat_map(|route| &route.about.others);
    all.filter(|(_, media)| media.is_none())
        .map(|(status, _)| {
            let content = json!({ "application/problem+json": { "schema": problem } });
            let described = json!({ "description": meaning(*status), "content": content });
            (problem_name(*status), described)
        })
        .collect()
}

fn problem_name(status: u16) -> String {
    format!("Problem{status}")
}

/// What a status means here.
fn meaning(status: u16) -> &'static str {
    match status {
        206 => "The part that was asked for.",
        304 => "It is what the client has.",
        400 => "The path or a parameter makes no sense.",
        401 => "Nobody who was let in.",
        403 => "It comes from another page, or leads out of where it may.",
        404 => "There is no such thing.",
        408 => "The body took too long.",
        409 => "It does not fit how things stand.",
        413 => "It is too large.",
        415 => "The body is no JSON.",
        416 => "There is no such part.",
        421 => "The server is not called by that name.",
        422 => "The body is not what this takes.",
        502 => "What was fetched from elsewhere did not come.",
        503 => "Somebody else holds what this needs, or it took too long: try again.",
        504 => "No answer in time.",
        _ => "Something of the server's own failed.",
    }
}

/// `get_api_plans_id_dag`
fn operation_id(route: &Route) -> String {
    let words = route.path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty());
    let words: Vec<&str> = words.collect();
    format!("{}_{}", route.method.as_str().to_lowercase(), words.join("_"))
}

/// The fields of an object as parameters.
fn parameters(place: &str, of: Option<Describe>, named: &mut SchemaGenerator) -> Vec<Value> {
    let Some(describe) = of else { return Vec::new() };
    let schema = describe(named).to_value();
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    let fields = schema["properties"].as_object().cloned().unwrap_or_default();
    fields
        .into_iter()
        .map(|(name, mut field)| {
            let words = field.as_object_mut().and_then(|field| field.remove("description"));
            let mut parameter = json!({
                "name": name,
                "in": place,
                "required": place == "path" || required.contains(&json!(name)),
                "schema": field,
            });
            if let Some(words) = words {
                parameter["description"] = words;
            }
            parameter
        })
        .collect()
}
