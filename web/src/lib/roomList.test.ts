import { expect, it } from "vitest";
import type { RoomItem, Tone } from "../api/types";
import { row } from "../live/samples";
import { chooseRooms } from "./roomList";

const room = (epic: string, tone: Tone, change: Partial<RoomItem> = {}): RoomItem => ({
  ...row(epic, { display: { word: tone, detail: null, tone } }),
  project: "p",
  plan_id: "a",
  plan_title: "A",
  last_activity_at: null,
  ...change,
});
const rooms = [
  room("E1", "passed"),
  room("E2", "active"),
  room("E3", "attention"),
  room("E4", "failed", { plan_id: "b" }),
  room("E5", "active", { room: null }),
];
const epics = (chosen: RoomItem[]) => chosen.map(({ epic }) => epic);

it("what needs a person comes first", () => {
  expect(epics(chooseRooms(rooms, { show: "all", sort: "urgency" }))).toEqual([
    ...["E3", "E4", "E2", "E1"],
  ]);
});

it("filters narrow together", () => {
  expect(epics(chooseRooms(rooms, { show: "trouble", sort: "plan", plan: "b" }))).toEqual(["E4"]);
  expect(epics(chooseRooms(rooms, { show: "done", sort: "plan", q: "e1" }))).toEqual(["E1"]);
  expect(chooseRooms(rooms, { show: "attention", sort: "plan", q: "nothing" })).toEqual([]);
});
