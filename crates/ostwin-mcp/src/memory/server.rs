//! The memory server's state and its list of tools.

use ostwin_core::ids::{PlanId, RoleRef, RoomId};
use ostwin_core::ledger::Ledger;
use ostwin_core::store::Store;

use super::catalogue::Shared;
use super::{context, publish, query, search};
use crate::binding::Binding;
use crate::error::ToolError;
use crate::server::{About, Server};
use crate::tool::{Effect, Tool};

/// What the server says of itself.
pub const ABOUT: About = About {
    name: "memory",
    title: "OSTwin shared memory",
    instructions: "The shared memory of all rooms of this project. Before you start, ask \
        get_context or search for what others decided, defined or warned of. When you decide, \
        define or find out something that another room could need, publish it at once.",
};

/// What the tools work on.
#[derive(Debug)]
pub struct Memory {
    binding: Binding,
    ledger: Ledger,
    catalogue: Shared,
}

impl Memory {
    /// The memory of the project that `binding` names.
    pub fn new(binding: Binding) -> Self {
        let ledger = Ledger::new(binding.project.layout().ledger());
        let catalogue = Shared::new(&binding.project, &binding.settings.memory);
        Self { binding, ledger, catalogue }
    }

    pub(super) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    pub(super) fn catalogue(&self) -> &Shared {
        &self.catalogue
    }

    pub(super) fn store(&self) -> &Store {
        self.binding.project.store()
    }

    pub(super) fn author(&self) -> RoleRef {
        self.binding.speaker.clone()
    }

    /// The room and the plan that a new memory comes from; none for a person.
    pub(super) fn origin(&self) -> Result<(Option<RoomId>, Option<PlanId>), ToolError> {
        let Some(session) = &self.binding.session else { return Ok((None, None)) };
        let plan = match &session.plan {
            Some(plan) => plan.clone(),
            None => session.room.contract()?.plan_id,
        };
        Ok((Some(session.room.id().clone()), Some(plan)))
    }

    /// The room whose memories are not shown: the session's own, which it knows already, unless
    /// they are asked for.
    pub(super) fn hidden_room(
        &self,
        include_own: bool,
        asked_for: Option<&RoomId>,
    ) -> Option<RoomId> {
        self.binding.own_room().filter(|own| !include_own && asked_for != Some(own)).cloned()
    }
}

/// The server for whom `binding` names.
pub fn server(binding: &Binding) -> Server<Memory> {
    Server::new(ABOUT, binding, Memory::new(binding.clone()), tools())
}

/// Every tool of the server.
pub fn tools() -> Vec<Tool<Memory>> {
    vec![
        Tool::new(
            "publish",
            "Publish a memory",
            Effect::Adds,
            "Publish something to the project's shared memory so that other rooms and later \
             sessions know it: a decision and its reason, an interface, a convention, a warning, \
             a delivered artifact, a piece of code. It cannot be changed afterwards; publish a \
             new one with `supersedes` instead.",
            publish::publish,
        ),
        Tool::new(
            "search",
            "Search the memories",
            Effect::Reads,
            "Search the project's shared memory for what other rooms know about something, by its \
             words and by its meaning, best match first. Fresh memories count more than old ones.",
            search::search,
        ),
        Tool::new(
            "get_context",
            "Get context for a task",
            Effect::Reads,
            "Get a digest of the shared memory for your task: what other rooms decided, defined, \
             delivered or warned of, as Markdown grouped by kind. Call it once when you start.",
            context::get_context,
        ),
        Tool::new(
            "query",
            "Filter the memories",
            Effect::Reads,
            "List the project's memories in full by kind, tag, room, role or reference, newest \
             first. Use `search` instead to find something by its words.",
            query::query,
        ),
        Tool::new(
            "list_memories",
            "List the memories",
            Effect::Reads,
            "List the headlines of the project's memories, newest first: a table of contents. Use \
             `query` to read them in full.",
            query::list,
        ),
    ]
}
