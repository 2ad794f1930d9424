//! What an attempt before this one asked a person, and what came of it.

use std::fmt::Write as _;
use std::time::Duration;

use ostwin_core::room::{Asks, Outcome, Question, Room};

use super::error::PrepareError;
use super::session::AttemptFacts;
use crate::prompt::Text;

/// The questions that ended the attempt right before `attempt`, with their answers.
pub(super) fn of_earlier(
    room: &Room,
    attempt: &AttemptFacts,
    patience: Duration,
) -> Result<Option<Text>, PrepareError> {
    let earlier = room.attempt_before(attempt.number)?;
    let Some(earlier) = earlier.filter(|earlier| {
        earlier.record.outcome == Some(Outcome::Waiting)
            && earlier.record.state == attempt.state
            && earlier.record.role == attempt.role
    }) else {
        return Ok(None);
    };
    let told: Vec<String> = room.questions(&earlier.record, patience)?.iter().map(told).collect();
    let source = format!("`{}`", room.paths().channel().display());
    Ok((!told.is_empty()).then(|| Text::new(told.join("\n\n"), source)))
}

fn told(question: &Question) -> String {
    let mut text = String::new();
    let kind = match question.asks {
        Asks::Answer => "You asked",
        Asks::Permission => "You wanted to be allowed",
    };
    let _ = writeln!(text, "{kind} (message `{}`):\n\n{}\n", question.id, question.text.trim());
    let _ = match (&question.reply, question.asks) {
        (Some(reply), Asks::Answer) => {
            write!(text, "The answer of {}:\n\n{}", reply.by, reply.text.trim())
        }
        (Some(reply), Asks::Permission) if reply.allowed => {
            write!(text, "{}. Ask for it again: it is given at once.", reply.text.trim())
        }
        (Some(reply), Asks::Permission) => {
            write!(text, "{}. Do without it, or escalate.", reply.text.trim())
        }
        (None, Asks::Answer) => {
            write!(text, "Nobody answered in time. Decide by yourself and say so, or escalate.")
        }
        (None, Asks::Permission) => {
            write!(text, "Nobody answered in time, so it is denied. Do without it, or escalate.")
        }
    };
    text
}
