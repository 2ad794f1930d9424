// What waits for a person, one after the other, by keyboard.

import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { inboxQuery } from "../api/queries";
import type { InboxItem, InboxKind, Tone } from "../api/types";
import { useHotkeys } from "../lib/hotkeys";
import { plural } from "../lib/format";
import { Empty, Problem, Skeleton } from "../ui/Feedback";
import { Icon } from "../ui/Icon";
import { Markdown } from "../ui/Markdown";
import { Ago } from "../ui/Time";
import { InboxDecide } from "./InboxDecide";

const KINDS: Record<InboxKind, { tone: Tone; word: string }> = {
  approval: { tone: "attention", word: "Permission" },
  question: { tone: "attention", word: "Question" },
  "plan-review": { tone: "attention", word: "Plan review" },
  escalation: { tone: "attention", word: "Escalation" },
  failed: { tone: "failed", word: "Failed" },
  budget: { tone: "attention", word: "Budget" },
  damaged: { tone: "attention", word: "Damaged" },
};

export function Inbox() {
  const inbox = useQuery(inboxQuery);
  const navigate = useNavigate();
  const [chosen, setChosen] = useState<string | null>(null);
  const items = inbox.data?.items ?? [];
  const at = Math.max(
    0,
    items.findIndex((item) => key(item) === chosen),
  );
  const item = items[at];
  const move = (step: number) => {
    const next = items[Math.max(0, Math.min(items.length - 1, at + step))];
    if (next) setChosen(key(next));
  };
  // Keys press what a mouse would press: there is one way to decide.
  const pressed = (selector: string) =>
    document.querySelector<HTMLElement>(`.inbox-pane ${selector}`);
  useHotkeys({
    j: () => move(1),
    k: () => move(-1),
    a: () => pressed('[data-decide="approve"]')?.click(),
    d: () => pressed('[data-decide="deny"]')?.click(),
    e: () => pressed("[data-answer]")?.focus(),
    o: () => item && open(item),
    ...Object.fromEntries(
      Array.from({ length: 9 }, (_, index) => [
        String(index + 1),
        () => pressed(`[data-option="${index + 1}"]`)?.click(),
      ]),
    ),
  });
  const open = ({ room, plan_id, project }: InboxItem) =>
    room
      ? void navigate({ to: "/rooms/$roomId", params: { roomId: room }, search: { project } })
      : void navigate({ to: "/plans/$planId", params: { planId: plan_id }, search: { project } });

  return (
    <div className="page wide">
      <header className="page-head">
        <div className="grow">
          <h1>Inbox</h1>
          {items.length > 0 && (
            <p className="lead" aria-live="polite">
              {plural(items.length, "thing")} waiting for you
            </p>
          )}
        </div>
        {items.length > 0 && (
          <p className="small quiet key-hint">
            <kbd>j</kbd> <kbd>k</kbd> move · <kbd>a</kbd> approve · <kbd>d</kbd> deny · <kbd>e</kbd>{" "}
            answer · <kbd>o</kbd> open
          </p>
        )}
      </header>
      {inbox.isPending && <Skeleton lines={3} height={64} />}
      {inbox.error && <Problem error={inbox.error} retry={() => void inbox.refetch()} />}
      {inbox.data && items.length === 0 && (
        <div className="card">
          <Empty icon="inbox" title="Nothing waits for you">
            <p>
              Questions of agents, permissions, plan reviews, escalations and failed rooms come here
              the moment they arise.
            </p>
          </Empty>
        </div>
      )}
      {item && (
        <div className="split">
          <ul className="card side-list" aria-label="What waits">
            {items.map((each) => {
              const { tone, word } = KINDS[each.kind];
              return (
                <li key={key(each)} className={`tone-${tone}`}>
                  <button
                    type="button"
                    aria-pressed={each === item}
                    onClick={() => setChosen(key(each))}
                  >
                    <span className="row small inbox-kind">
                      <Icon name={tone} size={14} />
                      <strong>{word}</strong>
                      <span className="grow" />
                      <span className="quiet">
                        <Ago ts={each.since} />
                      </span>
                    </span>
                    <span className="inbox-title">{each.title}</span>
                    <span className="small quiet mono">
                      {each.epic ?? each.plan_id}
                      {each.room && ` · ${each.room}`}
                    </span>
                  </button>
                </li>
              );
            })}
          </ul>
          <section className="card inbox-pane" aria-label={item.title} key={key(item)}>
            <div className="card-head">
              <h2>{item.title}</h2>
              {item.room && (
                <Link
                  className="btn s"
                  to="/rooms/$roomId"
                  params={{ roomId: item.room }}
                  search={{ project: item.project }}
                >
                  Open {item.room}
                </Link>
              )}
              <Link
                className="btn s"
                to="/plans/$planId"
                params={{ planId: item.plan_id }}
                search={{
                  project: item.project,
                  ...(item.kind === "plan-review" && { tab: "review" }),
                }}
              >
                Open the plan
              </Link>
            </div>
            <div className="card-body stack">
              {item.kind !== "question" && item.kind !== "approval" && (
                <Markdown source={item.body} />
              )}
              <InboxDecide item={item} />
              {item.until && (
                <p className="small quiet">
                  It ends <Ago ts={item.until} />; then the session goes on without an answer.
                </p>
              )}
            </div>
          </section>
        </div>
      )}
    </div>
  );
}

const key = (item: InboxItem): string =>
  [item.project, item.plan_id, item.room, item.kind, item.message_id].join("/");
