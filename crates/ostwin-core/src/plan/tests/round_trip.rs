//! The canonical form, and what an edit changes.

use super::super::{diff, epic_hash, format, to_json};
use super::{parsed, plan};

const LONG: &str = "Shop
====

Some words about it.

## Config
max_retries: 2
motto: \"yes: we can\"

## Goal
Sell *things*.

## Background

| a | b |
|---|---|
| 1 | 2 |

### Epic 1 — Login
**Roles:** @engineer:fe @qa
**Priority:** High
Objective: Users can log in
with a password.
Lifecycle:
```json
{\"initial_state\":\"a\",\"states\":{\"a\":{\"type\":\"terminal\"}}}
```
Context.

#### DoD
* It builds
* [x] It is tested
  in two ways

#### Acceptance criteria
Given a user
When they log in
Then it works

#### Tasks
TASK-001: Do it
- [ ] TASK-002 — [qa] **Check.** All of it. | requires: TASK-001

### EPIC-002
depends_on: Epic 1

```
never closed
";

#[test]
fn the_canonical_form_is_plain_markdown() {
    let canonical = format(&plan(LONG));
    insta::assert_snapshot!(canonical, @r#"
    # Plan: Shop

    ## Config

    - max_retries: 2
    - motto: yes: we can

    ## Goal

    Some words about it.

    Sell *things*.

    ## Background

    | a | b |
    |---|---|
    | 1 | 2 |

    ## EPIC-001: Login

    - Roles: engineer:fe, qa
    - priority: high
    - Objective:
      Users can log in
      with a password.
    - Lifecycle:

      ```json
      {
        "initial_state": "a",
        "states": {
          "a": {
            "type": "terminal"
          }
        }
      }
      ```

    Context.

    ### Definition of Done

    - [ ] It builds
    - [x] It is tested
      in two ways

    ### Acceptance Criteria

    - [ ] Given a user
      When they log in
      Then it works

    ### Tasks

    - [ ] TASK-001 — **Do it.**
    - [ ] TASK-002 — [qa] **Check.** All of it. | requires: TASK-001

    ## EPIC-002

    - depends_on: [EPIC-001]

    ````verbatim
    ```
    never closed
    ````
    "#);
    assert_eq!(format(&plan(&canonical)), canonical);
    assert_eq!(plan(&canonical), plan(LONG));
}

#[test]
fn the_json_view_has_plan_epics_and_diagnostics() {
    let text = "# Plan: T\n\n## EPIC-001: A\n\nRoles: qa\n";
    insta::assert_json_snapshot!(to_json(&parsed(text), text).unwrap(), @r#"
    {
      "plan": {
        "title": "T",
        "goal": null,
        "config": {},
        "notes": ""
      },
      "epics": [
        {
          "id": "EPIC-001",
          "type": "epic",
          "title": "A",
          "depends_on": [],
          "roles": [
            "qa"
          ],
          "objective": null,
          "description": "",
          "key_files": null,
          "priority": null,
          "timeout_seconds": null,
          "max_retries": null,
          "retry_delay_seconds": null,
          "model": null,
          "agent": null,
          "no_mcp": null,
          "skill_refs": [],
          "working_dir": null,
          "pipeline": [],
          "capabilities": [],
          "lifecycle": null,
          "skip_review": null,
          "serialize": null,
          "budget_tokens": null,
          "budget_usd": null,
          "definition_of_done": [],
          "acceptance_criteria": [],
          "tasks": [],
          "span": {
            "start": 11,
            "end": 36
          }
        }
      ],
      "diagnostics": [
        {
          "code": "missing-criteria",
          "severity": "warning",
          "message": "EPIC-001 has neither a Definition of Done nor Acceptance Criteria",
          "help": "reviewers judge by these lists: say what must be true in the end",
          "line": 3,
          "column": 1,
          "end_line": 3,
          "end_column": 15,
          "span": {
            "start": 11,
            "end": 25
          },
          "labels": []
        }
      ]
    }
    "#);
}

#[test]
fn a_diff_names_what_changed() {
    let old = plan("## EPIC-001: A\n\nx\n\n## EPIC-002: B\n\n## EPIC-003: C\n\ny\n");
    let new = plan("## EPIC-004: D\n\n## Epic 3 - C\n\nY\n\n## epic-001 — A\n\nx\n");
    let found = diff(&old, &new);
    let ids = |ids: &[crate::ids::EpicId]| ids.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(ids(&found.added), ["EPIC-004"]);
    assert_eq!(ids(&found.removed), ["EPIC-002"]);
    assert_eq!(ids(&found.changed), ["EPIC-003"]);
    assert!(diff(&old, &old).is_empty());
    assert_eq!(epic_hash(&old.epics[0]).len(), 64);
}

#[test]
fn words_that_yaml_spreads_over_lines_are_one_line() {
    // Found by the property test, once in seventy thousand cases.
    let plan = super::plan("## EPIC-001: A\n```yaml\nCapabilities: x, y\n\n  a\n");
    assert_eq!(plan.epics[0].capabilities, ["x", "y a"]);
    assert_eq!(super::plan(&crate::plan::format(&plan)), plan);
}
