//! Each mistake, and what is none.

use super::*;

fn errors(text: &str) -> Vec<String> {
    let machine: Machine = serde_json::from_str(text).unwrap();
    match check(&machine, &|role| role.as_str() != "ghost") {
        Ok(()) => Vec::new(),
        Err(errors) => errors.iter().map(ToString::to_string).collect(),
    }
}

/// A machine with these states, and `end` as its terminal one.
fn with(states: &str) -> Vec<String> {
    errors(&format!(r#"{{"initial_state":"a","states":{{{states},"end":{{"type":"terminal"}}}}}}"#))
}

#[test]
fn names_must_be_there() {
    assert_eq!(
        errors(
            r#"{"initial_state":"pendin","states":{
               "pending":{"type":"wait","signals":{"ready":{"target":"passd"}}},
               "passed":{"type":"terminal"}}}"#
        ),
        [
            "`initial_state` is `pendin`, which is not a state; did you mean `pending`?",
            "state `pending`, signal `ready`: target `passd` is not a state; \
             did you mean `passed`?"
        ]
    );
    assert_eq!(
        with(
            r#""a":{"type":"wait","signals":{"ready":{"target":"@previous"},"x":{"target":"end"}}}"#
        ),
        ["state `a`, signal `ready`: `@previous` needs a work or review state, and there is none"]
    );
    assert_eq!(
        with(r#""a":{"type":"wait","signals":{"escalate":"@triage"}}"#),
        [
            "state `a`, signal `escalate`: target `triage` is not a state",
            "state `a`, signal `escalate`: target `failed-final` is not a state"
        ]
    );
}

#[test]
fn sessions_need_a_role_that_resolves() {
    assert_eq!(
        with(
            r#""a":{"type":"work","signals":{"done":{"target":"b"}}},
               "b":{"type":"review","role":"ghost:x","signals":{"pass":{"target":"end"}}}"#
        ),
        [
            "state `a` is of type work and needs a `role`",
            "state `b`: role `ghost` is not known in any tier"
        ]
    );
}

#[test]
fn a_session_that_fails_leads_somewhere() {
    let session = |kind: &str, signals: &str| {
        with(&format!(r#""a":{{"type":"{kind}","role":"x","signals":{{{signals}}}}}"#))
    };
    let no_error = "state `a` has no signal `error`: say where the room goes when its session ends \
         without a signal, such as `\"error\": {\"target\": \"failed-final\"}`";
    for kind in ["work", "review", "triage"] {
        let (done, error) = (r#""done":{"target":"end"}"#, r#""error":{"target":"end"}"#);
        assert_eq!(session(kind, done), [no_error]);
        // A deadline that is reached is no answer to a program that ends.
        assert_eq!(session(kind, &format!(r#"{done},"timeout":{{"target":"end"}}"#)), [no_error]);
        assert_eq!(session(kind, &format!("{done},{error}")), Vec::<String>::new());
    }
    assert_eq!(session("wait", r#""ready":{"target":"end"}"#), Vec::<String>::new());
}

#[test]
fn every_state_has_a_way_to_an_end() {
    assert_eq!(
        with(
            r#""a":{"type":"wait","signals":{"x":{"target":"end"},"y":{"target":"b"}}},
               "b":{"type":"wait","signals":{"x":{"target":"c"}}},
               "c":{"type":"wait","signals":{"x":{"target":"b"}}}"#
        ),
        [
            "state `b`: no signals lead from it to a terminal state",
            "state `c`: no signals lead from it to a terminal state"
        ]
    );
    assert_eq!(
        errors(r#"{"initial_state":"a","states":{"a":{"type":"wait"}}}"#),
        ["no state is terminal: add one, such as `\"passed\": {\"type\": \"terminal\"}`"]
    );
}

#[test]
fn previous_counts_as_an_edge_to_every_work_and_review_state() {
    let states = |kind: &str| {
        format!(
            r#""a":{{"type":"work","role":"x",
                    "signals":{{"done":{{"target":"b"}},"error":{{"target":"b"}}}}}},
               "b":{{"type":"decision","signals":{{"retry":{{"target":"@previous"}}}}}},
               "c":{{"type":"{kind}","role":"x",
                    "signals":{{"pass":{{"target":"end"}},"error":{{"target":"end"}}}}}}"#
        )
    };
    assert_eq!(with(&states("review")), Vec::<String>::new());
    assert_eq!(with(&states("triage")).len(), 2);
}

#[test]
fn a_decision_answers_every_case() {
    let decision = |first: &str, second: &str| {
        with(&format!(
            r#""a":{{"type":"decision","signals":{{
                "x":{{"guard":"{first}","target":"end"}},
                "y":{{"guard":"{second}","target":"end"}}}}}}"#
        ))
    };
    assert_eq!(decision("retries < max_retries", "retries >= max_retries"), Vec::<String>::new());
    assert_eq!(decision("retries <= 4", "retries > 4"), Vec::<String>::new());
    assert_eq!(
        decision("retries < 4", "retries > 4"),
        ["state `a`: no guard holds when retries is 4; let the last signal have no guard"]
    );
    assert_eq!(
        decision("retries < max_retries", "triages < max_triages"),
        ["state `a`: no guard holds when retries is 0 and max_retries is 0 and triages is 0 \
             and max_triages is 0; let the last signal have no guard"]
    );
}

#[test]
fn decisions_must_not_spin() {
    let cycle = |edge: &str| {
        with(&format!(
            r#""a":{{"type":"decision","signals":{{"x":{edge},"z":{{"target":"end"}}}}}},
               "b":{{"type":"decision","signals":{{"y":{{"target":"a"}},"z":{{"target":"end"}}}}}}"#
        ))
    };
    let endless =
        ["state `a`, signal `x`: a cycle of decisions (a -> b -> a) needs a guard that limits \
         `retries` and the action `increment_retries`, or it never ends"];
    assert_eq!(
        cycle(r#"{"guard":"retries < 3","target":"b","actions":["increment_retries"]}"#),
        Vec::<String>::new()
    );
    assert_eq!(
        cycle(r#"{"guard":"max_retries > retries","target":"b","actions":["increment_retries"]}"#),
        Vec::<String>::new()
    );
    assert_eq!(cycle(r#"{"target":"b","actions":["increment_retries"]}"#), endless);
    assert_eq!(cycle(r#"{"guard":"retries < 3","target":"b"}"#), endless);
    assert_eq!(
        cycle(
            r#"{"guard":"retries < max_retries","target":"b","actions":["increment_retries","grant_retry"]}"#
        ),
        endless
    );
}

#[test]
fn a_terminal_state_has_no_signals() {
    assert_eq!(
        with(
            r#""a":{"type":"wait","signals":{"x":{"target":"b"}}},
               "b":{"type":"terminal","signals":{"x":{"target":"a"}}}"#
        ),
        ["state `b`, signal `x`: a terminal state has no signals"]
    );
}
