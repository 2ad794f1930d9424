// A plan's graph in its plainest form: what runs together, and what it waits for.

import type { Dag } from "../api/types";
import { StateIcon } from "./State";

export function Waves({ dag }: { dag: Dag }) {
  const node = new Map(dag.nodes.map((known) => [known.epic, known]));
  const needs = (epic: string) => dag.edges.filter(({ to }) => to === epic).map(({ from }) => from);
  return (
    <ol className="waves" aria-label="Waves">
      {dag.waves.map((epics, index) => (
        <li key={index}>
          <h3>Wave {index + 1}</h3>
          <ul>
            {epics.map((epic) => (
              <li key={epic}>
                <StateIcon tone={node.get(epic)?.display.tone ?? "idle"} size={14} />
                <div className="grow">
                  <p className="clip">
                    <span className="mono quiet">{epic}</span> {node.get(epic)?.title}
                  </p>
                  {needs(epic).length > 0 && (
                    <p className="quiet small clip">after {needs(epic).join(", ")}</p>
                  )}
                </div>
              </li>
            ))}
          </ul>
        </li>
      ))}
    </ol>
  );
}
