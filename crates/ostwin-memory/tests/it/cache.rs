//! The cache in every condition: the answers are those of the ledger.

use std::io::Write;

use ostwin_core::ledger::Kind;
use ostwin_memory::{Mode, Question};
use proptest::prelude::*;

use crate::world::{Said, World, found, lexical, question};

fn append(world: &World, bytes: &[u8]) {
    let mut file = ostwin_core::fs::open_log(&world.layout().ledger()).unwrap();
    file.write_all(bytes).unwrap();
}

#[test]
fn nothing_is_opened_before_it_is_needed_and_nothing_is_nothing() {
    let world = World::new();
    let mut catalogue = world.catalogue();
    assert!(!world.layout().cache().exists());
    assert_eq!(lexical(&mut catalogue, "anything").len(), 0);
    assert_eq!(catalogue.skipped_lines().unwrap(), 0);
    world.decide("anything at all");
    assert_eq!(lexical(&mut catalogue, "anything"), ["anything at all"]);
}

#[test]
fn a_torn_line_counts_when_it_is_whole_and_a_broken_one_is_counted_once() {
    let world = World::new();
    world.decide("one");
    let line = serde_json::to_string(&world.decide("two")).unwrap();
    world.write("");
    let (head, tail) = line.split_at(40);
    append(&world, head.as_bytes());
    let mut catalogue = world.catalogue();
    assert_eq!(lexical(&mut catalogue, "two").len(), 0);
    append(&world, format!("{tail}\n").as_bytes());
    assert_eq!(lexical(&mut catalogue, "two"), ["two"]);
    append(&world, b"{}\nnull\n\xff\xfe\n7");
    world.decide("three");
    let huge = vec![b'x'; 10 << 20];
    append(&world, &huge);
    append(&world, b"\n");
    world.decide("four");
    for catalogue in [&mut catalogue, &mut world.catalogue()] {
        assert_eq!(lexical(catalogue, "three"), ["three"]);
        assert_eq!(lexical(catalogue, "four"), ["four"]);
        assert_eq!(catalogue.skipped_lines().unwrap(), 5);
    }
}

#[test]
fn another_ledger_is_indexed_anew() {
    let world = World::new();
    world.decide("red apple");
    world.decide("red pear");
    let mut catalogue = world.catalogue();
    assert_eq!(lexical(&mut catalogue, "red").len(), 2);
    let text = std::fs::read_to_string(world.layout().ledger()).unwrap();
    let first = text.lines().next().unwrap();
    // Replaced by a shorter one, by a longer one, and by none.
    world.write(&format!("{first}\n"));
    assert_eq!(lexical(&mut catalogue, "red"), ["red apple"]);
    world.write(&format!("{}{text}", text.replace("pear", "plum")));
    assert_eq!(lexical(&mut catalogue, "plum"), ["red plum"]);
    ostwin_core::fs::remove_file(&world.layout().ledger()).unwrap();
    assert_eq!(lexical(&mut catalogue, "red").len(), 0);
    // Changed in place, with the length that it had.
    world.write(&text);
    assert_eq!(lexical(&mut catalogue, "pear"), ["red pear"]);
    let changed = text.replace("pear", "kiwi");
    let ledger = world.layout().ledger();
    let file = ostwin_core::fs::open_log(&ledger).unwrap();
    file.set_len(0).unwrap();
    append(&world, changed.as_bytes());
    assert_eq!(lexical(&mut catalogue, "red"), ["red kiwi", "red apple"]);
    assert_eq!(lexical(&mut catalogue, "pear").len(), 0);
}

#[test]
fn a_ledger_that_is_no_file_is_an_error_that_names_it() {
    let world = World::new();
    std::fs::create_dir_all(world.layout().ledger()).unwrap();
    let error = world.catalogue().search(&question("x", Mode::Lexical)).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("ledger.jsonl"), "{text}");
}

#[test]
fn a_cache_that_is_deleted_or_damaged_comes_back() {
    let world = World::new();
    for number in 0..50 {
        world.decide(&format!("memory {number} of an elephant"));
    }
    let index = world.layout().memory_index();
    let mut catalogue = world.catalogue();
    let mut check = |what: &str| {
        for catalogue in [&mut catalogue, &mut world.catalogue()] {
            let answer = lexical(catalogue, "elephant 17");
            assert_eq!(answer[0], "memory 17 of an elephant", "{what}");
        }
    };
    check("as it is");
    ostwin_core::fs::remove_dir_all(&world.layout().cache()).unwrap();
    check("deleted");
    for damage in [&b""[..], b"not a database", &[0; 100_000]] {
        ostwin_core::fs::replace_hint(&index, damage).unwrap();
        check("replaced by something else");
    }
    // A page in the middle of the open database, and what was not yet written back into it.
    let wal = world.layout().cache().join("memory.sqlite-wal");
    for path in [&index, &wal] {
        let mut bytes = std::fs::read(path).unwrap();
        let middle = bytes.len() / 2;
        let end = bytes.len().min(middle + 8_192);
        bytes[middle..end].fill(0xA5);
        ostwin_core::fs::replace_hint(path, &bytes).unwrap();
        check("damaged");
    }
    let other = rusqlite::Connection::open(world.dir.path().join("other.sqlite")).unwrap();
    other.execute_batch("CREATE TABLE t (x); PRAGMA user_version = 99;").unwrap();
    drop(other);
    for suffix in ["-wal", "-shm"] {
        let mut path = index.clone().into_os_string();
        path.push(suffix);
        ostwin_core::fs::remove_file(path.as_ref()).unwrap();
    }
    let bytes = std::fs::read(world.dir.path().join("other.sqlite")).unwrap();
    ostwin_core::fs::replace_hint(&index, &bytes).unwrap();
    check("of another version");
}

#[test]
fn a_cache_that_cannot_be_written_costs_time_only() {
    let world = World::new();
    world.decide("login by token");
    ostwin_core::fs::replace_hint(&world.layout().cache(), b"a file, not a folder").unwrap();
    let (mut catalogue, _) = world.with_ideas();
    assert_eq!(lexical(&mut catalogue, "token"), ["login by token"]);
    let semantic = question("authentication", Mode::Semantic);
    assert_eq!(found(&catalogue.search(&semantic).unwrap()), ["login by token"]);
    world.decide("sign-in by cookie");
    assert_eq!(
        found(&catalogue.search(&semantic).unwrap()),
        ["sign-in by cookie", "login by token"]
    );
    assert_eq!(std::fs::read(world.layout().cache()).unwrap(), b"a file, not a folder");
}

#[test]
fn many_at_once_make_one_index() {
    let world = World::new();
    for number in 0..300 {
        world.decide(&format!("memory {number}"));
    }
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let world = &world;
            scope.spawn(move || {
                let mut catalogue = world.with_ideas().0;
                for number in 0..20 {
                    world.decide(&format!("thread {thread} says {number}"));
                    let own = Question {
                        limit: 400,
                        ..question(&format!("thread{thread} says {number}"), Mode::Hybrid)
                    };
                    let own_words = format!("thread {thread} says {number}");
                    let answer = catalogue.search(&own).unwrap();
                    assert!(found(&answer).contains(&own_words.as_str()), "{own_words}");
                }
            });
        }
    });
    let all = world.catalogue().of_room(&ostwin_core::ids::RoomId::numbered(1), 1_000).unwrap();
    assert_eq!(all.0.len(), 380);
    let mut numbers: Vec<u64> = all.0.iter().map(|entry| entry.seq).collect();
    numbers.dedup();
    assert_eq!(numbers, (1..=380).collect::<Vec<_>>());
}

/// Something that happens to a ledger, to its cache, or to neither.
#[derive(Clone, Debug)]
enum Step {
    Publish(usize),
    Supersede(usize, usize),
    Garbage,
    Torn,
    Replace,
    Truncate(usize),
    DeleteCache,
    Search,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..6_usize).prop_map(Step::Publish),
        2 => (0..6_usize, any::<usize>()).prop_map(|(text, which)| Step::Supersede(text, which)),
        1 => Just(Step::Garbage),
        1 => Just(Step::Torn),
        1 => Just(Step::Replace),
        1 => any::<usize>().prop_map(Step::Truncate),
        1 => Just(Step::DeleteCache),
        4 => Just(Step::Search),
    ]
}

const TEXTS: [&str; 6] = [
    "the cart keeps cents",
    "cart_total is an integer",
    "login by token",
    "tokens end after an hour",
    "payment by card",
    "an hour of payment",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn an_index_that_was_kept_up_equals_one_made_from_scratch(
        steps in prop::collection::vec(step(), 1..40),
    ) {
        let world = World::new();
        let (mut kept, _) = world.with_ideas();
        let mut published = Vec::new();
        for step in steps {
            match step {
                Step::Publish(text) => {
                    published.push(world.say(Said::new(Kind::Decision, TEXTS[text])).id);
                }
                Step::Supersede(text, which) if !published.is_empty() => {
                    let supersedes = Some(published[which % published.len()].clone());
                    let said = Said { supersedes, ..Said::new(Kind::Decision, TEXTS[text]) };
                    published.push(world.say(said).id);
                }
                Step::Supersede(..) => {}
                Step::Garbage => append(&world, b"{\"seq\": 1}\n"),
                Step::Torn => append(&world, b"{\"v\":1"),
                Step::Replace => {
                    let text = std::fs::read(world.layout().ledger()).unwrap_or_default();
                    ostwin_core::fs::replace_hint(&world.layout().ledger(), &text).unwrap();
                }
                Step::Truncate(at) => {
                    let text = std::fs::read(world.layout().ledger()).unwrap_or_default();
                    let lines: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
                    let some = lines[..at % (lines.len() + 1)].concat();
                    ostwin_core::fs::replace_hint(&world.layout().ledger(), &some).unwrap();
                    let left = world.ledger().query(&ostwin_core::ledger::Query {
                        include_superseded: true,
                        ..Default::default()
                    }, 1_000).unwrap();
                    published = left.entries.into_iter().map(|entry| entry.id).collect();
                }
                Step::DeleteCache => {
                    let _ = ostwin_core::fs::remove_dir_all(&world.layout().cache());
                }
                Step::Search => {
                    kept.search(&question("token", Mode::Hybrid)).unwrap();
                }
            }
        }
        let answers = |catalogue: &mut ostwin_memory::Catalogue| {
            let mut all = Vec::new();
            for text in ["cart", "cartTotal", "payment hour", "sign-in token"] {
                for mode in Mode::ALL {
                    all.push(catalogue.search(&question(text, mode)).unwrap());
                }
            }
            all
        };
        let by_kept = answers(&mut kept);
        let _ = ostwin_core::fs::remove_dir_all(&world.layout().cache());
        let (mut fresh, _) = world.with_ideas();
        prop_assert_eq!(by_kept, answers(&mut fresh));
    }
}
