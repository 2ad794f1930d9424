// From the lines of a transcript to the steps that a person reads: a tool's call and its result are
// one step, pieces of one message are one text.

import type { TranscriptEvent } from "../api/types";

export interface Step {
  seq: number;
  ts: string;
  kind: "text" | "thought" | "tool" | "plan" | "permission" | "notice" | "mark";
  text: string;
  call?: TranscriptEvent;
  result?: TranscriptEvent;
  event: TranscriptEvent;
}

/** Steps, and at which place the call with an id stands. */
interface Folded {
  steps: Step[];
  calls: Map<string, number>;
}

const NOTHING: Folded = { steps: [], calls: new Map() };

interface Part {
  items: TranscriptEvent[];
}

/** What was folded last, by the first part of it. */
const known = new WeakMap<Part, { parts: Part[]; folded: Folded }>();

/** The steps of a transcript that was read in parts. Of parts that only grew in number, the new are folded. */
export function fold(parts: Part[]): Step[] {
  const [first] = parts;
  if (!first) return [];
  const last = known.get(first);
  const before = last?.parts.every((part, index) => part === parts[index]) ? last : undefined;
  if (before?.parts.length === parts.length) return before.folded.steps;
  const added = parts.slice(before?.parts.length ?? 0).flatMap(({ items }) => items);
  const folded = foldOn(before?.folded ?? NOTHING, added);
  known.set(first, { parts, folded });
  return folded.steps;
}

function foldOn(before: Folded, events: TranscriptEvent[]): Folded {
  const steps = [...before.steps];
  const calls = new Map(before.calls);
  for (const event of events) {
    const step = (kind: Step["kind"], text: string): Step => ({
      seq: event.seq,
      ts: event.ts,
      kind,
      text,
      event,
    });
    const last = steps.at(-1);
    switch (event.type) {
      case "text":
      case "thought":
        if (last?.kind === event.type) {
          steps[steps.length - 1] = { ...last, text: last.text + (event.text ?? "") };
        } else {
          steps.push(step(event.type, event.text ?? ""));
        }
        break;
      case "tool_call":
        if (event.id) calls.set(event.id, steps.length);
        steps.push({ ...step("tool", event.title ?? "tool"), call: event });
        break;
      case "tool_result": {
        const at = event.id === undefined ? undefined : calls.get(event.id);
        const call = at === undefined ? undefined : steps[at];
        if (at !== undefined && call) steps[at] = { ...call, result: event };
        else steps.push({ ...step("tool", event.title ?? "tool"), result: event });
        break;
      }
      case "plan":
        steps.push(step("plan", ""));
        break;
      case "permission":
        steps.push(step("permission", event.title ?? ""));
        break;
      case "notice":
        steps.push(step("notice", event.text ?? ""));
        break;
      case "usage":
        break;
      default:
        steps.push(step("mark", markText(event)));
    }
  }
  return { steps, calls };
}

function markText(event: TranscriptEvent): string {
  switch (event.type) {
    case "session":
      return `${event.resumed ? "Session resumed" : "Session opened"}${event.agent ? `: ${event.agent}` : ""}`;
    case "prompt":
      return event.text ? `Prompt: ${event.text}` : "The prompt was sent";
    case "turn_end":
      return `Turn ${event.turn ?? ""} ended: ${(event.stop_reason ?? "").replace(/_/g, " ")}`;
    case "end":
      return `Session ended: ${event.outcome ?? ""}${event.detail ? `, ${event.detail}` : ""}`;
    case "truncated":
      return "The transcript's size limit was reached; what came after is not kept.";
    default:
      return event.type.replace(/_/g, " ");
  }
}

/** A tool's arguments or result as text that can be read. */
export function pretty(value: unknown): string {
  if (value === null || value === undefined) return "";
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}

/** The arguments of a call in one line. */
export function brief(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (typeof value !== "object") return String(value);
  return Object.entries(value as Record<string, unknown>)
    .map(
      ([key, each]) => `${key}: ${typeof each === "object" ? JSON.stringify(each) : String(each)}`,
    )
    .join(", ")
    .slice(0, 160);
}
