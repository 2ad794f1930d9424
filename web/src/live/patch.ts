// What a live event changes in what is already known. Pure: values in, values out; a value that
// did not change is the same object, so that nothing is drawn again for it.

import type {
  Board,
  ChannelPage,
  Dag,
  Message,
  PlanDetail,
  RoomDetail,
  RoomItem,
  Row,
  Summary,
} from "../api/types";

export type RowEvent = Row & OfPlan;

/** The list of plans with this one as it is now; a plan that is new comes first. */
export function patchPlans(plans: Summary[], now: Summary): Summary[] {
  const at = plans.findIndex((plan) => same(plan, now));
  if (at < 0) return [now, ...plans];
  return plans.map((plan, index) => (index === at ? { ...plan, ...now } : plan));
}

/** The list of plans without this one. */
export function removePlan(plans: Summary[], gone: OfPlan): Summary[] {
  return plans.filter((plan) => !same(plan, gone));
}

interface OfPlan {
  plan_id: string;
  project: string;
}

/** Whether both are of one plan. Rooms of two projects may have the same name. */
export const same = (a: OfPlan, b: OfPlan): boolean =>
  a.plan_id === b.plan_id && a.project === b.project;

/** A plan's page with the plan's figures as they are now; its epics stay. */
export function patchPlan(detail: PlanDetail, now: Summary): PlanDetail {
  if (!same(detail.board, now)) return detail;
  return { ...detail, board: { ...detail.board, ...now, rows: detail.board.rows } };
}

/** A board with one row as it is now; an epic that is new comes last. */
export function patchRow(board: Board, now: RowEvent): Board {
  if (!same(board, now)) return board;
  const at = board.rows.findIndex((row) => row.epic === now.epic);
  const rows = at < 0 ? [...board.rows, now] : board.rows.map((row, i) => (i === at ? now : row));
  return { ...board, rows };
}

/** Whether an epic that is known has another title or place in the graph than before. */
export function isElsewhere(board: Board, now: RowEvent): boolean {
  const before = same(board, now) && board.rows.find((row) => row.epic === now.epic);
  const place = ({ title, wave, depends_on }: Row) => JSON.stringify([title, wave, depends_on]);
  return before ? place(before) !== place(now) : false;
}

/** A graph with one node as it is now. */
export function patchDag(dag: Dag, now: Row): Dag {
  const at = dag.nodes.findIndex((node) => node.epic === now.epic);
  if (at < 0) return dag;
  const nodes = dag.nodes.map((node, index) =>
    index === at
      ? {
          ...node,
          room: now.room,
          state: now.state,
          display: now.display,
          percent: now.percent,
          role: now.role,
          passed: now.passed,
          active: now.active,
          attention: now.display.tone === "attention",
        }
      : node,
  );
  return { ...dag, nodes };
}

/** The grid of rooms with one room as it is now. */
export function patchRooms(
  rooms: RoomItem[],
  now: RowEvent,
  title: string | undefined,
): RoomItem[] {
  if (!now.room) return rooms;
  const at = rooms.findIndex((room) => room.room === now.room && same(room, now));
  const last = now.last_message?.ts ?? null;
  const before = rooms[at];
  if (!before) {
    return [...rooms, { ...now, plan_title: title ?? now.plan_id, last_activity_at: last }];
  }
  const next = { ...before, ...now, last_activity_at: last ?? before.last_activity_at };
  return rooms.map((room, index) => (index === at ? next : room));
}

/** A room's page with its row as it is now; one of the same name in another project stays. */
export function patchRoom(detail: RoomDetail, now: RowEvent): RoomDetail {
  return same(detail, now) ? { ...detail, row: now, why: now.why } : detail;
}

export interface ProgressEvent extends OfPlan {
  room: string;
  percent: number;
  message: string | null;
}

/** How far a room is, without anything else having changed. `isMeant`: where rows are of several plans. */
export function patchProgress<T extends Row>(
  rows: T[],
  { room, percent, message }: ProgressEvent,
  isMeant: (row: T) => boolean = () => true,
): T[] {
  const at = rows.findIndex((row) => row.room === room && isMeant(row));
  const before = rows[at];
  if (!before || (before.percent === percent && before.message === message)) return rows;
  return rows.map((row, index) => (index === at ? { ...row, percent, message } : row));
}

export interface Filter {
  type?: string;
  from?: string;
  q?: string;
}

/** Whether a message belongs into a filtered view. */
export function takes(filter: Filter, message: Message): boolean {
  const is = (wanted: string | undefined, found: string) =>
    !wanted || wanted.toLowerCase() === found.toLowerCase();
  return (
    is(filter.type, message.type) &&
    is(filter.from, message.from) &&
    (!filter.q || message.body.toLowerCase().includes(filter.q.toLowerCase()))
  );
}

/**
 * The newest page of a channel with one more message, in the order of numbers; one that is there
 * already changes nothing. Null: a message is missing in between, and the page has to be read again.
 */
export function appendMessage(
  page: ChannelPage,
  message: Message,
  filter: Filter,
): ChannelPage | null {
  const last = page.items.at(-1);
  if (last && last.seq >= message.seq) return page;
  const unfiltered = !filter.type && !filter.from && !filter.q;
  if (unfiltered && (last?.seq ?? 0) + 1 !== message.seq) return null;
  return takes(filter, message) ? { ...page, items: [...page.items, message] } : page;
}
