// Which rooms the grid shows, in which order.

import type { RoomItem, Tone } from "../api/types";

export type Show = "all" | "active" | "attention" | "trouble" | "done";
export type Sort = "urgency" | "activity" | "progress" | "plan";

export const SHOWS: { show: Show; label: string }[] = [
  { show: "all", label: "All" },
  { show: "active", label: "At work" },
  { show: "attention", label: "Waiting for you" },
  { show: "trouble", label: "In trouble" },
  { show: "done", label: "Ended" },
];

export const SORTS: { sort: Sort; label: string }[] = [
  { sort: "urgency", label: "most urgent first" },
  { sort: "activity", label: "last active first" },
  { sort: "progress", label: "least progress first" },
  { sort: "plan", label: "in plan order" },
];

const SHOWN: Record<Show, Tone[] | null> = {
  all: null,
  active: ["active"],
  attention: ["attention"],
  trouble: ["trouble", "failed"],
  done: ["passed", "failed", "cancelled"],
};

const URGENCY: Tone[] = [
  ...(["attention", "failed", "trouble", "active"] as const),
  ...(["soon", "idle", "cancelled", "passed"] as const),
];

const ORDER: Record<Sort, (a: RoomItem, b: RoomItem) => number> = {
  urgency: (a, b) => URGENCY.indexOf(a.display.tone) - URGENCY.indexOf(b.display.tone),
  activity: (a, b) => (b.last_activity_at ?? "").localeCompare(a.last_activity_at ?? ""),
  progress: (a, b) => a.percent - b.percent,
  plan: () => 0,
};

interface Wanted {
  show: Show;
  sort: Sort;
  plan?: string;
  q?: string;
}

/** The rooms that are wanted; equal ones stay in plan order. */
export function chooseRooms(rooms: RoomItem[], { show, sort, plan, q }: Wanted): RoomItem[] {
  const tones = SHOWN[show];
  const text = q?.toLowerCase() ?? "";
  return rooms
    .filter((room) => room.room !== null)
    .filter((room) => tones === null || tones.includes(room.display.tone))
    .filter((room) => !plan || room.plan_id === plan)
    .filter((room) =>
      `${room.epic} ${room.title} ${room.room ?? ""} ${room.role ?? ""}`
        .toLowerCase()
        .includes(text),
    )
    .sort(ORDER[sort]);
}
