//! Criteria: check items, plain items, and Given/When/Then prose, where each scenario is one.

use super::text::tidy;
use super::value::Criterion;

/// Gathers the criteria of one section.
#[derive(Debug, Default)]
pub(super) struct Gathering {
    found: Vec<(String, bool)>,
    /// The scenario that further steps belong to.
    scenario: Option<Scenario>,
    /// A heading inside of the section that the next criteria stand under.
    group: Option<String>,
}

#[derive(Debug)]
struct Scenario {
    lines: Vec<String>,
    /// Whether it has steps beside its name.
    has_steps: bool,
    /// Whether it has come to its `Then`.
    has_then: bool,
}

/// The step that a line of a scenario is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Scenario,
    Given,
    When,
    Then,
    And,
}

impl Gathering {
    /// A check item: always a criterion of its own.
    pub(super) fn check_item(&mut self, text: &str, checked: bool) {
        self.end_scenario();
        self.add(text, checked);
    }

    /// A plain item: a criterion, or a step of the scenario that is being told.
    pub(super) fn plain_item(&mut self, text: &str) {
        if step(text).is_some() {
            for line in text.lines() {
                self.scenario_line(line);
            }
        } else {
            self.check_item(text, false);
        }
    }

    /// A line of prose; `false` if it is no part of a scenario.
    pub(super) fn prose_line(&mut self, line: &str) -> bool {
        if step(line).is_none() && self.scenario.is_none() {
            return false;
        }
        self.scenario_line(line);
        true
    }

    /// Whether this line would open or carry on a scenario.
    pub(super) fn is_step(line: &str) -> bool {
        step(line).is_some()
    }

    /// Whether a scenario is being told.
    pub(super) fn is_telling(&self) -> bool {
        self.scenario.is_some()
    }

    /// A heading below the section's own.
    pub(super) fn heading(&mut self, text: &str) {
        self.end_scenario();
        if step(text) == Some(Step::Scenario) {
            self.scenario_line(text);
        } else {
            self.group = Some(text.to_owned());
        }
    }

    /// The end of what belongs together: the scenario is complete.
    pub(super) fn end_scenario(&mut self) {
        if let Some(scenario) = self.scenario.take() {
            self.add(&scenario.lines.join("\n"), false);
        }
    }

    /// Whether there is any criterion yet.
    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty() && self.scenario.is_none()
    }

    /// Adds what was found to `criteria` and numbers it on.
    pub(super) fn finish(mut self, prefix: &str, criteria: &mut Vec<Criterion>) {
        self.end_scenario();
        for (text, checked) in self.found {
            let id = format!("{prefix}-{}", criteria.len() + 1);
            criteria.push(Criterion { id, text, checked });
        }
    }

    fn scenario_line(&mut self, line: &str) {
        let line = line.trim();
        let step = step(line);
        let opens = match (step, &self.scenario) {
            (Some(Step::Scenario), _) => true,
            (Some(Step::Given), Some(running)) => running.has_steps,
            (Some(Step::When), Some(running)) => running.has_then,
            (_, running) => running.is_none(),
        };
        if opens {
            self.end_scenario();
        }
        let scenario = self.scenario.get_or_insert_with(|| Scenario {
            lines: Vec::new(),
            has_steps: false,
            has_then: false,
        });
        scenario.has_steps |= step.is_some_and(|step| step != Step::Scenario);
        let lowered = line.to_ascii_lowercase();
        scenario.has_then |= step == Some(Step::Then) || lowered.contains(" then ");
        if !line.is_empty() {
            scenario.lines.push(line.to_owned());
        }
    }

    fn add(&mut self, text: &str, checked: bool) {
        let text = tidy(text);
        let text = text.trim();
        if text.is_empty() {
            return;
        }
        let text = match &self.group {
            Some(group) => format!("{group}: {text}"),
            None => text.to_owned(),
        };
        self.found.push((text, checked));
    }
}

/// The step at the start of a line, bold or not.
fn step(line: &str) -> Option<Step> {
    let bare = line.trim_start().trim_start_matches(['*', '_', '`']);
    let end = bare.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(bare.len());
    let (word, rest) = (bare.get(..end)?, bare.get(end..)?);
    let step = match word.to_ascii_lowercase().as_str() {
        "given" => Step::Given,
        "when" => Step::When,
        "then" => Step::Then,
        "and" | "but" => Step::And,
        "scenario" => Step::Scenario,
        _ => return None,
    };
    let rest = rest.trim_start_matches(['*', '_', '`']);
    let follows = if step == Step::Scenario {
        rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == ' ').starts_with([':', '*'])
            || rest.trim_start().starts_with("Outline")
    } else {
        rest.is_empty() || rest.starts_with([' ', '\t', ':', ','])
    };
    follows.then_some(step)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(gathering: Gathering) -> Vec<String> {
        let mut criteria = Vec::new();
        gathering.finish("AC", &mut criteria);
        criteria.into_iter().map(|criterion| criterion.text).collect()
    }

    #[test]
    fn each_scenario_is_one_criterion() {
        let mut gathering = Gathering::default();
        for line in [
            "Scenario: one",
            "Given a",
            "**When** b",
            "Then c",
            "And d",
            "Given e",
            "When f",
            "Then g",
            "When h",
            "Then i",
        ] {
            assert!(gathering.prose_line(line));
        }
        assert_eq!(
            texts(gathering),
            [
                "Scenario: one\nGiven a\n**When** b\nThen c\nAnd d",
                "Given e\nWhen f\nThen g",
                "When h\nThen i"
            ]
        );
    }

    #[test]
    fn items_that_are_steps_are_joined() {
        let mut gathering = Gathering::default();
        for item in ["Given a", "When b", "Then c", "Something else", "Given d, when e then f"] {
            gathering.plain_item(item);
        }
        gathering.check_item("When x", true);
        assert_eq!(
            texts(gathering),
            ["Given a\nWhen b\nThen c", "Something else", "Given d, when e then f", "When x"]
        );
    }
}
