// Which events of a plan a person is told about wherever they are in the app.

import type { PlanEvent } from "../api/types";

export interface Words {
  tone: "attention" | "failed" | "passed";
  title: string;
  body?: string;
  room?: string;
  project?: string;
}

interface Asked {
  asks?: "answer" | "permission";
  answer?: string | null;
}

interface Ended {
  passed?: number;
  epics?: number;
}

/** What to say about an event of the plan with this title; null for those that are no news to a
 * person elsewhere. */
export function alertWords(event: PlanEvent & { project?: string }, plan: string): Words | null {
  const what = event.epic ?? event.room ?? plan;
  const more = {
    body: event.reason ?? undefined,
    room: event.room ?? undefined,
    project: event.project,
  };
  switch (event.type) {
    case "escalated":
      return { tone: "attention", title: `${what} waits for your decision`, ...more };
    case "question": {
      const { asks, answer } = (event.data ?? {}) as Asked;
      if (answer) return null;
      const wants = asks === "permission" ? "asks for a permission" : "asks you something";
      return { tone: "attention", title: `${what} ${wants}`, ...more };
    }
    case "budget":
      return { tone: "attention", title: `Budget: ${what}`, ...more };
    case "failed":
      return { tone: "failed", title: `${what} failed`, ...more };
    case "finished": {
      const { passed, epics } = (event.data ?? {}) as Ended;
      const tone = passed === epics ? "passed" : "failed";
      return { tone, title: `The plan “${plan}” has ended`, body: more.body };
    }
    default:
      return null;
  }
}
