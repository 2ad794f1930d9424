//! The OpenAPI document, made from the table of routes.
//!
//! The schemas are those that the types of core have anyway: OpenAPI 3.1 takes JSON Schema as it
//! is. What is answered and what is sent are described apart, because a field with a default may be
//! left out of the one and is always there in the other.

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
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
        })
    };
    let mut given = settings().for_serialize().into_generator();
    let mut taken = settings().for_deserialize().into_generator();
    let problem = given.subschema_for::<Problem>().to_value();
    let mut paths = Map::new();
    for route in routes {
        let path = paths.entry(plain(route.path)).or_insert_with(|| json!({}));
        path[route.method.as_str().to_lowercase()] =
            operation(route, &mut given, &mut taken, &problem);
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
            "description": "Plans, war-rooms and memories of one or several projects.",
        },
        "security": [{ "token": [] }, { "session": [] }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer" },
                "session": { "type": "apiKey", "in": "cookie", "name": crate::door::COOKIE },
            },
        },
    })
}

/// A path as OpenAPI writes it, which knows no rest of a path.
fn plain(path: &str) -> String {
    path.replace("{*", "{")
}

fn operation(
    route: &Route,
    given: &mut SchemaGenerator,
    taken: &mut SchemaGenerator,
    problem: &Value,
) -> Value {
    let about = &route.about;
    let mut parameters = parameters("path", about.path, taken);
    parameters.extend(self::parameters("query", about.query, taken));
    if crate::app::is_of_a_project(route.path) {
        parameters.push(json!({
            "name": "project",
            "in": "query",
            "required": false,
            "description": "Which project, as `/api/projects` names it; may be left out if there is only one.",
            "schema": { "type": "string" },
        }));
    }
    let (media, schema) = about.answer;
    let content = match schema {
        Some(schema) => json!({ media: { "schema": schema(given).to_value() } }),
        None => json!({ media: {} }),
    };
    let refused = json!({
        "description": "What went wrong.",
        "content": { "application/problem+json": { "schema": problem } },
    });
    let mut responses = Map::new();
    let success = json!({ "description": route.summary, "content": content });
    responses.insert(about.status.as_str().to_owned(), success);
    responses.insert("default".to_owned(), refused);
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

/// `get_api_plans_id_dag`
fn operation_id(route: &Route) -> String {
    let words = route.path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty());
    let words: Vec<&str> = words.collect();
    format!("{}_{}", route.method.as_str().to_lowercase(), words.join("_"))
}

/// The fields of an object as parameters.
fn parameters(place: &str, of: Option<Describe>, taken: &mut SchemaGenerator) -> Vec<Value> {
    let Some(describe) = of else { return Vec::new() };
    let schema = describe(taken).to_value();
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
