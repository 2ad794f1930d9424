//! Properties of the parser and the canonical form over generated texts and plans.

use proptest::prelude::*;

use super::super::{
    Criterion, Entry, Epic, LifecycleSource, Plan, Priority, Task, epic_hash, format, parse_bytes,
    render, sarif, to_json,
};
use super::parsed;
use crate::ids::{EpicId, RoleRef, SkillName};

/// Pieces of Markdown and of the plan grammar, whose mixtures are more telling than random letters.
fn fragment() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "# Plan: T",
        "# T",
        "## EPIC-001: A",
        "### EPIC-002 - B",
        "## Epic 3: C",
        "## Epics",
        "#### EPIC-004: D",
        "## Config",
        "## Goal",
        "## Tasks",
        "### Tasks",
        "## Notes",
        "### Definition of Done",
        "### Acceptance Criteria",
        "#### Group",
        "DoD:",
        "**AC**",
        "### Description",
        "### Objective",
        "### Lifecycle",
        "### Roles",
        "### Key files",
        "depends_on: [EPIC-001, Epic 3]",
        "depends_on:",
        "Dependencies: none",
        "Roles: engineer, qa",
        "**Roles:** @engineer @qa",
        "- Roles: engineer:fe",
        "- **depends_on: Epic 1**",
        "Role:",
        "Objective: reach it",
        "Description: text",
        "Key files: a.rs, b.rs",
        "- Key files:",
        "priority: high",
        "priority: soon",
        "timeout: 15m",
        "max_retries: x",
        "Model: m",
        "Pipeline: a -> b",
        "Capabilities: x, y",
        "Lifecycle:",
        "Lifecycle: a → b",
        "no_mcp: true",
        "```json",
        "```yaml",
        "```verbatim",
        "```verbatim notes",
        "```gherkin",
        "```",
        "~~~",
        "````",
        "{\"initial_state\": \"a\"}",
        "{",
        "TASK-001: do",
        "- [ ] TASK-002 — [qa] **T.** x | requires: y",
        "- [x] done",
        "- item",
        "* item",
        "1. one",
        "- [ ] ",
        "-",
        "- - -",
        "---",
        "===",
        "***",
        "Scenario: s",
        "Given a",
        "When b",
        "Then c",
        "- Given a",
        "- When b",
        "**Given** x",
        "> quote",
        "    code",
        "\tx",
        "<!-- open",
        "-->",
        "<div>",
        "[a]: /url",
        "| a | b |",
        "|---|---|",
        "text",
        "text  ",
        "",
        "",
        " ",
        "\\",
        "`",
        "**",
        "key: value",
        "  - nested",
        "  continued",
        "goal: x",
        "a: [1, 2]",
        "\u{feff}",
        "ä—ö",
        "- a\r",
        "x #",
        "...",
    ]);
    prop_oneof![
        8 => pieces.prop_map(str::to_owned),
        1 => "[ -~]{0,12}",
        1 => "\\PC{0,6}",
    ]
}

fn garbage() -> impl Strategy<Value = String> {
    let line =
        (prop::sample::select(vec!["", "", "", "", "  ", "    ", "> ", "- ", "   "]), fragment())
            .prop_map(|(indent, text)| format!("{indent}{text}"));
    prop::collection::vec(
        (line, prop::sample::select(vec!["\n", "\n", "\n\n", "\r\n", "\r"])),
        0..24,
    )
    .prop_map(|lines| lines.into_iter().map(|(line, end)| line + end).collect())
}

/// Failing inputs become examples in the other tests, not files.
fn config(cases: u32) -> ProptestConfig {
    let default = ProptestConfig::default();
    // More can be asked for with `PROPTEST_CASES`.
    ProptestConfig { cases: cases.max(default.cases), failure_persistence: None, ..default }
}

/// The canonical form of what a text says is a fixpoint, and means the same.
fn assert_canonical(text: &str) -> Result<(), TestCaseError> {
    let first = parsed(text);
    let canonical = format(&first.plan);
    let second = parsed(&canonical);
    prop_assert_eq!(
        second.plan.without_spans(),
        first.plan.without_spans(),
        "{:?}\n--- canonical ---\n{}",
        text,
        canonical
    );
    prop_assert_eq!(format(&second.plan), canonical);
    Ok(())
}

proptest! {
    #![proptest_config(config(2000))]

    #[test]
    fn garbage_has_a_canonical_form(text in garbage()) {
        assert_canonical(&text)?;
    }

    #[test]
    fn any_text_has_a_canonical_form(text in "(?s).{0,200}") {
        assert_canonical(&text)?;
    }

    #[test]
    fn diagnostics_of_garbage_can_be_shown(text in garbage()) {
        let parsed = parsed(&text);
        render(&parsed.diagnostics, "PLAN.md", &text);
        sarif(&parsed.diagnostics, "PLAN.md", &text);
        prop_assert!(to_json(&parsed, &text).is_ok());
    }

    #[test]
    fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        parse_bytes(&bytes, &super::ParseOptions::default());
    }
}

fn words() -> impl Strategy<Value = String> {
    prop::collection::vec("[A-Za-z][a-z0-9]{0,6}", 1..5).prop_map(|words| words.join(" "))
}

/// Text as people and models write it, several blocks of it.
fn prose() -> impl Strategy<Value = String> {
    prop::collection::vec(fragment(), 1..5)
        .prop_map(|lines| super::super::text::tidy(&lines.join("\n\n")).trim().to_owned())
        .prop_filter("blank", |text| !text.is_empty() && !text.contains('\0'))
}

fn criteria(prefix: &'static str) -> impl Strategy<Value = Vec<Criterion>> {
    prop::collection::vec((prose(), any::<bool>()), 0..4).prop_map(move |all| {
        let numbered = all.into_iter().enumerate();
        numbered
            .map(|(n, (text, checked))| Criterion {
                id: format!("{prefix}-{}", n + 1),
                text,
                checked,
            })
            .collect()
    })
}

fn task() -> impl Strategy<Value = Task> {
    (prop::option::of(1..99_u32), words(), prose(), any::<bool>(), any::<bool>()).prop_map(
        |(id, title, text, checked, has_text)| Task {
            id: id.map(|n| EpicId::new(&format!("TASK-{n:03}")).unwrap()),
            title,
            text: if has_text {
                text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n").replace('|', "/")
            } else {
                String::new()
            },
            role: checked.then(|| RoleRef::new("engineer:fe").unwrap()),
            requires: if checked { vec!["EPIC-001".to_owned(), "a b".to_owned()] } else { vec![] },
            unlocks: if has_text { vec!["x".to_owned()] } else { vec![] },
            checked,
        },
    )
}

prop_compose! {
    fn epic(number: usize)(
        title in words(),
        depends_on in prop::collection::btree_set(0..8_usize, 0..3),
        roles in prop::sample::subsequence(vec!["engineer", "qa", "architect:lead"], 0..3),
        objective in prop::option::of(prose()),
        description in prop::option::of(prose()),
        key_files in prop::option::of(prose()),
        priority in prop::option::of(prop_oneof![
            Just(Priority::High), Just(Priority::Normal), Just(Priority::Low),
            (-5..5_i64).prop_map(Priority::Rank)
        ]),
        limits in prop::option::of((0..9999_u64, 0..9_u32, 0..9999_u64)),
        flags in prop::option::of((any::<bool>(), any::<bool>(), any::<bool>())),
        budget in prop::option::of((0..9_999_999_u64, 0.0..99.0_f64)),
        names in prop::option::of(words()),
        lifecycle in prop::option::of(prop_oneof![
            Just(LifecycleSource::Machine(serde_json::json!({"initial_state": "a", "n": [1, {"b": null}]}))),
            Just(LifecycleSource::Drawing("a → b ─┬─► c\n       ▲".to_owned())),
        ]),
        definition_of_done in criteria("DOD"),
        acceptance_criteria in criteria("AC"),
        tasks in prop::collection::vec(task(), 0..3),
        is_task in any::<bool>(),
    ) -> Epic {
        let (prefix, entry) = if is_task { ("TASK", Entry::Task) } else { ("EPIC", Entry::Epic) };
        let mut epic = Epic::new(EpicId::new(&format!("{prefix}-{number:03}")).unwrap(), entry);
        epic.title = title;
        epic.depends_on = depends_on.iter().map(|n| EpicId::new(&format!("EPIC-{n}")).unwrap()).collect();
        epic.roles = roles.into_iter().map(|role| RoleRef::new(role).unwrap()).collect();
        epic.objective = objective;
        epic.description = description.unwrap_or_default();
        epic.key_files = key_files;
        epic.priority = priority;
        epic.timeout = limits.map(|limits| limits.0);
        epic.max_retries = limits.map(|limits| limits.1);
        epic.retry_delay = limits.map(|limits| limits.2);
        epic.no_mcp = flags.map(|flags| flags.0);
        epic.skip_review = flags.map(|flags| flags.1);
        epic.serialize = flags.map(|flags| flags.2);
        epic.budget_tokens = budget.map(|budget| budget.0);
        epic.budget_usd = budget.map(|budget| budget.1);
        epic.model = names.clone();
        epic.agent = names.clone();
        epic.working_dir = names.clone();
        epic.skill_refs = names.iter().map(|_| SkillName::new("testing").unwrap()).collect();
        epic.pipeline = names.iter().flat_map(|name| [name.clone(), "qa".to_owned()]).collect();
        epic.capabilities = names.into_iter().collect();
        epic.lifecycle = lifecycle;
        epic.definition_of_done = definition_of_done;
        epic.acceptance_criteria = acceptance_criteria;
        epic.tasks = tasks;
        epic
    }
}

fn any_plan() -> impl Strategy<Value = Plan> {
    let epics = (0..4_usize).prop_flat_map(|count| (0..count).map(epic).collect::<Vec<_>>());
    (prop::option::of(words()), prop::option::of(prose()), epics).prop_map(
        |(title, goal, epics)| {
            let config = epics
                .iter()
                .map(|epic| (format!("key{}", epic.title.len()), epic.title.clone().into()));
            Plan { title, goal, config: config.collect(), epics, ..Plan::default() }
        },
    )
}

proptest! {
    #![proptest_config(config(500))]

    #[test]
    fn every_plan_reads_back(plan in any_plan()) {
        let canonical = format(&plan);
        prop_assert_eq!(&parsed(&canonical).plan.without_spans(), &plan, "{}", canonical);
    }

    #[test]
    fn hashes_tell_epics_apart(one in epic(1), other in epic(1)) {
        prop_assert_eq!(epic_hash(&one) == epic_hash(&other), one == other);
    }
}
