import { expect, it } from "vitest";
import { elapsed } from "./elapsed";

const at = "2026-01-01T00:00:10.000Z";
const now = Date.parse("2026-01-01T00:00:14.500Z");

it("time goes on only while a session is at work", () => {
  expect(elapsed({ elapsed_seconds: 60, active: true, at }, now)).toBe(64.5);
  expect(elapsed({ elapsed_seconds: 60, active: false, at }, now)).toBe(60);
});

it("nothing is added to what is not known, or for a clock that is behind", () => {
  expect(elapsed({ elapsed_seconds: null, active: true, at }, now)).toBe(null);
  expect(elapsed({ elapsed_seconds: 60, active: true }, now)).toBe(60);
  expect(elapsed({ elapsed_seconds: 60, active: true, at }, now - 60_000)).toBe(60);
});
