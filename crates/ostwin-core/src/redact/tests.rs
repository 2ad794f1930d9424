use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::json;

use super::needles::spellings;
use super::*;

fn secrets(list: &[(&str, &str)]) -> Secrets {
    let mut secrets = Secrets::default();
    for (name, value) in list {
        secrets.add(name, value);
    }
    secrets
}

fn redactor(list: &[(&str, &str)], patterns: &[&str]) -> Redactor {
    let patterns: Vec<String> = patterns.iter().map(|pattern| (*pattern).to_owned()).collect();
    Redactor::new(&secrets(list), &patterns).unwrap()
}

#[test]
fn names_tell_what_is_secret() {
    let secret = [
        "OPENAI_API_KEY",
        "apiKey",
        "AWS_SECRET_ACCESS_KEY",
        "PGPASSWORD",
        "DB_PASS",
        "GITHUB_PAT",
        "Authorization",
        "X-Auth-Token",
        "Set-Cookie",
        "TOKEN2",
        "NPM_CONFIG__AUTH",
        "CREDENTIALS_JSON",
    ];
    let plain = [
        "PATH",
        "GIT_AUTHOR_NAME",
        "TOKENIZERS_PARALLELISM",
        "SSH_AUTH_SOCK",
        "PASSWORD_STORE_DIR",
        "KEYBOARD",
        "COMPAT",
        "MAX_TOKENS",
        "",
    ];
    assert_eq!(secret.map(|name| (name, is_secret_name(name))), secret.map(|name| (name, true)));
    assert_eq!(plain.map(|name| (name, is_secret_name(name))), plain.map(|name| (name, false)));
}

#[test]
fn secrets_are_picked_from_an_environment() {
    let given = Secrets::of([
        ("API_KEY", "k-123456"),
        ("SHORT_KEY", "12345"),
        ("MODE", "careful"),
        ("Authorization", "Bearer abcdef-1"),
        ("https_proxy", "http://me:s3cr3t-pw@proxy:3128/"),
        ("HOMEPAGE", "https://example.org/a:b@c"),
    ]);
    let expected =
        [("API_KEY", "k-123456"), ("Authorization", "abcdef-1"), ("https_proxy", "s3cr3t-pw")];
    assert_eq!(given, secrets(&expected));
    assert_eq!(Secrets::handed(&given.to_hand()), Some(given.clone()));
    assert_eq!(Secrets::handed("no json"), None);
    assert_eq!(format!("{given:?}"), r#"{"API_KEY", "Authorization", "https_proxy"}"#);
    let both = secrets(&[("API_KEY", "another-1")]).and(&given);
    assert_eq!(
        redactor(&[], &[]).with(&both).text("another-1 k-123456"),
        "[redacted:API_KEY] [redacted:API_KEY_]"
    );
}

#[test]
fn a_value_is_found_in_every_spelling() {
    let value = "pä$$/w \"q\"\nrd+";
    let redactor = redactor(&[("DB_PASSWORD", value)], &[]);
    let json = json!(value).to_string();
    let spelled = [
        value.to_owned(),
        json.trim_matches('"').to_owned(),
        r#"p\u00e4$$/w \"q\"\nrd+"#.to_owned(),
        r#"p\u00e4$$\/w \"q\"\nrd+"#.to_owned(),
        json!(json).to_string(),
        "p%C3%A4%24%24%2Fw%20%22q%22%0Ard%2B".to_owned(),
        "p%c3%a4%24%24%2fw+%22q%22%0ard%2b".to_owned(),
        "cMOkJCQvdyAicSIKcmQr".to_owned(),
        // `user:` before it, as in Basic credentials.
        "dXNlcjpww6QkJC93ICJxIgpyZCs=".to_owned(),
        "70c3a424242f7720227122 0a72642b".replace(' ', ""),
    ];
    for text in spelled {
        let redacted = redactor.text(&text);
        assert!(redacted.contains("[redacted:DB_PASSWORD]"), "{text}: {redacted}");
        assert!(redacted.len() <= 22 + 10, "{text}: {redacted}");
    }
}

#[test]
fn long_lines_of_a_private_key_count_by_themselves() {
    let line = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC";
    let value = format!("-----BEGIN PRIVATE KEY-----\n{line}\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYX\n");
    let redactor = redactor(&[("SIGNING_KEY", &value)], &[]);
    assert_eq!(redactor.text(&format!("> {line} <")), "> [redacted:SIGNING_KEY] <");
}

#[test]
fn patterns_match_what_values_leave() {
    let redactor =
        redactor(&[("A_KEY", "sk-known-1")], &[r"sk-[a-z0-9-]+", r"\b\d{16}\b", "redacted"]);
    assert_eq!(
        redactor.text("sk-known-1, sk-other-2 and 1234567812345678; 12345678"),
        "[redacted:A_KEY], [redacted] and [redacted]; 12345678"
    );
}

#[test]
fn a_wrong_pattern_is_named_with_its_place() {
    let error = |pattern: &str| {
        check_patterns(&["fine".to_owned(), pattern.to_owned()]).unwrap_err().to_string()
    };
    insta::assert_snapshot!(
        [error("ab(c"), error(r"a{2,1}"), error("x*"), error(r"(?-u)\xff"), error(r"\w{500}{50}")].join("\n"),
        @r"
    pattern 2 (`ab(c`), column 3: unclosed group
    pattern 2 (`a{2,1}`), column 2: invalid repetition count range, the start must be <= the end
    pattern 2 (`x*`): it matches the empty text, so it would match everywhere
    pattern 2 (`(?-u)\xff`), column 6: pattern can match invalid UTF-8
    pattern 2 (`\w{500}{50}`): it is too large: compiled it exceeds 1024 KiB
    "
    );
}

#[test]
fn values_are_replaced_wherever_they_are_in_json() {
    let redactor = redactor(&[("K_TOKEN", "abc123"), ("PIN_KEY", "271828")], &[]);
    let mut value = json!({
        "abc123": ["x abc123", { "deep": "Bearer abc123" }],
        "xabc123": 271828,
        "n": [1, null, true, 2718281],
        "[redacted:K_TOKEN]": "kept",
    });
    redactor.in_value(&mut value);
    assert_eq!(
        value,
        json!({
            "[redacted:K_TOKEN]": ["x [redacted:K_TOKEN]", { "deep": "Bearer [redacted:K_TOKEN]" }],
            "x[redacted:K_TOKEN]": "[redacted:PIN_KEY]",
            "n": [1, null, true, 2718281],
            "[redacted:K_TOKEN]_": "kept",
        })
    );
}

#[test]
fn a_value_that_looks_like_a_marker_vanishes_too() {
    for value in ["[redacted:X_KEY]", "X_KEY]", "d]abcdef", "][redacted", "redacted:X_KEY"] {
        let redactor = redactor(&[("X_KEY", value)], &["abc"]);
        let text = format!("{value}{value} [redacted]abcdef [redacted:X_KEY]");
        let once = redactor.text(&text).into_owned();
        assert!(!once.contains(value), "{value}: {once}");
        assert_eq!(redactor.text(&once), once);
    }
}

#[test]
fn a_redactor_without_work_gives_back_what_it_got() {
    let idle = Redactor::default();
    assert!(idle.is_idle());
    assert!(matches!(idle.text("sk-1"), std::borrow::Cow::Borrowed("sk-1")));
    assert_eq!(idle.stream().push(b"part").as_ref(), b"part");
    assert!(redactor(&[("SHORT_KEY", "12345")], &[]).is_idle());
}

#[test]
fn a_stream_gives_whole_lines_at_once() {
    let redactor = redactor(&[("A_KEY", "secret-value")], &[]);
    let mut stream = redactor.stream();
    assert_eq!(stream.push(b"one\ntwo secret-").as_ref(), b"one\n");
    assert_eq!(stream.push(b"value\nthree").as_ref(), b"two [redacted:A_KEY]\n");
    assert_eq!(stream.finish(), b"three");
    assert_eq!(stream.finish(), b"");
}

#[test]
fn a_line_without_end_is_given_in_parts_and_holds_little() {
    let redactor = redactor(&[("A_KEY", "secret-value")], &["z.*"]);
    let mut stream = redactor.stream();
    let piece = [b"secret-value".as_slice(), &[b'z'; 1_000], "ä".as_bytes()].concat();
    let mut given = Vec::new();
    for _ in 0..400 {
        given.extend_from_slice(&stream.push(&piece));
    }
    let held = stream.finish();
    assert!(held.len() < 200_000, "{} bytes were held back", held.len());
    given.extend(held);
    let text = String::from_utf8(given).unwrap();
    assert!(!text.contains("secret-value"));
}

/// Text in which values are hidden between other text.
fn pieces() -> impl Strategy<Value = Vec<String>> {
    let piece = prop_oneof![
        Just("SECRET-one/ä".to_owned()),
        Just("line one\nline two".to_owned()),
        Just("[redacted:A_KEY]".to_owned()),
        Just("\n".to_owned()),
        "[a-zA-Z0-9 \\[\\]:/ä\n-]{0,12}",
    ];
    prop::collection::vec(piece, 0..12)
}

/// Made once, because that takes longer than to use it.
static TWO: LazyLock<Redactor> =
    LazyLock::new(|| redactor(&[("A_KEY", "SECRET-one/ä"), ("B_KEY", "line one\nline two")], &[]));

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn nothing_of_a_value_is_left_and_twice_is_once(
        value in "\\PC{6,40}", name in "[A-Z]{1,8}_KEY", before in "\\PC{0,20}", after in "\\PC{0,20}",
        patterns in prop::collection::vec("[a-z\\]]{1,3}", 0..3),
    ) {
        let redactor = Redactor::new(&secrets(&[(&name, &value)]), &patterns);
        // What is generated as a pattern need not be one.
        prop_assume!(redactor.is_ok());
        let redactor = redactor.unwrap();
        let value = value.trim();
        for spelling in spellings(value) {
            prop_assume!(!"[redacted]".contains(spelling.as_str()));
            let once = redactor.text(&format!("{before}{spelling}{after}")).into_owned();
            if value.len() >= 6 {
                prop_assert!(!once.contains(spelling.as_str()), "{spelling:?} in {once:?}");
            }
            prop_assert_eq!(redactor.text(&once), once.as_str());
        }
    }

    #[test]
    fn text_without_secrets_is_left_alone(text in "[a-z \n]{0,200}") {
        prop_assert_eq!(TWO.text(&text), text.as_str());
    }

    #[test]
    fn a_stream_says_what_the_whole_text_would(
        pieces in pieces(), cuts in prop::collection::vec(0..200_usize, 0..8),
    ) {
        let text = pieces.concat();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
        cuts.sort_unstable();
        let mut stream = TWO.stream();
        let (mut given, mut at) = (Vec::new(), 0);
        for cut in cuts {
            given.extend_from_slice(&stream.push(&text.as_bytes()[at..cut]));
            at = cut;
        }
        given.extend_from_slice(&stream.push(&text.as_bytes()[at..]));
        given.extend(stream.finish());
        prop_assert_eq!(String::from_utf8_lossy(&given), TWO.text(&text));
    }
}
