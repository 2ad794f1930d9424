// What happened over the window: a column for each part of it.

import type { StatsPart } from "../api/types";
import { clock, day, plural } from "../lib/format";

export function Series({ parts }: { parts: StatsPart[] }) {
  const most = Math.max(0, ...parts.map(({ attempts_ended }) => attempts_ended));
  const first = parts[0];
  const last = parts.at(-1);
  if (most === 0 || !first || !last) return null;
  const long = Date.parse(last.from) - Date.parse(first.from) > 36 * 3_600_000;
  const when = (ts: string) => (long ? day(ts) : clock(ts).slice(0, 5));
  const total = parts.reduce((sum, { attempts_ended }) => sum + attempts_ended, 0);
  return (
    <section className="card card-body stack">
      <div className="row wrap spread">
        <h2>Throughput</h2>
        <span className="series-key small">
          <span className="tone-soon">
            <i /> sessions ended
          </span>
          <span className="tone-passed">
            <i /> an epic passed too
          </span>
          <span className="tone-failed">
            <i /> an epic failed too
          </span>
        </span>
      </div>
      <div
        className="series"
        role="img"
        aria-label={`${plural(total, "session")} ended, at most ${most} in one part of the window`}
      >
        {parts.map(({ from, attempts_ended, passed, failed }) => (
          <span
            key={from}
            title={`${day(from)} ${clock(from)}: ${plural(attempts_ended, "session")} ended, ${passed} passed, ${failed} failed`}
          >
            <i
              className={failed > 0 ? "tone-failed" : passed > 0 ? "tone-passed" : "tone-soon"}
              style={{ height: `${(attempts_ended / most) * 100}%` }}
            />
          </span>
        ))}
      </div>
      <div className="row spread small quiet num">
        <span>{when(first.from)}</span>
        <span>{when(last.from)}</span>
      </div>
    </section>
  );
}
