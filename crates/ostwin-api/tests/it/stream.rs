//! The stream: what changes is told once, in order, and nothing is missed by who comes back.

use ostwin_core::ids::SignalName;
use ostwin_core::room::Why;

use crate::support::{Dashboard, PLAN, note, room};

#[test]
fn what_others_write_is_told() {
    let dashboard = Dashboard::new();
    let mut events = dashboard.stream("", None);
    assert!(events.head.contains("text/event-stream"), "{}", events.head);
    assert_eq!(events.next().unwrap().name, "hello");
    let plan = dashboard.import(PLAN);
    let told = events.next_of("plan").json();
    assert_eq!(
        (told["plan_id"].as_str(), told["state"].as_str()),
        (Some(plan.as_str()), Some("planned"))
    );
    let room = room(&dashboard.project(), &plan);
    let told = events.next_of("room").json();
    let told = if told["room"].is_null() { events.next_of("room").json() } else { told };
    assert_eq!(told["epic"], "EPIC-001");
    for text in ["one", "two", "three"] {
        note(&room, text);
    }
    for (number, text) in [(1, "one"), (2, "two"), (3, "three")] {
        let message = &events.next_of("channel").json()["message"];
        assert_eq!((&message["seq"], &message["body"]), (&number.into(), &text.into()));
    }
    let ready = SignalName::new("ready").unwrap();
    room.locked(|room| room.signal(&ready, Why::engine("dependencies", "go"))).unwrap();
    loop {
        let told = events.next_of("room").json();
        if told["room"] == "room-001" && told["state"] == "developing" {
            break;
        }
    }
}

#[test]
fn who_comes_back_misses_nothing() {
    let dashboard = Dashboard::new();
    let (_, room) = dashboard.room();
    dashboard.until("/api/rooms", |rooms| rooms["items"].as_array().unwrap().len() == 1);
    let mut events = dashboard.stream("?topics=channel", None);
    let hello = events.next().unwrap();
    note(&room, "one");
    let one = events.next_of("channel");
    drop(events);
    note(&room, "two");
    note(&room, "three");
    let bodies = |mut events: crate::support::Events, count: usize| -> Vec<String> {
        (0..count)
            .map(|_| {
                let body = events.next_of("channel").json()["message"]["body"].clone();
                body.as_str().unwrap().to_owned()
            })
            .collect()
    };
    let mut back = dashboard.stream("?topics=channel", Some(&one.id));
    assert_eq!(back.next().unwrap().name, "hello");
    assert_eq!(bodies(back, 2), ["two", "three"]);
    let from_the_start = dashboard.stream("?topics=channel", Some(&hello.id));
    assert_eq!(bodies(from_the_start, 3), ["one", "two", "three"]);
    let by_query = format!("?topics=channel&last_event_id={}", one.id);
    assert_eq!(bodies(dashboard.stream(&by_query, None), 2), ["two", "three"]);
    for id in ["00000000-1", "nonsense", "99999999999999999999-1"] {
        let mut reset = dashboard.stream("?topics=channel", Some(id));
        assert_eq!(reset.next().unwrap().name, "reset", "{id}");
    }
}

#[test]
fn a_snapshot_says_which_event_it_includes() {
    let dashboard = Dashboard::new();
    let (_, room) = dashboard.room();
    dashboard.until("/api/rooms", |rooms| rooms["items"].as_array().unwrap().len() == 1);
    let path = "/api/rooms/room-001/channel";
    let before = dashboard.ask("GET", path, None);
    note(&room, "after the snapshot");
    let id = before.header("ostwin-stream-id").to_owned();
    assert_eq!(before.json()["items"].as_array().unwrap().len(), 0);
    let mut events = dashboard.stream("?room=room-001&topics=channel", Some(&id));
    assert_eq!(events.next_of("channel").json()["message"]["body"], "after the snapshot");
}

#[test]
fn a_client_that_does_not_read_is_let_go_and_nobody_waits_for_it() {
    let dashboard = Dashboard::new();
    let (_, room) = dashboard.room();
    dashboard.until("/api/rooms", |rooms| rooms["items"].as_array().unwrap().len() == 1);
    let mut slow = dashboard.stream("?topics=channel", None);
    let mut quick = dashboard.stream("?topics=channel", None);
    // More than the socket's buffers and the queue of one listener hold.
    let text = "x".repeat(60_000);
    for number in 0..700 {
        note(&room, &format!("{number} {text}"));
        let told = quick.next_of("channel").json();
        assert_eq!(told["message"]["seq"], number + 1);
    }
    let metrics = dashboard.ask("GET", "/metrics", None).text();
    let dropped = metrics
        .lines()
        .find_map(|line| line.strip_prefix("ostwin_dashboard_stream_clients_dropped_total "));
    assert_eq!(dropped, Some("1"), "{metrics}");
    // What was sent to it before is still to be read; then the stream ends.
    let mut read = 0;
    while let Some(event) = slow.next() {
        read += usize::from(event.name == "channel");
    }
    assert!(read < 700, "{read}");
}
