// What happened to the plan, newest first.

import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { eventsQuery, type Scope } from "../../api/queries";
import type { Board, PlanEvent, Tone } from "../../api/types";
import { clock, full, words } from "../../lib/format";
import { Empty, Problem, Skeleton } from "../../ui/Feedback";
import { Icon } from "../../ui/Icon";
import { More } from "../../ui/More";
import { Ticks } from "../../ui/Ticks";

const TONES: Record<string, Tone> = {
  started: "active",
  resumed: "active",
  "attempt-opened": "active",
  passed: "passed",
  finished: "passed",
  failed: "failed",
  escalated: "attention",
  question: "attention",
  permission: "attention",
  budget: "attention",
  warning: "trouble",
  stopped: "cancelled",
  paused: "soon",
};

export function PlanEvents({ board, scope }: { board: Board; scope: Scope }) {
  const events = useInfiniteQuery(eventsQuery(board.plan_id, scope));
  if (events.isPending) return <Skeleton lines={6} height={32} />;
  if (events.error) return <Problem error={events.error} retry={() => void events.refetch()} />;
  const items = events.data.pages.flatMap((page) => [...page.items].reverse());
  if (items.length === 0) {
    return (
      <div className="card">
        <Empty icon="plans" title="Nothing has happened yet">
          <p>Starts, moves, questions and ends stand here once the plan runs.</p>
        </Empty>
      </div>
    );
  }
  return (
    <ol className="card event-list">
      {items.map((event) => (
        <li key={event.seq} className={`tone-${TONES[event.type] ?? "idle"}`}>
          <time className="num quiet small" dateTime={event.ts} title={full(event.ts)}>
            {clock(event.ts)}
          </time>
          <Icon name={TONES[event.type] ?? "idle"} size={14} />
          <span className="event-what">{what(event)}</span>
          {event.room && (
            <Link
              to="/rooms/$roomId"
              params={{ roomId: event.room }}
              search={{ project: scope.project }}
            >
              {event.epic ?? event.room}
            </Link>
          )}
          {event.reason && (
            <span className="quiet event-why">
              <Ticks text={event.reason} />
            </span>
          )}
        </li>
      ))}
      <More list={events} />
    </ol>
  );
}

function what(event: PlanEvent): string {
  if (event.type === "moved") return `${event.from ?? "?"} → ${event.to ?? "?"}`;
  if (event.type === "attempt-opened") return "session began";
  if (event.type === "attempt-closed") return "session ended";
  return words(event.type);
}
