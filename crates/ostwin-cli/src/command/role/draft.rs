//! `role new --draft`: the manager role writes the prompt of a new role.
//!
//! The draft is the work of a small plan of its own, with one epic and no review: so it has a room,
//! limits, a budget and a transcript like all work, and needs no second way to run a session. What
//! the session leaves as an artifact becomes the prompt if it can be one.

use ostwin_core::artifacts::Artifacts;
use ostwin_core::config::{Layer, REHEARSAL, Settings};
use ostwin_core::ids::{ArtifactPath, RoleName};
use ostwin_core::plan::{self, ParseOptions};
use ostwin_core::plans::{self, StoredPlan};
use ostwin_core::project::Project;
use ostwin_core::room;
use ostwin_core::yaml::front_matter;
use ostwin_engine::Scope;
use ostwin_runner::roles::Wanted;
use ostwin_service::{Exit, Explain, Failure};

use super::super::{drive, review};
use crate::args::RoleNewArgs;
use crate::context::{Context, configured};
use crate::out::remark;
use crate::view::text;

/// Where the session leaves the draft, below the room's `artifacts/`.
const DRAFT: &str = "ROLE.md";
/// Longest prompt that is taken, in bytes.
const MAX_BYTES: usize = 64 << 10;
/// Who drafts where the registry names nobody who decides.
const DRAFTER: &str = "manager";

/// The drafted prompt; else the exit code, if the session wrote none.
pub(super) fn prompt(
    context: &Context,
    settings: &Settings,
    args: &RoleNewArgs,
    wanted: &Wanted<'_>,
) -> anyhow::Result<Result<String, Exit>> {
    let layout = context.base.layout()?;
    let drafter = super::places(&configured(layout.clone(), settings)?)?
        .registry
        .1
        .assignment_rules
        .orchestration_role
        .map_or_else(|| DRAFTER.to_owned(), |role| role.to_string());
    let settings = context.settings(Some(&layout), vec![flags(args)?])?;
    let project = configured(layout, &settings)?;
    let text = plan_of(wanted, &drafter);
    let parsed = plan::parse(&text, &ParseOptions::default());
    if let Some(error) = parsed.diagnostics.iter().find(|diagnostic| diagnostic.is_error()) {
        let text = format!("the description cannot be part of a plan: {}", error.message);
        return Err(Failure::new(Exit::Usage, text).hint("say it in one plain sentence").into());
    }
    let rehearsed = settings.config.default_agent.as_deref() == Some(REHEARSAL);
    let source = project.layout().plans().join(format!("role-{}", wanted.name));
    let title = format!("Draft the role {}", wanted.name);
    let plan = plans::import(&project, &source, text.as_bytes(), &title, rehearsed)?;
    let drafted = match drive::drive(context, &project, &plan, settings, false, Scope::Plan) {
        Ok(Exit::Ok) => read(&project, &plan, wanted.name),
        Ok(exit) => {
            remark(&format!("the role `{}` was not drafted, and nothing was made", wanted.name));
            review::forget_draft(&project, &plan)?;
            return Ok(Err(exit));
        }
        Err(error) => Err(error),
    };
    if drafted.is_err() {
        review::forget_draft(&project, &plan)?;
    }
    drafted.map(Ok)
}

fn flags(args: &RoleNewArgs) -> anyhow::Result<Layer> {
    let flags = [
        ("--agent", "default_agent", args.agent.as_deref()),
        ("--model", "default_model", args.model.as_deref()),
        ("--draft", "plan_review", Some("off")),
    ];
    let mut layer = Layer::default();
    for (flag, key, value) in flags {
        let Some(value) = value else { continue };
        layer = layer.with_flag(flag, key, value).map_err(|errors| {
            let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
            Failure::new(Exit::Usage, lines.join("\n"))
        })?;
    }
    Ok(layer)
}

/// The plan by which a role is drafted.
fn plan_of(wanted: &Wanted<'_>, drafter: &str) -> String {
    let name = wanted.name;
    let description = wanted.description.unwrap_or_default();
    let description = description.split_whitespace().collect::<Vec<_>>().join(" ");
    let capabilities = match wanted.capabilities {
        [] => String::new(),
        known => format!(" The team counts on it for: {}.", known.join(", ")),
    };
    format!(
        "# Plan: Draft the role {name}\n\n\
         ## EPIC-001: The prompt of the role {name}\n\n\
         - Roles: {drafter}\n\
         - skip_review: true\n\
         - Objective: the artifact `{DRAFT}` is the identity prompt of a new role `{name}`. \
         What the role is for: {description}.{capabilities}\n\n\
         It is Markdown, addressed to the agent that will have the role, and begins with a heading. \
         It says what the role is responsible for, how it works, what its results look like, when \
         it asks a person or escalates, and what it never does. It fits this project, and says \
         nothing about tools or messages: every session is told about those. Below two pages.\n\n\
         ### Acceptance Criteria\n\n\
         - [ ] The artifact `{DRAFT}` is there and begins with a heading\n\
         - [ ] It says what the role is responsible for, how it works, and what it never does\n"
    )
}

fn read(project: &Project, plan: &StoredPlan, name: &RoleName) -> anyhow::Result<String> {
    let path = ArtifactPath::new(DRAFT)?;
    let rooms = room::of_plan(project, &plan.meta.plan_id)?;
    let Some((room, _)) = rooms.first() else {
        return Err(Failure::new(Exit::NotPassed, "the draft has no room any more").into());
    };
    let part = Artifacts::new(room.paths().artifacts())
        .read(&path, 0, MAX_BYTES + 1)
        .exit(Exit::NotPassed)
        .hint(format!("`ostwin attempt show {}` shows what the session did instead", room.id()))?;
    let prompt = usable(part.bytes).map_err(|problem| {
        Failure::new(Exit::NotPassed, format!("the draft of the role `{name}` {problem}"))
            .hint(format!("it is in `{}`", room.paths().artifacts().display()))
    })?;
    remark(&format!(
        "how it was drafted: `ostwin attempt show {}`",
        text::one_line(room.id().as_str())
    ));
    Ok(prompt)
}

/// The draft as a prompt, or what is wrong with it.
fn usable(bytes: Vec<u8>) -> Result<String, String> {
    if bytes.len() > MAX_BYTES {
        return Err(format!("is longer than {MAX_BYTES} bytes"));
    }
    let Ok(text) = String::from_utf8(bytes) else { return Err("is no UTF-8 text".to_owned()) };
    let body = front_matter(&text).map_or(text.as_str(), |parts| parts.body).trim();
    if body.is_empty() {
        return Err("is empty".to_owned());
    }
    if !body.lines().any(|line| line.starts_with('#')) {
        return Err("has no heading".to_owned());
    }
    Ok(format!("{body}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plan_of_a_draft_is_sound() {
        let name = "map-maker".parse().unwrap();
        let capabilities = ["cartography".to_owned()];
        let description = Some("Draws the\n# maps");
        let wanted = Wanted { name: &name, capabilities: &capabilities, description };
        let parsed = plan::parse(&plan_of(&wanted, "manager"), &ParseOptions::default());
        assert!(!parsed.has_errors(), "{:?}", parsed.diagnostics);
        let [epic] = parsed.plan.epics.as_slice() else { panic!("one epic") };
        assert_eq!(epic.roles.iter().map(ToString::to_string).collect::<Vec<_>>(), ["manager"]);
        assert!(epic.objective.as_deref().unwrap().contains("Draws the # maps."));
    }

    #[test]
    fn a_draft_that_cannot_be_a_prompt_is_refused() {
        let read = |text: &str| usable(text.as_bytes().to_vec());
        assert_eq!(
            read("---\nname: x\n---\n# A\n\nYou are A.\n\n"),
            Ok("# A\n\nYou are A.\n".to_owned())
        );
        assert_eq!(read(" \n"), Err("is empty".to_owned()));
        assert_eq!(read("You are A."), Err("has no heading".to_owned()));
        assert_eq!(usable(vec![0xff]), Err("is no UTF-8 text".to_owned()));
        assert!(usable(vec![b'#'; MAX_BYTES + 1]).is_err());
    }
}
