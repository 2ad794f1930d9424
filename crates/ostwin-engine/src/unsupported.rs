//! What the settings know and this version does not do. A plan that relies on it is refused: a cap
//! that caps nothing, or a question that nobody is asked, is worse than none.

use ostwin_core::config::{ApprovalMode, Config, PlanReview, Protocol};
use ostwin_core::roles::RoleSpec;
use ostwin_runner::resolve::SessionSettings;

/// The first setting in force for the whole run that has no effect yet, with what to do.
pub fn in_settings(config: &Config) -> Option<String> {
    let asked = [
        ("plan_review", config.plan_review != PlanReview::Off, "set it to `off`"),
        ("budget_tokens", config.budget_tokens.is_some(), REMOVE),
        ("budget_usd", config.budget_usd.is_some(), REMOVE),
        ("on_event", config.on_event.is_some(), REMOVE),
    ];
    first(asked)
}

/// The first setting of a session that has no effect yet, with what to do.
pub fn in_session(settings: &SessionSettings, role: &RoleSpec) -> Option<String> {
    let asked = [
        ("approval", settings.approval.value.mode != ApprovalMode::Auto, "set its mode to `auto`"),
        ("budget_tokens", settings.budget_tokens.value.is_some(), REMOVE),
        ("budget_usd", settings.budget_usd.value.is_some(), REMOVE),
        ("quality_gates", !role.quality_gates.is_empty(), REMOVE),
        (
            "protocol: command",
            settings.agent_spec.protocol == Protocol::Command,
            "name an agent that speaks ACP",
        ),
    ];
    first(asked)
}

const REMOVE: &str = "remove it";

fn first<const N: usize>(asked: [(&str, bool, &str); N]) -> Option<String> {
    asked.into_iter().find(|(_, is_set, _)| *is_set).map(|(name, _, advice)| {
        format!("`{name}` is set, and this version does not act on it yet: {advice}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_effect_is_named_and_the_shipped_settings_are_fine() {
        let shipped = Config::default();
        assert_eq!(in_settings(&shipped), None);
        let capped = Config { budget_usd: Some(5.0), ..shipped.clone() };
        assert!(in_settings(&capped).unwrap().contains("`budget_usd`"));
        let reviewed = Config { plan_review: PlanReview::Human, ..shipped };
        assert!(in_settings(&reviewed).unwrap().contains("set it to `off`"));
    }
}
