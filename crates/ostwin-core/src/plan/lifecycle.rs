//! Who takes part in an epic, and the machine of its room: what `Lifecycle` draws or spells out,
//! else what `Pipeline`, `Roles` and `Capabilities` come to.
//!
//! The words of a plan mean something only beside the registry: which role reviews, which stage a
//! capability asks for. Nothing here reads a file; the same function checks a plan and makes rooms.

use std::ops::Range;

use super::value::{Epic, LifecycleSource};
use crate::ids::{NameError, RoleName, RoleRef, StateName};
use crate::lifecycle::{
    Does, Flow, FlowError, GenerateOptions, Label, Machine, NewStage, ReviewRestart, SketchError,
    StateKind, TriageMode, sketch,
};
use crate::registry::Registry;

/// What decides, beside the epic, how its machine looks.
#[derive(Clone, Debug)]
pub struct Casting<'a> {
    /// The roles and the rules of assignment.
    pub registry: &'a Registry,
    /// Where the work goes once a rejection was fixed.
    pub review_restart: ReviewRestart,
    /// Who decides when the room is out of tries.
    pub triage: TriageMode,
    /// How many tries follow a rejection or a failure.
    pub max_retries: u32,
    /// How often the room may go to triage.
    pub max_triages: u32,
}

/// Who takes part in an epic, and the machine of its room.
#[derive(Clone, Debug, PartialEq)]
pub struct Cast {
    /// Every role, the one that works first at the beginning.
    pub roles: Vec<RoleRef>,
    /// The machine, not yet checked.
    pub machine: Machine,
}

/// Why an epic has no machine.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CastError {
    /// The lifecycle in JSON is none.
    #[error("the lifecycle is no machine: {0}")]
    Shape(String),
    /// The drawing can't be read.
    #[error("the drawing of the lifecycle can't be read: {source}; {}", source.help)]
    Drawing {
        /// What is wrong, and where in the drawing.
        #[from]
        source: SketchError,
    },
    /// A word names nobody.
    #[error("`{word}` is neither a role nor a review stage: {problem}")]
    Word {
        /// The word as it was understood.
        word: String,
        /// Why not.
        problem: String,
        /// Its place in the drawing, if it stands in one.
        place: Option<Range<usize>>,
    },
    /// The stages make no flow.
    #[error(transparent)]
    Flow(#[from] FlowError),
}

impl From<NameError> for CastError {
    fn from(error: NameError) -> Self {
        Self::Flow(error.into())
    }
}

/// The roles and the machine of `epic`.
///
/// # Errors
/// [`CastError`] if the epic's own words can't be understood.
pub fn cast(epic: &Epic, casting: &Casting<'_>) -> Result<Cast, CastError> {
    if let Some(LifecycleSource::Machine(value)) = &epic.lifecycle {
        let mut machine: Machine = serde_json::from_value(value.clone())
            .map_err(|error| CastError::Shape(error.to_string()))?;
        if let Some(max_retries) = epic.max_retries {
            machine.max_retries = max_retries;
        }
        let machine = machine.normalise();
        let mut roles = roles_of(&machine);
        if roles.is_empty() {
            roles.push(worker(epic, Some(casting.registry))?);
        }
        return Ok(Cast { roles, machine });
    }
    let flow = staged(epic, Some(casting.registry))?;
    let rules = &casting.registry.assignment_rules;
    let machine = flow.machine(&GenerateOptions {
        default_role: RoleRef::from(rules.default_role.clone()),
        review_role: rules.review_role.clone().map(RoleRef::from),
        skip_review: epic.skip_review.unwrap_or(false),
        review_restart: casting.review_restart,
        triage: casting.triage.clone(),
        max_retries: epic.max_retries.unwrap_or(casting.max_retries),
        max_triages: casting.max_triages,
    })?;
    Ok(Cast { roles: flow.roles(), machine })
}

/// Whose sessions a machine runs: who works, then who reviews. Who only triages takes no part.
fn roles_of(machine: &Machine) -> Vec<RoleRef> {
    let mut roles: Vec<RoleRef> = Vec::new();
    for kind in [StateKind::Work, StateKind::Review] {
        let of_kind = machine.states.iter().filter(|(_, state)| state.kind == kind);
        for role in of_kind.filter_map(|(_, state)| state.role.as_ref()) {
            if !roles.contains(role) {
                roles.push(role.clone());
            }
        }
    }
    roles
}

/// The stages of `epic`; `None` if it spells out its machine. Without a registry, words are only
/// known as far as they speak for themselves.
///
/// # Errors
/// [`CastError`] if the epic's own words can't be understood.
pub fn flow(epic: &Epic, registry: Option<&Registry>) -> Result<Option<Flow>, CastError> {
    match epic.lifecycle {
        Some(LifecycleSource::Machine(_)) => Ok(None),
        Some(LifecycleSource::Drawing(_)) | None => staged(epic, registry).map(Some),
    }
}

/// The stages that a drawing, a pipeline or a list of roles comes to.
fn staged(epic: &Epic, registry: Option<&Registry>) -> Result<Flow, CastError> {
    let words = Words { registry, worker: worker(epic, registry)? };
    let mut stages = match &epic.lifecycle {
        Some(LifecycleSource::Drawing(drawing)) => words.drawn(drawing)?,
        _ if !epic.pipeline.is_empty() => words.piped(&epic.pipeline)?,
        _ => listed(epic, &words.worker),
    };
    // What is drawn is all there is.
    if epic.lifecycle.is_none()
        && let Some(registry) = registry
    {
        add_reviews(&mut stages, registry, &epic.capabilities);
    }
    let is_listed = epic.lifecycle.is_none() && epic.pipeline.is_empty();
    let is_alone = if is_listed {
        epic.roles.len() < 2
    } else {
        stages.iter().all(|stage| stage.does == Does::Work)
    };
    if is_alone && epic.skip_review != Some(true) {
        let reviewer = registry.and_then(|registry| registry.assignment_rules.review_role.clone());
        let reviewer = reviewer.map(RoleRef::from);
        let reviews = |role: &RoleRef| {
            stages.iter().any(|stage| stage.does != Does::Work && stage.role.role == role.role)
        };
        stages.extend(reviewer.filter(|role| !reviews(role)).map(NewStage::review));
    }
    Ok(Flow::new(stages)?)
}

/// Who works if no stage says it.
fn worker(epic: &Epic, registry: Option<&Registry>) -> Result<RoleRef, NameError> {
    match (epic.roles.first(), registry) {
        (Some(role), _) => Ok(role.clone()),
        (None, Some(registry)) => Ok(registry.assignment_rules.default_role.clone().into()),
        (None, None) => RoleRef::new("engineer"),
    }
}

/// The first role works, each further one reviews.
fn listed(epic: &Epic, worker: &RoleRef) -> Vec<NewStage> {
    let further = epic.roles.iter().skip(1).cloned().map(NewStage::review);
    std::iter::once(NewStage::work(worker.clone())).chain(further).collect()
}

/// Adds the reviews that capabilities ask for, behind the last work and before its other reviews.
/// Who reviews already is not asked twice.
fn add_reviews(stages: &mut Vec<NewStage>, registry: &Registry, capabilities: &[String]) {
    let last_work = stages.iter().rposition(|stage| stage.does == Does::Work);
    let mut at = last_work.map_or(stages.len(), |index| index + 1);
    for review in registry.reviews_for(capabilities) {
        let is_there = stages.iter().any(|stage| {
            stage.does != Does::Work
                && (stage.role.role == review.role || stage.state.as_ref() == Some(&review.stage))
        });
        if !is_there {
            let stage = NewStage::review(RoleRef::from(review.role.clone()));
            stages.insert(at, NewStage { state: Some(review.stage.clone()), ..stage });
            at += 1;
        }
    }
}

/// What the words of a plan mean.
struct Words<'a> {
    registry: Option<&'a Registry>,
    /// Whom `developing` means.
    worker: RoleRef,
}

/// A word that was understood.
struct Meant {
    state: Option<StateName>,
    role: RoleRef,
    leaning: Leaning,
}

/// What a role does where the plan leaves it open.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Leaning {
    Works,
    Reviews,
    Either,
}

/// A stage whose kind is not settled.
struct Open {
    meant: Meant,
    forks: bool,
    fixer: Option<RoleRef>,
}

impl Words<'_> {
    fn piped(&self, pipeline: &[String]) -> Result<Vec<NewStage>, CastError> {
        let open = pipeline.iter().map(|word| {
            let (name, role) = match word.split_once('(') {
                Some((name, role)) => (name, Some(role.trim_end_matches(')').trim())),
                None => (word.as_str(), None),
            };
            let name = name.trim().trim_start_matches('@').to_lowercase();
            Ok(Open { meant: self.meaning(&name, role, None)?, forks: false, fixer: None })
        });
        Ok(settle(open.collect::<Result<_, CastError>>()?))
    }

    fn drawn(&self, drawing: &str) -> Result<Vec<NewStage>, CastError> {
        let steps = sketch(drawing)?.steps;
        let open = steps.iter().map(|step| {
            let fixer = match &step.mended_by {
                Some(label) => Some(self.labelled(label)?.role),
                None => None,
            };
            Ok(Open { meant: self.labelled(&step.label)?, forks: step.forks, fixer })
        });
        let mut open = open.collect::<Result<Vec<_>, CastError>>()?;
        // Who works can't judge the own work: a fork behind it asks for the usual reviewer.
        if let [first, _, ..] = open.as_slice()
            && first.forks
            && let Ok(review) = self.meaning("review", None, None)
        {
            let fixer = first.fixer.clone();
            open.insert(1, Open { meant: review, forks: true, fixer });
        }
        Ok(settle(open))
    }

    fn labelled(&self, label: &Label) -> Result<Meant, CastError> {
        self.meaning(&label.name, label.role.as_deref(), Some(&label.place))
    }

    /// What a word means: a stage with its role, the machine's own words, a stage that a
    /// capability asks for, a role, a review by a role, a capability.
    fn meaning(
        &self,
        word: &str,
        role: Option<&str>,
        place: Option<&Range<usize>>,
    ) -> Result<Meant, CastError> {
        let unknown = |error: NameError| CastError::Word {
            word: word.to_owned(),
            problem: error.problem.to_owned(),
            place: place.cloned(),
        };
        if let Some(role) = role {
            let role = RoleRef::new(role).map_err(unknown)?;
            let state = Some(StateName::new(word).map_err(unknown)?);
            let leaning = if word.starts_with("developing") {
                Leaning::Works
            } else if word.starts_with("review") || word.ends_with("-review") {
                Leaning::Reviews
            } else {
                self.leaning(&role.role)
            };
            return Ok(Meant { state, role, leaning });
        }
        match word {
            "developing" => {
                return Ok(Meant {
                    state: None,
                    role: self.worker.clone(),
                    leaning: Leaning::Works,
                });
            }
            "review" => {
                if let Some(role) =
                    self.registry.and_then(|r| r.assignment_rules.review_role.as_ref())
                {
                    let role = RoleRef::from(role.clone());
                    return Ok(Meant { state: None, role, leaning: Leaning::Reviews });
                }
            }
            _ => {}
        }
        let role = RoleRef::new(word).map_err(unknown)?;
        let is_role = |name: &RoleName| self.registry.is_some_and(|r| r.role(name).is_some());
        if is_role(&role.role) {
            let leaning = self.leaning(&role.role);
            return Ok(Meant { state: None, role, leaning });
        }
        if let Some(stage) = self.review_stage(word) {
            return Ok(stage);
        }
        if let Some(reviewer) = word.strip_suffix("-review")
            && let Ok(reviewer) = RoleRef::new(reviewer)
            && is_role(&reviewer.role)
        {
            let state = StateName::new(word).ok();
            return Ok(Meant { state, role: reviewer, leaning: Leaning::Reviews });
        }
        Ok(Meant { state: None, role, leaning: Leaning::Either })
    }

    /// The review stage of this name, or of the capability of this name, with `-review` or not.
    fn review_stage(&self, word: &str) -> Option<Meant> {
        let registry = self.registry?;
        let named = registry
            .capability_reviews
            .iter()
            .map(|(_, review)| review)
            .find(|review| review.stage.as_str().eq_ignore_ascii_case(word));
        let capability = word.strip_suffix("-review").unwrap_or(word);
        let review = named.or_else(|| registry.reviews_for(&[capability]).into_iter().next())?;
        Some(Meant {
            state: Some(review.stage.clone()),
            role: RoleRef::from(review.role.clone()),
            leaning: Leaning::Reviews,
        })
    }

    /// What the registry says that a role takes on.
    fn leaning(&self, role: &RoleName) -> Leaning {
        let Some(role) = self.registry.and_then(|registry| registry.role(role)) else {
            return Leaning::Either;
        };
        let takes = |kind: &str| role.supported_task_types.iter().any(|known| known == kind);
        match (takes("epic") || takes("task"), takes("review")) {
            (true, false) => Leaning::Works,
            (false, true) => Leaning::Reviews,
            _ => Leaning::Either,
        }
    }
}

/// Settles who works and who reviews. The first works, and so does everybody up to the last who
/// can only work, or who mends what a fork rejects; a stage that forks reviews.
fn settle(open: Vec<Open>) -> Vec<NewStage> {
    let fixers: Vec<RoleRef> = open.iter().filter_map(|stage| stage.fixer.clone()).collect();
    let works = |(index, stage): &(usize, &Open)| {
        *index == 0
            || !stage.forks
                && stage.meant.leaning != Leaning::Reviews
                && (stage.meant.leaning == Leaning::Works || fixers.contains(&stage.meant.role))
    };
    // Where forks are drawn, a stage without one does not judge.
    let is_forked = open.iter().any(|stage| stage.forks);
    let last_work = open.iter().enumerate().filter(works).map(|(index, _)| index).next_back();
    open.into_iter()
        .enumerate()
        .map(|(index, Open { meant, forks, fixer })| {
            let reviews = forks
                || meant.leaning == Leaning::Reviews
                || (meant.leaning == Leaning::Either && !is_forked && Some(index) > last_work);
            // A role that reviews elsewhere works if it comes first; a stage of review can't.
            let is_stage = meant.state.is_some() && meant.leaning == Leaning::Reviews;
            let does =
                if reviews && index > 0 || is_stage { Does::Review(fixer) } else { Does::Work };
            NewStage { state: meant.state, role: meant.role, does }
        })
        .collect()
}

#[cfg(test)]
mod tests;
