//! The preview in words.

use ostwin_core::ids::EpicId;

use super::forecast::Forecast;
use super::{Preview, SessionPreview};
use crate::command::run::Wanted;
use crate::view::figures;
use crate::view::line::{Line, Style};
use crate::view::text;

/// The preview for people.
pub(super) fn of(wanted: &Wanted, preview: &Preview, forecast: Option<Forecast>) -> Vec<Line> {
    let title = wanted.text.parsed.plan.title.as_deref().unwrap_or("(no title)");
    let review = usize::from(preview.review.is_some());
    let waves = figures::plural(preview.dag.waves.len().saturating_sub(review), "wave");
    let epics = figures::plural(preview.epics.len(), "epic");
    let most = wanted.settings.config.max_concurrent_rooms;
    let mut lines = vec![
        Line::new()
            .with(Style::Bold, text::one_line(title))
            .with(Style::Dim, format!("  {epics} in {waves}, at most {most} sessions at once")),
    ];
    if let Some(review) = &preview.review {
        lines.push(Line::new());
        lines.push(Line::new().with(Style::Cyan, "first, the review of the plan"));
        lines.push(session_line(review));
    }
    let mut wave = None;
    for epic in &preview.epics {
        if wave != Some(epic.wave) {
            wave = Some(epic.wave);
            lines.push(Line::new());
            lines.push(Line::new().with(Style::Cyan, format!("wave {}", epic.wave)));
        }
        let after: Vec<&str> = epic.depends_on.iter().map(EpicId::as_str).collect();
        let mut line = Line::from("  ")
            .with(Style::Bold, epic.epic.to_string())
            .with(Style::Plain, format!("  {}", text::one_line(&epic.title)));
        if !after.is_empty() {
            line.push(Style::Dim, format!("  after {}", after.join(", ")));
        }
        lines.push(line);
        for session in &epic.sessions {
            lines.push(session_line(session));
        }
    }
    lines.push(Line::new());
    lines.push(Line::from(match forecast {
        None => "forecast: no past attempts to forecast from".to_owned(),
        Some(forecast) => format!(
            "forecast: about {}, {} tokens, {} (from {})",
            figures::seconds(forecast.seconds),
            figures::count(forecast.tokens),
            figures::dollars(forecast.cost_usd),
            figures::plural(forecast.attempts, "past attempt"),
        ),
    }));
    lines.push(Line::new().with(Style::Dim, "nothing was written"));
    lines
}

fn session_line(session: &SessionPreview) -> Line {
    let mut line = Line::from("    ").with(Style::Plain, text::fill(&session.role.to_string(), 18));
    if let Some(problem) = &session.problem {
        return line.with(Style::Red, text::one_line(problem));
    }
    let agent = session.agent.as_deref().unwrap_or_default();
    line.push(Style::Plain, text::fill(agent, 12));
    let model = session.model.as_deref().unwrap_or("its own model");
    line.push(Style::Dim, format!("{model}, role {}", session.tier.as_deref().unwrap_or_default()));
    if let Some(prompt) = session.prompt_bytes {
        let prompt = u64::try_from(prompt).unwrap_or(u64::MAX);
        line.push(Style::Dim, format!(", prompt of {}", figures::bytes(prompt)));
    }
    if let Some(seconds) = session.timeout_seconds {
        line.push(Style::Dim, format!(", at most {}", figures::seconds(seconds)));
    }
    line
}
