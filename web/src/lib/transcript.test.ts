import { expect, it } from "vitest";
import type { TranscriptEvent } from "../api/types";
import { brief, fold } from "./transcript";

const event = (
  seq: number,
  type: string,
  more: Partial<TranscriptEvent> = {},
): TranscriptEvent => ({
  seq,
  ts: "2026-01-01T00:00:00.000Z",
  type,
  ...more,
});

const foldAll = (items: TranscriptEvent[]) => fold([{ items }]);

it("pieces of a text are one text; a thought between them parts it", () => {
  const steps = foldAll([
    event(1, "text", { text: "Hel" }),
    event(2, "text", { text: "lo" }),
    event(3, "thought", { text: "hm" }),
    event(4, "text", { text: "again" }),
  ]);
  expect(steps.map(({ kind, text }) => [kind, text])).toEqual([
    ["text", "Hello"],
    ["thought", "hm"],
    ["text", "again"],
  ]);
});

it("a result joins its call, in whatever order calls end", () => {
  const call = (seq: number, id: string) => event(seq, "tool_call", { id, title: id });
  const result = (seq: number, id: string) =>
    event(seq, "tool_result", { id, status: "completed" });
  const steps = foldAll([
    call(1, "a"),
    call(2, "b"),
    result(3, "b"),
    result(4, "a"),
    result(5, "c"),
  ]);
  expect(steps.map(({ call, result }) => [call?.seq, result?.seq])).toEqual([
    [1, 4],
    [2, 3],
    [undefined, 5],
  ]);
});

it("what says nothing to a reader is no step, and what is unknown is still shown", () => {
  const steps = foldAll([
    event(1, "usage"),
    event(2, "something_new"),
    event(3, "end", { outcome: "x" }),
  ]);
  expect(steps.map(({ text }) => text)).toEqual(["something new", "Session ended: x"]);
});

it("parts join as if they were one, and only a part that is new is folded", () => {
  const call = event(1, "tool_call", { id: "a", title: "a" });
  const parts = [
    { items: [call, event(2, "text", { text: "Hel" })] },
    { items: [event(3, "text", { text: "lo" }), event(4, "tool_result", { id: "a" })] },
  ];
  const whole = parts.flatMap(({ items }) => items);
  const steps = fold(parts);
  expect(steps).toEqual(foldAll(whole));
  expect(fold([...parts])).toBe(steps);
  const more = fold([...parts, { items: [event(5, "notice", { text: "." })] }]);
  expect(more.slice(0, 2).every((step, index) => step === steps[index])).toBe(true);
  // What comes before changes what the rest means.
  const older = fold([{ items: [event(0, "notice", { text: "!" })] }, ...parts]);
  expect(older.map(({ seq }) => seq)).toEqual([0, 1, 2]);
});

it("arguments fit a line", () => {
  expect(brief({ path: "a.md", n: 2, list: [1] })).toBe("path: a.md, n: 2, list: [1]");
  expect(brief({ text: "x".repeat(500) })).toHaveLength(160);
  expect(brief(null)).toBe("");
});
