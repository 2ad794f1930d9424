// The room's machine, drawn: where it is, where it has been, and what leads where.

import { useMemo, useState } from "react";
import type { RoomDetail } from "../../api/types";
import { words } from "../../lib/format";
import { drawMachine, merge, STATE_HEIGHT, STATE_WIDTH } from "../../lib/machineLayout";
import "./lifecycle.css";

export default function Lifecycle({ detail }: { detail: RoomDetail }) {
  const { machine, current } = detail.lifecycle;
  const drawing = useMemo(() => drawMachine(machine.states, machine.transitions), [machine]);
  const [chosen, setChosen] = useState<string | null>(null);
  const shown = chosen ?? current;
  const visited = new Set(detail.audit.flatMap(({ from, to }) => (from ? [from, to] : [to])));
  const taken = new Set(detail.audit.map(({ from, to }) => `${from ?? ""}>${to}`));
  const trail = detail.audit.map(({ to }) => to);
  return (
    <section className="card machine" aria-label="Lifecycle">
      <div className="machine-scroll">
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
                markerUnits="userSpaceOnUse"
                orient="auto-start-reverse"
              >
                <path d="M0.5 0.8 7 4 0.5 7.2z" className={`arrow${kind}`} />
              </marker>
            ))}
          </defs>
          {drawing.edges.map((edge) => {
            const was = taken.has(`${edge.from}>${edge.to}`);
            const names = ["edge"];
            if (was) names.push("taken");
            if (edge.from === shown) names.push("out");
            return (
              <g key={`${edge.from}>${edge.to}`} className={names.join(" ")}>
                <path d={edge.path} markerEnd={`url(#arrow${was ? "-taken" : ""})`} />
                {(was || edge.from === shown) && (
                  <text x={edge.label.x} y={edge.label.y}>
                    {edge.signals.join(", ")}
                  </text>
                )}
              </g>
            );
          })}
          {drawing.states.map(({ state, x, y }) => {
            const names = ["state", `kind-${state.kind}`];
            if (visited.has(state.name)) names.push("visited");
            if (state.name === current) names.push("current");
            if (state.name === chosen) names.push("chosen");
            return (
              <g
                key={state.name}
                className={names.join(" ")}
                transform={`translate(${x - STATE_WIDTH / 2},${y - STATE_HEIGHT / 2})`}
                onMouseEnter={() => setChosen(state.name)}
                onMouseLeave={() => setChosen(null)}
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
      </div>
      <p className="small quiet machine-key">
        <span className="key-current">now</span>
        <span className="key-visited">was here</span>
        <span>the others were not reached</span>
      </p>
      <div className="table-wrap">
        <table className="table">
          <thead>
            <tr>
              <th scope="col">State</th>
              <th scope="col">Kind</th>
              <th scope="col">Signals lead to</th>
            </tr>
          </thead>
          <tbody>
            {machine.states
              .filter(({ kind }) => kind !== "terminal")
              .map(({ name, kind, role }) => (
                <tr key={name} className={name === current ? "here" : undefined}>
                  <td>
                    <strong>{words(name)}</strong>
                    {name === current && <span className="quiet small"> now</span>}
                  </td>
                  <td className="quiet">{role ? `${kind} by ${role}` : kind}</td>
                  <td>
                    {merge(machine.transitions.filter(({ from }) => from === name)).map(
                      ({ to, signals }) => (
                        <span key={to} className="way">
                          <span className="mono small">{signals.join(", ")}</span> →{" "}
                          {to === "@previous" ? "where it was" : words(to)}
                        </span>
                      ),
                    )}
                  </td>
                </tr>
              ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
