import { expect, it } from "vitest";
import type { TimelineAttempt } from "../api/types";
import { gantt, ticks } from "./gantt";

const T0 = Date.parse("2026-01-01T00:00:00Z");
const at = (seconds: number) => new Date(T0 + seconds * 1_000).toISOString();
const attempt = (epic: string, from: number, to: number | null): TimelineAttempt => ({
  room: "room-1",
  epic,
  id: `${epic}-${from}`,
  number: 1,
  state: "developing",
  role: "engineer",
  agent: "rehearsal",
  model: null,
  started_at: at(from),
  ended_at: to === null ? null : at(to),
  outcome: to === null ? null : "done",
  deadline_at: at(3_600),
  reason: null,
  tokens: null,
  cost_usd: null,
  rehearsed: true,
});

it("bars share one clock, and an open one reaches now", () => {
  const chart = gantt(["A", "B"], [attempt("A", 0, 50), attempt("B", 25, null)], T0 + 100_000);
  const bars = chart?.lanes.map(({ bars }) => bars.map(({ left, width }) => [left, width]));
  expect(bars).toEqual([[[0, 50]], [[25, 75]]]);
});

it("a bar is never too thin to be seen, nor outside", () => {
  const chart = gantt(["A"], [attempt("A", 0, 100_000), attempt("A", 100_000, 100_000)], T0);
  const last = chart?.lanes[0]?.bars[1];
  expect(last?.width).toBe(0.4);
  expect((last?.left ?? 0) + (last?.width ?? 0)).toBeLessThanOrEqual(100);
});

it("an epic without a session has an empty lane; no session is no chart", () => {
  expect(gantt(["A", "B"], [attempt("A", 0, 1)], T0)?.lanes[1]).toEqual({ epic: "B", bars: [] });
  expect(gantt(["A"], [], T0)).toBeNull();
});

it("ticks stand at round distances and are few", () => {
  expect(ticks(0, 60_000).map((tick) => tick / 1_000)).toEqual([0, 10, 20, 30, 40, 50, 60]);
  for (const span of [1, 7, 61, 3_601, 90_001, 9_000_000]) {
    expect(ticks(0, span * 1_000).length).toBeLessThanOrEqual(9);
  }
});
