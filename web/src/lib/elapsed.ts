// How long an epic has taken by now, from what the server said a while ago.

import type { Row } from "../api/types";

/** In seconds, at `now` in milliseconds; null where nobody knows. */
export function elapsed(
  { elapsed_seconds, active, at }: Pick<Row, "elapsed_seconds" | "active" | "at">,
  now: number,
): number | null {
  if (elapsed_seconds === null || !active || !at) return elapsed_seconds;
  // The clock of the server may be ahead.
  return elapsed_seconds + Math.max(0, (now - Date.parse(at)) / 1_000);
}
