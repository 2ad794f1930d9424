//! What a rehearsal writes: texts made from the contract and the brief.
//!
//! Nothing here pretends that a task was carried out. What is written is about
//! the task as the brief states it, is the same for the same brief, and says in
//! its first line that it was rehearsed.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::prompt::{Contract, Task};
use crate::script::PlanAnswer;

/// The deliverable's path below `artifacts/`.
pub(crate) const DELIVERABLE: &str = "deliverable.md";

/// The path of the small program beside it.
pub(crate) const PROGRAM: &str = "criteria.py";

/// The path of a revised plan.
pub(crate) const REVISED_PLAN: &str = "PLAN.revised.md";

/// Marks whatever a rehearsal writes in words.
const MARK: &str = "rehearsed: written by ostwin-rehearsal from the brief, not by a model";

/// How an answer to a criterion came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) id: String,
    pub(crate) met: bool,
    pub(crate) evidence: String,
}

/// Fills in the placeholders of a script's text.
pub(crate) fn fill(text: &str, contract: &Contract, task: &Task) -> String {
    text.replace("{ref}", &contract.reference)
        .replace("{title}", &task.title)
        .replace("{objective}", &task.objective)
        .replace("{role}", &contract.role)
        .replace("{room}", &contract.room)
        .replace("{state}", &contract.state)
        .replace("{attempt_number}", &contract.attempt_number.to_string())
        .replace("{attempt}", &contract.attempt)
}

/// `content` with a first line that says what it is, as a comment where the
/// file's name tells how comments look.
pub(crate) fn marked(path: &str, content: &str) -> String {
    match path.rsplit('.').next().unwrap_or_default() {
        "md" | "html" | "xml" => format!("<!-- {MARK} -->\n{content}"),
        "py" | "sh" | "toml" | "yaml" | "yml" => format!("# {MARK}\n{content}"),
        "rs" | "js" | "ts" | "go" | "c" => format!("// {MARK}\n{content}"),
        // A format without comments keeps its form.
        "json" => content.to_owned(),
        _ => format!("[{MARK}]\n{content}"),
    }
}

/// The deliverable: the task taken apart, and a place for each criterion.
pub(crate) fn deliverable(contract: &Contract, task: &Task, fix: Option<&str>) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "# {}: {}\n", contract.reference, task.title);
    let _ = writeln!(
        text,
        "Made by `{}` in `{}`, state `{}`, attempt {}.\n",
        contract.role, contract.room, contract.state, contract.attempt_number
    );
    let _ = writeln!(text, "## {}\n\n{}\n", opening_of(&contract.role), task.objective);
    if !task.points.is_empty() {
        let _ = writeln!(text, "## Steps\n");
        for (number, point) in task.points.iter().enumerate() {
            let _ = writeln!(text, "{}. {point}", number + 1);
        }
        text.push('\n');
    }
    let _ = writeln!(text, "## Criteria\n");
    for criterion in &contract.criteria {
        let wanted = criterion.text.split_whitespace().collect::<Vec<_>>().join(" ");
        let _ = writeln!(
            text,
            "### {}\n\n> {wanted}\n\nRehearsed: `{PROGRAM}` lists it, and this section is its answer.\n",
            criterion.id
        );
    }
    if let Some(fix) = fix {
        let quoted = fix.lines().map(|line| format!("> {line}")).collect::<Vec<_>>().join("\n");
        let _ =
            writeln!(text, "## Findings of the last review\n\n{quoted}\n\nEach is answered above.");
    }
    text
}

/// What the part before the criteria is called, by the kind of role.
fn opening_of(role: &str) -> &'static str {
    match role.split(':').next().unwrap_or(role) {
        "architect" => "Design",
        "researcher" => "Question",
        "technical-writer" => "What the page is for",
        "reporter" => "Summary",
        "security-auditor" => "Scope of the audit",
        _ => "Approach",
    }
}

/// A small program that knows the criteria and can be run.
pub(crate) fn program(contract: &Contract) -> String {
    let mut text = String::from(
        "\"\"\"The criteria of one task, and which of them a text leaves unanswered.\"\"\"\n\
         import sys\n\nCRITERIA = {\n",
    );
    for criterion in &contract.criteria {
        // A JSON string is a Python string as well.
        let _ = writeln!(text, "    {}: {},", json!(criterion.id), json!(criterion.text));
    }
    text.push_str(
        "}\n\n\ndef unanswered(text):\n    \
         return [name for name in CRITERIA if name not in text]\n\n\n\
         if __name__ == \"__main__\":\n    \
         missing = unanswered(sys.stdin.read())\n    \
         print(\"\\n\".join(missing))\n    \
         sys.exit(1 if missing else 0)\n",
    );
    text
}

/// Looks in `artifact` for an answer to each criterion.
pub(crate) fn inspect(contract: &Contract, path: &str, artifact: &str) -> Vec<Finding> {
    let find = |id: &str| {
        artifact
            .lines()
            .enumerate()
            .find(|(_, line)| line.strip_prefix("### ").is_some_and(|heading| heading.trim() == id))
            .map(|(number, _)| number + 1)
    };
    let findings = contract.criteria.iter().map(|criterion| match find(&criterion.id) {
        Some(line) => Finding {
            id: criterion.id.clone(),
            met: true,
            evidence: format!("rehearsed: `{path}` answers it from line {line} on"),
        },
        None => Finding {
            id: criterion.id.clone(),
            met: false,
            evidence: format!("rehearsed: `{path}` has no section for it"),
        },
    });
    findings.collect()
}

/// The arguments of the message that ends the session.
pub(crate) fn verdict(
    contract: &Contract,
    task: &Task,
    signal: &str,
    summary: Option<&str>,
    findings: &[Finding],
) -> Value {
    let summary = match summary {
        Some(summary) => fill(summary, contract, task),
        None => usual_summary(contract, task, signal, findings),
    };
    let criteria: Vec<Value> = findings
        .iter()
        .map(|finding| {
            let mut entry = json!({
                "id": finding.id, "met": finding.met, "evidence": finding.evidence,
            });
            if finding.met {
                entry["artifacts"] = json!([DELIVERABLE]);
            }
            entry
        })
        .collect();
    let mut data = json!({ "verdict": signal, "summary": summary, "rehearsed": true });
    if !criteria.is_empty() {
        data["criteria"] = Value::Array(criteria);
    }
    if signal == "done" {
        data["artifacts"] = json!([DELIVERABLE, PROGRAM]);
    }
    json!({
        "to": "engine",
        "type": signal,
        "ref": contract.reference,
        "body": body(&summary, findings),
        "data": data,
    })
}

/// The arguments of the message that ends the review of a plan. `artifact` is where its revision
/// was written.
pub(crate) fn plan_verdict(
    contract: &Contract,
    plan_sha256: &str,
    answer: &PlanAnswer,
    artifact: Option<&str>,
) -> Value {
    let usual = if artifact.is_some() { "revise" } else { "approve" };
    let verdict = answer.verdict.as_deref().unwrap_or(usual);
    let summary = format!("{}: `{verdict}`, by a script.", contract.reference);
    let mut data = json!({
        "plan_sha256": answer.plan_sha256.as_deref().unwrap_or(plan_sha256),
        "verdict": verdict,
        "summary": summary,
        "rehearsed": true,
    });
    if let Some(artifact) = artifact {
        data["artifact"] = json!(artifact);
    }
    json!({
        "to": "engine",
        "type": "pass",
        "ref": contract.reference,
        "body": format!("[rehearsed] {summary}"),
        "data": data,
    })
}

/// Two epics for a goal that has none: enough to be run, and said to be rehearsed.
pub(crate) fn epics_for(goal: &str) -> String {
    let title: String = goal.chars().take(60).collect();
    let title = title.split(['.', '\n']).next().unwrap_or_default().trim();
    let title = if title.is_empty() { "A goal" } else { title };
    format!(
        "# Plan: {title}\n\n## Goal\n\n{goal}\n\n\
         ## EPIC-001: Design\n\n- Roles: architect\n- skip_review: true\n\n\
         ### Definition of Done\n\n- [ ] The design names every part of the goal\n\n\
         ### Acceptance Criteria\n\n- [ ] Somebody else can build by it\n\n\
         ## EPIC-002: Build\n\n- Roles: engineer, qa\n- depends_on: [EPIC-001]\n\n\
         ### Definition of Done\n\n- [ ] What the design names is there\n\n\
         ### Acceptance Criteria\n\n- [ ] The goal can be seen to be reached\n"
    )
}

fn usual_summary(contract: &Contract, task: &Task, signal: &str, findings: &[Finding]) -> String {
    let unmet = findings.iter().filter(|finding| !finding.met).count();
    let Contract { reference, .. } = contract;
    let title = &task.title;
    match signal {
        "done" => format!(
            "{reference} ({title}) is delivered: `{DELIVERABLE}` has a section for each of its {} criteria, `{PROGRAM}` checks that.",
            contract.criteria.len()
        ),
        "pass" => format!("{reference} ({title}): all {} criteria are answered.", findings.len()),
        "fail" => {
            format!("{reference} ({title}): {unmet} of {} criteria are not met.", findings.len())
        }
        "fix" => format!("{reference} ({title}) can be mended: answer what the last review found."),
        other => format!("{reference} ({title}) ends with `{other}`."),
    }
}

fn body(summary: &str, findings: &[Finding]) -> String {
    let mut text = format!("[rehearsed] {summary}");
    for finding in findings {
        let sign = if finding.met { "met" } else { "not met" };
        let _ = write!(text, "\n- {} {sign}: {}", finding.id, finding.evidence);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contract() -> Contract {
        serde_json::from_value(json!({
            "room": "room-001", "ref": "EPIC-001", "role": "engineer", "state": "developing",
            "state_type": "work", "attempt": "att-1", "attempt_number": 2, "signals": ["done"],
            "criteria": [{"id": "AC-1", "text": "It \"prints\"."}, {"id": "AC-10", "text": "It ends."}],
        }))
        .unwrap()
    }

    fn task() -> Task {
        Task { title: "Greet".into(), objective: "Say hello.".into(), ..Task::default() }
    }

    #[test]
    fn a_deliverable_answers_what_an_inspection_looks_for() {
        let text = deliverable(&contract(), &task(), Some("AC-1 is wrong"));
        assert!(text.contains("> AC-1 is wrong"));
        let findings = inspect(&contract(), DELIVERABLE, &text);
        assert!(findings.iter().all(|finding| finding.met), "{findings:?}");
        let cut = text.replace("### AC-10", "### other");
        let met: Vec<bool> =
            inspect(&contract(), DELIVERABLE, &cut).iter().map(|finding| finding.met).collect();
        assert_eq!(met, [true, false]);
    }

    #[test]
    fn whatever_is_written_says_that_it_was_rehearsed() {
        for path in ["a.md", "a.py", "a.rs", "a.txt"] {
            let text = marked(path, "x");
            assert!(text.lines().next().unwrap().contains("rehearsed"), "{path}");
            assert!(text.ends_with("\nx"), "{path}");
        }
        let message = verdict(&contract(), &task(), "done", None, &[]);
        assert_eq!(message["data"]["rehearsed"], true);
        assert!(message["body"].as_str().unwrap().starts_with("[rehearsed] "));
    }

    #[test]
    fn a_verdict_answers_each_criterion() {
        let findings = [
            Finding { id: "AC-1".into(), met: true, evidence: "seen".into() },
            Finding { id: "AC-10".into(), met: false, evidence: "missing".into() },
        ];
        let message =
            verdict(&contract(), &task(), "fail", Some("{ref} is not there yet"), &findings);
        assert_eq!(
            message,
            json!({
                "to": "engine", "type": "fail", "ref": "EPIC-001",
                "body": "[rehearsed] EPIC-001 is not there yet\n- AC-1 met: seen\n- AC-10 not met: missing",
                "data": {
                    "verdict": "fail", "summary": "EPIC-001 is not there yet", "rehearsed": true,
                    "criteria": [
                        {"id": "AC-1", "met": true, "evidence": "seen", "artifacts": ["deliverable.md"]},
                        {"id": "AC-10", "met": false, "evidence": "missing"},
                    ],
                },
            })
        );
    }
}
