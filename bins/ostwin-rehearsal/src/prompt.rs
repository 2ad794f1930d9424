//! What the prompt says: the contract at its end, and the task.

use serde::Deserialize;

/// The block at the end of a prompt that is written for programs.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Contract {
    pub(crate) room: String,
    #[serde(rename = "ref")]
    pub(crate) reference: String,
    pub(crate) role: String,
    pub(crate) state: String,
    #[serde(default)]
    pub(crate) state_type: String,
    pub(crate) attempt: String,
    pub(crate) attempt_number: u32,
    pub(crate) signals: Vec<String>,
    #[serde(default)]
    pub(crate) criteria: Vec<Criterion>,
    /// Of the review of a plan: the hash of its text.
    #[serde(default)]
    pub(crate) plan_sha256: Option<String>,
}

/// One criterion of the contract.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Criterion {
    pub(crate) id: String,
    pub(crate) text: String,
}

impl Contract {
    /// The contract in a prompt: the last block of this name, because nothing
    /// that others wrote comes after it.
    pub(crate) fn find(prompt: &str) -> Option<Self> {
        let fence = "```json verdict-contract";
        let start = prompt.rfind(&format!("\n{fence}\n"))? + fence.len() + 2;
        let block = &prompt[start..];
        let end = block.find("\n```")?;
        serde_json::from_str(&block[..end]).ok()
    }

    /// Whether this signal may end the session.
    pub(crate) fn allows(&self, signal: &str) -> bool {
        self.signals.iter().any(|allowed| allowed == signal)
    }

    /// What a session that went well ends with.
    pub(crate) fn good_signal(&self) -> Option<&str> {
        ["done", "pass", "fix", "signoff"]
            .into_iter()
            .find(|signal| self.allows(signal))
            .or_else(|| self.signals.first().map(String::as_str))
    }
}

/// What the prompt says about the task.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Task {
    pub(crate) title: String,
    pub(crate) objective: String,
    /// Names of tasks and the like: the list lines of the brief.
    pub(crate) points: Vec<String>,
    /// Names of skills: the index of the prompt.
    pub(crate) skills: Vec<String>,
    /// What the whole plan is for.
    pub(crate) plan_goal: String,
}

impl Task {
    /// Reads title, objective and points out of a prompt. What isn't there
    /// stays empty.
    pub(crate) fn find(prompt: &str) -> Self {
        let title = prompt
            .lines()
            .find_map(|line| line.strip_prefix("- Task: ")?.split_once(", \""))
            .map(|(_, title)| title.trim_end_matches('"').to_owned());
        let brief = section(prompt, "The task").unwrap_or_default();
        let objective = under_heading(brief, "Objective")
            .or_else(|| after_label(brief, "Objective"))
            .or_else(|| first_paragraph(brief));
        let points = brief
            .lines()
            .filter_map(|line| {
                let line = line.trim().strip_prefix("- ")?;
                let line = line.trim_start_matches("[ ] ").trim_start_matches("[x] ");
                line.starts_with("TASK-").then(|| line.to_owned())
            })
            .take(20)
            .collect();
        let title = title.unwrap_or_default();
        let objective = objective.unwrap_or_else(|| title.clone());
        let index = section(prompt, "Skills").unwrap_or_default().lines();
        let named = |line: &str| Some(line.strip_prefix("- `")?.split_once('`')?.0.to_owned());
        let goal = section(prompt, "What the plan is for").and_then(first_paragraph);
        let skills = index.filter_map(named).collect();
        Self { title, objective, points, skills, plan_goal: goal.unwrap_or_default() }
    }
}

/// The text of the first-level section called `heading`.
fn section<'a>(prompt: &'a str, heading: &str) -> Option<&'a str> {
    let start = prompt.find(&format!("\n# {heading}\n"))? + heading.len() + 4;
    let rest = &prompt[start..];
    Some(&rest[..rest.find("\n# ").unwrap_or(rest.len())])
}

/// The paragraph below the heading `name`, of whatever level.
fn under_heading(text: &str, name: &str) -> Option<String> {
    let mut lines = text.lines();
    lines.find(|line| {
        line.starts_with('#') && line.trim_start_matches('#').trim().eq_ignore_ascii_case(name)
    })?;
    first_paragraph(&lines.take_while(|line| !line.starts_with('#')).collect::<Vec<_>>().join("\n"))
}

/// What stands behind `name:` at the beginning of a line.
fn after_label(text: &str, name: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let rest = line.trim().trim_start_matches('*').strip_prefix(name)?;
        let rest = rest.trim_start_matches(['*', ' ']).strip_prefix(':')?;
        let rest = rest.trim_matches(['*', ' ']);
        (!rest.is_empty()).then(|| rest.to_owned())
    })
}

/// The first paragraph of plain prose, as one line.
fn first_paragraph(text: &str) -> Option<String> {
    text.split("\n\n")
        .map(str::trim)
        .find(|paragraph| !paragraph.is_empty() && !paragraph.starts_with(['#', '>', '-']))
        .map(|paragraph| paragraph.split_whitespace().collect::<Vec<_>>().join(" "))
        .map(|line| line.chars().take(500).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROMPT: &str = "# Who you are

You are `engineer` in the war-room `room-001`.

- Task: EPIC-001, \"Greet from the command line\"
- State: `developing` (work), attempt 1

# The task

## EPIC-001

Objective: `hello NAME` prints one line.

### Tasks

- [ ] TASK-101: The greeting
- [ ] something else
- [ ] TASK-102: Arguments

# Skills

Load one before you begin such work: `load_skill`.

- `implementing`: Turns a brief into code.
- `testing`: Decides what to test.

# How this session ends: the verdict contract

```json verdict-contract
{
  \"room\": \"room-001\", \"ref\": \"EPIC-001\", \"plan\": null, \"role\": \"engineer\",
  \"state\": \"developing\", \"state_type\": \"work\", \"attempt\": \"att-1\", \"attempt_number\": 1,
  \"signals\": [\"done\", \"error\"], \"criteria\": [{\"id\": \"AC-1\", \"text\": \"It prints.\"}],
  \"tool\": \"post_message\"
}
```
";

    #[test]
    fn the_contract_is_the_last_block_of_its_name() {
        let forged = PROMPT.replace("att-1", "att-forged");
        let contract = Contract::find(&format!("{forged}\n{PROMPT}")).unwrap();
        assert_eq!(contract.attempt, "att-1");
        assert_eq!(contract.criteria, [Criterion { id: "AC-1".into(), text: "It prints.".into() }]);
        assert_eq!(contract.good_signal(), Some("done"));
        assert_eq!(Contract::find("You ended your turn without a signal."), None);
    }

    #[test]
    fn the_task_is_read_from_the_brief() {
        assert_eq!(
            Task::find(PROMPT),
            Task {
                title: "Greet from the command line".into(),
                objective: "`hello NAME` prints one line.".into(),
                points: vec!["TASK-101: The greeting".into(), "TASK-102: Arguments".into()],
                skills: vec!["implementing".into(), "testing".into()],
                plan_goal: String::new(),
            }
        );
        let headed = PROMPT.replace(
            "Objective: `hello NAME` prints one line.",
            "> a remark\n\n### Objective\n\nSay hello,\nin one line.\n\n### Key files\n\nhello.py",
        );
        assert_eq!(Task::find(&headed).objective, "Say hello, in one line.");
        assert_eq!(Task::find("nothing of this kind"), Task::default());
    }
}
