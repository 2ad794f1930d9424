//! The parts of the channel that a prompt tells.

use std::fmt::Write as _;

use ostwin_core::channel::{Channel, Filter, Message};
use ostwin_core::ids::RoleRef;
use ostwin_core::jsonl::JsonlError;
use ostwin_core::lifecycle::{StateKind, names};
use ostwin_core::room::{Contract, Verdict};

use crate::prompt::Text;

/// Most messages of the excerpt.
const EXCERPT_MESSAGES: usize = 24;
/// Most characters of one message in the excerpt.
const EXCERPT_CHARS: usize = 300;

/// Where an agent reads the channel itself.
const CHANNEL_SOURCE: &str = "the channel, by the `read_messages` tool";

/// What the session is to answer: for a worker its latest task, for a reviewer what the worker
/// delivered, for triage what brought the room there.
pub(super) fn latest_for(
    channel: &Channel,
    kind: StateKind,
    role: &RoleRef,
) -> Result<Option<Message>, JsonlError> {
    let mine = |to: &RoleRef| to == role || (to.instance.is_none() && to.role == role.role);
    channel.latest(|message| match kind {
        StateKind::Review => message.kind.as_str() == names::DONE,
        StateKind::Triage => {
            [names::FAIL, names::ERROR, names::ESCALATE].contains(&message.kind.as_str())
        }
        _ => ["task", "fix", "answer"].contains(&message.kind.as_str()) && mine(&message.to),
    })
}

/// A message as a section of the prompt.
pub(super) fn message_text(message: &Message) -> Text {
    let mut body = format!(
        "`{}` from `{}`, message #{} of {}:\n\n{}",
        message.kind,
        message.from,
        message.seq,
        message.ts,
        message.body.trim()
    );
    let artifacts = artifacts_of(message);
    if !artifacts.is_empty() {
        let _ = write!(body, "\n\nArtifacts: {}", artifacts.join(", "));
    }
    Text::new(body, CHANNEL_SOURCE)
}

/// The artifacts that a message names, as paths or as objects with a `path`.
fn artifacts_of(message: &Message) -> Vec<String> {
    let list = message.data.as_ref().and_then(|data| data.get("artifacts")?.as_array());
    list.into_iter()
        .flatten()
        .filter_map(|item| item.as_str().or_else(|| item.get("path")?.as_str()))
        .map(|path| format!("`{path}`"))
        .collect()
}

/// What the last review found, unless it passed the work or `answered` tells it already.
pub(super) fn open_findings(
    channel: &Channel,
    contract: &Contract,
    kind: StateKind,
    answered: Option<&Message>,
) -> Result<Option<Text>, JsonlError> {
    let last = channel.latest(|m| [names::PASS, names::FAIL].contains(&m.kind.as_str()))?;
    let Some(last) = last else { return Ok(None) };
    let verdict: Option<Verdict> =
        last.data.as_ref().and_then(|data| serde_json::from_value(data.clone()).ok());
    let unmet: Vec<_> =
        verdict.iter().flat_map(|verdict| &verdict.criteria).filter(|answer| !answer.met).collect();
    if last.kind.as_str() == names::PASS && unmet.is_empty() {
        return Ok(None);
    }
    let told = answered.is_some_and(|message| {
        message.id == last.id
            || message.data.as_ref().and_then(|data| data.get("cause")?.as_str())
                == Some(last.id.as_str())
    });
    let mut body = String::new();
    for answer in unmet {
        let goal = contract.goals.all().find(|goal| goal.id == answer.id);
        let wanted = goal.map_or("", |goal| goal.text.lines().next().unwrap_or_default());
        let evidence = answer.evidence.trim().replace('\n', "\n  ");
        let _ = writeln!(body, "- **{}** ({wanted}) is not met: {evidence}", answer.id);
    }
    if !told {
        let _ = write!(body, "\nFrom `{}`, message #{}:\n\n{}", last.from, last.seq, last.body);
    }
    if kind == StateKind::Review {
        body.insert_str(0, "Each of these is checked again, the same way.\n\n");
    }
    let body = body.trim().to_owned();
    Ok((!body.is_empty()).then(|| Text::new(body, CHANNEL_SOURCE)))
}

/// The newest messages, oldest first, one line each; without the one that is told in full.
pub(super) fn excerpt(
    channel: &Channel,
    without: Option<&Message>,
) -> Result<Option<Text>, JsonlError> {
    let page = channel.newest(&Filter::default(), EXCERPT_MESSAGES, None)?;
    let lines: Vec<String> = page
        .messages
        .iter()
        .filter(|message| without.is_none_or(|without| without.id != message.id))
        .map(line)
        .collect();
    Ok((!lines.is_empty()).then(|| Text::new(lines.join("\n"), CHANNEL_SOURCE)))
}

fn line(message: &Message) -> String {
    format!(
        "- #{} `{}` from `{}` to `{}`: {}",
        message.seq,
        message.kind,
        message.from,
        message.to,
        shortened(&message.body, EXCERPT_CHARS)
    )
}

/// `text` on one line with at most `chars` characters of its own.
pub(super) fn shortened(text: &str, chars: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(chars) {
        None => line,
        Some((end, _)) => format!("{} [...]", line.get(..end).unwrap_or_default().trim_end()),
    }
}
