import { describe, expect, it } from "vitest";
import { bytes, compact, cost, dollars, duration, plural, relative, UNKNOWN } from "./format";

describe("figures as people read them", () => {
  it("durations keep two units at most", () => {
    const seconds = [0, 59.9, 60, 200, 600, 3_599, 3_600, 7_500, 90_000, -3];
    expect(seconds.map(duration)).toEqual([
      ...["0 s", "59 s", "1 min", "3 min 20 s", "10 min", "59 min"],
      ...["1 h 00 min", "2 h 05 min", "1 d 1 h", "0 s"],
    ]);
  });

  it("an unknown figure is said to be unknown", () => {
    expect([duration(null), compact(undefined), duration(Number.NaN)]).toEqual(
      Array(3).fill(UNKNOWN),
    );
  });

  it("counts never show a unit that is full", () => {
    expect([0, 999, 1_000, 99_949, 99_950, 999_499, 999_500].map(compact)).toEqual([
      ...["0", "999", "1.0k", "99.9k", "100k", "999k", "1.00M"],
    ]);
  });

  it("small sums keep the digits that matter", () => {
    expect([0, 0.0123, 0.1, 12.345].map(dollars)).toEqual(["$0.00", "$0.0123", "$0.10", "$12.35"]);
  });

  it("a cost that nobody reported is none, and not nothing", () => {
    expect([null, 0, 0.5].map(cost)).toEqual([null, "$0.00", "$0.50"]);
  });

  it("sizes are binary", () => {
    expect([1_023, 1_024, 1_572_864].map(bytes)).toEqual(["1023 B", "1.0 KiB", "1.5 MiB"]);
  });

  it("moments are told from now, both ways", () => {
    const now = Date.parse("2026-01-01T12:00:00Z");
    const at = (seconds: number) => relative(new Date(now - seconds * 1_000).toISOString(), now);
    expect([0, 30, 720, 7_200, 200_000, -90].map(at)).toEqual([
      ...["just now", "30 s ago", "12 min ago", "2 h ago", "2 d ago", "in 1 min"],
    ]);
  });

  it("one is not many", () => {
    expect([plural(1, "room"), plural(0, "room"), plural(2, "memory", "memories")]).toEqual([
      ...["1 room", "0 rooms", "2 memories"],
    ]);
  });
});
