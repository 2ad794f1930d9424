// Every room as a card: who works on what, how far, and the last word.

import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useState } from "react";
import { roomsQuery } from "../api/queries";
import type { RoomItem } from "../api/types";
import { plural } from "../lib/format";
import { chooseRooms, SHOWS, SORTS, type Show, type Sort } from "../lib/roomList";
import { useListKeys } from "../lib/useListKeys";
import { Empty, Problem, Skeleton } from "../ui/Feedback";
import { Role } from "../ui/Role";
import { Bar, RoomState } from "../ui/State";
import { Ago, Elapsed } from "../ui/Time";
import { RoomsAct } from "./room/RoomsAct";

const route = getRouteApi("/rooms");

export function Rooms() {
  const rooms = useQuery(roomsQuery);
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const [picked, setPicked] = useState<ReadonlySet<string>>(new Set());
  const all = rooms.data?.items ?? [];
  const show: Show = SHOWS.find(({ show: known }) => known === search.show)?.show ?? "all";
  const sort: Sort = SORTS.find(({ sort: known }) => known === search.sort)?.sort ?? "urgency";
  const items = chooseRooms(all, { show, sort, plan: search.plan, q: search.q });
  const plans = [...new Map(all.map((room) => [room.plan_id, room.plan_title]))];
  const list = useListKeys(items.length);
  const set = (change: Partial<typeof search>) =>
    void navigate({ search: (before) => ({ ...before, ...change }), replace: true });
  const chosen = items.filter((room) => picked.has(key(room)));
  const toggle = (room: RoomItem) =>
    setPicked((before) => {
      const after = new Set(before);
      if (!after.delete(key(room))) after.add(key(room));
      return after;
    });
  return (
    <div className="page wide">
      <header className="page-head">
        <div className="grow">
          <h1>Rooms</h1>
          {all.length > 0 && (
            <p className="lead">
              {items.length === all.length
                ? plural(all.length, "room")
                : `${items.length} of ${plural(all.length, "room")}`}
            </p>
          )}
        </div>
      </header>
      {all.length > 0 && (
        <div className="filter-bar flat">
          <div className="choices" role="group" aria-label="Which rooms">
            {SHOWS.map(({ show: name, label }) => (
              <button
                key={name}
                type="button"
                aria-pressed={show === name}
                onClick={() => set({ show: name === "all" ? undefined : name })}
              >
                {label}
              </button>
            ))}
          </div>
          <input
            className="input"
            type="search"
            aria-label="Find a room"
            placeholder="Find a room"
            defaultValue={search.q ?? ""}
            onChange={(event) => set({ q: event.target.value || undefined })}
          />
          {plans.length > 1 && (
            <select
              className="select"
              aria-label="Plan"
              value={search.plan ?? ""}
              onChange={(event) => set({ plan: event.target.value || undefined })}
            >
              <option value="">every plan</option>
              {plans.map(([id, title]) => (
                <option key={id} value={id}>
                  {title}
                </option>
              ))}
            </select>
          )}
          <select
            className="select"
            aria-label="Order"
            value={sort}
            onChange={(event) => set({ sort: event.target.value })}
          >
            {SORTS.map(({ sort: name, label }) => (
              <option key={name} value={name}>
                {label}
              </option>
            ))}
          </select>
        </div>
      )}
      {chosen.length > 0 && <RoomsAct rooms={chosen} onDone={() => setPicked(new Set())} />}
      {rooms.isPending && <Skeleton lines={4} height={110} />}
      {rooms.error && <Problem error={rooms.error} retry={() => void rooms.refetch()} />}
      {rooms.data && all.length === 0 && (
        <div className="card">
          <Empty icon="rooms" title="No rooms yet">
            <p>Each epic of a plan gets a room when the plan first runs.</p>
            <Link to="/plans" className="btn">
              To the plans
            </Link>
          </Empty>
        </div>
      )}
      {all.length > 0 && items.length === 0 && (
        <div className="card">
          <Empty icon="search" title="No such room">
            <p>No room is like that now. Show all of them instead.</p>
            <button
              type="button"
              className="btn"
              onClick={() => void navigate({ search: {}, replace: true })}
            >
              Show all
            </button>
          </Empty>
        </div>
      )}
      <ul className="room-grid" ref={list}>
        {items.map((room) => (
          <RoomCard
            key={key(room)}
            room={room}
            picked={picked.has(key(room))}
            onPick={() => toggle(room)}
            several={plans.length > 1}
          />
        ))}
      </ul>
    </div>
  );
}

const key = (room: RoomItem): string => `${room.project}/${room.room ?? ""}`;

interface CardProps {
  room: RoomItem;
  picked: boolean;
  onPick: () => void;
  several: boolean;
}

function RoomCard({ room, picked, onPick, several }: CardProps) {
  const last = room.last_message;
  const { tone } = room.display;
  return (
    <li className={`card room-card tone-${tone}`} data-picked={picked || undefined}>
      <div className="row">
        <RoomState display={room.display} />
        <span className="grow" />
        <span className="mono small quiet">{room.epic}</span>
        <input
          type="checkbox"
          className="above"
          aria-label={`Select ${room.epic}`}
          checked={picked}
          onChange={onPick}
        />
      </div>
      <h2>
        <Link
          to="/rooms/$roomId"
          params={{ roomId: room.room ?? "" }}
          search={{ project: room.project }}
          className="cover"
          data-list-item
        >
          {room.title}
        </Link>
      </h2>
      {several && <p className="small quiet clip">{room.plan_title}</p>}
      <div className="row">
        <div className="grow">
          <Bar percent={room.percent} tone={tone} label={`Progress of ${room.epic}`} />
        </div>
        <span className="num small quiet">{room.percent}%</span>
      </div>
      <div className="row spread small quiet">
        <Role role={room.role} />
        <span className="num">
          <Elapsed row={room} />
          {room.retries > 0 && `, ${room.retries} of ${room.max_retries} retries`}
        </span>
      </div>
      <div className="room-last-box">
        <p className="small room-last">
          {room.why ? (
            <span className={tone === "failed" || tone === "attention" ? "room-why" : undefined}>
              {room.why}
            </span>
          ) : room.message ? (
            room.message
          ) : last ? (
            <>
              <span className="quiet">{last.from}:</span> {last.text}
            </>
          ) : (
            <span className="quiet">Nothing said yet</span>
          )}
        </p>
      </div>
      <p className="small quiet room-when">
        <Ago ts={room.last_activity_at ?? last?.ts} />
      </p>
    </li>
  );
}
