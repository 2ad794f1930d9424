import { expect, it } from "vitest";
import { following, preceding, type Lines } from "./stretches";

interface Line {
  seq: number;
}

/** A file of lines with these lengths, of which at most `limit` are given at once. */
const file = (lengths: number[], limit: number) => {
  let end = 0;
  const lines = lengths.map((length) => {
    const from = end;
    end += length;
    return { from, seq: end };
  });
  const read = (after: number): Promise<Lines<Line>> => {
    const behind = lines.filter(({ from }) => from >= after);
    const items = behind.slice(0, limit).map(({ seq }) => ({ seq }));
    const more = behind.length > items.length;
    return Promise.resolve({ items, next_cursor: items.at(-1)?.seq ?? after, more });
  };
  return { read, bytes: end, ends: lines.map(({ seq }) => seq) };
};

/** The whole file, read from its end on back to its beginning. */
async function backwards(lengths: number[], limit: number): Promise<number[][]> {
  const { read, bytes } = file(lengths, limit);
  const parts = [await preceding(read, bytes, Infinity)];
  for (let first = parts[0]; first && first.from > 0; first = parts[0]) {
    const until = first.items[0]?.seq ?? first.next_cursor + 1;
    parts.unshift(await preceding(read, first.from, until));
  }
  return parts.map(({ items }) => items.map(({ seq }) => seq));
}

it("every line is read once and in order, wherever a stretch begins", async () => {
  for (const lengths of [
    Array.from({ length: 3_000 }, (_, index) => 100 + ((index * 37) % 900)),
    [50, 3_000_000, 70, 200_000, 1],
    [400_000],
    [10, 20],
  ]) {
    for (const limit of [1, 500]) {
      const parts = await backwards(lengths, limit);
      expect(parts.flat()).toEqual(file(lengths, limit).ends);
    }
  }
});

it("the end of a long file is read without its beginning", async () => {
  const { read, bytes, ends } = file(Array<number>(10_000).fill(1_000), 500);
  const { items } = await preceding(read, bytes, Infinity);
  expect(items.length).toBeLessThan(200);
  expect(items.at(-1)?.seq).toBe(ends.at(-1));
});

it("an empty file is empty, and what is written into it follows", async () => {
  const nothing = await preceding(file([], 500).read, 0, Infinity);
  expect(nothing.items).toEqual([]);
  const { items } = await following(file([7], 500).read, nothing.next_cursor);
  expect(items).toEqual([{ seq: 7 }]);
});
