import { expect, it } from "vitest";
import type { MachineState, Transition } from "../api/types";
import { drawMachine, mainLine, merge } from "./machineLayout";

const state = (name: string, kind: MachineState["kind"]): MachineState => ({
  name,
  kind,
  role: null,
});
const way = (from: string, signal: string, to: string): Transition => ({
  from,
  signal,
  to,
  guard: null,
});

const states = [
  state("pending", "wait"),
  state("developing", "work"),
  state("review", "review"),
  state("fixing", "work"),
  state("failed", "decision"),
  state("passed", "terminal"),
  state("cancelled", "terminal"),
];
const ways = [
  way("pending", "ready", "developing"),
  way("developing", "done", "review"),
  way("developing", "error", "failed"),
  way("developing", "timeout", "failed"),
  way("review", "fail", "fixing"),
  way("review", "pass", "passed"),
  way("fixing", "done", "review"),
  way("failed", "retry", "@previous"),
];

it("the first line is the way to success", () => {
  expect(mainLine(states, ways)).toEqual(["pending", "developing", "review", "passed"]);
});

it("a machine that runs in a circle still has an end", () => {
  const circle = [way("a", "done", "b"), way("b", "done", "a")];
  expect(mainLine([state("a", "work"), state("b", "work")], circle)).toEqual(["a", "b"]);
});

it("signals of the same way are one line", () => {
  expect(merge(ways).find(({ from, to }) => from === "developing" && to === "failed")).toEqual({
    from: "developing",
    to: "failed",
    signals: ["error", "timeout"],
  });
});

it("every state stands somewhere, no two on one place, all inside", () => {
  const { states: drawn, edges, width, height } = drawMachine(states, ways);
  expect(drawn).toHaveLength(states.length);
  expect(new Set(drawn.map(({ x, y }) => `${x},${y}`)).size).toBe(states.length);
  for (const { x, y } of drawn) {
    expect(x > 0 && x < width && y > 0 && y < height).toBe(true);
  }
  // `@previous` is no state: the table says where it leads.
  expect(edges.map(({ to }) => to)).not.toContain("@previous");
});
