// What the team remembers: found by meaning, or browsed by kind and tag.

import { keepPreviousData, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import * as act from "../api/actions";
import { memoriesQuery } from "../api/queries";
import type { Hit, Memory as Entry } from "../api/types";
import { useListKeys } from "../lib/useListKeys";
import { Empty, Problem, Skeleton } from "../ui/Feedback";
import { Icon } from "../ui/Icon";
import { ofProject, ProjectChooser } from "../ui/OfProject";
import { Ago } from "../ui/Time";
import { MemoryDetail } from "./memory/MemoryDetail";
import { Publish } from "./memory/Publish";
import { Ticks } from "../ui/Ticks";

const route = getRouteApi("/memory");

const KINDS = ["decision", "interface", "convention", "warning", "artifact", "code"];

export const Memory = ofProject(function Memory() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const [text, setText] = useState(search.q ?? "");
  const [mode, setMode] = useState("hybrid");
  const [publishing, setPublishing] = useState(false);
  const set = (change: Partial<typeof search>) =>
    void navigate({ search: (before) => ({ ...before, ...change }), replace: true });
  const { q, kind, tag } = search;
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
          onChange={(event) => setMode(event.target.value)}
        >
          <option value="hybrid">meaning and words</option>
          <option value="semantic">meaning</option>
          <option value="lexical">words</option>
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
        {tag && (
          <button type="button" className="btn s" onClick={() => set({ tag: undefined })}>
            #{tag} <Icon name="close" size={12} />
          </button>
        )}
      </div>
      <div className="split memory-split">
        {q ? (
          <Found
            query={q}
            mode={mode}
            kind={kind}
            tag={tag}
            chosen={search.id}
            onChoose={(id) => set({ id })}
          />
        ) : (
          <Browse kind={kind} tag={tag} chosen={search.id} onChoose={(id) => set({ id })} />
        )}
        <div className="split-pane">
          {search.id ? (
            <MemoryDetail
              key={search.id}
              id={search.id}
              onTag={(name) => set({ tag: name, q: undefined })}
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

interface ListProps {
  kind: string | undefined;
  tag: string | undefined;
  chosen: string | undefined;
  onChoose: (id: string) => void;
}

function Found({
  query,
  mode,
  kind,
  tag,
  chosen,
  onChoose,
}: ListProps & { query: string; mode: string }) {
  const found = useQuery({
    queryKey: ["memories", "search", { query, mode, kind, tag }],
    queryFn: () =>
      act.memory.search({ query, mode, kind, tags: tag ? [tag] : undefined, limit: 30 }),
    placeholderData: keepPreviousData,
  });
  const list = useListKeys(found.data?.items.length ?? 0);
  if (found.isPending) return <Skeleton lines={4} height={60} />;
  if (found.error) return <Problem error={found.error} retry={() => void found.refetch()} />;
  const { items, mode_used } = found.data;
  if (items.length === 0) {
    return (
      <div className="card">
        <Empty icon="search" title="No memory means that">
          <p>Try other words, or take the filters away.</p>
        </Empty>
      </div>
    );
  }
  return (
    <ul className="card side-list" aria-label="Found" ref={list}>
      {mode_used && mode_used !== mode && (
        <li className="list-note small">
          Searched by {mode_used}: the other way is not available now.
        </li>
      )}
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
          <span className="grow" />
          <span className="quiet num" title="How well it answers">
            {hit.score?.toFixed(3)}
          </span>
        </span>
        <span className="memory-line">
          <Ticks text={hit.title ?? hit.text} />
        </span>
        {hit.why && <span className="small quiet">{hit.why}</span>}
      </button>
    </li>
  );
}

function Browse({ kind, tag, chosen, onChoose }: ListProps) {
  const memories = useInfiniteQuery(memoriesQuery({ kind, tag }));
  const items = memories.data?.pages.flatMap((page) => page.items) ?? [];
  const list = useListKeys(items.length);
  if (memories.isPending) return <Skeleton lines={4} height={60} />;
  if (memories.error)
    return <Problem error={memories.error} retry={() => void memories.refetch()} />;
  if (items.length === 0) {
    return (
      <div className="card">
        <Empty icon="memory" title={(kind ?? tag) ? "No such memory" : "Nothing is remembered yet"}>
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
      {memories.hasNextPage && (
        <li className="list-note">
          <button
            type="button"
            className="btn s"
            disabled={memories.isFetchingNextPage}
            onClick={() => void memories.fetchNextPage()}
          >
            Older ones
          </button>
        </li>
      )}
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
          <span className="grow" />
          <span className="quiet">
            <Ago ts={entry.ts} />
          </span>
        </span>
        <span className={entry.superseded_by ? "memory-line old" : "memory-line"}>
          <Ticks text={entry.summary} />
        </span>
      </button>
    </li>
  );
}
