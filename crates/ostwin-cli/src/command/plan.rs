//! `plan`: check, format, list and show plans.

use std::path::Path;

use ostwin_core::budget::Caps;
use ostwin_core::fs;
use ostwin_core::plan::{self, MAX_PLAN_BYTES, ParsedPlan, Severity};
use ostwin_core::plans::{self, Found};
use ostwin_core::store::Durability;
use ostwin_service::{Exit, Explain, Failure};

use super::budget;
use super::plan_text::{PlanText, parse_options};
use super::review::{self, Session};
use super::revision;
use crate::args::{PlanCheckArgs, PlanCommand, PlanFormat};
use crate::context::{Context, PlanRef, stored_plan};
use crate::out::remark;
use crate::view::figures::plural;
use crate::view::{plan as view, table};

pub(crate) fn run(context: &Context, command: &PlanCommand) -> anyhow::Result<Exit> {
    match command {
        PlanCommand::Check(args) => check(context, args),
        PlanCommand::Fmt { file, check, stdout } => format(context, file, *check, *stdout),
        PlanCommand::Create { goal, out, agent, model } => {
            let session = Session { agent: agent.as_deref(), model: model.as_deref() };
            review::create(context, goal, out, session)
        }
        PlanCommand::Review { plan, review, agent, model } => {
            let session = Session { agent: agent.as_deref(), model: model.as_deref() };
            review::alone(context, plan, *review, session)
        }
        PlanCommand::Diff { plan } => revision::diff(context, plan),
        PlanCommand::Approve { plan, text_sha256 } => {
            review::approve(context, plan, text_sha256.as_deref())
        }
        PlanCommand::Reject { plan, reason } => review::reject(context, plan, reason),
        PlanCommand::Rm { plan, with_rooms } => revision::remove(context, plan, *with_rooms),
        PlanCommand::Budget { plan, tokens, usd } => {
            let caps = Caps { tokens: *tokens, usd: *usd };
            budget::budget(context, plan.as_deref(), caps)
        }
        PlanCommand::List => list(context),
        PlanCommand::Show { plan } => show(context, plan),
    }
}

fn check(context: &Context, args: &PlanCheckArgs) -> anyhow::Result<Exit> {
    let text = PlanText::read(context, &args.file)?;
    let format = if context.out.json { PlanFormat::Json } else { args.format };
    match format {
        PlanFormat::Text => {
            let found = text.rendered();
            context.out.text(&found)?;
            if !found.is_empty() {
                context.out.text("\n")?;
            }
            context.out.text(&summary(&text))?;
        }
        PlanFormat::Json => context.out.json(&plan::to_json(&text.parsed, &text.text)?)?,
        PlanFormat::Sarif => {
            context.out.json(&plan::sarif(&text.parsed.diagnostics, &text.name, &text.text))?;
        }
    }
    Ok(if text.parsed.has_errors() { Exit::Usage } else { Exit::Ok })
}

/// `PLAN.md: 12 epics, 2 warnings`
fn summary(text: &PlanText) -> String {
    let ParsedPlan { plan, diagnostics } = &text.parsed;
    let count = |severity| diagnostics.iter().filter(|found| found.severity == severity).count();
    let mut parts = vec![plural(plan.epics.len(), "epic")];
    for (severity, word) in [(Severity::Error, "error"), (Severity::Warning, "warning")] {
        if count(severity) > 0 {
            parts.push(plural(count(severity), word));
        }
    }
    if diagnostics.is_empty() {
        parts.push("nothing to say against it".to_owned());
    }
    format!("{}: {}\n", text.name, parts.join(", "))
}

fn format(context: &Context, file: &Path, check: bool, stdout: bool) -> anyhow::Result<Exit> {
    let text = PlanText::read(context, file)?;
    if text.parsed.has_errors() {
        return text.refuse();
    }
    let canonical = plan::format(&text.parsed.plan);
    if stdout {
        context.out.text(&canonical)?;
        return Ok(Exit::Ok);
    }
    let same = canonical == text.text;
    if context.out.json {
        context.out.json(&serde_json::json!({
            "file": text.name, "canonical": same, "written": !same && !check,
        }))?;
    }
    if same {
        return Ok(Exit::Ok);
    }
    if check {
        remark(&format!("`{}` is not in canonical form; `ostwin plan fmt` writes it", text.name));
        return Ok(Exit::NotPassed);
    }
    fs::replace_record(file, canonical.as_bytes(), Durability::Sync)?;
    if !context.out.json {
        context.out.text(&format!("{}: rewritten in canonical form\n", text.name))?;
    }
    Ok(Exit::Ok)
}

fn list(context: &Context) -> anyhow::Result<Exit> {
    let (project, settings) = context.project()?;
    let mut boards = Vec::new();
    let Found { plans, unreadable } = plans::survey(&project)?;
    let none = plans.is_empty() && unreadable.is_empty();
    for (id, error) in unreadable {
        remark(&format!("`{id}` cannot be read: {:#}", anyhow::Error::from(error)));
    }
    for plan in plans {
        boards.push((ostwin_core::board::load(&project, &plan, &settings.config), plan));
    }
    boards.sort_by_key(|(_, plan)| std::cmp::Reverse(plan.meta.imported_at));
    if context.out.json {
        let plans: Vec<_> = boards.iter().map(|(board, plan)| view::listed(board, plan)).collect();
        context.out.json(&plans)?;
        return Ok(Exit::Ok);
    }
    if none {
        remark("no plan yet; `ostwin run PLAN.md` runs one");
    }
    if boards.is_empty() {
        return Ok(Exit::Ok);
    }
    let rows: Vec<Vec<String>> = boards.iter().map(|(b, plan)| view::list_row(b, plan)).collect();
    let head = ["plan", "state", "passed", "title", "source"];
    context.out.text(&table::table(&head, &rows, context.out.width()))?;
    Ok(Exit::Ok)
}

fn show(context: &Context, named: &str) -> anyhow::Result<Exit> {
    let text = match PlanRef::of(named) {
        PlanRef::File(path) => PlanText::read(context, &path)?,
        PlanRef::Id(_) => {
            let (project, _) = context.project()?;
            let stored = stored_plan(&project, Some(named))?;
            let options = parse_options(context)?;
            PlanText::of(stored.meta.plan_id.to_string(), stored.text()?, &options)
        }
    };
    if context.out.json {
        context.out.json(&plan::to_json(&text.parsed, &text.text)?)?;
    } else {
        context.out.lines(&view::plan(&text.parsed, text.registry.as_ref()))?;
    }
    Ok(if text.parsed.has_errors() { Exit::Usage } else { Exit::Ok })
}

/// Reads a file that may be a plan; what is longer than any plan is reported as such.
pub(super) fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    if path.is_dir() {
        let text = format!("`{}` is a folder, and a plan is a file", path.display());
        return Err(Failure::new(Exit::Usage, text).hint("name the file, such as PLAN.md").into());
    }
    match fs::read(path, MAX_PLAN_BYTES as u64 + 1) {
        Ok(bytes) => Ok(bytes),
        Err(error) if error.source.kind() == std::io::ErrorKind::FileTooLarge => {
            // One byte too many is all that the parser has to know.
            Ok(vec![b' '; MAX_PLAN_BYTES + 1])
        }
        Err(error) if error.is_not_found() => {
            Err(error).exit(Exit::Usage).hint("a plan is named by its file, or by its id")
        }
        Err(error) => Err(error).exit(Exit::Usage),
    }
}
