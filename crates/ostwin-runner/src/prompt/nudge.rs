//! What a session is told that ended its turn without a signal.

use ostwin_core::ids::SignalName;

use super::texts;

/// The one reminder that a session without a signal gets, in the same session.
pub fn nudge(signals: &[SignalName]) -> String {
    let names: Vec<String> = signals.iter().map(|signal| format!("`{signal}`")).collect();
    let allowed = match names.as_slice() {
        [] => "the signal that your instructions name".to_owned(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    };
    format!(
        "You ended your turn, but this room has no signal from you, so nothing has moved. If the \
         work is finished, post it now with {}: type {allowed}, with what the last section of your \
         instructions asks for. If something stops you, post that instead and say what it is. \
         This is the only reminder; without a signal the attempt counts as failed.",
        texts::post_tool_names()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_every_signal_that_would_end_the_session() {
        let signals = ["done", "error", "escalate"].map(|name| name.parse().unwrap());
        let text = nudge(&signals);
        assert!(text.contains("type `done`, `error` or `escalate`, with"), "{text}");
        assert!(text.contains("mcp__warroom__post_message"), "{text}");
    }
}
