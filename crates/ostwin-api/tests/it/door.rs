//! Who comes in: every route of the description, with and without the token.

use serde_json::Value;

use crate::support::Dashboard;

/// The routes of the description with something in place of what varies.
fn routes(dashboard: &Dashboard) -> Vec<(String, String)> {
    let document = dashboard.get("/api/openapi.json");
    let mut routes = Vec::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        let mut path = path.clone();
        for (part, value) in [
            ("{id}", "room-001"),
            ("{n}", "1"),
            ("{path}", "a.md"),
            ("{name}", "engineer"),
            ("{server}", "github"),
            ("{key}", "token"),
        ] {
            path = path.replace(part, value);
        }
        assert!(!path.contains('{'), "{path}: say what to put there");
        let methods = operations.as_object().unwrap().keys();
        routes.extend(methods.map(|method| (method.to_uppercase(), path.clone())));
    }
    assert!(routes.len() > 30, "{routes:?}");
    routes
}

fn is_open(path: &str) -> bool {
    path == "/api/health" || path == "/auth"
}

#[test]
fn every_route_wants_the_token() {
    let dashboard = Dashboard::new();
    let origin = format!("http://{}", dashboard.address);
    for (method, path) in routes(&dashboard).into_iter().filter(|(_, path)| !is_open(path)) {
        let own = [("Origin", origin.as_str()), ("Content-Type", "application/json")];
        let answer = dashboard.send(&method, &path, &own, b"{}");
        assert_eq!(answer.status, 401, "{method} {path}: {}", answer.text());
        assert_eq!(answer.header("content-type"), "application/problem+json");
        let wrong = format!("Bearer {}", "0".repeat(64));
        let headers = [own[0], own[1], ("Authorization", wrong.as_str())];
        assert_eq!(dashboard.send(&method, &path, &headers, b"{}").status, 401, "{method} {path}");
    }
    // A browser may ask for what is there before anybody came in.
    for path in ["/", "/plans/x", "/api/health"] {
        assert_eq!(dashboard.send("GET", path, &[], b"").status, 200, "{path}");
    }
    assert_eq!(dashboard.send("GET", "/api/nothing", &[], b"").status, 401);
}

#[test]
fn with_the_token_every_route_is_there() {
    let dashboard = Dashboard::new();
    for (method, path) in routes(&dashboard) {
        if path == "/api/stream" || is_open(&path) || method != "GET" {
            continue;
        }
        let answer = dashboard.ask(&method, &path, None);
        assert_ne!(answer.status, 401, "{method} {path}");
        assert!(answer.status < 500, "{method} {path}: {} {}", answer.status, answer.text());
        if answer.status >= 400 {
            let problem = answer.json();
            assert_eq!(problem["status"], answer.status, "{method} {path}");
            assert!(problem["detail"].as_str().is_some_and(|detail| !detail.is_empty()));
        }
    }
    let missing = dashboard.ask("GET", "/api/nothing", None);
    assert_eq!((missing.status, missing.json()["status"].clone()), (404, Value::from(404)));
    assert_eq!(dashboard.ask("DELETE", "/api/inbox", None).status, 405);
}

#[test]
fn a_link_lets_a_browser_in_once() {
    let dashboard = Dashboard::new();
    let path = dashboard.link.split_once(&dashboard.address.to_string()).unwrap().1.to_owned();
    let first = dashboard.send("GET", &path, &[], b"");
    assert_eq!((first.status, first.header("location")), (303, "/"));
    let cookie = first.header("set-cookie").to_owned();
    for word in ["ostwin_session", "HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(word), "{cookie}");
    }
    assert!(!cookie.contains(&dashboard.token));
    assert_eq!(dashboard.send("GET", &path, &[], b"").status, 401, "used");

    let cookie = cookie.split(';').next().unwrap();
    let answer = dashboard.send("GET", "/api/plans", &[("Cookie", cookie)], b"");
    assert_eq!(answer.status, 200);
    let wrong = format!("{}0", &cookie[..cookie.len() - 1]);
    let wrong = if wrong == cookie { format!("{cookie}0") } else { wrong };
    assert_eq!(dashboard.send("GET", "/api/plans", &[("Cookie", &wrong)], b"").status, 401);
}

#[test]
fn every_reference_of_the_description_leads_somewhere() {
    let dashboard = Dashboard::new();
    let document = dashboard.get("/api/openapi.json");
    assert_eq!(document["openapi"], "3.1.0");
    let mut open = vec![&document];
    let mut references = 0;
    while let Some(value) = open.pop() {
        match value {
            Value::Object(fields) => {
                if let Some(Value::String(reference)) = fields.get("$ref") {
                    let place = reference.strip_prefix('#').unwrap();
                    assert!(document.pointer(place).is_some(), "{reference}");
                    references += 1;
                }
                open.extend(fields.values());
            }
            Value::Array(items) => open.extend(items),
            _ => {}
        }
    }
    assert!(references > 100, "{references}");
    let served = serde_json::to_string_pretty(&document).unwrap();
    assert_eq!(format!("{served}\n"), ostwin_api::openapi());
}

/// `web/openapi.json` is what the web app's types are made from.
#[test]
fn the_description_in_the_repository_is_the_one_that_is_served() {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web/openapi.json");
    let written = std::fs::read_to_string(&file).unwrap();
    assert!(
        written == ostwin_api::openapi(),
        "{} is old: `ostwin-dashboard __openapi` writes it",
        file.display()
    );
}
