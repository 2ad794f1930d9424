//! Roles that nobody wrote: a fixed template, filled with what is known.

use std::fmt::Write as _;
use std::path::PathBuf;

use ostwin_core::fs;
use ostwin_core::ids::RoleName;
use ostwin_core::json::Extra;
use ostwin_core::layout::{Layout, RolePaths};
use ostwin_core::lock;
use ostwin_core::registry::RegistryRole;
use ostwin_core::roles::RoleSpec;
use ostwin_core::store::Store;

use super::discover::{Wanted, read_registry};
use super::error::RoleError;

/// Longest description that becomes part of a made role, in characters.
const MAX_DESCRIPTION_CHARS: usize = 400;

/// What [`create_dynamic_role`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Created {
    /// The role was written into this folder and registered.
    New(PathBuf),
    /// The project has a role of this name in this folder; nothing was changed.
    Kept(PathBuf),
}

/// The settings and the prompt of a role that is known by its name, and perhaps by what it should
/// be able to do. The same input always gives the same role.
pub fn role_template(wanted: &Wanted<'_>) -> (RoleSpec, String) {
    let title = title_of(wanted.name);
    let description = wanted.description.map(one_line).filter(|text| !text.is_empty());
    let spec = RoleSpec {
        name: Some(wanted.name.clone()),
        display_name: Some(title.clone()),
        description: Some(
            description.clone().unwrap_or_else(|| format!("Does the work of a {title}.")),
        ),
        capabilities: wanted.capabilities.to_vec(),
        ..RoleSpec::default()
    };
    let mut prompt = format!("# {title}\n\nYou are the {title} of a team that carries out a plan.");
    if let Some(description) = description {
        let _ = write!(prompt, " What you are here for: {description}");
    }
    if !wanted.capabilities.is_empty() {
        let _ =
            write!(prompt, "\n\nThe team counts on you for: {}.", wanted.capabilities.join(", "));
    }
    prompt.push_str(TEMPLATE);
    (spec, prompt)
}

/// The part of a made role's prompt that is the same for all.
const TEMPLATE: &str = "

## How you work

1. Read the brief and every criterion. For each, decide what you would have to see to believe that
   it is met.
2. Read what others left for this task, and ask the shared memory before you decide something that
   others depend on.
3. Look at what is there before you change it. Do the smallest thing that meets the whole contract,
   the way this project does such things.
4. Check each criterion by running something, and keep the command and its decisive line.
5. Publish what later work needs to know: decisions, interfaces, traps. One fact each.

## When you are stuck

Choose where both ways are cheap to change later, and say so. Ask a person where they are not.
Escalate where the task contradicts itself or the rest of the plan, with the smallest decision that
would resolve it.

## Never

- Never claim what you did not see.
- Never weaken a test or a criterion to meet it.
- Never judge your own work in the name of somebody else.
";

fn title_of(name: &RoleName) -> String {
    let words: Vec<&str> =
        name.as_str().split(['-', '_', '.']).filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

fn one_line(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(MAX_DESCRIPTION_CHARS) {
        None => text,
        Some((end, _)) => format!("{} ...", text.get(..end).unwrap_or_default().trim_end()),
    }
}

/// Writes a made role into the project's folder of roles and registers it, so that the next
/// session finds it there and a person can edit it. A role that the project has already is left
/// alone, and of several callers at once one writes.
///
/// # Errors
/// The registry cannot be read or is locked by somebody else for too long, or a file cannot be
/// written.
pub fn create_dynamic_role(
    layout: &Layout,
    store: &Store,
    spec: &RoleSpec,
    prompt: &str,
    name: &RoleName,
) -> Result<Created, RoleError> {
    let paths = RolePaths::new(&layout.roles(), name);
    lock::exclusive(&layout.registry_lock(), store.lock_timeout, || {
        if paths.settings().exists() {
            return Ok(Created::Kept(paths.dir().to_owned()));
        }
        let (_, mut registry) = read_registry(&layout.registry())?;
        fs::create_dirs(paths.dir())?;
        fs::replace_record(&paths.file(&spec.prompt_file), prompt.as_bytes(), store.durability)?;
        if registry.role(name).is_none() {
            registry.roles.push(RegistryRole {
                name: name.clone(),
                description: spec.description.clone().unwrap_or_default(),
                path: None,
                capabilities: spec.capabilities.clone(),
                default_model: None,
                supported_task_types: Vec::new(),
                default_assignment: false,
                extra: Extra::new(),
            });
            fs::replace_json(&layout.registry(), &registry, store.durability)?;
        }
        // Last, because its presence makes the folder a role.
        fs::replace_json(&paths.settings(), spec, store.durability)?;
        Ok(Created::New(paths.dir().to_owned()))
    })?
}
