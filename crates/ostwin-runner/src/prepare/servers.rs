//! The MCP servers of a session: the tiers on disk, and the own servers' programs.

use std::path::PathBuf;

use super::error::PrepareError;
use super::session::{AttemptFacts, Host, Occasion, Settled};
use crate::mcp::{self, Binding, OwnQuestion, ServerFilter, Servers, SessionServers};

/// Whether every placeholder of the servers that a session would get has a value.
pub(super) fn check(occasion: &Occasion<'_>, settled: &Settled) -> Result<(), PrepareError> {
    let filter = settled.settings.server_filter();
    if filter.no_mcp {
        return Ok(());
    }
    let (merged, _) = on_disk(occasion)?;
    mcp::resolve(Vec::new(), &merged, &filter, &|wanted| occasion.host.value(wanted))?;
    Ok(())
}

/// The servers of one session, as its agent starts them.
pub(super) fn of_session(
    occasion: &Occasion<'_>,
    settled: &Settled,
    attempt: &AttemptFacts,
) -> Result<SessionServers, PrepareError> {
    let Occasion { room, contract, host, .. } = *occasion;
    let layout = occasion.layout();
    let filter = settled.settings.server_filter();
    if filter.no_mcp {
        return Ok(mcp::resolve(Vec::new(), &Servers::new(), &filter, &|_| None)?);
    }
    let (merged, mut warnings) = on_disk(occasion)?;
    let binding = Binding {
        project: layout.root().to_owned(),
        room: room.id().clone(),
        role: attempt.role.clone(),
        attempt: attempt.id.clone(),
        plan: Some(contract.plan_id.clone()),
        tools: settled.settings.tool_lists(),
    };
    let mut own = Vec::new();
    for name in own_names(settled, &filter) {
        match program(host, name) {
            Ok(program) => own.push(binding.server(name, &program)),
            Err(error) if mcp::is_essential(name) => return Err(error),
            Err(error) => warnings.push(format!("the session has no server `{name}`: {error}")),
        }
    }
    let mut servers = mcp::resolve(own, &merged, &filter, &|wanted| host.value(wanted))?;
    servers.warnings.splice(0..0, warnings);
    Ok(servers)
}

/// The servers of all tiers, and what is odd about them.
fn on_disk(occasion: &Occasion<'_>) -> Result<(Servers, Vec<String>), PrepareError> {
    let Occasion { room, host, .. } = *occasion;
    Ok(mcp::read_tiers(host.config_dir.as_deref(), occasion.layout(), Some(room.paths()))?)
}

fn own_names(settled: &Settled, filter: &ServerFilter) -> Vec<&'static str> {
    OwnQuestion {
        filter,
        capabilities: &settled.role.spec.capabilities,
        skills: settled.skills.may_install || !settled.skills.given.is_empty(),
    }
    .names()
}

fn program(host: &Host, name: &str) -> Result<PathBuf, PrepareError> {
    let program = mcp::own_program(name);
    host.programs.find(&program).ok_or(PrepareError::NoServer { program })
}
