// What there is to say about the epic that was chosen in the graph.

import { Link } from "@tanstack/react-router";
import type { DagNode, Row } from "../../api/types";
import { compact } from "../../lib/format";
import { Icon } from "../../ui/Icon";
import { Role } from "../../ui/Role";
import { Bar, RoomState } from "../../ui/State";
import { Elapsed } from "../../ui/Time";

interface Props {
  node: DagNode | undefined;
  row: Row | undefined;
  project: string;
  onClose: () => void;
}

export function EpicPanel({ node, row, project, onClose }: Props) {
  if (!node) return null;
  return (
    <aside className="epic-panel" aria-label={`About ${node.epic}`}>
      <div className="row spread">
        <span className="mono quiet">{node.epic}</span>
        <button type="button" className="btn plain icon s" aria-label="Close" onClick={onClose}>
          <Icon name="close" size={14} />
        </button>
      </div>
      <h2>{node.title}</h2>
      <div className="row wrap">
        <RoomState display={node.display} full />
        <Role role={node.role} />
      </div>
      <Bar percent={node.percent} tone={node.display.tone} label="Progress" />
      {(row?.why ?? row?.message) && <p className="small">{row?.why ?? row?.message}</p>}
      {row && (
        <dl className="facts">
          <div>
            <dt>Time</dt>
            <dd>
              <Elapsed row={row} />
            </dd>
          </div>
          <div>
            <dt>Retries</dt>
            <dd>{row.max_retries ? `${row.retries} of ${row.max_retries}` : "–"}</dd>
          </div>
          <div>
            <dt>Tokens</dt>
            <dd>{row.tokens > 0 ? compact(row.tokens) : "–"}</dd>
          </div>
        </dl>
      )}
      {row && row.depends_on.length > 0 && (
        <p className="small quiet">After {row.depends_on.join(", ")}</p>
      )}
      {node.critical && <p className="small quiet">On the critical path</p>}
      {row?.last_message && (
        <blockquote className="small panel-quote">
          <strong>{row.last_message.from}</strong> {row.last_message.text}
        </blockquote>
      )}
      {node.room ? (
        <Link
          className="btn primary"
          to="/rooms/$roomId"
          params={{ roomId: node.room }}
          search={{ project }}
        >
          Open {node.room}
        </Link>
      ) : (
        <p className="small quiet">Its room is made when the plan first runs.</p>
      )}
    </aside>
  );
}
