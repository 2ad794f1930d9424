// Carries a live event into the query cache: patches what it can, and marks as stale what only the
// server can say.

import {
  partialMatchKey,
  type InfiniteData,
  type QueryClient,
  type QueryKey,
} from "@tanstack/react-query";
import { keys, type ChannelFilter } from "../api/queries";
import type {
  ChannelPage,
  Dag,
  Message,
  Page,
  PlanDetail,
  PlanEvent,
  RoomDetail,
  RoomItem,
  Summary,
} from "../api/types";
import * as patch from "./patch";

export const TOPICS = [
  "plan",
  "room",
  "channel",
  "progress",
  "attempt",
  "memory",
  "alert",
] as const;
export type Topic = (typeof TOPICS)[number];

/** One event of the stream. */
export interface LiveEvent {
  topic: Topic;
  data: unknown;
}

interface Where {
  project: string;
  plan_id: string;
  room: string;
}

/** Applies events to what is known, and again to each answer that is on its way: it may be older. */
export function hear(client: QueryClient, events: LiveEvent[]): void {
  const underway = client
    .getQueryCache()
    .findAll({ fetchStatus: "fetching" })
    .map(({ queryKey, promise }) => ({ queryKey, promise }));
  apply(client, events);
  const again = events.filter((event) => !isSpeech(event));
  for (const { queryKey, promise } of underway) {
    promise?.then(
      () => apply(client, again, queryKey),
      () => undefined,
    );
  }
}

/** Applies events in order; several at once ask the server only once for each stale value. `only`:
 * nothing else is asked for. */
export function apply(client: QueryClient, events: LiveEvent[], only?: QueryKey): void {
  const stale = new Map<string, QueryKey>();
  const mark = (key: QueryKey) => {
    if (!only || partialMatchKey(only, key)) stale.set(JSON.stringify(key), only ?? key);
  };
  for (const event of events) one(client, event, mark);
  for (const queryKey of stale.values()) void client.invalidateQueries({ queryKey });
}

/** Whether it only says that a transcript grew. */
const isSpeech = ({ topic, data }: LiveEvent): boolean =>
  topic === "attempt" && (data as { event: string }).event === "transcript";

/** Whether a project's figures are others now. */
export const changesFigures = (event: LiveEvent): boolean =>
  event.topic === "plan" || (event.topic === "attempt" && !isSpeech(event));

type Mark = (key: QueryKey) => void;

function one(client: QueryClient, { topic, data }: LiveEvent, mark: Mark): void {
  switch (topic) {
    case "plan":
      return plan(client, data as Summary, mark);
    case "room":
      return room(client, data as patch.RowEvent, mark);
    case "channel":
      return channel(client, data as Where & { message: Message }, mark);
    case "progress":
      return progress(client, data as patch.ProgressEvent);
    case "attempt":
      return attempt(client, data as Where & { number: number; event: string }, mark);
    case "memory":
      return mark(keys.memories);
    case "alert":
      return alert(data as PlanEvent & Where, mark);
  }
}

function plan(client: QueryClient, now: Summary & { removed?: boolean }, mark: Mark): void {
  if (now.removed) {
    client.setQueryData<Page<Summary>>(
      keys.plans,
      (page) => page && { ...page, items: patch.removePlan(page.items, now) },
    );
    mark(keys.rooms);
    mark(keys.inbox);
    return;
  }
  const before = client
    .getQueryData<Page<Summary>>(keys.plans)
    ?.items.find((plan) => plan.plan_id === now.plan_id && plan.project === now.project);
  client.setQueryData<Page<Summary>>(
    keys.plans,
    (page) => page && { ...page, items: patch.patchPlans(page.items, now) },
  );
  client.setQueriesData<PlanDetail>(
    { queryKey: keys.plan(now.plan_id) },
    (detail) => detail && patch.patchPlan(detail, now),
  );
  if (
    !before ||
    before.state !== now.state ||
    before.review !== now.review ||
    before.counts.attention !== now.counts.attention ||
    before.counts.failed !== now.counts.failed
  ) {
    mark(keys.inbox);
  }
  if (before && before.counts.total !== now.counts.total) {
    mark(keys.plan(now.plan_id));
    mark(keys.dag(now.plan_id));
  }
  if (before && (before.review !== now.review || before.state !== now.state)) {
    mark(keys.plan(now.plan_id));
    mark(keys.dag(now.plan_id));
    mark(keys.events(now.plan_id));
  }
}

function room(client: QueryClient, now: patch.RowEvent, mark: Mark): void {
  const title = client
    .getQueryData<Page<Summary>>(keys.plans)
    ?.items.find((plan) => plan.plan_id === now.plan_id)?.title;
  client.setQueriesData<PlanDetail>({ queryKey: keys.plan(now.plan_id) }, (detail) => {
    if (!detail) return detail;
    // Another text of the plan has been taken: the graph is drawn anew.
    if (patch.isElsewhere(detail.board, now)) mark(keys.dag(now.plan_id));
    return { ...detail, board: patch.patchRow(detail.board, now) };
  });
  client.setQueriesData<Dag>(
    { queryKey: keys.dag(now.plan_id) },
    (dag) => dag && patch.patchDag(dag, now),
  );
  client.setQueryData<Page<RoomItem>>(
    keys.rooms,
    (page) => page && { ...page, items: patch.patchRooms(page.items, now, title) },
  );
  if (!now.room) return;
  const details = client.getQueriesData<RoomDetail>({ queryKey: keys.room(now.room) });
  const moved = details.some(
    ([, detail]) =>
      detail &&
      patch.same(detail, now) &&
      (detail.row.state !== now.state || detail.row.attempt !== now.attempt),
  );
  client.setQueriesData<RoomDetail>(
    { queryKey: keys.room(now.room) },
    (detail) => detail && patch.patchRoom(detail, now),
  );
  // Lifecycle, audit and questions come with the next reading.
  if (moved || now.display.tone === "attention") mark(keys.room(now.room));
  mark(keys.events(now.plan_id));
  if (now.display.tone === "attention") mark(keys.inbox);
}

function channel(client: QueryClient, at: Where & { message: Message }, mark: Mark): void {
  const { message } = at;
  const views = client.getQueriesData<InfiniteData<ChannelPage>>({
    queryKey: keys.channel(at.room),
  });
  for (const [key, view] of views) {
    const newest = view?.pages[0];
    const [, , project, filter] = key as [string, string, string | null, ChannelFilter];
    if (!view || !newest || (project ?? at.project) !== at.project) continue;
    const next = patch.appendMessage(newest, message, filter);
    if (next === null) mark(key);
    else if (next !== newest)
      client.setQueryData(key, { ...view, pages: [next, ...view.pages.slice(1)] });
  }
  if (["question", "approval-request", "answer", "approval"].includes(message.type)) {
    mark(keys.room(at.room));
    mark(keys.inbox);
  }
  if ((message.data as { artifacts?: unknown } | null)?.artifacts) mark(keys.artifacts(at.room));
}

function progress(client: QueryClient, at: patch.ProgressEvent): void {
  const { room, percent, message } = at;
  client.setQueriesData<PlanDetail>({ queryKey: keys.plan(at.plan_id) }, (detail) => {
    if (!detail) return detail;
    const rows = patch.patchProgress(detail.board.rows, at);
    return rows === detail.board.rows ? detail : { ...detail, board: { ...detail.board, rows } };
  });
  client.setQueriesData<Dag>({ queryKey: keys.dag(at.plan_id) }, (dag) => {
    if (!dag) return dag;
    return {
      ...dag,
      nodes: dag.nodes.map((node) => (node.room === room ? { ...node, percent } : node)),
    };
  });
  client.setQueryData<Page<RoomItem>>(keys.rooms, (page) => {
    if (!page) return page;
    const items = patch.patchProgress(page.items, at, (row) => patch.same(row, at));
    return { ...page, items };
  });
  client.setQueriesData<RoomDetail>({ queryKey: keys.room(room) }, (detail) => {
    if (!detail || !patch.same(detail, at)) return detail;
    return { ...detail, row: { ...detail.row, percent, message } };
  });
}

function attempt(
  client: QueryClient,
  at: Where & { number: number; event: string },
  mark: Mark,
): void {
  // A transcript only grows: what is known of it stays, and the rest is read on.
  client.setQueryData<number>(keys.grown(at.room, at.number), (count) => (count ?? 0) + 1);
  if (at.event === "transcript") return;
  mark(keys.room(at.room));
  mark(keys.timeline(at.plan_id));
  mark(keys.events(at.plan_id));
  mark(keys.artifacts(at.room));
}

function alert(at: PlanEvent & Where, mark: Mark): void {
  mark(keys.events(at.plan_id));
  if (["question", "permission", "escalated", "failed", "budget", "control"].includes(at.type)) {
    mark(keys.inbox);
  }
}
