//! A plan that has nothing but its goal: its review writes the epics.

/// The title of a plan with this goal, and its text.
pub fn draft(goal: &str) -> (String, String) {
    let title = title(goal);
    // A heading inside of the goal would end it.
    let body: Vec<&str> =
        goal.lines().map(|line| line.trim_start_matches('#').trim_end()).collect();
    let text = format!("# Plan: {title}\n\n## Goal\n\n{}\n", body.join("\n").trim());
    (title, text)
}

fn title(goal: &str) -> String {
    let first = goal.trim().lines().next().unwrap_or_default();
    let first = first.trim_start_matches('#').trim();
    let title: String = first.chars().take(60).collect();
    if title.is_empty() { "A goal".to_owned() } else { title }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_becomes_a_plan_of_its_own() {
        let text = |goal| draft(goal).1;
        assert_eq!(text("A shop\nfor books\n"), "# Plan: A shop\n\n## Goal\n\nA shop\nfor books\n");
        assert_eq!(text("## EPIC-001: x"), "# Plan: EPIC-001: x\n\n## Goal\n\nEPIC-001: x\n");
        let parsed = crate::plan::parse(&text("# Be quick"), &Default::default());
        assert_eq!((parsed.plan.epics.len(), parsed.has_errors()), (0, false));
    }
}
