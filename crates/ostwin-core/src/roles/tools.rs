//! Which tools of the session's servers a role may call.
//!
//! Programs show a tool under prefixes of their own, and people write down what they see: so an
//! entry is a tool's plain name, or that name behind its server's.

use std::fmt;

/// The server and the tool without which no session could say how its work ended.
const NEEDED: (&str, &str) = ("warroom", "post_message");

/// What a role says of the tools of its sessions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToolLists {
    /// The only ones that they may call, besides the one that every session needs; all, if not set.
    pub allowed: Option<Vec<String>>,
    /// Those that they may not call.
    pub denied: Vec<String>,
}

/// One of the two lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToolList {
    /// It does not name the tool.
    Allowed,
    /// It names the tool.
    Denied,
}

impl fmt::Display for ToolList {
    /// The field that holds it.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Allowed => "allowed_tools",
            Self::Denied => "denied_tools",
        })
    }
}

impl ToolLists {
    /// Whether they keep nothing back.
    pub fn is_empty(&self) -> bool {
        self.allowed.is_none() && self.denied.is_empty()
    }

    /// The list that keeps this tool back; `None` if the role may call it.
    pub fn refusing(&self, server: &str, tool: &str) -> Option<ToolList> {
        let listed = |list: &[String]| list.iter().any(|entry| is_named(entry, server, tool));
        if (server, tool) == NEEDED {
            return None;
        }
        if listed(&self.denied) {
            return Some(ToolList::Denied);
        }
        let left_out = self.allowed.as_ref().is_some_and(|allowed| !listed(allowed));
        left_out.then_some(ToolList::Allowed)
    }

    /// The entry that denies what no session can do without.
    pub fn denies_the_needed(&self) -> Option<&str> {
        let (server, tool) = NEEDED;
        let entry = self.denied.iter().find(|entry| is_named(entry, server, tool));
        entry.map(String::as_str)
    }
}

/// Whether an entry, or a title that a program shows, is this tool.
pub fn is_named(entry: &str, server: &str, tool: &str) -> bool {
    entry == tool || behind_server(entry, server) == Some(tool)
}

/// What stands behind the name of the server, if it is there with what programs put in between.
pub fn behind_server<'e>(entry: &'e str, server: &str) -> Option<&'e str> {
    match entry.strip_prefix("mcp__") {
        Some(entry) => entry.strip_prefix(server)?.strip_prefix("__"),
        None => entry.strip_prefix(server)?.strip_prefix(['_', '-', '/']),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lists(allowed: Option<&[&str]>, denied: &[&str]) -> ToolLists {
        let owned = |list: &[&str]| list.iter().map(|&name| name.to_owned()).collect();
        ToolLists { allowed: allowed.map(owned), denied: owned(denied) }
    }

    #[test]
    fn a_tool_is_named_as_programs_show_it() {
        for entry in ["publish", "memory_publish", "memory-publish", "mcp__memory__publish"] {
            let denying = lists(None, &[entry]);
            assert_eq!(denying.refusing("memory", "publish"), Some(ToolList::Denied), "{entry}");
            assert_eq!(denying.refusing("memory", "query"), None, "{entry}");
            let allowing = lists(Some(&[entry]), &[]);
            assert_eq!(allowing.refusing("memory", "publish"), None, "{entry}");
            assert_eq!(allowing.refusing("memory", "query"), Some(ToolList::Allowed), "{entry}");
        }
        assert_eq!(lists(None, &["memory_publish"]).refusing("db", "publish"), None);
        assert_eq!(lists(None, &["memorypublish"]).refusing("memory", "publish"), None);
    }

    #[test]
    fn what_is_denied_is_denied_even_if_it_is_allowed() {
        let both = lists(Some(&["publish"]), &["publish"]);
        assert_eq!(both.refusing("memory", "publish"), Some(ToolList::Denied));
    }

    #[test]
    fn the_tool_that_ends_a_session_is_always_there() {
        assert_eq!(lists(Some(&[]), &[]).refusing("warroom", "post_message"), None);
        assert_eq!(lists(Some(&[]), &[]).denies_the_needed(), None);
        let denying = lists(None, &["publish", "warroom_post_message"]);
        assert_eq!(denying.denies_the_needed(), Some("warroom_post_message"));
    }
}
