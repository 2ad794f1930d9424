//! The environment of a session, built from an allow list.

use std::collections::BTreeMap;
use std::path::PathBuf;

use ostwin_core::config::AgentSpec;

use crate::mcp::{PlaceholderError, Wanted, expand};

/// Variables that every session sees: where programs are, how text and time are shown, how the
/// network is reached. A name that ends in `*` stands for all that begin so.
const ALWAYS: &[&str] = &[
    "PATH",
    "LANG",
    "LC_*",
    "TERM",
    "TZ",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "CURL_CA_BUNDLE",
    "REQUESTS_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "GIT_SSL_CAINFO",
    "CARGO_HTTP_CAINFO",
];

/// Variables of the user's home, for agents that keep their accounts there.
const HOME: &[&str] = &["HOME", "XDG_*"];

/// What the environment of one session is made from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EnvironmentPolicy {
    /// A home of the session's own, instead of the user's.
    pub session_home: Option<PathBuf>,
    /// The session's own temporary directory.
    pub tmp: PathBuf,
    /// The attempt's id: the mark by which the session's processes are found.
    pub attempt: String,
    /// The role, with instance.
    pub role: String,
    /// Further variables of the user that are passed on, from the agent's entry and the role.
    pub allow: Vec<String>,
    /// Variables with fixed values, from the agent's entry.
    pub fixed: BTreeMap<String, String>,
    /// Variables that the session needs to post by a command, if it has no servers.
    pub room: BTreeMap<String, String>,
}

/// Why the variables of an agent's entry could not be filled in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("agent `{agent}`, `env.{variable}`")]
pub struct AgentEnvError {
    /// The agent: a key of `agents`.
    agent: String,
    /// The variable that is to be set.
    variable: String,
    /// What is missing or malformed.
    #[source]
    problem: PlaceholderError,
}

/// The variables that the entry of `agent` sets, with every placeholder replaced as in the entry of
/// a server. `lookup` knows the user's variables and the vault.
///
/// # Errors
/// [`AgentEnvError`], which names the placeholder and never a value.
pub fn fixed_environment(
    agent: &str,
    entry: &AgentSpec,
    lookup: &dyn Fn(Wanted<'_>) -> Option<String>,
) -> Result<BTreeMap<String, String>, AgentEnvError> {
    let filled = entry.env.iter().map(|(variable, text)| match expand(text, lookup) {
        Ok(value) => Ok((variable.clone(), value.into_owned())),
        Err(problem) => {
            Err(AgentEnvError { agent: agent.to_owned(), variable: variable.clone(), problem })
        }
    });
    filled.collect()
}

/// The environment of a session: from `given` only what is allowed, then what is fixed, then what
/// no setting may change.
pub fn session_environment(
    given: impl IntoIterator<Item = (String, String)>,
    policy: &EnvironmentPolicy,
) -> BTreeMap<String, String> {
    let home: &[&str] = if policy.session_home.is_some() { &[] } else { HOME };
    let further: Vec<&str> = policy.allow.iter().map(String::as_str).collect();
    let mut environment: BTreeMap<String, String> = given
        .into_iter()
        .filter(|(name, _)| [ALWAYS, home, &further].iter().any(|list| allows(list, name)))
        .collect();
    environment.extend(policy.fixed.clone());
    if let Some(home) = &policy.session_home {
        environment.insert("HOME".to_owned(), home.to_string_lossy().into_owned());
    }
    environment.insert("TMPDIR".to_owned(), policy.tmp.to_string_lossy().into_owned());
    environment.extend(policy.room.clone());
    environment.insert(ostwin_core::env::ATTEMPT.to_owned(), policy.attempt.clone());
    environment.insert("OSTWIN_ROLE".to_owned(), policy.role.clone());
    environment
}

fn allows(list: &[&str], name: &str) -> bool {
    list.iter().any(|allowed| match allowed.strip_suffix('*') {
        Some(prefix) => name.starts_with(prefix),
        None => name == *allowed,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn given() -> Vec<(String, String)> {
        pairs(&[
            ("PATH", "/bin"),
            ("LC_ALL", "C"),
            ("HOME", "/home/me"),
            ("XDG_CACHE_HOME", "/home/me/.cache"),
            ("AWS_SECRET_ACCESS_KEY", "no"),
            ("MODEL_KEY", "k"),
            ("EXTRA_A", "a"),
            ("TMPDIR", "/tmp"),
            ("OSTWIN_ATTEMPT", "att-outer"),
            ("OSTWIN_PROJECT", "/outer"),
            ("LD_PRELOAD", "x.so"),
        ])
    }

    fn policy() -> EnvironmentPolicy {
        EnvironmentPolicy {
            session_home: None,
            tmp: PathBuf::from("/room/tmp"),
            attempt: "att-1".to_owned(),
            role: "engineer:fe".to_owned(),
            allow: vec!["MODEL_KEY".to_owned(), "EXTRA_*".to_owned()],
            fixed: BTreeMap::from([
                ("MODE".to_owned(), "careful".to_owned()),
                ("OSTWIN_ATTEMPT".to_owned(), "att-fake".to_owned()),
            ]),
            room: BTreeMap::new(),
        }
    }

    #[test]
    fn only_what_is_allowed_is_inherited() {
        let expected = pairs(&[
            ("EXTRA_A", "a"),
            ("HOME", "/home/me"),
            ("LC_ALL", "C"),
            ("MODEL_KEY", "k"),
            ("MODE", "careful"),
            ("OSTWIN_ATTEMPT", "att-1"),
            ("OSTWIN_ROLE", "engineer:fe"),
            ("PATH", "/bin"),
            ("TMPDIR", "/room/tmp"),
            ("XDG_CACHE_HOME", "/home/me/.cache"),
        ]);
        assert_eq!(session_environment(given(), &policy()), expected.into_iter().collect());
    }

    #[test]
    fn placeholders_of_an_entry_are_filled_in_or_named() {
        let entry = |text: &str| AgentSpec {
            env: BTreeMap::from([("API_KEY".to_owned(), text.to_owned())]),
            ..AgentSpec::default()
        };
        let lookup = |wanted: Wanted<'_>| match wanted {
            Wanted::Variable("USER_KEY") => Some("of-the-user".to_owned()),
            Wanted::Secret { server: "model", key: "key" } => Some("of-the-vault".to_owned()),
            _ => None,
        };
        let filled = |text: &str| fixed_environment("claude", &entry(text), &lookup);
        for (text, value) in [
            ("plain", "plain"),
            ("${vault:model/key}", "of-the-vault"),
            ("a ${USER_KEY} ${NONE:-b}", "a of-the-user b"),
        ] {
            let expected = BTreeMap::from([("API_KEY".to_owned(), value.to_owned())]);
            assert_eq!(filled(text), Ok(expected));
        }
        let error = filled("${NONE}").unwrap_err();
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert_eq!(
            format!("{error}: {cause}"),
            "agent `claude`, `env.API_KEY`: `${NONE}` needs the environment variable `NONE`, which \
             is not set"
        );
    }

    #[test]
    fn a_home_of_its_own_hides_the_users() {
        let policy = EnvironmentPolicy {
            session_home: Some(PathBuf::from("/room/home")),
            allow: Vec::new(),
            fixed: BTreeMap::new(),
            room: BTreeMap::from([("OSTWIN_ROOM".to_owned(), "room-001".to_owned())]),
            ..policy()
        };
        let expected = pairs(&[
            ("HOME", "/room/home"),
            ("LC_ALL", "C"),
            ("OSTWIN_ATTEMPT", "att-1"),
            ("OSTWIN_ROLE", "engineer:fe"),
            ("OSTWIN_ROOM", "room-001"),
            ("PATH", "/bin"),
            ("TMPDIR", "/room/tmp"),
        ]);
        assert_eq!(session_environment(given(), &policy), expected.into_iter().collect());
    }
}
