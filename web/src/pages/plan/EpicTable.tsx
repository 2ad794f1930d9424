// The epics as a table; on a phone, as a list of the same.

import { Link } from "@tanstack/react-router";
import type { Board, Row } from "../../api/types";
import { compact } from "../../lib/format";
import { useListKeys } from "../../lib/useListKeys";
import { Empty } from "../../ui/Feedback";
import { Role } from "../../ui/Role";
import { Bar, RoomState } from "../../ui/State";
import { Elapsed } from "../../ui/Time";

export function EpicTable({ board }: { board: Board }) {
  const list = useListKeys<HTMLTableSectionElement>(board.rows.length);
  if (board.rows.length === 0) {
    return (
      <Empty icon="plans" title="This plan has no epics yet">
        <p>The review of the plan asks for them when it runs.</p>
      </Empty>
    );
  }
  return (
    <div className="card table-wrap">
      <table className="table stacking">
        <thead>
          <tr>
            <th scope="col">Epic</th>
            <th scope="col">State</th>
            <th scope="col" className="w-bar">
              Progress
            </th>
            <th scope="col">Role</th>
            <th scope="col" className="r">
              Retries
            </th>
            <th scope="col" className="r">
              Time
            </th>
            <th scope="col" className="r">
              Tokens
            </th>
          </tr>
        </thead>
        <tbody ref={list}>
          {board.rows.map((row) => (
            <EpicRow key={row.epic} row={row} project={board.project} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function EpicRow({ row, project }: { row: Row; project: string }) {
  const name = (
    <>
      <span className="mono quiet">{row.epic}</span> {row.title}
    </>
  );
  return (
    <tr>
      <td className="main-cell">
        {row.room ? (
          <Link
            to="/rooms/$roomId"
            params={{ roomId: row.room }}
            search={{ project }}
            className="cover plain-link"
            data-list-item
          >
            {name}
          </Link>
        ) : (
          name
        )}
        <p className="small quiet clip">{row.why ?? row.message ?? row.last_message?.text ?? ""}</p>
      </td>
      <td>
        <RoomState display={row.display} />
      </td>
      <td className="w-bar">
        <div className="row">
          <div className="grow">
            <Bar percent={row.percent} tone={row.display.tone} label={`Progress of ${row.epic}`} />
          </div>
          <span className="num small quiet pct">{row.percent}%</span>
        </div>
      </td>
      <td>
        <Role role={row.role} />
      </td>
      <td className="r num">{row.max_retries ? `${row.retries} / ${row.max_retries}` : "–"}</td>
      <td className="r num">
        <Elapsed row={row} />
      </td>
      <td className="r num">{row.tokens > 0 ? compact(row.tokens) : "–"}</td>
    </tr>
  );
}
