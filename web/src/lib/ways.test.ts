import { describe, expect, it } from "vitest";
import type { PlanDetail, PlanState } from "../api/types";
import { detail, summary } from "../live/samples";
import { isReviewDue, ways } from "./ways";

const SAVED = "2026-01-01T00:00:00.000Z";
const BEFORE = "2025-12-31T23:59:59.000Z";
const AFTER = "2026-01-01T00:00:01.000Z";

/** A plan in this state that was driven last from `since` on. */
const plan = (state: PlanState, since: string | null, change: Partial<PlanDetail> = {}) => {
  const engine = since === null ? null : { run_id: "r", pid: 1, host: "h", since, alive: false };
  return detail({
    board: { ...summary("a", { state, engine }), rows: [] },
    imported_at: SAVED,
    begun: state !== "planned",
    ...change,
  });
};

describe("what can be done with a plan", () => {
  it("that never ran: run it, by its own text or that of its file", () => {
    expect(ways(plan("planned", null))).toEqual(["on"]);
    expect(ways(plan("planned", null, { source_differs: true }))).toEqual(["on", "file"]);
  });

  it("that stopped: go on or begin anew", () => {
    expect(ways(plan("stopped", AFTER))).toEqual(["on", "new"]);
    expect(ways(plan("stopped", AFTER, { source_differs: true }))).toEqual(["on", "file", "new"]);
  });

  it("that is over: begin anew, and go on only by a text that is new", () => {
    for (const state of ["finished", "failed"] as const) {
      expect(ways(plan(state, AFTER))).toEqual(["new"]);
      expect(ways(plan(state, BEFORE))).toEqual(["on", "new"]);
      expect(ways(plan(state, AFTER, { source_differs: true }))).toEqual(["file", "new"]);
    }
  });
});

it("a review has a say about what is new, not about what runs or was approved", () => {
  const approved = { review: { state: "approved" as const, room: "room-000" } };
  expect(isReviewDue(plan("planned", null), "on")).toBe(true);
  expect(isReviewDue(plan("planned", AFTER, approved), "on")).toBe(false);
  expect(isReviewDue(plan("planned", BEFORE, approved), "on")).toBe(true);
  expect(isReviewDue(plan("stopped", AFTER), "on")).toBe(false);
  expect(isReviewDue(plan("stopped", AFTER), "new")).toBe(true);
  expect(isReviewDue(plan("stopped", AFTER), "file")).toBe(true);
});
