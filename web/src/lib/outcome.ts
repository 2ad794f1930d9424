// How a session ended, as everything else is coloured.

import type { Tone } from "../api/types";

/** How a session ended, as a tone. */
export function outcomeTone({ outcome }: { outcome: string | null }): Tone {
  switch (outcome) {
    case null:
      return "active";
    case "pass":
    case "done":
    case "signoff":
      return "passed";
    case "fail":
    case "fix":
    case "redesign":
    case "replan":
    case "interrupted":
      return "trouble";
    case "escalate":
    case "waiting":
      return "attention";
    case "cancelled":
      return "cancelled";
    default:
      return "failed";
  }
}
