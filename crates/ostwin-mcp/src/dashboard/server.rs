//! What the dashboard server offers.

use super::{graph, lists, plan, room, stats};
use crate::binding::Binding;
use crate::offer::Offer;
use crate::server::{About, Server};
use crate::subject::demand_room;
use crate::tool::{Effect, Tool};

/// What the server says of itself.
pub const ABOUT: About = About {
    name: "dashboard",
    title: "OSTwin dashboard",
    instructions: "How the project's plans and rooms stand: epics and their states, who works, \
        what waits for a person, what was tried, what it cost. It only reads. Begin with \
        get_plan_status; get_room_state tells one room's story, aggregate_stats sums up.",
};

/// The server for whom `binding` names.
pub fn server(binding: &Binding) -> Server<Binding> {
    let is_session = binding.session.is_some();
    let offer = Offer {
        tools: tools(is_session),
        resources: vec![graph::resource(is_session)],
        prompts: Vec::new(),
        library: None,
    };
    Server::new(ABOUT, binding, binding.clone(), offer)
}

/// Every tool of the server, for a session or for a person's client, which has no room of its own.
pub fn tools(is_session: bool) -> Vec<Tool<Binding>> {
    let room_state = Tool::new(
        "get_room_state",
        "Get the state of a room",
        Effect::Reads,
        "Get how one room stands: its state and the signals that may come next, its attempts and \
         how they ended, its last transitions and, if asked for, its last messages. A session \
         that names no room gets its own.",
        room::get_room_state,
    );
    vec![
        Tool::new(
            "get_plan_status",
            "Get the status of a plan",
            Effect::Reads,
            "Get how a plan stands: progress, counts, and every epic with its room, state, role, \
             last message, and the reason where it failed or waits. Without `plan_id` a session \
             gets its own plan, everybody else the one that runs, else the newest.",
            plan::get_plan_status,
        ),
        if is_session { room_state } else { room_state.extended(demand_room) },
        Tool::new(
            "aggregate_stats",
            "Get the figures",
            Effect::Reads,
            "Get the figures of the project or of one plan: plans and rooms by state, completion, \
             what waits for a person; and of the last days attempts and their outcomes, tokens, \
             cost, time per state, messages and memories by kind.",
            stats::aggregate_stats,
        ),
        Tool::new(
            "list_plans",
            "List the plans",
            Effect::Reads,
            "List the project's plans, the newest first, each with its state and progress.",
            lists::list_plans,
        ),
        Tool::new(
            "list_rooms",
            "List the rooms",
            Effect::Reads,
            "List the project's rooms by number, each with its epic, state and progress; all, or \
             those of one plan or in one state.",
            lists::list_rooms,
        ),
    ]
}
