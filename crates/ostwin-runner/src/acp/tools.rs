//! Which tool of a server a request for a permission is about, and whether the role may call it.
//!
//! The own servers keep back by themselves what a role may not call. Another server's tools are the
//! agent's to call, and all that is heard of it is the request, if the agent makes one: the
//! protocol has no field for the tool's name, so it is read from the title, where agents put it.

use ostwin_core::roles::ToolLists;
use ostwin_core::roles::tools::behind_server;

use super::permission::PermissionAsk;

/// The tools that a session may call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionTools {
    /// What its role says.
    pub lists: ToolLists,
    /// The names of its servers.
    pub servers: Vec<String>,
}

impl SessionTools {
    /// The list by which a request is denied; `None` if none is in its way.
    pub(super) fn refusing(&self, ask: &PermissionAsk) -> Option<String> {
        let title = ask.title.trim();
        let list = match self.tool_in(title) {
            Some((server, tool)) => self.lists.refusing(server, tool)?.to_string(),
            None if self.lists.denied.iter().any(|entry| entry == title) => {
                "denied_tools".to_owned()
            }
            None => return None,
        };
        Some(format!("`{list}` of the role"))
    }

    /// The server and the tool that a title names.
    fn tool_in<'t>(&'t self, title: &'t str) -> Option<(&'t str, &'t str)> {
        let names = |server: &'t String| {
            let plain = title.strip_prefix("Tool: ").unwrap_or(title);
            let tool = behind_server(plain, server).or_else(|| {
                title
                    .strip_suffix(" MCP Server)")?
                    .strip_suffix(server.as_str())?
                    .strip_suffix(" (")
            })?;
            let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
            let is_tool = !tool.is_empty() && tool.chars().all(is_name);
            is_tool.then_some((server.as_str(), tool))
        };
        // Of `db` and `db_main`, the longer one is meant.
        self.servers.iter().filter_map(names).max_by_key(|(server, _)| server.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(allowed: Option<&[&str]>, denied: &[&str], title: &str) -> Option<String> {
        let owned = |list: &[&str]| list.iter().map(|&name| name.to_owned()).collect();
        let lists = ToolLists { allowed: allowed.map(owned), denied: owned(denied) };
        let tools = SessionTools { lists, servers: owned(&["db", "db_main", "memory"]) };
        let ask = PermissionAsk {
            tool_call: "t".to_owned(),
            title: title.to_owned(),
            kind: Some("other".to_owned()),
            input: None,
            choices: Vec::new(),
        };
        tools.refusing(&ask)
    }

    #[test]
    fn a_tool_is_known_by_the_titles_that_agents_give() {
        let by_denied = Some("`denied_tools` of the role".to_owned());
        for title in
            ["db_query", "db-query", "mcp__db__query", "Tool: db/query", "query (db MCP Server)"]
        {
            for entry in ["query", "db_query", "mcp__db__query"] {
                assert_eq!(refused(None, &[entry], title), by_denied, "{title} by {entry}");
            }
            assert_eq!(refused(None, &["drop"], title), None, "{title}");
            let by_allowed = Some("`allowed_tools` of the role".to_owned());
            assert_eq!(refused(Some(&["publish"]), &[], title), by_allowed, "{title}");
        }
        assert_eq!(refused(None, &["query"], "query"), by_denied);
        assert_eq!(refused(None, &["query"], "db_main_query"), by_denied);
        assert_eq!(refused(None, &["db_query"], "db_main_query"), None);
    }

    #[test]
    fn what_is_no_tool_of_a_server_is_left_to_the_rules() {
        for title in ["cargo test", "Edit src/db_query.rs", "db_query the users", "db_", ""] {
            assert_eq!(refused(Some(&[]), &["query"], title), None, "{title}");
        }
    }
}
