//! Every spelling in use means the same.

use super::super::{Criterion, Entry, LifecycleSource, Plan, Priority, Task};
use super::plan;
use crate::ids::{EpicId, RoleRef, SkillName};
use serde_json::json;

/// A plan of two epics in which one part can be spelled in another way.
struct Spelling {
    title: &'static str,
    config: &'static str,
    goal: &'static str,
    first: &'static str,
    second: &'static str,
    depends_on: &'static str,
    roles: &'static str,
    objective: &'static str,
    timeout: &'static str,
    done: &'static str,
    accepted: &'static str,
    tasks: &'static str,
}

const USUAL: Spelling = Spelling {
    title: "# Plan: Shop",
    config: "## Config\n\n- max_retries: 2\n- working_dir: app",
    goal: "## Goal\n\nSell things.",
    first: "## EPIC-001: Login",
    second: "## EPIC-002: Basket",
    depends_on: "depends_on: [EPIC-001]",
    roles: "Roles: engineer:fe, qa",
    objective: "Objective: Users can fill it.",
    timeout: "timeout: 900",
    done: "### Definition of Done\n\n- [ ] It builds\n- [ ] It is tested",
    accepted: "### Acceptance Criteria\n\n- [ ] Given a user\n  When they log in\n  Then it works",
    tasks: "### Tasks\n\n- [ ] TASK-001 — [engineer] **Build it.** With care. | requires: TASK-000 | unlocks: TASK-002",
};

impl Spelling {
    fn text(&self) -> String {
        let Self { title, config, goal, first, second, depends_on, .. } = self;
        let Self { roles, objective, timeout, done, accepted, tasks, .. } = self;
        format!(
            "{title}\n\n{config}\n\n{goal}\n\n{first}\n\nRoles: architect\n\n{second}\n\n{depends_on}\n\n{roles}\n\n{objective}\n\n{timeout}\n\nSome **context** for it.\n\n{done}\n\n{accepted}\n\n{tasks}\n"
        )
    }
}

fn criterion(id: &str, text: &str) -> Criterion {
    Criterion { id: id.to_owned(), text: text.to_owned(), checked: false }
}

/// What all spellings mean.
fn assert_meaning(plan: &Plan, text: &str) {
    assert_eq!(plan.title.as_deref(), Some("Shop"), "{text}");
    assert_eq!(plan.goal.as_deref(), Some("Sell things."), "{text}");
    assert_eq!(json!(plan.config), json!({"max_retries": 2, "working_dir": "app"}), "{text}");
    assert_eq!(plan.notes, "", "{text}");
    let [first, second] = plan.epics.as_slice() else { panic!("two epics in {text}") };
    let mut expected = first.clone();
    expected.id = EpicId::new("EPIC-001").unwrap();
    expected.entry = Entry::Epic;
    expected.title = "Login".to_owned();
    expected.roles = vec![RoleRef::new("architect").unwrap()];
    assert_eq!(*first, expected, "{text}");
    let mut expected = super::super::Epic::new(EpicId::new("EPIC-002").unwrap(), Entry::Epic);
    expected.title = "Basket".to_owned();
    expected.depends_on = vec![EpicId::new("EPIC-001").unwrap()];
    expected.roles = vec![RoleRef::new("engineer:fe").unwrap(), RoleRef::new("qa").unwrap()];
    expected.objective = Some("Users can fill it.".to_owned());
    expected.timeout = Some(900);
    expected.description = "Some **context** for it.".to_owned();
    expected.definition_of_done =
        vec![criterion("DOD-1", "It builds"), criterion("DOD-2", "It is tested")];
    expected.acceptance_criteria =
        vec![criterion("AC-1", "Given a user\nWhen they log in\nThen it works")];
    expected.tasks = vec![Task {
        id: Some(EpicId::new("TASK-001").unwrap()),
        title: "Build it".to_owned(),
        text: "With care.".to_owned(),
        role: Some(RoleRef::new("engineer").unwrap()),
        requires: vec!["TASK-000".to_owned()],
        unlocks: vec!["TASK-002".to_owned()],
        checked: false,
    }];
    assert_eq!(*second, expected, "{text}");
}

macro_rules! spellings {
    ($($field:ident: [$($text:expr),* $(,)?],)*) => {
        vec![$($(Spelling { $field: $text, ..USUAL },)*)*]
    };
}

#[test]
fn every_dialect_means_the_same() {
    let all = spellings! {
        title: ["# Shop", "# plan: Shop", "# PLAN — Shop", "# Plan - Shop", "Shop\n====", "# Plan: Shop #",
            "---\ntitle: Shop\n---"],
        config: [
            "## Config\n\nmax_retries: 2\nworking_dir: app",
            "## Config\n\n* max_retries: 2\n* working_dir: app",
            "## config\n\n- **max_retries**: 2\n- `working_dir`: `app`",
            "## Configuration\n\nMax retries: 2\nWorking dir: app",
            "### Config\n\n- **Max-Retries:** 2\n- working_dir: \"app\"",
            "## Config\n\n```yaml\nmax_retries: 2\nworking_dir: app\n```",
        ],
        goal: ["## goal\n\nSell things.", "### Goal\n\nSell things.", "## Goal: Sell things.",
            "Goal\n----\nSell things.", "## Goals\n\nSell things.\n\n---"],
        first: ["### EPIC-001: Login", "## epic-001: Login", "## EPIC-001 - Login", "## EPIC-001 – Login",
            "## EPIC-001 — Login", "## EPIC-001 Login", "## Epic 1: Login", "## EPIC 1 — Login",
            "### Epic: EPIC-001 - Login", "## **EPIC-001: Login**", "## Epics\n\n### EPIC-001: Login",
            "## EPIC-001: Login ##", "EPIC-001: Login\n---------", "## Epic #1: Login",
            "## EPIC-001: Login\n\n- priority:"],
        second: ["### EPIC-002: Basket", "## Epic 2 - Basket", "---\n\n## EPIC-002: Basket\n\n---"],
        depends_on: [
            "depends_on: EPIC-001", "depends_on: Epic 1", "depends_on: [Epic 1]", "Depends on: EPIC-001",
            "Dependencies: EPIC-001", "dependencies: [\"EPIC-001\"]", "depends-on: `EPIC-001`",
            "- depends_on: [EPIC-001]", "* Dependencies: epic-001", "**depends_on: Epic 1**",
            "**Depends on:** EPIC-001", "**depends_on**: EPIC-001", "- **Dependencies**: EPIC-001",
            "depends_on:\n- EPIC-001", "depends_on:\n\n- Epic 1\n", "- depends_on:\n  - EPIC-001",
            "### Dependencies\n\n- EPIC-001", "### depends_on\n\n- Epic 1: the login", "#### Depends on\n\nEPIC-001",
            "### Dependencies: EPIC-001", "**Dependencies**\n\n- EPIC-001",
            "```yaml\ndepends_on: [EPIC-001]\n```", "```yml\nDependencies:\n  - Epic 1\n```",
            "depends_on: EPIC-001 (Login)", "depends_on: EPIC-001\ndepends_on: none", "_depends_on_: EPIC-001",
        ],
        roles: [
            "Roles: [engineer:fe, qa]", "Role: engineer:fe, qa", "roles: @engineer:fe @qa", "Roles: Engineer:FE, QA",
            "- Roles: engineer:fe, qa", "**Roles**: engineer:fe, qa", "**Roles: engineer:fe, qa**",
            "Roles:\n- engineer:fe\n- qa", "### Roles\n\n- engineer:fe\n- qa", "### Roles\n\nengineer:fe, qa",
            "```yaml\nroles: [\"engineer:fe\", qa]\n```", "```yaml\nroles:\n  - engineer:fe\n  - qa\n```",
            "- Roles:\n  1. engineer:fe\n  2. @qa", "Roles: `engineer:fe`, `qa`", "Roles: engineer:fe and qa",
            "Roles: @engineer:fe, @qa",
        ],
        objective: [
            "objective: Users can fill it.", "**Objective:** Users can fill it.", "**Objective**: Users can fill it.",
            "- Objective: Users can fill it.", "Objective:\n\nUsers can fill it.", "Objective:\nUsers can fill it.",
            "```yaml\nObjective: Users can fill it.\n```",
        ],
        timeout: ["timeout: 15m", "Timeout: 15 minutes", "timeout: 900s", "- timeout: 15m", "**timeout**: 900",
            "timeout_seconds: 900", "```yaml\ntimeout: 15m\n```", "```yaml\ntimeout: 900\n```", "### Timeout\n\n15m"],
        done: [
            "### DoD\n\n- [ ] It builds\n- [ ] It is tested", "#### Definition of done\n\n- It builds\n- It is tested",
            "### Definition of Done\n1. It builds\n2. It is tested", "**Definition of Done**\n\n- [ ] It builds\n- [ ] It is tested",
            "Definition of Done:\n- [ ] It builds\n- [ ] It is tested", "**Definition of Done:**\n- It builds\n- It is tested",
            "- **Definition of Done:**\n  - It builds\n  - [ ] It is tested", "### Definition of Done:\n\nIt builds\n\nIt is tested",
            "###### DEFINITION OF DONE\n\n* [ ] It builds\n* [ ] It is tested", "### Definition-of-Done\n\n- [ ] It builds\n\n- [ ] It is tested",
        ],
        accepted: [
            "### Acceptance Criteria\n\nGiven a user\nWhen they log in\nThen it works",
            "### Acceptance criteria\n\n- Given a user\n- When they log in\n- Then it works",
            "### Acceptance Criteria\n\nGiven a user\n\nWhen they log in\n\nThen it works",
            "### Acceptance Criteria\n\n- Given a user\n  When they log in\n  Then it works",
            "### Acceptance Criteria\n\n```gherkin\nGiven a user\n  When they log in\n  Then it works\n```",
            "**Acceptance Criteria:**\n\n1. Given a user\n   When they log in\n   Then it works",
        ],
        tasks: [
            "#### Tasks\n\n- [ ] TASK-001 — [engineer] **Build it.** With care. | requires: TASK-000 | unlocks: TASK-002",
            "**Tasks:**\n- TASK-001: [engineer] **Build it** With care. | unlocks: TASK-002 | requires: TASK-000",
            "### Tasks\n\nTASK-001 - [engineer] **Build it.** With care. | requires: TASK-000 | unlocks: TASK-002",
            "### Tasks\n\n- [ ] **TASK-001** — [@engineer] **Build it:** With care. | requires: `TASK-000` | unlocks: [TASK-002]",
            "### Tasks\n\n#### TASK-001: [engineer] **Build it.** | requires: TASK-000 | unlocks: TASK-002\n\nWith care.",
            "### TASK-001 - [engineer] **Build it.** | requires: TASK-000 | unlocks: TASK-002\n\nWith care.",
        ],
    };
    assert_meaning(&plan(&USUAL.text()), "the usual spelling");
    for spelling in all {
        let text = spelling.text();
        // The sections of an epic stand below its own level.
        let text = match text.split_once("### EPIC-002") {
            Some((before, after)) => {
                format!("{before}### EPIC-002{}", after.replace("\n### ", "\n#### "))
            }
            None => text,
        };
        assert_meaning(&plan(&text), &text);
    }
}

/// The only epic of a plan.
fn epic(body: &str) -> super::super::Epic {
    let plan = plan(&format!("## EPIC-001: A\n\n{body}\n"));
    let [epic] = plan.epics.as_slice() else { panic!("one epic in {body}") };
    epic.clone()
}

#[test]
fn every_directive_is_read() {
    let found = epic(
        "- priority: high\n- max_retries: 0\n- retry_delay: 1m\n- model: `vendor/model-1`\n- agent: opencode\n\
         - no_mcp: true\n- skill_refs: testing, `fixing`\n- working_dir: ./app\n\
         - Pipeline: architect -> engineer → security-review -> qa\n- Capabilities: security, database\n\
         - skip_review: no\n- serialize: true\n- budget_tokens: 1_000_000\n- budget_usd: $2.50",
    );
    assert_eq!(found.priority, Some(Priority::High));
    assert_eq!(found.max_retries, Some(0));
    assert_eq!(found.retry_delay, Some(60));
    assert_eq!(found.model.as_deref(), Some("vendor/model-1"));
    assert_eq!(found.agent.as_deref(), Some("opencode"));
    assert_eq!(found.no_mcp, Some(true));
    assert_eq!(found.skill_refs, ["testing", "fixing"].map(|name| SkillName::new(name).unwrap()));
    assert_eq!(found.working_dir.as_deref(), Some("./app"));
    assert_eq!(found.pipeline, ["architect", "engineer", "security-review", "qa"]);
    assert_eq!(found.capabilities, ["security", "database"]);
    assert_eq!((found.skip_review, found.serialize), (Some(false), Some(true)));
    assert_eq!((found.budget_tokens, found.budget_usd), (Some(1_000_000), Some(2.5)));
    assert_eq!(found.description, "");
    assert_eq!(epic("priority: 7").priority, Some(Priority::Rank(7)));
    assert_eq!(epic("Skills: a, b").skill_refs.len(), 2);
    assert_eq!(epic("depends_on: []").depends_on, []);
    assert_eq!(epic("depends_on: none").description, "");
}

#[test]
fn texts_go_on_over_lines() {
    for body in [
        "Key files: `src/a.rs`, src/b/\nRoles: qa",
        "- Key files: `src/a.rs`, src/b/\n- Roles: qa",
        "Key files:\n- `src/a.rs`\n- src/b/\n\nRoles: qa",
        "### Key files\n\n- `src/a.rs`: the entry\n- ./src/b\n\n### Roles\n\nqa",
        "- **Key files**:\n  - src/a.rs\n  - src/b\n- Roles: qa",
    ] {
        let found = epic(body);
        assert_eq!(found.key_file_list(), ["src/a.rs", "src/b"], "{body}");
        assert_eq!(found.roles.len(), 1, "{body}");
        assert_eq!(found.description, "", "{body}");
    }
    let found = epic("Objective: one\ntwo\nRoles: qa\nthree");
    assert_eq!(found.objective.as_deref(), Some("one\ntwo"));
    assert_eq!(found.description, "three");
    assert_eq!(
        epic("before\n\n### Description\n\nthe *text*\n\nRoles: qa\n\nafter").description,
        "before\n\nthe *text*\n\nafter"
    );
    assert_eq!(epic("- Description: one\n  two").description, "one\ntwo");
}

#[test]
fn lifecycles_are_kept() {
    let machine = json!({"initial_state": "a", "states": {"a": {"type": "terminal"}}});
    for body in [
        "Lifecycle:\n```json\n{\"initial_state\": \"a\", \"states\": {\"a\": {\"type\": \"terminal\"}}}\n```",
        "### Lifecycle\n\n```json\n{\"initial_state\": \"a\",\n \"states\": {\"a\": {\"type\": \"terminal\"}}}\n```",
        "- Lifecycle:\n\n  ```json\n  {\"initial_state\": \"a\",\n   \"states\": {\"a\": {\"type\": \"terminal\"}}}\n  ```",
        "**Lifecycle:**\n\n```\n{\"initial_state\": \"a\", \"states\": {\"a\": {\"type\": \"terminal\"}}}\n```",
        "```yaml\nlifecycle: {initial_state: a, states: {a: {type: terminal}}}\n```",
    ] {
        assert_eq!(epic(body).lifecycle, Some(LifecycleSource::Machine(machine.clone())), "{body}");
    }
    let drawing = "pending → engineer → qa ─┬─► passed\n              ▲          │";
    for body in [
        format!("Lifecycle:\n```text\n{drawing}\n```"),
        format!("### Lifecycle\n\n```\n{drawing}\n```"),
    ] {
        assert_eq!(
            epic(&body).lifecycle,
            Some(LifecycleSource::Drawing(drawing.to_owned())),
            "{body}"
        );
    }
    let inline = epic("Lifecycle: pending → engineer → qa\n  ▲ └─ engineer\nand text");
    assert_eq!(
        inline.lifecycle,
        Some(LifecycleSource::Drawing("pending → engineer → qa\n▲ └─ engineer".to_owned()))
    );
    assert_eq!(inline.description, "and text");
}

#[test]
fn a_header_in_a_fence_is_text() {
    let found = plan(
        "## EPIC-001: A\n\n```markdown\n## EPIC-002: B\ndepends_on: EPIC-009\n```\n\n> Roles: x\n",
    );
    assert_eq!(found.epics.len(), 1);
    let [epic] = found.epics.as_slice() else { panic!() };
    assert_eq!(
        epic.description,
        "```markdown\n## EPIC-002: B\ndepends_on: EPIC-009\n```\n\n> Roles: x"
    );
}

#[test]
fn epics_end_at_headings_of_their_level() {
    let found = plan(
        "## EPIC-001: A\n\n#### Deeper\n\nx\n\n## Risks\n\ny\n\n### EPIC-002: B\n\nz\n\n### Other\n\nw",
    );
    let descriptions: Vec<&str> =
        found.epics.iter().map(|epic| epic.description.as_str()).collect();
    assert_eq!(descriptions, ["#### Deeper\n\nx", "z"]);
    assert_eq!(found.notes, "## Risks\n\ny\n\n### Other\n\nw");
}

#[test]
fn loose_tasks_are_entries_of_their_own() {
    let found = plan(
        "# Plan: T\n\n## Tasks\n\n- [ ] TASK-007 — [engineer] **Do it.** Now. | unlocks: EPIC-001\n- [ ] tidy up\n\n## EPIC-001: A\n\n## TASK-009: Other\n\ndepends_on: TASK-007\n",
    );
    let all: Vec<_> = found
        .epics
        .iter()
        .map(|epic| (epic.id.as_str(), epic.entry, epic.title.as_str()))
        .collect();
    assert_eq!(
        all,
        [
            ("TASK-007", Entry::Task, "Do it"),
            ("TASK-001", Entry::Task, "tidy up"),
            ("EPIC-001", Entry::Epic, "A"),
            ("TASK-009", Entry::Task, "Other"),
        ]
    );
    let needed: Vec<_> = found.epics.iter().map(|epic| epic.depends_on.len()).collect();
    assert_eq!(needed, [0, 0, 1, 1]);
    assert_eq!(found.epics[0].description, "Now.");
}

#[test]
fn a_goal_is_enough() {
    let found = plan("# Shop\n\nBuild a shop.\n");
    assert_eq!(
        (found.title.as_deref(), found.goal.as_deref()),
        (Some("Shop"), Some("Build a shop."))
    );
    assert_eq!(plan("Goal: Build a shop.").goal.as_deref(), Some("Build a shop."));
    assert_eq!(
        plan("## Goal\n\nBuild\n\n### Detail\n\na shop.").goal.as_deref(),
        Some("Build\n\n### Detail\n\na shop.")
    );
}

#[test]
fn front_matter_is_config() {
    let found = plan(
        "---\ntitle: Shop\ntimeout: 15m\nagents:\n  a: {command: x}\n---\n\n## Config\n\n- roles:\n  - a\n  - b\n\n## EPIC-001: A\n",
    );
    assert_eq!(found.title.as_deref(), Some("Shop"));
    assert_eq!(
        json!(found.config),
        json!({"timeout_seconds": 900, "agents": {"a": {"command": "x"}}, "roles": ["a", "b"]})
    );
}

#[test]
fn directives_behind_a_list_belong_to_the_epic() {
    let found =
        epic("### Acceptance Criteria\n\n- [ ] a\n- [ ] b\ndepends_on: PLAN-REVIEW\n\nRoles: qa");
    let texts: Vec<&str> = found.acceptance_criteria.iter().map(|one| one.text.as_str()).collect();
    assert_eq!(texts, ["a", "b"]);
    assert_eq!(found.depends_on, [EpicId::plan_review()]);
    assert_eq!(found.roles.len(), 1);
}

#[test]
fn nothing_is_lost() {
    let body = "Intro with `code`.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n<div>\nx\n</div>\n\n[a]: /url\n\n1. one\n   - two\n\n### Definition of Done\n\nAll of these:\n\n#### Backend\n\n- [x] fast\n  - nested\n\n#### Notes\n\nprose";
    let found = epic(body);
    assert_eq!(
        found.description,
        "Intro with `code`.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n<div>\nx\n</div>\n\n[a]: /url\n\n1. one\n   - two\n\nAll of these:\n\nprose"
    );
    assert_eq!(
        found.definition_of_done,
        [Criterion {
            id: "DOD-1".to_owned(),
            text: "Backend: fast\n- nested".to_owned(),
            checked: true
        }]
    );
}

#[test]
fn a_directive_right_behind_a_list_of_values_counts_and_nothing_is_lost() {
    let plan = super::plan(
        "# Plan: X\n\n## EPIC-001: A\n\nRoles:\n- engineer\n- qa\ntimeout: 1h\nKey files: b\n\n\
         depends_on:\n\n- none\n  and a remark\n\nThe rest.\n",
    );
    let epic = &plan.epics[0];
    let roles: Vec<String> = epic.roles.iter().map(ToString::to_string).collect();
    assert_eq!(roles, ["engineer", "qa"]);
    assert_eq!((epic.timeout, epic.key_files.as_deref()), (Some(3600), Some("b")));
    for text in ["and a remark", "The rest."] {
        assert!(epic.description.contains(text), "{:?}", epic.description);
    }
}
