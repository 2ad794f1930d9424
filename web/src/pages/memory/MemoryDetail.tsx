// One memory whole, with what it replaced and what replaced it.

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { memoryQuery } from "../../api/queries";
import { Banner, Problem, Skeleton } from "../../ui/Feedback";
import { Icon } from "../../ui/Icon";
import { Markdown } from "../../ui/Markdown";
import { Role } from "../../ui/Role";
import { Ago } from "../../ui/Time";
import { Publish } from "./Publish";

interface Props {
  id: string;
  onTag: (tag: string) => void;
  onOpen: (id: string) => void;
}

export function MemoryDetail({ id, onTag, onOpen }: Props) {
  const memory = useQuery(memoryQuery(id));
  const [replacing, setReplacing] = useState(false);
  if (memory.isPending) return <Skeleton lines={2} height={80} />;
  if (memory.error) return <Problem error={memory.error} retry={() => void memory.refetch()} />;
  const entry = memory.data;
  return (
    <article className="card" aria-label="Memory">
      <div className="card-head">
        <span className="tag">{entry.kind}</span>
        <Role role={entry.author_role} />
        <span className="small quiet">
          <Ago ts={entry.ts} />
        </span>
        <span className="grow" />
        {!entry.superseded_by && (
          <button type="button" className="btn s" onClick={() => setReplacing(true)}>
            Supersede
          </button>
        )}
      </div>
      <div className="card-body stack">
        {entry.superseded_by && (
          <Banner
            tone="trouble"
            action={
              <button
                type="button"
                className="btn s"
                onClick={() => onOpen(entry.superseded_by ?? "")}
              >
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
          {entry.room_id && (
            <Link to="/rooms/$roomId" params={{ roomId: entry.room_id }} search={{}}>
              from {entry.room_id}
            </Link>
          )}
        </p>
        {entry.supersedes && (
          <button
            type="button"
            className="btn s plain"
            style={{ alignSelf: "start" }}
            onClick={() => onOpen(entry.supersedes ?? "")}
          >
            <Icon name="back" size={14} /> What it replaced
          </button>
        )}
      </div>
      {replacing && <Publish replaces={entry} onClose={() => setReplacing(false)} />}
    </article>
  );
}
