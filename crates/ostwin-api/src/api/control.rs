//! A person's word about a run: begun, stopped, paused, approved, and about a single room.

use std::time::Duration;

use ostwin_core::control::{self, Acted, Ask, ControlError, Decision};
use ostwin_core::ids::{PlanId, RoomId, RunId, SignalName, StateName};
use ostwin_core::plan_review::Expected;
use ostwin_core::plans::StoredPlan;
use ostwin_watch::Changed;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::plan_text::BegunAnswer;
use super::plans::PlanPath;
use super::review::proposal;
use super::rooms::RoomPath;
use crate::call::Call;
use crate::http::{Problem, Route, post};
use crate::sibling::ostwin;

/// How long a plan may take to be driven: longer than the command that starts it waits.
const START: Duration = Duration::from_secs(45);

/// The routes.
pub(super) fn routes() -> Vec<Route> {
    vec![
        post("/api/plans/{id}/run", "Starts an engine, a process of its own", 202, run),
        post("/api/plans/{id}/stop", "Ends the run of a plan in order", 200, stop),
        post(
            "/api/plans/{id}/pause",
            "Opens no session any more; what runs may finish",
            200,
            pause,
        ),
        post("/api/plans/{id}/resume", "Ends such a pause", 200, resume),
        post("/api/plans/{id}/approve", "The reviewed plan may run", 200, approve),
        post("/api/plans/{id}/reject", "The reviewed plan does not run", 200, reject),
        post("/api/rooms/{id}/status", "What a person decides about a room", 200, decide),
    ]
    .into_iter()
    // An engine, or the command that starts one, may not answer in time.
    .map(|route| route.or(&[504]))
    .collect()
}

/// How a plan is run.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Run {
    /// `off`, `auto` or `human`; the setting `plan_review` if left out.
    #[serde(default)]
    review: Option<ReviewRule>,
    /// Most sessions at once.
    #[serde(default)]
    max_rooms: Option<u32>,
    /// The agent program.
    #[serde(default)]
    agent: Option<String>,
    /// The model.
    #[serde(default)]
    model: Option<String>,
    /// First take the file that the plan was imported from as its text, if it was edited since.
    #[serde(default)]
    resume: bool,
    /// With `resume`: what becomes of epics that have begun and that the edit changes or removes.
    #[serde(default)]
    begun: Option<BegunAnswer>,
    /// Run it from the beginning, as a new plan with rooms of its own.
    #[serde(default)]
    new: bool,
}

/// Who lets a plan run.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum ReviewRule {
    /// Nobody is asked.
    Off,
    /// A review by a session.
    Auto,
    /// A review by a session, and then a person.
    Human,
}

/// The run that began.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Started {
    /// The plan.
    plan_id: PlanId,
    /// The run.
    run_id: RunId,
    /// The engine's process.
    pid: u32,
    /// Where its output goes.
    log: String,
}

fn run(call: &Call, path: PlanPath, run: Run) -> Result<Started, Problem> {
    let served = call.one()?;
    let view = served.view(&path.id)?;
    if control::is_driven(&view.plan.paths)? {
        return Err(Problem::conflict(format!("an engine drives plan `{}` already", path.id)));
    }
    if run.begun.is_some() && !run.resume {
        return Err(Problem::unprocessable("`begun` says what `resume` does: send both"));
    }
    if run.new && run.resume {
        return Err(Problem::unprocessable("`new` and `resume` exclude each other"));
    }
    // The command line takes an edit by the file's name; by its id a plan goes on as it is.
    let named = match run.resume {
        true => source(&view.plan)?,
        false => path.id.to_string(),
    };
    let mut args = vec!["run".to_owned(), named, "--detach".to_owned()];
    if run.resume {
        args.push("--resume".to_owned());
    }
    if run.new {
        args.push("--new".to_owned());
    }
    args.extend(run.begun.map(|begun| format!("--begun={}", begun.as_str())));
    let rule = run.review.map(|rule| match rule {
        ReviewRule::Off => "off",
        ReviewRule::Auto => "auto",
        ReviewRule::Human => "human",
    });
    args.extend(rule.map(|rule| format!("--review={rule}")));
    args.extend(run.max_rooms.map(|rooms| format!("--max-rooms={rooms}")));
    args.extend(run.agent.map(|agent| format!("--agent={agent}")));
    args.extend(run.model.map(|model| format!("--model={model}")));
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let answer = ostwin(served, &args, START)?;
    served.refresh(Some(Changed::EngineFile(path.id.clone())));
    // Of a plan that is finished the command line shows the board instead.
    if answer.get("pid").is_none() {
        let id = &path.id;
        return Err(Problem::conflict(format!(
            "nothing of plan `{id}` is left to do; `new` runs it again, as a new plan"
        )));
    }
    serde_json::from_value(answer).map_err(|error| Problem::internal(&error))
}

/// The file that a plan was imported from.
fn source(plan: &StoredPlan) -> Result<String, Problem> {
    let file = &plan.meta.source_path;
    match file.to_str().filter(|_| file.is_file()) {
        Some(name) => Ok(name.to_owned()),
        None => Err(Problem::conflict(format!(
            "plan `{}` comes from no file that is there: save its text here, and run it without \
             `resume`",
            plan.meta.plan_id
        ))),
    }
}

/// How a run is ended.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Stop {
    /// Kill its sessions at once instead of asking them to end.
    #[serde(default)]
    force: bool,
}

/// What became of a request.
#[derive(Debug, Serialize, JsonSchema)]
struct Answered {
    /// Whether it is done.
    result: Outcome,
    /// In words.
    reason: String,
}

/// What became of a request. One that was refused is a problem.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    /// It was carried out.
    Done,
    /// The engine has it and has not answered yet.
    Pending,
}

fn stop(call: &Call, path: PlanPath, stop: Stop) -> Result<Answered, Problem> {
    let served = call.one()?;
    let project = served.project();
    // A plan that is not there is said to be so.
    served.view(&path.id)?;
    let asked = control::ask(&project, &path.id, &call.app.actor, Ask::Stop { force: stop.force });
    let answered = match asked {
        Ok(event) => {
            let reason = event.reason.unwrap_or_else(|| "stopped".to_owned());
            Answered { result: Outcome::Done, reason }
        }
        Err(error @ ControlError::NoAnswer { .. }) => {
            Answered { result: Outcome::Pending, reason: error.to_string() }
        }
        Err(error) => return Err(error.into()),
    };
    served.refresh(Some(Changed::EngineFile(path.id)));
    Ok(answered)
}

/// What is paused.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PauseOf {
    /// Only this room of the plan.
    #[serde(default)]
    room: Option<RoomId>,
}

fn pause(call: &Call, path: PlanPath, of: PauseOf) -> Result<Answered, Problem> {
    paused(call, path, &of, true)
}

fn resume(call: &Call, path: PlanPath, of: PauseOf) -> Result<Answered, Problem> {
    paused(call, path, &of, false)
}

fn paused(call: &Call, path: PlanPath, of: &PauseOf, paused: bool) -> Result<Answered, Problem> {
    let served = call.one()?;
    served.view(&path.id)?;
    if let Some(room) = &of.room {
        let (_, room) = call.room(room)?;
        let own = room.contract()?.plan_id;
        if own != path.id {
            let text = format!("`{}` is a room of plan `{own}`", room.id());
            return Err(Problem::unprocessable(text));
        }
    }
    let project = served.project();
    let acted = control::pause(&project, &path.id, of.room.as_ref(), paused, &call.app.actor)?;
    served.refresh(Some(Changed::PlanEvents(path.id)));
    Ok(done(acted))
}

fn done(acted: Acted) -> Answered {
    let (Acted::ByEngine(event) | Acted::Here(event)) = acted;
    Answered { result: Outcome::Done, reason: event.reason.unwrap_or_default() }
}

/// Which text is approved.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Approval {
    /// SHA-256 of the text that was shown and that is to run; the one that is there if left out.
    #[serde(default)]
    text_sha256: Option<String>,
}

fn approve(call: &Call, path: PlanPath, approval: Approval) -> Result<Answered, Problem> {
    let served = call.one()?;
    let view = served.view(&path.id)?;
    let (room, reviewed) = proposal(&served.project(), &view.plan)?;
    let texts = Expected::of(&reviewed);
    if approval.text_sha256.is_some_and(|shown| shown != texts.text_sha256) {
        let text = "the text that would run is not the one that was shown: look at it again";
        return Err(Problem::conflict(text));
    }
    let Expected { plan_sha256, text_sha256 } = texts;
    let decision = Decision::ApprovePlan { plan_sha256, text_sha256 };
    let acted = control::act_on_room(&room, &call.wish(decision, "the plan may run"))?;
    served.refresh(Some(Changed::RoomAudit(room.id().clone())));
    Ok(done(acted))
}

/// Why a plan does not run.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Rejection {
    /// Why.
    reason: String,
}

fn reject(call: &Call, path: PlanPath, rejection: Rejection) -> Result<Answered, Problem> {
    let served = call.one()?;
    let view = served.view(&path.id)?;
    let (room, _) = super::review::review_room(&served.project(), &view.plan)?;
    let wish = call.wish(Decision::RejectPlan, &rejection.reason);
    let acted = control::act_on_room(&room, &wish)?;
    served.refresh(Some(Changed::RoomAudit(room.id().clone())));
    Ok(done(acted))
}

/// What a person decides about a room: a state, or a verdict.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RoomDecision {
    /// The state that the room is in from now on.
    #[serde(default)]
    state: Option<StateName>,
    /// `retry`, `cancel`, or an answer that the room's state takes: `fix`, `redesign`, `replan`,
    /// `reject`.
    #[serde(default)]
    verdict: Option<SignalName>,
    /// Why; of a verdict, what it says. It is what the audit tells.
    reason: String,
    /// Also where the machine draws no such way.
    #[serde(default)]
    force: bool,
}

fn decide(call: &Call, path: RoomPath, decided: RoomDecision) -> Result<Answered, Problem> {
    let (served, room) = call.room(&path.id)?;
    let decision = match (decided.state, decided.verdict) {
        (Some(state), None) => Decision::SetStatus { state, force: decided.force },
        (None, Some(verdict)) => match verdict.as_str() {
            "retry" => Decision::Retry,
            "cancel" => Decision::Cancel,
            _ => Decision::Verdict { signal: verdict },
        },
        _ => return Err(Problem::unprocessable("give either `state` or `verdict`")),
    };
    let acted = control::act_on_room(&room, &call.wish(decision, &decided.reason))?;
    served.refresh(Some(Changed::RoomAudit(room.id().clone())));
    Ok(done(acted))
}
