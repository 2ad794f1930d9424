// Where the states of a room's machine stand when it is drawn.

import dagre from "@dagrejs/dagre";
import type { MachineState, Transition } from "../api/types";

export const STATE_WIDTH = 132;
export const STATE_HEIGHT = 46;

export interface DrawnState {
  state: MachineState;
  x: number;
  y: number;
}

export interface DrawnEdge {
  from: string;
  to: string;
  /** All signals that lead this way. */
  signals: string[];
  points: { x: number; y: number }[];
  label: { x: number; y: number };
}

export interface Drawing {
  states: DrawnState[];
  edges: DrawnEdge[];
  width: number;
  height: number;
}

/** Edges between the same two states are one line with all their signals. */
export function merge(
  transitions: Transition[],
): { from: string; to: string; signals: string[] }[] {
  const lines = new Map<string, { from: string; to: string; signals: string[] }>();
  for (const { from, to, signal } of transitions) {
    const key = `${from}\n${to}`;
    const line = lines.get(key) ?? { from, to, signals: [] };
    if (!line.signals.includes(signal)) line.signals.push(signal);
    lines.set(key, line);
  }
  return [...lines.values()];
}

export function drawMachine(states: MachineState[], transitions: Transition[]): Drawing {
  const graph = new dagre.graphlib.Graph();
  graph.setGraph({
    rankdir: "LR",
    nodesep: 34,
    ranksep: 84,
    edgesep: 16,
    marginx: 12,
    marginy: 16,
  });
  graph.setDefaultEdgeLabel(() => ({}));
  const names = new Set(states.map(({ name }) => name));
  for (const { name } of states) {
    graph.setNode(name, { width: STATE_WIDTH, height: STATE_HEIGHT });
  }
  const lines = merge(transitions).filter(({ from, to }) => names.has(from) && names.has(to));
  for (const { from, to, signals } of lines) {
    const longest = Math.max(...signals.map(({ length }) => length));
    graph.setEdge(from, to, { width: longest * 6.4, height: signals.length * 13, labelpos: "c" });
  }
  dagre.layout(graph);
  const size = graph.graph() as { width?: number; height?: number };
  return {
    states: states.map((state) => {
      const { x, y } = graph.node(state.name) as { x: number; y: number };
      return { state, x, y };
    }),
    edges: lines.map((line) => {
      const edge = graph.edge(line.from, line.to) as unknown as {
        points: { x: number; y: number }[];
        x?: number;
        y?: number;
      };
      const middle = edge.points[Math.floor(edge.points.length / 2)] ?? { x: 0, y: 0 };
      return {
        ...line,
        points: edge.points,
        label: { x: edge.x ?? middle.x, y: edge.y ?? middle.y },
      };
    }),
    width: size.width ?? 0,
    height: size.height ?? 0,
  };
}

/** A smooth line through the points. */
export function curve(points: { x: number; y: number }[]): string {
  const [first, ...rest] = points;
  if (!first) return "";
  let path = `M${first.x},${first.y}`;
  for (let index = 0; index < rest.length - 1; index += 1) {
    const at = rest[index];
    const next = rest[index + 1];
    if (!at || !next) continue;
    path += `Q${at.x},${at.y} ${(at.x + next.x) / 2},${(at.y + next.y) / 2}`;
  }
  const last = rest.at(-1);
  return last ? `${path}L${last.x},${last.y}` : path;
}
