// The sessions of a room: the list, and beside it what the chosen one said and did, live.

import { useNavigate } from "@tanstack/react-router";
import type { Scope } from "../../api/queries";
import type { Attempt } from "../../api/types";
import { compact, words } from "../../lib/format";
import { Empty } from "../../ui/Feedback";
import { Icon } from "../../ui/Icon";
import { Role } from "../../ui/Role";
import { Ago, Span } from "../../ui/Time";
import { outcomeTone } from "../../lib/outcome";
import { Transcript } from "./Transcript";

interface Props {
  room: string;
  attempts: Attempt[];
  chosen: number | undefined;
  scope: Scope;
}

export default function Sessions({ room, attempts, chosen, scope }: Props) {
  const navigate = useNavigate();
  const shown = attempts.find(({ number }) => number === chosen) ?? attempts.at(-1);
  if (!shown) {
    return (
      <div className="card">
        <Empty icon="active" title="No session yet">
          <p>A session begins when what the epic depends on has passed and a slot is free.</p>
        </Empty>
      </div>
    );
  }
  return (
    <div className="split">
      <ul className="card side-list" aria-label="Sessions">
        {[...attempts].reverse().map((attempt) => (
          <li key={attempt.id}>
            <button
              type="button"
              aria-pressed={attempt.number === shown.number}
              onClick={() =>
                void navigate({
                  to: "/rooms/$roomId",
                  params: { roomId: room },
                  search: { ...scope, tab: "sessions", attempt: attempt.number },
                  replace: true,
                })
              }
            >
              <span className="row spread">
                <strong>
                  {attempt.number}. {words(attempt.state)}
                </strong>
                <span className={`row small outcome tone-${outcomeTone(attempt)}`}>
                  <Icon
                    name={outcomeTone(attempt)}
                    size={14}
                    className={attempt.ended_at ? undefined : "spin"}
                  />
                  {attempt.outcome ? words(attempt.outcome) : "running"}
                </span>
              </span>
              <span className="row spread small quiet">
                <Role role={attempt.role} />
                <Span from={attempt.started_at} to={attempt.ended_at} />
              </span>
              <span className="row spread small quiet">
                <span className="clip">
                  {attempt.agent}
                  {attempt.model && ` · ${attempt.model}`}
                </span>
                <span className="num">
                  {attempt.tokens ? `${compact(attempt.tokens)} tokens` : ""}
                </span>
              </span>
              {attempt.reason && <span className="small quiet clip">{attempt.reason}</span>}
              <span className="small quiet">
                <Ago ts={attempt.started_at} />
              </span>
            </button>
          </li>
        ))}
      </ul>
      <Transcript key={shown.id} room={room} attempt={shown} scope={scope} />
    </div>
  );
}
