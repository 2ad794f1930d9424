//! The graph against a naive model, and its file and pictures as people see them.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::{BuildOptions, Dag, DagError, Stage, build, render};
use crate::ids::{EpicId, PlanId, RoleRef, RoomId};
use crate::plan::{Entry, Epic, ParseOptions, Plan, Priority, parse};
use crate::time::Timestamp;

fn id(text: &str) -> EpicId {
    EpicId::new(text).unwrap()
}

fn ids(texts: &[&str]) -> Vec<EpicId> {
    texts.iter().map(|text| id(text)).collect()
}

fn options() -> BuildOptions {
    BuildOptions::new(PlanId::new("shop-3fa9c1").unwrap(), "ab12", Timestamp::from_millis(0))
}

fn reviewed() -> BuildOptions {
    BuildOptions {
        plan_review: true,
        plan_review_roles: vec![RoleRef::new("architect").unwrap()],
        plan_review_room: Some(RoomId::numbered(1)),
        ..options()
    }
}

fn plan(text: &str) -> Plan {
    parse(text, &ParseOptions::default()).plan
}

const SHOP: &str = "# Plan: Shop

## EPIC-001: Login
Roles: engineer, qa

## EPIC-002: \"Basket\" & <more>
depends_on: EPIC-001
timeout: 2h

## EPIC-003: Look
depends_on: EPIC-001
priority: high

## EPIC-004: Pay
depends_on: EPIC-002, EPIC-003
";

#[test]
fn the_file_has_the_documented_fields() {
    let mut solid_options = reviewed();
    solid_options.stage = Stage::Solid;
    let dag = build(
        &plan("## EPIC-001: A\nRoles: engineer, qa\n\n## EPIC-002: B\ndepends_on: EPIC-001\n"),
        &reviewed(),
    )
    .unwrap();
    let rooms = BTreeMap::from([
        (id("EPIC-001"), RoomId::numbered(2)),
        (id("EPIC-002"), RoomId::numbered(3)),
    ]);
    let solid = dag.clone().with_rooms(&rooms).unwrap();
    assert_eq!(solid.stage, Stage::Solid);
    let text = serde_json::to_string_pretty(&solid).unwrap();
    insta::assert_snapshot!(text, @r#"
    {
      "schema_version": 1,
      "plan_id": "shop-3fa9c1",
      "stage": "solid",
      "plan_sha256": "ab12",
      "generated_at": "1970-01-01T00:00:00.000Z",
      "total_nodes": 3,
      "max_depth": 2,
      "nodes": {
        "PLAN-REVIEW": {
          "title": "Review of the plan",
          "task_ref": "PLAN-REVIEW",
          "room_id": "room-001",
          "role": "architect",
          "candidate_roles": [
            "architect"
          ],
          "depends_on": [],
          "dependents": [
            "EPIC-001"
          ],
          "depth": 0,
          "wave": 0,
          "priority": "normal",
          "on_critical_path": true
        },
        "EPIC-001": {
          "title": "A",
          "task_ref": "EPIC-001",
          "room_id": "room-002",
          "role": "engineer",
          "candidate_roles": [
            "engineer",
            "qa"
          ],
          "depends_on": [
            "PLAN-REVIEW"
          ],
          "dependents": [
            "EPIC-002"
          ],
          "depth": 1,
          "wave": 1,
          "priority": "normal",
          "on_critical_path": true
        },
        "EPIC-002": {
          "title": "B",
          "task_ref": "EPIC-002",
          "room_id": "room-003",
          "role": null,
          "candidate_roles": [],
          "depends_on": [
            "EPIC-001"
          ],
          "dependents": [],
          "depth": 2,
          "wave": 2,
          "priority": "normal",
          "on_critical_path": true
        }
      },
      "topological_order": [
        "PLAN-REVIEW",
        "EPIC-001",
        "EPIC-002"
      ],
      "waves": [
        [
          "PLAN-REVIEW"
        ],
        [
          "EPIC-001"
        ],
        [
          "EPIC-002"
        ]
      ],
      "critical_path": [
        "PLAN-REVIEW",
        "EPIC-001",
        "EPIC-002"
      ],
      "critical_path_length": 3
    }
    "#);
    let again: Dag = serde_json::from_str(&text).unwrap();
    assert_eq!(again, solid);
    assert_eq!(dag.with_rooms(&BTreeMap::new()), Err(DagError::NoRoom { epic: id("EPIC-001") }));
}

#[test]
fn unknown_fields_survive() {
    let dag = build(&plan(SHOP), &options()).unwrap();
    let mut value = serde_json::to_value(&dag).unwrap();
    value["later"] = serde_json::json!({"a": 1});
    value["nodes"]["EPIC-001"]["colour"] = serde_json::json!("red");
    let again: Dag = serde_json::from_value(value.clone()).unwrap();
    assert_eq!(serde_json::to_value(&again).unwrap(), value);
    let schema = schemars::schema_for!(Dag).to_value();
    assert_eq!(schema["properties"]["nodes"]["additionalProperties"]["$ref"], "#/$defs/DagNode");
}

#[test]
fn ties_go_by_priority_then_critical_path_then_plan_order() {
    let dag = build(&plan(SHOP), &options()).unwrap();
    assert_eq!(dag.topological_order, ids(&["EPIC-001", "EPIC-003", "EPIC-002", "EPIC-004"]));
    assert_eq!(dag.critical_path, ids(&["EPIC-001", "EPIC-002", "EPIC-004"]));
    let dag = build(&plan(&SHOP.replace("high", "normal")), &options()).unwrap();
    assert_eq!(dag.topological_order, ids(&["EPIC-001", "EPIC-002", "EPIC-003", "EPIC-004"]));
    let mut measured = options();
    measured.measured_seconds = BTreeMap::from([(id("EPIC-003"), 9000)]);
    let dag = build(&plan(&SHOP.replace("high", "normal")), &measured).unwrap();
    assert_eq!(dag.topological_order, ids(&["EPIC-001", "EPIC-003", "EPIC-002", "EPIC-004"]));
    assert_eq!(dag.waves, [ids(&["EPIC-001"]), ids(&["EPIC-003", "EPIC-002"]), ids(&["EPIC-004"])]);
}

#[test]
fn the_review_is_the_root_of_a_reviewed_plan() {
    let text = "## EPIC-001: A\n\n## EPIC-002: B\ndepends_on: PLAN-REVIEW\n\n## EPIC-003: C\ndepends_on: EPIC-001\n";
    let dag = build(&plan(text), &reviewed()).unwrap();
    let needed: Vec<_> = dag.nodes.iter().map(|(_, node)| node.depends_on.clone()).collect();
    let review = ids(&["PLAN-REVIEW"]);
    assert_eq!(needed, [vec![], review.clone(), review, ids(&["EPIC-001"])]);
    assert_eq!(dag.topological_order.first(), Some(&EpicId::plan_review()));
    let bare = build(&plan(text), &options()).unwrap();
    let needed: Vec<_> = bare.nodes.iter().map(|(_, node)| node.depends_on.clone()).collect();
    assert_eq!(needed, [vec![], vec![], ids(&["EPIC-001"])]);
}

#[test]
fn what_has_no_order_is_refused() {
    let build = |text: &str| build(&plan(text), &options()).map(|_| ()).unwrap_err().to_string();
    assert_eq!(
        build("## EPIC-001: A\ndepends_on: EPIC-002\n\n## EPIC-002: B\ndepends_on: EPIC-001\n"),
        "epics wait for each other: EPIC-001 -> EPIC-002 -> EPIC-001"
    );
    assert_eq!(
        build("## EPIC-001: A\ndepends_on: EPIC-001\n"),
        "epics wait for each other: EPIC-001 -> EPIC-001"
    );
    assert_eq!(
        build("## EPIC-001: A\ndepends_on: EPIC-009\n"),
        "`EPIC-001` depends on `EPIC-009`, which the plan does not have"
    );
    assert_eq!(
        build("## EPIC-001: A\n\n## EPIC-001: B\n"),
        "the plan has two epics `EPIC-001`; ids must differ"
    );
}

#[test]
fn the_next_wave_fits_the_free_slots() {
    let dag = build(&plan(SHOP), &options()).unwrap();
    let none = BTreeSet::new();
    let one: BTreeSet<EpicId> = ids(&["EPIC-001"]).into_iter().collect();
    assert_eq!(dag.next_wave(&none, &none, 5), ids(&["EPIC-001"]));
    assert_eq!(dag.next_wave(&none, &one, 5), []);
    assert_eq!(dag.next_wave(&one, &one, 5), ids(&["EPIC-003", "EPIC-002"]));
    assert_eq!(dag.next_wave(&one, &one, 1), ids(&["EPIC-003"]));
    assert_eq!(dag.downstream(&id("EPIC-003")), ids(&["EPIC-004"]));
    assert_eq!(dag.downstream(&id("EPIC-001")), ids(&["EPIC-002", "EPIC-003", "EPIC-004"]));
}

#[test]
fn pictures() {
    let dag = build(&plan(SHOP), &options()).unwrap();
    insta::assert_snapshot!(render::text(&dag), @r#"
    wave 0
      * EPIC-001  Login  [engineer, qa]

    wave 1
        EPIC-003  Look  after EPIC-001
      * EPIC-002  "Basket" & <more>  after EPIC-001

    wave 2
      * EPIC-004  Pay  after EPIC-002, EPIC-003

    critical path: EPIC-001 -> EPIC-002 -> EPIC-004
    "#);
    insta::assert_snapshot!(render::dot(&dag), @r#"
    digraph plan {
      rankdir=LR;
      node [shape=box];
      "EPIC-001" [label="EPIC-001\nLogin", style=bold];
      "EPIC-002" [label="EPIC-002\n\"Basket\" & <more>", style=bold];
      "EPIC-003" [label="EPIC-003\nLook"];
      "EPIC-004" [label="EPIC-004\nPay", style=bold];
      "EPIC-001" -> "EPIC-002";
      "EPIC-001" -> "EPIC-003";
      "EPIC-002" -> "EPIC-004";
      "EPIC-003" -> "EPIC-004";
    }
    "#);
    insta::assert_snapshot!(render::mermaid(&dag), @r#"
    graph LR
      n0["EPIC-001<br/>Login"]
      n1["EPIC-002<br/>#34;Basket#34; #38; #60;more#62;"]
      n2["EPIC-003<br/>Look"]
      n3["EPIC-004<br/>Pay"]
      n0 --> n1
      n0 --> n2
      n1 --> n3
      n2 --> n3
      style n0 stroke-width:3px
      style n1 stroke-width:3px
      style n3 stroke-width:3px
    "#);
}

/// A plan whose epics depend on earlier ones in a shuffled order.
fn any_plan() -> impl Strategy<Value = Plan> {
    let edges = prop::collection::vec((0..12_usize, 0..12_usize), 0..30);
    let order = Just((0..12_usize).collect::<Vec<_>>()).prop_shuffle();
    let details = prop::collection::vec((0..3_i64, prop::option::of(0..50_u64)), 12);
    (edges, order, details).prop_map(|(edges, order, details)| {
        let epics = order.iter().map(|number| {
            let mut epic = Epic::new(id(&format!("EPIC-{number}")), Entry::Epic);
            let (rank, timeout) = details[*number];
            epic.priority = Some(Priority::Rank(rank));
            epic.timeout = timeout;
            for (one, other) in &edges {
                let (low, high) = (one.min(other), one.max(other));
                let needed = id(&format!("EPIC-{low}"));
                if high == number && low != high && !epic.depends_on.contains(&needed) {
                    epic.depends_on.push(needed);
                }
            }
            epic
        });
        Plan { epics: epics.collect(), ..Plan::default() }
    })
}

/// Longest way to an epic, by trying all: nodes before it, and seconds with its own.
fn longest(plan: &Plan, epic: &Epic) -> (usize, u64) {
    let before = epic.depends_on.iter().map(|id| longest(plan, plan.epic(id).unwrap()));
    let (mut depth, mut seconds) = (0, 0);
    for (below, until) in before {
        depth = depth.max(below + 1);
        seconds = seconds.max(until);
    }
    (depth, seconds + epic.timeout.unwrap_or(900))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_graph_agrees_with_a_naive_model(plan in any_plan()) {
        let dag = build(&plan, &options()).unwrap();
        prop_assert_eq!(&build(&plan, &options()).unwrap(), &dag);
        let mut heaviest = 0;
        for epic in &plan.epics {
            let node = dag.node(&epic.id).unwrap();
            let (depth, seconds) = longest(&plan, epic);
            heaviest = heaviest.max(seconds);
            prop_assert_eq!((node.depth, node.wave), (depth, depth));
            prop_assert!(dag.waves[depth].contains(&epic.id));
            let waiting: Vec<EpicId> = plan.epics.iter()
                .filter(|other| other.depends_on.contains(&epic.id))
                .map(|other| other.id.clone())
                .collect();
            prop_assert_eq!(&node.dependents, &waiting);
            prop_assert_eq!(node.on_critical_path, dag.critical_path.contains(&epic.id));
        }
        let path: Vec<&Epic> = dag.critical_path.iter().map(|id| plan.epic(id).unwrap()).collect();
        for (one, other) in path.iter().zip(path.iter().skip(1)) {
            prop_assert!(other.depends_on.contains(&one.id));
        }
        prop_assert_eq!(path.iter().map(|epic| epic.timeout.unwrap_or(900)).sum::<u64>(), heaviest);

        // Kahn's order, found by looking at everything again at each step.
        let mut left: Vec<&Epic> = plan.epics.iter().collect();
        let mut order: Vec<EpicId> = Vec::new();
        while !left.is_empty() {
            let ready = left.iter().enumerate().filter(|(_, epic)| {
                epic.depends_on.iter().all(|needed| order.contains(needed))
            });
            let (at, _) = ready.min_by_key(|(_, epic)| {
                (epic.priority.unwrap().rank(), !dag.critical_path.contains(&epic.id))
            }).unwrap();
            order.push(left.remove(at).id.clone());
        }
        prop_assert_eq!(&dag.topological_order, &order);
    }

    #[test]
    fn running_wave_by_wave_ends_every_epic(plan in any_plan(), slots in 1..5_usize) {
        let dag = build(&plan, &options()).unwrap();
        let mut passed = BTreeSet::new();
        while passed.len() < plan.epics.len() {
            let wave = dag.next_wave(&passed, &passed, slots);
            prop_assert!(!wave.is_empty() && wave.len() <= slots);
            for id in &wave {
                prop_assert!(plan.epic(id).unwrap().depends_on.iter().all(|on| passed.contains(on)));
            }
            passed.extend(wave);
        }
    }

    #[test]
    fn a_drawn_cycle_is_one(edges in prop::collection::vec((0..10_usize, 0..10_usize), 0..25)) {
        let mut dependencies = vec![Vec::new(); 10];
        for (from, to) in &edges {
            if from != to {
                dependencies[*from].push(*to);
            }
        }
        let cycles = super::graph::cycles(&dependencies);
        for cycle in &cycles {
            for (from, to) in cycle.iter().zip(cycle.iter().cycle().skip(1)) {
                prop_assert!(dependencies[*from].contains(to));
            }
        }
        let reaches = |from: usize, to: usize| {
            let (mut seen, mut waiting) = (vec![false; 10], vec![from]);
            while let Some(node) = waiting.pop() {
                for next in &dependencies[node] {
                    if !seen[*next] {
                        seen[*next] = true;
                        waiting.push(*next);
                    }
                }
            }
            seen[to]
        };
        prop_assert_eq!(!cycles.is_empty(), (0..10).any(|node| reaches(node, node)));
    }
}
