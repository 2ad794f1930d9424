//! What a new board says that the one before did not: the events of a plan and its rooms.

use std::collections::HashMap;

use ostwin_core::board::{Board, Row};
use ostwin_core::ids::{EpicId, PlanId};
use serde::Serialize;
use serde_json::json;

use super::hub::{News, Topic};
use super::summary::{PlanSummary, RoomRow};

/// The events that lead from `old` to `new`; without an old board, that the plan and its rooms are
/// there.
pub(super) fn differences(project: &str, old: Option<&Board>, new: &Board) -> Vec<News> {
    let mut news = Vec::new();
    let before: HashMap<&EpicId, &Row> =
        old.iter().flat_map(|board| &board.rows).map(|row| (&row.epic, row)).collect();
    for row in &new.rows {
        let old = before.get(&row.epic).copied();
        if old.is_none_or(|old| timeless(old) != timeless(row)) {
            news.push(told(Topic::Room, project, new, Some(row), &RoomRow::of(project, new, row)));
            attempts(&mut news, project, new, old, row);
            progress(&mut news, project, new, old, row);
        }
    }
    let summary = PlanSummary::of(project, new);
    let same = |old: &Board| PlanSummary::of(project, old).timeless() == summary.timeless();
    if !old.is_some_and(same) {
        news.push(told(Topic::Plan, project, new, None, &summary));
    }
    news
}

/// The news that a plan is gone.
pub(super) fn removed(project: &str, plan: &PlanId) -> News {
    let data = json!({ "project": project, "plan_id": plan, "removed": true });
    News {
        topic: Topic::Plan,
        project: project.to_owned(),
        plan: Some(plan.clone()),
        room: None,
        data: data.to_string(),
    }
}

fn timeless(row: &Row) -> Row {
    Row { elapsed_seconds: None, ..row.clone() }
}

/// A session that began or ended. One that did both between two looks is told as ended.
fn attempts(news: &mut Vec<News>, project: &str, board: &Board, old: Option<&Row>, row: &Row) {
    let (number, was_active) = old.map_or((0, false), |old| (old.attempt, old.active));
    let mut tell = |number: u32, event: &str| {
        let data = json!({
            "project": project, "plan_id": board.plan_id, "room": row.room, "epic": row.epic,
            "number": number, "event": event, "role": row.role, "agent": row.agent,
        });
        news.push(told(Topic::Attempt, project, board, Some(row), &data));
    };
    if was_active && (!row.active || row.attempt != number) {
        tell(number, "closed");
    }
    if row.attempt > number {
        tell(row.attempt, if row.active { "opened" } else { "closed" });
    }
}

fn progress(news: &mut Vec<News>, project: &str, board: &Board, old: Option<&Row>, row: &Row) {
    let same = old.is_some_and(|old| (old.percent, &old.message) == (row.percent, &row.message));
    if same || row.room.is_none() {
        return;
    }
    let data = json!({
        "project": project, "plan_id": board.plan_id, "room": row.room, "epic": row.epic,
        "percent": row.percent, "message": row.message,
    });
    news.push(told(Topic::Progress, project, board, Some(row), &data));
}

fn told(
    topic: Topic,
    project: &str,
    board: &Board,
    row: Option<&Row>,
    data: &impl Serialize,
) -> News {
    News {
        topic,
        project: project.to_owned(),
        plan: Some(board.plan_id.clone()),
        room: row.and_then(|row| row.room.clone()),
        // Plain fields of our own: they can always be written.
        data: serde_json::to_string(data).unwrap_or_default(),
    }
}
