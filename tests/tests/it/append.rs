//! Many processes append to one file.

use ostwin_core::channel::Message;
use ostwin_core::jsonl;
use serde_json::json;

use crate::field::{Field, PATIENCE, one_epic};

#[test]
fn fifty_processes_append_to_one_channel() {
    let script = json!({ "v": 1, "rules": [{ "before": [{ "do": "crash" }] }] });
    let field = Field::new(&script, &json!({ "max_retries": 0 }));
    field.plan("PLAN.md", &one_epic(""));
    field.expect(&["run", "PLAN.md", "--no-wait"], 4);
    let room = field.room(1);
    let before = jsonl::read_all::<Message>(room.channel().path()).unwrap().0.len();

    for round in 0..4 {
        let mut writers: Vec<_> = (0..50)
            .map(|writer| {
                let body = format!("round {round}, writer {writer}");
                field.spawn(&["room", "post", "room-001", "--type", "note", "--body", &body])
            })
            .collect();
        for writer in &mut writers {
            assert_eq!(writer.wait(PATIENCE).unwrap().code(), Some(0));
        }
    }
    let (messages, scanned) = jsonl::read_all::<Message>(room.channel().path()).unwrap();
    assert_eq!((messages.len(), scanned.skipped), (before + 200, 0));
    let numbers: Vec<u64> = messages.iter().map(|message| message.seq).collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
    let mut bodies: Vec<&str> = messages[before..].iter().map(|m| m.body.as_str()).collect();
    bodies.sort_unstable();
    bodies.dedup();
    assert_eq!(bodies.len(), 200, "every line is whole and there once");
}
