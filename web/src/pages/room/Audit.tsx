// Every transition of the room, newest first: what moved it, who, and why.

import type { AuditEntry } from "../../api/types";
import { clock, day, full } from "../../lib/format";
import { Ticks } from "../../ui/Ticks";

export function Audit({ entries }: { entries: AuditEntry[] }) {
  return (
    <div className="card table-wrap">
      <table className="table">
        <thead>
          <tr>
            <th scope="col">When</th>
            <th scope="col">From → to</th>
            <th scope="col">Signal</th>
            <th scope="col">By</th>
            <th scope="col">Why</th>
            <th scope="col" className="r">
              Retries
            </th>
          </tr>
        </thead>
        <tbody>
          {[...entries].reverse().map((entry) => (
            <tr key={entry.seq}>
              <td className="num small" title={full(entry.ts)}>
                <span className="quiet">{day(entry.ts)}</span> {clock(entry.ts)}
              </td>
              <td className="mono small">
                {entry.from ? `${entry.from} → ` : ""}
                <strong>{entry.to}</strong>
                {entry.forced && <span className="tag"> forced</span>}
              </td>
              <td className="mono small">{entry.signal ?? "–"}</td>
              <td>{entry.actor}</td>
              <td className="why-cell">
                <Ticks text={entry.reason} />
              </td>
              <td className="r num">{entry.retries}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
