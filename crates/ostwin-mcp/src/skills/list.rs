//! `list_installed`: every skill that is there, and where it comes from.

use ostwin_core::ids::{RoleRef, SkillName};
use ostwin_core::time::Timestamp;
use ostwin_skills::install::{self, Installed, State};
use ostwin_skills::tiers::{Broken, Entry, Tier};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::desk::Desk;
use crate::args::{Cursor, Whole};
use crate::bounds::fit_list;
use crate::error::ToolError;
use crate::waiting::Waiting;

/// Most broken or missing ones that one answer names.
const MAX_BROKEN: usize = 50;

/// Whose skills are listed or installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Scope {
    /// Those of this project.
    Project,
    /// Those of the user, for all projects.
    User,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ListInstalled {
    /// Only those of the project, or of the user; all of them, shipped ones too, if left out.
    #[serde(default)]
    scope: Option<Scope>,
    /// At most this many in one answer; 50 if left out.
    #[serde(default)]
    limit: Option<Whole<1, 200>>,
    /// Where to go on: `next_cursor` of the answer before.
    #[serde(default)]
    cursor: Option<Cursor>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Skill {
    /// Its name.
    name: SkillName,
    /// What it does and when to use it.
    description: String,
    /// Its version, if it says one.
    version: Option<String>,
    /// Where it lies: `room`, `role`, `project`, `user` or `shipped`.
    tier: String,
    /// The role that it is for, in the tier `role`.
    role: Option<String>,
    /// What keeps it from sessions of the role; null if nothing does. One for other roles is given
    /// if it is named.
    not_used: Option<String>,
    /// Where it was installed from; null if somebody made it here.
    installed: Option<Origin>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Origin {
    /// Where it came from.
    source: String,
    /// What the source was at that time: a commit, or the hash of an archive.
    revision: Option<String>,
    /// The SHA-256 over its files.
    sha256: String,
    /// Whether its files were changed since.
    edited: bool,
    /// When it was installed.
    installed_at: Timestamp,
    /// Who installed it.
    installed_by: RoleRef,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Problem {
    /// Its name.
    name: String,
    /// What is wrong with it.
    problem: String,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Listed {
    /// The skills, by tier and name. Of one name the first counts.
    skills: Vec<Skill>,
    /// What stands where a skill would and is none, and what was installed and is gone.
    broken: Vec<Problem>,
    /// Where to go on; null if there is no more.
    next_cursor: Option<Cursor>,
}

pub(super) fn list_installed(
    desk: &Desk,
    args: ListInstalled,
    _: &Waiting,
) -> Result<Listed, ToolError> {
    let ListInstalled { scope, limit, cursor } = args;
    let catalog = desk.catalog();
    let is_wanted = |tier: Tier| match scope {
        None => true,
        Some(Scope::User) => tier == Tier::User,
        Some(Scope::Project) => matches!(tier, Tier::Room | Tier::Role | Tier::Project),
    };
    let (recorded, mut broken) = records(desk, &is_wanted);
    let unreadable = catalog.broken.iter().filter(|broken| is_wanted(broken.tier));
    broken.extend(unreadable.map(|Broken { name, problem, .. }| Problem {
        name: name.clone(),
        problem: problem.clone(),
    }));
    broken.truncate(MAX_BROKEN);
    let skip = cursor.map_or(0, |cursor| usize::try_from(cursor.0).unwrap_or(usize::MAX));
    let limit = limit.map_or(50, Whole::count);
    let wanted: Vec<&Entry> = catalog.skills.iter().filter(|entry| is_wanted(entry.tier)).collect();
    let page = wanted.iter().skip(skip).take(limit);
    let mut skills: Vec<Skill> = page.map(|entry| view(desk, entry, &recorded)).collect();
    fit_list(&mut skills);
    let next = skip.saturating_add(skills.len());
    let next_cursor =
        (next < wanted.len()).then(|| Cursor(u64::try_from(next).unwrap_or(u64::MAX)));
    Ok(Listed { skills, broken, next_cursor })
}

/// What the lock files say, and what of it is gone or cannot be read.
fn records(desk: &Desk, is_wanted: &dyn Fn(Tier) -> bool) -> (Vec<Installed>, Vec<Problem>) {
    let shelves = [
        is_wanted(Tier::Project).then(|| desk.project_shelf(None)),
        is_wanted(Tier::User).then(|| desk.user_shelf()).flatten(),
    ];
    let mut recorded = Vec::new();
    let mut problems = Vec::new();
    for shelf in shelves.into_iter().flatten() {
        match install::installed(&shelf) {
            Ok(installed) => recorded.extend(installed),
            Err(error) => {
                let name = shelf.lock_file().display().to_string();
                problems.push(Problem { name, problem: ToolError::from(error).message });
            }
        }
    }
    let gone = recorded.iter().filter(|known| {
        let theirs = known.entry.role.is_none() || desk.role.is_none();
        let for_role = theirs || known.entry.role == desk.role;
        known.state == State::Missing && for_role
    });
    problems.extend(gone.map(|known| Problem {
        name: known.entry.name.to_string(),
        problem: format!("it was installed and `{}` is gone", known.path.display()),
    }));
    (recorded, problems)
}

fn view(desk: &Desk, entry: &Entry, recorded: &[Installed]) -> Skill {
    let path = entry.place.path();
    let installed = recorded.iter().find(|known| known.path == path).map(|known| Origin {
        source: known.entry.source.clone(),
        revision: known.entry.revision.clone(),
        sha256: known.entry.sha256.clone(),
        edited: known.state == State::Edited,
        installed_at: known.entry.installed_at,
        installed_by: known.entry.installed_by.clone(),
    });
    Skill {
        name: entry.skill.name.clone(),
        description: entry.skill.description.clone(),
        version: entry.skill.version.clone(),
        tier: entry.tier.as_str().to_owned(),
        role: entry.role.as_ref().map(ToString::to_string),
        not_used: desk.refusal(&entry.skill),
        installed,
    }
}
