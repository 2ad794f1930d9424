//! A person's word about a plan or a room, whoever drives the plan.
//!
//! The command line, the dashboard and the bots all come through here. While an engine drives the
//! plan it is asked, because it holds the session that may have to end first; otherwise the plan's
//! lock is taken for the moment, and what the engine would have done is done here.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{Ask, ControlError, Decision, Pauses, ask, carry_out, is_driven};
use crate::env;
use crate::events::{AUDIT_SEQ, Event, EventKind, Events};
use crate::ids::{AttemptId, PlanId, RoomId};
use crate::jsonl::JsonlError;
use crate::layout::PlanPaths;
use crate::lifecycle::Cause;
use crate::lock::{self, LockError};
use crate::project::Project;
use crate::room::{Attempt, Ended, Outcome, Room, RoomError, Why};

/// How long a guardian whose engine is gone may take to end its session: longer than any usual
/// grace.
const GUARDIAN_PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(50);

/// What a person wants of a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// What was decided.
    pub decision: Decision,
    /// Why, in one sentence; of a verdict, what it says.
    pub reason: String,
    /// The person's name.
    pub actor: String,
    /// The program that was used: `cli`, `dashboard`, `discord`.
    pub program: String,
}

/// How a wish came true, with the event that tells of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Acted {
    /// The plan's engine did it, and answered with this event.
    ByEngine(Box<Event>),
    /// It was done here, and recorded as this event.
    Here(Box<Event>),
}

/// Why a wish did not come true. The room is as it was.
#[derive(Debug, thiserror::Error)]
pub enum ActError {
    /// A reason is required: it is what the audit says.
    #[error("a reason is needed: it is what the room's audit will say")]
    NoReason,
    /// The engine could not be asked, or refused.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// The plan or the room is paused already, or is not.
    #[error("{what} is {} paused", if *paused { "already" } else { "not" })]
    NoChange {
        /// What was to be paused or resumed.
        what: String,
        /// Whether it is paused.
        paused: bool,
    },
    /// The room refuses, or cannot be read or changed.
    #[error(transparent)]
    Room(#[from] RoomError),
    /// A lock could not be taken.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The plan's events could not be read or written. If a room was to move, it has.
    #[error("the plan's events could not be written")]
    Event(#[source] JsonlError),
    /// The session of an engine that is gone still runs.
    #[error(
        "the session of attempt {attempt} in `{room}` has not ended although its engine is gone; try again in a moment"
    )]
    StillRuns {
        /// The room.
        room: RoomId,
        /// The attempt.
        attempt: AttemptId,
    },
    /// The open attempt may still run on another machine.
    #[error(
        "attempt {attempt} of `{room}` runs on host `{host}`: decide there, or after its deadline"
    )]
    Elsewhere {
        /// The room.
        room: RoomId,
        /// The attempt.
        attempt: AttemptId,
        /// The other machine.
        host: String,
    },
}

/// Carries out what a person decided about a room.
///
/// # Errors
/// [`ActError`]; the room is then as it was, unless the error says otherwise.
pub fn act_on_room(room: &Room, wish: &Wish) -> Result<Acted, ActError> {
    if wish.reason.trim().is_empty() {
        return Err(ActError::NoReason);
    }
    let contract = room.contract()?;
    let project = room.project();
    let paths = project.layout().plan(&contract.plan_id);
    let here = || {
        let event = decide_here(room, wish)?;
        Ok(Event { epic: Some(contract.task_ref.clone()), ..event })
    };
    // A room whose plan's folder is gone has no engine and no lock.
    if !paths.dir().is_dir() {
        return Ok(Acted::Here(Box::new(here()?)));
    }
    let request = Ask::Room {
        room: room.id().clone(),
        decision: wish.decision.clone(),
        reason: wish.reason.clone(),
    };
    by_engine_or_here(project, &contract.plan_id, &wish.actor, &request, &paths, here)
}

/// Pauses a plan or one of its rooms, or ends such a pause.
///
/// # Errors
/// [`ActError`]; nothing has changed then.
pub fn pause(
    project: &Project,
    plan: &PlanId,
    room: Option<&RoomId>,
    paused: bool,
    actor: &str,
) -> Result<Acted, ActError> {
    let paths = project.layout().plan(plan);
    let request = match paused {
        true => Ask::Pause { room: room.cloned() },
        false => Ask::Resume { room: room.cloned() },
    };
    by_engine_or_here(project, plan, actor, &request, &paths, || {
        let past = Events::new(paths.events()).read_all().map_err(ActError::Event)?;
        pause_event(&Pauses::of(&past), plan, room, paused, actor)
    })
}

/// The event by which `room`, or without one the plan, is paused or goes on.
///
/// # Errors
/// [`ActError::NoChange`] if it is so already.
pub fn pause_event(
    pauses: &Pauses,
    plan: &PlanId,
    room: Option<&RoomId>,
    paused: bool,
    actor: &str,
) -> Result<Event, ActError> {
    if pauses.includes(room) == paused {
        let what = match room {
            Some(room) => format!("room `{room}`"),
            None => format!("plan `{plan}`"),
        };
        return Err(ActError::NoChange { what, paused });
    }
    let kind = if paused { EventKind::Paused } else { EventKind::Unpaused };
    Ok(Event { room: room.cloned(), reason: Some(format!("by {actor}")), ..Event::new(kind) })
}

/// Asks the plan's engine; without one takes the plan's lock, does it with `here`, and records the
/// event that it gives.
fn by_engine_or_here(
    project: &Project,
    plan: &PlanId,
    actor: &str,
    request: &Ask,
    paths: &PlanPaths,
    here: impl Fn() -> Result<Event, ActError>,
) -> Result<Acted, ActError> {
    loop {
        if is_driven(paths)? {
            match ask(project, plan, actor, request.clone()) {
                Ok(event) => return Ok(Acted::ByEngine(Box::new(event))),
                Err(ControlError::NotRunning { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let taken = lock::exclusive(&paths.engine_lock(), Duration::ZERO, || {
            let event = here()?;
            let events = Events::new(paths.events());
            let event = events.append(project.store(), event).map_err(ActError::Event)?;
            Ok(Acted::Here(Box::new(event)))
        });
        match taken {
            Ok(outcome) => return outcome,
            // An engine has started meanwhile: it is the one to ask.
            Err(LockError::Busy { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Does it here. Nobody drives the plan, and nobody else can begin to meanwhile.
fn decide_here(room: &Room, wish: &Wish) -> Result<Event, ActError> {
    if let Some(open) = room.open_attempt()? {
        wait_for_end(room, &open)?;
        close(room, &open, wish)?;
    }
    let why = Why {
        cause: Cause::Override(wish.program.clone()),
        attempt: None,
        actor: wish.actor.clone(),
        reason: wish.reason.clone(),
    };
    let entry = carry_out(room, &wish.decision, why)?;
    Ok(Event {
        room: Some(room.id().clone()),
        from: entry.from,
        to: Some(entry.to),
        signal: entry.signal,
        reason: Some(format!("{}: {}", entry.actor, entry.reason)),
        data: Some(json!({ AUDIT_SEQ: entry.seq })),
        ..Event::new(EventKind::Moved)
    })
}

fn close(room: &Room, open: &Attempt, wish: &Wish) -> Result<(), RoomError> {
    let reason = format!("{} decided about the room", wish.actor);
    let ended = Ended::with(Outcome::Cancelled, reason);
    room.locked(|locked| locked.close_attempt(&open.record.id, ended))?;
    Ok(())
}

/// The guardian of an engine that is gone ends its session by itself: waits until it has.
fn wait_for_end(room: &Room, open: &Attempt) -> Result<(), ActError> {
    let record = &open.record;
    let gone_by = record.deadline_at.plus(GUARDIAN_PATIENCE);
    if record.host != env::host() {
        if room.project().store().now() < gone_by {
            return Err(ActError::Elsewhere {
                room: room.id().clone(),
                attempt: record.id.clone(),
                host: record.host.clone(),
            });
        }
        return Ok(());
    }
    let start = Instant::now();
    while lock::is_held(&open.paths.session_lock())? {
        if start.elapsed() >= GUARDIAN_PATIENCE {
            let (room, attempt) = (room.id().clone(), record.id.clone());
            return Err(ActError::StillRuns { room, attempt });
        }
        std::thread::sleep(POLL);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::mpsc;

    use serde_json::{Value, json};

    use super::*;
    use crate::control::{answer, pending};
    use crate::events::ControlResult;
    use crate::ids::{RoomId, SignalName};
    use crate::lifecycle::{GenerateOptions, ReviewRestart, TriageMode, generate};
    use crate::plan::{Entry, Epic};
    use crate::plans::{self, StoredPlan};
    use crate::project::{self, Project};
    use crate::room::{Contract, NewAttempt, NewRoom, create};
    use crate::store::{Durability, Store};

    struct Fixture {
        _dir: tempfile::TempDir,
        plan: StoredPlan,
        room: Room,
    }

    fn fixture() -> Fixture {
        let dir = tempfile::tempdir().unwrap();
        let store = Store { durability: Durability::Os, ..Store::default() };
        let (layout, _) = project::init(dir.path(), None, &json!({}), &store).unwrap();
        let project = Project::new(layout, store);
        let plan = plans::import(&project, Path::new("/PLAN.md"), b"# P", "P", false).unwrap();
        let roles = ["engineer".parse().unwrap(), "qa".parse().unwrap()];
        let options = GenerateOptions {
            default_role: "engineer".parse().unwrap(),
            review_role: None,
            skip_review: false,
            review_restart: ReviewRestart::Stage,
            triage: TriageMode::Person,
            max_retries: 3,
            max_triages: 1,
        };
        let epic = Epic::new("EPIC-001".parse().unwrap(), Entry::Epic);
        let now = project.store().now();
        let id = &plan.meta.plan_id;
        let contract =
            Contract::of_epic(&epic, id, RoomId::numbered(1), &roles, "/w".into(), now).unwrap();
        let new = NewRoom {
            contract,
            machine: generate(&roles, &options).unwrap(),
            brief: String::new(),
            tasks: String::new(),
            actor: "engine".to_owned(),
        };
        let room = create(&project, new).unwrap();
        Fixture { _dir: dir, plan, room }
    }

    fn wish(state: &str, force: bool, reason: &str) -> Wish {
        Wish {
            decision: Decision::SetStatus { state: state.parse().unwrap(), force },
            reason: reason.to_owned(),
            actor: "ada".to_owned(),
            program: "test".to_owned(),
        }
    }

    fn state(room: &Room) -> String {
        room.standing().unwrap().state.to_string()
    }

    #[test]
    fn without_an_engine_it_is_done_here_and_told() {
        let Fixture { _dir, plan, room } = fixture();
        let refused = act_on_room(&room, &wish("cancelled", true, "  ")).unwrap_err();
        assert!(matches!(refused, ActError::NoReason));
        let undrawn = act_on_room(&room, &wish("passed", false, "checked")).unwrap_err();
        assert!(undrawn.to_string().contains("--force"), "{undrawn}");
        assert_eq!(
            (state(&room).as_str(), plan.events().read_all().unwrap().len()),
            ("pending", 0)
        );

        let acted = act_on_room(&room, &wish("passed", true, "checked")).unwrap();
        let Acted::Here(event) = acted else { panic!("nobody was there to ask") };
        let audit = room.audit().unwrap();
        let entry = audit.iter().rev().find_map(|line| line.entry()).unwrap();
        assert_eq!(entry.cause, Cause::Override("test".to_owned()));
        assert_eq!(
            (entry.actor.as_str(), entry.reason.as_str(), entry.forced),
            ("ada", "checked", true)
        );
        assert_eq!(state(&room), "passed");
        let events = plan.events().read_all().unwrap();
        assert_eq!(events, [*event]);
        assert_eq!(events[0].reason.as_deref(), Some("ada: checked"));
        assert!(!is_driven(&plan.paths).unwrap(), "the lock is given back");
    }

    #[test]
    fn an_attempt_that_was_left_open_is_ended_first() {
        let Fixture { _dir, room, .. } = fixture();
        let ready = SignalName::new("ready").unwrap();
        room.locked(|room| room.signal(&ready, Why::engine("dependencies", "go"))).unwrap();
        let attempt = NewAttempt {
            role: "engineer".parse().unwrap(),
            agent: "rehearsal".to_owned(),
            model: None,
            rehearsed: true,
            run_id: "run-01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap(),
            timeout: Duration::from_secs(900),
            provenance: Value::Null,
        };
        room.locked(|room| room.open_attempt(attempt)).unwrap();
        act_on_room(&room, &wish("cancelled", true, "not now")).unwrap();
        assert_eq!(state(&room), "cancelled");
        let last = room.last_attempt().unwrap().unwrap().record;
        assert_eq!(last.outcome, Some(Outcome::Cancelled));
    }

    #[test]
    fn while_an_engine_drives_the_plan_it_is_asked() {
        let Fixture { _dir, plan, room } = fixture();
        let store = room.project().store().clone();
        let paths = plan.paths;
        let (held, is_held) = mpsc::channel();
        std::thread::scope(|scope| {
            let engine = scope.spawn(|| {
                lock::exclusive(&paths.engine_lock(), Duration::from_secs(5), || {
                    held.send(()).unwrap();
                    let request = loop {
                        if let Some(request) = pending(&paths).unwrap().pop() {
                            break request;
                        }
                        std::thread::yield_now();
                    };
                    answer(&store, &paths, None, &request, ControlResult::Done, "done").unwrap();
                    request
                })
            });
            is_held.recv().unwrap();
            let acted = act_on_room(&room, &wish("cancelled", false, "not now")).unwrap();
            assert!(matches!(acted, Acted::ByEngine(_)));
            let request = engine.join().unwrap().unwrap();
            assert_eq!(request.actor, "ada");
            let asked = Ask::Room {
                room: room.id().clone(),
                decision: Decision::SetStatus { state: "cancelled".parse().unwrap(), force: false },
                reason: "not now".to_owned(),
            };
            assert_eq!(request.ask, asked);
        });
        assert_eq!(state(&room), "pending", "this one only asked");
    }

    #[test]
    fn a_pause_is_an_event_and_is_not_made_twice() {
        let Fixture { _dir, plan, room } = fixture();
        let (project, id) = (room.project(), &plan.meta.plan_id);
        let pause = |room, paused| super::pause(project, id, room, paused, "ada");
        assert!(matches!(pause(None, false), Err(ActError::NoChange { paused: false, .. })));
        pause(Some(room.id()), true).unwrap();
        let again = pause(Some(room.id()), true).unwrap_err();
        assert_eq!(again.to_string(), "room `room-001` is already paused");
        let pauses = || Pauses::of(&plan.events().read_all().unwrap());
        assert!(pauses().holds(room.id()) && !pauses().plan());
        pause(Some(room.id()), false).unwrap();
        assert_eq!(pauses(), Pauses::default());
    }
}
