// How a plan or a room stands: always a shape, a word and a colour together.

import type { Counts, Display, PlanState, Tone } from "../api/types";
import { plural } from "../lib/format";
import { Icon } from "./Icon";

export function StateIcon({
  tone,
  label,
  size = 16,
}: {
  tone: Tone;
  label?: string;
  size?: number;
}) {
  const spin = tone === "active" ? " spin" : "";
  return (
    <span className={`state-icon tone-${tone}`}>
      <Icon name={tone} size={size} className={`state-icon${spin}`} label={label} />
    </span>
  );
}

export function Pill({ tone, children, title }: { tone: Tone; children: string; title?: string }) {
  return (
    <span className={`pill tone-${tone}`} title={title}>
      <Icon name={tone} size={14} className={tone === "active" ? "spin" : undefined} />
      <span>{children}</span>
    </span>
  );
}

/** The word for a room, with what it waits for behind it. */
export function RoomState({ display, full = false }: { display: Display; full?: boolean }) {
  const text = full && display.detail ? `${display.word} · ${display.detail}` : display.word;
  return (
    <Pill tone={display.tone} title={display.detail ?? undefined}>
      {text}
    </Pill>
  );
}

const PLAN: Record<PlanState, { tone: Tone; word: string }> = {
  planned: { tone: "idle", word: "planned" },
  running: { tone: "active", word: "running" },
  "waiting-for-person": { tone: "attention", word: "waiting for you" },
  stopped: { tone: "cancelled", word: "stopped" },
  finished: { tone: "passed", word: "finished" },
  failed: { tone: "failed", word: "failed" },
};

/** A plan's tone and word; a paused plan says so. */
export function planWords(plan: { state: PlanState; paused: boolean }): {
  tone: Tone;
  word: string;
} {
  const words = PLAN[plan.state];
  return plan.paused && plan.state === "running" ? { tone: "soon", word: "paused" } : words;
}

export function PlanPill({ plan }: { plan: { state: PlanState; paused: boolean } }) {
  const { tone, word } = planWords(plan);
  return <Pill tone={tone}>{word}</Pill>;
}

const KINDS: { key: keyof Counts; tone: Tone; word: string }[] = [
  { key: "passed", tone: "passed", word: "passed" },
  { key: "running", tone: "active", word: "running" },
  { key: "attention", tone: "attention", word: "waiting for a person" },
  { key: "failed", tone: "failed", word: "failed" },
  { key: "blocked", tone: "cancelled", word: "blocked" },
  { key: "waiting", tone: "idle", word: "waiting" },
];

/** What the epics of a plan do, in words: `3 passed, 2 running`. */
export function countWords(counts: Counts): string {
  const said = KINDS.filter(({ key }) => counts[key] > 0).map(
    ({ key, word }) => `${counts[key]} ${word}`,
  );
  return said.length > 0 ? said.join(", ") : "no epics";
}

/** The epics of a plan as one bar, a part for each kind. */
export function Segments({ counts, tall = false }: { counts: Counts; tall?: boolean }) {
  return (
    <div
      className={tall ? "segments tall" : "segments"}
      role="img"
      aria-label={`${plural(counts.total, "epic")}: ${countWords(counts)}`}
      title={countWords(counts)}
    >
      {KINDS.filter(({ key }) => counts[key] > 0).map(({ key, tone }) => (
        <i key={key} className={`tone-${tone}`} style={{ flexGrow: counts[key], flexBasis: 0 }} />
      ))}
      {counts.total === 0 && <i className="tone-idle" style={{ flexGrow: 1 }} />}
    </div>
  );
}

/** How far something is. */
export function Bar({ percent, tone, label }: { percent: number; tone: Tone; label: string }) {
  return (
    <div
      className={`bar tone-${tone}`}
      role="progressbar"
      aria-valuenow={percent}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-label={label}
    >
      <i style={{ width: `${percent}%` }} />
    </div>
  );
}
