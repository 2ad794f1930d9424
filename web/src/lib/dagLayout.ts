// Where the nodes of a graph stand: a column for each wave, and within it an order that crosses few
// edges. Dagre finds the order; the columns are ours, because a wave is what runs together.

import dagre from "@dagrejs/dagre";
import type { Dag } from "../api/types";

export const NODE_WIDTH = 236;
export const NODE_HEIGHT = 92;
const GAP_X = 84;
const GAP_Y = 22;

export interface Placed {
  epic: string;
  x: number;
  y: number;
}

export interface Layout {
  nodes: Placed[];
  /** The columns, in order: where each begins. */
  columns: { wave: number; x: number }[];
  width: number;
  height: number;
}

export function layout(dag: Dag): Layout {
  const graph = new dagre.graphlib.Graph();
  graph.setGraph({ rankdir: "LR", nodesep: GAP_Y, ranksep: GAP_X });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const node of dag.nodes)
    graph.setNode(node.epic, { width: NODE_WIDTH, height: NODE_HEIGHT });
  const known = new Set(dag.nodes.map(({ epic }) => epic));
  for (const { from, to } of dag.edges) {
    if (known.has(from) && known.has(to)) graph.setEdge(from, to);
  }
  dagre.layout(graph);

  const byWave = new Map<number, { epic: string; y: number }[]>();
  for (const node of dag.nodes) {
    const { y } = graph.node(node.epic) as { y: number };
    const column = byWave.get(node.wave) ?? [];
    column.push({ epic: node.epic, y });
    byWave.set(node.wave, column);
  }
  const waves = [...byWave.keys()].sort((a, b) => a - b);
  const nodes = waves.flatMap((wave, index) =>
    spread(byWave.get(wave) ?? []).map(({ epic, y }) => ({ epic, x: columnX(index), y })),
  );
  const top = Math.min(0, ...nodes.map(({ y }) => y));
  const placed = nodes.map((node) => ({ ...node, y: node.y - top }));
  return {
    nodes: placed,
    columns: waves.map((wave, index) => ({ wave, x: columnX(index) })),
    width: waves.length * (NODE_WIDTH + GAP_X) - GAP_X,
    height: Math.max(0, ...placed.map(({ y }) => y)) + NODE_HEIGHT,
  };
}

const columnX = (index: number): number => index * (NODE_WIDTH + GAP_X);

/** Nodes of one column as near to where they want to be as they can without touching. */
export function spread<T extends { y: number }>(column: T[]): T[] {
  const step = NODE_HEIGHT + GAP_Y;
  const sorted = [...column].sort((a, b) => a.y - b.y);
  let below = -Infinity;
  const down = sorted.map((node) => {
    below = Math.max(node.y, below + step);
    return below;
  });
  // Pushing down alone would drag a column away from its middle: give half of it back.
  const drift =
    down.reduce((sum, y, index) => sum + y - (sorted[index]?.y ?? 0), 0) / Math.max(1, down.length);
  return sorted.map((node, index) => ({
    ...node,
    y: (down[index] ?? 0) - drift - NODE_HEIGHT / 2,
  }));
}

/** Everything that an epic waits for, and everything that waits for it, and the epic. */
export function pathOf(dag: Dag, epic: string): Set<string> {
  const reach = (from: string, next: (at: string) => string[]): Set<string> => {
    const found = new Set<string>();
    const open = [from];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      for (const other of next(at)) {
        if (!found.has(other)) {
          found.add(other);
          open.push(other);
        }
      }
    }
    return found;
  };
  const before = reach(epic, (at) =>
    dag.edges.filter(({ to }) => to === at).map(({ from }) => from),
  );
  const after = reach(epic, (at) =>
    dag.edges.filter(({ from }) => from === at).map(({ to }) => to),
  );
  return new Set([epic, ...before, ...after]);
}
