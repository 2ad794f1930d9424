// Where the nodes of a graph stand: a column for each wave, and within it an order that crosses few
// edges. Dagre finds the order; the columns are ours, because a wave is what runs together. In a
// large graph the order is that of the plan: dagre would hold the page for longer than its edges
// are worth.

import dagre from "@dagrejs/dagre";
import type { Dag } from "../api/types";

export const NODE_WIDTH = 236;
export const NODE_HEIGHT = 92;
const GAP_X = 84;
const GAP_Y = 22;
const STEP = NODE_HEIGHT + GAP_Y;
/** More nodes than this are a large graph. */
const LARGE = 200;

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
  const byWave = new Map<number, Wanted[]>();
  for (const { wave, ...wanted } of dag.nodes.length > LARGE ? inOrder(dag) : crossingFew(dag)) {
    const column = byWave.get(wave);
    if (column) column.push(wanted);
    else byWave.set(wave, [wanted]);
  }
  const waves = [...byWave.keys()].sort((a, b) => a - b);
  const nodes = waves.flatMap((wave, index) =>
    spread(byWave.get(wave) ?? []).map(({ epic, y }) => ({ epic, x: columnX(index), y })),
  );
  const top = nodes.reduce((least, { y }) => Math.min(least, y), 0);
  const placed = nodes.map((node) => ({ ...node, y: node.y - top }));
  return {
    nodes: placed,
    columns: waves.map((wave, index) => ({ wave, x: columnX(index) })),
    width: waves.length * (NODE_WIDTH + GAP_X) - GAP_X,
    height: placed.reduce((most, { y }) => Math.max(most, y), 0) + NODE_HEIGHT,
  };
}

/** A node and the height at which its middle wants to be. */
interface Wanted {
  epic: string;
  y: number;
}

function crossingFew(dag: Dag): (Wanted & { wave: number })[] {
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
  return dag.nodes.map(({ epic, wave }) => {
    const { y } = graph.node(epic) as { y: number };
    return { epic, wave, y };
  });
}

function inOrder(dag: Dag): (Wanted & { wave: number })[] {
  const rows = new Map<number, number>();
  return dag.nodes.map(({ epic, wave }) => {
    const row = rows.get(wave) ?? 0;
    rows.set(wave, row + 1);
    return { epic, wave, y: row * STEP };
  });
}

const columnX = (index: number): number => index * (NODE_WIDTH + GAP_X);

/** Nodes of one column as near to where they want to be as they can without touching. */
export function spread<T extends { y: number }>(column: T[]): T[] {
  const sorted = [...column].sort((a, b) => a.y - b.y);
  let below = -Infinity;
  const down = sorted.map((node) => {
    below = Math.max(node.y, below + STEP);
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
