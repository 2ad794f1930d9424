//! What another page in the same browser, or a careless agent, can make of the server: nothing.

use ostwin_core::artifacts::Artifacts;
use ostwin_core::ids::ArtifactPath;

use crate::support::{Dashboard, PLAN};

/// The headers of a browser that was let in.
fn cookie(dashboard: &Dashboard) -> String {
    let path = dashboard.link.split_once(&dashboard.address.to_string()).unwrap().1.to_owned();
    let answer = dashboard.send("GET", &path, &[], b"");
    answer.header("set-cookie").split(';').next().unwrap().to_owned()
}

#[test]
fn another_page_cannot_read_or_write_with_the_cookie() {
    let dashboard = Dashboard::new();
    let cookie = cookie(&dashboard);
    let cookie = ("Cookie", cookie.as_str());
    let origin = format!("http://{}", dashboard.address);
    let json = ("Content-Type", "application/json");
    let plan = serde_json::json!({ "markdown": PLAN }).to_string();
    let post = |headers: &[(&str, &str)]| {
        dashboard.send("POST", "/api/plans", headers, plan.as_bytes()).status
    };
    let evil = ("Origin", "http://evil.example");
    // A fetch, a form, a form that hides its origin, a program without one.
    assert_eq!(post(&[cookie, json, evil]), 403);
    let form = ("Content-Type", "application/x-www-form-urlencoded");
    assert_eq!(post(&[cookie, form, evil]), 403);
    assert_eq!(post(&[cookie, form, ("Origin", "null")]), 403);
    assert_eq!(post(&[cookie, json]), 403);
    let text = ("Content-Type", "text/plain");
    assert_eq!(post(&[cookie, text, ("Origin", &origin)]), 415, "the type of a form");
    // Another port of this machine is another page.
    assert_eq!(post(&[cookie, json, ("Origin", "http://127.0.0.1:1")]), 403);

    let get =
        |path: &str, headers: &[(&str, &str)]| dashboard.send("GET", path, headers, b"").status;
    assert_eq!(get("/api/plans", &[cookie, evil]), 403);
    assert_eq!(get("/api/stream", &[cookie, evil]), 403);
    let image = [("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "no-cors")];
    assert_eq!(get("/api/rooms/room-001/artifacts/a.png", &[cookie, image[0], image[1]]), 403);
    assert_eq!(dashboard.get("/api/plans")["items"].as_array().unwrap().len(), 0);
    // The app itself.
    assert_eq!(post(&[cookie, json, ("Origin", &origin)]), 201);
}

#[test]
fn a_name_that_was_made_to_point_here_is_not_answered() {
    let dashboard = Dashboard::new();
    let bearer = dashboard.bearer();
    for path in ["/", "/api/plans", "/api/health", "/auth?token=x"] {
        for host in ["evil.example", "127.0.0.1.evil.example", ""] {
            let headers = [("Host", host), ("Authorization", bearer.as_str())];
            assert_eq!(dashboard.send("GET", path, &headers, b"").status, 421, "{path} {host}");
        }
    }
    let named = [("Host", "localhost:3366"), ("Authorization", bearer.as_str())];
    assert_eq!(dashboard.send("GET", "/api/plans", &named, b"").status, 200);
}

#[test]
fn streams_and_downloads_want_the_cookie_too() {
    let dashboard = Dashboard::new();
    let (_, room) = dashboard.room();
    write(&room, "report.md", b"secret");
    for path in ["/api/stream", "/api/rooms/room-001/artifacts/report.md", "/metrics"] {
        assert_eq!(dashboard.send("GET", path, &[], b"").status, 401, "{path}");
    }
}

fn write(room: &ostwin_core::room::Room, path: &str, content: &[u8]) {
    let artifacts = Artifacts::new(room.paths().artifacts());
    let path = ArtifactPath::new(path).unwrap();
    artifacts.write(room.project().store(), &path, content).unwrap();
}

#[test]
fn no_path_leads_out_of_the_artifacts() {
    let dashboard = Dashboard::new();
    let (_, room) = dashboard.room();
    write(&room, "deep/report.md", b"0123456789");
    let base = "/api/rooms/room-001/artifacts";
    let link = room.paths().artifacts().join("link.md");
    std::os::unix::fs::symlink(dashboard.layout().dashboard_token(), &link).unwrap();
    let folder = room.paths().artifacts().join("folder");
    std::os::unix::fs::symlink(dashboard.layout().agents(), &folder).unwrap();
    for path in [
        "../config.json",
        "../../../dashboard.token",
        "..%2fconfig.json",
        "%2e%2e/config.json",
        "%2e%2e%2fconfig.json",
        "deep/..%2f..%2fconfig.json",
        "%2fetc%2fpasswd",
        "/etc/passwd",
        "..%5cconfig.json",
        "deep%00.md",
        ".hidden",
        "link.md",
        "folder/dashboard.token",
        "deep",
        "nothing.md",
    ] {
        let answer = dashboard.ask("GET", &format!("{base}/{path}"), None);
        assert!((400..500).contains(&answer.status), "{path}: {} {}", answer.status, answer.text());
        assert!(!answer.text().contains(&dashboard.token), "{path}");
    }
    for room in ["..", "%2e%2e", "room-001%2f..", "ROOM-001", "x"] {
        let answer = dashboard.ask("GET", &format!("/api/rooms/{room}"), None);
        assert!((400..500).contains(&answer.status), "{room}: {}", answer.status);
    }
    let whole = dashboard.ask("GET", &format!("{base}/deep/report.md"), None);
    assert_eq!((whole.status, whole.text().as_str()), (200, "0123456789"));
    let bearer = dashboard.bearer();
    let part = [("Authorization", bearer.as_str()), ("Range", "bytes=2-4")];
    let part = dashboard.send("GET", &format!("{base}/deep/report.md"), &part, b"");
    assert_eq!((part.status, part.text().as_str()), (206, "234"));
    assert_eq!(part.header("content-range"), "bytes 2-4/10");
}

#[test]
fn what_an_agent_wrote_runs_nowhere() {
    let dashboard = Dashboard::new();
    let (_, room) = dashboard.room();
    let script = b"<script>alert(1)</script>";
    for name in ["page.html", "image.svg", "data.xml", "unknown", "page.md"] {
        write(&room, name, script);
        let path = format!("/api/rooms/room-001/artifacts/{name}");
        let answer = dashboard.ask("GET", &path, None);
        assert_eq!(answer.status, 200, "{name}");
        let (kind, how) = (answer.header("content-type"), answer.header("content-disposition"));
        let shown = name == "page.md";
        assert_eq!(how.starts_with("attachment;"), !shown, "{name}: {how}");
        assert_eq!(kind == "text/plain; charset=utf-8", shown, "{name}: {kind}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert!(answer.header("content-security-policy").starts_with("sandbox;"), "{name}");
    }
}

#[test]
fn every_answer_tells_browsers_what_not_to_do() {
    let dashboard = Dashboard::new();
    for path in ["/", "/api/health", "/api/plans", "/api/nothing"] {
        let answer = dashboard.send("GET", path, &[], b"");
        let policy = answer.header("content-security-policy");
        for rule in ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"] {
            assert!(policy.contains(rule), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
    }
}

#[test]
fn a_body_has_its_limit() {
    let dashboard = Dashboard::new();
    let bearer = dashboard.bearer();
    let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
    let large = serde_json::json!({ "markdown": "x".repeat(1 << 20) }).to_string();
    let answer = dashboard.send("POST", "/api/plans/check", &headers, large.as_bytes());
    assert_eq!(answer.status, 413, "{}", answer.text());
    for wrong in ["", "{", "[]", "{\"markdown\": 1}", "{\"markdown\": \"\", \"other\": 1}"] {
        let answer = dashboard.send("POST", "/api/plans/check", &headers, wrong.as_bytes());
        assert_eq!(answer.status, 422, "{wrong}: {}", answer.text());
    }
}
