// Who worked on what, when: every session as a bar on the plan's clock.

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { timelineQuery, type Scope } from "../../api/queries";
import type { Board, TimelineAttempt } from "../../api/types";
import { clock, duration, words } from "../../lib/format";
import { gantt } from "../../lib/gantt";
import { outcomeTone } from "../../lib/outcome";
import { roleColour } from "../../lib/roles";
import { useNow } from "../../lib/useNow";
import { Empty, Problem, Skeleton } from "../../ui/Feedback";
import { Icon } from "../../ui/Icon";
import { Role } from "../../ui/Role";
import "./timeline.css";

export default function PlanTimeline({ board, scope }: { board: Board; scope: Scope }) {
  const timeline = useQuery(timelineQuery(board.plan_id, scope));
  const now = useNow(timeline.data?.items.some(({ ended_at }) => !ended_at) ?? false);
  if (timeline.isPending) return <Skeleton lines={6} height={30} />;
  if (timeline.error)
    return <Problem error={timeline.error} retry={() => void timeline.refetch()} />;
  const attempts = timeline.data.items;
  const chart = gantt(
    board.rows.map(({ epic }) => epic),
    attempts,
    now,
  );
  if (!chart) {
    return (
      <div className="card">
        <Empty icon="stats" title="No session yet">
          <p>Each session of an agent becomes a bar here, from the moment the plan runs.</p>
        </Empty>
      </div>
    );
  }
  const titles = new Map(board.rows.map((row) => [row.epic, row.title]));
  const roles = [...new Set(attempts.map(({ role }) => role))];
  return (
    <div className="card gantt-card">
      <div className="card-head">
        <h2>
          {attempts.length} sessions in {duration((chart.to - chart.from) / 1000)}
        </h2>
        {roles.map((role) => (
          <Role key={role} role={role} />
        ))}
      </div>
      <div className="gantt" role="list" aria-label="Sessions by epic">
        <div className="gantt-axis" aria-hidden="true">
          {chart.ticks.map(({ at, left }) => (
            <span
              key={at}
              style={{ left: `${left}%` }}
              className={left > 94 ? "last" : left > 75 ? "late" : undefined}
            >
              {duration((at - chart.from) / 1000)}
            </span>
          ))}
        </div>
        {chart.lanes.map(({ epic, bars }) => (
          <div key={epic} className="gantt-lane" role="listitem">
            <div className="gantt-name">
              <span className="mono quiet">{epic}</span>
              <span className="clip">{titles.get(epic)}</span>
            </div>
            <div className="gantt-track">
              {chart.ticks.map(({ at, left }) => (
                <i key={at} className="gantt-line" style={{ left: `${left}%` }} />
              ))}
              {bars.map(({ attempt, left, width }) => (
                <Link
                  key={attempt.id}
                  to="/rooms/$roomId"
                  params={{ roomId: attempt.room }}
                  search={{ project: scope.project, tab: "sessions", attempt: attempt.number }}
                  className={`gantt-bar role-${roleColour(attempt.role)}${attempt.ended_at ? "" : " open"}`}
                  style={{ left: `${left}%`, width: `${width}%` }}
                  title={describe(attempt, now)}
                  aria-label={describe(attempt, now)}
                >
                  <Icon name={outcomeTone(attempt)} size={12} />
                </Link>
              ))}
            </div>
          </div>
        ))}
      </div>
    </div>
  );
}

function describe(attempt: TimelineAttempt, now: number): string {
  const end = attempt.ended_at ? Date.parse(attempt.ended_at) : now;
  const spent = duration((end - Date.parse(attempt.started_at)) / 1000);
  const outcome = attempt.outcome ? words(attempt.outcome) : "running";
  return `${attempt.epic}, session ${attempt.number}: ${attempt.role}, ${outcome}, ${spent}, from ${clock(attempt.started_at)}`;
}
