// One stream for all tabs: a browser opens only six connections to a server, and seven tabs with a
// stream each would leave none for anything else. The tab that holds the lock reads the stream and
// passes on what it hears; when it is gone, the next one goes on from the last event it heard.

import type { LiveEvent } from "./apply";
import { openSource, type Connection, type Ear } from "./source";

const NAME = "ostwin-stream";

/** What tabs say to each other. */
type Word =
  /** A tab that is new asks the one that reads. */
  | { say: "where" }
  /** The one that reads answers, and tells when it changes. */
  | { say: "here"; connection: Connection; last: string }
  | { say: "event"; id: string; event: LiveEvent }
  | { say: "reset"; id: string };

/** Hears the stream, whichever tab reads it; the answer ends that. */
export function listen(last: () => string, ear: Ear): () => void {
  // Without these, as on a page that came over plain HTTP from elsewhere, each tab has its own.
  if (!("locks" in navigator && "BroadcastChannel" in window)) return openSource(last, ear);

  const channel = new BroadcastChannel(NAME);
  const say = (word: Word) => channel.postMessage(word);
  const leaving = new AbortController();
  let connection: Connection = "connecting";
  let close: (() => void) | null = null;

  const here = () => say({ say: "here", connection, last: last() });
  const stands = (state: Connection) => {
    connection = state;
    ear.connection(state);
  };

  channel.onmessage = ({ data: word }: MessageEvent<Word>) => {
    switch (word.say) {
      case "where":
        if (close) here();
        return;
      case "here":
        stands(word.connection);
        if (word.last) ear.joins(word.last);
        return;
      case "event":
        return ear.event(word.id, word.event);
      case "reset":
        return ear.reset(word.id);
    }
  };
  say({ say: "where" });

  const read = () => {
    // Another tab has read until now.
    if (connection === "live") stands("reconnecting");
    close = openSource(last, {
      connection(state) {
        stands(state);
        here();
      },
      joins(id) {
        ear.joins(id);
        here();
      },
      event(id, event) {
        ear.event(id, event);
        say({ say: "event", id, event });
      },
      reset(id) {
        ear.reset(id);
        say({ say: "reset", id });
      },
    });
  };

  const held = () =>
    new Promise<void>((release) => {
      leaving.signal.addEventListener("abort", () => release());
      read();
    });
  navigator.locks.request(NAME, { signal: leaving.signal }, held).catch(() => {
    if (leaving.signal.aborted) return;
    // The browser gives this page no locks.
    channel.close();
    close = openSource(last, ear);
  });

  return () => {
    leaving.abort();
    close?.();
    channel.close();
  };
}
