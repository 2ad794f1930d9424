//! What the reviewer of a plan is told: the text, its hash, what the parser says, who is there.

use std::fmt::Write as _;

/// What the brief is made from.
pub(super) struct Review<'a> {
    /// The plan's file.
    pub(super) file: String,
    /// Its text.
    pub(super) text: &'a str,
    /// SHA-256 of the text.
    pub(super) sha256: &'a str,
    /// What the parser says, for people; empty if it says nothing.
    pub(super) diagnostics: String,
    /// The roles that an epic can name, each with what it is for.
    pub(super) roles: Vec<(String, String)>,
    /// The plan names no epic yet.
    pub(super) only_goal: bool,
    /// The rehearsal agent reviews, and no model.
    pub(super) rehearsed: bool,
}

/// The brief, in Markdown.
pub(super) fn brief(review: &Review<'_>) -> String {
    let mut text = String::from("# PLAN-REVIEW: Review of the plan\n");
    if review.rehearsed {
        text.push_str("\n> rehearsed: the rehearsal agent works here, not a model.\n");
    }
    let objective = if review.only_goal {
        "The plan has a goal and no epic yet. Write the epics: a whole plan that reaches the goal, \
         as an artifact, with the title, the goal and the settings that are there. Then answer with \
         the verdict `revise`."
    } else {
        "Judge whether this plan, carried out to the letter by people who know nothing else, reaches \
         its goal. Approve it as it is, or write it whole as it should be (an artifact) and answer \
         with the verdict `revise`, or fail it and say why."
    };
    let _ = write!(text, "\n## Objective\n\n{objective}\n");
    let _ = write!(
        text,
        "\n## What the verdict is about\n\n- The plan: `{}`\n- Its SHA-256: `{}`\n\nThe verdict names \
         this hash. It counts for this text and no other.\n",
        review.file, review.sha256
    );
    text.push_str("\n## What the parser says\n\n");
    if review.diagnostics.trim().is_empty() {
        text.push_str("Nothing: no error and no warning.\n");
    } else {
        fenced(&mut text, "text", &review.diagnostics);
    }
    text.push_str("\n## Roles that an epic can name\n\n");
    for (name, description) in &review.roles {
        let _ = match description.is_empty() {
            true => writeln!(text, "- `{name}`"),
            false => writeln!(text, "- `{name}`: {description}"),
        };
    }
    text.push_str("\n## The plan\n\n");
    fenced(&mut text, "markdown", review.text);
    text
}

/// `body` between fences that nothing in it closes.
fn fenced(text: &mut String, info: &str, body: &str) {
    let longest = body.lines().map(|line| line.chars().take_while(|c| *c == '~').count()).max();
    let fence = "~".repeat(longest.unwrap_or(0).max(2) + 1);
    let _ = write!(text, "{fence}{info}\n{}\n{fence}\n", body.trim_end());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_plan_hash_diagnostics_and_roles() {
        let text = brief(&Review {
            file: "/p/PLAN.md".to_owned(),
            text: "# Plan: P\n\n~~~\n## EPIC-009: text\n~~~\n",
            sha256: "00ff",
            diagnostics: "warning: x".to_owned(),
            roles: vec![
                ("engineer".to_owned(), "Builds.".to_owned()),
                ("qa".to_owned(), String::new()),
            ],
            only_goal: false,
            rehearsed: false,
        });
        assert!(text.contains("- Its SHA-256: `00ff`\n"), "{text}");
        assert!(text.contains("~~~text\nwarning: x\n~~~\n"), "{text}");
        assert!(text.contains("- `engineer`: Builds.\n- `qa`\n"), "{text}");
        assert!(text.ends_with("~~~~markdown\n# Plan: P\n\n~~~\n## EPIC-009: text\n~~~\n~~~~\n"));
    }
}
