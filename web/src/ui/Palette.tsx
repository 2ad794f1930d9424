// Ctrl-K: any page, plan or room by its name, any memory by its meaning.

import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useDeferredValue, useEffect, useId, useLayoutEffect, useRef, useState } from "react";
import * as act from "../api/actions";
import { plansQuery, roomsQuery } from "../api/queries";
import type { Hit, Tone } from "../api/types";
import { find, type Target } from "../lib/find";
import { useProject } from "../lib/project";
import { Icon, type IconName } from "./Icon";
import { planWords, StateIcon } from "./State";

interface Choice extends Target {
  icon?: IconName;
  tone?: Tone;
  go: () => void;
}

export function Palette({ onClose }: { onClose: () => void }) {
  const [query, setQuery] = useState("");
  const [at, setAt] = useState(0);
  const dialog = useRef<HTMLDialogElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const id = useId();
  const choices = useChoices(query);
  const current = Math.min(at, choices.length - 1);

  // Closed before it leaves the page, so that the focus goes back.
  useLayoutEffect(() => {
    const element = dialog.current;
    element?.showModal();
    return () => element?.close();
  }, []);
  useEffect(() => {
    list.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: "nearest" });
  }, [current]);

  const choose = (choice: Choice | undefined) => {
    if (!choice) return;
    onClose();
    choice.go();
  };
  const onKey = (event: React.KeyboardEvent) => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step !== 0 && choices.length > 0) {
      event.preventDefault();
      setAt((current + step + choices.length) % choices.length);
    }
    if (event.key === "Enter") {
      event.preventDefault();
      choose(choices[current]);
    }
  };
  return (
    <dialog
      ref={dialog}
      className="dialog palette"
      aria-label="Find"
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onMouseDown={(event) => event.target === dialog.current && onClose()}
    >
      <div className="palette-input">
        <Icon name="search" size={18} />
        <input
          autoFocus
          role="combobox"
          aria-expanded="true"
          aria-controls={`${id}-list`}
          aria-activedescendant={choices.length > 0 ? `${id}-${current}` : undefined}
          aria-label="Find a plan, a room, a memory or a page"
          placeholder="Find a plan, a room, a memory or a page"
          value={query}
          onChange={(event) => {
            setQuery(event.target.value);
            setAt(0);
          }}
          onKeyDown={onKey}
        />
        <kbd>Esc</kbd>
      </div>
      <div className="palette-list" id={`${id}-list`} role="listbox" aria-label="Found" ref={list}>
        {choices.map((choice, index) => (
          <div key={choice.id} role="presentation">
            {choice.group !== choices[index - 1]?.group && (
              <h3 role="presentation">{choice.group}</h3>
            )}
            <div
              id={`${id}-${index}`}
              role="option"
              aria-selected={index === current}
              onMouseMove={() => setAt(index)}
              onClick={() => choose(choice)}
            >
              {choice.tone ? (
                <StateIcon tone={choice.tone} />
              ) : (
                <Icon name={choice.icon ?? "right"} />
              )}
              <span className="clip">{choice.title}</span>
              {choice.more && <span className="quiet small clip grow">{choice.more}</span>}
            </div>
          </div>
        ))}
        {choices.length === 0 && (
          <p className="quiet" style={{ padding: "18px 12px" }}>
            Nothing is called that, and no memory means it.
          </p>
        )}
      </div>
    </dialog>
  );
}

function useChoices(query: string): Choice[] {
  const navigate = useNavigate();
  const plans = useQuery(plansQuery).data?.items ?? [];
  const rooms = useQuery(roomsQuery).data?.items ?? [];
  const hits = useMemories(query);
  const { projects, choose } = useProject();
  const page = (to: string, title: string, icon: IconName): Choice => ({
    id: `page:${to}`,
    group: "Pages",
    title,
    icon,
    go: () => void navigate({ to }),
  });
  const named: Choice[] = [
    ...plans.map((plan): Choice => ({
      id: `plan:${plan.project}/${plan.plan_id}`,
      group: "Plans",
      title: plan.title,
      more: plan.plan_id,
      tone: planWords(plan).tone,
      go: () =>
        void navigate({
          to: "/plans/$planId",
          params: { planId: plan.plan_id },
          search: { project: plan.project },
        }),
    })),
    ...rooms.flatMap((row): Choice[] => {
      const { room } = row;
      if (!room) return [];
      return [
        {
          id: `room:${row.project}/${room}`,
          group: "Rooms",
          title: `${row.epic} ${row.title}`,
          more: `${room} · ${row.display.word}`,
          tone: row.display.tone,
          go: () =>
            void navigate({
              to: "/rooms/$roomId",
              params: { roomId: room },
              search: { project: row.project },
            }),
        },
      ];
    }),
    page("/plans", "Plans", "plans"),
    page("/rooms", "Rooms", "rooms"),
    page("/inbox", "Inbox", "inbox"),
    page("/memory", "Memory", "memory"),
    page("/stats", "Stats", "stats"),
    page("/settings", "Settings", "settings"),
  ];
  const groups = ["Plans", "Rooms", "Pages"];
  const found = groups.flatMap((group) =>
    find(
      query,
      named.filter((choice) => choice.group === group),
      6,
    ),
  );
  return [
    ...found,
    ...hits.map((hit): Choice => ({
      id: `memory:${hit.project}/${hit.id}`,
      group: "Memories",
      title: hit.text,
      more: [hit.kind, hit.title, projects.find(({ project }) => project === hit.project)?.name]
        .filter(Boolean)
        .join(" · "),
      icon: "memory",
      go: () => {
        choose(hit.project);
        void navigate({ to: "/memory", search: { id: hit.id } });
      },
    })),
  ];
}

/** Memories that mean what is typed, once typing rests for a moment. */
function useMemories(query: string): Hit[] {
  const [settled, setSettled] = useState("");
  const wanted = useDeferredValue(query.trim());
  useEffect(() => {
    const timer = setTimeout(() => setSettled(wanted.length > 2 ? wanted : ""), 250);
    return () => clearTimeout(timer);
  }, [wanted]);
  const found = useQuery({
    queryKey: ["memories", "palette", settled],
    queryFn: () => act.memory.searchAll({ query: settled, limit: 5 }),
    enabled: settled !== "",
  });
  return settled ? (found.data?.items ?? []) : [];
}
