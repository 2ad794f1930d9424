// What the team remembers: found by meaning, or browsed by kind, tag and room.

import { keepPreviousData, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import * as act from "../api/actions";
import { memoriesQuery } from "../api/queries";
import type { Hit, Memory as Entry, MemoryKind, SearchMode as Mode } from "../api/types";
import { plural } from "../lib/format";
import { useListKeys } from "../lib/useListKeys";
import { Empty, Problem, Skeleton } from "../ui/Feedback";
import { Icon } from "../ui/Icon";
import { More } from "../ui/More";
import { ofProject, ProjectChooser } from "../ui/OfProject";
import { Ticks } from "../ui/Ticks";
import { Ago } from "../ui/Time";
import { MemoryDetail } from "./memory/MemoryDetail";
import { KINDS, Publish } from "./memory/Publish";

const route = getRouteApi("/memory");

const MODES: Record<Mode, string> = {
  hybrid: "meaning and words",
  semantic: "meaning",
  lexical: "words",
};

const HITS = 30;
/** A search knows no rooms: one room's memories are picked from as many hits as it gives. */
const OF_ROOM = 100;

export const Memory = ofProject(function Memory() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const [text, setText] = useState(search.q ?? "");
  const [mode, setMode] = useState<Mode>("hybrid");
  const [publishing, setPublishing] = useState(false);
  const set = (change: Partial<typeof search>) =>
    void navigate({ search: (before) => ({ ...before, ...change }), replace: true });
  const { q, tag, room } = search;
  const kind = KINDS.find((known) => known === search.kind);
  useEffect(() => {
    const timer = setTimeout(() => {
      const next = text.trim() || undefined;
      if (next !== q)
        void navigate({ search: (before) => ({ ...before, q: next }), replace: true });
    }, 300);
    return () => clearTimeout(timer);
  }, [text, q, navigate]);

  return (
    <div className="page wide">
      <header className="page-head">
        <div className="grow">
          <h1>Memory</h1>
          <p className="lead">What agents and people wrote down for those who come after</p>
        </div>
        <div className="actions">
          <ProjectChooser />
          <button type="button" className="btn primary" onClick={() => setPublishing(true)}>
            <Icon name="plus" /> Publish
          </button>
        </div>
      </header>
      <div className="filter-bar flat">
        <input
          className="input memory-search"
          type="search"
          aria-label="Find by meaning"
          placeholder="Find by meaning: how do we count stock?"
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
        <select
          className="select"
          aria-label="How to search"
          value={mode}
          onChange={(event) => setMode(event.target.value as Mode)}
        >
          {Object.entries(MODES).map(([name, words]) => (
            <option key={name} value={name}>
              {words}
            </option>
          ))}
        </select>
        <select
          className="select"
          aria-label="Kind"
          value={kind ?? ""}
          onChange={(event) => set({ kind: event.target.value || undefined })}
        >
          <option value="">every kind</option>
          {KINDS.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
        {tag && <Chip words={`#${tag}`} onRemove={() => set({ tag: undefined })} />}
        {room && <Chip words={`from ${room}`} onRemove={() => set({ room: undefined })} />}
      </div>
      <div className="split memory-split">
        {q ? (
          <Found
            query={q}
            mode={mode}
            kind={kind}
            tag={tag}
            room={room}
            chosen={search.id}
            onChoose={(id) => set({ id })}
          />
        ) : (
          <Browse
            kind={kind}
            tag={tag}
            room={room}
            chosen={search.id}
            onChoose={(id) => set({ id })}
          />
        )}
        <div className="split-pane">
          {search.id ? (
            <MemoryDetail
              key={search.id}
              id={search.id}
              onTag={(name) => set({ tag: name, q: undefined })}
              onRoom={(name) => set({ room: name, q: undefined })}
              onOpen={(id) => set({ id })}
            />
          ) : (
            <div className="card">
              <Empty icon="memory" title="Choose a memory">
                <p>Its detail, its tags and what it replaced stand here.</p>
              </Empty>
            </div>
          )}
        </div>
      </div>
      {publishing && <Publish onClose={() => setPublishing(false)} />}
    </div>
  );
});

/** A filter that is set, and the way to take it away. */
function Chip({ words, onRemove }: { words: string; onRemove: () => void }) {
  return (
    <button type="button" className="btn s" onClick={onRemove}>
      {words} <Icon name="close" size={12} label="remove" />
    </button>
  );
}

interface ListProps {
  kind: MemoryKind | undefined;
  tag: string | undefined;
  room: string | undefined;
  chosen: string | undefined;
  onChoose: (id: string) => void;
}

function Found({
  query,
  mode,
  kind,
  tag,
  room,
  chosen,
  onChoose,
}: ListProps & { query: string; mode: Mode }) {
  const wanted = { query, mode, kind, tags: tag ? [tag] : [], limit: room ? OF_ROOM : HITS };
  const found = useQuery({
    queryKey: ["memories", "search", wanted],
    queryFn: () => act.memory.search(wanted),
    placeholderData: keepPreviousData,
  });
  const items = found.data?.items.filter((hit) => !room || hit.room === room) ?? [];
  const list = useListKeys(items.length);
  if (found.isPending) return <Skeleton lines={4} height={60} />;
  if (found.error) return <Problem error={found.error} retry={() => void found.refetch()} />;
  const { notes, not_yet_embedded: waiting } = found.data;
  const remarks =
    waiting > 0
      ? [...notes, `${plural(waiting, "memory", "memories")} cannot be found by meaning yet`]
      : notes;
  if (items.length === 0) {
    return (
      <div className="card">
        <Empty icon="search" title="No memory means that">
          <p>Try other words, or take the filters away.</p>
          {remarks.map((remark) => (
            <p key={remark} className="remark">
              <Ticks text={remark} />
            </p>
          ))}
        </Empty>
      </div>
    );
  }
  return (
    <ul className="card side-list" aria-label="Found" ref={list}>
      {remarks.map((remark) => (
        <li key={remark} className="list-note remark small">
          <Ticks text={remark} />
        </li>
      ))}
      {items.map((hit) => (
        <HitItem key={hit.id} hit={hit} chosen={hit.id === chosen} onChoose={onChoose} />
      ))}
    </ul>
  );
}

function HitItem({
  hit,
  chosen,
  onChoose,
}: {
  hit: Hit;
  chosen: boolean;
  onChoose: (id: string) => void;
}) {
  return (
    <li>
      <button type="button" aria-pressed={chosen} data-list-item onClick={() => onChoose(hit.id)}>
        <span className="row small">
          <span className="tag">{hit.kind}</span>
          {hit.title && <span className="quiet clip">{hit.title}</span>}
          <span className="grow" />
          <span className="quiet num" title="How well it answers">
            {hit.score?.toFixed(3)}
          </span>
        </span>
        <span className="memory-line">
          <Ticks text={hit.text} />
        </span>
        {hit.why && <span className="small quiet">{hit.why}</span>}
      </button>
    </li>
  );
}

function Browse({ kind, tag, room, chosen, onChoose }: ListProps) {
  const memories = useInfiniteQuery(memoriesQuery({ kind, tag, room }));
  const items = memories.data?.pages.flatMap((page) => page.items) ?? [];
  const list = useListKeys(items.length);
  if (memories.isPending) return <Skeleton lines={4} height={60} />;
  if (memories.error)
    return <Problem error={memories.error} retry={() => void memories.refetch()} />;
  if (items.length === 0) {
    return (
      <div className="card">
        <Empty
          icon="memory"
          title={(kind ?? tag ?? room) ? "No such memory" : "Nothing is remembered yet"}
        >
          <p>
            Agents publish decisions, interfaces, conventions and warnings while they work. You can
            publish one too.
          </p>
        </Empty>
      </div>
    );
  }
  return (
    <ul className="card side-list" aria-label="Memories" ref={list}>
      {items.map((entry) => (
        <EntryItem key={entry.id} entry={entry} chosen={entry.id === chosen} onChoose={onChoose} />
      ))}
      <More list={memories} />
    </ul>
  );
}

function EntryItem({
  entry,
  chosen,
  onChoose,
}: {
  entry: Entry;
  chosen: boolean;
  onChoose: (id: string) => void;
}) {
  return (
    <li>
      <button type="button" aria-pressed={chosen} data-list-item onClick={() => onChoose(entry.id)}>
        <span className="row small">
          <span className="tag">{entry.kind}</span>
          <span className="quiet clip">{entry.author_role}</span>
          {entry.ref && <span className="quiet clip">{entry.ref}</span>}
          <span className="grow" />
          <span className="quiet">
            <Ago ts={entry.ts} />
          </span>
        </span>
        <span className="memory-line">
          <Ticks text={entry.summary} />
        </span>
      </button>
    </li>
  );
}
