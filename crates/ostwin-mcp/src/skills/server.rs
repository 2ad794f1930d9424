//! The skills server's state and its list of tools.

use std::path::PathBuf;

use ostwin_core::env;

use super::desk::Desk;
use super::{extension, install, list, load, search};
use crate::binding::Binding;
use crate::offer::Offer;
use crate::server::{About, Server};
use crate::tool::{Arguments, Effect, Tool};

/// What the server says of itself.
pub const ABOUT: About = About {
    name: "skills",
    title: "OSTwin skills",
    instructions: "Skills are short guides to one kind of work. When one of those that your task \
        names or that search_skills finds fits what you are about to do, read it whole with \
        load_skill before you begin, and follow it.",
};

/// What the tools work on.
#[derive(Debug)]
pub struct Skills {
    pub(super) binding: Binding,
    pub(super) home: Option<PathBuf>,
}

impl Skills {
    /// The skills of the project that `binding` names, and of the user whose home this is.
    pub fn new(binding: Binding, home: Option<PathBuf>) -> Self {
        Self { binding, home }
    }
}

/// The server for whom `binding` names.
pub fn server(binding: &Binding) -> Server<Skills> {
    let tools = tools(binding.session.is_some());
    let offer = Offer { library: Some(extension::library()), ..Offer::from(tools) };
    Server::new(ABOUT, binding, Skills::new(binding.clone(), env::home()), offer)
}

/// Every tool of the server, for a session or for a person's client, which may ask for any role.
pub fn tools(is_session: bool) -> Vec<Tool<Skills>> {
    let reading = |tool: Tool<Desk>| match is_session {
        true => tool.reached(unchanged, Desk::of_session),
        false => tool.reached(Desk::with_role, Desk::of_person),
    };
    let mut tools: Vec<Tool<Skills>> = reading_tools().into_iter().map(reading).collect();
    let install = Tool::new(
        "install_skill",
        "Install a skill",
        Effect::Replaces,
        "Install a skill into the project from a folder, an archive, a Git repository or the \
         index, whole or not at all. Look first with `dry_run`. A session may do it only if the \
         project lets its role.",
        install::install_skill,
    );
    tools.push(install.reaching_out().reached(unchanged, Desk::of_session));
    tools
}

fn unchanged(_: &mut Arguments) {}

fn reading_tools() -> Vec<Tool<Desk>> {
    vec![
        Tool::new(
            "search_skills",
            "Search the skills",
            Effect::Reads,
            "Search for skills by words, best match first: those that you can load at once, and, \
             with `source`, those that an index offers to be installed.",
            search::search_skills,
        )
        .reaching_out(),
        Tool::new(
            "load_skill",
            "Load a skill",
            Effect::Reads,
            "Read a skill: what to do, as Markdown, and the list of its further files. Read it \
             before you begin the work that it is about.",
            load::load_skill,
        ),
        Tool::new(
            "read_skill_file",
            "Read a file of a skill",
            Effect::Reads,
            "Read a text file of a skill that load_skill listed, in parts if it is long.",
            load::read_skill_file,
        ),
        Tool::new(
            "list_installed",
            "List the skills",
            Effect::Reads,
            "List every skill that is there, where it comes from, and those that are broken with \
             their problem.",
            list::list_installed,
        ),
    ]
}
