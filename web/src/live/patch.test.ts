import { describe, expect, it } from "vitest";
import * as patch from "./patch";
import type { Row } from "../api/types";
import { channel, detail, message, row, summary } from "./samples";

describe("plans", () => {
  it("a known plan changes in its place, a new one comes first", () => {
    const plans = [summary("a"), summary("b")];
    const now = summary("b", { progress_percent: 40 });
    expect(patch.patchPlans(plans, now)).toEqual([plans[0], now]);
    const fresh = summary("c");
    expect(patch.patchPlans(plans, fresh)).toEqual([fresh, ...plans]);
  });

  it("plans of the same name in two projects are two plans", () => {
    const other = summary("a", { project: "q", progress_percent: 9 });
    expect(patch.patchPlans([summary("a")], other)).toEqual([other, summary("a")]);
    expect(patch.removePlan([summary("a"), other], other)).toEqual([summary("a")]);
  });

  it("a board keeps its rows when its figures change", () => {
    const board = { ...summary("a"), rows: [row("E1")] };
    const before = detail({ board });
    const now = summary("a", { state: "finished" });
    expect(patch.patchPlan(before, now).board).toEqual({ ...now, rows: board.rows });
    expect(patch.patchPlan(before, summary("b"))).toBe(before);
  });
});

describe("rooms", () => {
  const at = { project: "p", plan_id: "a" };

  it("one row changes and the others stay the same objects", () => {
    const board = { ...summary("a"), rows: [row("E1"), row("E2")] };
    const now = { ...row("E2", { percent: 70 }), ...at };
    const next = patch.patchRow(board, now);
    expect(next.rows).toEqual([board.rows[0], now]);
    expect(next.rows[0]).toBe(board.rows[0]);
  });

  it("a row of another plan changes nothing", () => {
    const board = { ...summary("a"), rows: [row("E1")] };
    expect(patch.patchRow(board, { ...row("E1"), project: "p", plan_id: "b" })).toBe(board);
  });

  it("an epic is elsewhere when its title or what it waits for changed, not when it moves on", () => {
    const board = { ...summary("a"), rows: [row("E1", { depends_on: ["E0"] })] };
    const now = (change: Partial<Row>) => ({
      ...row("E1", { depends_on: ["E0"], ...change }),
      ...at,
    });
    const elsewhere = (change: Partial<Row>) => patch.isElsewhere(board, now(change));
    expect([{ title: "New" }, { wave: 3 }, { depends_on: [] }].map(elsewhere)).toEqual(
      Array(3).fill(true),
    );
    expect([{ percent: 70 }, { epic: "E2" }].map(elsewhere)).toEqual([false, false]);
  });

  it("an epic without a room is no card", () => {
    expect(patch.patchRooms([], { ...row("E1", { room: null }), ...at }, "A")).toEqual([]);
    expect(patch.patchRooms([], { ...row("E1"), ...at }, "A")).toEqual([
      { ...row("E1"), ...at, plan_title: "A", last_activity_at: null },
    ]);
  });

  it("progress that says nothing new draws nothing anew", () => {
    const rows = [row("E1")];
    const now = { ...at, room: "room-E1" };
    expect(patch.patchProgress(rows, { ...now, percent: 10, message: null })).toBe(rows);
    expect(patch.patchProgress(rows, { ...now, percent: 30, message: "half" })[0]).toEqual(
      row("E1", { percent: 30, message: "half" }),
    );
  });
});

describe("a channel", () => {
  it("takes the next message once", () => {
    const page = channel(message(1));
    const next = patch.appendMessage(page, message(2), {});
    expect(next?.items.map(({ seq }) => seq)).toEqual([1, 2]);
    expect(patch.appendMessage(page, message(1), {})).toBe(page);
  });

  it("asks to be read again when a message is missing in between", () => {
    expect(patch.appendMessage(channel(message(1)), message(3), {})).toBeNull();
    expect(patch.appendMessage(channel(), message(1), {})?.items).toHaveLength(1);
  });

  it("a filtered view takes what it wants and does not mind gaps", () => {
    const page = channel(message(1, { type: "fail" }));
    const filter = { type: "fail", q: "HARD" };
    expect(patch.appendMessage(page, message(5), filter)).toBe(page);
    const wanted = message(7, { type: "fail", body: "too hard" });
    expect(patch.appendMessage(page, wanted, filter)?.items).toEqual([page.items[0], wanted]);
  });
});
