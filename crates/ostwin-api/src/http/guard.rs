//! Which pages may call: checked before anything else, for a browser sends requests of any page.
//!
//! A page that had its own name resolve to this machine (DNS rebinding) is known by the `Host` that
//! it sends; another page is known by its `Origin`, which a browser sends with everything that
//! changes something, and by `Sec-Fetch-Site`, which it sends with everything.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::problem::Problem;
use crate::app::App;

/// The names by which this server may be called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hosts {
    names: BTreeSet<String>,
}

impl Hosts {
    /// Those of a server that listens at `address`, and that a person named besides.
    pub(crate) fn of(address: SocketAddr, further: &[String]) -> Self {
        let mut names: BTreeSet<String> =
            ["localhost", "127.0.0.1", "[::1]"].map(str::to_owned).into();
        let ip = address.ip();
        if !ip.is_unspecified() {
            names.insert(if ip.is_ipv6() { format!("[{ip}]") } else { ip.to_string() });
        }
        names.extend(further.iter().map(|name| name.to_ascii_lowercase()));
        Self { names }
    }

    fn knows(&self, host: &str) -> bool {
        self.names.contains(&name_of(host).to_ascii_lowercase())
    }
}

/// A host without its port: `[::1]:3366` is `[::1]`.
fn name_of(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// Why a request is refused, if it is. `by_token`: the caller showed the token itself, which no
/// browser adds on its own.
pub(crate) fn refusal(
    hosts: &Hosts,
    method: &Method,
    headers: &HeaderMap,
    by_token: bool,
) -> Option<Problem> {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let Some(host) = text(header::HOST).filter(|host| hosts.knows(host)) else {
        let words = "this server is not called by that name; `dashboard.hosts` lists further ones";
        return Some(Problem::new(StatusCode::MISDIRECTED_REQUEST, words));
    };
    let forbidden = |words: &str| Some(Problem::new(StatusCode::FORBIDDEN, words));
    let site = headers.get("sec-fetch-site").and_then(|site| site.to_str().ok());
    match headers.get(header::ORIGIN).map(|origin| origin.to_str().unwrap_or_default()) {
        Some(origin) => {
            let own = ["http://", "https://"].iter().any(|scheme| {
                origin.strip_prefix(scheme).is_some_and(|of| of.eq_ignore_ascii_case(host))
            });
            if !own {
                return forbidden("this request comes from another page");
            }
        }
        None if method != Method::GET && method != Method::HEAD && !by_token => {
            return forbidden("a request that changes something needs an `Origin`");
        }
        None => {}
    }
    // A link on another page may lead here; what another page loads or sends may not.
    let by_link = headers.get("sec-fetch-mode").is_some_and(|mode| mode == "navigate");
    match site {
        None | Some("same-origin" | "none") => None,
        Some(_) if method == Method::GET && by_link => None,
        Some(_) => forbidden("this request comes from another page"),
    }
}

/// The check before every request, and what every answer tells browsers.
pub(crate) async fn guard(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    let by_token = app.door.shows_token(headers);
    let path = request.uri().path();
    let refused = refusal(&app.hosts, request.method(), headers, by_token).or_else(|| {
        let needed = !crate::door::is_open(path);
        (needed && !by_token && !app.door.knows(headers)).then(|| app.door.stranger())
    });
    let mut answer = match refused {
        Some(problem) => problem.into_response(),
        None => next.run(request).await,
    };
    app.metrics.answered(answer.status());
    let headers = answer.headers_mut();
    for (name, value) in HEADERS {
        if !headers.contains_key(*name) {
            headers.insert(*name, HeaderValue::from_static(value));
        }
    }
    answer
}

/// No script, style or picture but our own; no frame around us; no guess at what a file is.
const HEADERS: &[(&str, &str)] = &[
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
         connect-src 'self'; font-src 'self'; manifest-src 'self'; base-uri 'none'; \
         form-action 'self'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(method: &Method, headers: &[(&str, &str)], by_token: bool) -> Option<u16> {
        let hosts = Hosts::of(([127, 0, 0, 1], 3366).into(), &["Board.example".to_owned()]);
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(
                header::HeaderName::from_bytes(name.as_bytes()).unwrap(),
                HeaderValue::from_str(value).unwrap(),
            );
        }
        refusal(&hosts, method, &map, by_token).map(|problem| problem.status().as_u16())
    }

    #[test]
    fn only_its_own_names_are_answered() {
        for host in ["localhost:3366", "127.0.0.1", "[::1]:1", "LOCALHOST", "board.example:80"] {
            assert_eq!(refused(&Method::GET, &[("host", host)], false), None, "{host}");
        }
        for host in ["evil.example", "127.0.0.1.evil.example:3366", "10.0.0.1:3366", ""] {
            assert_eq!(refused(&Method::GET, &[("host", host)], true), Some(421), "{host}");
        }
        assert_eq!(refused(&Method::GET, &[], true), Some(421));
    }

    #[test]
    fn another_page_changes_nothing_and_reads_nothing() {
        let host = ("host", "localhost:3366");
        let own = ("origin", "http://localhost:3366");
        assert_eq!(refused(&Method::POST, &[host, own], false), None);
        assert_eq!(refused(&Method::POST, &[host], false), Some(403));
        assert_eq!(refused(&Method::POST, &[host], true), None, "a program with the token");
        for origin in ["http://evil.example", "null", "http://localhost:3367", "localhost:3366", ""]
        {
            let headers = [host, ("origin", origin)];
            assert_eq!(refused(&Method::POST, &headers, true), Some(403), "{origin}");
            assert_eq!(refused(&Method::GET, &headers, false), Some(403), "{origin}");
        }
        let fetched = [host, ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors")];
        assert_eq!(refused(&Method::GET, &fetched, false), Some(403));
        let same_site = [host, ("sec-fetch-site", "same-site"), ("sec-fetch-mode", "cors")];
        assert_eq!(refused(&Method::GET, &same_site, false), Some(403));
        let linked = [host, ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")];
        assert_eq!(refused(&Method::GET, &linked, false), None);
        assert_eq!(refused(&Method::POST, &[host, own, linked[1], linked[2]], false), Some(403));
    }
}
