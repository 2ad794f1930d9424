//! The graph as text for people and for drawing programs.

use std::fmt::Write as _;

use super::value::{Dag, DagNode};
use crate::ids::EpicId;

/// Waves with their nodes, one a line; nodes on the critical path are marked with `*`.
pub fn text(dag: &Dag) -> String {
    let width = dag.nodes.iter().map(|(id, _)| id.as_str().len()).max().unwrap_or(0);
    let mut out = String::new();
    for (number, wave) in dag.waves.iter().enumerate() {
        if number > 0 {
            out.push('\n');
        }
        out.push_str(&format!("wave {number}\n"));
        for (id, node) in members(dag, wave) {
            let mark = if node.on_critical_path { '*' } else { ' ' };
            let line = format!("  {mark} {id:width$}  {}", node.title);
            out.push_str(line.trim_end());
            if !node.candidate_roles.is_empty() {
                out.push_str(&format!("  [{}]", joined(&node.candidate_roles)));
            }
            if !node.depends_on.is_empty() {
                out.push_str(&format!("  after {}", joined(&node.depends_on)));
            }
            out.push('\n');
        }
    }
    let path: Vec<&str> = dag.critical_path.iter().map(EpicId::as_str).collect();
    if !path.is_empty() {
        out.push_str(&format!("\ncritical path: {}\n", path.join(" -> ")));
    }
    out
}

/// The graph in the language of Graphviz.
pub fn dot(dag: &Dag) -> String {
    let mut out = String::from("digraph plan {\n  rankdir=LR;\n  node [shape=box];\n");
    for (id, node) in dag.nodes.iter() {
        let style = if node.on_critical_path { ", style=bold" } else { "" };
        let label = dot_escaped(&format!("{id}\n{}", node.title));
        out.push_str(&format!("  \"{id}\" [label=\"{label}\"{style}];\n"));
    }
    for (from, to) in edges(dag) {
        out.push_str(&format!("  \"{from}\" -> \"{to}\";\n"));
    }
    out.push_str("}\n");
    out
}

/// The graph in the language of Mermaid.
pub fn mermaid(dag: &Dag) -> String {
    let mut out = String::from("graph LR\n");
    for (number, (id, node)) in dag.nodes.iter().enumerate() {
        let title = mermaid_escaped(&node.title);
        out.push_str(&format!("  n{number}[\"{id}<br/>{title}\"]\n"));
    }
    for (from, to) in edges(dag) {
        if let (Some(from), Some(to)) = (dag.nodes.position(from), dag.nodes.position(to)) {
            out.push_str(&format!("  n{from} --> n{to}\n"));
        }
    }
    for id in &dag.critical_path {
        if let Some(number) = dag.nodes.position(id) {
            out.push_str(&format!("  style n{number} stroke-width:3px\n"));
        }
    }
    out
}

fn members<'a>(
    dag: &'a Dag,
    wave: &'a [EpicId],
) -> impl Iterator<Item = (&'a EpicId, &'a DagNode)> {
    wave.iter().filter_map(|id| Some((id, dag.nodes.get(id)?)))
}

fn edges(dag: &Dag) -> impl Iterator<Item = (&EpicId, &EpicId)> {
    dag.nodes.iter().flat_map(|(id, node)| node.depends_on.iter().map(move |from| (from, id)))
}

fn joined<T: std::fmt::Display>(items: &[T]) -> String {
    let mut out = String::new();
    for (number, item) in items.iter().enumerate() {
        let separator = if number > 0 { ", " } else { "" };
        // Writing to a string can't fail.
        let _ = write!(out, "{separator}{item}");
    }
    out
}

fn dot_escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

fn mermaid_escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '"' | '<' | '>' | '&' | '#' | '`' | '\\' => {
                out.push_str(&format!("#{};", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out
}
