//! Which secrets a session holds.

use std::collections::BTreeMap;

use ostwin_core::redact::Secrets;

use super::session::Host;
use crate::mcp::SessionServers;

/// The secrets of a session: what its environment and the entries of its servers hold under the
/// names of secrets, and those of the user's environment and vault that a placeholder has put into
/// an entry.
pub(super) fn of_session(
    environment: &BTreeMap<String, String>,
    servers: &SessionServers,
    host: &Host,
) -> Secrets {
    let pairs = |(name, value)| (String::as_str(name), String::as_str(value));
    let mut secrets = Secrets::of(environment.iter().map(pairs));
    let texts = || servers.local.iter().flat_map(|server| &server.args);
    let variables = servers.local.iter().flat_map(|server| &server.env);
    let headers = servers.remote.iter().flat_map(|server| &server.headers);
    let given: Vec<(&str, &str)> =
        variables.chain(headers).map(|(name, value)| (name.as_str(), value.as_str())).collect();
    secrets = secrets.and(&Secrets::of(given.iter().copied()));
    // An address with a password, such as that of a database, is often an argument.
    let addresses = servers.remote.iter().map(|server| ("url", server.url.as_str()));
    let arguments = texts().map(|argument| ("argument", argument.as_str()));
    for (name, text) in arguments.chain(addresses) {
        secrets = secrets.and(&Secrets::of([(name, text)]));
    }
    let user = Secrets::of(host.environment.iter().map(|(name, value)| pairs((name, value))));
    for (name, value) in user.and(&host.vaults.secrets()).iter() {
        let filled_in = given.iter().any(|(_, text)| text.contains(value))
            || texts().any(|text| text.contains(value))
            || servers.remote.iter().any(|server| server.url.contains(value))
            || environment.values().any(|text| text.contains(value));
        if filled_in {
            secrets.add(name, value);
        }
    }
    secrets
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::acp::{McpServer, RemoteServer};

    fn owned(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn what_a_session_is_given_is_known() {
        let environment = owned(&[("MODEL_KEY", "of-the-model"), ("MODE", "careful")]);
        let servers = SessionServers {
            local: vec![McpServer {
                name: "db".to_owned(),
                command: PathBuf::from("db"),
                args: owned(&[("", "--token=of-the-user"), ("", "db://me:of-the-db@host/x")])
                    .into_iter()
                    .map(|(_, argument)| argument)
                    .collect(),
                env: owned(&[("DB_PASSWORD", "of-the-entry"), ("LEVEL", "debugging")]),
            }],
            remote: vec![RemoteServer {
                name: "web".to_owned(),
                url: "https://example.org".to_owned(),
                headers: owned(&[("Authorization", "Bearer of-the-header")]),
                sse: false,
            }],
            ..SessionServers::default()
        };
        let user = owned(&[("USER_TOKEN", "of-the-user"), ("OTHER_KEY", "nobody-gets-it")]);
        let host = Host { environment: user, ..Host::default() };
        let found = of_session(&environment.into_iter().collect(), &servers, &host);
        let values: Vec<(&str, &str)> = found.iter().collect();
        assert_eq!(
            values,
            [
                ("Authorization", "of-the-header"),
                ("DB_PASSWORD", "of-the-entry"),
                ("MODEL_KEY", "of-the-model"),
                ("USER_TOKEN", "of-the-user"),
                ("argument", "of-the-db"),
            ]
        );
    }
}
