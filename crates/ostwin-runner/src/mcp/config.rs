//! Files that name MCP servers, in both spellings that are in use: `mcp` with `command` as a list,
//! and `mcpServers` with `args` and `env`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ostwin_core::fs::FsError;
use ostwin_core::json::{self, Extra, JsonError, unknown_fields};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::placeholders::PlaceholderError;

/// Why the servers of a session could not be settled.
#[derive(Debug, thiserror::Error)]
pub enum McpError {
    /// A file could not be read as JSON of the right shape.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// A file could not be read.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// An entry makes no sense.
    #[error("{}: MCP server `{name}`: {problem}", path.display())]
    Entry {
        /// The file.
        path: PathBuf,
        /// The server.
        name: String,
        /// What is wrong with it, and what to do.
        problem: String,
    },
    /// A placeholder could not be filled in.
    #[error("{}: MCP server `{name}`, {field}", path.display())]
    Placeholder {
        /// The file.
        path: PathBuf,
        /// The server.
        name: String,
        /// The part of the entry.
        field: String,
        /// Which placeholder, and why.
        #[source]
        source: Box<PlaceholderError>,
    },
    /// A secret of the vault would become an argument.
    #[error(
        "{}: MCP server `{name}`, `command`: `{argument}` would put a secret into an argument, which \
         everybody on this machine can read; put it into `environment`", path.display()
    )]
    PublicSecret {
        /// The file.
        path: PathBuf,
        /// The server.
        name: String,
        /// The argument as it is written.
        argument: String,
    },
    /// The session's secrets are longer than can be handed to the own servers.
    #[error(
        "the secrets of the session take {bytes} bytes, and at most {limit} can be handed to its \
         tool servers: allow fewer or shorter variables (`env_allow`)"
    )]
    SecretsTooLong {
        /// What they take.
        bytes: usize,
        /// What they may take.
        limit: usize,
    },
    /// The role names a server that no tier has.
    #[error("the role wants the MCP server `{name}`, which no tier has; there is: {}", known.join(", "))]
    UnknownRef {
        /// The server.
        name: String,
        /// The servers that exist.
        known: Vec<String>,
    },
}

/// How a server is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Server {
    /// A program that the agent starts and speaks to on its standard input and output.
    Local {
        /// Program and arguments.
        command: Vec<String>,
        /// Variables that it needs.
        environment: BTreeMap<String, String>,
    },
    /// A service.
    Remote {
        /// Its address.
        url: String,
        /// Headers of every request.
        headers: BTreeMap<String, String>,
        /// It speaks the older transport, by server-sent events.
        sse: bool,
    },
}

/// One server as a file has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// How it is reached.
    pub server: Server,
    /// Whether sessions get it.
    pub enabled: bool,
    /// How long a request to it may take, in milliseconds; for agents that have a place for it.
    pub timeout_ms: Option<u64>,
}

/// The servers of one file; `None` removes a server of a lower tier.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConfigFile {
    /// The servers by name.
    pub servers: BTreeMap<String, Option<Entry>>,
    /// What is spelled almost right.
    pub warnings: Vec<String>,
}

/// The file as it is written.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
struct Written {
    /// Servers, with `command` as a list.
    mcp: BTreeMap<String, Option<Own>>,
    /// Servers in the common spelling, with `args` and `env`.
    #[serde(rename = "mcpServers")]
    common: BTreeMap<String, Option<Common>>,
}

/// A server below `mcp`.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Own", default)]
struct Own {
    /// How it is reached; by `command` if there is one, if this is not set.
    #[serde(rename = "type")]
    kind: Option<OwnKind>,
    /// Program and arguments of a local server.
    command: Vec<String>,
    /// Variables that a local server needs.
    environment: BTreeMap<String, String>,
    /// Whether sessions get it; true, if not set.
    enabled: Option<bool>,
    /// How long a request may take, in milliseconds, for agents that have a place for it.
    timeout_ms: Option<u64>,
    /// The address of a remote server.
    url: Option<String>,
    /// Headers of every request to a remote server.
    headers: BTreeMap<String, String>,
    #[serde(skip)]
    extra: Extra,
}
ostwin_core::keep_extra!(Own);

/// How a server below `mcp` is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum OwnKind {
    /// On the standard input and output of a program.
    Local,
    /// Over the network.
    Remote,
    /// Over the network, by the older transport of server-sent events.
    Sse,
}

/// A server below `mcpServers`.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Common", default)]
struct Common {
    /// `stdio`, `http` or `sse`; by `command` if there is one, if this is not set.
    #[serde(rename = "type")]
    kind: Option<String>,
    /// The program of a local server.
    command: Option<String>,
    /// Its arguments.
    args: Vec<String>,
    /// Variables that it needs.
    env: BTreeMap<String, String>,
    /// Whether sessions do not get it.
    disabled: Option<bool>,
    /// The address of a remote server.
    url: Option<String>,
    /// Headers of every request to a remote server.
    headers: BTreeMap<String, String>,
    #[serde(skip)]
    extra: Extra,
}
ostwin_core::keep_extra!(Common);

/// The JSON Schema of a file that names MCP servers.
pub fn schema() -> schemars::Schema {
    schemars::schema_for!(Written)
}

/// Reads the servers in `bytes`; `path` is named in errors and warnings.
///
/// # Errors
/// The text is not JSON of the right shape, or an entry makes no sense.
pub fn parse(path: &Path, bytes: &[u8]) -> Result<ConfigFile, McpError> {
    let written: Written = json::from_slice_located(path, bytes)?;
    let mut file = ConfigFile::default();
    let own = written.mcp.into_iter().map(|(name, own)| {
        let unknown = own.as_ref().map(|own| unknown_fields::<Own>(&own.extra));
        (name, own.map(own_entry), unknown)
    });
    let common = written.common.into_iter().map(|(name, common)| {
        let unknown = common.as_ref().map(|common| unknown_fields::<Common>(&common.extra));
        (name, common.map(common_entry), unknown)
    });
    for (name, entry, unknown) in own.chain(common) {
        let wrong = |problem: String| McpError::Entry {
            path: path.to_owned(),
            name: name.clone(),
            problem,
        };
        if !is_server_name(&name) {
            return Err(wrong(
                "a name has 1 to 64 ASCII letters, digits, `-` and `_`, because it becomes part \
                 of the names of tools"
                    .to_owned(),
            ));
        }
        for field in unknown.unwrap_or_default() {
            file.warnings.push(format!("{}: MCP server `{name}`: {field}", path.display()));
        }
        let entry = entry.transpose().map_err(wrong)?;
        if file.servers.insert(name.clone(), entry).is_some() {
            return Err(wrong("it is in `mcp` and in `mcpServers`; keep one".to_owned()));
        }
    }
    Ok(file)
}

fn is_server_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

fn own_entry(own: Own) -> Result<Entry, String> {
    let remote =
        own.kind.map_or(own.command.is_empty() && own.url.is_some(), |kind| kind != OwnKind::Local);
    let server = if remote {
        let url = own.url.ok_or("a remote server needs `url`")?;
        Server::Remote { url, headers: own.headers, sse: own.kind == Some(OwnKind::Sse) }
    } else {
        if own.command.first().is_none_or(String::is_empty) {
            return Err("a local server needs `command`: a list of program and arguments".into());
        }
        Server::Local { command: own.command, environment: own.environment }
    };
    Ok(Entry { server, enabled: own.enabled.unwrap_or(true), timeout_ms: own.timeout_ms })
}

fn common_entry(common: Common) -> Result<Entry, String> {
    let remote = match common.kind.as_deref() {
        None => common.command.is_none() && common.url.is_some(),
        Some("stdio") => false,
        Some("http" | "streamable-http" | "streamable_http" | "sse") => true,
        Some(other) => return Err(format!("type `{other}` is unknown: use `stdio` or `http`")),
    };
    let server = if remote {
        let url = common.url.ok_or("a server of this type needs `url`")?;
        let sse = common.kind.as_deref() == Some("sse");
        Server::Remote { url, headers: common.headers, sse }
    } else {
        let program = common.command.filter(|command| !command.is_empty());
        let program = program.ok_or("it needs `command`, or `url` for a remote server")?;
        let command = std::iter::once(program).chain(common.args).collect();
        Server::Local { command, environment: common.env }
    };
    Ok(Entry { server, enabled: !common.disabled.unwrap_or(false), timeout_ms: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<ConfigFile, String> {
        parse(Path::new("mcp.json"), text.as_bytes()).map_err(|error| error.to_string())
    }

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn both_spellings_say_the_same() {
        let own = read(
            r#"{"mcp":{"db":{"type":"local","command":["db-mcp","--ro"],"environment":{"K":"v"}},
                       "web":{"type":"remote","url":"https://example.org","headers":{"A":"b"}},
                       "feed":{"type":"sse","url":"https://example.org/sse"},
                       "old":null}}"#,
        );
        let common = read(
            r#"{"mcpServers":{"db":{"command":"db-mcp","args":["--ro"],"env":{"K":"v"}},
                              "web":{"type":"http","url":"https://example.org","headers":{"A":"b"}},
                              "feed":{"type":"sse","url":"https://example.org/sse"},
                              "old":null}}"#,
        );
        let local = Server::Local {
            command: vec!["db-mcp".to_owned(), "--ro".to_owned()],
            environment: map(&[("K", "v")]),
        };
        let remote = |path: &str, headers: &[(&str, &str)], sse| Server::Remote {
            url: format!("https://example.org{path}"),
            headers: map(headers),
            sse,
        };
        let entry = |server| Some(Entry { server, enabled: true, timeout_ms: None });
        let expected = ConfigFile {
            servers: BTreeMap::from([
                ("db".to_owned(), entry(local)),
                ("web".to_owned(), entry(remote("", &[("A", "b")], false))),
                ("feed".to_owned(), entry(remote("/sse", &[], true))),
                ("old".to_owned(), None),
            ]),
            warnings: Vec::new(),
        };
        assert_eq!(own, Ok(expected.clone()));
        assert_eq!(common, Ok(expected));
    }

    #[test]
    fn mistakes_are_named() {
        let errors = [
            r#"{"mcp":{"db":{"command":"db-mcp"}}}"#,
            r#"{"mcp":{"db":{"type":"local"}}}"#,
            r#"{"mcpServers":{"db":{"type":"tcp","url":"x"}}}"#,
            r#"{"mcp":{"a b":{"command":["x"]}}}"#,
            r#"{"mcp":{"db":{"command":["x"]}},"mcpServers":{"db":{"command":"x"}}}"#,
        ]
        .map(|text| read(text).unwrap_err());
        insta::assert_snapshot!(errors.join("\n"), @r#"
        mcp.json:1:32: invalid type: string "db-mcp", expected a sequence
        mcp.json: MCP server `db`: a local server needs `command`: a list of program and arguments
        mcp.json: MCP server `db`: type `tcp` is unknown: use `stdio` or `http`
        mcp.json: MCP server `a b`: a name has 1 to 64 ASCII letters, digits, `-` and `_`, because it becomes part of the names of tools
        mcp.json: MCP server `db`: it is in `mcp` and in `mcpServers`; keep one
        "#);
        let file = read(r#"{"mcp":{"db":{"comand":["x"],"url":"u"}}}"#).unwrap();
        assert_eq!(
            file.warnings,
            ["mcp.json: MCP server `db`: field `comand` is unknown; did you mean `command`?"]
        );
    }
}
