//! The stages that a room goes through, in order: somebody works, others review, and what a review
//! rejects is mended before it is reviewed again.
//!
//! A [`Flow`] is what people say about a lifecycle, in a list of roles, a pipeline or a drawing;
//! [`Flow::machine`] makes of it the machine that a room lives by, and [`Flow::of`] finds it again
//! in a machine that was made so.

use std::collections::HashSet;

use super::generate::{GenerateOptions, ReviewRestart, TriageMode};
use super::machine::{Machine, State, StateKind, Target, names};
use crate::ids::{NameError, RoleRef, StateName};

/// A stage as it is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewStage {
    /// The name of its state; `None` for the usual one.
    pub state: Option<StateName>,
    /// Whose session runs in it.
    pub role: RoleRef,
    /// What the session does.
    pub does: Does,
}

/// What the session of a stage does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Does {
    /// It works.
    Work,
    /// It reviews, and this role mends what it rejects; `None` for whoever worked last.
    Review(Option<RoleRef>),
}

impl NewStage {
    /// A stage in which `role` works, under the usual name.
    pub fn work(role: RoleRef) -> Self {
        Self { state: None, role, does: Does::Work }
    }

    /// A stage in which `role` reviews, under the usual name.
    pub fn review(role: RoleRef) -> Self {
        Self { state: None, role, does: Does::Review(None) }
    }
}

/// A stage of a flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    /// The name of its state.
    pub state: StateName,
    /// Whose session runs in it.
    pub role: RoleRef,
    /// Who mends what it rejects, if it is a review; `None` if it works.
    pub fixer: Option<RoleRef>,
}

impl Stage {
    /// Whether its session reviews.
    pub fn is_review(&self) -> bool {
        self.fixer.is_some()
    }
}

/// Stages in order; the first one works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    stages: Vec<Stage>,
}

/// Why stages make no flow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FlowError {
    /// There is nothing to do.
    #[error("there is no stage in which somebody works")]
    Empty,
    /// There is nothing to review yet.
    #[error("the first stage is a review by `{role}`, and there is nothing to review yet")]
    ReviewFirst {
        /// The reviewer.
        role: RoleRef,
    },
    /// The machine has a state of that name anyway.
    #[error("`{state}` can't be a stage: every machine has a state of that name")]
    Reserved {
        /// The name.
        state: StateName,
    },
    /// A name could not be made.
    #[error(transparent)]
    Name(#[from] NameError),
}

/// The states that a machine has beside its stages.
const RESERVED: [&str; 8] = [
    "pending",
    "failed",
    names::TRIAGE,
    names::ESCALATED,
    "blocked",
    names::PASSED,
    names::FAILED_FINAL,
    names::CANCELLED,
];

/// Longest role that becomes a part of a state's name, in bytes.
const MAX_ROLE_IN_NAME: usize = 40;

impl Flow {
    /// A flow of these stages.
    ///
    /// # Errors
    /// [`FlowError`] if nobody works first, or names are in each other's way.
    pub fn new(wanted: Vec<NewStage>) -> Result<Self, FlowError> {
        let Some(first) = wanted.first() else { return Err(FlowError::Empty) };
        if first.does != Does::Work {
            return Err(FlowError::ReviewFirst { role: first.role.clone() });
        }
        let mut taken = Names::default();
        let mut given = Vec::with_capacity(wanted.len());
        for stage in &wanted {
            given.push(match &stage.state {
                Some(state) if RESERVED.contains(&state.as_str()) => {
                    return Err(FlowError::Reserved { state: state.clone() });
                }
                Some(state) => Some(StateName::new(&taken.free(state.as_str()))?),
                None => None,
            });
        }
        let works = wanted.iter().filter(|stage| stage.does == Does::Work).count();
        let reviews = wanted.len() - works;
        let mut worker = first.role.clone();
        let mut numbers = [0, 0];
        let mut stages = Vec::with_capacity(wanted.len());
        for (stage, given) in wanted.into_iter().zip(given) {
            let (word, of_its_kind, number) = match stage.does {
                Does::Work => ("developing", works, &mut numbers[0]),
                Does::Review(_) => ("review", reviews, &mut numbers[1]),
            };
            *number += 1;
            let state = match given {
                Some(state) => state,
                None => {
                    let base = match of_its_kind {
                        1 => word.to_owned(),
                        _ => format!("{word}-{}", part_of_name(&stage.role, *number)),
                    };
                    StateName::new(&taken.free(&base))?
                }
            };
            let fixer = match stage.does {
                Does::Work => {
                    worker = stage.role.clone();
                    None
                }
                Does::Review(fixer) => Some(fixer.unwrap_or_else(|| worker.clone())),
            };
            stages.push(Stage { state, role: stage.role, fixer });
        }
        Ok(Self { stages })
    }

    /// The flow of a list of roles: the first works, each further one reviews in order. A single
    /// role gets the usual reviewer, unless the review is skipped.
    ///
    /// # Errors
    /// [`FlowError`] if no name could be made, which would be a mistake in this module.
    pub fn of_roles(roles: &[RoleRef], options: &GenerateOptions) -> Result<Self, FlowError> {
        let worker = roles.first().unwrap_or(&options.default_role).clone();
        let reviewers: Vec<&RoleRef> = match roles {
            [] | [_] if options.skip_review => Vec::new(),
            [] | [_] => options.review_role.iter().collect(),
            [_, further @ ..] => further.iter().collect(),
        };
        let reviews = reviewers.into_iter().cloned().map(NewStage::review);
        Self::new(std::iter::once(NewStage::work(worker)).chain(reviews).collect())
    }

    /// The flow that `machine` was made from, if it is such a machine, unchanged.
    pub fn of(machine: &Machine) -> Option<Self> {
        Self::found(machine).map(|(flow, _)| flow)
    }

    /// The flow that `machine` was made from, and where its rejections lead once they are fixed.
    pub(super) fn found(machine: &Machine) -> Option<(Self, ReviewRestart)> {
        let target = |state: &State, signal: &str| {
            let edge = state.signals.get(signal)?.0.first()?;
            match &edge.target {
                Target::State(name) => Some(name.clone()),
                Target::Previous => None,
            }
        };
        let mut wanted = Vec::new();
        let mut at = target(machine.state(&machine.initial_state)?, names::READY)?;
        while at.as_str() != names::PASSED {
            let state = machine.state(&at)?;
            let (does, next) = match state.kind {
                StateKind::Work => (Does::Work, target(state, names::DONE)?),
                StateKind::Review => {
                    let fixing = machine.state(&target(state, names::FAIL)?)?;
                    (Does::Review(fixing.role.clone()), target(state, names::PASS)?)
                }
                _ => return None,
            };
            let role = state.role.clone()?;
            wanted.push(NewStage { state: Some(at), role, does });
            if wanted.len() > machine.states.len() {
                return None;
            }
            at = next;
        }
        let flow = Self::new(wanted).ok()?;
        let made_with = |restart: &ReviewRestart| {
            let made = options_of(machine, &flow, *restart).map(|options| flow.machine(&options));
            made.is_some_and(|made| made.is_ok_and(|made| made == *machine))
        };
        let restart = [ReviewRestart::Stage, ReviewRestart::First].into_iter().find(made_with)?;
        Some((flow, restart))
    }

    /// The stages, in order.
    pub fn stages(&self) -> &[Stage] {
        &self.stages
    }

    /// Every role that takes part, each once, the one that works first at the beginning.
    pub fn roles(&self) -> Vec<RoleRef> {
        let mut roles: Vec<RoleRef> = Vec::new();
        for role in self.stages.iter().flat_map(|stage| [Some(&stage.role), stage.fixer.as_ref()]) {
            roles.extend(role.filter(|role| !roles.contains(role)).cloned());
        }
        roles
    }

    /// For each stage, the state in which its findings are mended and the review that follows;
    /// `None` where it works.
    pub(super) fn fixing(
        &self,
        restart: ReviewRestart,
    ) -> Result<Vec<Option<(StateName, StateName)>>, NameError> {
        let mut taken = Names::default();
        for stage in &self.stages {
            taken.take(stage.state.as_str());
        }
        let mut fixing: Vec<Option<(StateName, StateName)>> = Vec::new();
        // The reviews since somebody worked: the first of them, and who mends in which state.
        let mut first: Option<StateName> = None;
        let mut shared: Vec<(RoleRef, StateName)> = Vec::new();
        for (index, stage) in self.stages.iter().enumerate() {
            let Some(fixer) = &stage.fixer else {
                first = None;
                shared.clear();
                fixing.push(None);
                continue;
            };
            let back = match restart {
                ReviewRestart::Stage => stage.state.clone(),
                ReviewRestart::First => first.get_or_insert_with(|| stage.state.clone()).clone(),
            };
            let known = shared.iter().find(|(role, _)| role == fixer);
            let name = match (restart, known) {
                (ReviewRestart::First, Some((_, name))) => name.clone(),
                (ReviewRestart::First, None) => StateName::new(&taken.free("fixing"))?,
                (ReviewRestart::Stage, _) => {
                    StateName::new(&taken.free(&fixing_name(&stage.state, index)))?
                }
            };
            shared.push((fixer.clone(), name.clone()));
            fixing.push(Some((name, back)));
        }
        Ok(fixing)
    }
}

/// How a machine of this flow would have been made.
fn options_of(machine: &Machine, flow: &Flow, restart: ReviewRestart) -> Option<GenerateOptions> {
    let manager = machine.states.get(names::TRIAGE).and_then(|state| state.role.clone());
    Some(GenerateOptions {
        default_role: flow.stages.first()?.role.clone(),
        review_role: None,
        skip_review: false,
        review_restart: restart,
        triage: manager.map_or(TriageMode::Person, TriageMode::Session),
        max_retries: machine.max_retries,
        max_triages: machine.max_triages,
    })
}

/// The role as a part of a state's name; a number where it would be too long or look like one.
fn part_of_name(role: &RoleRef, number: usize) -> String {
    let plain = role.to_string().replace(':', "-");
    if plain.len() > MAX_ROLE_IN_NAME || plain.parse::<usize>().is_ok() {
        return format!("stage-{number}");
    }
    plain
}

/// `fixing-qa` for `review-qa`, and `fixing-x` for a review of any other name.
fn fixing_name(review: &StateName, index: usize) -> String {
    let suffix = match review.as_str().strip_prefix("review") {
        Some("") => return "fixing".to_owned(),
        Some(suffix) if suffix.starts_with('-') => suffix.trim_start_matches('-'),
        _ => review.as_str(),
    };
    if suffix.is_empty() || suffix.len() > MAX_ROLE_IN_NAME + 8 {
        return format!("fixing-stage-{index}");
    }
    format!("fixing-{suffix}")
}

/// Names that are in use.
struct Names(HashSet<String>);

impl Default for Names {
    fn default() -> Self {
        Self(RESERVED.iter().map(|name| (*name).to_owned()).collect())
    }
}

impl Names {
    fn take(&mut self, name: &str) -> bool {
        self.0.insert(name.to_owned())
    }

    /// `base`, or `base-2`, `base-3`, ...
    fn free(&mut self, base: &str) -> String {
        let mut name = base.to_owned();
        let mut number = 1;
        while !self.take(&name) {
            number += 1;
            name = format!("{base}-{number}");
        }
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(text: &str) -> RoleRef {
        RoleRef::new(text).unwrap()
    }

    fn named(state: &str, stage: NewStage) -> NewStage {
        NewStage { state: Some(StateName::new(state).unwrap()), ..stage }
    }

    fn states(flow: &Flow) -> Vec<&str> {
        flow.stages().iter().map(|stage| stage.state.as_str()).collect()
    }

    fn fixing(flow: &Flow, restart: ReviewRestart) -> Vec<String> {
        let fixing = flow.fixing(restart).unwrap();
        fixing.iter().flatten().map(|(name, back)| format!("{name} -> {back}")).collect()
    }

    #[test]
    fn stages_are_named_by_what_they_do_and_by_whom_where_there_are_several() {
        let flow = Flow::new(vec![
            NewStage::work(role("architect")),
            NewStage::work(role("engineer:fe")),
            named("security-review", NewStage::review(role("security-auditor"))),
            NewStage::review(role("qa")),
            NewStage::review(role("qa")),
            named("security-review", NewStage::review(role("architect"))),
        ])
        .unwrap();
        assert_eq!(
            states(&flow),
            [
                "developing-architect",
                "developing-engineer-fe",
                "security-review",
                "review-qa",
                "review-qa-2",
                "security-review-2"
            ]
        );
        assert_eq!(flow.stages()[3].fixer, Some(role("engineer:fe")), "who worked last mends");
        assert_eq!(
            fixing(&flow, ReviewRestart::Stage),
            [
                "fixing-security-review -> security-review",
                "fixing-qa -> review-qa",
                "fixing-qa-2 -> review-qa-2",
                "fixing-security-review-2 -> security-review-2"
            ]
        );
        assert_eq!(fixing(&flow, ReviewRestart::First), ["fixing -> security-review"; 4]);
    }

    #[test]
    fn reviews_begin_anew_no_further_back_than_the_last_work() {
        let flow = Flow::new(vec![
            NewStage::work(role("architect")),
            NewStage::review(role("qa")),
            NewStage::work(role("engineer")),
            NewStage::review(role("security-auditor")),
            NewStage {
                does: Does::Review(Some(role("architect"))),
                ..NewStage::review(role("qa"))
            },
        ])
        .unwrap();
        assert_eq!(
            fixing(&flow, ReviewRestart::First),
            [
                "fixing -> review-qa",
                "fixing-2 -> review-security-auditor",
                "fixing-3 -> review-security-auditor"
            ]
        );
        assert_eq!(
            flow.roles(),
            [role("architect"), role("qa"), role("engineer"), role("security-auditor")]
        );
    }

    #[test]
    fn what_is_no_flow_is_refused() {
        let refused = |stages| Flow::new(stages).unwrap_err().to_string();
        assert!(refused(Vec::new()).contains("no stage"));
        assert!(refused(vec![NewStage::review(role("qa"))]).contains("nothing to review"));
        let work = NewStage::work(role("engineer"));
        assert!(refused(vec![named("failed", work)]).contains("every machine"));
    }

    #[test]
    fn a_machine_that_was_changed_by_hand_has_no_flow() {
        let options = GenerateOptions {
            default_role: role("engineer"),
            review_role: Some(role("qa")),
            skip_review: false,
            review_restart: ReviewRestart::Stage,
            triage: TriageMode::Person,
            max_retries: 3,
            max_triages: 1,
        };
        let flow = Flow::of_roles(&[], &options).unwrap();
        let mut machine = flow.machine(&options).unwrap();
        assert_eq!(Flow::of(&machine), Some(flow));
        let developing = StateName::new("developing").unwrap();
        let mut state = machine.state(&developing).unwrap().clone();
        state.extra.insert("colour".to_owned(), "red".into());
        machine.states.insert(developing, state);
        assert_eq!(Flow::of(&machine), None);
    }
}
