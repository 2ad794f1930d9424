import { expect, it } from "vitest";
import { find, score } from "./find";

const target = (title: string) => ({ id: title, group: "g", title });

it("every word has to be there", () => {
  expect(score("shop plan", "Plan of the shop")).not.toBeNull();
  expect(score("shop boat", "Plan of the shop")).toBeNull();
});

it("the start of a word beats its middle, and a short title a long one", () => {
  const found = find(
    "led",
    ["Called back", "The ledger of everything", "The ledger"].map(target),
    9,
  );
  expect(found.map(({ title }) => title)).toEqual([
    ...["The ledger", "The ledger of everything", "Called back"],
  ]);
});

it("nothing typed keeps the order", () => {
  expect(find(" ", ["b", "a"].map(target), 1).map(({ title }) => title)).toEqual(["b"]);
});
