// Where the states of a room's machine stand when it is drawn: the way to success in one line, what
// happens otherwise below it, the bad ends in the last line.

import type { MachineState, Transition } from "../api/types";

export const STATE_WIDTH = 128;
export const STATE_HEIGHT = 46;
const STEP_X = 174;
const STEP_Y = 120;
const MARGIN = 20;

export interface DrawnState {
  state: MachineState;
  /** The middle of its box. */
  x: number;
  y: number;
}

export interface DrawnEdge {
  from: string;
  to: string;
  /** All signals that lead this way. */
  signals: string[];
  path: string;
  label: { x: number; y: number };
}

export interface Drawing {
  states: DrawnState[];
  edges: DrawnEdge[];
  width: number;
  height: number;
}

/** Edges between the same two states are one line with all their signals. */
export function merge(
  transitions: Transition[],
): { from: string; to: string; signals: string[] }[] {
  const lines = new Map<string, { from: string; to: string; signals: string[] }>();
  for (const { from, to, signal } of transitions) {
    const key = `${from}\n${to}`;
    const line = lines.get(key) ?? { from, to, signals: [] };
    if (!line.signals.includes(signal)) line.signals.push(signal);
    lines.set(key, line);
  }
  return [...lines.values()];
}

/** Signals by which a room gets on, the best first. */
const ONWARD = ["ready", "done", "pass", "signoff"];

/** The states on the way from the first to success. */
export function mainLine(states: MachineState[], transitions: Transition[]): string[] {
  const line: string[] = [];
  let at = states[0]?.name;
  while (at !== undefined && !line.includes(at)) {
    line.push(at);
    const here = at;
    at = ONWARD.flatMap((signal) =>
      transitions.filter((edge) => edge.from === here && edge.signal === signal),
    )[0]?.to;
  }
  return line;
}

export function drawMachine(states: MachineState[], transitions: Transition[]): Drawing {
  const main = mainLine(states, transitions);
  const rest = states.filter(({ name }) => !main.includes(name));
  const ways = rest.filter(({ kind }) => kind !== "terminal").map(({ name }) => name);
  const ends = rest.filter(({ kind }) => kind === "terminal").map(({ name }) => name);
  const rows = [main, ways, ends].filter((row) => row.length > 0);
  const columns = Math.max(1, ...rows.map(({ length }) => length));
  const at = new Map<string, { x: number; y: number; row: number; column: number }>();
  rows.forEach((row, index) => {
    // The first line begins at the left; what branches off it stands under its middle.
    const shift = index === 0 ? 0 : ((columns - row.length) * STEP_X) / 2;
    row.forEach((name, column) => {
      at.set(name, {
        x: MARGIN + STATE_WIDTH / 2 + shift + column * STEP_X,
        y: MARGIN + 44 + index * STEP_Y,
        row: index,
        column,
      });
    });
  });
  const edges = merge(transitions).flatMap((line): DrawnEdge[] => {
    const from = at.get(line.from);
    const to = at.get(line.to);
    if (!from || !to || from === to) return [];
    return [{ ...line, ...connect(from, to) }];
  });
  return {
    states: states.flatMap((state) => {
      const place = at.get(state.name);
      return place ? [{ state, x: place.x, y: place.y }] : [];
    }),
    edges,
    width: columns * STEP_X - (STEP_X - STATE_WIDTH) + 2 * MARGIN,
    height: rows.length * STEP_Y + 2 * MARGIN - 12,
  };
}

interface Place {
  x: number;
  y: number;
  row: number;
  column: number;
}

/** A line between two boxes that passes through no third one. */
function connect(from: Place, to: Place): { path: string; label: { x: number; y: number } } {
  const halfX = STATE_WIDTH / 2;
  const halfY = STATE_HEIGHT / 2;
  if (from.row === to.row && to.column === from.column + 1) {
    const a = { x: from.x + halfX, y: from.y };
    const b = { x: to.x - halfX - 2, y: to.y };
    return { path: `M${a.x},${a.y}L${b.x},${b.y}`, label: { x: (a.x + b.x) / 2, y: a.y - 7 } };
  }
  if (from.row === to.row) {
    // Over the heads of those between; back ones a little to the side of forward ones.
    const back = to.x < from.x;
    const a = { x: from.x + (back ? -14 : 14), y: from.y - halfY };
    const b = { x: to.x + (back ? 14 : -14), y: to.y - halfY - 2 };
    const lift = 26 + 7 * Math.abs(to.column - from.column);
    const top = Math.min(a.y, b.y) - lift;
    const path = `M${a.x},${a.y}C${a.x},${top} ${b.x},${top} ${b.x},${b.y}`;
    return { path, label: { x: (a.x + b.x) / 2, y: a.y - lift * 0.75 + 4 } };
  }
  const down = to.row > from.row;
  const nudge = down ? 10 : -10;
  const a = { x: from.x + nudge, y: from.y + (down ? halfY : -halfY) };
  const b = { x: to.x + nudge, y: to.y + (down ? -halfY - 2 : halfY + 2) };
  const middle = (a.y + b.y) / 2;
  const path = `M${a.x},${a.y}C${a.x},${middle} ${b.x},${middle} ${b.x},${b.y}`;
  // Nearer to where it begins: there and back are then two labels, not one upon the other.
  const label = { x: a.x + (b.x - a.x) * 0.3, y: a.y + (b.y - a.y) * 0.34 + 4 };
  return { path, label };
}
