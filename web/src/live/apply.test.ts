import { QueryClient, type InfiniteData } from "@tanstack/react-query";
import { expect, it, vi } from "vitest";
import { keys } from "../api/queries";
import type { ChannelPage, Page, Summary } from "../api/types";
import { apply } from "./apply";
import { channel, message, row, summary } from "./samples";

const client = () => {
  const made = new QueryClient();
  const invalidated: string[] = [];
  vi.spyOn(made, "invalidateQueries").mockImplementation((filter) => {
    invalidated.push(JSON.stringify(filter?.queryKey));
    return Promise.resolve();
  });
  return { made, invalidated };
};

it("a plan's figures arrive without a request", () => {
  const { made, invalidated } = client();
  made.setQueryData<Page<Summary>>(keys.plans, { items: [summary("a")] });
  apply(made, [{ topic: "plan", data: summary("a", { progress_percent: 55 }) }]);
  expect(made.getQueryData<Page<Summary>>(keys.plans)?.items[0]?.progress_percent).toBe(55);
  expect(invalidated).toEqual([]);
});

it("a room that waits for a person makes the inbox be read, once for many events", () => {
  const { made, invalidated } = client();
  const waiting = {
    ...row("E1", { display: { word: "waiting", detail: null, tone: "attention" } }),
    project: "p",
    plan_id: "a",
  };
  apply(made, [
    { topic: "room", data: waiting },
    { topic: "room", data: waiting },
  ]);
  expect(invalidated.filter((key) => key === JSON.stringify(keys.inbox))).toHaveLength(1);
});

it("a message is put at the end of the newest page, and a gap is read again", () => {
  const { made, invalidated } = client();
  const key = [...keys.channel("room-1"), null, {}];
  const view = (): number[] | undefined =>
    made.getQueryData<InfiniteData<ChannelPage>>(key)?.pages[0]?.items.map(({ seq }) => seq);
  made.setQueryData(key, { pages: [channel(message(1))], pageParams: [""] });
  const event = (seq: number) => ({
    topic: "channel" as const,
    data: { project: "p", plan_id: "a", room: "room-1", message: message(seq) },
  });
  apply(made, [event(2), event(2), event(3)]);
  expect(view()).toEqual([1, 2, 3]);
  expect(invalidated).toEqual([]);
  apply(made, [event(9)]);
  expect(view()).toEqual([1, 2, 3]);
  expect(invalidated).toEqual([JSON.stringify(key)]);
});

it("a transcript that grew is told to whoever shows it, and nothing is read twice", () => {
  const { made, invalidated } = client();
  const grown = { project: "p", plan_id: "a", room: "r", number: 2, event: "transcript" };
  apply(made, [
    { topic: "attempt", data: grown },
    { topic: "attempt", data: grown },
  ]);
  expect(made.getQueryData(keys.grown("r", 2))).toBe(2);
  expect(invalidated).toEqual([]);
});
