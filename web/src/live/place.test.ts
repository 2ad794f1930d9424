import { expect, it } from "vitest";
import { Place } from "./place";

const news = { fresh: true, missed: false };
const known = { fresh: false, missed: false };
const gap = { fresh: true, missed: true };

const at = (id: string): Place => {
  const place = new Place();
  place.joins(id);
  return place;
};

it("events are heard one after the other, and none twice", () => {
  const place = at("a-3");
  expect(["a-4", "a-5", "a-5", "a-4", "a-6"].map((id) => place.hears(id))).toEqual([
    news,
    news,
    known,
    known,
    news,
  ]);
  expect(place.last).toBe("a-6");
});

it("a gap is noticed, and so is another server", () => {
  const place = at("a-3");
  expect(["a-5", "a-6", "b-1", "b-2"].map((id) => place.hears(id))).toEqual([gap, news, gap, news]);
});

it("numbers are compared as numbers", () => {
  const place = at("a-9");
  expect(["a-10", "a-11", "a-9"].map((id) => place.hears(id))).toEqual([news, news, known]);
});

it("a snapshot that is older than the stream lacks what was told between", () => {
  const place = new Place();
  expect(["a-7", "a-5", "a-9"].map((id) => place.reads(id))).toEqual([false, false, false]);
  expect(place.joins("a-6")).toBe(true);
  expect(["a-5", "a-6", "a-7"].map((id) => place.reads(id))).toEqual([true, false, false]);
});

it("nothing is missing where the stream begins no later than what was read", () => {
  const place = new Place();
  place.reads("a-5");
  expect(place.joins("a-5")).toBe(false);
  expect(place.hears("a-6")).toEqual(news);
  expect(place.reads("a-5")).toBe(false);
});

it("a reader that takes over further behind tells what is known, one further ahead leaves a gap", () => {
  const place = at("a-3");
  place.hears("a-4");
  expect(place.joins("a-2")).toBe(false);
  expect(["a-3", "a-4", "a-5"].map((id) => place.hears(id))).toEqual([known, known, news]);
  expect(place.joins("a-8")).toBe(true);
  expect(place.hears("a-9")).toEqual(news);
});

it("after a new start nothing of before counts, and a snapshot of another server asks for nothing", () => {
  const place = at("a-3");
  place.starts("b-0");
  expect(place.hears("b-1")).toEqual(news);
  expect(["a-9", "b-0"].map((id) => place.reads(id))).toEqual([false, false]);
});
