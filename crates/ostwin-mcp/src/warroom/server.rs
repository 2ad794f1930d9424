//! What the war-room server offers.

use super::desk::Desk;
use super::{artifacts, ask, post, prompts, read, resources, status};
use crate::binding::Binding;
use crate::offer::Offer;
use crate::server::{About, Server};
use crate::subject::with_room;
use crate::tool::{Arguments, Effect, Tool};

/// What the server says of itself.
pub const ABOUT: About = About {
    name: "warroom",
    title: "OSTwin war-room",
    instructions: "Your place in a war-room: the room's messages, its artifacts, and the one way \
        to say that you are finished. Read the latest task first. End with exactly one signal by \
        post_message: `done` as a worker, `pass` or `fail` as a reviewer, `escalate` or `error` \
        if you cannot go on. Without it your work does not count.",
};

/// The server for whom `binding` names.
pub fn server(binding: &Binding) -> Server<Binding> {
    let is_session = binding.session.is_some();
    let offer = Offer {
        tools: tools(is_session),
        resources: resources::resources(is_session),
        prompts: prompts::prompts(is_session),
        library: None,
    };
    Server::new(ABOUT, binding, binding.clone(), offer)
}

/// Every tool of the server, for a session or for a person's client, which names the room in each
/// call.
pub fn tools(is_session: bool) -> Vec<Tool<Binding>> {
    let extend = if is_session { unchanged } else { with_room };
    at_desk().into_iter().map(|tool| tool.reached(extend, Desk::of_call)).collect()
}

fn unchanged(_: &mut Arguments) {}

fn at_desk() -> Vec<Tool<Desk>> {
    vec![
        Tool::new(
            "post_message",
            "Post a message",
            Effect::Adds,
            "Post a message to the room, above all the one that says how your work ended: `done`, \
             `pass`, `fail`, `escalate` or `error`. Such a signal is accepted once; what may not \
             be sent now is refused with a list of what may.",
            post::post_message,
        ),
        Tool::new(
            "read_messages",
            "Read the messages",
            Effect::Reads,
            "Read the room's messages: the newest ones, or those that match, or those behind a \
             number to follow what happens.",
            read::read_messages,
        ),
        Tool::new(
            "get_latest",
            "Get the latest message",
            Effect::Reads,
            "Get the latest message of one type: your task (`task`), the reviewer's findings \
             (`fix`, `fail`), what the worker delivered (`done`).",
            read::get_latest,
        ),
        Tool::new(
            "update_status",
            "Send a signal",
            Effect::Adds,
            "Send the signal that moves the room on, with a reason: the short form of \
             post_message for `done`, `fail`, `escalate` and `error`. A reviewer's `pass` needs \
             evidence and goes through post_message.",
            status::update_status,
        ),
        Tool::new(
            "report_progress",
            "Report progress",
            Effect::Sets,
            "Report how far your work is, for the people who watch. Call it whenever a step is \
             finished.",
            status::report_progress,
        ),
        Tool::new(
            "list_artifacts",
            "List the artifacts",
            Effect::Reads,
            "List the files that this room delivers, with size and time, and with their SHA-256 \
             if you ask for it.",
            artifacts::list_artifacts,
        ),
        Tool::new(
            "write_artifact",
            "Write an artifact",
            Effect::Replaces,
            "Write a file that this room delivers or that proves something: a report, a log, a \
             document. It replaces what was there under that path.",
            artifacts::write_artifact,
        ),
        Tool::new(
            "read_artifact",
            "Read an artifact",
            Effect::Reads,
            "Read a text file that this room delivers, in parts if it is long.",
            artifacts::read_artifact,
        ),
        Tool::new(
            "ask_human",
            "Ask a person",
            Effect::Adds,
            "Ask a person and wait for the answer. Use it only when a decision is not yours to \
             take and nothing in the brief, the messages or the memory settles it: people may \
             take hours.",
            ask::ask_human,
        ),
    ]
}
