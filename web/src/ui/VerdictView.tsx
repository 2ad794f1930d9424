// A verdict with its criteria: which are met, and what shows it.

import type { Answer } from "../lib/verdict";
import { Icon } from "./Icon";
import { Ticks } from "./Ticks";

interface Props {
  answers: Answer[];
  /** The criteria of the contract by their ids. */
  texts: Map<string, string>;
}

export function VerdictView({ answers, texts }: Props) {
  if (answers.length === 0) return null;
  const met = answers.filter((answer) => answer.met).length;
  return (
    <details className="verdict" open={met < answers.length}>
      <summary>
        {met} of {answers.length} criteria met
      </summary>
      <ul>
        {answers.map(({ id, met: yes, evidence }) => (
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
