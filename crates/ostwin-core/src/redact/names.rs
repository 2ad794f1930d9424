//! Which names stand for secrets.

/// What a word of a secret's name is, or ends with: `API_KEY`, `PGPASSWORD`, `apiToken`.
const ENDINGS: [&str; 14] = [
    "key",
    "keys",
    "token",
    "secret",
    "secrets",
    "password",
    "passwords",
    "passwd",
    "passphrase",
    "credential",
    "credentials",
    "authorization",
    "cookie",
    "auth",
];

/// What is a secret's name only as a whole word.
const WORDS: [&str; 2] = ["pass", "pat"];

/// What the last word of a name says that is about a secret and does not hold it.
const ABOUT: [&str; 5] = ["dir", "path", "file", "sock", "socket"];

/// Whether a variable or header of this name is expected to hold a secret.
///
/// A name is taken apart at everything that is no letter and where a capital follows a small
/// letter. One of its words has to be, or to end with, a word for secrets, so `GIT_AUTHOR_NAME`
/// and `TOKENIZERS_PARALLELISM` are none. A name that ends in `FILE`, `PATH`, `DIR` or `SOCK` says
/// where a secret is.
pub fn is_secret_name(name: &str) -> bool {
    let words = words(name);
    if words.last().is_some_and(|last| ABOUT.contains(&last.as_str())) {
        return false;
    }
    words.iter().any(|word| {
        WORDS.contains(&word.as_str()) || ENDINGS.iter().any(|ending| word.ends_with(ending))
    })
}

fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_small = false;
    for c in name.chars() {
        let starts_word = !c.is_alphabetic() || (c.is_uppercase() && was_small);
        if starts_word && words.last().is_some_and(|word| !word.is_empty()) {
            words.push(String::new());
        }
        if c.is_alphabetic()
            && let Some(word) = words.last_mut()
        {
            word.extend(c.to_lowercase());
        }
        was_small = c.is_lowercase();
    }
    words.retain(|word| !word.is_empty());
    words
}
