//! `import`: a project of the earlier program comes into this one.
//!
//! One item after the other, each whole or not at all. What is here already is left alone, so the
//! same import goes on where it was cut off, and makes nothing twice.

mod pieces;
mod report;

use std::collections::HashMap;
use std::path::Path;

use ostwin_core::config::Settings;
use ostwin_core::earlier::{self, Earlier, EarlierPlan, EarlierRoom, Lines};
use ostwin_core::ids::{EpicId, MemoryId, PlanId, RoomId};
use ostwin_core::ledger::{Ledger, Query};
use ostwin_core::lock;
use ostwin_core::plan::{self, ParseOptions, Plan};
use ostwin_core::plans::{self, StoredPlan};
use ostwin_core::project::Project;
use ostwin_core::room;
use ostwin_engine::{Brought, ByHandError, EarlierPast, bring_room};
use ostwin_service::{Exit, Explain, Failure};

use crate::args::ImportArgs;
use crate::context::{Context, actor, here};
use crate::view::figures::plural;
use report::{Item, Outcome, Report};

pub(crate) fn import(context: &Context, args: &ImportArgs) -> anyhow::Result<Exit> {
    let (project, settings) = context.project()?;
    let dir = fs_err::canonicalize(here()?.join(&args.dir)).exit(Exit::Usage)?;
    if fs_err::canonicalize(project.layout().root()).is_ok_and(|root| root == dir) {
        let text = format!("`{}` is this very project", dir.display());
        let advice = "make a project in a folder of its own (`ostwin init DIR`) and import there";
        return Err(Failure::new(Exit::Usage, text).hint(advice).into());
    }
    let further = args.plans.as_ref().map(|plans| here().map(|here| here.join(plans)));
    let earlier = earlier::read(&dir, further.transpose()?.as_deref()).exit(Exit::Usage)?;
    let import =
        Import { project: &project, settings: &settings, dir: &dir, dry_run: args.dry_run };
    let mut report = Report::new(args.dry_run);
    let known = import.plans(&earlier, &mut report)?;
    let rooms = import.rooms(&earlier, &known, &mut report)?;
    import.memories(&earlier.memories, &rooms, &mut report)?;
    import.pieces(&earlier, &mut report)?;
    for note in &earlier.notes {
        report.add(Item::from(note));
    }
    report.show(context)?;
    Ok(Exit::Ok)
}

/// What every step of an import needs.
struct Import<'a> {
    project: &'a Project,
    settings: &'a Settings,
    dir: &'a Path,
    dry_run: bool,
}

/// A plan of the earlier program that parses.
struct KnownPlan<'a> {
    earlier: &'a EarlierPlan,
    parsed: Plan,
    /// The plan here; `None` if it would be made only now.
    stored: Option<StoredPlan>,
}

/// Which room here an earlier one has become, by its name; `None` if several were called so.
type Rooms = HashMap<String, Option<(RoomId, PlanId)>>;

impl Import<'_> {
    /// A path of the earlier project, as short as people say it.
    fn shown(&self, path: &Path) -> String {
        path.strip_prefix(self.dir).unwrap_or(path).display().to_string()
    }

    fn plans<'e>(
        &self,
        earlier: &'e Earlier,
        report: &mut Report,
    ) -> anyhow::Result<Vec<KnownPlan<'e>>> {
        let mut known = Vec::new();
        for earlier in &earlier.plans {
            let item = Item::new("plan", self.shown(&earlier.path));
            let parsed = plan::parse(&earlier.text, &ParseOptions::default());
            if parsed.has_errors() {
                let errors = parsed.diagnostics.iter().filter(|found| found.is_error());
                let messages: Vec<&str> =
                    errors.map(|error| error.message.as_str()).take(3).collect();
                let path = earlier.path.display();
                report.add(item.not(format!(
                    "{}; `ostwin plan check {path}` shows where",
                    messages.join("; ")
                )));
                continue;
            }
            let stored = match plans::find_by_source(self.project, &earlier.path)? {
                Some(stored) => {
                    report.add(item.found(Outcome::There, &stored.meta.plan_id));
                    Some(stored)
                }
                None if self.dry_run => {
                    report.add(item.would());
                    None
                }
                None => {
                    let stored = self.import_plan(earlier, &parsed.plan)?;
                    report.add(item.found(Outcome::Imported, &stored.meta.plan_id));
                    Some(stored)
                }
            };
            known.push(KnownPlan { earlier, parsed: parsed.plan, stored });
        }
        Ok(known)
    }

    fn import_plan(&self, earlier: &EarlierPlan, parsed: &Plan) -> anyhow::Result<StoredPlan> {
        let layout = self.project.layout();
        let stem = earlier.path.file_stem().and_then(|stem| stem.to_str()).unwrap_or("plan");
        let title = parsed.title.as_deref().unwrap_or(stem);
        let patience = self.project.store().lock_timeout;
        let imported = lock::exclusive(&layout.plans_lock(), patience, || {
            // Another import may have come first.
            match plans::find_by_source(self.project, &earlier.path)? {
                Some(stored) => Ok(stored),
                None => {
                    let text = earlier.text.as_bytes();
                    plans::import(self.project, &earlier.path, text, title, false)
                }
            }
        })??;
        Ok(imported)
    }

    fn rooms(
        &self,
        earlier: &Earlier,
        known: &[KnownPlan<'_>],
        report: &mut Report,
    ) -> anyhow::Result<Rooms> {
        let mut rooms = Rooms::new();
        for room in &earlier.rooms {
            let item = Item::new("room", self.shown(&room.dir));
            let (item, became) = match self.target(room, known) {
                Ok((plan, epic)) => self.room(room, plan, &epic, item)?,
                Err(reason) => (item.not(reason), None),
            };
            report.add(item);
            if let Some(became) = became {
                let name = room.name.rsplit('/').next().unwrap_or(&room.name).to_owned();
                rooms.entry(name).and_modify(|known| *known = None).or_insert(Some(became));
            }
        }
        Ok(rooms)
    }

    /// The plan and the epic of a room: by the id that it names, else the only plan that has the
    /// epic.
    fn target<'k, 'e>(
        &self,
        room: &EarlierRoom,
        known: &'k [KnownPlan<'e>],
    ) -> Result<(&'k KnownPlan<'e>, EpicId), String> {
        if room.task_ref.is_empty() {
            return Err("it does not say which epic it is for".to_owned());
        }
        let epic = EpicId::new(&room.task_ref).map_err(|error| error.to_string())?;
        if epic.is_plan_review() {
            return Err("plans are reviewed anew".to_owned());
        }
        let named = known.iter().find(|plan| plan.earlier.ids.contains(&room.plan_id));
        let having = || known.iter().filter(|plan| plan.parsed.epic(&epic).is_some());
        let plan = match named {
            Some(plan) => plan,
            None if having().count() > 1 => {
                return Err(format!(
                    "several plans have {epic}, and none of them is `{}`",
                    room.plan_id
                ));
            }
            None => having().next().ok_or_else(|| {
                let plan = match room.plan_id.as_str() {
                    "" => String::new(),
                    id => format!(" `{id}`"),
                };
                format!("its plan{plan} was not found, and no other has {epic}; `--plans DIR` names a further folder of plans")
            })?,
        };
        match plan.parsed.epic(&epic) {
            Some(_) => Ok((plan, epic)),
            None => Err(format!("its plan has no {epic} any more")),
        }
    }

    fn room(
        &self,
        room: &EarlierRoom,
        plan: &KnownPlan<'_>,
        epic: &EpicId,
        mut item: Item,
    ) -> anyhow::Result<(Item, Option<(RoomId, PlanId)>)> {
        if let Some(stored) = &plan.stored {
            let id = &stored.meta.plan_id;
            let there = room::of_plan(self.project, id)?;
            if let Some((there, _)) = there.iter().find(|(_, there)| there.task_ref == *epic) {
                let became = (there.id().clone(), id.clone());
                return Ok((item.found(Outcome::There, there.id()), Some(became)));
            }
        }
        let past = self.past(room, &mut item);
        let stored = match &plan.stored {
            Some(stored) if !self.dry_run => stored,
            _ => return Ok((item.would(), None)),
        };
        match bring_room(self.project, stored, self.settings, epic, past, &actor()) {
            Ok(Brought { room, state, note }) => {
                if let Some(note) = note {
                    item.note(note);
                }
                let id = room.id().clone();
                let item = item.found(Outcome::Imported, &format!("{id} ({state})"));
                Ok((item, Some((id, stored.meta.plan_id.clone()))))
            }
            Err(error @ ByHandError::Engine(_)) => Err(error.into()),
            Err(error) => Ok((item.not(error.to_string()), None)),
        }
    }

    /// What happened in a room, and notes about what cannot be taken of it.
    fn past(&self, room: &EarlierRoom, item: &mut Item) -> EarlierPast {
        let limit = self.project.max_message_bytes();
        let mut messages = Vec::new();
        for (line, value) in &room.messages.values {
            match earlier::message(value, limit) {
                Ok(message) => messages.push(message),
                Err(problem) => item.note(format!("message in line {line}: {problem}")),
            }
        }
        if !room.messages.garbage.is_empty() {
            item.note(format!("no message: {}", lines(&room.messages.garbage)));
        }
        if room.retries > 0 {
            item.note(format!(
                "{} before are not counted",
                plural_of(room.retries, "retry", "retries")
            ));
        }
        if !room.others.is_empty() {
            item.note(format!("not taken: {}", room.others.join(", ")));
        }
        EarlierPast {
            status: room.status.clone(),
            source: room.dir.display().to_string(),
            messages,
            tasks: room.tasks.clone(),
            working_dir: room.working_dir.clone().filter(|dir| dir.is_absolute() && dir.is_dir()),
            artifacts: room.artifacts.clone(),
        }
    }

    fn memories(&self, lines_of: &Lines, rooms: &Rooms, report: &mut Report) -> anyhow::Result<()> {
        if lines_of.values.is_empty() && lines_of.garbage.is_empty() {
            return Ok(());
        }
        let mut item = Item::new("memory", "shared memory");
        let ledger = Ledger::new(self.project.layout().ledger());
        let query = Query { include_superseded: true, ..Query::default() };
        let mut keys: HashMap<String, MemoryId> = ledger
            .query(&query, usize::MAX)?
            .entries
            .into_iter()
            .filter_map(|entry| Some((entry.key?, entry.id)))
            .collect();
        let (mut taken, mut there) = (0, 0);
        let room = |name: &str| rooms.get(name).cloned().flatten();
        for (line, value) in &lines_of.values {
            let mut memory = match earlier::memory(value, room) {
                Ok(memory) => memory,
                Err(problem) => {
                    item.note(format!("entry in line {line}: {problem}"));
                    continue;
                }
            };
            let key = memory.draft.key.clone().unwrap_or_default();
            if keys.contains_key(&key) {
                there += 1;
                continue;
            }
            taken += 1;
            if self.dry_run {
                continue;
            }
            if let Some(old) = &memory.supersedes {
                memory.draft.supersedes = keys.get(&format!("import:{old}")).cloned();
            }
            let store = self.project.store();
            let at = memory.at.unwrap_or_else(|| store.now());
            let entry = ledger.publish_past(store, memory.draft, at)?;
            keys.insert(key, entry.id);
        }
        if !lines_of.garbage.is_empty() {
            item.note(format!("no entry: {}", lines(&lines_of.garbage)));
        }
        let count =
            |count: usize| plural_of(u32::try_from(count).unwrap_or(u32::MAX), "entry", "entries");
        report.add(match (taken, there) {
            (0, 0) => item.not("no line of it is an entry"),
            (0, there) => item.found(Outcome::There, &count(there)),
            (taken, 0) => item.done(self.dry_run, &count(taken)),
            (taken, there) => {
                item.note(format!("{} there already", &count(there)));
                item.done(self.dry_run, &count(taken))
            }
        });
        Ok(())
    }
}

fn plural_of(count: u32, one: &str, many: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {many}") }
}

/// `line 4`, `lines 4, 9 and 12 more`.
fn lines(numbers: &[usize]) -> String {
    const SHOWN: usize = 5;
    let shown: Vec<String> = numbers.iter().take(SHOWN).map(ToString::to_string).collect();
    let word = plural(numbers.len(), "line");
    match numbers.len() {
        1 => format!("line {}", shown.join("")),
        count if count > SHOWN => {
            format!("{word} ({} and {} more)", shown.join(", "), count - SHOWN)
        }
        _ => format!("{word} ({})", shown.join(", ")),
    }
}
