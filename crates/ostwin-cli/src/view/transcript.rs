//! The transcript of a session, for reading.

use std::collections::BTreeMap;

use ostwin_core::room::{AttemptRecord, Manifest, WorkTree};
use ostwin_runner::acp::ToolStatus;
use ostwin_runner::acp::transcript::{Entry, Event};
use serde_json::Value;

use super::figures;
use super::line::{Line, Style};
use super::text;

/// Lines of a tool's arguments or result that are shown unless everything is asked for.
const BRIEF_LINES: usize = 6;
/// Lines of a thought that are shown unless everything is asked for.
const THOUGHT_LINES: usize = 3;
/// Columns of such a line.
const BRIEF_COLUMNS: usize = 160;

/// Who worked, by whose word, and how it ended.
pub(crate) fn head(record: &AttemptRecord) -> Vec<(&'static str, String)> {
    let end = match (&record.outcome, record.closed_at) {
        (Some(outcome), Some(closed_at)) => {
            format!("{outcome} after {}", figures::duration(closed_at.since(record.opened_at)))
        }
        _ => "open".to_owned(),
    };
    let agent = if record.rehearsed {
        format!("{} (rehearsed)", record.agent)
    } else {
        record.agent.clone()
    };
    let exit = match (record.exit_code, record.exit_signal) {
        (_, Some(signal)) => format!("by signal {signal}"),
        (Some(0) | None, None) => String::new(),
        (Some(code), None) => format!("with code {code}"),
    };
    let mut head = vec![
        ("attempt", format!("{} in {}", record.number, record.state)),
        ("role", with_source(record.role.to_string(), &role_source(record))),
        ("agent", with_source(agent, &setting_source(record, "agent"))),
        (
            "model",
            match &record.model {
                Some(model) => with_source(model.clone(), &setting_source(record, "model")),
                None => String::new(),
            },
        ),
        ("began", figures::moment(record.opened_at)),
        ("deadline", figures::moment(record.deadline_at)),
        ("end", end),
        ("why", record.reason.clone().unwrap_or_default()),
        ("exit", exit),
        ("used", used(record)),
        ("goes on", record.rests_until().map(figures::moment).unwrap_or_default()),
        ("id", record.id.to_string()),
    ];
    head.extend(record.manifest.iter().flat_map(made_of));
    head
}

/// What the session was made of.
fn made_of(manifest: &Manifest) -> Vec<(&'static str, String)> {
    let files = |files: &BTreeMap<String, String>| {
        let lines: Vec<String> =
            files.iter().map(|(name, hash)| format!("{hash}  {name}")).collect();
        lines.join("\n")
    };
    let model = match manifest.model_selected {
        Some(true) => "the agent took the model",
        Some(false) => "the agent offers no such model: it chose",
        None => "",
    };
    vec![
        ("program", manifest.agent_version.clone().unwrap_or_default()),
        ("choice", model.to_owned()),
        ("prompt", manifest.prompt_sha256.clone()),
        ("servers", manifest.mcp_sha256.clone()),
        ("role files", files(&manifest.role_files)),
        ("skills", files(&manifest.skills)),
        ("tree before", manifest.begin.as_ref().map(tree).unwrap_or_default()),
        ("tree after", manifest.end.as_ref().map(tree).unwrap_or_default()),
    ]
}

fn tree(tree: &WorkTree) -> String {
    let commit = tree.commit.as_deref().unwrap_or("no commit yet");
    match tree.dirty.len() + tree.more {
        0 => format!("{commit}, clean"),
        count => format!("{commit}, and {} not committed", figures::plural(count, "file")),
    }
}

fn used(record: &AttemptRecord) -> String {
    let tokens = record.usage.map(|usage| {
        let [total, input, output] =
            [usage.total(), usage.input_tokens, usage.output_tokens].map(figures::count);
        format!("{total} tokens ({input} in, {output} out)")
    });
    let cost = record.cost_usd.map(figures::dollars);
    tokens.into_iter().chain(cost).collect::<Vec<_>>().join(", ")
}

/// A value and, if it is known, who said so.
fn with_source(value: String, source: &str) -> String {
    if source.is_empty() { value } else { format!("{value}  (from: {source})") }
}

fn setting_source(record: &AttemptRecord, name: &str) -> String {
    let resolved = record.provenance.get("settings").and_then(|settings| settings.get(name));
    resolved.map(super::session::source).unwrap_or_default()
}

fn role_source(record: &AttemptRecord) -> String {
    let part = |name| record.provenance.get("role")?.get(name)?.as_str();
    match (part("tier"), part("prompt_file")) {
        (Some(tier), Some(file)) => format!("{tier} {file}"),
        (tier, _) => tier.unwrap_or_default().to_owned(),
    }
}

/// One entry; nothing for one that says nothing to people. `full` shows everything.
pub(crate) fn entry(entry: &Entry, full: bool) -> Vec<Line> {
    let clock = || Line::new().with(Style::Dim, format!("{} ", figures::clock(entry.ts)));
    match &entry.event {
        Event::Session { agent, session_id, resumed } => {
            let word = if *resumed { "goes on in session" } else { "opens session" };
            let agent = agent.as_deref().unwrap_or("the agent");
            let line = format!("{} {word} {}", text::one_line(agent), text::one_line(session_id));
            vec![clock().with(Style::Dim, line)]
        }
        Event::Prompt { turn, text, bytes } => {
            let size = figures::bytes(u64::try_from(*bytes).unwrap_or(0));
            let mut lines = vec![clock().with(Style::Magenta, format!("prompt {turn}, {size}"))];
            lines.extend(text.iter().flat_map(|text| block(text, Style::Plain)));
            lines
        }
        Event::Text { text } => said(clock(), text, Style::Plain),
        Event::Thought { text } => {
            let lines = said(clock().with(Style::Dim, "thinks: "), text, Style::Dim);
            if full { lines } else { brief(lines, THOUGHT_LINES) }
        }
        Event::ToolCall { title, kind, input, .. } => {
            let mut lines = vec![
                clock()
                    .with(Style::Cyan, format!("→ {}", text::one_line(title)))
                    .with(Style::Dim, format!("  {}", text::one_line(kind))),
            ];
            lines.extend(value(input.as_ref(), full));
            lines
        }
        Event::ToolResult { title, status, output, diffs, duration_ms, .. } => {
            let (style, word) = match status {
                ToolStatus::Failed => (Style::Red, "failed"),
                _ => (Style::Green, "ok"),
            };
            let took = duration_ms.map(std::time::Duration::from_millis).map(figures::duration);
            let mut lines = vec![
                clock()
                    .with(style, format!("← {word}"))
                    .with(Style::Plain, format!(" {}", text::one_line(title)))
                    .with(Style::Dim, format!("  {}", took.unwrap_or_default())),
            ];
            for diff in diffs {
                let path = text::one_line(&diff.path);
                lines.push(Line::from("    ").with(Style::Yellow, format!("changed {path}")));
            }
            lines.extend(value(output.as_ref(), full));
            lines
        }
        Event::Plan { steps } => {
            let mut lines = vec![clock().with(Style::Blue, "plan")];
            lines.extend(steps.iter().map(|step| {
                Line::from("    ")
                    .with(Style::Dim, mark(&step.status))
                    .with(Style::Plain, text::one_line(&step.content))
            }));
            lines
        }
        Event::Permission { title, choice, decided_by, .. } => {
            let choice = choice.as_deref().unwrap_or("called off");
            let line = format!("permission for {title}: {choice}, by {decided_by}");
            vec![clock().with(Style::Yellow, text::one_line(&line))]
        }
        Event::Notice { severity, text: notice } => {
            let style = match severity.as_str() {
                "error" => Style::Red,
                "warning" => Style::Yellow,
                _ => Style::Dim,
            };
            vec![clock().with(style, text::one_line(&format!("{severity}: {notice}")))]
        }
        Event::TurnEnd { turn, stop_reason, duration_ms } => {
            let took = figures::duration(std::time::Duration::from_millis(*duration_ms));
            let line = format!("turn {turn} ends after {took}: {stop_reason}");
            vec![clock().with(Style::Dim, text::one_line(&line))]
        }
        Event::Truncated { max_bytes } => {
            let size = figures::bytes(*max_bytes);
            vec![clock().with(Style::Yellow, format!("the transcript was cut at {size}"))]
        }
        Event::End { outcome, detail } => {
            let detail = detail.as_deref().map(|detail| format!(": {detail}")).unwrap_or_default();
            let line = format!("the session ended: {outcome}{detail}");
            vec![clock().with(Style::Bold, text::one_line(&line))]
        }
        // News of the context come by the hundred: only the sum of a turn is for everyone.
        Event::Usage { tokens: None, .. } if !full => Vec::new(),
        Event::Usage { tokens, context_used, context_size, cost_usd } => {
            let tokens = tokens.map(|tokens| format!("{} tokens", figures::count(tokens.total)));
            let context = context_used.zip(*context_size).map(|(used, size)| {
                format!("{} of {} in the context", figures::count(used), figures::count(size))
            });
            let cost = cost_usd.map(|cost| format!("{} so far", figures::dollars(cost)));
            let parts: Vec<String> = tokens.into_iter().chain(context).chain(cost).collect();
            vec![clock().with(Style::Dim, format!("used: {}", parts.join(", ")))]
        }
    }
}

/// How far a step of a plan is.
fn mark(status: &str) -> String {
    match status {
        "completed" => "[x] ".to_owned(),
        "in_progress" => "[>] ".to_owned(),
        "pending" => "[ ] ".to_owned(),
        other => format!("{} ", text::one_line(other)),
    }
}

fn said(mut first: Line, said: &str, style: Style) -> Vec<Line> {
    let body = text::block(said.trim());
    let mut body = body.lines();
    first.push(style, body.next().unwrap_or_default());
    let rest = body.map(|line| Line::from("         ").with(style, line));
    std::iter::once(first).chain(rest).collect()
}

fn block(said: &str, style: Style) -> Vec<Line> {
    let body = text::block(said.trim());
    body.lines().map(|line| Line::from("    ").with(style, line)).collect()
}

/// A tool's arguments or result.
fn value(value: Option<&Value>, full: bool) -> Vec<Line> {
    let Some(value) = value.filter(|value| !value.is_null()) else { return Vec::new() };
    let shown = match value {
        Value::String(text) => text.clone(),
        other if full => serde_json::to_string_pretty(other).unwrap_or_default(),
        other => other.to_string(),
    };
    let lines = block(&shown, Style::Dim);
    if full { lines } else { brief(lines, BRIEF_LINES) }
}

/// The first `most` lines, none of them long; a note says what is missing.
fn brief(lines: Vec<Line>, most: usize) -> Vec<Line> {
    let more = lines.len().saturating_sub(most);
    let mut brief: Vec<Line> =
        lines.into_iter().take(most).map(|line| line.cut(BRIEF_COLUMNS)).collect();
    if more > 0 {
        let note = format!("    … {} more; --full shows all", figures::plural(more, "line"));
        brief.push(Line::new().with(Style::Dim, note));
    }
    brief
}

#[cfg(test)]
mod tests;
