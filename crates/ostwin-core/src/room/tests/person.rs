//! What people decide: verdicts, giving up, trying again, opening again.

use super::*;
use crate::lifecycle::{Action, AuditEntry};

fn why(reason: &str) -> Why {
    Why {
        cause: Cause::Override("test".to_owned()),
        attempt: None,
        actor: "ada".to_owned(),
        reason: reason.to_owned(),
    }
}

fn verdict_of_ada(signal: &str, body: &str) -> PersonVerdict {
    PersonVerdict {
        signal: signal.parse().unwrap(),
        actor: "ada".to_owned(),
        body: body.to_owned(),
        data: None,
    }
}

impl Fixture {
    fn verdict(&self, signal: &str, body: &str) -> Result<AuditEntry> {
        self.room.locked(|room| room.verdict(verdict_of_ada(signal, body)))
    }

    fn retry(&self) -> Result<AuditEntry> {
        self.room.locked(|room| room.retry(why("try again")))
    }

    fn cancel(&self) -> Result<AuditEntry> {
        self.room.locked(|room| room.cancel(why("not now")))
    }

    /// A room that a reviewer rejected and whose manager is to decide.
    fn in_triage() -> Self {
        let fixture = Self::with_triage();
        fixture.signal("ready", Why::engine("dependencies", ""));
        assert_eq!(fixture.session("engineer", "done", None), "review");
        assert_eq!(fixture.session("qa", "fail", super::verdict(false)), "triage");
        fixture
    }

    fn left_of_retries(&self) -> (u32, u32) {
        let standing = self.room.standing().unwrap();
        (standing.replay.retries, standing.replay.max_retries(&standing.machine))
    }

    fn last_attempt_ended(&self) -> Option<Outcome> {
        self.room.last_attempt().unwrap().unwrap().record.outcome
    }

    /// What `fix` told the worker last.
    fn last_fix(&self) -> Message {
        let from_engine = |m: &Message| m.kind.as_str() == "fix" && m.from.to_string() == "engine";
        self.room.channel().latest(from_engine).unwrap().unwrap()
    }
}

#[test]
fn the_managers_verdicts_move_the_room_and_tell_the_worker() {
    let fixture = Fixture::in_triage();
    assert_eq!(fixture.session("manager", "fix", None), "fixing");
    assert_eq!(fixture.left_of_retries(), (0, 1), "one more try than the machine says");
    let fix = fixture.last_fix();
    assert_eq!(fix.to.to_string(), "engineer");
    for part in ["fix by manager", "qa had said:", "**AC-1** GET / answers 500"] {
        assert!(fix.body.contains(part), "{}", fix.body);
    }
    assert_eq!(fixture.session("engineer", "done", None), "review");
    assert_eq!(fixture.session("qa", "fail", super::verdict(false)), "fixing");
    assert_eq!(fixture.session("engineer", "done", None), "review");
    assert_eq!(
        fixture.session("qa", "fail", super::verdict(false)),
        "failed-final",
        "there is one triage, and it was used"
    );
}

#[test]
fn a_redesign_revises_the_brief_under_a_dated_heading_once() {
    let fixture = Fixture::in_triage();
    assert_eq!(fixture.session("manager", "redesign", None), "developing");
    let brief = fixture.room.brief().unwrap();
    assert!(brief.contains("\n## Revised 1970-01-01\n"), "{brief}");
    assert_eq!(brief.matches("redesign by manager").count(), 1, "{brief}");
    fixture.room.locked(|_| Ok::<_, RoomError>(())).unwrap();
    assert_eq!(fixture.room.brief().unwrap(), brief);
}

#[test]
fn a_replan_waits_until_a_person_says_that_it_is_there() {
    let fixture = Fixture::in_triage();
    assert_eq!(fixture.session("manager", "replan", None), "blocked");
    let asked: Vec<_> =
        fixture.messages().into_iter().filter(|m| m.kind.as_str() == "plan-update").collect();
    assert_eq!(asked.len(), 1);
    assert_eq!(
        (asked[0].to.to_string(), asked[0].body.as_str()),
        ("human".into(), "replan by manager")
    );
    assert!(fixture.verdict("fix", "no").unwrap_err().to_string().contains("may answer unblock"));
    let entry = fixture.verdict("unblock", "EPIC-009 has it").unwrap();
    assert_eq!((entry.to.to_string(), entry.actor.as_str()), ("developing".into(), "ada"));
    let last = fixture.messages().pop().unwrap();
    assert_eq!((last.kind.as_str(), last.body.as_str()), ("note", "EPIC-009 has it"));
}

#[test]
fn a_persons_verdict_ends_the_open_triage_at_once() {
    let fixture = Fixture::in_triage();
    let triage = fixture.open("manager");
    let entry = fixture.verdict("fix", "AC-1 means local time").unwrap();
    assert_eq!(fixture.state(), "fixing");
    assert_eq!(fixture.last_attempt_ended(), Some(Outcome::Cancelled));
    assert_eq!(fixture.post("manager", &triage, "reject", None), Refusal::Conflict, "too late");

    let said = fixture.messages().into_iter().find(|m| Cause::Message(m.id.clone()) == entry.cause);
    let said = said.unwrap();
    assert_eq!((said.from.to_string(), said.to.to_string()), ("human".into(), "engineer".into()));
    assert_eq!(said.attempt, None);
    assert_eq!(said.data, Some(json!({ "actor": "ada", "audit_seq": entry.seq - 1 })));
    assert_eq!((entry.actor.as_str(), entry.reason.as_str()), ("ada", "`fix` from ada"));
    assert_eq!(entry.actions, [Action::GrantRetry, Action::PostFix]);
    assert!(fixture.last_fix().body.starts_with("AC-1 means local time"));
}

#[test]
fn what_the_manager_said_first_counts() {
    let fixture = Fixture::in_triage();
    let triage = fixture.open("manager");
    assert_eq!(fixture.post("manager", &triage, "reject", None), SIGNAL);
    let refused = fixture.verdict("fix", "wait").unwrap_err().to_string();
    assert!(refused.contains("decided already: `reject`"), "{refused}");
    assert_eq!(fixture.state(), "triage");
    assert_eq!(fixture.last_attempt_ended(), Some(Outcome::Signal("reject".parse().unwrap())));
    assert!(!fixture.messages().iter().any(|m| m.from.to_string() == "human"));
}

#[test]
fn a_triage_without_an_answer_waits_for_a_person() {
    let fixture = Fixture::in_triage();
    let triage = fixture.open("manager");
    fixture.close(&triage, Outcome::Timeout);
    fixture.signal("timeout", Why::engine("deadline", ""));
    assert_eq!(fixture.state(), "escalated");
    let refused = fixture.verdict("done", "").unwrap_err().to_string();
    assert!(
        refused.contains("a person may answer fix, redesign, replan, reject here"),
        "{refused}"
    );
    assert_eq!(fixture.verdict("reject", "give it up").unwrap().to.as_str(), "failed-final");
}

#[test]
fn a_verdict_where_nobody_asked_is_refused_and_changes_nothing() {
    let fixture = Fixture::with_triage();
    let before = fixture.room.audit().unwrap();
    let refused = fixture.verdict("fix", "x").unwrap_err().to_string();
    assert!(refused.contains("is in state `pending`: `fix` answers nothing here"), "{refused}");
    assert_eq!((fixture.room.audit().unwrap(), fixture.messages()), (before, Vec::new()));
}

#[test]
fn a_verdict_is_said_once_whatever_a_kill_or_a_power_cut_left_of_it() {
    let prepare = || {
        let fixture = Fixture::with(Durability::Sync);
        fixture.signal("ready", Why::engine("dependencies", ""));
        assert_eq!(fixture.session("engineer", "escalate", None), "escalated");
        fixture
    };
    let record = |fixture: &Fixture| {
        let disk = Disk::of(fixture.room.paths().dir()).unwrap();
        let (_, ops) = recording(|| fixture.verdict("redesign", "two tables").unwrap());
        (disk, ops)
    };
    let whole = record(&prepare()).1.len();
    for cut in 0..=whole {
        for image in Image::ALL {
            let fixture = prepare();
            let (disk, ops) = record(&fixture);
            disk.after(&ops[..cut]).leave(&mut image.rule()).unwrap();
            let case = format!("{image:?} after {cut} of {whole} operations");
            // The person, who got no answer, says it again; that it has moved is an answer too.
            match fixture.verdict("redesign", "two tables") {
                Ok(_) => {}
                Err(RoomError::State { state, .. }) => {
                    assert_eq!(state.as_str(), "developing", "{case}");
                }
                Err(error) => panic!("{case}: {error}"),
            }
            assert_eq!(fixture.state(), "developing", "{case}");
            let said = fixture.messages();
            let said = said.iter().filter(|m| m.kind.as_str() == "redesign").count();
            assert_eq!(said, 1, "{case}");
            assert_eq!(fixture.room.brief().unwrap().matches("two tables").count(), 1, "{case}");
            assert_eq!(fixture.left_of_retries(), (0, 4), "{case}");
        }
    }
}

#[test]
fn a_retry_goes_back_to_the_state_that_failed_with_one_more_try() {
    let fixture = Fixture::in_triage();
    fixture.verdict("reject", "no").unwrap();
    let entry = fixture.retry().unwrap();
    assert_eq!(entry.to.as_str(), "fixing", "what was rejected is mended first");
    assert_eq!(entry.actions, [Action::GrantRetry, Action::PostFix]);
    assert_eq!(fixture.left_of_retries(), (0, 1));
    let fix = fixture.last_fix();
    assert!(fix.body.starts_with("try again"), "{}", fix.body);
    assert!(fix.body.contains("**AC-1** GET / answers 500"), "{}", fix.body);

    let attempt = fixture.open("engineer");
    assert!(fixture.retry().unwrap_err().to_string().contains("has not failed"));
    fixture.close(&attempt, Outcome::AgentError);
    fixture.signal("error", Why::engine("attempt", "agent-error"));
    assert_eq!(fixture.state(), "failed");
    let entry = fixture.retry().unwrap();
    assert_eq!((entry.to.as_str(), entry.actions), ("fixing", vec![Action::GrantRetry]));
    assert_eq!(fixture.left_of_retries(), (0, 2));
}

#[test]
fn a_retry_needs_something_that_failed() {
    let fixture = Fixture::new();
    assert!(fixture.retry().unwrap_err().to_string().contains("nothing was tried yet"));
    fixture.signal("ready", Why::engine("dependencies", ""));
    fixture.session("engineer", "done", None);
    fixture.cancel().unwrap();
    assert!(fixture.cancel().unwrap_err().to_string().contains("it is finished"));
    assert_eq!(fixture.retry().unwrap().to.as_str(), "review", "where it was given up");
    fixture.session("qa", "pass", super::verdict(true));
    assert!(fixture.retry().unwrap_err().to_string().contains("set-status"));
}

#[test]
fn whoever_cancels_ends_the_session_first() {
    let fixture = Fixture::new();
    fixture.signal("ready", Why::engine("dependencies", ""));
    let attempt = fixture.open("engineer");
    assert!(fixture.cancel().unwrap_err().to_string().contains("attempt 1 is open"));
    fixture.close(&attempt, Outcome::Cancelled);
    let entry = fixture.cancel().unwrap();
    assert_eq!((entry.to.as_str(), entry.forced, entry.signal), ("cancelled", false, None));
    let set = |to: &str| {
        fixture.room.locked(|room| room.set_state(&to.parse().unwrap(), false, why("again")))
    };
    assert_eq!(set("developing").unwrap().to.as_str(), "developing", "and it can be opened again");
}

#[test]
fn who_asks_for_open_questions_again_reads_on_where_it_stood() {
    let fixture = Fixture::new();
    let mut questions = OpenQuestions::default();
    let mut open = || {
        let open = questions.read(&fixture.room, Duration::from_secs(1_000)).unwrap();
        assert_eq!(open, fixture.room.open_questions(Duration::from_secs(1_000)).unwrap());
        open.len()
    };
    assert_eq!(open(), 0);
    fixture.signal("ready", Why::engine("dependencies", ""));
    let attempt = fixture.open("engineer");
    assert_eq!(open(), 0);
    fixture.post("engineer", &attempt, "approval-request", None);
    assert_eq!((open(), open()), (1, 1));
    fixture.post("engineer", &attempt, "approval-request", None);
    assert_eq!(open(), 2);
    let first = fixture.messages().pop().unwrap().id;
    let yes = Answering::Permission { allowed: true, note: None };
    let patience = Duration::from_secs(1_000);
    reply(&fixture.room, Some(&first), &yes, "ada", patience).unwrap();
    assert_eq!(open(), 1);
    fixture.close(&attempt, Outcome::Cancelled);
    assert_eq!(open(), 0, "nobody waits for the answer any more");
}
