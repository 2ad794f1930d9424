//! Whatever a test is answered is held against the description: nothing else is ever answered.

use std::sync::LazyLock;

use serde_json::Value;

use crate::support::Answer;

static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(&ostwin_api::openapi()).unwrap());

/// Fails if the answer is not one that the description has for this route.
pub(crate) fn check(method: &str, path: &str, answer: &Answer) {
    let path = path.split('?').next().unwrap();
    let Some((template, operation)) = operation(method, path) else { return };
    let status = answer.status.to_string();
    let place = format!("{method} {template}: {status} {}", answer.text());
    let described = &operation["responses"][&status];
    let described = match described["$ref"].as_str().and_then(|to| to.strip_prefix('#')) {
        Some(place) => DOCUMENT.pointer(place).unwrap(),
        None => described,
    };
    assert!(described.is_object(), "not in the description: {place}");
    let kind = answer.header("content-type").split(';').next().unwrap();
    let content = described["content"].as_object();
    let known = content.is_some_and(|content| content.contains_key("*/*"))
        || content
            .is_some_and(|content| content.keys().any(|of| of.split(';').next() == Some(kind)))
        || content.is_none() && answer.body.is_empty();
    assert!(known, "of another type than described, `{kind}`: {place}");
    for name in described["headers"].as_object().into_iter().flatten().map(|(name, _)| name) {
        assert!(!answer.header(&name.to_lowercase()).is_empty(), "no `{name}`: {place}");
    }
}

/// The operation that a path is for; the most literal one, as the server takes it.
fn operation(method: &str, path: &str) -> Option<(&'static str, &'static Value)> {
    let paths = DOCUMENT["paths"].as_object().unwrap().iter();
    let found = paths.filter(|(template, _)| fits(template, path));
    let (template, operations) = found.min_by_key(|(template, _)| template.matches('{').count())?;
    Some((template, operations.get(method.to_lowercase())?))
}

fn fits(template: &str, path: &str) -> bool {
    let (mut parts, mut words) = (template.split('/'), path.split('/'));
    loop {
        match (parts.next(), words.next()) {
            (None, None) => return true,
            // The rest of a path is an artifact's.
            (Some("{path}"), Some(_)) => return true,
            (Some(part), Some(word)) if part == word || part.starts_with('{') => {}
            _ => return false,
        }
    }
}

#[test]
fn every_answer_of_a_route_is_described_by_its_status() {
    for (path, operations) in DOCUMENT["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let responses = operation["responses"].as_object().unwrap();
            assert!(!responses.contains_key("default"), "{method} {path}");
            let successes = responses.keys().filter(|status| *status < &"400".to_owned());
            assert!(successes.count() >= 1, "{method} {path}");
            let id = operation["operationId"].as_str().unwrap();
            assert!(id.starts_with(method.as_str()), "{id}");
        }
    }
}
