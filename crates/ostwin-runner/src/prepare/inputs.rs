//! Reading what a prompt is made from.

use ostwin_core::fs;
use ostwin_core::lifecycle::{Machine, StateKind};
use ostwin_core::room::Goal;

use super::brief::brief_text;
use super::error::PrepareError;
use super::session::{AttemptFacts, Occasion, PlanFacts, Settled};
use super::{answers, digest, interrupted, messages};
use crate::mcp::{OWN, SessionServers};
use crate::prompt::{
    Criterion, INSTALL_TOOL, OWN_TOOLS, PromptInput, SignalChoice, Standing, Text, ToolLine,
    skill_lines,
};

/// Largest file of Markdown that is read, in bytes.
const MAX_TEXT_BYTES: u64 = 4 << 20;

/// Everything that the prompt of one session is made from.
pub(super) fn gather(
    occasion: &Occasion<'_>,
    settled: &Settled,
    attempt: &AttemptFacts,
    plan: &PlanFacts,
    servers: &SessionServers,
) -> Result<PromptInput, PrepareError> {
    let Occasion { room, contract, .. } = *occasion;
    let memory = &occasion.settings.config.memory;
    let machine = room.machine()?;
    let kind = machine.kind(&attempt.state).unwrap_or(StateKind::Work);
    let channel = room.channel();
    let message = messages::latest_for(&channel, kind, &attempt.role)?;
    let earlier = interrupted::earlier_attempt(room, attempt)?;
    let paths = room.paths();
    let tasks = fs::read_optional(&paths.tasks(), MAX_TEXT_BYTES)?.unwrap_or_default();
    let brief = brief_text(&room.brief()?, &String::from_utf8_lossy(&tasks));
    Ok(PromptInput {
        standing: Standing {
            room: room.id().clone(),
            reference: contract.task_ref.to_string(),
            title: contract.assignment.title.clone(),
            plan: Some(contract.plan_id.clone()),
            plan_title: plan.title.clone(),
            role: attempt.role.clone(),
            state: attempt.state.clone(),
            state_kind: kind,
            attempt: attempt.id.clone(),
            attempt_number: attempt.number,
            deadline: attempt.deadline,
            working_dir: occasion.working_dir().display().to_string(),
        },
        answers: answers::of_earlier(
            room,
            attempt,
            std::time::Duration::from_secs(occasion.settings.config.ask_timeout_seconds),
        )?,
        identity: Text::new(
            settled.role.prompt.clone(),
            format!("`{}`", settled.role.prompt_file.display()),
        ),
        brief: Some(Text::new(brief, format!("`{}`", paths.brief().display()))),
        definition_of_done: criteria(&contract.goals.definition_of_done),
        acceptance_criteria: criteria(&contract.goals.acceptance_criteria),
        quality_requirements: criteria(&contract.goals.quality_requirements),
        plan_sha256: contract.plan_sha256.clone(),
        criteria_source: format!("`{}`", paths.config().display()),
        plan_goal: plan.goal.clone(),
        digest: digest::gather(room, contract, memory)?,
        findings: messages::open_findings(&channel, contract, kind, message.as_ref())?,
        interrupted: earlier.as_ref().map(interrupted::told).transpose()?,
        channel: messages::excerpt(&channel, message.as_ref())?,
        message: message.as_ref().map(messages::message_text),
        skills: skill_lines(&settled.skills.given),
        skills_dir: attempt.paths.skills().display().to_string(),
        tools: tools(settled, servers),
        other_servers: other_servers(servers),
        last_line: settled.settings.answers_by_line(),
        signals: signals(&machine, attempt),
    })
}

fn criteria(goals: &[Goal]) -> Vec<Criterion> {
    goals.iter().map(|goal| Criterion { id: goal.id.clone(), text: goal.text.clone() }).collect()
}

fn signals(machine: &Machine, attempt: &AttemptFacts) -> Vec<SignalChoice> {
    let state = machine.state(&attempt.state);
    machine
        .allowed_agent_signals(&attempt.state)
        .into_iter()
        .map(|name| {
            let edges = state.and_then(|state| state.signals.get(name.as_str()));
            let mut targets: Vec<String> = edges
                .into_iter()
                .flat_map(|edges| &edges.0)
                .map(|e| e.target.to_string())
                .collect();
            targets.dedup();
            SignalChoice { name, targets }
        })
        .collect()
}

/// The tools of the own servers that the role may call.
fn tools(settled: &Settled, servers: &SessionServers) -> Vec<ToolLine> {
    let lists = settled.settings.tool_lists();
    let there = |server: &str| servers.local.iter().any(|local| local.name == server);
    OWN_TOOLS
        .into_iter()
        .filter(|(server, _)| there(server))
        .flat_map(|(server, tools)| {
            tools.iter().map(move |(name, purpose)| (server, name, purpose))
        })
        .filter(|(server, name, _)| lists.refusing(server, name).is_none())
        .filter(|(_, name, _)| settled.skills.may_install || **name != INSTALL_TOOL)
        .map(|(server, name, purpose)| ToolLine {
            server: server.to_owned(),
            name: (*name).to_owned(),
            purpose: (*purpose).to_owned(),
        })
        .collect()
}

/// The servers of others that the agent starts. Whether it can reach those of the network is not
/// known before it runs.
fn other_servers(servers: &SessionServers) -> Vec<String> {
    let local = servers.local.iter().map(|server| &server.name);
    local.filter(|name| !OWN.contains(&name.as_str())).cloned().collect()
}
