//! Tool servers: where each comes from, and how it answered.

use std::path::{Path, PathBuf};

use ostwin_runner::mcp::Probed;
use ostwin_service::Exit;
use serde::Serialize;
use serde_json::{Value, json};

use super::{table, text};

/// The tier that a server comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Tier {
    /// It is one of ours.
    Own,
    /// The user's file.
    User,
    /// The project's file.
    Project,
    /// The room's file.
    Room,
}

impl Tier {
    fn word(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::User => "user",
            Self::Project => "project",
            Self::Room => "room",
        }
    }
}

/// Whether sessions get a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    /// They do.
    Enabled,
    /// It is reached over the network: they do if their agent's program can reach it.
    WhereAgentCan,
    /// Its entry says no.
    Disabled,
    /// A tier removes it.
    Removed,
    /// It has the name of an own server.
    PassedOver,
    /// The role does not see it.
    NotForRole,
    /// They would, and its program is not on this machine.
    NoProgram,
}

impl State {
    fn words(self) -> &'static str {
        match self {
            Self::Enabled => "enabled",
            Self::WhereAgentCan => "where the agent can",
            Self::Disabled => "disabled",
            Self::Removed => "removed",
            Self::PassedOver => "passed over",
            Self::NotForRole => "not for role",
            Self::NoProgram => "no program",
        }
    }
}

/// One server as it is listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Listed {
    /// Its name.
    pub(crate) name: String,
    /// Its tier.
    pub(crate) tier: Tier,
    /// The file that names it; none for an own server.
    pub(crate) source: Option<PathBuf>,
    /// `local` or `remote`; empty for one that is removed.
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    /// Whether sessions get it.
    pub(crate) state: State,
    /// Its command or address, placeholders as they are written.
    pub(crate) command: String,
    /// Where its program is, if it is here.
    pub(crate) program: Option<PathBuf>,
}

/// The list as a table. Files in the project are named from its root on.
pub(crate) fn list(listed: &[Listed], root: &Path, width: Option<usize>) -> String {
    let source = |path: &PathBuf| path.strip_prefix(root).unwrap_or(path).display().to_string();
    let rows: Vec<Vec<String>> = listed
        .iter()
        .map(|one| {
            let program = one.program.as_ref().filter(|_| one.tier == Tier::Own);
            vec![
                one.name.clone(),
                one.tier.word().to_owned(),
                one.kind.to_owned(),
                one.state.words().to_owned(),
                one.source.as_ref().map(source).unwrap_or_default(),
                program.map_or_else(|| one.command.clone(), |path| path.display().to_string()),
            ]
        })
        .collect();
    table::table(&["server", "tier", "type", "state", "file", "command"], &rows, width)
}

/// How a server answered.
#[derive(Debug)]
pub(crate) struct Tested {
    /// Its name.
    pub(crate) name: String,
    /// What it answered; else why it is of no use, and how the program ends for that.
    pub(crate) outcome: Result<Probed, (Exit, String)>,
    /// Milliseconds in all.
    pub(crate) took_ms: u64,
}

impl Tested {
    pub(crate) fn to_json(&self) -> Value {
        match &self.outcome {
            Ok(probed) => {
                json!({"name": self.name, "ok": true, "took_ms": self.took_ms, "answer": probed})
            }
            Err((_, error)) => {
                json!({"name": self.name, "ok": false, "took_ms": self.took_ms, "error": error})
            }
        }
    }
}

/// Every server's answer; with its tools one by one if they are asked for.
pub(crate) fn tested(tested: &[Tested], whole: bool, width: Option<usize>) -> String {
    let rows: Vec<Vec<String>> = tested
        .iter()
        .map(|one| match &one.outcome {
            Ok(probed) => vec![
                one.name.clone(),
                "ok".to_owned(),
                probed.revision.clone(),
                probed.tools.len().to_string(),
                format!("{} + {} ms", probed.handshake_ms, probed.list_ms),
                note(probed),
            ],
            Err((_, error)) => vec![
                one.name.clone(),
                "failed".to_owned(),
                String::new(),
                String::new(),
                format!("{} ms", one.took_ms),
                error.clone(),
            ],
        })
        .collect();
    let head = ["server", "", "revision", "tools", "start + list", ""];
    let mut out = table::table(&head, &rows, width);
    for probed in tested.iter().filter_map(|one| one.outcome.as_ref().ok()).filter(|_| whole) {
        let tools: Vec<Vec<String>> = probed
            .tools
            .iter()
            .map(|tool| vec![tool.name.clone(), tool.description.clone()])
            .collect();
        out.push('\n');
        out.push_str(&table::table(&["tool", ""], &tools, width));
    }
    out
}

fn note(probed: &Probed) -> String {
    let version = probed.version.as_deref().unwrap_or_default();
    let server = probed.server.as_deref().map(|name| format!("{name} {version}"));
    let noise = (probed.noise_lines > 0).then(|| {
        format!(
            "{} lines of its output are no messages, which breaks some agents",
            probed.noise_lines
        )
    });
    let notes: Vec<String> = server.into_iter().chain(noise).collect();
    text::one_line(notes.join("; ").trim())
}

#[cfg(test)]
mod tests {
    use ostwin_runner::mcp::ProbedTool;

    use super::*;

    #[test]
    fn servers_are_told_with_their_files() {
        let one = |name: &str, tier, source: Option<&str>, kind, state, command: &str| Listed {
            name: name.to_owned(),
            tier,
            source: source.map(PathBuf::from),
            kind,
            state,
            command: command.to_owned(),
            program: (tier == Tier::Own).then(|| PathBuf::from("/bin/ow")),
        };
        let project = Some("/p/.agents/mcp/config.json");
        let listed = [
            one("warroom", Tier::Own, None, "local", State::Enabled, "ostwin-mcp-warroom"),
            one("db", Tier::Project, project, "local", State::NoProgram, "db ${DB_URL}"),
            one("web", Tier::User, Some("/h/mcp.json"), "", State::Removed, ""),
        ];
        insta::assert_snapshot!(list(&listed, Path::new("/p"), None), @r"
        SERVER   TIER     TYPE   STATE       FILE                     COMMAND
        warroom  own      local  enabled                              /bin/ow
        db       project  local  no program  .agents/mcp/config.json  db ${DB_URL}
        web      user            removed     /h/mcp.json
        ");
    }

    #[test]
    fn answers_stand_below_each_other() {
        let probed = Probed {
            revision: "2025-11-25".to_owned(),
            server: Some("ostwin-warroom".to_owned()),
            version: Some("0.1.0".to_owned()),
            tools: vec![ProbedTool { name: "look".to_owned(), description: "Look.".to_owned() }],
            handshake_ms: 8,
            list_ms: 1,
            noise_lines: 2,
        };
        let all = [
            Tested { name: "warroom".to_owned(), outcome: Ok(probed), took_ms: 12 },
            Tested {
                name: "db".to_owned(),
                outcome: Err((Exit::NotPassed, "it ended".to_owned())),
                took_ms: 3,
            },
        ];
        insta::assert_snapshot!(tested(&all, true, None), @r"
        SERVER           REVISION    TOOLS  START + LIST
        warroom  ok      2025-11-25  1      8 + 1 ms      ostwin-warroom 0.1.0; 2 lines of its output are no messages, which breaks some agents
        db       failed                     3 ms          it ended

        TOOL
        look  Look.
        ");
    }
}
