import { describe, expect, it } from "vitest";
import type { Dag, DagNode } from "../api/types";
import { layout, NODE_HEIGHT, NODE_WIDTH, pathOf, spread } from "./dagLayout";

const node = (epic: string, wave: number): DagNode => ({
  epic,
  title: epic,
  room: null,
  state: null,
  display: { word: "planned", detail: null, tone: "idle" },
  percent: 0,
  role: null,
  wave,
  passed: false,
  active: false,
  attention: false,
  critical: false,
  priority: "normal",
  why: null,
});

const dag = (waves: string[][], edges: [string, string][]): Dag => ({
  nodes: waves.flatMap((epics, wave) => epics.map((epic) => node(epic, wave))),
  edges: edges.map(([from, to]) => ({ from, to, critical: false })),
  waves,
  critical_path: [],
});

describe("the layout", () => {
  const diamond = dag(
    [["A"], ["B", "C"], ["D"]],
    [
      ["A", "B"],
      ["A", "C"],
      ["B", "D"],
      ["C", "D"],
    ],
  );

  it("puts each wave into a column of its own, in order", () => {
    const { nodes, columns } = layout(diamond);
    const x = new Map(nodes.map((placed) => [placed.epic, placed.x]));
    expect(x.get("B")).toBe(x.get("C"));
    expect(columns.map((column) => column.x)).toEqual([x.get("A"), x.get("B"), x.get("D")]);
    expect((x.get("B") ?? 0) - (x.get("A") ?? 0)).toBeGreaterThan(NODE_WIDTH);
  });

  it("never lets two nodes touch, however many share a wave", () => {
    const many = Array.from({ length: 40 }, (_, index) => `E${index}`);
    const wide = dag(
      [["A"], many],
      many.map((epic) => ["A", epic]),
    );
    const ys = layout(wide)
      .nodes.filter(({ epic }) => epic !== "A")
      .map(({ y }) => y)
      .sort((a, b) => a - b);
    ys.slice(1).forEach((y, index) => {
      expect(y - (ys[index] ?? 0)).toBeGreaterThanOrEqual(NODE_HEIGHT);
    });
    expect(Math.min(...ys)).toBeGreaterThanOrEqual(0);
  });

  it("a thousand epics are placed at once, in their columns and in the order of the plan", () => {
    const waves = Array.from({ length: 20 }, (_, wave) =>
      Array.from({ length: 50 }, (_, row) => `E${wave}-${row}`),
    );
    const edges = waves
      .slice(1)
      .flatMap((wave, before) =>
        wave.flatMap((epic) => (waves[before] ?? []).map((from): [string, string] => [from, epic])),
      );
    const large = dag(waves, edges);
    // Dagre would take longer over it than a test may.
    const placed = layout(large);
    expect(layout(large)).toEqual(placed);
    expect(placed.columns).toHaveLength(20);
    const step = (placed.nodes[1]?.y ?? 0) - (placed.nodes[0]?.y ?? 0);
    expect(step).toBeGreaterThan(NODE_HEIGHT);
    expect(placed.nodes).toEqual(
      waves.flatMap((epics, wave) =>
        epics.map((epic, row) => ({ epic, x: placed.columns[wave]?.x, y: row * step })),
      ),
    );
  });

  it("an edge to an epic that is not there is passed over", () => {
    expect(layout(dag([["A"]], [["A", "gone"]])).nodes).toHaveLength(1);
  });

  it("nothing is nothing", () => {
    expect(layout(dag([], [])).nodes).toEqual([]);
  });
});

it("a column that has room stays where it wants to be", () => {
  const placed = spread([{ y: 500 }, { y: 100 }]);
  expect(placed.map(({ y }) => y)).toEqual([100 - NODE_HEIGHT / 2, 500 - NODE_HEIGHT / 2]);
});

it("a path is what comes before and after, not what stands beside", () => {
  const graph = dag(
    [["A", "X"], ["B", "C"], ["D"]],
    [
      ["A", "B"],
      ["A", "C"],
      ["B", "D"],
      ["X", "D"],
    ],
  );
  expect([...pathOf(graph, "B")].sort()).toEqual(["A", "B", "D"]);
  expect([...pathOf(graph, "D")].sort()).toEqual(["A", "B", "D", "X"]);
});
