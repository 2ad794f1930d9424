import { QueryClient, type InfiniteData } from "@tanstack/react-query";
import { expect, it, vi } from "vitest";
import { keys } from "../api/queries";
import type { ChannelPage, Page, Summary } from "../api/types";
import { apply, changesFigures, hear, type LiveEvent } from "./apply";
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

it("a room of the same name in another project stays as it is", () => {
  const { made, invalidated } = client();
  const at = { project: "q", plan_id: "b", room: "room-1" };
  const rooms = { items: [{ ...row("E1"), ...at, project: "p", plan_id: "a" }] };
  const room = { ...at, project: "p", plan_id: "a", row: row("E1") };
  const view = { pages: [channel(message(1))], pageParams: [""] };
  const known: [readonly unknown[], unknown][] = [
    [keys.rooms, rooms],
    [[...keys.room("room-1"), "p"], room],
    [[...keys.channel("room-1"), "p", {}], view],
  ];
  for (const [key, value] of known) made.setQueryData(key, value);
  apply(made, [
    { topic: "progress", data: { ...at, percent: 90, message: "nearly" } },
    { topic: "channel", data: { ...at, message: message(2) } },
    { topic: "room", data: { ...row("E1", { state: "review" }), ...at } },
  ]);
  expect(known.map(([key]) => made.getQueryData(key))).toEqual([
    { items: [...rooms.items, expect.objectContaining(at)] },
    room,
    view,
  ]);
  expect(invalidated).toEqual([JSON.stringify(keys.events("b"))]);
});

it("an answer that was on its way gets what was told meanwhile", async () => {
  const made = new QueryClient();
  const key = [...keys.channel("room-1"), null, {}];
  const seqs = () =>
    made.getQueryData<InfiniteData<ChannelPage>>(key)?.pages[0]?.items.map(({ seq }) => seq);
  const asked: string[] = [];
  let answer: (value: unknown) => void = () => undefined;
  const read = (queryKey: readonly unknown[]) =>
    made.fetchQuery({
      queryKey,
      queryFn: () => {
        asked.push(String(queryKey[0]));
        return new Promise((resolve) => (answer = resolve));
      },
    });
  const said: LiveEvent = {
    topic: "channel",
    data: { project: "p", plan_id: "a", room: "room-1", message: message(2, { type: "question" }) },
  };

  const channelRead = read(key);
  hear(made, [said]);
  answer({ pages: [channel(message(1))], pageParams: [""] });
  await channelRead;
  expect(seqs()).toEqual([1, 2]);

  const stale = () => made.getQueryState(keys.inbox)?.isInvalidated;
  const inboxRead = read(keys.inbox);
  hear(made, [said]);
  answer({ items: [] });
  await inboxRead;
  expect(stale()).toBe(true);
  expect(seqs()).toEqual([1, 2]);
  expect(asked).toEqual(["channel", "inbox"]);
});

it("what a session says changes no figure", () => {
  const attempt = (event: string): LiveEvent => ({ topic: "attempt", data: { event } });
  const events: LiveEvent[] = [
    attempt("opened"),
    attempt("transcript"),
    { topic: "plan", data: summary("a") },
    { topic: "memory", data: {} },
  ];
  expect(events.map(changesFigures)).toEqual([true, false, true, false]);
});
