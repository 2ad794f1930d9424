import { expect, it } from "vitest";
import type { PlanEvent } from "../api/types";
import { alertWords } from "./alerts";

const words = (event: Partial<PlanEvent>) =>
  alertWords(
    { v: 1, seq: 1, ts: "2026-01-01T00:00:00.000Z", type: "finished", ...event },
    "Letters",
  );

const question = (data: object) => words({ type: "question", epic: "EPIC-001", data });

it("a session asks for words or for a permission, and an answer asks for nothing", () => {
  expect(question({ asks: "answer", answer: null })?.title).toBe("EPIC-001 asks you something");
  expect(question({ asks: "permission", answer: null })?.title).toBe(
    "EPIC-001 asks for a permission",
  );
  expect(question({ asks: "permission", answer: "msg-1" })).toBe(null);
});

it("the end says of which plan, and whether it went well", () => {
  expect(words({ reason: "every epic passed", data: { passed: 2, epics: 2 } })).toEqual({
    tone: "passed",
    title: "The plan “Letters” has ended",
    body: "every epic passed",
  });
  expect(words({ data: { passed: 1, epics: 2 } })?.tone).toBe("failed");
});

it("what is about no epic names its plan, and what is no alert says nothing", () => {
  expect(words({ type: "budget" })?.title).toBe("Budget: Letters");
  expect(words({ type: "attempt-closed" })).toBe(null);
});
