//! How long the first prompt of a session would be, before there is a room to read.

use ostwin_core::ids::{AttemptId, PlanId, RoleRef, RoomId, SignalName, StateName};
use ostwin_core::lifecycle::StateKind;
use ostwin_core::plan::{Epic, Plan};
use ostwin_core::project::Project;
use ostwin_core::room::{self, Contract, Goal};
use ostwin_core::time::Timestamp;
use ostwin_runner::prompt::{
    Criterion, DEFAULT_BUDGET, MEMORY_TOOLS, PromptInput, SKILLS_TOOLS, SignalChoice, Standing,
    Text, ToolLine, WARROOM_TOOLS, build, skill_lines,
};
use ostwin_runner::roles::ResolvedRole;
use ostwin_skills::resolve::ResolvedSkill;

/// Bytes of the prompt that `role` would get for `epic`; 0 if it cannot be built.
pub(super) fn bytes(
    project: &Project,
    plan: &Plan,
    epic: &Epic,
    resolved: &ResolvedRole,
    role: &RoleRef,
    skills: &[ResolvedSkill],
) -> usize {
    let input = input(project, plan, epic, resolved, role, skills);
    let prompt = input.and_then(|input| build(&input, DEFAULT_BUDGET).ok());
    prompt.map_or(0, |prompt| prompt.text.len())
}

fn input(
    project: &Project,
    plan: &Plan,
    epic: &Epic,
    resolved: &ResolvedRole,
    role: &RoleRef,
    skills: &[ResolvedSkill],
) -> Option<PromptInput> {
    let id = PlanId::for_title(plan.title.as_deref().unwrap_or("plan"), 0);
    let root = project.layout().root().to_owned();
    let roles = std::slice::from_ref(role);
    let then = Timestamp::from_millis(0);
    let contract = Contract::of_epic(epic, &id, RoomId::numbered(1), roles, root, then)?;
    let works = epic.roles.first().is_none_or(|first| first == role);
    let (state, state_kind, signals) = if works {
        ("developing", StateKind::Work, &["done", "escalate", "error"][..])
    } else {
        ("review", StateKind::Review, &["pass", "fail", "escalate", "error"][..])
    };
    let signals = signals.iter().filter_map(|name| {
        Some(SignalChoice { name: SignalName::new(name).ok()?, targets: Vec::new() })
    });
    let tools = [("warroom", WARROOM_TOOLS), ("memory", MEMORY_TOOLS), ("skills", SKILLS_TOOLS)];
    let tools = tools.into_iter().filter(|(server, _)| *server != "skills" || !skills.is_empty());
    let tools = tools.flat_map(|(server, tools)| {
        tools.iter().map(move |(name, purpose)| ToolLine {
            server: server.to_owned(),
            name: (*name).to_owned(),
            purpose: (*purpose).to_owned(),
        })
    });
    Some(PromptInput {
        standing: Standing {
            room: contract.room_id.clone(),
            reference: epic.id.to_string(),
            title: epic.title.clone(),
            plan: Some(id),
            plan_title: plan.title.clone(),
            role: role.clone(),
            state: StateName::new(state).ok()?,
            state_kind,
            attempt: AttemptId::generate(then, 0),
            attempt_number: 1,
            deadline: Some(then),
            working_dir: contract.working_dir.display().to_string(),
        },
        identity: Text::new(resolved.prompt.clone(), resolved.prompt_file.display().to_string()),
        brief: Some(Text::new(room::brief(epic, &contract), "brief.md")),
        definition_of_done: criteria(&contract.goals.definition_of_done),
        acceptance_criteria: criteria(&contract.goals.acceptance_criteria),
        quality_requirements: criteria(&contract.goals.quality_requirements),
        plan_sha256: None,
        criteria_source: "config.json".to_owned(),
        plan_goal: plan.goal.as_ref().map(|goal| Text::new(goal.clone(), "PLAN.md")),
        digest: None,
        message: None,
        findings: None,
        interrupted: None,
        channel: None,
        answers: None,
        skills: skill_lines(skills),
        skills_dir: String::new(),
        last_line: false,
        tools: tools.collect(),
        other_servers: Vec::new(),
        signals: signals.collect(),
    })
}

fn criteria(goals: &[Goal]) -> Vec<Criterion> {
    goals.iter().map(|goal| Criterion { id: goal.id.clone(), text: goal.text.clone() }).collect()
}
