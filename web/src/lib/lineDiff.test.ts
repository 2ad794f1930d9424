import { expect, it } from "vitest";
import { lineDiff } from "./lineDiff";

it("keeps three lines around what changed", () => {
  const before = ["1", "2", "3", "4", "5", "6", "7", "8", "9"];
  const after = before.map((line) => (line === "5" ? "five" : line));
  expect(lineDiff(before.join("\n"), after.join("\n")).split("\n")).toEqual([
    ...[" 2", " 3", " 4", "-5", "+five", " 6", " 7", " 8"],
  ]);
});

it("a new file is all added, a removed one all removed", () => {
  expect(lineDiff("", "a\nb")).toBe("+a\n+b");
  expect(lineDiff("a\nb", "")).toBe("-a\n-b");
});

it("applying the diff gives the new text", () => {
  const texts = ["a\nb\nc\nd", "b\nx\nd\ne", "c\nb\na", "a\na\nb\na"];
  for (const before of texts) {
    for (const after of texts) {
      const lines = lineDiff(before, after).split("\n");
      const kept = lines.filter((line) => !line.startsWith("-")).map((line) => line.slice(1));
      if (before !== after) expect(after.split("\n").join()).toContain(kept.join());
    }
  }
});
