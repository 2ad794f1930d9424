//! Placeholders in the text of a server's entry: `${VAR}`, `${VAR:-default}`, `{env:VAR}`.
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
    /// The value would come from the vault.
    #[error(
        "`{placeholder}` needs the vault, which this version does not read yet; use an environment variable"
    )]
    Vault {
        /// The placeholder as it is written.
        placeholder: String,
    },
    /// It begins like a placeholder and is none.
    #[error("`{text}` is no placeholder: write `${{VAR}}`, `${{VAR:-default}}` or `{{env:VAR}}`")]
    Malformed {
        /// The text from its beginning.
        text: String,
    },
}

/// One piece of a text.
enum Piece<'a> {
    Literal(&'a str),
    Variable { placeholder: &'a str, name: &'a str, default: Option<&'a str> },
}

/// `text` with every placeholder replaced by its value. `lookup` knows the variables; one that is
/// set but empty takes the default, as in a shell.
///
/// # Errors
/// [`PlaceholderError`], which names the placeholder and never a value.
pub fn expand<'a>(
    text: &'a str,
    lookup: &dyn Fn(&str) -> Option<String>,
) -> Result<Cow<'a, str>, PlaceholderError> {
    let mut rest = text;
    let mut expanded = Cow::Borrowed("");
    while !rest.is_empty() {
        let (piece, behind) = next_piece(rest)?;
        rest = behind;
        match piece {
            Piece::Literal(literal) if expanded.is_empty() => expanded = Cow::Borrowed(literal),
            Piece::Literal(literal) => expanded.to_mut().push_str(literal),
            Piece::Variable { placeholder, name, default } => {
                let value = match (lookup(name), default) {
                    (Some(value), None) => value,
                    (Some(value), Some(_)) if !value.is_empty() => value,
                    (_, Some(default)) => default.to_owned(),
                    (None, None) => {
                        return Err(PlaceholderError::Missing {
                            placeholder: placeholder.to_owned(),
                            name: name.to_owned(),
                        });
                    }
                };
                expanded.to_mut().push_str(&value);
            }
        }
    }
    Ok(expanded)
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
            if inner.starts_with("vault:") {
                return Err(PlaceholderError::Vault { placeholder: placeholder.to_owned() });
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
    Ok((Piece::Variable { placeholder, name, default }, rest))
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
        let lookup = |name: &str| match name {
            "KEY" => Some("secret".to_owned()),
            "EMPTY" => Some(String::new()),
            "TRICK" => Some("${KEY}".to_owned()),
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
        ] {
            assert_eq!(filled(text), Ok(expected.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_filled_is_named() {
        for (text, expected) in [
            ("${NONE}", "`${NONE}` needs the environment variable `NONE`, which is not set"),
            (
                "x${vault:github/token}",
                "`${vault:github/token}` needs the vault, which this version does not read yet; \
                 use an environment variable",
            ),
            (
                "${KEY",
                "`${KEY` is no placeholder: write `${VAR}`, `${VAR:-default}` or `{env:VAR}`",
            ),
            (
                "{env:}",
                "`{env:}` is no placeholder: write `${VAR}`, `${VAR:-default}` or `{env:VAR}`",
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
