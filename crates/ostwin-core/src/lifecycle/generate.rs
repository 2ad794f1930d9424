//! Machines made from stages, for plans that write none.
//!
//! Who has worked passes on to the next stage, and so does a review that accepts; one that rejects
//! sends the room to fixing and then back to itself, or to the first review of the same work. What
//! a room does when it is out of tries is the same everywhere.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::flow::{Flow, FlowError, Stage};
use super::guard::Guard;
use super::machine::{Action, Edge, Edges, Machine, State, StateKind, Target, names};
use crate::ids::{NameError, RoleRef, SignalName, StateName};
use crate::json::{Extra, Ordered, Version};

/// Where the work goes once a rejection was fixed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReviewRestart {
    /// Back to the stage that rejected it.
    #[default]
    Stage,
    /// Through all stages again.
    First,
}

/// Who decides when a room is out of tries or asks for a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TriageMode {
    /// A session of this role decides, at most `max_triages` times; then the room has failed.
    Session(RoleRef),
    /// The room goes to `escalated` and waits for a person.
    Person,
}

/// How [`generate`] makes a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GenerateOptions {
    /// Works if no role is named.
    pub default_role: RoleRef,
    /// Reviews if only one role is named; `None` for no review.
    pub review_role: Option<RoleRef>,
    /// Whether a single role gets no reviewer.
    pub skip_review: bool,
    /// Where the work goes once a rejection was fixed.
    pub review_restart: ReviewRestart,
    /// Who decides when a room is out of tries.
    pub triage: TriageMode,
    /// How many rejections and failed attempts are answered by another try.
    pub max_retries: u32,
    /// How often a room may go to triage.
    pub max_triages: u32,
}

/// The machine for a room of these roles, as [`Flow::of_roles`] orders them. It always passes
/// [`check`](super::check), provided that every role resolves.
///
/// # Errors
///
/// [`FlowError`] if a name of the machine were not a name, which would be a mistake in this module.
pub fn generate(roles: &[RoleRef], options: &GenerateOptions) -> Result<Machine, FlowError> {
    Ok(Flow::of_roles(roles, options)?.machine(options)?)
}

impl Flow {
    /// The machine for a room of these stages. It always passes [`check`](super::check), provided
    /// that every role resolves. `default_role`, `review_role` and `skip_review` of `options` say
    /// nothing here: who takes part is settled.
    ///
    /// # Errors
    ///
    /// [`NameError`] if a name of the machine were not a name, which would be a mistake in this
    /// module.
    pub fn machine(&self, options: &GenerateOptions) -> Result<Machine, NameError> {
        let fixing = self.fixing(options.review_restart)?;
        let mut draft = Draft { states: Ordered::default(), options };
        draft.working(self.stages(), &fixing)?;
        let first = self.stages().first().map_or(names::PASSED, |stage| stage.state.as_str());
        let first_fixing = fixing.iter().flatten().next().map(|(name, _)| name.as_str());
        draft.deciding(first, first_fixing.unwrap_or(first))?;
        Ok(Machine {
            schema_version: Version::default(),
            initial_state: StateName::new("pending")?,
            max_retries: options.max_retries,
            max_triages: options.max_triages,
            states: draft.states,
            extra: Extra::new(),
        }
        .normalise())
    }
}

/// A machine that is being drawn.
struct Draft<'a> {
    states: Ordered<StateName, State>,
    options: &'a GenerateOptions,
}

impl Draft<'_> {
    /// `pending`, then each stage, a review with the state in which its findings are mended.
    fn working(
        &mut self,
        stages: &[Stage],
        fixing: &[Option<(StateName, StateName)>],
    ) -> Result<(), NameError> {
        let state_of = |index: usize| stages.get(index).map_or(names::PASSED, |s| s.state.as_str());
        self.add("pending", StateKind::Wait, None, vec![(names::READY, to(state_of(0))?)])?;
        for (index, (stage, fixing)) in stages.iter().zip(fixing).enumerate() {
            let next = state_of(index + 1);
            let (Some((fixing, back)), Some(fixer)) = (fixing, &stage.fixer) else {
                self.work(&stage.state, &stage.role, next)?;
                continue;
            };
            let mut fail = vec![Edge {
                guard: Some(Guard::retries_left()),
                actions: vec![Action::IncrementRetries, Action::PostFix],
                ..edge(fixing.as_str())?
            }];
            fail.extend(self.out_of_tries()?.0);
            let mut signals = vec![(names::PASS, to(next)?), (names::FAIL, Edges(fail))];
            signals.extend(self.trouble()?);
            self.add(stage.state.as_str(), StateKind::Review, Some(&stage.role), signals)?;
            if !self.states.contains_key(fixing.as_str()) {
                self.work(fixing, fixer, back.as_str())?;
            }
        }
        Ok(())
    }

    /// Everything after the work: failure, triage or a person, and the ends. `first` is where the
    /// work begins, `fixing` where findings are mended.
    fn deciding(&mut self, first: &str, fixing: &str) -> Result<(), NameError> {
        let retry = Edge {
            guard: Some(Guard::retries_left()),
            actions: vec![Action::IncrementRetries],
            ..Edge::to(Target::Previous)
        };
        let failed =
            vec![(names::RETRY, Edges(vec![retry])), (names::EXHAUST, self.out_of_tries()?)];
        self.add("failed", StateKind::Decision, None, failed)?;

        let verdicts = verdicts(first, fixing)?;
        if let TriageMode::Session(manager) = &self.options.triage {
            let mut signals = verdicts.clone();
            signals.push((names::ERROR, to(names::ESCALATED)?));
            signals.push((names::TIMEOUT, to(names::ESCALATED)?));
            self.add(names::TRIAGE, StateKind::Triage, Some(manager), signals)?;
        }
        self.add(names::ESCALATED, StateKind::Wait, None, verdicts)?;
        self.add("blocked", StateKind::Wait, None, vec![(names::UNBLOCK, to(first)?)])?;
        self.add(names::PASSED, StateKind::Terminal, None, Vec::new())?;
        self.add(names::FAILED_FINAL, StateKind::Terminal, None, Vec::new())
    }

    /// A state in which `role` works until `done` leads on to `next`.
    fn work(&mut self, name: &StateName, role: &RoleRef, next: &str) -> Result<(), NameError> {
        let mut signals = vec![(names::DONE, to(next)?)];
        signals.extend(self.trouble()?);
        self.add(name.as_str(), StateKind::Work, Some(role), signals)
    }

    /// What may end any session that works or reviews.
    fn trouble(&self) -> Result<Vec<(&'static str, Edges)>, NameError> {
        Ok(vec![
            (names::ERROR, to("failed")?),
            (names::TIMEOUT, to("failed")?),
            (names::ESCALATE, self.out_of_tries()?),
        ])
    }

    /// Where a room goes that needs a decision.
    fn out_of_tries(&self) -> Result<Edges, NameError> {
        match self.options.triage {
            TriageMode::Session(_) => Ok(Edges::triage()),
            TriageMode::Person => to(names::ESCALATED),
        }
    }

    fn add(
        &mut self,
        name: &str,
        kind: StateKind,
        role: Option<&RoleRef>,
        signals: Vec<(&'static str, Edges)>,
    ) -> Result<(), NameError> {
        let signals = signals
            .into_iter()
            .map(|(signal, edges)| Ok((SignalName::new(signal)?, edges)))
            .collect::<Result<_, NameError>>()?;
        let state = State { role: role.cloned(), signals, ..State::new(kind) };
        self.states.insert(StateName::new(name)?, state);
        Ok(())
    }
}

fn edge(target: &str) -> Result<Edge, NameError> {
    Ok(Edge::to(Target::State(StateName::new(target)?)))
}

fn to(target: &str) -> Result<Edges, NameError> {
    Ok(Edges(vec![edge(target)?]))
}

/// The four verdicts: the same from the manager role and from a person.
fn verdicts(first: &str, fixing: &str) -> Result<Vec<(&'static str, Edges)>, NameError> {
    let with = |target: &str, actions: &[Action]| {
        Ok(Edges(vec![Edge { actions: actions.to_vec(), ..edge(target)? }]))
    };
    let [fix, redesign, replan, reject] = names::VERDICTS;
    Ok(vec![
        (fix, with(fixing, &[Action::GrantRetry, Action::PostFix])?),
        (redesign, with(first, &[Action::GrantRetry, Action::ReviseBrief])?),
        (replan, with("blocked", &[Action::RequestReplan])?),
        (reject, to(names::FAILED_FINAL)?),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(text: &str) -> RoleRef {
        RoleRef::new(text).unwrap()
    }

    fn options(triage: TriageMode) -> GenerateOptions {
        GenerateOptions {
            default_role: role("engineer"),
            review_role: Some(role("qa")),
            skip_review: false,
            review_restart: ReviewRestart::Stage,
            triage,
            max_retries: 3,
            max_triages: 1,
        }
    }

    fn names_of(machine: &Machine) -> Vec<&str> {
        machine.states.keys().map(StateName::as_str).collect()
    }

    fn target(machine: &Machine, state: &str, signal: &str) -> Vec<String> {
        let edges = machine.states.get(state).unwrap().signals.get(signal).unwrap();
        edges.0.iter().map(|edge| edge.target.to_string()).collect()
    }

    #[test]
    fn one_role_gets_the_reviewer_and_triage() {
        let machine =
            generate(&[role("engineer")], &options(TriageMode::Session(role("manager")))).unwrap();
        let written: serde_json::Value = serde_json::to_value(&machine).unwrap();
        let drawn: Machine = serde_json::from_str(DRAWN).unwrap();
        assert_eq!(written, serde_json::to_value(drawn).unwrap());
        let names = names_of(&machine);
        assert_eq!(
            names,
            [
                "pending",
                "developing",
                "review",
                "fixing",
                "failed",
                "triage",
                "escalated",
                "blocked",
                "passed",
                "failed-final",
                "cancelled"
            ]
        );
    }

    /// The machine as a person would write it, with every shorthand.
    const DRAWN: &str = r#"{"schema_version":1,"initial_state":"pending","max_retries":3,"max_triages":1,
      "states":{
        "pending":{"type":"wait","signals":{"ready":{"target":"developing"}}},
        "developing":{"type":"work","role":"engineer","signals":{
          "done":{"target":"review"},
          "error":{"target":"failed"},"timeout":{"target":"failed"},"escalate":"@triage"}},
        "review":{"type":"review","role":"qa","signals":{
          "pass":{"target":"passed"},
          "fail":[{"guard":"retries<max_retries","target":"fixing","actions":["increment_retries","post_fix"]},"@triage"],
          "error":{"target":"failed"},"timeout":{"target":"failed"},"escalate":"@triage"}},
        "fixing":{"type":"work","role":"engineer","signals":{
          "done":{"target":"review"},
          "error":{"target":"failed"},"timeout":{"target":"failed"},"escalate":"@triage"}},
        "failed":{"type":"decision","signals":{
          "retry":{"guard":"retries < max_retries","target":"@previous","actions":["increment_retries"]},
          "exhaust":"@triage"}},
        "triage":{"type":"triage","role":"manager","signals":{
          "fix":{"target":"fixing","actions":["grant_retry","post_fix"]},
          "redesign":{"target":"developing","actions":["grant_retry","revise_brief"]},
          "replan":{"target":"blocked","actions":["request_replan"]},
          "reject":{"target":"failed-final"},
          "error":{"target":"escalated"},"timeout":{"target":"escalated"}}},
        "escalated":{"type":"wait","signals":{
          "fix":{"target":"fixing","actions":["grant_retry","post_fix"]},
          "redesign":{"target":"developing","actions":["grant_retry","revise_brief"]},
          "replan":{"target":"blocked","actions":["request_replan"]},
          "reject":{"target":"failed-final"}}},
        "blocked":{"type":"wait","signals":{"unblock":{"target":"developing"}}},
        "passed":{"type":"terminal"},"failed-final":{"type":"terminal"},"cancelled":{"type":"terminal"}}}"#;

    #[test]
    fn without_a_triage_session_everything_leads_to_a_person() {
        let machine =
            generate(&[role("engineer"), role("qa")], &options(TriageMode::Person)).unwrap();
        assert!(!machine.states.contains_key("triage"));
        assert_eq!(target(&machine, "developing", "escalate"), ["escalated"]);
        assert_eq!(target(&machine, "review", "fail"), ["fixing", "escalated"]);
        assert_eq!(target(&machine, "failed", "exhaust"), ["escalated"]);
        assert_eq!(target(&machine, "failed", "retry"), ["@previous"]);
    }

    #[test]
    fn stages_follow_each_other_and_fix_what_they_found() {
        let roles = [role("engineer:fe"), role("security-auditor"), role("qa"), role("qa")];
        let mut options = options(TriageMode::Person);
        let machine = generate(&roles, &options).unwrap();
        assert_eq!(
            names_of(&machine)[..8],
            [
                "pending",
                "developing",
                "review-security-auditor",
                "fixing-security-auditor",
                "review-qa",
                "fixing-qa",
                "review-qa-2",
                "fixing-qa-2"
            ]
        );
        assert_eq!(target(&machine, "review-security-auditor", "pass"), ["review-qa"]);
        assert_eq!(target(&machine, "review-qa-2", "pass"), ["passed"]);
        assert_eq!(target(&machine, "review-qa", "fail"), ["fixing-qa", "escalated"]);
        assert_eq!(target(&machine, "fixing-qa", "done"), ["review-qa"]);
        assert_eq!(target(&machine, "escalated", "fix"), ["fixing-security-auditor"]);

        options.review_restart = ReviewRestart::First;
        let machine = generate(&roles, &options).unwrap();
        assert_eq!(target(&machine, "review-qa-2", "fail"), ["fixing", "escalated"]);
        assert_eq!(target(&machine, "fixing", "done"), ["review-security-auditor"]);
    }

    #[test]
    fn a_review_can_be_skipped_for_a_single_role_only() {
        let mut options = options(TriageMode::Person);
        options.skip_review = true;
        let machine = generate(&[], &options).unwrap();
        assert_eq!(target(&machine, "developing", "done"), ["passed"]);
        assert_eq!(target(&machine, "escalated", "fix"), ["developing"]);
        let machine = generate(&[role("engineer"), role("qa")], &options).unwrap();
        assert_eq!(target(&machine, "developing", "done"), ["review"]);
    }
}
