// One memory whole, with what it replaced and what replaced it.

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { chosenScope } from "../../api/chosen";
import { memoryQuery } from "../../api/queries";
import { Banner, Problem, Skeleton } from "../../ui/Feedback";
import { Markdown } from "../../ui/Markdown";
import { Role } from "../../ui/Role";
import { Ago } from "../../ui/Time";
import { Publish } from "./Publish";

interface Props {
  id: string;
  onTag: (tag: string) => void;
  onRoom: (room: string) => void;
  onOpen: (id: string) => void;
}

export function MemoryDetail({ id, onTag, onRoom, onOpen }: Props) {
  const memory = useQuery(memoryQuery(id));
  const [replacing, setReplacing] = useState(false);
  if (memory.isPending) return <Skeleton lines={2} height={80} />;
  if (memory.error) return <Problem error={memory.error} retry={() => void memory.refetch()} />;
  const entry = memory.data;
  const { room_id: room, replaced, replaced_by } = entry;
  const newest = replaced_by.at(-1);
  return (
    <article className="card" aria-label="Memory">
      <div className="card-head">
        <span className="tag">{entry.kind}</span>
        <Role role={entry.author_role} />
        <span className="small quiet">
          <Ago ts={entry.ts} />
        </span>
        <span className="grow" />
        {!newest && (
          <button type="button" className="btn s" onClick={() => setReplacing(true)}>
            Supersede
          </button>
        )}
      </div>
      <div className="card-body stack">
        {newest && (
          <Banner
            tone="trouble"
            action={
              <button type="button" className="btn s" onClick={() => onOpen(newest.id)}>
                Open the newer one
              </button>
            }
          >
            <p>
              <strong>Superseded.</strong> No agent is given this memory any more.
            </p>
          </Banner>
        )}
        <div className="memory-summary">
          <Markdown source={entry.summary} />
        </div>
        {entry.detail && <Markdown source={entry.detail} />}
        {entry.tags.length > 0 && (
          <div className="row wrap">
            {entry.tags.map((tag) => (
              <button key={tag} type="button" className="btn s plain" onClick={() => onTag(tag)}>
                #{tag}
              </button>
            ))}
          </div>
        )}
        <p className="small quiet row wrap">
          <span className="mono">{entry.id}</span>
          {entry.ref && <span>about {entry.ref}</span>}
          {room && (
            <>
              <Link to="/rooms/$roomId" params={{ roomId: room }} search={chosenScope()}>
                from {room}
              </Link>
              <button type="button" className="btn s plain" onClick={() => onRoom(room)}>
                All of this room
              </button>
            </>
          )}
        </p>
        {replaced.length > 0 && (
          <section className="stack">
            <h3>What it replaced</h3>
            <ol className="stack chain">
              {replaced.map((older) => (
                <li key={older.id}>
                  <button type="button" onClick={() => onOpen(older.id)}>
                    <span className="small quiet">
                      <Ago ts={older.ts} />
                    </span>
                    <span className="memory-line old">{older.summary}</span>
                  </button>
                </li>
              ))}
            </ol>
          </section>
        )}
      </div>
      {replacing && <Publish replaces={entry} onClose={() => setReplacing(false)} />}
    </article>
  );
}
