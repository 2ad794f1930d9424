//! From merged tiers to what the session gets and what is written down about it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::PathBuf;

use ostwin_core::env;
use ostwin_core::redact::{Secrets, is_secret_name};
use serde_json::{Map, Value, json};

use super::config::{McpError, Server};
use super::merge::{Servers, Slot};
use super::own::OWN;
use super::placeholders::{Wanted, expand, has_placeholder, wants_secret};
use crate::acp::{McpServer, RemoteServer};

/// What stands in a record where a secret would.
const MASK: &str = "***";

/// Most bytes of secrets that are handed to the own servers: the system takes no longer variable
/// than 128 KiB.
const MAX_HANDED_BYTES: usize = 96 << 10;

/// The variable by which the own servers are told the patterns in force, those of the plan
/// included: as any setting can be given.
const REDACT: &str = "OSTWIN_REDACT";

/// Which servers a session may see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerFilter {
    /// None at all, the own ones included.
    pub no_mcp: bool,
    /// Only these, besides the own ones; none means all.
    pub refs: Option<Vec<String>>,
}

impl ServerFilter {
    /// Whether a server of the tiers may be seen.
    fn allows(&self, name: &str) -> bool {
        let named = |refs: &Vec<String>| refs.iter().any(|wanted| wanted == name);
        !self.no_mcp && self.refs.as_ref().is_none_or(named)
    }
}

/// The servers of one session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionServers {
    /// Those that the agent starts; the own ones first.
    pub local: Vec<McpServer>,
    /// Those that it reaches over the network, for agents that can.
    pub remote: Vec<RemoteServer>,
    /// The file that said so, for each server that is not an own one.
    pub sources: BTreeMap<String, PathBuf>,
    /// What is written into the attempt's `mcp.json`: the same list in the common spelling, with
    /// placeholders instead of what they stand for and with other secrets masked.
    pub record: Value,
    /// What was passed over, and why.
    pub warnings: Vec<String>,
}

impl SessionServers {
    /// Their names.
    pub fn names(&self) -> Vec<String> {
        let local = self.local.iter().map(|server| server.name.clone());
        local.chain(self.remote.iter().map(|server| server.name.clone())).collect()
    }

    /// The servers with everything that they need, secrets included, in the common spelling of
    /// `mcpServers`: for a file that only the session's own program reads.
    pub fn in_full(&self) -> Value {
        let local = self.local.iter().map(|server| {
            let env: Map<String, Value> =
                server.env.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
            let entry = json!({
                "type": "stdio",
                "command": server.command,
                "args": server.args,
                "env": env,
                // One program shows no tool unless it is told which.
                "tools": ["*"],
            });
            (server.name.clone(), entry)
        });
        let remote = self.remote.iter().map(|server| {
            let headers: Map<String, Value> =
                server.headers.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
            let kind = kind_of(server.sse);
            let entry =
                json!({ "type": kind, "url": server.url, "headers": headers, "tools": ["*"] });
            (server.name.clone(), entry)
        });
        let servers: Map<String, Value> = local.chain(remote).collect();
        json!({ "mcpServers": servers })
    }

    /// Hands to the own servers what they must not record: the session's secrets, which the agent
    /// holds anyway, and the patterns in force. In the environment, because arguments are public
    /// on a machine; the record says only that it was done.
    ///
    /// # Errors
    /// The secrets are too long to be handed over.
    pub fn hand(&mut self, secrets: &Secrets, patterns: &[String]) -> Result<(), McpError> {
        let mut variables = Vec::new();
        if !secrets.is_empty() {
            let text = secrets.to_hand();
            if text.len() > MAX_HANDED_BYTES {
                return Err(McpError::SecretsTooLong {
                    bytes: text.len(),
                    limit: MAX_HANDED_BYTES,
                });
            }
            variables.push((env::SECRETS, text, MASK.to_owned()));
        }
        if !patterns.is_empty() {
            let text = json!(patterns).to_string();
            variables.push((REDACT, text.clone(), text));
        }
        let sources = &self.sources;
        for server in self.local.iter_mut().filter(|server| !sources.contains_key(&server.name)) {
            for (name, text, shown) in &variables {
                server.env.push(((*name).to_owned(), text.clone()));
                self.record["mcpServers"][&server.name]["env"][*name] = json!(shown);
            }
        }
        Ok(())
    }
}

/// Settles the servers of a session. `own` are its own servers, `lookup` knows the environment and
/// the vault.
///
/// # Errors
/// A placeholder could not be filled in, or the role names a server that no tier has.
pub fn resolve(
    own: Vec<McpServer>,
    merged: &Servers,
    filter: &ServerFilter,
    lookup: &dyn Fn(Wanted<'_>) -> Option<String>,
) -> Result<SessionServers, McpError> {
    let mut session = SessionServers { record: json!({ "mcpServers": {} }), ..Default::default() };
    if filter.no_mcp {
        return Ok(session);
    }
    check_refs(merged, filter)?;
    let mut record = Map::new();
    for server in &own {
        record.insert(
            server.name.clone(),
            json!({ "command": server.command, "args": server.args, "env": {} }),
        );
    }
    for (name, slot) in merged {
        let Some(entry) = slot.entry.as_ref().filter(|entry| entry.enabled) else { continue };
        if OWN.contains(&name.as_str()) {
            session.warnings.push(format!(
                "{}: `{name}` is the name of an own server and is passed over",
                slot.source.display()
            ));
            continue;
        }
        if !filter.allows(name) {
            continue;
        }
        let fill = Fill { name, slot, lookup };
        match &entry.server {
            Server::Local { command, environment } => {
                let mut words = command.iter();
                let program = words.next().map(String::as_str).unwrap_or_default();
                session.local.push(McpServer {
                    name: name.clone(),
                    command: PathBuf::from(fill.argument(program)?),
                    args: words.map(|word| fill.argument(word)).collect::<Result<_, _>>()?,
                    env: fill.map("environment", environment)?,
                });
                let args = command.get(1..).unwrap_or_default();
                record.insert(
                    name.clone(),
                    json!({ "command": program, "args": args, "env": masked(environment) }),
                );
            }
            Server::Remote { url, headers, sse } => {
                session.remote.push(RemoteServer {
                    name: name.clone(),
                    url: fill.address(url)?,
                    headers: fill.map("headers", headers)?,
                    sse: *sse,
                });
                let kind = kind_of(*sse);
                record.insert(
                    name.clone(),
                    json!({ "type": kind, "url": url, "headers": masked(headers) }),
                );
            }
        }
        session.sources.insert(name.clone(), slot.source.clone());
    }
    session.record = json!({ "mcpServers": record });
    session.local.splice(0..0, own);
    Ok(session)
}

/// The names of the servers of the tiers that a session with this filter can call.
pub fn available<'s>(merged: &'s Servers, filter: &ServerFilter) -> impl Iterator<Item = &'s str> {
    merged
        .iter()
        .filter(|(name, slot)| {
            let entry = slot.entry.as_ref();
            let called = entry
                .is_some_and(|entry| entry.enabled && matches!(entry.server, Server::Local { .. }));
            called && !OWN.contains(&name.as_str()) && filter.allows(name)
        })
        .map(|(name, _)| name.as_str())
}

/// Every server that the role names must exist: a session without it would fail later and worse.
fn check_refs(merged: &Servers, filter: &ServerFilter) -> Result<(), McpError> {
    let known = || {
        let there = merged.iter().filter(|(_, slot)| slot.entry.is_some());
        OWN.into_iter().chain(there.map(|(name, _)| name.as_str()))
    };
    match filter.refs.iter().flatten().find(|name| !known().any(|known| known == *name)) {
        None => Ok(()),
        Some(name) => {
            let known = known().map(str::to_owned).collect();
            Err(McpError::UnknownRef { name: name.clone(), known })
        }
    }
}

/// Fills in the placeholders of one server's entry.
struct Fill<'a> {
    name: &'a str,
    slot: &'a Slot,
    lookup: &'a dyn Fn(Wanted<'_>) -> Option<String>,
}

impl Fill<'_> {
    /// A word of the command: public on this machine, so that no secret of the vault may be in it.
    fn argument(&self, text: &str) -> Result<String, McpError> {
        if wants_secret(text) {
            return Err(McpError::PublicSecret {
                path: self.slot.source.clone(),
                name: self.name.to_owned(),
                argument: text.to_owned(),
            });
        }
        self.text("command", text)
    }

    fn text(&self, field: &str, text: &str) -> Result<String, McpError> {
        expand(text, self.lookup).map(Cow::into_owned).map_err(|source| McpError::Placeholder {
            path: self.slot.source.clone(),
            name: self.name.to_owned(),
            field: format!("`{field}`"),
            source: Box::new(source),
        })
    }

    /// An address that can be reached. What it stands for is not told: it may hold a secret.
    fn address(&self, text: &str) -> Result<String, McpError> {
        let address = self.text("url", text)?;
        let rest = ["http://", "https://"].iter().find_map(|scheme| address.strip_prefix(scheme));
        let is_host = |rest: &str| {
            !rest.starts_with('/') && !rest.is_empty() && !rest.contains(char::is_whitespace)
        };
        if rest.is_some_and(is_host) {
            return Ok(address);
        }
        Err(McpError::Entry {
            path: self.slot.source.clone(),
            name: self.name.to_owned(),
            problem: format!(
                "`url` is `{text}`, and an address is `https://` or `http://` with a host behind it"
            ),
        })
    }

    fn map(
        &self,
        field: &str,
        map: &BTreeMap<String, String>,
    ) -> Result<Vec<(String, String)>, McpError> {
        map.iter()
            .map(|(key, text)| Ok((key.clone(), self.text(&format!("{field}.{key}"), text)?)))
            .collect()
    }
}

/// The type of a server over the network in the common spelling.
fn kind_of(sse: bool) -> &'static str {
    if sse { "sse" } else { "http" }
}

/// What may be written down: placeholders as they are, and no value under a secret's name.
fn masked(map: &BTreeMap<String, String>) -> BTreeMap<&str, &str> {
    map.iter()
        .map(|(key, text)| {
            let hide = !has_placeholder(text) && is_secret_name(key);
            (key.as_str(), if hide { MASK } else { text.as_str() })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use ostwin_core::roles::ToolLists;

    use super::super::{Binding, config::parse, layer, merge};
    use super::*;

    fn binding() -> Binding {
        Binding {
            project: PathBuf::from("/srv/shop"),
            room: "room-003".parse().unwrap(),
            role: "engineer:fe".parse().unwrap(),
            attempt: "att-01J8Z3K9V7Q2M5N4P6R8S0T1W3".parse().unwrap(),
            plan: Some("shop-3fa9c1".parse().unwrap()),
            tools: ToolLists {
                allowed: Some(Vec::new()),
                denied: vec!["publish".to_owned(), "ask_human".to_owned()],
            },
        }
    }

    fn own() -> Vec<McpServer> {
        let binding = binding();
        [("warroom", "/bin/ow"), ("memory", "/bin/om")]
            .map(|(name, program)| binding.server(name, Path::new(program)))
            .to_vec()
    }

    fn tier(path: &str, text: &str) -> Servers {
        layer(Path::new(path), parse(Path::new(path), text.as_bytes()).unwrap())
    }

    fn lookup(wanted: Wanted<'_>) -> Option<String> {
        match wanted {
            Wanted::Variable("DB_URL") => Some("db://hidden".to_owned()),
            Wanted::Secret { server: "db", key: "password" } => Some("from-the-vault".to_owned()),
            _ => None,
        }
    }

    #[test]
    fn a_session_gets_its_own_servers_and_what_the_tiers_left() {
        let user = tier(
            "user.json",
            r#"{"mcp":{"db":{"command":["db","${DB_URL}"],"environment":{"API_KEY":"abc","M":"x"}},
                       "web":{"url":"https://example.org","headers":{"Authorization":"Bearer ${T:-t}"}},
                       "gone":{"command":["gone"]},
                       "off":{"command":["off"],"enabled":false}}}"#,
        );
        let room = tier(
            "room.json",
            r#"{"mcp":{"gone":null,"warroom":{"command":["fake"]},"dashboard":{"command":["fake"]}}}"#,
        );
        let session =
            resolve(own(), &merge(user, room), &ServerFilter::default(), &lookup).unwrap();
        let args: Vec<String> = "--project /srv/shop --room room-003 --role engineer:fe \
                                 --attempt att-01J8Z3K9V7Q2M5N4P6R8S0T1W3 --plan shop-3fa9c1 \
                                 --allowed-tools  --denied-tools publish,ask_human"
            .split(' ')
            .map(str::to_owned)
            .collect();
        let server = |name: &str, command: &str, args: &[String], env: &[(&str, &str)]| McpServer {
            name: name.to_owned(),
            command: PathBuf::from(command),
            args: args.to_vec(),
            env: env.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
        };
        let expected = SessionServers {
            local: vec![
                server("warroom", "/bin/ow", &args, &[]),
                server("memory", "/bin/om", &args, &[]),
                server("db", "db", &["db://hidden".to_owned()], &[("API_KEY", "abc"), ("M", "x")]),
            ],
            remote: vec![RemoteServer {
                name: "web".to_owned(),
                url: "https://example.org".to_owned(),
                headers: vec![("Authorization".to_owned(), "Bearer t".to_owned())],
                sse: false,
            }],
            sources: BTreeMap::from([
                ("db".to_owned(), PathBuf::from("user.json")),
                ("web".to_owned(), PathBuf::from("user.json")),
            ]),
            record: json!({ "mcpServers": {
                "warroom": { "command": "/bin/ow", "args": args, "env": {} },
                "memory": { "command": "/bin/om", "args": args, "env": {} },
                "db": {
                    "command": "db", "args": ["${DB_URL}"], "env": { "API_KEY": "***", "M": "x" }
                },
                "web": {
                    "type": "http",
                    "url": "https://example.org",
                    "headers": { "Authorization": "Bearer ${T:-t}" }
                }
            } }),
            warnings: ["dashboard", "warroom"]
                .map(|name| {
                    format!("room.json: `{name}` is the name of an own server and is passed over")
                })
                .to_vec(),
        };
        assert_eq!(session, expected);
        assert!(!session.record.to_string().contains("hidden"));
    }

    #[test]
    fn what_the_vault_holds_is_filled_in_but_never_into_an_argument() {
        let tier = tier(
            "p.json",
            r#"{"mcp":{"a":{"command":["a"],"environment":{"PW":"${vault:db/password}"}}}}"#,
        );
        let session = resolve(own(), &tier, &ServerFilter::default(), &lookup).unwrap();
        let server = session.local.iter().find(|server| server.name == "a").unwrap();
        assert_eq!(server.env, [("PW".to_owned(), "from-the-vault".to_owned())]);
        assert_eq!(session.record["mcpServers"]["a"]["env"]["PW"], "${vault:db/password}");

        let argument =
            self::tier("p.json", r#"{"mcp":{"a":{"command":["a","--pw=${vault:db/password}"]}}}"#);
        let error =
            resolve(own(), &argument, &ServerFilter::default(), &lookup).unwrap_err().to_string();
        assert_eq!(
            error,
            "p.json: MCP server `a`, `command`: `--pw=${vault:db/password}` would put a secret into \
             an argument, which everybody on this machine can read; put it into `environment`"
        );
    }

    #[test]
    fn an_address_is_one() {
        let url = |url: &str| {
            let text = json!({ "mcp": { "web": { "url": url } } }).to_string();
            let resolved =
                resolve(own(), &tier("p.json", &text), &ServerFilter::default(), &lookup);
            resolved.map(|session| session.remote[0].url.clone()).map_err(|error| error.to_string())
        };
        for good in ["https://example.org/mcp?x=1", "http://127.0.0.1:8080", "http://[::1]/"] {
            assert_eq!(url(good), Ok(good.to_owned()));
        }
        for bad in ["example.org", "ftp://example.org", "https://", "https:///x", "https://a b", ""]
        {
            assert_eq!(
                url(bad),
                Err(format!(
                    "p.json: MCP server `web`: `url` is `{bad}`, and an address is `https://` or \
                     `http://` with a host behind it"
                ))
            );
        }
        let hidden = url("${DB_URL}").unwrap_err();
        assert!(hidden.contains("`${DB_URL}`") && !hidden.contains("db://"), "{hidden}");
    }

    #[test]
    fn own_servers_are_told_what_must_not_be_recorded() {
        let tier = tier("p.json", r#"{"mcp":{"a":{"command":["a"]}}}"#);
        let mut session = resolve(own(), &tier, &ServerFilter::default(), &lookup).unwrap();
        session.hand(&Secrets::of([("A_KEY", "s3cr3t-value")]), &["sk-.+".to_owned()]).unwrap();
        let given = [
            ("OSTWIN_SECRETS".to_owned(), r#"{"A_KEY":"s3cr3t-value"}"#.to_owned()),
            ("OSTWIN_REDACT".to_owned(), r#"["sk-.+"]"#.to_owned()),
        ];
        let of = |name: &str| {
            let server = session.local.iter().find(|server| server.name == name).unwrap();
            (server.env.clone(), session.record["mcpServers"][name]["env"].clone())
        };
        let shown = json!({ "OSTWIN_SECRETS": "***", "OSTWIN_REDACT": r#"["sk-.+"]"# });
        assert_eq!(of("warroom"), (given.to_vec(), shown.clone()));
        assert_eq!(of("memory"), (given.to_vec(), shown));
        assert_eq!(of("a"), (Vec::new(), json!({})));
        assert_eq!(session.local[0].args, binding().args(), "never as an argument");

        let long = Secrets::of([("LONG_KEY", "x".repeat(200_000).as_str())]);
        assert_eq!(
            session.hand(&long, &[]).unwrap_err().to_string(),
            "the secrets of the session take 200015 bytes, and at most 98304 can be handed to its \
             tool servers: allow fewer or shorter variables (`env_allow`)"
        );
    }

    #[test]
    fn a_role_may_see_less() {
        let tier = tier("p.json", r#"{"mcp":{"a":{"command":["a"]},"b":{"command":["${NO}"]}}}"#);
        let chain = |error: McpError| match std::error::Error::source(&error) {
            Some(cause) => format!("{error}: {cause}"),
            None => error.to_string(),
        };
        let names = |filter: &ServerFilter| -> Result<Vec<String>, String> {
            let session = resolve(own(), &tier, filter, &lookup).map_err(chain)?;
            Ok(session.local.into_iter().map(|server| server.name).collect())
        };
        let only = |refs: &[&str]| ServerFilter {
            no_mcp: false,
            refs: Some(refs.iter().map(|name| (*name).to_owned()).collect()),
        };
        let list = |names: &[&str]| Ok(names.iter().map(|name| (*name).to_owned()).collect());
        assert_eq!(names(&ServerFilter { no_mcp: true, refs: None }), list(&[]));
        assert_eq!(names(&only(&["a"])), list(&["warroom", "memory", "a"]));
        assert_eq!(names(&only(&[])), list(&["warroom", "memory"]));
        assert_eq!(
            names(&only(&["c"])).unwrap_err(),
            "the role wants the MCP server `c`, which no tier has; there is: warroom, memory, \
             skills, dashboard, a, b"
        );
        assert_eq!(
            names(&only(&["b"])).unwrap_err(),
            "p.json: MCP server `b`, `command`: `${NO}` needs the environment variable `NO`, \
             which is not set"
        );
    }
}
