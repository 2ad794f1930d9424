//! The secrets that are known, by name.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::names::is_secret_name;
use crate::env;

/// Shortest value that is searched for, in bytes: a shorter one stands in too many texts.
pub(super) const MIN_BYTES: usize = 6;

/// Known secret values, each under the name that takes its place.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secrets(BTreeMap<String, String>);

impl fmt::Debug for Secrets {
    /// Without the values.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_set().entries(self.0.keys()).finish()
    }
}

impl Secrets {
    /// The secrets among these variables or headers: the values under a secret's name, and the
    /// passwords in addresses, such as that of a proxy.
    pub fn of<'a>(variables: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut secrets = Self::default();
        for (name, value) in variables {
            if is_secret_name(name) {
                secrets.add(name, value);
            } else if let Some(password) = password_in(value) {
                secrets.add(name, password);
            }
        }
        secrets
    }

    /// The secrets of this process: those of its environment, and what the session that it works
    /// for handed to it.
    pub fn of_this_process() -> Self {
        let variables = env::vars();
        let handed = env::var(env::SECRETS).and_then(|text| Self::handed(&text));
        let own = variables
            .iter()
            .filter(|(name, _)| name != env::SECRETS)
            .map(|(name, value)| (name.as_str(), value.as_str()));
        Self::of(own).and(&handed.unwrap_or_default())
    }

    /// Adds a value, whatever its name. In a header's `Bearer abc` it is the part behind the word
    /// that is secret. A value that is too short is left out.
    pub fn add(&mut self, name: &str, value: &str) {
        let value = value.trim();
        let value = match value.split_once(' ') {
            Some(("Bearer" | "bearer" | "Basic" | "basic" | "Token" | "token", value)) => {
                value.trim()
            }
            _ => value,
        };
        if value.len() >= MIN_BYTES {
            self.0.insert(name.to_owned(), value.to_owned());
        }
    }

    /// These and `others`; of two values under one name both are kept.
    #[must_use]
    pub fn and(mut self, others: &Self) -> Self {
        for (name, value) in &others.0 {
            let mut free = name.clone();
            while self.0.get(&free).is_some_and(|known| known != value) {
                free.push('_');
            }
            self.0.insert(free, value.clone());
        }
        self
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Names and values, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The text by which they are handed to a process of ours, in [`env::SECRETS`].
    pub fn to_hand(&self) -> String {
        let fields = self.0.iter().map(|(name, value)| (name.clone(), value.clone().into()));
        serde_json::Value::Object(fields.collect()).to_string()
    }

    /// What was handed over by that text; `None` if it is none.
    pub fn handed(text: &str) -> Option<Self> {
        let values: BTreeMap<String, String> = serde_json::from_str(text).ok()?;
        let mut secrets = Self::default();
        for (name, value) in &values {
            secrets.add(name, value);
        }
        Some(secrets)
    }
}

/// The password in `scheme://user:password@host`.
fn password_in(value: &str) -> Option<&str> {
    let (_, rest) = value.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let (user, _) = authority.rsplit_once('@')?;
    user.split_once(':').map(|(_, password)| password)
}
