//! Script and rules, and which rule is played.

use ostwin_core::json::Version;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::steps::Step;
use crate::prompt::Contract;

/// A script.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Script {
    /// Version of this format.
    pub(crate) v: Version<1>,
    /// Factor on every delay: 0 is full speed, 2 is half speed.
    #[serde(default = "one")]
    pub(super) pace: f64,
    /// The delay before each step, in milliseconds, before the factor.
    #[serde(default = "step_ms")]
    pub(super) step_ms: u64,
    /// Whether it says that it can reach tool servers over the network. It asks them nothing, and
    /// says in its first turn which it was given.
    #[serde(default)]
    pub(super) reaches_network: bool,
    /// Whether the rules of the built-in script follow after these.
    #[serde(default = "yes")]
    pub(super) built_in_rules: bool,
    /// The rules. The first that fits is played.
    #[serde(default)]
    pub(super) rules: Vec<Rule>,
}

/// What is played when.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Rule {
    /// What this rule is for, for whoever reads the script.
    pub(super) note: Option<String>,
    /// When it fits. Without conditions it always does.
    pub(super) when: When,
    /// The steps, instead of those of the next rule that fits and has some.
    pub(super) steps: Option<Vec<Step>>,
    /// Steps before them.
    pub(super) before: Vec<Step>,
    /// Steps right before the verdict.
    pub(super) before_verdict: Vec<Step>,
    /// Steps after the verdict was posted.
    pub(super) after: Vec<Step>,
    /// How it ends.
    pub(super) verdict: Verdict,
    /// The figures that are reported as usage.
    pub(super) usage: Option<Figures>,
    /// Nothing is reported as usage.
    pub(super) unmetered: bool,
}

/// Conditions. All that are given must hold; a list holds if one of it fits.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct When {
    /// Role, with its instance (`engineer:fe`) or without.
    pub(super) role: Vec<String>,
    /// Epic or task, such as `EPIC-002`.
    #[serde(rename = "ref")]
    pub(super) reference: Vec<String>,
    /// State of the room, such as `review`.
    pub(super) state: Vec<String>,
    /// Kind of that state: `work`, `review` or `triage`.
    pub(super) state_type: Vec<String>,
    /// Number of the attempt in its room, from 1.
    pub(super) attempt_number: Option<Numbers>,
}

/// A range of numbers, both ends included.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Numbers {
    /// The smallest.
    pub(super) min: Option<u32>,
    /// The largest.
    pub(super) max: Option<u32>,
}

/// How a session ends.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Verdict {
    /// The signal, if it is to be another than the usual good one.
    pub(crate) signal: Option<String>,
    /// How many reviews of this room by this role end with `fail` first,
    /// counted by the messages in the channel.
    pub(crate) fail_first: u32,
    /// The criteria that such a review finds unmet; without any, the first.
    pub(crate) unmet: Vec<String>,
    /// The summary, instead of one made from the brief. Placeholders as in texts.
    pub(crate) summary: Option<String>,
    /// What is said to a plan, where the session reviews one. Without it the plan is approved; a
    /// plan that has only a goal is given two epics.
    pub(crate) plan: Option<PlanAnswer>,
}

/// What is said to a plan.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct PlanAnswer {
    /// `approve`, `revise`, or another word, which is refused. `revise` if there is a `revision`,
    /// else `approve`.
    pub(crate) verdict: Option<String>,
    /// The whole revised plan, written as an artifact.
    pub(crate) revision: Option<String>,
    /// The hash of the plan that is judged, instead of the right one.
    pub(crate) plan_sha256: Option<String>,
}

/// What is reported as usage of one turn.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Figures {
    /// Tokens read.
    pub(crate) input_tokens: u64,
    /// Tokens written.
    pub(crate) output_tokens: u64,
    /// Cost of the session in US dollars.
    #[serde(default)]
    pub(crate) cost_usd: f64,
}

/// What one session plays: rules put together.
#[derive(Debug, Clone)]
pub(crate) struct Cue {
    /// Every step, the verdict among them.
    pub(crate) steps: Vec<Step>,
    /// How it ends.
    pub(crate) verdict: Verdict,
    /// What is reported as usage; `None` for an estimate from the texts.
    pub(crate) usage: Option<Figures>,
    /// Nothing is reported as usage.
    pub(crate) unmetered: bool,
}

fn one() -> f64 {
    1.0
}

fn step_ms() -> u64 {
    250
}

fn yes() -> bool {
    true
}

impl Script {
    /// Whether it can be given tool servers over the network.
    pub(crate) fn reaches_network(&self) -> bool {
        self.reaches_network
    }

    /// The delay before a step.
    pub(crate) fn step_delay(&self) -> std::time::Duration {
        self.paced(self.step_ms)
    }

    /// A delay of the script at the script's pace.
    pub(crate) fn paced(&self, milliseconds: u64) -> std::time::Duration {
        std::time::Duration::from_millis(milliseconds).mul_f64(self.pace)
    }

    /// What is played under `contract`, or `None` if no rule fits.
    pub(crate) fn cue(&self, contract: &Contract) -> Option<Cue> {
        let mut fitting = self.rules.iter().filter(|rule| rule.when.fits(contract));
        let rule = fitting.next()?;
        let usual = rule.steps.as_ref().or_else(|| fitting.find_map(|rule| rule.steps.as_ref()));
        let mut steps = rule.before.clone();
        let mut has_verdict = false;
        for step in usual.into_iter().flatten() {
            if matches!(step, Step::Verdict) {
                steps.extend(rule.before_verdict.iter().cloned());
                has_verdict = true;
            }
            steps.push(step.clone());
        }
        if !has_verdict {
            steps.extend(rule.before_verdict.iter().cloned());
        }
        steps.extend(rule.after.iter().cloned());
        let verdict = rule.verdict.clone();
        Some(Cue { steps, verdict, usage: rule.usage, unmetered: rule.unmetered })
    }
}

impl When {
    fn fits(&self, contract: &Contract) -> bool {
        let one_of = |list: &[String], value: &str| {
            list.is_empty() || list.iter().any(|wanted| wanted == value)
        };
        let role = contract.role.as_str();
        let base = role.split(':').next().unwrap_or(role);
        let number = contract.attempt_number;
        let Numbers { min, max } = self.attempt_number.unwrap_or_default();
        (one_of(&self.role, role) || one_of(&self.role, base))
            && one_of(&self.reference, &contract.reference)
            && one_of(&self.state, &contract.state)
            && one_of(&self.state_type, &contract.state_type)
            && min.is_none_or(|min| number >= min)
            && max.is_none_or(|max| number <= max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contract(role: &str, reference: &str, kind: &str, number: u32) -> Contract {
        serde_json::from_value(serde_json::json!({
            "room": "room-001", "ref": reference, "role": role, "state": "s", "state_type": kind,
            "attempt": "att-1", "attempt_number": number, "signals": ["done"], "criteria": [],
            "tool": "post_message",
        }))
        .unwrap()
    }

    fn script(json: &serde_json::Value) -> Script {
        Script::parse(&json.to_string(), "test").unwrap()
    }

    #[test]
    fn the_first_rule_that_fits_is_played_with_the_next_steps_that_fit() {
        let script = script(&serde_json::json!({"v": 1, "built_in_rules": false, "rules": [
            {"when": {"role": ["qa"]}, "steps": [{"do": "verdict"}]},
            {"when": {"role": ["engineer"], "ref": ["EPIC-002"], "attempt_number": {"max": 1}},
             "before": [{"do": "wait", "ms": 1}], "before_verdict": [{"do": "wait", "ms": 2}],
             "after": [{"do": "wait", "ms": 3}], "verdict": {"signal": "error"}},
            {"steps": [{"do": "recall"}, {"do": "verdict"}]},
        ]}));
        let names = |cue: &Cue| {
            let steps = serde_json::to_value(&cue.steps).unwrap();
            let names = steps.as_array().unwrap().iter();
            names.map(|step| step["do"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let first = script.cue(&contract("engineer:fe", "EPIC-002", "work", 1)).unwrap();
        assert_eq!(names(&first), ["wait", "recall", "wait", "verdict", "wait"]);
        assert_eq!(first.verdict.signal.as_deref(), Some("error"));
        let second = script.cue(&contract("engineer:fe", "EPIC-002", "work", 2)).unwrap();
        assert_eq!(names(&second), ["recall", "verdict"]);
        let review = script.cue(&contract("qa", "EPIC-002", "review", 2)).unwrap();
        assert_eq!(names(&review), ["verdict"]);
    }

    #[test]
    fn without_a_rule_that_fits_there_is_nothing_to_play() {
        let script = script(&serde_json::json!({"v": 1, "built_in_rules": false, "rules": []}));
        assert!(script.cue(&contract("qa", "EPIC-001", "review", 1)).is_none());
    }

    #[test]
    fn the_built_in_script_has_a_part_for_every_kind_of_state() {
        let script = Script::built_in().unwrap();
        for kind in ["work", "review", "triage"] {
            let cue = script.cue(&contract("anybody", "EPIC-001", kind, 1)).unwrap();
            assert!(cue.steps.iter().any(|step| matches!(step, Step::Verdict)), "{kind}");
        }
    }
}
