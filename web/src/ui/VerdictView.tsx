// A verdict with its criteria: which are met, and what shows it.

import type { Verdict } from "../api/types";
import { Icon } from "./Icon";
import { Ticks } from "./Ticks";

/** `texts` are the criteria of the contract by their ids. */
export function VerdictView({ data, texts }: { data: unknown; texts: Map<string, string> }) {
  const verdict = data as Verdict | null;
  const criteria = verdict?.criteria ?? [];
  if (criteria.length === 0) {
    return verdict?.summary ? <p>{verdict.summary}</p> : null;
  }
  const met = criteria.filter((criterion) => criterion.met).length;
  return (
    <details className="verdict" open={met < criteria.length}>
      <summary>
        {met} of {criteria.length} criteria met
      </summary>
      <ul>
        {criteria.map(({ id, met: yes, evidence }) => (
          <li key={id} className={yes ? "tone-passed" : "tone-failed"}>
            <Icon name={yes ? "passed" : "failed"} size={15} label={yes ? "met" : "not met"} />
            <div>
              <p>
                <span className="mono quiet">{id}</span> {texts.get(id)}
              </p>
              {evidence && (
                <p className="quiet small">
                  <Ticks text={evidence} />
                </p>
              )}
            </div>
          </li>
        ))}
      </ul>
    </details>
  );
}
