//! `memory`: search, list, show, publish, export.

use std::collections::HashSet;
use std::ops::ControlFlow;

use ostwin_core::env;
use ostwin_core::ids::{MemoryId, PlanId, RoleRef, RoomId};
use ostwin_core::jsonl;
use ostwin_core::ledger::{Draft, Entry, Kind, Ledger, PublishError, Query};
use ostwin_core::project::Project;
use ostwin_core::room::Room;
use ostwin_memory::{Catalogue, Filter, MemoryError, Question};
use ostwin_service::{Exit, Explain, Failure};
use serde_json::json;

use crate::args::{MemoryCommand, MemoryFormat, MemoryPublishArgs, MemorySearchArgs};
use crate::context::Context;
use crate::out::remark;
use crate::view::figures::plural;
use crate::view::{self, table};

pub(crate) fn run(context: &Context, command: &MemoryCommand) -> anyhow::Result<Exit> {
    match command {
        MemoryCommand::Search(args) => search(context, args),
        MemoryCommand::List { kind, room, limit } => list(context, *kind, room.as_ref(), *limit),
        MemoryCommand::Show { id } => show(context, id),
        MemoryCommand::Publish(args) => publish(context, args),
        MemoryCommand::Export { format, kind } => export(context, *format, *kind),
    }
}

fn ledger(project: &Project) -> Ledger {
    Ledger::new(project.layout().ledger())
}

fn search(context: &Context, args: &MemorySearchArgs) -> anyhow::Result<Exit> {
    let (project, settings) = context.project()?;
    let question = Question {
        text: args.text.join(" "),
        filter: Filter { kind: args.kind, tags: args.tags.clone(), ..Filter::default() },
        mode: args.mode,
        limit: args.limit,
        explain: args.explain,
    };
    let mut catalogue = Catalogue::new(&project, &settings.config.memory);
    let answer = match catalogue.search(&question) {
        Ok(answer) => answer,
        Err(error @ MemoryError::NoMeaning { .. }) => {
            return Err(error)
                .exit(Exit::Environment)
                .hint("`--mode lexical` searches by words alone");
        }
        Err(error) => return Err(error).exit(Exit::Environment),
    };
    if context.out.json {
        let hits = answer.hits.iter().map(view::memory::hit_json).collect::<Vec<_>>();
        context.out.json(&json!({
            "hits": hits,
            "mode_used": answer.mode_used,
            "note": answer.note,
            "not_yet_embedded": answer.not_yet_embedded,
            "skipped_lines": answer.skipped_lines,
        }))?;
        return Ok(Exit::Ok);
    }
    for hit in &answer.hits {
        context.out.lines(&view::memory::hit(hit, context.out.width()))?;
    }
    if answer.hits.is_empty() {
        remark("nothing found");
    }
    if let Some(note) = &answer.note {
        remark(note);
    }
    if answer.not_yet_embedded > 0 {
        let count = answer.not_yet_embedded;
        remark(&format!("not found by meaning yet: {count}; another search goes on with them"));
    }
    tell_skipped(answer.skipped_lines);
    Ok(Exit::Ok)
}

fn list(
    context: &Context,
    kind: Option<Kind>,
    room: Option<&RoomId>,
    limit: usize,
) -> anyhow::Result<Exit> {
    let (project, _) = context.project()?;
    let query = Query { kind, room_id: room.cloned(), ..Query::default() };
    let page = ledger(&project).query(&query, limit)?;
    if context.out.json {
        context.out.json(&page.entries)?;
        return Ok(Exit::Ok);
    }
    if page.entries.is_empty() {
        remark("no entry");
    } else {
        let rows: Vec<Vec<String>> = page.entries.iter().map(view::memory::row).collect();
        let head = ["published", "id", "kind", "author", "room", "ref", "summary"];
        context.out.text(&table::table(&head, &rows, context.out.width()))?;
    }
    if page.more {
        remark(&format!("these are the newest {limit}; `--limit N` shows more"));
    }
    tell_skipped(page.skipped);
    Ok(Exit::Ok)
}

fn tell_skipped(lines: usize) {
    if lines > 0 {
        let lines = plural(lines, "line");
        remark(&format!("{lines} of the ledger cannot be read; `ostwin doctor` says where"));
    }
}

fn show(context: &Context, id: &MemoryId) -> anyhow::Result<Exit> {
    let (project, _) = context.project()?;
    let ledger = ledger(&project);
    let Some(entry) = ledger.find(id)? else {
        let text = format!("the ledger has no entry `{id}`");
        return Err(Failure::new(Exit::Usage, text)
            .hint("`ostwin memory list` lists the entries")
            .into());
    };
    let replaced_by = ledger.successor(&entry)?.map(|later| later.id);
    if context.out.json {
        context.out.json(&json!({"entry": entry, "superseded_by": replaced_by}))?;
    } else {
        context.out.text(&view::memory::whole(&entry, replaced_by.as_ref()))?;
    }
    Ok(Exit::Ok)
}

fn publish(context: &Context, args: &MemoryPublishArgs) -> anyhow::Result<Exit> {
    let (project, _) = context.project()?;
    let Author { role, room_id, plan_id } = author(&project)?;
    let draft = Draft {
        kind: args.kind,
        room_id,
        plan_id,
        author_role: role,
        reference: args.reference.clone(),
        tags: args.tags.clone(),
        summary: args.summary.clone(),
        detail: args.detail.clone().filter(|detail| !detail.is_empty()),
        supersedes: args.supersedes.clone(),
        key: None,
    };
    match ledger(&project).publish(project.store(), draft) {
        Ok(entry) if context.out.json => context.out.json(&entry)?,
        Ok(entry) => remark(&format!("published `{}`", entry.id)),
        Err(error @ PublishError::Invalid { .. }) => return Err(error).exit(Exit::Usage),
        Err(error) => return Err(error).exit(Exit::Environment),
    }
    Ok(Exit::Ok)
}

/// Who publishes, from where.
struct Author {
    role: RoleRef,
    room_id: Option<RoomId>,
    plan_id: Option<PlanId>,
}

/// An attempt's session says in its environment who it is; everybody else is a person.
fn author(project: &Project) -> anyhow::Result<Author> {
    let set = |name| env::var(name).filter(|value| !value.is_empty());
    match (set(env::ATTEMPT), set(env::ROLE), set(env::ROOM)) {
        (None, _, _) => Ok(Author { role: RoleRef::new("human")?, room_id: None, plan_id: None }),
        (Some(_), Some(role), Some(room)) => {
            let room = Room::open(project, &RoomId::new(&room)?).exit(Exit::Usage)?;
            let plan_id = Some(room.contract()?.plan_id);
            Ok(Author { role: RoleRef::new(&role)?, room_id: Some(room.id().clone()), plan_id })
        }
        (Some(_), role, _) => {
            let missing = if role.is_none() { env::ROLE } else { env::ROOM };
            let text = format!("{} is set and {missing} is not: whose entry is it?", env::ATTEMPT);
            Err(Failure::new(Exit::Usage, text).hint("the runner sets all for a session").into())
        }
    }
}

/// Walks the ledger once for what is superseded and then for what is told, so that it is never
/// held as a whole.
fn export(context: &Context, format: MemoryFormat, kind: Option<Kind>) -> anyhow::Result<Exit> {
    let (project, _) = context.project()?;
    let ledger = ledger(&project);
    let mut superseded = HashSet::new();
    let scanned = jsonl::scan::<Entry>(ledger.path(), 0, |_, entry| {
        superseded.extend(entry.supersedes);
        ControlFlow::Continue(())
    })?;
    let told = |wanted: Option<Kind>, tell: &mut dyn FnMut(&Entry) -> anyhow::Result<()>| {
        let mut outcome = Ok(());
        jsonl::scan::<Entry>(ledger.path(), 0, |_, entry| {
            if superseded.contains(&entry.id) || wanted.is_some_and(|kind| kind != entry.kind) {
                return ControlFlow::Continue(());
            }
            outcome = tell(&entry);
            if outcome.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        outcome
    };
    match format {
        MemoryFormat::Jsonl => told(kind, &mut |entry| context.out.json_line(entry))?,
        MemoryFormat::Markdown => {
            context.out.text("# Shared memory\n")?;
            for each in Kind::ALL.into_iter().filter(|each| kind.is_none_or(|kind| kind == *each)) {
                let mut first = true;
                told(Some(each), &mut |entry| {
                    if first {
                        context.out.text(&view::memory::heading(each))?;
                        first = false;
                    }
                    context.out.text(&view::memory::markdown(entry))
                })?;
            }
        }
    }
    tell_skipped(scanned.skipped);
    Ok(Exit::Ok)
}
