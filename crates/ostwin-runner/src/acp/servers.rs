//! The MCP servers of a session, as the protocol takes them.

use std::path::PathBuf;

use agent_client_protocol::v1::schema::{
    EnvVariable, HttpHeader, McpCapabilities, McpServer as WireMcpServer, McpServerHttp,
    McpServerSse, McpServerStdio,
};

/// A server that the agent starts for the session and speaks MCP to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct McpServer {
    /// Name under which the agent shows its tools.
    pub name: String,
    /// The executable.
    pub command: PathBuf,
    /// Its arguments.
    pub args: Vec<String>,
    /// Variables that it needs: agents differ in what else they pass on.
    pub env: Vec<(String, String)>,
}

/// A server that the agent reaches over the network.
#[derive(Clone, PartialEq, Eq)]
pub struct RemoteServer {
    /// Name under which the agent shows its tools.
    pub name: String,
    /// Its address.
    pub url: String,
    /// Headers of every request.
    pub headers: Vec<(String, String)>,
    /// It speaks the older transport, by server-sent events.
    pub sse: bool,
}

impl std::fmt::Debug for RemoteServer {
    /// Without the headers' values, which may be secrets.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let headers: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        out.debug_struct("RemoteServer")
            .field("name", &self.name)
            .field("headers", &headers)
            .finish_non_exhaustive()
    }
}

impl RemoteServer {
    /// How it is spoken to.
    fn transport(&self) -> &'static str {
        if self.sse { "SSE" } else { "HTTP" }
    }

    /// Whether an agent that can do this can be given it.
    fn suits(&self, can: &McpCapabilities) -> bool {
        if self.sse { can.sse } else { can.http }
    }

    fn to_wire(&self) -> WireMcpServer {
        let headers = self.headers.iter().map(|(name, value)| HttpHeader::new(name, value));
        let (name, url, headers) = (self.name.clone(), self.url.clone(), headers.collect());
        if self.sse {
            WireMcpServer::Sse(McpServerSse::new(name, url).headers(headers))
        } else {
            WireMcpServer::Http(McpServerHttp::new(name, url).headers(headers))
        }
    }
}

impl McpServer {
    fn to_wire(&self) -> WireMcpServer {
        let env = self.env.iter().map(|(name, value)| EnvVariable::new(name, value));
        WireMcpServer::Stdio(
            McpServerStdio::new(self.name.clone(), self.command.clone())
                .args(self.args.clone())
                .env(env.collect()),
        )
    }
}

/// What an agent that can do this is given of the servers.
pub(super) fn given(
    local: &[McpServer],
    remote: &[RemoteServer],
    can: &McpCapabilities,
) -> Vec<WireMcpServer> {
    let suited = remote.iter().filter(|server| server.suits(can));
    local.iter().map(McpServer::to_wire).chain(suited.map(RemoteServer::to_wire)).collect()
}

/// What it is not given, each in one sentence.
pub(super) fn left_out(remote: &[RemoteServer], can: &McpCapabilities) -> Vec<String> {
    let unsuited = remote.iter().filter(|server| !server.suits(can));
    let told = unsuited.map(|server| {
        format!(
            "the session has no MCP server `{}`: it is reached over {}, and the agent's program says \
             that it cannot",
            server.name,
            server.transport()
        )
    });
    told.collect()
}
