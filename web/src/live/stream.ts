// The one connection to `/api/stream`. The browser reconnects by itself and names the last event it
// saw; when the server cannot replay from there it says `reset`, and everything is read again.

import { url } from "../api/client";
import { TOPICS, type LiveEvent } from "./apply";

export type Connection = "connecting" | "live" | "reconnecting";

export interface Sink {
  connection(state: Connection): void;
  events(events: LiveEvent[]): void;
  reset(): void;
}

/** Opens the stream; the answer closes it. */
export function openStream(sink: Sink): () => void {
  let source: EventSource | null = null;
  let waiting: LiveEvent[] = [];
  let flushing: number | null = null;
  let retry: ReturnType<typeof setTimeout> | null = null;
  let failures = 0;
  let lastId = "";
  let closed = false;

  // A busy team sends many events in one frame: they are applied together.
  const flush = () => {
    flushing = null;
    const batch = waiting;
    waiting = [];
    sink.events(batch);
  };
  const schedule = () => {
    // A hidden page has no frames.
    flushing ??= window.setTimeout(flush, document.hidden ? 250 : 16);
  };

  const open = () => {
    retry = null;
    // A new connection cannot send the header that the browser sends when it reconnects by itself.
    source = new EventSource(url("/stream", { last_event_id: lastId }));
    source.onopen = () => {
      failures = 0;
      sink.connection("live");
    };
    source.onerror = () => {
      if (closed) return;
      sink.connection("reconnecting");
      if (source?.readyState !== EventSource.CLOSED) return;
      // Given up for good by the browser, as after an answer that was no stream.
      failures += 1;
      source.close();
      retry = setTimeout(open, Math.min(1_000 * 2 ** failures, 15_000));
    };
    source.addEventListener("hello", (event) => {
      lastId = event.lastEventId || lastId;
    });
    source.addEventListener("reset", (event) => {
      lastId = event.lastEventId || lastId;
      sink.reset();
    });
    for (const topic of TOPICS) {
      source.addEventListener(topic, (event) => {
        const message = event as MessageEvent<string>;
        lastId = message.lastEventId || lastId;
        const data: unknown = JSON.parse(message.data);
        waiting.push({ topic, data });
        schedule();
      });
    }
  };
  open();

  return () => {
    closed = true;
    source?.close();
    if (retry) clearTimeout(retry);
    if (flushing !== null) clearTimeout(flushing);
  };
}
