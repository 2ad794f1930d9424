// What the app asks for. The stream keeps these caches true, so nothing here is asked for twice
// while the connection holds.

import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { chosenScope } from "./chosen";
import { following, preceding } from "../lib/stretches";
import { get, part, text } from "./client";
import { readDag, readPlan, readRoom, readTranscript } from "./read";
import type { components } from "./schema";
import type {
  ArtifactList,
  ChannelPage,
  Figures,
  InboxItem,
  Memory,
  MemoryStory,
  Page,
  PlanDiff,
  PlanEvent,
  RoomItem,
  Setting,
  Summary,
  TimelineAttempt,
} from "./types";

type Wire = components["schemas"];

export type Scope = { project?: string };

export interface ChannelFilter {
  type?: string;
  from?: string;
  q?: string;
}

const CHANNEL_PAGE = 200;
const TRANSCRIPT_PAGE = 500;
const EVENTS = 1_000;

export const keys = {
  plans: ["plans"] as const,
  plan: (id: string) => ["plan", id] as const,
  dag: (id: string) => ["dag", id] as const,
  timeline: (id: string) => ["timeline", id] as const,
  events: (id: string) => ["events", id] as const,
  diff: (id: string) => ["diff", id] as const,
  rooms: ["rooms"] as const,
  room: (id: string) => ["room", id] as const,
  channel: (id: string) => ["channel", id] as const,
  /** What is read from the first message on; live events do not touch it. */
  channelStart: (id: string) => ["channel-start", id] as const,
  artifacts: (id: string) => ["artifacts", id] as const,
  transcript: (id: string, number: number) => ["transcript", id, number] as const,
  /** Counts how often a session's transcript grew: whoever shows it reads on. */
  grown: (id: string, number: number) => ["grown", id, number] as const,
  inbox: ["inbox"] as const,
  memories: ["memories"] as const,
  stats: ["stats"] as const,
};

export const plansQuery = queryOptions({
  queryKey: keys.plans,
  queryFn: () => get<Page<Summary>>("/plans"),
});

export const projectsQuery = queryOptions({
  queryKey: ["projects"],
  queryFn: () => get<Page<Wire["ServedProject"]>>("/projects"),
});

export const planQuery = (id: string, scope: Scope) =>
  queryOptions({
    queryKey: [...keys.plan(id), scope.project ?? null],
    queryFn: async () => readPlan(await get<Wire["Plan"]>(`/plans/${part(id)}`, scope)),
  });

export const dagQuery = (id: string, scope: Scope) =>
  queryOptions({
    queryKey: [...keys.dag(id), scope.project ?? null],
    queryFn: async () => readDag(await get<Wire["Graph"]>(`/plans/${part(id)}/dag`, scope)),
  });

export const timelineQuery = (id: string, scope: Scope) =>
  queryOptions({
    queryKey: [...keys.timeline(id), scope.project ?? null],
    queryFn: () => get<Page<TimelineAttempt>>(`/plans/${part(id)}/timeline`, scope),
  });

/** The newest events of a plan, oldest first; then those before. */
export const eventsQuery = (id: string, scope: Scope) =>
  infiniteQueryOptions({
    queryKey: [...keys.events(id), scope.project ?? null],
    initialPageParam: null as number | null,
    queryFn: ({ pageParam }) =>
      get<Page<PlanEvent>>(`/plans/${part(id)}/events`, {
        ...scope,
        before: pageParam,
        limit: EVENTS,
      }),
    getNextPageParam: ({ items }) => (items.length < EVENTS ? undefined : items[0]?.seq),
  });

export const diffQuery = (id: string, scope: Scope) =>
  queryOptions({
    queryKey: [...keys.diff(id), scope.project ?? null],
    queryFn: () => get<PlanDiff>(`/plans/${part(id)}/diff`, scope),
  });

export const roomsQuery = queryOptions({
  queryKey: keys.rooms,
  queryFn: () => get<Page<RoomItem>>("/rooms"),
});

export const roomQuery = (id: string, scope: Scope) =>
  queryOptions({
    queryKey: [...keys.room(id), scope.project ?? null],
    queryFn: async () => readRoom(await get<Wire["RoomStory"]>(`/rooms/${part(id)}`, scope)),
  });

/** A room's channel: the newest messages first, older ones as the reader scrolls up. */
export const channelQuery = (id: string, scope: Scope, filter: ChannelFilter) =>
  infiniteQueryOptions({
    queryKey: [...keys.channel(id), scope.project ?? null, filter],
    initialPageParam: "",
    queryFn: ({ pageParam }) =>
      get<ChannelPage>(`/rooms/${part(id)}/channel`, {
        ...scope,
        ...filter,
        before: pageParam,
        limit: CHANNEL_PAGE,
      }),
    getNextPageParam: (oldest) => oldest.prev_cursor ?? undefined,
  });

/** The same channel from its first message on, for whoever went there. */
export const channelStartQuery = (id: string, scope: Scope, filter: ChannelFilter) =>
  infiniteQueryOptions({
    queryKey: [...keys.channelStart(id), scope.project ?? null, filter],
    initialPageParam: "0",
    queryFn: ({ pageParam }) =>
      get<ChannelPage>(`/rooms/${part(id)}/channel`, {
        ...scope,
        ...filter,
        after: pageParam,
        limit: CHANNEL_PAGE,
      }),
    getNextPageParam: (newest) => newest.next_cursor ?? undefined,
  });

type TranscriptPart = "end" | { after: number } | { before: number; until: number };

/** A session's transcript: from its end, older lines as the reader scrolls up; or from its start. */
export const transcriptQuery = (id: string, number: number, scope: Scope, fromStart: boolean) => {
  const path = `/rooms/${part(id)}/attempts/${number}`;
  const read = async (after: number) =>
    readTranscript(
      await get<Wire["Transcript"]>(`${path}/transcript`, {
        ...scope,
        after,
        limit: TRANSCRIPT_PAGE,
      }),
    );
  return infiniteQueryOptions({
    queryKey: [...keys.transcript(id, number), scope.project ?? null, fromStart],
    initialPageParam: (fromStart ? { after: 0 } : "end") as TranscriptPart,
    queryFn: async ({ pageParam }) => {
      if (pageParam === "end") {
        const { transcript_bytes } = await get<Wire["AttemptStory"]>(path, scope);
        return preceding(read, transcript_bytes, Infinity);
      }
      return "after" in pageParam
        ? following(read, pageParam.after)
        : preceding(read, pageParam.before, pageParam.until);
    },
    // There is always a next part: what the session will say.
    getNextPageParam: (last): TranscriptPart => ({ after: last.next_cursor }),
    getPreviousPageParam: ({ items, from, next_cursor }): TranscriptPart | undefined =>
      from === 0 ? undefined : { before: from, until: items[0]?.seq ?? next_cursor + 1 },
  });
};

export const attemptQuery = (id: string, number: number, scope: Scope) =>
  queryOptions({
    queryKey: ["attempt", id, number, scope.project ?? null],
    queryFn: () => get<Wire["AttemptStory"]>(`/rooms/${part(id)}/attempts/${number}`, scope),
  });

export const artifactsQuery = (id: string, scope: Scope) =>
  infiniteQueryOptions({
    queryKey: [...keys.artifacts(id), scope.project ?? null],
    initialPageParam: "",
    queryFn: ({ pageParam }) =>
      get<ArtifactList>(`/rooms/${part(id)}/artifacts`, { ...scope, after: pageParam }),
    getNextPageParam: (last) => last.next_cursor ?? undefined,
  });

/** One artifact by its path; null if there is none. */
export const artifactQuery = (id: string, path: string, scope: Scope) =>
  queryOptions({
    queryKey: [...keys.artifacts(id), "one", path, scope.project ?? null],
    queryFn: async () => {
      // The shortest of those that begin like it comes first: itself.
      const query = { ...scope, prefix: path, limit: 1 };
      const { items } = await get<ArtifactList>(`/rooms/${part(id)}/artifacts`, query);
      return items.find((found) => found.path === path) ?? null;
    },
  });

/** An artifact's address below `/api`; its folders stay folders. */
export const artifactPath = (room: string, path: string): string =>
  `/rooms/${part(room)}/artifacts/${path.split("/").map(part).join("/")}`;

export const artifactTextQuery = (room: string, path: string, scope: Scope) =>
  queryOptions({
    queryKey: [...keys.artifacts(room), "text", path, scope.project ?? null],
    queryFn: () => text(artifactPath(room, path), scope),
  });

export const inboxQuery = queryOptions({
  queryKey: keys.inbox,
  queryFn: () => get<Page<InboxItem>>("/inbox"),
});

export const memoriesQuery = (filter: { kind?: string; tag?: string; room?: string }) =>
  infiniteQueryOptions({
    queryKey: [...keys.memories, filter],
    initialPageParam: "",
    queryFn: ({ pageParam }) =>
      get<Page<Memory>>("/memories", { ...chosenScope(), ...filter, after: pageParam, limit: 100 }),
    getNextPageParam: (last) => last.next_cursor ?? undefined,
  });

export const memoryQuery = (id: string) =>
  queryOptions({
    queryKey: [...keys.memories, "one", id],
    queryFn: () => get<MemoryStory>(`/memories/${part(id)}`, chosenScope()),
  });

export const statsQuery = (window: string) =>
  queryOptions({
    queryKey: [...keys.stats, window],
    queryFn: () => get<Figures>("/stats", { ...chosenScope(), window }),
  });

export const configQuery = (scope: Scope) =>
  queryOptions({
    queryKey: ["config", scope.project ?? null],
    queryFn: () => get<Page<Setting>>("/config", scope),
  });
