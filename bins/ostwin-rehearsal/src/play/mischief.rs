//! The steps of somebody who doesn't do the job: what supervision is for.

use std::io::Write as _;
use std::time::Duration;

use agent_client_protocol::Error;
use agent_client_protocol::v1::schema::ToolKind;
use rustix::process::{Signal, getpid, kill_process};
use serde_json::{Value, json};

use super::player::{Player, Then};
use crate::script::{Crash, Flood, FloodTo, Hang, Impersonate, Late, Step};
use crate::stray;
use crate::tools::{Server, WARROOM};

/// One message of a flood.
const DROP_BYTES: usize = 64 << 10;

/// Does what the step says.
pub(super) async fn commit(player: &mut Player<'_>, step: &Step) -> Then {
    match step {
        Step::Crash(how) => crash(how),
        Step::Hang(how) => hang(player, how).await,
        Step::Impersonate(whom) => impersonate(player, whom).await,
        Step::Late(late) => be_late(player, late).await,
        Step::Flood(flood) => pour(player, flood).await,
        Step::Fork(fork) => {
            let said = match stray::spawn(fork.seconds, fork.keep_mark, fork.hold_output) {
                Ok(pid) => format!("Process {pid} will not want to go.\n"),
                Err(error) => format!("{error:#}\n"),
            };
            player.stream.say(said);
            Then::Next
        }
        Step::RateLimit(limit) => {
            if player.part.refused >= limit.times {
                player.part.refused = 0;
                return Then::Next;
            }
            player.part.refused += 1;
            let mut text = "Rate limit exceeded (rehearsed)".to_owned();
            if let Some(seconds) = limit.resets_in_seconds {
                text.push_str(&format!(". Please try again in {seconds}s."));
            }
            let error = Error::new(429, text);
            Then::Refuse(error.data(json!({ "status": 429 })))
        }
        Step::AuthRequired => Then::Refuse(Error::auth_required()),
        Step::AgentError(error) => {
            Then::Refuse(Error::internal_error().data(player.fill(&error.text)))
        }
        // Everything else was played by the player.
        _ => Then::Next,
    }
}

#[expect(clippy::exit, clippy::disallowed_methods, reason = "a sudden end is what the step is")]
fn crash(how: &Crash) -> Then {
    match how.exit_code {
        Some(code) => std::process::exit(code.into()),
        None => match kill_process(getpid(), Signal::KILL) {
            Ok(()) => Then::Next,
            Err(error) => Then::Refuse(Error::internal_error().data(error.to_string())),
        },
    }
}

async fn hang(player: &mut Player<'_>, how: &Hang) -> Then {
    if how.stubborn {
        player.part.stubborn = true;
        player.stage.outlive(std::future::pending());
        // Last: who looks from outside whether the agent is stubborn yet sees its signal handlers.
        if let Err(error) = stray::deafen() {
            return Then::Refuse(Error::internal_error().data(format!("{error:#}")));
        }
    }
    std::future::pending().await
}

async fn impersonate(player: &mut Player<'_>, whom: &Impersonate) -> Then {
    let Some(server) = player.session.servers.find(WARROOM) else { return Then::Next };
    let mut options = Vec::new();
    if let Some(role) = &whom.role {
        options.push(("--role", role.as_str()));
    }
    if let Some(attempt) = &whom.attempt {
        options.push(("--attempt", attempt.as_str()));
    }
    let (tool, arguments) = match &whom.status {
        Some(status) => {
            ("update_status", json!({ "status": status, "reason": "[rehearsed] a lie" }))
        }
        None => {
            let contract = &player.part.contract;
            let first = contract.signals.first().map_or("done", String::as_str);
            let signal = whom.signal.as_deref().unwrap_or(first);
            let message = json!({
                "to": "engine",
                "type": signal,
                "ref": contract.reference,
                "body": "[rehearsed] a lie about who I am",
                "data": { "rehearsed": true, "summary": "a lie" },
            });
            ("post_message", message)
        }
    };
    let title = format!("somebody else's {WARROOM}: {tool}");
    let id = player.stream.tool_started(&title, ToolKind::Other, &arguments);
    let answer = match server.copy_with(&options).await {
        Ok(copy) => copy.call(tool, &arguments).await,
        Err(error) => Err(error),
    };
    let (ok, value) = match answer {
        Ok(answer) => (answer.ok, answer.value),
        Err(error) => (false, json!(format!("{error:#}"))),
    };
    player.stream.tool_ended(id, ok, &value);
    player.stream.say(format!("As somebody else I was heard: {ok}. {value}\n"));
    Then::Next
}

/// Waits for the end of the attempt, which shows as SIGTERM, and only then
/// posts. The servers of the session are gone by then, so a new one is started.
async fn be_late(player: &mut Player<'_>, late: &Late) -> Then {
    let Some(message) = player.decide().await else { return Then::Next };
    let Some(server) = player.session.servers.find(WARROOM) else { return Then::Next };
    let copy = server.recipe();
    let wait = late.after_ms.map(Duration::from_millis);
    player.stage.outlive(async move {
        if let Err(error) = post_late(copy, wait, &message).await {
            tracing::warn!("the late message was not sent: {error:#}");
        }
    });
    player.part.stubborn = true;
    std::future::pending().await
}

async fn post_late(
    copy: impl Future<Output = anyhow::Result<Server>>,
    wait: Option<Duration>,
    message: &Value,
) -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut asked_to_end = signal(SignalKind::terminate())?;
    match wait {
        Some(wait) => tokio::time::sleep(wait).await,
        None => drop(asked_to_end.recv().await),
    }
    let answer = copy.await?.call("post_message", message).await?;
    tracing::warn!(accepted = answer.ok, "the late message was answered: {}", answer.value);
    Ok(())
}

async fn pour(player: &mut Player<'_>, flood: &Flood) -> Then {
    let drops = (flood.mib as usize) << 4;
    let mut filling = vec![b'~'; DROP_BYTES];
    if flood.to == FloodTo::Noise || flood.to == FloodTo::Stderr {
        filling[DROP_BYTES - 1] = b'\n';
    }
    for _ in 0..drops {
        let written = match flood.to {
            FloodTo::Updates => {
                player.stream.say(String::from_utf8_lossy(&filling));
                Ok(())
            }
            FloodTo::Line | FloodTo::Noise => std::io::stdout().lock().write_all(&filling),
            FloodTo::Stderr => std::io::stderr().lock().write_all(&filling),
        };
        if written.is_err() {
            break;
        }
        // Whoever cancels or closes is heard in between.
        tokio::task::yield_now().await;
    }
    // The line of a flood stays open on purpose: what follows runs into it.
    let _ = std::io::stdout().lock().flush();
    Then::Next
}
