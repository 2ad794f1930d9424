//! The state machine of a plan's review.

use ostwin_core::ids::RoleRef;
use ostwin_core::lifecycle::Machine;
use serde_json::json;

use crate::error::EngineError;

/// `pending -> reviewing -> approving -> passed`, or `failed-final`. A session that fails is tried
/// again; a review that no longer fits the plan is asked for again; both use up retries.
///
/// # Errors
/// It would be a mistake in this module.
pub(super) fn machine(reviewer: &RoleRef, max_retries: u32) -> Result<Machine, EngineError> {
    let drawn = json!({
        "schema_version": 1,
        "initial_state": "pending",
        "max_retries": max_retries,
        "max_triages": 0,
        "states": {
            "pending": { "type": "wait", "signals": { "ready": { "target": "reviewing" } } },
            "reviewing": { "type": "review", "role": reviewer, "signals": {
                "pass": { "target": "approving" },
                "fail": { "target": "failed-final" },
                "escalate": { "target": "failed-final" },
                "error": { "target": "failed" },
                "timeout": { "target": "failed" },
            } },
            "failed": { "type": "decision", "signals": {
                "retry": {
                    "guard": "retries < max_retries",
                    "target": "@previous",
                    "actions": ["increment_retries"],
                },
                "exhaust": { "target": "failed-final" },
            } },
            "approving": { "type": "wait", "signals": {
                "signoff": { "target": "passed" },
                "reject": { "target": "failed-final" },
                "retry": [
                    {
                        "guard": "retries < max_retries",
                        "target": "reviewing",
                        "actions": ["increment_retries"],
                    },
                    { "target": "failed-final" },
                ],
            } },
            "passed": { "type": "terminal" },
            "failed-final": { "type": "terminal" },
        },
    });
    let machine: Machine =
        serde_json::from_value(drawn).map_err(|error| EngineError::Bug(error.to_string()))?;
    Ok(machine.normalise())
}

#[cfg(test)]
mod tests {
    use ostwin_core::lifecycle::check;

    use super::*;

    #[test]
    fn it_is_sound_and_ends_whatever_happens() {
        let machine = machine(&"architect".parse().unwrap(), 0).unwrap();
        check(&machine, &|role| role.as_str() == "architect").unwrap();
        let person = machine.allowed_person_signals(&"approving".parse().unwrap());
        let person: Vec<&str> = person.iter().map(|signal| signal.as_str()).collect();
        assert_eq!(person, ["signoff", "reject"]);
        assert_eq!(machine.allowed_agent_signals(&"approving".parse().unwrap()), []);
    }
}
