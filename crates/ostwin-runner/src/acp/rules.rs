//! What the policy `rules` says about one request for a permission.
//!
//! A pattern is `tool` or `tool:command`, where `*` stands for any text. The tool is the sort of
//! tool that the agent names (`execute`, `edit`, `fetch`) or the title it gives to the call; the
//! command is what would be run, or the file or address that is meant. A shell command may be
//! several: it is allowed if each of its parts is, and denied if one of its parts is. This keeps
//! honest agents to a rule. It is no sandbox: who wants to can hide a command from any pattern.

use ostwin_core::config::{ApprovalMode, Approvals, Otherwise};

use super::permission::PermissionAsk;
use super::tools::SessionTools;

/// What the settings say about a request, with the reason for the audit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// It is allowed.
    Allow(String),
    /// It is denied.
    Deny(String),
    /// A person is asked.
    Ask,
}

/// What begins another command of the same shell line.
const SEPARATORS: [char; 4] = [';', '&', '|', '\n'];
/// What runs or writes something that no command pattern sees.
const HIDDEN: [&str; 6] = ["$(", "`", ">", "<", "\r", "${"];

/// Judges one request by the settings: a tool that the role may not call is denied, whatever the
/// rules say.
pub fn judge(approvals: &Approvals, tools: &SessionTools, ask: &PermissionAsk) -> Judgement {
    if let Some(list) = tools.refusing(ask) {
        return Judgement::Deny(list);
    }
    match approvals.mode {
        ApprovalMode::Auto => Judgement::Allow("auto".to_owned()),
        ApprovalMode::Ask => Judgement::Ask,
        ApprovalMode::Rules => by_rules(approvals, ask),
    }
}

fn by_rules(approvals: &Approvals, ask: &PermissionAsk) -> Judgement {
    let subject = Subject::of(ask);
    if let Some(pattern) = approvals.deny.iter().find(|pattern| subject.is_denied(pattern)) {
        return Judgement::Deny(format!("rule deny `{pattern}`"));
    }
    if let Some(pattern) = subject.allowing(&approvals.allow) {
        return Judgement::Allow(format!("rule allow `{pattern}`"));
    }
    match approvals.otherwise {
        Otherwise::Allow => Judgement::Allow("rules: no pattern fits, otherwise allow".to_owned()),
        Otherwise::Deny => Judgement::Deny("rules: no pattern fits, otherwise deny".to_owned()),
        Otherwise::Ask => Judgement::Ask,
    }
}

/// What patterns are held against.
struct Subject {
    tools: Vec<String>,
    command: String,
    /// The command is for a shell, so that it may be several.
    shell: bool,
}

impl Subject {
    fn of(ask: &PermissionAsk) -> Self {
        let title = ask.title.trim();
        let tools = ask.kind.iter().cloned().chain([title.to_owned()]).collect();
        let told = ask.command();
        let shell = ask.kind.as_deref().is_none_or(|kind| kind == "execute" || kind == "other");
        Self { tools, command: told.unwrap_or_else(|| title.to_owned()).trim().to_owned(), shell }
    }

    /// The parts of the command, each without the variables that it sets first.
    fn parts(&self, separators: &[char]) -> Vec<&str> {
        if !self.shell {
            return vec![&self.command];
        }
        let parts = self.command.split(|c| separators.contains(&c)).map(without_variables);
        parts.filter(|part| !part.is_empty()).collect()
    }

    fn is_denied(&self, pattern: &str) -> bool {
        let (tool, command) = split(pattern);
        if !self.is_tool(tool) {
            return false;
        }
        let Some(command) = command else { return true };
        let mut separators = SEPARATORS.to_vec();
        separators.extend(['(', ')', '`', '{', '}']);
        fits(command, &self.command)
            || self.parts(&separators).iter().any(|part| fits(command, part))
    }

    /// The pattern by which this is allowed: one for all of the tool's commands, or those that
    /// each part of the command fits, of which the first is told.
    fn allowing<'p>(&self, patterns: &'p [String]) -> Option<&'p str> {
        let of_tool = || patterns.iter().filter(|pattern| self.is_tool(split(pattern).0));
        if let Some(pattern) = of_tool().find(|pattern| split(pattern).1.is_none()) {
            return Some(pattern);
        }
        if self.shell && HIDDEN.iter().any(|hidden| self.command.contains(hidden)) {
            return None;
        }
        let fitting = |part: &&str| {
            of_tool().find(|pattern| split(pattern).1.is_some_and(|command| fits(command, part)))
        };
        let by: Option<Vec<&String>> = self.parts(&SEPARATORS).iter().map(fitting).collect();
        by?.first().map(|pattern| pattern.as_str())
    }

    fn is_tool(&self, pattern: &str) -> bool {
        self.tools.iter().any(|tool| fits(pattern, tool))
    }
}

/// A pattern as its two halves.
fn split(pattern: &str) -> (&str, Option<&str>) {
    match pattern.split_once(':') {
        Some((tool, command)) => (tool.trim(), Some(command.trim())),
        None => (pattern.trim(), None),
    }
}

/// `A=1 B=2 command` as `command`.
fn without_variables(part: &str) -> &str {
    let mut rest = part.trim();
    while let Some((word, behind)) = rest.split_once(char::is_whitespace) {
        let is_variable = word.split_once('=').is_some_and(|(name, _)| {
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        });
        if !is_variable {
            break;
        }
        rest = behind.trim_start();
    }
    rest
}

/// Whether `text` is what `pattern` describes; `*` stands for any text. `git *` is also `git`.
fn fits(pattern: &str, text: &str) -> bool {
    if pattern.strip_suffix(" *") == Some(text) {
        return true;
    }
    let mut pieces = pattern.split('*');
    let Some(mut rest) = pieces.next().and_then(|first| text.strip_prefix(first)) else {
        return false;
    };
    let mut pieces: Vec<&str> = pieces.collect();
    let Some(last) = pieces.pop() else { return rest.is_empty() };
    for piece in pieces {
        match rest.find(piece) {
            Some(at) => rest = rest.get(at + piece.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use ostwin_core::roles::ToolLists;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn ask(kind: &str, title: &str, input: serde_json::Value) -> PermissionAsk {
        PermissionAsk {
            tool_call: "t".to_owned(),
            title: title.to_owned(),
            kind: Some(kind.to_owned()),
            input: Some(input),
            choices: Vec::new(),
        }
    }

    fn judged_by(approvals: &Approvals, ask: &PermissionAsk) -> Judgement {
        judge(approvals, &SessionTools::default(), ask)
    }

    fn rules(allow: &[&str], deny: &[&str], otherwise: Otherwise) -> Approvals {
        let owned = |list: &[&str]| list.iter().map(|&text| text.to_owned()).collect();
        let mode = ApprovalMode::Rules;
        Approvals { mode, allow: owned(allow), deny: owned(deny), otherwise }
    }

    #[test]
    fn every_part_of_a_command_must_be_allowed_and_none_denied() {
        let rules = rules(
            &["execute:git *", "execute:cargo test*", "read"],
            &["execute:rm *", "execute:git push*"],
            Otherwise::Ask,
        );
        for (command, expected) in [
            ("git status", Some(true)),
            ("git", Some(true)),
            ("cargo test -p shop", Some(true)),
            ("git add . && cargo test", Some(true)),
            ("RUST_LOG=debug cargo test", Some(true)),
            ("gitk", None),
            ("git status; curl example.org", None),
            ("git log > /etc/passwd", None),
            ("git log $(curl example.org)", None),
            ("git log `id`", None),
            ("git status\ncurl example.org", None),
            ("rm -rf x", Some(false)),
            ("git status && rm -rf x", Some(false)),
            ("echo $(rm -rf x)", Some(false)),
            ("X=1 rm -rf x", Some(false)),
            ("git push --force", Some(false)),
        ] {
            let judged = judged_by(&rules, &ask("execute", "Run", json!({ "command": command })));
            let allowed = match judged {
                Judgement::Allow(_) => Some(true),
                Judgement::Deny(_) => Some(false),
                Judgement::Ask => None,
            };
            assert_eq!(allowed, expected, "{command}");
        }
        let words = json!({ "command": ["git", "push", "origin"] });
        let denied = Judgement::Deny("rule deny `execute:git push*`".to_owned());
        assert_eq!(judged_by(&rules, &ask("execute", "Run", words)), denied);
        let read = ask("read", "Read /etc/hosts", json!({ "path": "/etc/hosts" }));
        assert_eq!(judged_by(&rules, &read), Judgement::Allow("rule allow `read`".to_owned()));
    }

    #[test]
    fn what_no_pattern_fits_is_as_the_settings_say() {
        let edit = ask("edit", "Edit a > b", json!({ "path": "src/a.rs" }));
        let judged = |otherwise| judged_by(&rules(&["execute"], &[], otherwise), &edit);
        assert!(matches!(judged(Otherwise::Allow), Judgement::Allow(_)));
        assert!(matches!(judged(Otherwise::Deny), Judgement::Deny(_)));
        assert_eq!(judged(Otherwise::Ask), Judgement::Ask);
        let by_path = rules(&["edit:src/*"], &["edit:src/secret*"], Otherwise::Deny);
        assert!(matches!(judged_by(&by_path, &edit), Judgement::Allow(_)));
        let by_title = rules(&["Edit *"], &[], Otherwise::Deny);
        assert!(matches!(judged_by(&by_title, &edit), Judgement::Allow(_)));
    }

    #[test]
    fn the_mode_alone_decides_without_rules() {
        let any = ask("execute", "x", json!({}));
        assert_eq!(judged_by(&Approvals::default(), &any), Judgement::Allow("auto".to_owned()));
        let ask_always = Approvals { mode: ApprovalMode::Ask, ..Approvals::default() };
        assert_eq!(judged_by(&ask_always, &any), Judgement::Ask);
    }

    #[test]
    fn a_tool_that_the_role_may_not_call_is_denied_in_every_mode() {
        let lists = ToolLists { allowed: None, denied: vec!["query".to_owned()] };
        let tools = SessionTools { lists, servers: vec!["db".to_owned()] };
        let query = ask("other", "db_query", json!({}));
        let denied = Judgement::Deny("`denied_tools` of the role".to_owned());
        for mode in [ApprovalMode::Auto, ApprovalMode::Ask, ApprovalMode::Rules] {
            let approvals = Approvals { mode, allow: vec!["*".to_owned()], ..Approvals::default() };
            assert_eq!(judge(&approvals, &tools, &query), denied);
        }
    }

    proptest! {
        #[test]
        fn a_star_is_any_text_and_other_text_is_itself(text in ".*", head in "[^*]*", tail in "[^*]*") {
            prop_assert!(fits("*", &text));
            let pattern = format!("{head}*{tail}");
            let whole = format!("{head}{text}{tail}");
            prop_assert!(fits(&pattern, &whole));
            prop_assert_eq!(fits(&head, &tail), head == tail);
        }
    }
}
