//! The inbox: what waits for a person, and what that person can do about it.
//!
//! A [`Board`] says which rooms need somebody. This says what each of them wants, in words that can
//! be read without opening the room, with the deeds that the room would take at this moment. The
//! web app, the terminal and the chats show the same list.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::build::{RoomReading, spoke_of_the_end};
use super::load::{BoardError, read};
use super::value::{Board, Row};
use crate::budget::{self, Caps};
use crate::config::Config;
use crate::ids::{EpicId, MessageId, PlanId, RoomId, SignalName, StateName};
use crate::lifecycle::{Spent, Tone};
use crate::plan_review::states;
use crate::plans::StoredPlan;
use crate::project::Project;
use crate::room::{Asks, OpenQuestions, Question};
use crate::time::Timestamp;

/// By whom a room is moved where no person had a part in it.
const ENGINE: &str = "engine";

/// Something that waits for a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Waiting {
    /// What it is.
    pub kind: WaitingKind,
    /// The plan.
    pub plan_id: PlanId,
    /// The plan's title.
    pub plan_title: String,
    /// The epic; null if it is about the whole plan.
    pub epic: Option<EpicId>,
    /// Its room.
    pub room: Option<RoomId>,
    /// The state that the room is in.
    pub state: Option<StateName>,
    /// What it is about, in one line.
    pub title: String,
    /// The whole of it, in Markdown; empty if the title says it all.
    pub body: String,
    /// Since when it waits, where that is known.
    pub since: Option<Timestamp>,
    /// From when on a question counts as denied.
    pub until: Option<Timestamp>,
    /// The message that asks.
    pub message_id: Option<MessageId>,
    /// The answers to choose from, if there are only a few.
    pub options: Vec<String>,
    /// What a person can do about it, the most likely first.
    #[schemars(with = "Vec<String>")]
    pub actions: Vec<Deed>,
}

/// What waits for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WaitingKind {
    /// A session asks for a permission.
    Approval,
    /// A session asks something.
    Question,
    /// A reviewed plan is to be approved.
    PlanReview,
    /// A room waits for a decision.
    Escalation,
    /// A budget is used up, or what is used is not told.
    Budget,
    /// A room's files cannot be read.
    Damaged,
    /// A room failed for good.
    Failed,
}

/// What a person can do. It is written as one word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(into = "String")]
pub enum Deed {
    /// Answer in words: `answer`.
    Answer,
    /// Give the permission, or approve the plan: `approve`.
    Approve,
    /// Refuse the permission: `deny`.
    Deny,
    /// Decide for the room: the verdict's own name, such as `fix`, or `reject` for a plan.
    Decide(SignalName),
    /// Reject the plan: `reject`.
    RejectPlan,
    /// Try once more: `retry`.
    Retry,
    /// Give the room up: `cancel`.
    Cancel,
    /// Let it use more: `raise-budget`.
    RaiseBudget,
}

impl Deed {
    /// The deed's word.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Answer => "answer",
            Self::Approve => "approve",
            Self::Deny => "deny",
            Self::Decide(signal) => signal.as_str(),
            Self::RejectPlan => "reject",
            Self::Retry => "retry",
            Self::Cancel => "cancel",
            Self::RaiseBudget => "raise-budget",
        }
    }
}

impl From<Deed> for String {
    fn from(deed: Deed) -> Self {
        deed.as_str().to_owned()
    }
}

/// What waits for a person in a plan whose board was read already. Only the rooms that need
/// somebody are opened.
///
/// # Errors
/// The plan's budget cannot be read. A room that cannot be read waits for a person as well.
pub fn inbox(
    project: &Project,
    config: &Config,
    plan: &StoredPlan,
    board: &Board,
) -> Result<Vec<Waiting>, BoardError> {
    let patience = std::time::Duration::from_secs(config.ask_timeout_seconds);
    let mut rooms = BTreeMap::new();
    for room in
        board.rows.iter().filter(|row| needs_a_person(row)).filter_map(|row| row.room.as_ref())
    {
        if let Ok(reading) = read(project, room, &mut OpenQuestions::default(), patience) {
            rooms.insert(room.clone(), reading);
        }
    }
    let caps = budget::caps_of_plan(&plan.paths, config)?;
    Ok(waiting(board, &rooms, &caps))
}

fn needs_a_person(row: &Row) -> bool {
    matches!(row.display.tone, Tone::Attention | Tone::Failed)
}

/// What waits for a person, by a plan's board, what the files of the rooms say that need somebody,
/// and what the plan may use. In the order of [`by_urgency`].
pub fn waiting(board: &Board, rooms: &BTreeMap<RoomId, RoomReading>, caps: &Caps) -> Vec<Waiting> {
    let mut found = Vec::new();
    let spent = Spent { tokens: board.tokens, cost_usd: board.cost_usd };
    let used_up = caps.used_up(&spent);
    let mut plan_waits = false;
    for row in board.rows.iter().filter(|row| needs_a_person(row)) {
        let teller = Teller { board, row };
        match row.room.as_ref().and_then(|room| rooms.get(room)) {
            None => found.extend(teller.damaged()),
            Some(reading) if row.display.tone == Tone::Failed => {
                found.extend(teller.failed(reading));
            }
            Some(reading) if !reading.questions.is_empty() => {
                found.extend(reading.questions.iter().map(|question| teller.asked(question)));
            }
            Some(reading) if row.epic.is_plan_review() && is_approving(row) => {
                found.push(teller.plan_review(reading));
            }
            Some(reading) if !reading.standing.answers().is_empty() => {
                found.push(teller.escalation(reading));
            }
            // Every room waits for the budget of the plan: that is said once.
            Some(reading) => match (reading.caps.used_up(&reading.spent), &used_up) {
                (None, Some(words)) if !plan_waits => {
                    plan_waits = true;
                    found.push(Teller::plan_budget(board, words));
                }
                (None, Some(_)) => {}
                _ => found.push(teller.room_budget()),
            },
        }
    }
    found.sort_by_key(by_urgency);
    found
}

/// In which order things should be looked at: what has an end first, by that end; then by kind, what
/// waits longest first, but of what failed the newest.
pub fn by_urgency(waiting: &Waiting) -> impl Ord + use<> {
    let end = waiting.until.map_or(i64::MAX, Timestamp::as_millis);
    let since = waiting.since.map_or(i64::MAX, Timestamp::as_millis);
    let age = if waiting.kind == WaitingKind::Failed { -since } else { since };
    (end, waiting.kind, age)
}

fn is_approving(row: &Row) -> bool {
    row.state.as_ref().is_some_and(|state| state.as_str() == states::APPROVING)
}

/// Tells what one row wants.
struct Teller<'a> {
    board: &'a Board,
    row: &'a Row,
}

impl Teller<'_> {
    fn item(&self, kind: WaitingKind, title: String, actions: Vec<Deed>) -> Waiting {
        Waiting {
            kind,
            plan_id: self.board.plan_id.clone(),
            plan_title: self.board.title.clone(),
            epic: Some(self.row.epic.clone()),
            room: self.row.room.clone(),
            state: self.row.state.clone(),
            title,
            body: String::new(),
            since: None,
            until: None,
            message_id: None,
            options: Vec::new(),
            actions,
        }
    }

    /// Why the row needs somebody, in one line.
    fn why(&self) -> String {
        let display = &self.row.display;
        let why = self.row.why.as_ref().or(display.detail.as_ref());
        why.unwrap_or(&display.word).clone()
    }

    fn asked(&self, question: &Question) -> Waiting {
        let (kind, actions) = match question.asks {
            Asks::Answer => (WaitingKind::Question, vec![Deed::Answer]),
            Asks::Permission => (WaitingKind::Approval, vec![Deed::Approve, Deed::Deny]),
        };
        Waiting {
            body: question.text.clone(),
            since: Some(question.asked_at),
            until: Some(question.expires_at),
            message_id: Some(question.id.clone()),
            options: question.options.clone(),
            ..self.item(kind, question.line(), actions)
        }
    }

    fn plan_review(&self, reading: &RoomReading) -> Waiting {
        let title =
            format!("the review of \u{201c}{}\u{201d} waits for approval", self.board.title);
        let verdict = reading.last_message.as_ref().filter(|message| message.attempt.is_some());
        Waiting {
            body: verdict.map_or_else(String::new, |message| message.body.clone()),
            since: reading.standing.replay.entered_at,
            ..self.item(WaitingKind::PlanReview, title, vec![Deed::Approve, Deed::RejectPlan])
        }
    }

    fn escalation(&self, reading: &RoomReading) -> Waiting {
        let mut actions: Vec<Deed> =
            reading.standing.answers().into_iter().map(Deed::Decide).collect();
        actions.extend(reading.standing.may_be_retried().then_some(Deed::Retry));
        actions.push(Deed::Cancel);
        Waiting {
            body: last_words(reading),
            since: reading.standing.replay.entered_at,
            ..self.item(WaitingKind::Escalation, self.why(), actions)
        }
    }

    /// A room that failed, unless a person has decided that.
    fn failed(&self, reading: &RoomReading) -> Option<Waiting> {
        let replay = &reading.standing.replay;
        if replay.last_actor != ENGINE {
            return None;
        }
        let retry = reading.standing.may_be_retried().then_some(Deed::Retry);
        Some(Waiting {
            body: last_words(reading),
            since: replay.entered_at,
            ..self.item(WaitingKind::Failed, self.why(), retry.into_iter().collect())
        })
    }

    fn damaged(&self) -> Option<Waiting> {
        let damaged = self.row.display.tone == Tone::Attention;
        let hint = "`ostwin doctor` says what is wrong and how to mend it.".to_owned();
        let item = || self.item(WaitingKind::Damaged, self.why(), Vec::new());
        damaged.then(|| Waiting { body: hint, ..item() })
    }

    fn room_budget(&self) -> Waiting {
        let actions = vec![Deed::RaiseBudget, Deed::Cancel];
        self.item(WaitingKind::Budget, self.why(), actions)
    }

    fn plan_budget(board: &Board, words: &str) -> Waiting {
        Waiting {
            kind: WaitingKind::Budget,
            plan_id: board.plan_id.clone(),
            plan_title: board.title.clone(),
            epic: None,
            room: None,
            state: None,
            title: format!("the plan's budget is used up: {words}"),
            body: String::new(),
            since: None,
            until: None,
            message_id: None,
            options: Vec::new(),
            actions: vec![Deed::RaiseBudget],
        }
    }
}

/// What whoever gave up said, as far as the newest message is that.
fn last_words(reading: &RoomReading) -> String {
    let said = reading.last_message.as_ref().filter(|message| spoke_of_the_end(message));
    said.map_or_else(String::new, |message| message.body.clone())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::{DONE, ESCALATED, at, board, machine, room, working};
    use super::*;
    use crate::board::RoomInput;
    use crate::ids::AttemptId;

    const FAILED: [(&str, &str); 3] =
        [("ready", "developing"), ("error", "failed"), ("exhaust", "failed-final")];

    /// What waits on the board of these rooms: kind, epic, title, deeds.
    fn told(rooms: Vec<RoomInput>, caps: &Caps) -> Vec<String> {
        let readings = rooms.iter().filter_map(|input| {
            Some((input.room.clone(), input.reading.as_ref().ok()?.as_ref().clone()))
        });
        let readings = readings.collect();
        let found = waiting(&board(rooms, true), &readings, caps);
        let line = |item: &Waiting| {
            let deeds: Vec<&str> = item.actions.iter().map(Deed::as_str).collect();
            let epic = item.epic.as_ref().map_or("-", EpicId::as_str);
            format!("{:?} {epic} {}: {}", item.kind, deeds.join(" "), item.title)
        };
        found.iter().map(line).collect()
    }

    fn question(asks: Asks, until: i64) -> Question {
        Question {
            id: MessageId::generate(at(30), u128::from(until.unsigned_abs())),
            attempt: AttemptId::generate(at(20), 1),
            from: "engineer".parse().unwrap(),
            asks,
            text: "Which port?\nMore.".to_owned(),
            options: vec!["80".to_owned()],
            fingerprint: None,
            asked_at: at(30),
            expires_at: at(until),
            reply: None,
        }
    }

    fn asking(mut input: RoomInput, questions: Vec<Question>) -> RoomInput {
        input.reading.as_mut().unwrap().questions = questions;
        input
    }

    #[test]
    fn what_goes_on_by_itself_waits_for_nobody() {
        let rooms = vec![room(1, &DONE), working(room(2, &[("ready", "developing")]), 5)];
        assert_eq!(told(rooms, &Caps::default()), Vec::<String>::new());
    }

    #[test]
    fn what_has_an_end_comes_first_and_what_failed_last() {
        let failed = room(1, &FAILED);
        let asked = [question(Asks::Permission, 900), question(Asks::Answer, 300)];
        let asking = asking(working(room(2, &[("ready", "developing")]), 5), asked.into());
        let rooms = vec![failed, asking, room(3, &ESCALATED)];
        insta::assert_snapshot!(told(rooms, &Caps::default()).join("\n"), @r"
        Question EPIC-002 answer: engineer asks: Which port?
        Approval EPIC-002 approve deny: engineer asks: Which port?
        Escalation EPIC-003 fix redesign replan reject retry cancel: because of line 3
        Failed EPIC-001 retry: because of line 4
        ");
    }

    #[test]
    fn a_plan_that_has_used_up_its_budget_says_so_once() {
        let work = [("ready", "developing")];
        let mut rooms: Vec<RoomInput> =
            (1..=3).map(|number| working(room(number, &work), 5)).collect();
        rooms[2].reading.as_mut().unwrap().caps.tokens = Some(50);
        let readings = rooms
            .iter()
            .map(|input| (input.room.clone(), input.reading.as_ref().unwrap().as_ref().clone()));
        let readings = readings.collect();
        let mut board = board(rooms, true);
        for row in &mut board.rows {
            row.display.tone = Tone::Attention;
        }
        board.rows[3].display.tone = Tone::Idle;
        let caps = Caps { tokens: Some(300), usd: None };
        let found = waiting(&board, &readings, &caps);
        let titles: Vec<_> =
            found.iter().map(|item| (item.epic.as_ref(), item.title.as_str())).collect();
        let own = &board.rows[2];
        let of_plan = "the plan's budget is used up: 300 of 300 tokens";
        assert_eq!(titles, [(None, of_plan), (Some(&own.epic), own.display.word.as_str())]);
    }

    #[test]
    fn what_a_person_gave_up_is_settled() {
        let mut given_up = room(1, &FAILED);
        given_up.reading.as_mut().unwrap().standing.replay.last_actor = "ada".to_owned();
        assert_eq!(told(vec![given_up], &Caps::default()), Vec::<String>::new());
    }

    #[test]
    fn the_deeds_of_an_escalation_are_those_that_the_room_takes() {
        let input = room(3, &ESCALATED);
        let standing = &input.reading.as_ref().unwrap().standing;
        let taken = machine().allowed_person_signals(&standing.state);
        assert!(!taken.is_empty());
        assert_eq!(standing.answers(), taken);
        assert!(standing.may_be_retried());
        let passed = room(1, &DONE);
        assert!(!passed.reading.as_ref().unwrap().standing.may_be_retried());
    }

    #[test]
    fn a_room_that_cannot_be_read_is_told_with_the_reason() {
        let mut input = room(1, &[]);
        input.reading = Err("`room.json` is no JSON".to_owned());
        let expected = "Damaged EPIC-001 : `room.json` is no JSON";
        assert_eq!(told(vec![input], &Caps::default()), [expected]);
    }

    #[test]
    fn it_is_written_in_words() {
        let input = asking(room(1, &[]), vec![question(Asks::Answer, 300)]);
        let reading = input.reading.as_ref().unwrap().as_ref().clone();
        let readings = BTreeMap::from([(input.room.clone(), reading)]);
        let mut found = waiting(&board([input], true), &readings, &Caps::default());
        let item = found.pop().unwrap();
        let expected = json!({
            "kind": "question", "plan_id": "diamond-3fa9c1", "plan_title": "Diamond",
            "epic": "EPIC-001", "room": "room-001", "state": "pending",
            "title": "engineer asks: Which port?", "body": "Which port?\nMore.",
            "since": at(30), "until": at(300), "message_id": item.message_id,
            "options": ["80"], "actions": ["answer"],
        });
        assert_eq!(serde_json::to_value(&item).unwrap(), expected);
    }
}
