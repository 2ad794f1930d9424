// The geometry of a plan's timeline: values in, percentages out.

import type { TimelineAttempt } from "../api/types";

export interface Bar {
  attempt: TimelineAttempt;
  /** From the left, in percent of the whole. */
  left: number;
  width: number;
}

export interface Gantt {
  from: number;
  to: number;
  lanes: { epic: string; bars: Bar[] }[];
  ticks: { at: number; left: number }[];
}

/** Thinner bars could not be seen or hit. */
const MIN_WIDTH = 0.4;

const STEPS = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 43_200, 86_400,
];

/** The lanes of these epics, in their order; an attempt without an end runs until `now`. */
export function gantt(epics: string[], attempts: TimelineAttempt[], now: number): Gantt | null {
  if (attempts.length === 0) return null;
  const end = (attempt: TimelineAttempt) => (attempt.ended_at ? Date.parse(attempt.ended_at) : now);
  const from = Math.min(...attempts.map(({ started_at }) => Date.parse(started_at)));
  const to = Math.max(from + 1_000, ...attempts.map(end));
  const share = (time: number) => ((time - from) / (to - from)) * 100;
  const lanes = epics.map((epic) => ({
    epic,
    bars: attempts
      .filter((attempt) => attempt.epic === epic)
      .map((attempt) => {
        const left = share(Date.parse(attempt.started_at));
        const width = Math.max(MIN_WIDTH, share(end(attempt)) - left);
        return { attempt, left: Math.min(left, 100 - MIN_WIDTH), width };
      }),
  }));
  return { from, to, lanes, ticks: ticks(from, to).map((at) => ({ at, left: share(at) })) };
}

/** Moments at round distances from the start, at most eight. */
export function ticks(from: number, to: number): number[] {
  const seconds = (to - from) / 1_000;
  const step = STEPS.find((candidate) => seconds / candidate <= 8) ?? Math.ceil(seconds / 8);
  const found: number[] = [];
  for (let at = from; at <= to; at += step * 1_000) found.push(at);
  return found;
}
