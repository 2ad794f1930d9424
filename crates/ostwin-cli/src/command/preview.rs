//! What a run would do: `run --dry-run`, and the check that every session has an agent.

mod forecast;
mod lines;
mod prompt;

use std::path::Path;

use ostwin_core::config::{PlanReview, REHEARSAL, Settings};
use ostwin_core::dag::{self, BuildOptions, Dag};
use ostwin_core::env;
use ostwin_core::ids::{EpicId, PlanId, RoleRef};
use ostwin_core::lifecycle::TriageMode;
use ostwin_core::plan::{self, Casting, Entry, Epic, ParseOptions, Plan};
use ostwin_core::plan_review::{self, Gate};
use ostwin_core::plans::{self, StoredPlan};
use ostwin_core::project::Project;
use ostwin_runner::prepare::{Host, SettledSkills, SkillQuestion, settle_skills};
use ostwin_runner::resolve::{Directives, Question, ResolveError, resolve};
use ostwin_runner::roles::{RolePlaces, Wanted as WantedRole, find_role};
use ostwin_service::{Exit, Explain, Failure};
use serde::Serialize;

use super::run::Wanted;
use crate::context::{Context, source_path};

/// What would happen with each epic, in the order of the waves.
#[derive(Debug)]
pub(super) struct Preview {
    pub(super) dag: Dag,
    /// The session that reviews the plan, if one would.
    review: Option<SessionPreview>,
    epics: Vec<EpicPreview>,
}

/// One epic of a run that may be.
#[derive(Debug, Serialize)]
struct EpicPreview {
    epic: EpicId,
    title: String,
    wave: usize,
    depends_on: Vec<EpicId>,
    sessions: Vec<SessionPreview>,
}

/// The sessions of one role.
#[derive(Debug, Serialize)]
struct SessionPreview {
    role: RoleRef,
    /// Where the role was found, or made.
    tier: Option<String>,
    agent: Option<String>,
    model: Option<String>,
    timeout_seconds: Option<u64>,
    max_retries: Option<u32>,
    /// Bytes of the first prompt, without what other epics will have left by then; unknown for the
    /// review of a plan.
    prompt_bytes: Option<usize>,
    /// Why no session can be started.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

/// Resolves every session of the plan without starting any; with `reviewed` that of its review too.
pub(super) fn of(
    project: &Project,
    settings: &Settings,
    plan: &Plan,
    reviewed: bool,
) -> anyhow::Result<Preview> {
    let resolver = Resolver::new(project, settings)?;
    let id = PlanId::for_title(plan.title.as_deref().unwrap_or("plan"), 0);
    let review = reviewed.then(|| resolver.review()).transpose()?;
    let options = BuildOptions {
        plan_review: reviewed,
        plan_review_roles: review.iter().map(|review| review.role.clone()).collect(),
        default_timeout_seconds: settings.config.timeout_seconds,
        ..BuildOptions::new(id, plans::sha256(b""), project.store().now())
    };
    let dag = dag::build(plan, &options).exit(Exit::Usage)?;
    let casting = Casting {
        registry: &resolver.places.registry.1,
        review_restart: settings.config.review_restart,
        // Who decides about a stuck room takes no part in a smooth run.
        triage: TriageMode::Person,
        max_retries: settings.config.max_retries,
        max_triages: settings.config.max_triages,
    };
    let preview = |epic: &Epic| {
        let roles = roles(epic, &casting)?;
        Ok(EpicPreview {
            epic: epic.id.clone(),
            title: epic.title.clone(),
            wave: dag.node(&epic.id).map_or(0, |node| node.wave),
            depends_on: epic.depends_on.clone(),
            sessions: roles.iter().map(|role| resolver.session(Some(plan), epic, role)).collect(),
        })
    };
    let epics = dag.waves.iter().flatten().filter_map(|id| plan.epic(id));
    let epics = epics.map(preview).collect::<anyhow::Result<Vec<_>>>()?;
    Ok(Preview { dag, review, epics })
}

/// Refuses the review of a plan whose session could not be started, before anything is written.
pub(super) fn refuse_without_reviewer(
    project: &Project,
    settings: &Settings,
) -> anyhow::Result<()> {
    refuse_unready(&[&Resolver::new(project, settings)?.review()?])
}

/// Whether a run of the plan would begin with a session that reviews it.
pub(super) fn is_review_due(wanted: &Wanted, new: bool) -> anyhow::Result<bool> {
    let rule = wanted.settings.config.plan_review;
    if rule == PlanReview::Off {
        return Ok(false);
    }
    let Some(known) = known(wanted, new)? else { return Ok(true) };
    // What cannot be learned here is said when the plan is taken.
    let gate = plan_review::gate(&wanted.project, &known, rule);
    Ok(matches!(gate, Ok(Gate::Closed(closed)) if !closed.awaits_approval()))
}

/// Whether an earlier review has written epics that a run would go by.
pub(super) fn has_approved_epics(wanted: &Wanted, new: bool) -> anyhow::Result<bool> {
    let Some(known) = known(wanted, new)? else { return Ok(false) };
    let gate = plan_review::gate(&wanted.project, &known, wanted.settings.config.plan_review);
    Ok(matches!(gate, Ok(Gate::Open(text))
        if !plan::parse_bytes(&text.bytes, &ParseOptions::default()).plan.epics.is_empty()))
}

/// The plan that this very text was imported as.
fn known(wanted: &Wanted, new: bool) -> anyhow::Result<Option<StoredPlan>> {
    let Wanted { project, text, stored, .. } = wanted;
    let known = match stored {
        _ if new => None,
        Some(stored) => Some(stored.clone()),
        None => plans::find_by_source(project, &source_path(Path::new(&text.name))?)?,
    };
    Ok(known.filter(|plan| plan.meta.source_sha256 == plans::sha256(&text.bytes)))
}

/// Resolves sessions as the engine will.
struct Resolver<'a> {
    project: &'a Project,
    settings: &'a Settings,
    places: RolePlaces,
    host: Host,
    /// What names the settings' file in errors.
    place: String,
}

impl<'a> Resolver<'a> {
    fn new(project: &'a Project, settings: &'a Settings) -> anyhow::Result<Self> {
        let home = env::home();
        let places = RolePlaces::of(project.layout(), None, home.as_deref()).exit(Exit::Usage)?;
        let place = project.layout().config().display().to_string();
        Ok(Self { project, settings, places, host: Host::of_this_process(), place })
    }

    /// The session that would review the plan.
    fn review(&self) -> anyhow::Result<SessionPreview> {
        let reviewer = match &self.places.registry.1.assignment_rules.design_role {
            Some(role) => RoleRef::from(role.clone()),
            None => RoleRef::new("architect")?,
        };
        let review = Epic::new(EpicId::plan_review(), Entry::Task);
        Ok(self.session(None, &review, &reviewer))
    }

    /// One session; the length of its prompt is only known with the plan that it works for.
    fn session(&self, plan: Option<&Plan>, epic: &Epic, role: &RoleRef) -> SessionPreview {
        let Self { project, settings, places, host, place } = self;
        let programs = &host.programs;
        let wanted = WantedRole {
            name: &role.role,
            capabilities: &epic.capabilities,
            description: Some(epic.description.as_str()),
        };
        let mut preview = SessionPreview {
            role: role.clone(),
            tier: None,
            agent: None,
            model: None,
            timeout_seconds: None,
            max_retries: None,
            prompt_bytes: None,
            problem: None,
        };
        let resolved = match find_role(&wanted, places, settings.config.dynamic_roles) {
            Ok(resolved) => resolved,
            Err(error) => return SessionPreview { problem: Some(error.to_string()), ..preview },
        };
        preview.tier = Some(resolved.tier.as_str().to_owned());
        let directives = directives(epic);
        let question = Question {
            role,
            resolved: &resolved,
            room: &Directives::default(),
            epic: &directives,
            contract: epic.id.as_str(),
            settings,
        };
        let mut skills = SettledSkills::default();
        match resolve(&question, programs, place) {
            Ok(settled) => {
                let asked = SkillQuestion {
                    layout: project.layout(),
                    room: None,
                    epic: Some((&epic.skill_refs, epic.id.as_str())),
                    role,
                    resolved: &resolved,
                    settings,
                    filter: &settled.server_filter(),
                    host,
                };
                match settle_skills(&asked) {
                    Ok(settled) => skills = settled,
                    Err(error) => preview.problem = Some(error.to_string()),
                }
                let program = settled.agent_spec.command.first();
                if let Some(program) = program.filter(|program| programs.find(program).is_none()) {
                    let (agent, program) = (settled.agent.value.clone(), program.clone());
                    let missing = ResolveError::NoProgram { agent, program };
                    preview.problem = Some(missing.to_string());
                }
                preview.agent = Some(settled.agent.value);
                preview.model = settled.model.value;
                preview.timeout_seconds = Some(settled.timeout_seconds.value);
                preview.max_retries = Some(settled.max_retries.value);
            }
            Err(error) => preview.problem = Some(error.to_string()),
        }
        preview.prompt_bytes =
            plan.map(|plan| prompt::bytes(project, plan, epic, &resolved, role, &skills.given));
        preview
    }
}

/// The roles that take part in an epic, the one that works first.
fn roles(epic: &Epic, casting: &Casting<'_>) -> anyhow::Result<Vec<RoleRef>> {
    let cast = plan::cast(epic, casting).exit(Exit::Usage);
    Ok(cast.hint(format!("`ostwin plan check` shows where in {}", epic.id))?.roles)
}

fn directives(epic: &Epic) -> Directives {
    Directives {
        agent: epic.agent.clone(),
        model: epic.model.clone(),
        timeout_seconds: epic.timeout,
        max_retries: epic.max_retries,
        retry_delay_seconds: epic.retry_delay,
        no_mcp: epic.no_mcp,
        budget_tokens: epic.budget_tokens,
        budget_usd: epic.budget_usd,
    }
}

impl Preview {
    /// Refuses a plan of which some session could not be started, before anything is written.
    pub(super) fn refuse_if_unready(&self) -> anyhow::Result<()> {
        refuse_unready(&self.sessions().collect::<Vec<_>>())
    }

    /// The review of the plan, and every kind of session once for each epic.
    fn sessions(&self) -> impl Iterator<Item = &SessionPreview> {
        self.review.iter().chain(self.epics.iter().flat_map(|epic| &epic.sessions))
    }
}

fn refuse_unready(sessions: &[&SessionPreview]) -> anyhow::Result<()> {
    let mut problems: Vec<&str> = Vec::new();
    for problem in sessions.iter().filter_map(|session| session.problem.as_deref()) {
        if !problems.contains(&problem) {
            problems.push(problem);
        }
    }
    // The same advice for every role says no more than for one.
    let named: Vec<&str> = problems.iter().copied().take(3).collect();
    if named.is_empty() {
        return Ok(());
    }
    let missing_program = problems.iter().all(|problem| problem.contains("neither on PATH"));
    let exit = if missing_program { Exit::Environment } else { Exit::Usage };
    let failure = Failure::new(exit, named.join("\n"));
    let lacks_agent = missing_program || sessions.iter().any(|session| session.agent.is_none());
    if lacks_agent {
        let hint = format!("`--agent {REHEARSAL}` plays the plan without a model");
        return Err(failure.hint(hint).into());
    }
    Err(failure.into())
}

/// Prints what would happen.
pub(super) fn show(context: &Context, wanted: &Wanted, preview: &Preview) -> anyhow::Result<Exit> {
    let forecast = forecast::of(&wanted.project, preview)?;
    let known = wanted.stored.as_ref().map(|plan| &plan.meta.plan_id);
    if context.out.json {
        context.out.json(&serde_json::json!({
            "plan": {"title": wanted.text.parsed.plan.title, "plan_id": known},
            "waves": preview.dag.waves,
            "critical_path": preview.dag.critical_path,
            "max_concurrent_rooms": wanted.settings.config.max_concurrent_rooms,
            "review": preview.review,
            "epics": preview.epics,
            "forecast": forecast,
        }))?;
    } else {
        context.out.lines(&lines::of(wanted, preview, forecast))?;
    }
    let ready = preview.sessions().all(|session| session.problem.is_none());
    Ok(if ready { Exit::Ok } else { Exit::Usage })
}
