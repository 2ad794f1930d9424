// A moment as people say it; the exact one is a hover away.

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

/** Time since `from`, still growing unless it has ended at `to`. */
export function Span({ from, to }: { from: string | null | undefined; to?: string | null }) {
  const now = useNow();
  if (!from) return <span className="quiet">{UNKNOWN}</span>;
  const end = to ? Date.parse(to) : now;
  return <span className="num">{duration((end - Date.parse(from)) / 1000)}</span>;
}
