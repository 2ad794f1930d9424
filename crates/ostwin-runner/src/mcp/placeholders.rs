//! Placeholders in the text of a server's entry: `${VAR}`, `${VAR:-default}`, `{env:VAR}`,
//! `${vault:server/key}`.
//!
//! Text is read once from left to right; what a value brings in is never looked at again.

use std::borrow::Cow;

/// Why a text could not be filled in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlaceholderError {
    /// The variable is not set.
    #[error("`{placeholder}` needs the environment variable `{name}`, which is not set")]
    Missing {
        /// The placeholder as it is written.
        placeholder: String,
        /// The variable.
        name: String,
    },
    /// No vault holds the value.
    #[error(
        "`{placeholder}`: no vault holds `{server}/{key}`; `ostwin vault set {server} {key}` adds it"
    )]
    NoSecret {
        /// The placeholder as it is written.
        placeholder: String,
        /// The server.
        server: String,
        /// The key.
        key: String,
    },
    /// It begins like a placeholder and is none.
    #[error(
        "`{text}` is no placeholder: write `${{VAR}}`, `${{VAR:-default}}`, `{{env:VAR}}` or `${{vault:server/key}}`"
    )]
    Malformed {
        /// The text from its beginning.
        text: String,
    },
}

/// What a placeholder stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted<'a> {
    /// A variable of the environment.
    Variable(&'a str),
    /// A value of the vault.
    Secret {
        /// Its server.
        server: &'a str,
        /// Its key.
        key: &'a str,
    },
}

/// One piece of a text.
enum Piece<'a> {
    Literal(&'a str),
    Placeholder { placeholder: &'a str, wanted: Wanted<'a>, default: Option<&'a str> },
}

/// `text` with every placeholder replaced by its value. `lookup` knows the variables and the vault;
/// a variable that is set but empty takes the default, as in a shell.
///
/// # Errors
/// [`PlaceholderError`], which names the placeholder and never a value.
pub fn expand<'a>(
    text: &'a str,
    lookup: &dyn Fn(Wanted<'_>) -> Option<String>,
) -> Result<Cow<'a, str>, PlaceholderError> {
    let mut rest = text;
    let mut expanded = Cow::Borrowed("");
    while !rest.is_empty() {
        let (piece, behind) = next_piece(rest)?;
        rest = behind;
        match piece {
            Piece::Literal(literal) if expanded.is_empty() => expanded = Cow::Borrowed(literal),
            Piece::Literal(literal) => expanded.to_mut().push_str(literal),
            Piece::Placeholder { placeholder, wanted, default } => {
                let value = match (lookup(wanted), default) {
                    (Some(value), None) => value,
                    (Some(value), Some(_)) if !value.is_empty() => value,
                    (_, Some(default)) => default.to_owned(),
                    (None, None) => return Err(missing(placeholder, wanted)),
                };
                expanded.to_mut().push_str(&value);
            }
        }
    }
    Ok(expanded)
}

fn missing(placeholder: &str, wanted: Wanted<'_>) -> PlaceholderError {
    let placeholder = placeholder.to_owned();
    match wanted {
        Wanted::Variable(name) => PlaceholderError::Missing { placeholder, name: name.to_owned() },
        Wanted::Secret { server, key } => {
            let (server, key) = (server.to_owned(), key.to_owned());
            PlaceholderError::NoSecret { placeholder, server, key }
        }
    }
}

/// Whether `text` takes anything from the vault.
pub(super) fn wants_secret(text: &str) -> bool {
    text.contains("${vault:")
}

/// Whether `text` holds anything that [`expand`] would replace or refuse.
pub(super) fn has_placeholder(text: &str) -> bool {
    text.contains("${") || text.contains("{env:")
}

/// The piece at the beginning of `text`, which is not empty, and what is behind it.
fn next_piece(text: &str) -> Result<(Piece<'_>, &str), PlaceholderError> {
    let start = ["${", "{env:"].iter().filter_map(|open| text.find(open)).min();
    match start {
        None => Ok((Piece::Literal(text), "")),
        Some(0) => placeholder(text),
        Some(start) => {
            let (literal, rest) = text.split_at(start);
            Ok((Piece::Literal(literal), rest))
        }
    }
}

fn placeholder(text: &str) -> Result<(Piece<'_>, &str), PlaceholderError> {
    let malformed = || PlaceholderError::Malformed { text: text.chars().take(40).collect() };
    let end = text.find('}').ok_or_else(malformed)?;
    let (placeholder, rest) = text.split_at(end + 1);
    let (name, default) = match placeholder.strip_prefix("{env:") {
        Some(inner) => (inner.trim_end_matches('}'), None),
        None => {
            let inner = placeholder.trim_start_matches("${").trim_end_matches('}');
            if let Some(name) = inner.strip_prefix("vault:") {
                let (server, key) = name.split_once('/').ok_or_else(malformed)?;
                if server.is_empty() || key.is_empty() || key.contains('/') {
                    return Err(malformed());
                }
                let wanted = Wanted::Secret { server, key };
                return Ok((Piece::Placeholder { placeholder, wanted, default: None }, rest));
            }
            match inner.split_once(":-") {
                Some((name, default)) => (name, Some(default)),
                None => (inner, None),
            }
        }
    };
    if !is_variable_name(name) {
        return Err(malformed());
    }
    let wanted = Wanted::Variable(name);
    Ok((Piece::Placeholder { placeholder, wanted, default }, rest))
}

fn is_variable_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn filled(text: &str) -> Result<String, String> {
        let lookup = |wanted: Wanted<'_>| match wanted {
            Wanted::Variable("KEY") => Some("secret".to_owned()),
            Wanted::Variable("EMPTY") => Some(String::new()),
            Wanted::Variable("TRICK") => Some("${KEY}".to_owned()),
            Wanted::Secret { server: "github", key: "token" } => Some("${KEY} of it".to_owned()),
            _ => None,
        };
        expand(text, &lookup).map(Cow::into_owned).map_err(|error| error.to_string())
    }

    #[test]
    fn every_form_is_filled_in_any_number_of_times() {
        for (text, expected) in [
            ("", ""),
            ("plain $HOME {x}", "plain $HOME {x}"),
            ("${KEY}", "secret"),
            ("a-{env:KEY}-${KEY}-b", "a-secret-secret-b"),
            ("${NONE:-x y}${NONE:-}", "x y"),
            ("[${EMPTY}][${EMPTY:-full}]", "[][full]"),
            ("${TRICK}", "${KEY}"),
            ("${KEY:-unused}é", "secreté"),
            ("Bearer ${vault:github/token}", "Bearer ${KEY} of it"),
        ] {
            assert_eq!(filled(text), Ok(expected.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_filled_is_named() {
        for (text, expected) in [
            ("${NONE}", "`${NONE}` needs the environment variable `NONE`, which is not set"),
            (
                "x${vault:github/key}",
                "`${vault:github/key}`: no vault holds `github/key`; `ostwin vault set github key` \
                 adds it",
            ),
            (
                "${vault:github}",
                "`${vault:github}` is no placeholder: write `${VAR}`, `${VAR:-default}`, `{env:VAR}` \
                 or `${vault:server/key}`",
            ),
            (
                "${KEY",
                "`${KEY` is no placeholder: write `${VAR}`, `${VAR:-default}`, `{env:VAR}` or \
                 `${vault:server/key}`",
            ),
            (
                "{env:}",
                "`{env:}` is no placeholder: write `${VAR}`, `${VAR:-default}`, `{env:VAR}` or \
                 `${vault:server/key}`",
            ),
        ] {
            assert_eq!(filled(text), Err(expected.to_owned()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn text_without_placeholders_is_left_alone(text in "[^{]*") {
            prop_assert!(!has_placeholder(&text));
            prop_assert_eq!(filled(&text), Ok(text));
        }
    }
}
