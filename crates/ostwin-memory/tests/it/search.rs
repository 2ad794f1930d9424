//! By words: what finds what, in which order, and why.

use ostwin_core::ids::RoomId;
use ostwin_core::ledger::Kind;
use ostwin_memory::{Filter, Mode, Question};

use crate::world::{Said, World, found, lexical, question};

const NOTHING: [&str; 0] = [];

#[test]
fn rare_words_weigh_more_than_common_ones() {
    let world = World::new();
    for summary in [
        "the cart uses integers",
        "the cart uses sessions",
        "the payment uses webhooks",
        "the stock uses events",
        "the cart uses cookies",
    ] {
        world.decide(summary);
    }
    let mut catalogue = world.catalogue();
    let answer = lexical(&mut catalogue, "cart webhooks");
    assert_eq!(answer[0], "the payment uses webhooks");
    assert_eq!(answer.len(), 4);
    assert_eq!(lexical(&mut catalogue, "zebra"), NOTHING);
    assert_eq!(lexical(&mut catalogue, "?!"), NOTHING);
}

#[test]
fn names_are_found_whole_in_parts_and_in_any_spelling() {
    let world = World::new();
    let names = ["AuthService.verify", "user_id", "src/lib.rs", "HTTPServer", "cart::total"];
    for name in names {
        world.decide(&format!("something about {name}"));
        world.decide("something else");
    }
    let mut catalogue = world.catalogue();
    for (asked, name) in [
        ("AuthService.verify", "AuthService.verify"),
        ("auth_service", "AuthService.verify"),
        ("verify", "AuthService.verify"),
        ("AUTHSERVICE::VERIFY", "AuthService.verify"),
        ("userId", "user_id"),
        ("UserID", "user_id"),
        ("user-id", "user_id"),
        ("src/lib.rs", "src/lib.rs"),
        ("lib.rs", "src/lib.rs"),
        ("http server", "HTTPServer"),
        ("http_server", "HTTPServer"),
        ("cartTotal", "cart::total"),
    ] {
        let answer = lexical(&mut catalogue, asked);
        assert_eq!(answer.first(), Some(&format!("something about {name}")), "{asked}");
    }
}

#[test]
fn languages_find_themselves() {
    let world = World::new();
    for summary in ["Le café ferme à minuit", "Größe der Tabelle", "認証は必須", "Миграции идут"]
    {
        world.decide(summary);
    }
    let mut catalogue = world.catalogue();
    for (asked, expected) in [
        ("cafe", "Le café ferme à minuit"),
        ("CAFÉ", "Le café ferme à minuit"),
        ("große", "Größe der Tabelle"),
        ("認証", "認証は必須"),
        ("миграции", "Миграции идут"),
    ] {
        let answer = lexical(&mut catalogue, asked);
        let first = if asked == "große" { None } else { Some(expected) };
        if let Some(first) = first {
            assert_eq!(answer.first().map(String::as_str), Some(first), "{asked}");
        }
    }
    assert_eq!(lexical(&mut catalogue, "grosse"), NOTHING);
    world.decide("Migrations failed in the databases");
    assert_eq!(
        lexical(&mut catalogue, "the failing migration of a database"),
        ["Migrations failed in the databases"]
    );
}

#[test]
fn a_tag_weighs_more_than_a_detail() {
    let world = World::new();
    let plain = Said::new(Kind::Decision, "one two three");
    world.say(Said { tags: vec!["argon2".into()], ..plain.clone() });
    world.say(Said { detail: Some("argon2".into()), summary: "four five six".into(), ..plain });
    for filler in 0..5 {
        world.decide(&format!("filler {filler}"));
    }
    assert_eq!(lexical(&mut world.catalogue(), "argon2"), ["one two three", "four five six"]);
}

#[test]
fn the_score_is_bm25_times_decay_and_says_so() {
    let world = World::new();
    world.said_hours_ago(72, Kind::Code, "alpha beta");
    world.said_hours_ago(0, Kind::Code, "gamma delta");
    world.said_hours_ago(0, Kind::Code, "epsilon zeta");
    let answer = world.catalogue().search(&question("alpha", Mode::Lexical)).unwrap();
    let [hit] = answer.hits.as_slice() else { panic!("{answer:?}") };
    let explain = hit.explain.as_ref().unwrap();
    // One of three entries has the word, twice weighted, in an entry of average length.
    let idf = ((3.0_f64 - 1.0 + 0.5) / (1.0 + 0.5)).ln();
    let bm25 = idf * 2.0 * (1.2 + 1.0) / (2.0 + 1.2);
    let lexical = explain.lexical.unwrap();
    assert!((lexical - bm25).abs() < 1e-9, "{lexical} {bm25}");
    assert_eq!((explain.decay, explain.age_hours, explain.lexical_rank), (0.5, 72.0, Some(1)));
    assert_eq!(hit.score, lexical * 0.5);
    assert_eq!(explain.terms.len(), 1);
    assert_eq!((explain.terms[0].term.as_str(), explain.terms[0].score), ("alpha", lexical));
    assert_eq!((explain.cosine, explain.rrf), (None, None));
}

#[test]
fn the_parts_of_a_score_add_up() {
    let world = World::new();
    for summary in ["red green blue", "red green", "red", "white", "black", "grey", "brown"] {
        world.decide(summary);
    }
    let answer = world.catalogue().search(&question("blue red green", Mode::Lexical)).unwrap();
    assert_eq!(found(&answer), ["red green blue", "red green", "red"]);
    for hit in &answer.hits {
        let explain = hit.explain.as_ref().unwrap();
        let sum: f64 = explain.terms.iter().map(|term| term.score).sum();
        assert!((sum - explain.lexical.unwrap()).abs() < 1e-9, "{explain:?}");
    }
}

#[test]
fn the_newer_is_first_among_equals_and_age_decides() {
    let world = World::new();
    world.said_hours_ago(990, Kind::Warning, "flaky clock");
    world.said_hours_ago(10, Kind::Warning, "flaky disk");
    world.said_hours_ago(10, Kind::Warning, "flaky wire");
    for other in ["one", "two", "three", "four", "five"] {
        world.decide(other);
    }
    let mut catalogue = world.catalogue();
    assert_eq!(lexical(&mut catalogue, "flaky"), ["flaky wire", "flaky disk", "flaky clock"]);
    let warnings = Filter { kind: Some(Kind::Warning), ..Filter::default() };
    let fresh = catalogue.freshest(&warnings, 2).unwrap();
    let fresh: Vec<&str> = fresh.iter().map(|entry| entry.summary.as_str()).collect();
    assert_eq!(fresh, ["flaky wire", "flaky disk"]);
}

#[test]
fn superseded_and_filtered_entries_never_appear() {
    let world = World::new();
    let said = Said::new(Kind::Decision, "use md5 for auth");
    let old = world.say(said.clone());
    let mut catalogue = world.catalogue();
    assert_eq!(lexical(&mut catalogue, "md5"), ["use md5 for auth"]);
    world.say(Said {
        summary: "use argon2 for auth".into(),
        tags: vec!["Auth".into()],
        supersedes: Some(old.id),
        ..said.clone()
    });
    world.say(Said { kind: Kind::Code, summary: "auth in rust".into(), room: 9, ..said });
    assert_eq!(lexical(&mut catalogue, "md5"), NOTHING);

    let mut asked = |filter: Filter| {
        let question = Question { filter, ..question("auth", Mode::Lexical) };
        let answer = catalogue.search(&question).unwrap();
        found(&answer).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let (new, code) = ("use argon2 for auth", "auth in rust");
    let nine = Some(RoomId::numbered(9));
    let plain = Filter::default;
    assert_eq!(asked(plain()).len(), 2);
    assert_eq!(asked(Filter { tags: vec!["AUTH".into(), "x".into()], ..plain() }), [new]);
    assert_eq!(asked(Filter { kind: Some(Kind::Code), ..plain() }), [code]);
    assert_eq!(asked(Filter { exclude_room: nine.clone(), ..plain() }), [new]);
    assert_eq!(asked(Filter { room: nine.clone(), ..plain() }), [code]);
    assert_eq!(asked(Filter { room: nine.clone(), exclude_room: nine, ..plain() }), NOTHING);
}

#[test]
fn what_a_room_published_is_listed_oldest_first() {
    let world = World::new();
    let said = |room, summary: &str| Said { room, ..Said::new(Kind::Interface, summary) };
    world.say(said(1, "first"));
    world.say(said(2, "elsewhere"));
    let old = world.say(said(1, "second"));
    world.say(Said { supersedes: Some(old.id), ..said(1, "third") });
    world.say(said(1, "fourth"));
    let mut catalogue = world.catalogue();
    let (entries, all) = catalogue.of_room(&RoomId::numbered(1), 2).unwrap();
    let listed: Vec<&str> = entries.iter().map(|entry| entry.summary.as_str()).collect();
    assert_eq!((listed, all), (vec!["first", "third"], 3));
}

#[test]
fn a_limit_keeps_the_best() {
    let world = World::new();
    for number in 1..=50 {
        world.decide(&format!("{} {number}", if number % 10 == 0 { "rate" } else { "limit" }));
    }
    let mut catalogue = world.catalogue();
    let three = Question { limit: 3, ..question("rate", Mode::Lexical) };
    assert_eq!(found(&catalogue.search(&three).unwrap()), ["rate 50", "rate 40", "rate 30"]);
    let none = Question { limit: 0, ..three };
    assert!(catalogue.search(&none).unwrap().hits.is_empty());
}

#[test]
fn a_question_of_many_words_is_answered() {
    let world = World::new();
    world.decide("the needle in the haystack");
    let text: String =
        (0..2_000).map(|number| format!("word{number} OR NEAR( \" needle ")).collect();
    assert_eq!(lexical(&mut world.catalogue(), &text), ["the needle in the haystack"]);
}
