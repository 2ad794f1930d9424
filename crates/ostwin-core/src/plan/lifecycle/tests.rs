//! What the words of a plan come to.

use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::lifecycle::{Stage, check, drawing};
use crate::plan::{ParseOptions, parse};

const REGISTRY: &str = r#"{"roles":[
    {"name":"engineer","supported_task_types":["epic","task"]},
    {"name":"technical-writer","supported_task_types":["epic","task"]},
    {"name":"architect","supported_task_types":["epic","review"]},
    {"name":"security-auditor","supported_task_types":["epic","review"]},
    {"name":"qa","supported_task_types":["review"]}],
  "assignment_rules":{"default_role":"engineer","review_role":"qa"},
  "capability_aliases":{"appsec":"security"},
  "capability_reviews":{"security":{"stage":"security-review","role":"security-auditor"},
                        "architecture":{"stage":"architecture-review","role":"architect"}}}"#;

fn registry() -> Registry {
    Registry::read(Path::new("registry.json"), REGISTRY.as_bytes()).unwrap().0
}

fn epic(body: &str) -> Epic {
    let options = ParseOptions { registry: Some(registry()), ..ParseOptions::default() };
    let text = format!("# Plan: x\n\n## EPIC-001: A\n\n{body}\n");
    parse(&text, &options).plan.epics.remove(0)
}

/// Each stage as `state (role)`, a review with who mends.
fn stages(body: &str) -> Vec<String> {
    let flow = flow(&epic(body), Some(&registry())).unwrap().unwrap();
    let shown = |stage: &Stage| {
        let mends = stage.fixer.as_ref().map(|fixer| format!(" <- {fixer}")).unwrap_or_default();
        format!("{} ({}){mends}", stage.state, stage.role)
    };
    flow.stages().iter().map(shown).collect()
}

const REVIEWED: [&str; 2] = ["developing (engineer)", "review (qa) <- engineer"];

#[test]
fn roles_work_and_review_in_order() {
    assert_eq!(stages(""), REVIEWED);
    assert_eq!(stages("Roles: engineer"), REVIEWED);
    assert_eq!(stages("skip_review: true"), ["developing (engineer)"]);
    assert_eq!(
        stages("Roles: architect, engineer:fe"),
        ["developing (architect)", "review (engineer:fe) <- architect"]
    );
}

#[test]
fn a_pipeline_names_the_stages() {
    assert_eq!(
        stages("Pipeline: architect -> engineer -> security-review -> qa"),
        [
            "developing-architect (architect)",
            "developing-engineer (engineer)",
            "security-review (security-auditor) <- engineer",
            "review-qa (qa) <- engineer"
        ]
    );
    assert_eq!(
        stages("Pipeline: engineer -> appsec-review -> architect"),
        [
            "developing (engineer)",
            "security-review (security-auditor) <- engineer",
            "review-architect (architect) <- engineer"
        ],
        "who can do both reviews what was worked on"
    );
    assert_eq!(stages("Pipeline: developing -> review"), REVIEWED, "the machine's own words");
    assert_eq!(
        stages("Pipeline: engineer -> technical-writer-review -> qa -> technical-writer"),
        [
            "developing-engineer (engineer)",
            "technical-writer-review (technical-writer) <- engineer",
            "review-qa (qa) <- engineer",
            "developing-technical-writer (technical-writer)"
        ]
    );
    assert_eq!(stages("Pipeline: @Engineer"), REVIEWED, "nothing passes without a review");
    assert_eq!(stages("Pipeline: engineer\nskip_review: yes"), ["developing (engineer)"]);
}

#[test]
fn capabilities_insert_their_reviews_before_the_others() {
    let audited = "security-review (security-auditor) <- engineer";
    assert_eq!(
        stages("Capabilities: appsec, cooking"),
        ["developing (engineer)", audited, "review-qa (qa) <- engineer"]
    );
    assert_eq!(
        stages("Roles: engineer, qa\nCapabilities: security, architecture, appsec"),
        [
            "developing (engineer)",
            audited,
            "architecture-review (architect) <- engineer",
            "review-qa (qa) <- engineer"
        ]
    );
    assert_eq!(
        stages("skip_review: true\nCapabilities: security"),
        ["developing (engineer)", audited],
        "what a capability asks for is not skipped"
    );
    assert_eq!(
        stages("Roles: engineer, security-auditor\nCapabilities: security"),
        ["developing (engineer)", "review (security-auditor) <- engineer"],
        "nobody is asked twice"
    );
}

#[test]
fn a_drawing_says_who_judges_and_who_mends() {
    let drawn = |text: &str| stages(&format!("Lifecycle:\n```text\n{text}\n```"));
    assert_eq!(
        drawn(
            "pending → engineer → qa ─┬─► passed → signoff\n   ▲      │\n   └─ engineer ◄┘ (on fail)"
        ),
        REVIEWED
    );
    assert_eq!(
        drawn("pending → architect → engineer ─┬─► passed\n   └── architect ◄───┘"),
        ["developing (architect)", "review (engineer) <- architect"],
        "who stands at the fork judges"
    );
    assert_eq!(
        drawn("pending → architect ─┬─► passed → signoff\n     ▲       │\n     └───────┘"),
        ["developing (architect)", "review (qa) <- architect"]
    );
    assert_eq!(
        drawn("architect ─┬─► engineer → passed\n     └───────┘"),
        [
            "developing-architect (architect)",
            "review (qa) <- architect",
            "developing-engineer (engineer)"
        ]
    );
    assert_eq!(
        drawn("engineer -> security -+-> qa -+-> passed\n   +- architect <-+   +---+"),
        [
            "developing (engineer)",
            "security-review (security-auditor) <- architect",
            "review-qa (qa) <- engineer"
        ]
    );
    assert_eq!(drawn("pending → engineer → qa → passed"), REVIEWED);
    assert_eq!(
        drawn("build (engineer) → look (qa:late) ─┬─► passed"),
        ["build (engineer)", "look (qa:late) <- engineer"]
    );
}

#[test]
fn a_machine_in_json_keeps_its_roles_and_takes_the_epics_retries() {
    let epic = epic(
        "max_retries: 7\nLifecycle:\n```json\n{\"initial_state\":\"a\",\"states\":{\
         \"look\":{\"type\":\"review\",\"role\":\"qa\",\"signals\":{\"pass\":{\"target\":\"b\"}}},\
         \"a\":{\"type\":\"work\",\"role\":\"engineer\",\"signals\":{\"done\":{\"target\":\"look\"}}},\
         \"b\":{\"type\":\"terminal\"}}}\n```",
    );
    let registry = registry();
    assert_eq!(flow(&epic, Some(&registry)), Ok(None));
    let cast = cast(&epic, &casting(&registry)).unwrap();
    assert_eq!(cast.roles, [RoleRef::new("engineer").unwrap(), RoleRef::new("qa").unwrap()]);
    assert_eq!(cast.machine.max_retries, 7);
}

fn casting(registry: &Registry) -> Casting<'_> {
    Casting {
        registry,
        review_restart: ReviewRestart::Stage,
        triage: TriageMode::Session(RoleRef::new("manager").unwrap()),
        max_retries: 3,
        max_triages: 1,
    }
}

#[test]
fn mistakes_are_shown_where_they_were_made() {
    let found = |body: &str| {
        let options = ParseOptions {
            registry: Some(registry()),
            known_roles: Some(["engineer", "qa", "architect"].map(str::to_owned).to_vec()),
            dynamic_roles: false,
            ..ParseOptions::default()
        };
        let text = format!(
            "# P\n\n## EPIC-001: A\n\n{body}\n\n### DoD\n- [ ] x\n\n### Acceptance Criteria\n- [ ] y\n"
        );
        let found = parse(&text, &options).diagnostics;
        let shown =
            found.iter().map(|d| format!("{} `{}` {}", d.code, d.span.of(&text), d.message));
        shown.collect::<Vec<_>>()
    };
    let json = |text: &str| found(&format!("- Lifecycle:\n\n  ```json\n  {text}\n  ```"));
    assert_eq!(
        json(
            "{\"initial_state\":\"a\",\n   \"states\":{\"a\":{\"type\":\"wait\",\"signals\":{\"go\":{\"guard\":\"retrys < 3\",\"target\":\"b\"}}}}}"
        ),
        ["malformed-lifecycle `\"` the lifecycle is no machine: state `a`: signal `go`: guard \
          `retrys < 3`: expected a counter, found `retrys`; did you mean `retries`?"]
    );
    assert_eq!(
        json(
            "{\"initial_state\":\"a\",\"states\":{\"a\":{\"type\":\"work\",\"role\":\"enginer\",\"signals\":{\n  \"done\":{\"target\":\"c\"}}},\"b\":{\"type\":\"terminal\"}}}"
        ),
        [
            "unknown-role `\"role\"` no role `enginer` is known; `dynamic_roles` is off",
            "malformed-lifecycle `\"done\"` the lifecycle of EPIC-001: state `a`, signal `done`: \
             target `c` is not a state; did you mean `a`?"
        ]
    );
    assert_eq!(
        found("Lifecycle:\n```text\n  pending → engineer   qa → passed\n```"),
        ["malformed-lifecycle `qa` no arrow leads to `qa`"]
    );
    assert_eq!(
        found("- Lifecycle:\n\n  ```\n  engineer → ..x → passed\n  ```"),
        [
            "malformed-lifecycle `..x` `..x` is neither a role nor a review stage: it must start with \
          an ASCII letter or digit"
        ]
    );
    assert_eq!(
        found("Pipeline: engineer -> security-review -> qa"),
        ["unknown-role `engineer -> security-review -> qa` no role `security-auditor` is known; \
          `dynamic_roles` is off"]
    );
    assert_eq!(
        found("Pipeline: security-review -> qa"),
        ["malformed-lifecycle `security-review -> qa` the first stage is a review by \
          `security-auditor`, and there is nothing to review yet"]
    );
    assert_eq!(
        found("Pipeline: engineer -> b!d -> qa"),
        ["malformed-lifecycle `b!d` `b!d` is neither a role nor a review stage: it may hold only \
          ASCII letters, digits, `-`, `_` and `.`"]
    );
    assert_eq!(
        found(
            "Roles: engineer, architect\nPipeline: engineer -> qa\nLifecycle: engineer → qa → passed"
        ),
        [
            "not-acted-on `architect` `architect` takes no part: no stage names it",
            "not-acted-on `engineer -> qa` `Pipeline` adds no stage: `Lifecycle` says which there are"
        ]
    );
    assert_eq!(found("Roles: engineer, qa\nCapabilities: architecture"), Vec::<String>::new());
}

fn any_epic() -> impl Strategy<Value = Epic> {
    let role = || {
        proptest::sample::select(vec!["engineer", "engineer:fe", "qa", "architect", "a.b_c", "7"])
            .prop_map(|text| RoleRef::new(text).unwrap())
    };
    let word = proptest::sample::select(vec![
        "engineer",
        "architect",
        "qa",
        "security",
        "appsec-review",
        "technical-writer",
        "review",
        "developing",
        "ghost",
        "qa-review",
        "engineer:fe",
    ]);
    let capability = proptest::sample::select(vec!["security", "appsec", "architecture", "x"]);
    (
        proptest::collection::vec(role(), 0..4),
        proptest::collection::vec(word, 0..6),
        proptest::collection::vec(capability, 0..3),
        any::<bool>(),
    )
        .prop_map(|(roles, pipeline, capabilities, skip_review)| {
            let mut epic = epic("");
            epic.roles = roles;
            // Work comes first.
            let first = pipeline.first().map(|_| "engineer");
            epic.pipeline = first.into_iter().chain(pipeline).map(str::to_owned).collect();
            epic.capabilities = capabilities.into_iter().map(str::to_owned).collect();
            epic.skip_review = Some(skip_review);
            epic
        })
}

proptest! {
    #[test]
    fn whatever_an_epic_says_comes_to_a_sound_machine(epic in any_epic(), first in any::<bool>()) {
        let registry = registry();
        let restart = if first { ReviewRestart::First } else { ReviewRestart::Stage };
        let casting = Casting { review_restart: restart, ..casting(&registry) };
        let cast = cast(&epic, &casting).unwrap();
        prop_assert_eq!(check(&cast.machine, &|_| true), Ok(()));
        let flow = flow(&epic, Some(&registry)).unwrap().unwrap();
        prop_assert!(epic.skip_review == Some(true) || flow.stages().iter().any(Stage::is_review));
        prop_assert_eq!(Flow::of(&cast.machine), Some(flow));
    }

    #[test]
    fn what_is_drawn_reads_as_what_it_was_drawn_from(epic in any_epic(), first in any::<bool>()) {
        let registry = registry();
        let restart = if first { ReviewRestart::First } else { ReviewRestart::Stage };
        let casting = Casting { review_restart: restart, ..casting(&registry) };
        let machine = cast(&epic, &casting).unwrap().machine;
        let drawn = drawing(&Flow::of(&machine).unwrap(), restart).unwrap();
        let mut copy = epic;
        copy.lifecycle = Some(LifecycleSource::Drawing(drawn));
        prop_assert_eq!(cast(&copy, &casting).unwrap().machine, machine);
    }

    #[test]
    fn no_drawing_makes_reading_panic(text in "[ a-z()→►┬┘└│─+<>|^v\n-]{0,80}") {
        let _ = sketch(&text);
    }
}
