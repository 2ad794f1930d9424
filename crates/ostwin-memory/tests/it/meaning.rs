//! By meaning, and by both: who makes vectors and when, and how the lists are fused.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use ostwin_core::config::MemorySettings;
use ostwin_core::ledger::Kind;
use ostwin_core::lock;
use ostwin_memory::{Catalogue, Filter, MAX_EMBEDDED_AT_ONCE, MemoryError, Mode, Question};

use crate::world::{Ideas, Said, World, found, ideas_model, question};

#[test]
fn other_words_for_the_same_thing_are_found_by_meaning() {
    let world = World::new();
    world.decide("Authentication is by token");
    world.decide("Prices are integers");
    world.decide("Tables have numbers");
    let (mut catalogue, _) = world.with_ideas();
    let answer = catalogue.search(&question("how to login", Mode::Semantic)).unwrap();
    assert_eq!(found(&answer), ["Authentication is by token"]);
    let explain = answer.hits[0].explain.as_ref().unwrap();
    assert!((explain.cosine.unwrap() - 1.0).abs() < 1e-6);
    assert_eq!((explain.cosine_rank, explain.lexical, explain.rrf), (Some(1), None, None));
    assert_eq!((answer.mode_used, answer.note, answer.not_yet_embedded), (Mode::Semantic, None, 0));

    // What is near in meaning and has the words is before what has only one of the two.
    world.decide("Login by cookie");
    world.decide("The login page is blue, see the database");
    let answer = catalogue.search(&question("cookie login", Mode::Hybrid)).unwrap();
    assert_eq!(
        found(&answer),
        [
            "Login by cookie",
            "The login page is blue, see the database",
            "Authentication is by token"
        ]
    );
    let explain = answer.hits[0].explain.as_ref().unwrap();
    assert_eq!((explain.lexical_rank, explain.cosine_rank), (Some(1), Some(1)));
    assert!((explain.rrf.unwrap() - 2.0 / 61.0).abs() < 1e-9, "{explain:?}");
    assert_eq!(explain.terms.len(), 2);
}

#[test]
fn each_entry_is_embedded_once_whoever_searches() {
    let world = World::new();
    world.decide("login");
    world.decide("payment");
    let (mut first, asked) = world.with_ideas();
    let question = question("sign-in", Mode::Hybrid);
    assert_eq!(found(&first.search(&question).unwrap()), ["login"]);
    assert_eq!(asked.load(Ordering::SeqCst), 1 + 2);
    first.search(&question).unwrap();
    assert_eq!(asked.load(Ordering::SeqCst), 1 + 2 + 1);
    let (mut second, asked) = world.with_ideas();
    world.decide("speed");
    assert_eq!(found(&second.search(&question).unwrap()), ["login"]);
    assert_eq!(asked.load(Ordering::SeqCst), 1 + 1);
    // The index can go: the vectors stay.
    ostwin_core::fs::remove_file(&world.layout().memory_index()).unwrap();
    assert_eq!(found(&second.search(&question).unwrap()), ["login"]);
    assert_eq!(asked.load(Ordering::SeqCst), 1 + 1 + 1);
}

#[test]
fn so_many_at_a_time_newest_first_and_the_rest_is_counted() {
    let world = World::new();
    world.decide("the oldest: login");
    for number in 0..MAX_EMBEDDED_AT_ONCE + 10 {
        world.decide(&format!("payment {number}"));
    }
    let (mut catalogue, _) = world.with_ideas();
    let ask = |catalogue: &mut Catalogue| {
        catalogue.search(&question("authentication", Mode::Semantic)).unwrap()
    };
    let answer = ask(&mut catalogue);
    assert_eq!((found(&answer), answer.not_yet_embedded), (vec![], 11));
    let answer = ask(&mut catalogue);
    assert_eq!((found(&answer), answer.not_yet_embedded), (vec!["the oldest: login"], 0));
}

#[test]
fn one_process_embeds_and_the_others_go_on() {
    let world = World::new();
    world.decide("login");
    let (mut catalogue, asked) = world.with_ideas();
    std::fs::create_dir_all(world.layout().cache()).unwrap();
    let lock = world.layout().memory_embedding_lock();
    let answer = lock::exclusive(&lock, std::time::Duration::ZERO, || {
        catalogue.search(&question("sign-in", Mode::Hybrid)).unwrap()
    });
    let answer = answer.unwrap();
    assert_eq!((found(&answer).len(), answer.not_yet_embedded), (0, 1));
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[test]
fn without_an_encoder_it_is_by_words_and_says_so() {
    let world = World::new();
    world.decide("login by token");
    let mut catalogue = world.catalogue();
    let answer = catalogue.search(&question("login", Mode::Hybrid)).unwrap();
    assert_eq!((found(&answer), answer.mode_used), (vec!["login by token"], Mode::Lexical));
    let note = answer.note.unwrap();
    assert!(note.contains("words only") && note.contains("no encoder here"), "{note}");
    let error = catalogue.search(&question("login", Mode::Semantic)).unwrap_err();
    assert!(matches!(&error, MemoryError::NoMeaning { .. }), "{error}");
    let words = catalogue.search(&question("login", Mode::Lexical)).unwrap();
    assert_eq!(words.note, None);
}

#[test]
fn filters_and_superseding_hold_for_meanings_too() {
    let world = World::new();
    let old = world.say(Said::new(Kind::Decision, "login by password"));
    let (mut catalogue, _) = world.with_ideas();
    let semantic = question("sign-in", Mode::Semantic);
    assert_eq!(found(&catalogue.search(&semantic).unwrap()).len(), 1);
    world.say(Said {
        supersedes: Some(old.id),
        room: 2,
        ..Said::new(Kind::Code, "authentication by token")
    });
    assert_eq!(found(&catalogue.search(&semantic).unwrap()), ["authentication by token"]);
    let decisions = Filter { kind: Some(Kind::Decision), ..Filter::default() };
    let none = Question { filter: decisions, ..semantic };
    assert_eq!(found(&catalogue.search(&none).unwrap()).len(), 0);
}

#[test]
fn another_model_has_vectors_of_its_own() {
    let world = World::new();
    world.decide("login");
    let (mut catalogue, _) = world.with_ideas();
    let semantic = question("sign-in", Mode::Semantic);
    catalogue.search(&semantic).unwrap();
    let asked = Arc::default();
    let encoder = Ideas { model: ideas_model("ideas-2"), asked: Arc::clone(&asked) };
    let settings = MemorySettings::default();
    let mut other = Catalogue::with_encoder(&world.project, &settings, Box::new(encoder));
    assert_eq!(found(&other.search(&semantic).unwrap()), ["login"]);
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    for model in ["ideas-1", "ideas-2"] {
        assert!(world.layout().memory_vectors(model).exists());
    }
    assert_eq!(found(&catalogue.search(&semantic).unwrap()), ["login"]);
}

#[test]
fn damaged_vectors_are_made_again() {
    let world = World::new();
    world.decide("login");
    world.decide("payment");
    let semantic = question("sign-in", Mode::Semantic);
    let path = world.layout().memory_vectors("ideas-1");
    let (mut catalogue, _) = world.with_ideas();
    catalogue.search(&semantic).unwrap();
    let whole = std::fs::read(&path).unwrap();
    let mut flipped = whole.clone();
    let last = flipped.len() - 1;
    flipped[last] ^= 0x40;
    for damage in [&[][..], b"rubbish", &[0; 5_000], &whole[..whole.len() - 20], &flipped] {
        ostwin_core::fs::replace_hint(&path, damage).unwrap();
        catalogue.search(&semantic).unwrap();
        assert_eq!(found(&catalogue.search(&semantic).unwrap()), ["login"], "{}", damage.len());
        let (mut fresh, _) = world.with_ideas();
        assert_eq!(found(&fresh.search(&semantic).unwrap()), ["login"]);
    }
    ostwin_core::fs::remove_file(&path).unwrap();
    assert_eq!(found(&catalogue.search(&semantic).unwrap()), ["login"]);
    // What no newline or record ends is overwritten by the next one.
    let mut torn = std::fs::read(&path).unwrap();
    torn.extend([1, 2, 3]);
    ostwin_core::fs::replace_hint(&path, &torn).unwrap();
    world.decide("authentication");
    assert_eq!(found(&catalogue.search(&semantic).unwrap()), ["authentication", "login"]);
}
