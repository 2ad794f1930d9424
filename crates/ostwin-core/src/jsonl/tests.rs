use std::io::Write;

use serde::Deserialize;

use super::*;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Line {
    seq: u64,
    text: String,
}

fn store() -> Store {
    Store { durability: Durability::Os, ..Store::default() }
}

fn add(path: &Path, text: &str) -> u64 {
    append(&store(), path, |seq| Line { seq, text: text.to_owned() }).unwrap().1.seq
}

fn write_raw(path: &Path, bytes: &[u8]) {
    fs::open_append(path).unwrap().write_all(bytes).unwrap();
}

fn texts(path: &Path) -> (Vec<String>, usize) {
    let (lines, scanned) = read_all::<Line>(path).unwrap();
    (lines.into_iter().map(|line| line.text).collect(), scanned.skipped)
}

fn texts_back(path: &Path) -> (Vec<String>, usize) {
    let mut found = Vec::new();
    let scanned = scan_back::<Line>(path, |_, line| {
        found.push(line.text);
        ControlFlow::Continue(())
    })
    .unwrap();
    found.reverse();
    (found, scanned.skipped)
}

#[test]
fn lines_are_numbered_from_one() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.jsonl");
    assert_eq!([add(&path, "a"), add(&path, "b"), add(&path, "c")], [1, 2, 3]);
    assert_eq!(texts(&path), (vec!["a".into(), "b".into(), "c".into()], 0));
    assert_eq!(texts_back(&path), texts(&path));
}

#[test]
fn a_torn_last_line_costs_exactly_that_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.jsonl");
    add(&path, "a");
    write_raw(&path, br#"{"seq":2,"te"#);
    assert_eq!(texts(&path), (vec!["a".into()], 0), "an unfinished line does not count yet");
    assert_eq!(add(&path, "b"), 2);
    assert_eq!(texts(&path), (vec!["a".into(), "b".into()], 1));
    assert_eq!(texts_back(&path), (vec!["a".into(), "b".into()], 1));
}

/// Lets the writer of the first line die in the middle of it.
struct DiesOnce(std::cell::Cell<bool>);

impl interposer::Interposer for DiesOnce {
    fn before(&self, verb: &'static str, _: &Path) -> Fate {
        match verb == "append to" && !self.0.replace(true) {
            true => Fate::Torn,
            false => Fate::Happens,
        }
    }

    fn after(&self, _: &Op) {}
}

#[test]
fn a_line_behind_one_whose_writer_died_survives_a_power_cut() {
    use crate::fs::power_cut::{Disk, Image};
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("channel.jsonl");
    let store = Store { durability: Durability::Sync, ..store() };
    let disk = Disk::of(dir.path()).unwrap();
    let add = |text: &str| append(&store, &path, |seq| Line { seq, text: text.to_owned() });
    let dies = std::rc::Rc::new(DiesOnce(std::cell::Cell::new(false)));
    let ((), ops) = crate::fs::recorder::recording(|| {
        interposer::interposed(dies, || {
            add("first").unwrap_err();
            add("second").unwrap();
        });
    });
    disk.after(&ops).leave(&mut Image::Neither.rule()).unwrap();
    assert_eq!(texts(&path), (vec!["second".to_owned()], 1));
}

#[test]
fn garbage_is_skipped_counted_and_kept() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.jsonl");
    write_raw(&path, b"7\nnull\n{}\n\xff\xfe\n\n");
    add(&path, "a");
    let mut huge = vec![b'x'; 10 * MAX_LINE_BYTES];
    huge.push(b'\n');
    write_raw(&path, &huge);
    assert_eq!(add(&path, "b"), 2);
    assert_eq!(texts(&path), (vec!["a".into(), "b".into()], 6));
    assert_eq!(texts_back(&path), (vec!["a".into(), "b".into()], 6));
}

#[test]
fn an_overlong_line_is_refused_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.jsonl");
    add(&path, "a");
    let before = std::fs::read(&path).unwrap();
    let error = append(&store(), &path, |_| "x".repeat(MAX_LINE_BYTES)).unwrap_err();
    assert!(matches!(error, JsonlError::TooLong { .. }));
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn a_follower_gives_each_line_once_and_starts_again_when_the_file_is_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.jsonl");
    let mut follower = Follower::new(&path, 0);
    let mut poll = |limit| {
        let batch = follower.poll::<Line>(limit).unwrap();
        let texts: Vec<_> = batch.lines.into_iter().map(|line| line.text).collect();
        (texts.join(""), batch.restarted, batch.more)
    };
    assert_eq!(poll(9), (String::new(), false, false));
    add(&path, "a");
    add(&path, "b");
    add(&path, "c");
    assert_eq!(poll(2), ("ab".into(), false, true));
    write_raw(&path, b"{\"seq\":4");
    assert_eq!(poll(9), ("c".into(), false, false));
    write_raw(&path, b",\"text\":\"d\"}\n");
    assert_eq!(poll(9), ("d".into(), false, false));
    fs::replace_hint(&path, b"{\"seq\":1,\"text\":\"n\"}\n").unwrap();
    assert_eq!(poll(9), ("n".into(), true, false));
}

#[test]
fn lines_of_every_length_are_read_back() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.jsonl");
    let mut expected = Vec::new();
    for length in [1, 4_000, 4_095, 4_096, 4_097, 20_000, 70_000, 300_000, 2] {
        let text = "y".repeat(length);
        add(&path, &text);
        expected.push(text);
    }
    assert_eq!(texts_back(&path), (expected.clone(), 0));
    assert_eq!(texts(&path), (expected, 0));
}

#[test]
fn threads_never_share_a_number() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.jsonl");
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| (0..50).for_each(|_| assert!(add(&path, "t") > 0)));
        }
    });
    let (lines, scanned) = read_all::<Line>(&path).unwrap();
    let numbers: Vec<u64> = lines.iter().map(|line| line.seq).collect();
    assert_eq!((numbers, scanned.skipped), ((1..=400).collect(), 0));
}

#[test]
fn a_number_in_a_line_that_does_not_count_is_not_taken() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.jsonl");
    assert_eq!(add(&path, "a"), 1);
    write_raw(&path, b"{\"seq\":7,\"text\":\"\xff\"}\n");
    write_raw(&path, format!("{{\"seq\":{}}}\n", u64::MAX).as_bytes());
    assert_eq!(add(&path, "b"), 2);
    assert_eq!(texts(&path), (vec!["a".to_owned(), "b".to_owned()], 2));
    assert_eq!(texts_back(&path), (vec!["a".to_owned(), "b".to_owned()], 2));
}

#[test]
fn the_line_of_a_number_is_found_by_halving() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.jsonl");
    assert_eq!(start_of(&path, 1).unwrap(), 0);
    let mut bytes = Vec::new();
    let mut starts = Vec::new();
    for seq in 1..=400_u64 {
        // What carries no number stands anywhere, and is as long as it likes.
        match seq % 7 {
            0 => bytes.extend_from_slice(b"not a line of ours\n"),
            3 if seq % 5 == 0 => {
                bytes.extend_from_slice(b"{\"seq\":1}");
                bytes.resize(bytes.len() + MAX_LINE_BYTES, b' ');
                bytes.push(b'\n');
            }
            _ => {}
        }
        starts.push(bytes.len() as u64);
        // Some are longer than what is rather read than halved.
        let length = if seq % 11 == 0 { 40_000 } else { seq * 37 % 1_500 };
        let text = "y".repeat(usize::try_from(length).unwrap());
        bytes.extend_from_slice(format!("{{\"seq\":{seq},\"text\":\"{text}\"}}\n").as_bytes());
    }
    let end = bytes.len() as u64;
    bytes.extend_from_slice(br#"{"seq":401,"te"#);
    write_raw(&path, &bytes);
    for (seq, start) in (1..).zip(&starts) {
        assert_eq!(start_of(&path, seq).unwrap(), *start, "{seq}");
    }
    assert_eq!([0, 401, u64::MAX].map(|seq| start_of(&path, seq).unwrap()), [starts[0], end, end]);
    let mut before = Vec::new();
    scan_back_from::<Line>(&path, starts[4], |_, line| {
        before.push(line.seq);
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(before, [4, 3, 2, 1]);
}

#[test]
fn a_follower_holds_little_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.jsonl");
    let text = "z".repeat(300_000);
    (0..9).for_each(|_| assert!(add(&path, &text) > 0));
    let mut follower = Follower::new(&path, 0);
    let mut batches = Vec::new();
    loop {
        let batch = follower.poll::<Line>(1_000).unwrap();
        batches.push(batch.lines.len());
        if !batch.more {
            break;
        }
    }
    assert_eq!(batches, [5, 4]);
}
