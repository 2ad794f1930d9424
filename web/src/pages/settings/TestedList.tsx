// Things that can be tried: each with a button, and what the trial said.

import { useState } from "react";
import { pretty } from "../../lib/transcript";
import { Problem } from "../../ui/Feedback";
import { Icon } from "../../ui/Icon";
import { useAct } from "../../ui/useAct";

export interface Tested {
  name: string;
  tags: string[];
  text?: string;
  /** Left out where it cannot be removed here. */
  onRemove?: () => void;
}

/** Whether it answers, with more to read. */
type Answer = object & { ok: boolean };

interface Props {
  items: Tested[];
  test: (name: string) => Promise<Answer>;
}

export function TestedList({ items, test }: Props) {
  return (
    <div className="card">
      {items.map((item) => (
        <Thing key={item.name} item={item} test={test} />
      ))}
    </div>
  );
}

function Thing({ item, test }: { item: Tested; test: Props["test"] }) {
  const [answer, setAnswer] = useState<Answer | null>(null);
  const { busy, error, run } = useAct();
  const failed = answer?.ok === false;
  return (
    <div className="thing">
      <div className="grow">
        <p className="row wrap">
          <strong>{item.name}</strong>
          {item.tags.map((tag) => (
            <span key={tag} className="tag">
              {tag}
            </span>
          ))}
        </p>
        {item.text && <p className="small quiet mono clip">{item.text}</p>}
      </div>
      {answer && !busy && (
        <span className={`row small tone-${failed ? "failed" : "passed"}`} role="status">
          <span className="state-icon row">
            <Icon name={failed ? "failed" : "passed"} />
          </span>
          {failed ? "does not answer" : "answers"}
        </span>
      )}
      <button
        type="button"
        className="btn s"
        disabled={busy}
        onClick={() => void run(async () => setAnswer(await test(item.name)))}
      >
        {busy ? "Testing" : "Test"}
        <span className="visually-hidden"> {item.name}</span>
      </button>
      {item.onRemove && (
        <button type="button" className="btn s danger" onClick={item.onRemove}>
          Remove<span className="visually-hidden"> {item.name}</span>
        </button>
      )}
      {error !== null && <Problem error={error} />}
      {answer && (
        <details className="thing-more">
          <summary className="small">What it said</summary>
          <pre className="code-block" tabIndex={0} aria-label={`What ${item.name} said`}>
            {pretty(answer)}
          </pre>
        </details>
      )}
    </div>
  );
}
