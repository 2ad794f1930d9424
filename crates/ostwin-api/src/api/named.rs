//! A name in a path that is passed on to a program.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::http::Problem;

/// Something in a path by its name.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct NameInPath {
    /// Its name.
    #[schemars(regex(pattern = r"^[A-Za-z0-9_.][A-Za-z0-9_.-]*$"))]
    name: String,
}

impl NameInPath {
    /// The name, which no program takes for an option.
    pub(super) fn plain(&self) -> Result<&str, Problem> {
        let fine = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        let name = self.name.as_str();
        if name.is_empty() || name.starts_with('-') || !name.chars().all(fine) {
            let text = format!("`{name}` is no name: letters, digits, `-`, `_` and `.` are");
            return Err(Problem::bad_request(text));
        }
        Ok(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_is_no_name() {
        let plain = |name: &str| NameInPath { name: name.to_owned() }.plain().is_ok();
        assert!(plain("github") && plain("a-b_c.2"));
        for wrong in ["", "-", "--help", "a b", "a/b", "a\nb", "\u{e4}"] {
            assert!(!plain(wrong), "{wrong}");
        }
    }
}
