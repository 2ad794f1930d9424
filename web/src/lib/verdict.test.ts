import { expect, it } from "vitest";
import { answers, withoutAnswers } from "./verdict";

const found = answers({
  criteria: [
    { id: "AC-1", met: true, evidence: "seen" },
    { id: "AC-2", met: false },
  ],
});

it("criteria are read as far as they are some", () => {
  expect(found).toEqual([
    { id: "AC-1", met: true, evidence: "seen" },
    { id: "AC-2", met: false, evidence: "" },
  ]);
  for (const odd of [null, undefined, "words", { criteria: "AC-1" }, { criteria: [null, 1, {}] }]) {
    expect(answers(odd)).toEqual([]);
  }
});

it("only the lines that repeat a criterion are left out, and what stands behind them is kept", () => {
  const body =
    "Nearly.\n- AC-1 met: seen\n- **AC-2** (Fast) is not met\n\n- AC-3 met: no\nMend it.";
  expect(withoutAnswers(body, found)).toBe("Nearly.\n\n- AC-3 met: no\nMend it.");
  expect(withoutAnswers(body, [])).toBe(body);
});
