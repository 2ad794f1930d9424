//! Several projects behind one server: what is asked and told is of the one that is meant.

use ostwin_testkit::TestProject;
use serde_json::json;

use crate::support::{Dashboard, PLAN, note, project, room};

/// Two projects that both have `room-001`.
fn two() -> (Dashboard, TestProject, [String; 2]) {
    let (one, other) = (TestProject::new().unwrap(), TestProject::new().unwrap());
    let dashboard = Dashboard::over_several(one, &[&other]);
    let listed = dashboard.get("/api/projects");
    let key = |at: usize| listed["items"][at]["project"].as_str().unwrap().to_owned();
    let keys = [key(0), key(1)];
    (dashboard, other, keys)
}

#[test]
fn one_has_to_be_named_where_it_matters() {
    let (dashboard, other, [first, second]) = two();
    assert_ne!(first, second);
    let (_, own) = dashboard.room();
    let files = project(other.layout());
    let made = json!({ "markdown": PLAN });
    let unnamed = dashboard.ask("POST", "/api/plans", Some(&made));
    assert_eq!(unnamed.status, 400, "{}", unnamed.text());
    let named = dashboard.ask("POST", &format!("/api/plans?project={second}"), Some(&made));
    assert_eq!(named.status, 201, "{}", named.text());
    let plan = named.json()["plan_id"].as_str().unwrap().parse().unwrap();
    let foreign = room(&files, &plan);
    assert_eq!(own.id(), foreign.id(), "both are called the same");

    dashboard.until("/api/rooms", |rooms| rooms["items"].as_array().unwrap().len() == 2);
    note(&foreign, "of the other");
    assert_eq!(dashboard.ask("GET", "/api/rooms/room-001/channel", None).status, 400);
    let bodies = |key: &str| {
        let channel = dashboard.get(&format!("/api/rooms/room-001/channel?project={key}"));
        let items = channel["items"].as_array().unwrap().clone();
        items.iter().map(|message| message["body"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(bodies(&first), [json!(null); 0]);
    assert_eq!(bodies(&second), [json!("of the other")]);
    assert_eq!(dashboard.ask("GET", "/api/rooms?project=nobody", None).status, 404);
}

#[test]
fn the_stream_says_whose_news_it_tells() {
    let (dashboard, other, [first, second]) = two();
    let (_, own) = dashboard.room();
    let files = project(other.layout());
    let plan = ostwin_core::plans::import(
        &files,
        std::path::Path::new("/nowhere/PLAN.md"),
        PLAN.as_bytes(),
        "Shop",
        false,
    );
    let foreign = room(&files, &plan.unwrap().meta.plan_id);
    dashboard.until("/api/rooms", |rooms| rooms["items"].as_array().unwrap().len() == 2);
    let mut all = dashboard.stream("?topics=channel", None);
    let mut of_second = dashboard.stream(&format!("?topics=channel&project={second}"), None);
    assert_eq!(
        (all.next().unwrap().name, of_second.next().unwrap().name),
        ("hello".into(), "hello".into())
    );
    note(&own, "first");
    note(&foreign, "second");
    let mut told: Vec<_> = (0..2)
        .map(|_| {
            let news = all.next_of("channel").json();
            (news["project"].as_str().unwrap().to_owned(), news["message"]["body"].clone())
        })
        .collect();
    told.sort_by_key(|(_, body)| body.to_string());
    assert_eq!(told, [(first, json!("first")), (second, json!("second"))]);
    assert_eq!(of_second.next_of("channel").json()["message"]["body"], "second");
}
