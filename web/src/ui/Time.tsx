// A moment as people say it; the exact one is a hover away.

import type { Row } from "../api/types";
import { elapsed } from "../lib/elapsed";
import { duration, full, relative, UNKNOWN } from "../lib/format";
import { useNow } from "../lib/useNow";

export function Ago({ ts }: { ts: string | null | undefined }) {
  const now = useNow();
  if (!ts) return <span className="quiet">{UNKNOWN}</span>;
  return (
    <time dateTime={ts} title={full(ts)} className="num">
      {relative(ts, now)}
    </time>
  );
}

/** How long an epic has taken; it grows while a session is at work. */
export function Elapsed({ row }: { row: Row }) {
  const now = useNow(row.active);
  return <>{duration(elapsed(row, now))}</>;
}

/** Time since `from`, still growing unless it has ended at `to`. */
export function Span({ from, to }: { from: string | null | undefined; to?: string | null }) {
  const now = useNow(!!from && !to);
  if (!from) return <span className="quiet">{UNKNOWN}</span>;
  const end = to ? Date.parse(to) : now;
  return <span className="num">{duration((end - Date.parse(from)) / 1000)}</span>;
}
