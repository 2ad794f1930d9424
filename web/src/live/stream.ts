// What this tab hears of the stream, in order, once, and in batches; and that it has to read again
// when it missed something.

import { onSnapshot } from "../api/client";
import type { LiveEvent } from "./apply";
import { Place } from "./place";
import type { Connection } from "./source";
import { listen } from "./tabs";

export interface Sink {
  connection(state: Connection): void;
  events(events: LiveEvent[]): void;
  /** What is known may lack something: it is read again. */
  reset(): void;
}

/** Opens the stream; the answer closes it. */
export function openStream(sink: Sink): () => void {
  const place = new Place();
  let waiting: LiveEvent[] = [];
  let flushing: ReturnType<typeof setTimeout> | null = null;
  let resetting: ReturnType<typeof setTimeout> | null = null;

  // A busy team sends many events in one frame: they are applied together.
  const flush = () => {
    flushing = null;
    const batch = waiting;
    waiting = [];
    sink.events(batch);
  };
  const reset = () => {
    // A snapshot that has just arrived is not in the cache before the next turn.
    resetting ??= setTimeout(() => {
      resetting = null;
      sink.reset();
    });
  };

  const forget = onSnapshot((id) => {
    if (place.reads(id)) reset();
  });
  const close = listen(() => place.last, {
    connection: sink.connection,
    joins(id) {
      if (place.joins(id)) reset();
    },
    event(id, event) {
      const { fresh, missed } = place.hears(id);
      if (missed) reset();
      if (!fresh) return;
      waiting.push(event);
      // A hidden page has no frames.
      flushing ??= setTimeout(flush, document.hidden ? 250 : 16);
    },
    reset(id) {
      place.starts(id);
      reset();
    },
  });

  return () => {
    close();
    forget();
    if (flushing) clearTimeout(flushing);
    if (resetting) clearTimeout(resetting);
  };
}
