// Which events of a plan a person is told about wherever they are in the app.

import type { PlanEvent } from "../api/types";

export interface Words {
  tone: "attention" | "failed" | "passed";
  title: string;
  body?: string;
  room?: string;
  project?: string;
}

/** What to say about an event; null for those that are no news to a person elsewhere. */
export function alertWords(event: PlanEvent & { project?: string }): Words | null {
  const what = event.epic ?? event.room ?? "The plan";
  const more = {
    body: event.reason ?? undefined,
    room: event.room ?? undefined,
    project: event.project,
  };
  switch (event.type) {
    case "escalated":
      return { tone: "attention", title: `${what} waits for your decision`, ...more };
    case "question":
      return event.result
        ? null
        : { tone: "attention", title: `${what} asks you something`, ...more };
    case "budget":
      return { tone: "attention", title: `Budget: ${what}`, ...more };
    case "failed":
      return { tone: "failed", title: `${what} failed`, ...more };
    case "finished":
      return { tone: "passed", title: "The plan has ended", body: more.body };
    default:
      return null;
  }
}
