// How many there are of each, as bars with their figures.

import type { Tone } from "../api/types";
import { plural } from "../lib/format";

export interface TallyItem {
  name: string;
  label: string;
  value: number;
  text?: string;
  tone?: Tone;
}

interface Props {
  title: string;
  items: TallyItem[];
  empty: string;
  unit?: string;
  units?: string;
}

export function Tally({ title, items, empty, unit, units }: Props) {
  const sorted = [...items].sort((a, b) => b.value - a.value);
  const most = Math.max(1, ...sorted.map(({ value }) => value));
  const total = sorted.reduce((sum, { value }) => sum + value, 0);
  return (
    <section className="card">
      <div className="card-head">
        <h2>{title}</h2>
        {unit && <span className="small quiet num">{plural(total, unit, units)}</span>}
      </div>
      {sorted.length === 0 ? (
        <p className="card-body quiet">{empty}</p>
      ) : (
        <ul className="tally">
          {sorted.map(({ name, label, value, text, tone = "soon" }) => (
            <li key={name} className={`tone-${tone}`}>
              <span className="clip">{label}</span>
              <span className="tally-bar" aria-hidden="true">
                <i style={{ width: `${(value / most) * 100}%` }} />
              </span>
              <span className="num">{text ?? value}</span>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
