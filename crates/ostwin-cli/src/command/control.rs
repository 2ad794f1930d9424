//! A person's word about a run: `pause`, `resume`, `retry`, `cancel`, and what `room` shares with
//! them.

use ostwin_core::control::{self, ActError, Acted, ControlError, Decision, Wish};
use ostwin_core::ids::{PlanId, RoomId};
use ostwin_core::project::Project;
use ostwin_core::room::{Room, RoomError};
use ostwin_service::{Exit, Explain, Failure};
use serde_json::json;

use crate::args::{CancelArgs, PlanOrRoom, RetryArgs};
use crate::context::{Context, actor, stored_plan};
use crate::out::remark;

pub(crate) fn retry(context: &Context, args: &RetryArgs) -> anyhow::Result<Exit> {
    decide(context, &args.room, Decision::Retry, &args.reason)
}

pub(crate) fn cancel(context: &Context, args: &CancelArgs) -> anyhow::Result<Exit> {
    decide(context, &args.room, Decision::Cancel, &args.reason)
}

/// Carries out what the user decided about a room, and says where it stands then.
pub(super) fn decide(
    context: &Context,
    id: &RoomId,
    decision: Decision,
    reason: &str,
) -> anyhow::Result<Exit> {
    let (project, _) = context.project()?;
    let room = Room::open(&project, id).exit(Exit::Usage)?;
    let wish =
        Wish { decision, reason: reason.to_owned(), actor: actor(), program: "cli".to_owned() };
    let advice = format!("`ostwin room show {id}` shows its state and the ways out");
    let acted = explained(control::act_on_room(&room, &wish), advice)?;
    let state = room.standing()?.state;
    if context.out.json {
        context.out.json(&json!({"room": id, "state": state, "done_by": done_by(&acted)}))?;
        return Ok(Exit::Ok);
    }
    remark(&match acted {
        Acted::ByEngine(_) => format!("`{id}` is in `{state}` now; the engine goes on with it"),
        Acted::Here(_) => {
            let plan = room.contract()?.plan_id;
            format!("`{id}` is in `{state}` now; `ostwin run {plan}` goes on with it")
        }
    });
    Ok(Exit::Ok)
}

/// Pauses what is meant, or ends its pause.
pub(crate) fn pause(context: &Context, what: &PlanOrRoom, paused: bool) -> anyhow::Result<Exit> {
    let (project, _) = context.project()?;
    let (plan, room) = meant(&project, what)?;
    let acted = control::pause(&project, &plan, room.as_ref(), paused, &actor());
    let acted = explained(acted, format!("`ostwin status {plan}` shows how it stands"))?;
    if context.out.json {
        let said = json!({
            "plan_id": plan, "room": room, "paused": paused, "done_by": done_by(&acted),
        });
        context.out.json(&said)?;
        return Ok(Exit::Ok);
    }
    let (name, of) = match &room {
        Some(room) => (format!("`{room}`"), room.to_string()),
        None => (format!("plan `{plan}`"), plan.to_string()),
    };
    remark(&match paused {
        true => format!("{name} is paused: what runs may finish; `ostwin resume {of}` goes on"),
        false => format!("{name} is not paused any more"),
    });
    Ok(Exit::Ok)
}

/// The plan and the room that are meant. A room says by itself which plan it belongs to.
fn meant(project: &Project, what: &PlanOrRoom) -> anyhow::Result<(PlanId, Option<RoomId>)> {
    let named = what.target.as_deref();
    let alone = named.and_then(|name| name.parse::<RoomId>().ok()).filter(|_| what.room.is_none());
    let plan_of = |room: &RoomId| -> anyhow::Result<PlanId> {
        Ok(Room::open(project, room).exit(Exit::Usage)?.contract()?.plan_id)
    };
    if let Some(room) = alone {
        return Ok((plan_of(&room)?, Some(room)));
    }
    let plan = stored_plan(project, named)?.meta.plan_id;
    if let Some(room) = &what.room {
        let own = plan_of(room)?;
        if own != plan {
            let text = format!("`{room}` is a room of plan `{own}`, not of `{plan}`");
            return Err(Failure::new(Exit::Usage, text).into());
        }
    }
    Ok((plan, what.room.clone()))
}

fn done_by(acted: &Acted) -> &'static str {
    match acted {
        Acted::ByEngine(_) => "engine",
        Acted::Here(_) => "here",
    }
}

/// What was not carried out, with the exit code that says whose matter it is.
fn explained(acted: Result<Acted, ActError>, advice: String) -> anyhow::Result<Acted> {
    let refused = acted.as_ref().is_err_and(|error| {
        matches!(
            error,
            ActError::NoReason
                | ActError::NoChange { .. }
                | ActError::Room(RoomError::State { .. } | RoomError::Step { .. })
                | ActError::Control(ControlError::Refused { .. })
        )
    });
    let exit = if refused { Exit::Usage } else { Exit::Environment };
    acted.exit(exit).hint(advice)
}
