//! Machines drawn: as the arrows that plans draw, as an outline of every way, as a Mermaid diagram.

use std::fmt::Write as _;

use super::flow::{Flow, Stage};
use super::generate::ReviewRestart;
use super::machine::{Action, Edge, Machine, StateKind};
use crate::ids::{NameError, StateName};

/// The stages in a line, and below each review the way back. Reading the drawing gives the same
/// flow again.
///
/// # Errors
///
/// [`NameError`] if a name of the machine were not a name, which would be a mistake in this module.
pub fn drawing(flow: &Flow, restart: ReviewRestart) -> Result<String, NameError> {
    let fixing = flow.fixing(restart)?;
    let mut main = Row::new("pending → ");
    let (mut up, mut back) = (Row::default(), Row::default());
    for (stage, fixing) in flow.stages().iter().zip(&fixing) {
        let start = main.width;
        main.push(&label(&stage.state, stage));
        let (Some((fixing, _)), Some(fixer)) = (fixing, &stage.fixer) else {
            main.push(" → ");
            continue;
        };
        let mended = format!("└─ {fixing} ({fixer}) ◄");
        main.push(" ─");
        // Room for what stands on the way back.
        main.fill('─', start + mended.chars().count());
        let fork = main.width;
        main.push("┬─► ");
        up.fill(' ', start);
        up.push("▲");
        up.fill(' ', fork);
        up.push("│");
        back.fill(' ', start);
        back.push(&mended);
        back.fill('─', fork);
        back.push("┘");
    }
    main.push("passed");
    let begins_anew = flow
        .stages()
        .iter()
        .zip(&fixing)
        .any(|(stage, fixing)| fixing.as_ref().is_some_and(|(_, back)| *back != stage.state));
    let remark =
        if begins_anew { "(what was fixed is reviewed anew from the first review)" } else { "" };
    let rows = [main.text, up.text, back.text, remark.to_owned()];
    Ok(rows.iter().filter(|row| !row.is_empty()).map(|row| format!("{row}\n")).collect())
}

/// [`drawing`] of the stages that `machine` was made from; `None` for a machine that was written by
/// hand, of which [`outline`] tells every way.
pub fn drawing_of(machine: &Machine) -> Option<String> {
    let (flow, restart) = Flow::found(machine)?;
    drawing(&flow, restart).ok()
}

fn label(state: &StateName, stage: &Stage) -> String {
    format!("{state} ({})", stage.role)
}

/// A row of a drawing, with its width in characters.
#[derive(Default)]
struct Row {
    text: String,
    width: usize,
}

impl Row {
    fn new(text: &str) -> Self {
        let mut row = Self::default();
        row.push(text);
        row
    }

    fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.width += text.chars().count();
    }

    fn fill(&mut self, with: char, until: usize) {
        while self.width < until {
            self.text.push(with);
            self.width += 1;
        }
    }
}

/// Every state with every way out of it, one a line; `here` is marked.
pub fn outline(machine: &Machine, here: Option<&StateName>) -> String {
    let mut text = String::new();
    let width = machine.states.keys().map(|name| name.as_str().len()).max().unwrap_or(0);
    for (name, state) in machine.states.iter() {
        let mark = if here == Some(name) { '>' } else { ' ' };
        let role = state.role.as_ref().map(|role| format!(" by {role}")).unwrap_or_default();
        let begins = if *name == machine.initial_state { ", where it begins" } else { "" };
        let _ = writeln!(text, "{mark} {name:width$}  {}{role}{begins}", state.kind);
        for (signal, edges) in state.signals.iter() {
            for (number, edge) in edges.0.iter().enumerate() {
                let word = if number == 0 { signal.as_str() } else { "else" };
                let _ = writeln!(text, "    {word:10} → {}", way(edge));
            }
        }
    }
    let _ = writeln!(
        text,
        "  max_retries {}, max_triages {}",
        machine.max_retries, machine.max_triages
    );
    text
}

/// `fixing, if retries < max_retries; increment_retries, post_fix`
fn way(edge: &Edge) -> String {
    let mut text = edge.target.to_string();
    if let Some(guard) = &edge.guard {
        let _ = write!(text, ", if {guard}");
    }
    if !edge.actions.is_empty() {
        let actions: Vec<_> = edge.actions.iter().map(|action| Action::as_str(*action)).collect();
        let _ = write!(text, "; {}", actions.join(", "));
    }
    text
}

/// The machine as a Mermaid state diagram; `here` is highlighted.
pub fn mermaid(machine: &Machine, here: Option<&StateName>) -> String {
    let mut text = "stateDiagram-v2\n".to_owned();
    let ids: Vec<(&StateName, String)> = machine
        .states
        .keys()
        .enumerate()
        .map(|(number, name)| (name, format!("s{number}")))
        .collect();
    let id = |name: &str| {
        ids.iter().find(|(known, _)| known.as_str() == name).map_or("previous", |(_, id)| id)
    };
    for ((name, id), (_, state)) in ids.iter().zip(machine.states.iter()) {
        let role = state.role.as_ref().map(|role| format!(" ({role})")).unwrap_or_default();
        let _ = writeln!(text, "    state \"{name}{role}\" as {id}");
    }
    let _ = writeln!(text, "    [*] --> {}", id(machine.initial_state.as_str()));
    let mut leads_back = false;
    for (name, state) in machine.states.iter() {
        for (signal, edges) in state.signals.iter() {
            for edge in &edges.0 {
                let target = edge.target.to_string();
                leads_back |= id(&target) == "previous";
                let guard = edge.guard.as_ref().map(|guard| format!(" [{guard}]"));
                let _ = writeln!(
                    text,
                    "    {} --> {}: {signal}{}",
                    id(name.as_str()),
                    id(&target),
                    guard.unwrap_or_default()
                );
            }
        }
        if state.kind == StateKind::Terminal {
            let _ = writeln!(text, "    {} --> [*]", id(name.as_str()));
        }
    }
    if leads_back {
        let _ = writeln!(text, "    state \"the latest work or review\" as previous");
    }
    if let Some(here) = here {
        let _ = writeln!(text, "    classDef here stroke-width:4px");
        let _ = writeln!(text, "    class {} here", id(here.as_str()));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::{GenerateOptions, NewStage, TriageMode};
    use super::*;
    use crate::ids::RoleRef;

    fn role(text: &str) -> RoleRef {
        RoleRef::new(text).unwrap()
    }

    fn flow() -> Flow {
        let audit = NewStage {
            state: Some(StateName::new("security-review").unwrap()),
            ..NewStage::review(role("security-auditor"))
        };
        let qa = NewStage::review(role("qa"));
        Flow::new(vec![NewStage::work(role("engineer")), audit, qa]).unwrap()
    }

    #[test]
    fn stages_stand_in_a_line_with_the_ways_back_below() {
        let drawn = drawing(&flow(), ReviewRestart::Stage).unwrap();
        assert_eq!(
            drawn,
            "\
pending → developing (engineer) → security-review (security-auditor) ───┬─► review-qa (qa) ──────────┬─► passed
                                  ▲                                     │   ▲                        │
                                  └─ fixing-security-review (engineer) ◄┘   └─ fixing-qa (engineer) ◄┘
"
        );
        let drawn = drawing(&flow(), ReviewRestart::First).unwrap();
        assert!(
            drawn.ends_with("\n(what was fixed is reviewed anew from the first review)\n"),
            "{drawn}"
        );
        let unreviewed = Flow::new(vec![NewStage::work(role("reporter"))]).unwrap();
        assert_eq!(
            drawing(&unreviewed, ReviewRestart::Stage).unwrap(),
            "pending → developing (reporter) → passed\n"
        );
    }

    #[test]
    fn every_way_is_told_and_drawn() {
        let options = GenerateOptions {
            default_role: role("engineer"),
            review_role: None,
            skip_review: true,
            review_restart: ReviewRestart::Stage,
            triage: TriageMode::Person,
            max_retries: 2,
            max_triages: 1,
        };
        let machine = super::super::generate(&[], &options).unwrap();
        let here = StateName::new("developing").unwrap();
        assert_eq!(outline(&machine, Some(&here)), OUTLINE.trim_start_matches('\n'));
        assert_eq!(mermaid(&machine, Some(&here)), MERMAID.trim_start_matches('\n'));
    }

    const OUTLINE: &str = "
  pending       wait, where it begins
    ready      → developing
> developing    work by engineer
    done       → passed
    error      → failed
    timeout    → failed
    escalate   → escalated
  failed        decision
    retry      → @previous, if retries < max_retries; increment_retries
    exhaust    → escalated
  escalated     wait
    fix        → developing; grant_retry, post_fix
    redesign   → developing; grant_retry, revise_brief
    replan     → blocked; request_replan
    reject     → failed-final
  blocked       wait
    unblock    → developing
  passed        terminal
  failed-final  terminal
  cancelled     terminal
  max_retries 2, max_triages 1
";

    const MERMAID: &str = r#"
stateDiagram-v2
    state "pending" as s0
    state "developing (engineer)" as s1
    state "failed" as s2
    state "escalated" as s3
    state "blocked" as s4
    state "passed" as s5
    state "failed-final" as s6
    state "cancelled" as s7
    [*] --> s0
    s0 --> s1: ready
    s1 --> s5: done
    s1 --> s2: error
    s1 --> s2: timeout
    s1 --> s3: escalate
    s2 --> previous: retry [retries < max_retries]
    s2 --> s3: exhaust
    s3 --> s1: fix
    s3 --> s1: redesign
    s3 --> s4: replan
    s3 --> s6: reject
    s4 --> s1: unblock
    s5 --> [*]
    s6 --> [*]
    s7 --> [*]
    state "the latest work or review" as previous
    classDef here stroke-width:4px
    class s1 here
"#;
}
