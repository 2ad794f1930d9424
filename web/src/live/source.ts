// The connection to `/api/stream`. The browser reconnects by itself and names the last event it
// saw; when the server cannot replay from there it says `reset`, and everything is read again.

import { url } from "../api/client";
import { TOPICS, type LiveEvent } from "./apply";

export type Connection = "connecting" | "live" | "reconnecting";

/** What the stream tells; ids are those of the server. */
export interface Ear {
  connection(state: Connection): void;
  /** What comes is behind this event. */
  joins(id: string): void;
  event(id: string, event: LiveEvent): void;
  /** Events before this one were lost. */
  reset(id: string): void;
}

/** Opens the stream behind the event that `last` names by then; the answer closes it. */
export function openSource(last: () => string, ear: Ear): () => void {
  let source: EventSource | null = null;
  let retry: ReturnType<typeof setTimeout> | null = null;
  let failures = 0;

  const open = () => {
    retry = null;
    // A new connection cannot send the header that the browser sends when it reconnects by itself.
    source = new EventSource(url("/stream", { last_event_id: last() }));
    source.onopen = () => {
      failures = 0;
      ear.connection("live");
    };
    source.onerror = () => {
      ear.connection("reconnecting");
      if (source?.readyState !== EventSource.CLOSED) return;
      // Given up for good by the browser, as after an answer that was no stream.
      failures += 1;
      retry = setTimeout(open, Math.min(1_000 * 2 ** failures, 15_000));
    };
    source.addEventListener("hello", ({ lastEventId }) => ear.joins(lastEventId));
    source.addEventListener("reset", ({ lastEventId }) => ear.reset(lastEventId));
    for (const topic of TOPICS) {
      source.addEventListener(topic, ({ data, lastEventId }: MessageEvent<string>) =>
        ear.event(lastEventId, { topic, data: JSON.parse(data) }),
      );
    }
  };
  open();

  return () => {
    source?.close();
    if (retry) clearTimeout(retry);
  };
}
