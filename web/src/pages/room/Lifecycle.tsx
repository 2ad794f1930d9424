// The room's machine, drawn: where it is, where it has been, and what leads where.

import { useMemo } from "react";
import type { RoomDetail } from "../../api/types";
import { curve, drawMachine, STATE_HEIGHT, STATE_WIDTH } from "../../lib/machineLayout";
import { words } from "../../lib/format";
import "./lifecycle.css";

export default function Lifecycle({ detail }: { detail: RoomDetail }) {
  const { machine, current } = detail.lifecycle;
  const drawing = useMemo(() => drawMachine(machine.states, machine.transitions), [machine]);
  const visited = new Set(detail.audit.flatMap(({ from, to }) => (from ? [from, to] : [to])));
  const taken = new Set(detail.audit.map(({ from, to }) => `${from ?? ""}>${to}`));
  const trail = [...detail.audit].map(({ to }) => to);
  return (
    <div className="stack">
      <section className="card machine" aria-label="Lifecycle">
        <svg
          viewBox={`0 0 ${drawing.width} ${drawing.height}`}
          width={drawing.width}
          height={drawing.height}
          role="img"
          aria-label={`The machine of the room. It is ${current}; it went ${trail.join(", ")}.`}
        >
          <defs>
            {["", "-taken"].map((kind) => (
              <marker
                key={kind}
                id={`arrow${kind}`}
                viewBox="0 0 8 8"
                refX="7"
                refY="4"
                markerWidth="7"
                markerHeight="7"
                orient="auto-start-reverse"
              >
                <path d="M0.5 0.8 7 4 0.5 7.2z" className={`arrow${kind}`} />
              </marker>
            ))}
          </defs>
          {drawing.edges.map((edge) => {
            const was = taken.has(`${edge.from}>${edge.to}`);
            return (
              <g key={`${edge.from}>${edge.to}`} className={was ? "edge taken" : "edge"}>
                <path d={curve(edge.points)} markerEnd={`url(#arrow${was ? "-taken" : ""})`} />
                {edge.signals.map((signal, index) => (
                  <text
                    key={signal}
                    x={edge.label.x}
                    y={edge.label.y + (index - (edge.signals.length - 1) / 2) * 13 + 4}
                  >
                    {signal}
                  </text>
                ))}
              </g>
            );
          })}
          {drawing.states.map(({ state, x, y }) => {
            const names = ["state", `kind-${state.kind}`];
            if (visited.has(state.name)) names.push("visited");
            if (state.name === current) names.push("current");
            return (
              <g
                key={state.name}
                className={names.join(" ")}
                transform={`translate(${x - STATE_WIDTH / 2},${y - STATE_HEIGHT / 2})`}
              >
                <rect
                  width={STATE_WIDTH}
                  height={STATE_HEIGHT}
                  rx={state.kind === "terminal" ? 23 : 9}
                />
                <text x={STATE_WIDTH / 2} y={19}>
                  {words(state.name)}
                </text>
                <text x={STATE_WIDTH / 2} y={35} className="sub">
                  {state.role ?? state.kind}
                </text>
              </g>
            );
          })}
        </svg>
      </section>
      <p className="small quiet machine-key">
        <span className="key-current">now</span>
        <span className="key-visited">was here</span>
        <span>the rest was not reached. Signals stand on the lines.</span>
      </p>
    </div>
  );
}
