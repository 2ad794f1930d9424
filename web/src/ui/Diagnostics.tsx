// What is wrong with a plan's text, by line.

import type { Diagnostic, Tone } from "../api/types";
import { Icon } from "./Icon";

const TONE: Record<Diagnostic["severity"], Tone> = {
  error: "failed",
  warning: "trouble",
  info: "soon",
};

export function Diagnostics({ found, checked }: { found: Diagnostic[]; checked: boolean }) {
  if (!checked) return <p className="quiet small">Checking …</p>;
  if (found.length === 0) {
    return (
      <p className="small row tone-passed" role="status">
        <span className="state-icon row">
          <Icon name="passed" />
        </span>
        Nothing is wrong with this plan.
      </p>
    );
  }
  return (
    <ul className="diagnostics" aria-label="What is wrong" aria-live="polite">
      {found.map((item, index) => (
        <li key={index} className={`tone-${TONE[item.severity]}`}>
          <Icon name={TONE[item.severity]} size={14} />
          <div>
            <p>
              {item.line ? (
                <span className="mono quiet">{`${item.line}:${item.column ?? 1} `}</span>
              ) : null}
              {item.message}
            </p>
            {item.suggestion && <p className="quiet">{item.suggestion}</p>}
          </div>
        </li>
      ))}
    </ul>
  );
}
