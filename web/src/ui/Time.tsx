// A moment as people say it; the exact one is a hover away.

import type { Row } from "../api/types";
import { elapsed } from "../lib/elapsed";
import { duration, full, relative, UNKNOWN } from "../lib/format";
import { useOverTime } from "../lib/useNow";

export function Ago({ ts }: { ts: string | null | undefined }) {
  const said = useOverTime((now) => (ts ? relative(ts, now) : UNKNOWN), !!ts);
  if (!ts) return <span className="quiet">{said}</span>;
  return (
    <time dateTime={ts} title={full(ts)} className="num">
      {said}
    </time>
  );
}

/** How long an epic has taken; it grows while a session is at work. */
export function Elapsed({ row }: { row: Row }) {
  return <>{useOverTime((now) => duration(elapsed(row, now)), row.active)}</>;
}

/** Time since `from`, still growing unless it has ended at `to`. */
export function Span({ from, to }: { from: string | null | undefined; to?: string | null }) {
  const said = useOverTime((now) => between(from, to ? Date.parse(to) : now), !!from && !to);
  return <span className={from ? "num" : "quiet"}>{said}</span>;
}

const between = (from: string | null | undefined, end: number): string =>
  duration(from ? (end - Date.parse(from)) / 1_000 : null);
