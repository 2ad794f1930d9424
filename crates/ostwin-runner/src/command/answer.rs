//! The answer of a program in its last line, posted for it.

use ostwin_core::config::{self, Places};
use ostwin_core::env;
use ostwin_core::ids::{AttemptId, RoleRef, RoomId, SignalName};
use ostwin_core::layout::Layout;
use ostwin_core::project::Project;
use ostwin_core::redact::Secrets;
use ostwin_core::room::{self, PostRequest, Room, Speaker};
use serde::Deserialize;
use serde_json::Value;

use super::program::LastLine;

/// What a last line may hold.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    signal: SignalName,
    #[serde(default)]
    body: String,
    #[serde(default)]
    data: Option<Value>,
    #[serde(default)]
    to: Option<RoleRef>,
}

/// What an answer has to look like, for whoever did not give one.
const SHAPE: &str =
    r#"the last line printed must be {"signal":"TYPE","body":"...","data":{...}} on one line"#;

/// Reads an answer.
fn read(line: Option<LastLine>) -> Result<Answer, String> {
    match line {
        None => Err(format!("nothing was printed; {SHAPE}")),
        Some(LastLine::TooLong) => Err(format!("the last line is longer than 1 MiB; {SHAPE}")),
        Some(LastLine::Text(line)) => {
            serde_json::from_str(&line).map_err(|error| format!("{error}; {SHAPE}"))
        }
    }
}

/// Posts the answer as the session that the environment names; the room's checks are those of the
/// tool. Says why it was not posted.
pub(super) fn post(line: Option<LastLine>, secrets: &Secrets) -> Result<SignalName, String> {
    let answer = read(line)?;
    let (room, speaker) = seat(secrets)?;
    let to = match answer.to {
        Some(to) => to,
        None => room.contract().map_err(|error| error.to_string())?.assignment.assigned_role,
    };
    let signal = answer.signal.clone();
    let request = PostRequest {
        to,
        kind: answer.signal,
        reference: None,
        body: answer.body,
        data: answer.data,
    };
    room::post(&room, &speaker, request).map(|_| signal).map_err(|refusal| refusal.to_string())
}

/// The room and the speaker of this session.
fn seat(secrets: &Secrets) -> Result<(Room, Speaker), String> {
    let root = variable(env::PROJECT)?;
    let layout = Layout::new(root);
    let loaded = config::load(&Places::of_process(Some(&layout)), Vec::new())
        .map_err(|error| error.to_string())?;
    let secrets = Secrets::of_this_process().and(secrets);
    let project = Project::configured(layout, &loaded.settings.config, secrets)
        .map_err(|error| error.to_string())?;
    let id: RoomId = variable(env::ROOM)?.parse().map_err(wrong(env::ROOM))?;
    let attempt: AttemptId = variable(env::ATTEMPT)?.parse().map_err(wrong(env::ATTEMPT))?;
    let role: RoleRef = variable(env::ROLE)?.parse().map_err(wrong(env::ROLE))?;
    let room = Room::open(&project, &id).map_err(|error| error.to_string())?;
    Ok((room, Speaker { role, attempt: Some(attempt) }))
}

fn variable(name: &str) -> Result<String, String> {
    let value = env::var(name).filter(|value| !value.is_empty());
    value.ok_or_else(|| format!("{name} is not set, so the answer belongs to no room"))
}

fn wrong<E: std::fmt::Display>(name: &str) -> impl Fn(E) -> String {
    move |error| format!("{name}: {error}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_last_line_is_an_answer_or_says_what_it_lacks() {
        let text = |text: &str| read(Some(LastLine::Text(text.to_owned())));
        assert_eq!(
            text(r#"{"signal":"done","body":"it stands","data":{"files":2}}"#),
            Ok(Answer {
                signal: "done".parse().unwrap(),
                body: "it stands".to_owned(),
                data: Some(json!({"files": 2})),
                to: None,
            })
        );
        for line in ["finished.", "{}", r#"{"signal":"a b"}"#, r#"{"signal":"done","verdict":1}"#] {
            let problem = text(line).unwrap_err();
            assert!(problem.ends_with(SHAPE), "{line}: {problem}");
        }
        assert!(read(None).unwrap_err().starts_with("nothing was printed"));
        assert!(read(Some(LastLine::TooLong)).unwrap_err().contains("1 MiB"));
    }
}
