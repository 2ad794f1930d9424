//! Roles, skills and tool servers of the earlier project.

use std::collections::BTreeSet;
use std::path::Path;

use ostwin_core::earlier::{self, Earlier, EarlierSkill};
use ostwin_core::ids::{RoleName, RoleRef};
use ostwin_core::layout::RolePaths;
use ostwin_core::{env, fs};
use ostwin_runner::mcp::{self, EditError, Server, TierFile, Wanted};
use ostwin_runner::roles::new_role;
use ostwin_skills::install::{
    InstallError, Installer, Outcome as Installed, Request, Shelf, Source,
};

use super::Import;
use super::report::{Item, Outcome, Report};

/// Largest file of tool servers that is read, in bytes.
const MAX_BYTES: u64 = 1 << 20;
/// Tool servers of the earlier program itself, besides those that have our own names.
const ITS_OWN: [&str; 2] = ["channel", "knowledge"];

impl Import<'_> {
    pub(super) fn pieces(&self, earlier: &Earlier, report: &mut Report) -> anyhow::Result<()> {
        // Skills for every role first, because roles name them; those of a role after it.
        let (of_roles, shared): (Vec<_>, Vec<_>) =
            earlier.skills.iter().partition(|skill| skill.role.is_some());
        let mut skills = self.skills_here();
        for skill in shared {
            let (item, name) = self.skill(skill, None)?;
            skills.extend(name);
            report.add(item);
        }
        for role in &earlier.roles {
            let own = of_roles.iter().filter(|skill| skill.role.as_ref() == Some(&role.name));
            let own = own.filter_map(|skill| skill.dir.file_name()?.to_str().map(str::to_owned));
            let usable: BTreeSet<String> = skills.iter().cloned().chain(own).collect();
            report.add(self.role(role, &usable)?);
        }
        for skill in of_roles {
            let item = match skill.role.as_deref().map(RoleName::new) {
                Some(Ok(role)) if self.role_dir(&role).is_dir() => self.skill(skill, Some(role))?.0,
                _ => Item::new("skill", self.shown(&skill.dir)).not("its role is not here"),
            };
            report.add(item);
        }
        match &earlier.mcp {
            Some(path) => self.servers(path, report),
            None => Ok(()),
        }
    }

    fn role_dir(&self, role: &RoleName) -> std::path::PathBuf {
        RolePaths::new(&self.project.layout().roles(), role).dir().to_owned()
    }

    /// The names of the skills of this project.
    fn skills_here(&self) -> BTreeSet<String> {
        let entries = std::fs::read_dir(self.project.layout().skills());
        let entries = entries.into_iter().flatten().filter_map(Result::ok);
        entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
    }

    fn role(&self, role: &earlier::EarlierRole, skills: &BTreeSet<String>) -> anyhow::Result<Item> {
        let source = role.settings.parent().unwrap_or(&role.settings);
        let mut item = Item::new("role", self.shown(source));
        let mapped = match earlier::role(role) {
            Ok(mapped) => mapped,
            Err(problem) => return Ok(item.not(problem)),
        };
        if self.role_dir(&mapped.name).exists() {
            item.note("a role of this name is here, and was left alone");
            return Ok(item.found(Outcome::There, &mapped.name));
        }
        for note in &mapped.notes {
            item.note(note.clone());
        }
        let mut spec = mapped.spec;
        // A session is not started without a skill that its role names.
        spec.skill_refs.retain(|skill| {
            let is_here = skills.contains(skill.as_str());
            if !is_here {
                item.note(format!("its skill `{skill}` is not here, and is not named any more"));
            }
            is_here
        });
        if self.dry_run {
            return Ok(item.would());
        }
        let (layout, store) = (self.project.layout(), self.project.store());
        new_role(layout, store, &mapped.name, &spec, &mapped.prompt)?;
        Ok(item.found(Outcome::Imported, &mapped.name))
    }

    /// One skill, through everything that an installation checks; with its name, if it is here.
    fn skill(
        &self,
        skill: &EarlierSkill,
        role: Option<RoleName>,
    ) -> anyhow::Result<(Item, Option<String>)> {
        let mut item = Item::new("skill", self.shown(&skill.dir));
        let shelf = Shelf::of_project(self.project.layout().clone(), role);
        let human = RoleRef::new("human")?;
        let installer = Installer {
            store: self.project.store(),
            registry: None,
            base: self.dir,
            by: &human,
            pause: &|_| true,
        };
        let source = Source::Folder { path: skill.dir.clone(), subdir: None };
        let request = Request { dry_run: self.dry_run, ..Request::new(source) };
        Ok(match installer.install(&shelf, &request) {
            Ok(report) => {
                for warning in &report.warnings {
                    item.note(warning.clone());
                }
                let name = report.name.to_string();
                let item = match report.outcome {
                    Installed::Unchanged => item.found(Outcome::There, &name),
                    Installed::Added | Installed::Replaced => item.done(self.dry_run, &name),
                };
                (item, Some(name))
            }
            Err(InstallError::Conflict { path, .. }) => {
                let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
                item.note("another skill of this name is here, and was left alone");
                (item.found(Outcome::There, &name.clone().unwrap_or_default()), name)
            }
            Err(error) => (item.not(error.to_string()), None),
        })
    }

    fn servers(&self, path: &Path, report: &mut Report) -> anyhow::Result<()> {
        let parsed = fs::read(path, MAX_BYTES)
            .map_err(mcp::McpError::from)
            .and_then(|bytes| mcp::parse(path, &bytes));
        let servers = match parsed {
            Ok(file) => file.servers,
            Err(error) => {
                report.add(Item::new("servers", self.shown(path)).not(error.to_string()));
                return Ok(());
            }
        };
        let layout = self.project.layout();
        let file = TierFile { path: layout.mcp_config(), guard: layout.mcp_lock() };
        let here = match fs::read_optional(&file.path, MAX_BYTES)? {
            Some(bytes) => mcp::parse(&file.path, &bytes)?.servers,
            None => Default::default(),
        };
        for (name, entry) in servers {
            let mut item = Item::new("server", &name);
            let Some(entry) = entry else { continue };
            if is_its_own(&name, &entry.server) {
                report.add(item.not("it belongs to the earlier program; sessions get ours"));
                continue;
            }
            if !entry.enabled {
                report.add(item.not("it was switched off"));
                continue;
            }
            if here.contains_key(&name) {
                report.add(item.found(Outcome::There, &name));
                continue;
            }
            if self.dry_run {
                report.add(item.would());
                continue;
            }
            report.add(match file.add(self.project.store(), &name, &entry.server, false) {
                Ok(_) => {
                    item.notes_of(unset(&entry.server));
                    item.note(format!("`ostwin mcp test {name}` tries it"));
                    item.found(Outcome::Imported, &name)
                }
                Err(error @ (EditError::Fs(_) | EditError::Lock(_))) => return Err(error.into()),
                Err(error) => item.not(error.to_string()),
            });
        }
        Ok(())
    }
}

/// Which variables a server wants that are not set: no session is started without them.
fn unset(server: &Server) -> Vec<String> {
    let (first, values): (Vec<&String>, _) = match server {
        Server::Local { command, environment } => (command.iter().collect(), environment),
        Server::Remote { url, headers, .. } => (vec![url], headers),
    };
    let lookup = |wanted: Wanted<'_>| match wanted {
        Wanted::Variable(name) => env::var(name),
        // Which secrets there are is settled when a session is.
        Wanted::Secret { .. } => Some(String::new()),
    };
    let texts = first.into_iter().chain(values.values());
    let problems = texts.filter_map(|text| mcp::expand(text, &lookup).err());
    problems.map(|problem| format!("{problem}; no session is started without it")).collect()
}

/// Whether a server is a part of the earlier program, and not one that its people added.
fn is_its_own(name: &str, server: &Server) -> bool {
    let of_program = match server {
        Server::Local { command, .. } => {
            let marks = ["AGENT_DIR", earlier::OWN_SERVERS];
            command.iter().any(|word| marks.iter().any(|mark| word.contains(mark)))
        }
        Server::Remote { url, .. } => {
            url.contains("/api/memory-pool/") || url.contains("/api/knowledge/")
        }
    };
    of_program || mcp::OWN.contains(&name) || ITS_OWN.contains(&name)
}
