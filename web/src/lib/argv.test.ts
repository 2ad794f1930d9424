import { expect, test } from "vitest";
import { argv } from "./argv";

test("words are apart, and quotes keep them together", () => {
  expect(argv(`  npx -y  server --root "/a b" 'c d' ""`)).toEqual([
    ...["npx", "-y", "server", "--root", "/a b", "c d", ""],
  ]);
  expect(argv("   ")).toEqual([]);
});
