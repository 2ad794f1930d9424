//! One room in full, and rooms in a list.

use ostwin_core::channel::Message;
use ostwin_core::ids::{EpicId, PlanId, RoomId, SignalName, StateName};
use ostwin_core::lifecycle::Target;
use ostwin_core::room::{Attempt, Contract, Goal, Room, Standing, Verdict};
use ostwin_core::time::Timestamp;
use serde::Serialize;

use super::figures;
use super::line::{Line, Style};
use super::text;

/// A room in the list.
#[derive(Debug, Serialize)]
pub(crate) struct Listed {
    room: RoomId,
    epic: Option<EpicId>,
    plan: Option<PlanId>,
    title: Option<String>,
    state: Option<StateName>,
    retries: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    archived_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

/// A room as far as it can be read.
pub(crate) fn listed(room: &Room) -> Listed {
    let contract = room.contract();
    let standing = room.standing();
    let problem = contract.as_ref().err().or(standing.as_ref().err()).map(ToString::to_string);
    let contract = contract.ok();
    Listed {
        room: room.id().clone(),
        epic: contract.as_ref().map(|contract| contract.task_ref.clone()),
        plan: contract.as_ref().map(|contract| contract.plan_id.clone()),
        title: contract.map(|contract| contract.assignment.title),
        retries: standing.as_ref().map_or(0, |standing| standing.replay.retries),
        archived_at: room.archived().ok().flatten().map(|archived| archived.archived_at),
        state: standing.ok().map(|standing| standing.state),
        problem,
    }
}

impl Listed {
    /// Its state, and whether it is archived.
    fn word(&self) -> String {
        match (&self.state, self.archived_at) {
            (None, _) => "damaged".to_owned(),
            (Some(state), None) => state.to_string(),
            (Some(state), Some(_)) => format!("{state} (archived)"),
        }
    }

    /// The cells of its line.
    pub(crate) fn row(&self) -> Vec<String> {
        let shown = |value: Option<String>| value.unwrap_or_default();
        vec![
            self.room.to_string(),
            shown(self.epic.as_ref().map(ToString::to_string)),
            self.word(),
            self.retries.to_string(),
            shown(self.plan.as_ref().map(ToString::to_string)),
            shown(self.problem.clone().or_else(|| self.title.clone())),
        ]
    }
}

/// Where the machine leads from the current state, by signal; `@previous` is the state itself.
pub(crate) fn ways_out(standing: &Standing) -> Vec<(SignalName, Vec<String>)> {
    let Some(state) = standing.machine.state(&standing.state) else { return Vec::new() };
    let target = |target: &Target| match target {
        Target::Previous => {
            let previous = standing.replay.previous.as_ref();
            previous.map_or_else(|| "@previous".to_owned(), ToString::to_string)
        }
        Target::State(state) => state.to_string(),
    };
    let ways = state.signals.iter().map(|(signal, edges)| {
        let targets = edges.0.iter().map(|edge| target(&edge.target)).collect();
        (signal.clone(), targets)
    });
    ways.collect()
}

/// A room with everything that is worth a look.
#[derive(Debug)]
pub(crate) struct Shown<'a> {
    pub(crate) room: &'a Room,
    pub(crate) contract: &'a Contract,
    pub(crate) standing: &'a Standing,
    pub(crate) attempts: &'a [Attempt],
    pub(crate) verdict: Option<(&'a Message, Verdict)>,
}

impl Shown<'_> {
    pub(crate) fn lines(&self) -> Vec<Line> {
        let mut lines = self.head();
        lines.extend(self.criteria());
        lines.extend(self.sessions());
        if let Some((message, verdict)) = &self.verdict {
            lines.push(Line::new());
            let said = format!("last verdict: {} by {}", message.kind, message.from);
            lines.push(Line::new().with(Style::Bold, said));
            let summary = text::block(verdict.summary.trim());
            lines.extend(summary.lines().map(|line| Line::from(format!("  {line}"))));
            lines.extend(super::message::criteria(verdict, "  "));
        }
        lines.push(Line::new());
        lines.push(Line::new().with(Style::Dim, self.room.paths().dir().display().to_string()));
        lines
    }

    fn head(&self) -> Vec<Line> {
        let Self { room, contract, standing, .. } = self;
        let replay = &standing.replay;
        let mut first = Line::new()
            .with(Style::Bold, room.id().to_string())
            .with(Style::Plain, format!("  {}  ", contract.task_ref))
            .with(Style::Plain, text::one_line(&contract.assignment.title));
        if contract.rehearsed {
            first.push(Style::Magenta, "  rehearsed");
        }
        let mut lines = vec![first];
        let retries =
            format!("{} of {} used", replay.retries, replay.max_retries(&standing.machine));
        let ids: Vec<&str> = contract.depends_on.iter().map(EpicId::as_str).collect();
        let roles: Vec<String> =
            contract.assignment.candidate_roles.iter().map(ToString::to_string).collect();
        let since = replay.entered_at.map(figures::moment).unwrap_or_default();
        let state = format!("{} ({}) since {since}", standing.state, standing.kind());
        for (name, value) in [
            ("state", state),
            ("why", text::one_line(&replay.last_reason)),
            ("retries", retries),
            ("roles", roles.join(", ")),
            ("after", ids.join(", ")),
            ("plan", contract.plan_id.to_string()),
            ("archived", self.archived()),
            ("works in", contract.working_dir.display().to_string()),
        ] {
            if !value.is_empty() {
                lines.push(
                    Line::from("  ")
                        .with(Style::Dim, text::fill(name, 9))
                        .with(Style::Plain, text::one_line(&value)),
                );
            }
        }
        let ways = ways_out(standing);
        if !ways.is_empty() {
            lines.push(Line::new());
            lines.push(Line::new().with(Style::Bold, "ways out"));
            lines.extend(ways.into_iter().map(|(signal, targets)| {
                Line::from("  ")
                    .with(Style::Cyan, text::fill(signal.as_str(), 12))
                    .with(Style::Plain, targets.join(", or "))
            }));
            let states: Vec<&str> = standing.machine.states.keys().map(StateName::as_str).collect();
            let hint = format!(
                "  `ostwin room set-status {} STATE --reason TEXT` decides; states: {}",
                room.id(),
                states.join(", ")
            );
            lines.push(Line::new().with(Style::Dim, hint));
        }
        lines
    }

    /// Since when, and where, what left the room is packed.
    fn archived(&self) -> String {
        let Ok(Some(archived)) = self.room.archived() else { return String::new() };
        let file = self.room.project().layout().archive(self.room.id());
        let at = figures::moment(archived.archived_at);
        format!("on {at} in {}", file.display())
    }

    fn criteria(&self) -> Vec<Line> {
        let goals: Vec<&Goal> = self.contract.goals.all().collect();
        if goals.is_empty() {
            return Vec::new();
        }
        let mut lines = vec![Line::new(), Line::new().with(Style::Bold, "criteria")];
        lines.extend(goals.into_iter().map(|goal| {
            Line::from("  ")
                .with(Style::Cyan, text::fill(&goal.id, 8))
                .with(Style::Plain, text::one_line(&goal.text))
        }));
        lines
    }

    fn sessions(&self) -> Vec<Line> {
        if self.attempts.is_empty() {
            return Vec::new();
        }
        let mut lines = vec![Line::new(), Line::new().with(Style::Bold, "attempts")];
        for attempt in self.attempts {
            let record = &attempt.record;
            let outcome =
                record.outcome.as_ref().map_or_else(|| "open".to_owned(), ToString::to_string);
            let took = record.closed_at.map(|end| figures::duration(end.since(record.opened_at)));
            let tokens = record.usage.map(|usage| figures::count(usage.total()));
            let style = super::message::style_of(&outcome);
            lines.push(
                Line::from("  ")
                    .with(Style::Plain, text::fill_left(&record.number.to_string(), 3))
                    .with(Style::Plain, format!("  {}", text::fill(record.state.as_str(), 14)))
                    .with(Style::Plain, format!(" {}", text::fill(&record.role.to_string(), 16)))
                    .with(style, format!(" {}", text::fill(&outcome, 12)))
                    .with(Style::Dim, text::fill_left(&took.unwrap_or_default(), 7))
                    .with(Style::Dim, text::fill_left(&tokens.unwrap_or_default(), 7))
                    .with(Style::Dim, format!("  {}", text::one_line(&record.agent))),
            );
        }
        lines
    }
}
