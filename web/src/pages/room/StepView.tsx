// One step of a session.

import { memo } from "react";
import { clock, duration, full } from "../../lib/format";
import { lineDiff } from "../../lib/lineDiff";
import { brief, pretty, type Step } from "../../lib/transcript";
import { Diff } from "../../ui/Diff";
import { Icon } from "../../ui/Icon";
import { Markdown } from "../../ui/Markdown";

export const StepView = memo(function StepView({ step }: { step: Step }) {
  return (
    <div className={`step step-${step.kind}`}>
      <time className="num quiet small" dateTime={step.ts} title={full(step.ts)}>
        {clock(step.ts)}
      </time>
      <div className="step-main">
        <Body step={step} />
      </div>
    </div>
  );
});

function Body({ step }: { step: Step }) {
  switch (step.kind) {
    case "text":
      return <Markdown source={step.text} />;
    case "thought":
      return (
        <details className="thought">
          <summary>
            <Icon name="thought" size={14} /> Thought
          </summary>
          <Markdown source={step.text} />
        </details>
      );
    case "tool":
      return <Tool step={step} />;
    case "plan":
      return (
        <ul className="todo" aria-label="The agent's plan">
          {step.event.steps?.map((item, index) => (
            <li key={index} className={item.status}>
              <Icon
                name={
                  item.status === "completed"
                    ? "passed"
                    : item.status === "in_progress"
                      ? "active"
                      : "idle"
                }
                size={14}
                label={item.status.replace("_", " ")}
              />
              <Markdown source={item.content} />
            </li>
          ))}
        </ul>
      );
    case "permission":
      return (
        <p className="row wrap small">
          <Icon name="attention" size={14} /> Permission: {step.text}
          <span className="quiet">
            {step.event.choice ?? "called off"}, by {step.event.decided_by}
          </span>
        </p>
      );
    case "notice":
      return (
        <p
          className={`small tone-${step.event.severity === "error" ? "failed" : "trouble"} notice`}
        >
          {step.text}
        </p>
      );
    case "mark":
      return <p className="small quiet">{step.text}</p>;
  }
}

function Tool({ step }: { step: Step }) {
  const { call, result } = step;
  const failed = result?.status === "failed";
  const tone = !result ? "active" : failed ? "failed" : "passed";
  const diffs = result?.diffs ?? [];
  return (
    <details className="tool" open={diffs.length > 0}>
      <summary>
        <span className={`tone-${tone} state-icon row`}>
          <Icon
            name={tone}
            size={14}
            className={result ? undefined : "spin"}
            label={result?.status ?? "running"}
          />
        </span>
        <strong>{step.text}</strong>
        <span className="mono small quiet clip grow">{brief(call?.input)}</span>
        {result?.duration_ms !== null && result?.duration_ms !== undefined && (
          <span className="num small quiet">
            {result.duration_ms < 1_000
              ? `${result.duration_ms} ms`
              : duration(result.duration_ms / 1_000)}
          </span>
        )}
      </summary>
      {pretty(call?.input) && (
        <pre className="code-block" tabIndex={0} aria-label="Arguments">
          {pretty(call?.input)}
        </pre>
      )}
      {diffs.map((diff) => (
        <div key={diff.path}>
          <p className="mono small">{diff.path}</p>
          <Diff text={lineDiff(diff.old_text ?? "", diff.new_text ?? "")} />
        </div>
      ))}
      {pretty(result?.output) && (
        <pre className="code-block" tabIndex={0} aria-label="Result">
          {pretty(result?.output)}
        </pre>
      )}
    </details>
  );
}
