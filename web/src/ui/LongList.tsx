// A long list in its own box: the newest at the bottom, older ones as one scrolls up; or from its
// first entry on, newer ones as one scrolls down. Only what can be seen is drawn, and only what was
// scrolled to is read, so that a hundred thousand entries are as quick as ten.

import { useVirtualizer } from "@tanstack/react-virtual";
import { useCallback, useEffect, useLayoutEffect, useRef, useState, type ReactNode } from "react";
import { useHotkeys } from "../lib/hotkeys";
import { plural } from "../lib/format";
import { Icon } from "./Icon";

/** Nearer to the end than this counts as being at it: new entries then keep it in view. */
const NEAR = 80;
/** Nearer to what is not read yet than this, and it is read. */
const AHEAD = 400;

interface Props<T> {
  label: string;
  /** What one entry is called. */
  word: string;
  /** In order; numbers rise. */
  items: T[];
  draw: (item: T, before: T | undefined) => ReactNode;
  /** How high an entry is before it was drawn. */
  guess: number;
  /** Whether there is more above, or below if it is read from the start. */
  more: boolean;
  loading: boolean;
  onMore: () => unknown;
  /** Read from the first entry on: what is more stands below. */
  fromStart: boolean;
  onStart: () => void;
  onEnd: () => void;
}

export function LongList<T extends { seq: number }>(props: Props<T>) {
  const { label, word, items, draw, guess, more, loading, onMore, fromStart } = props;
  const box = useRef<HTMLDivElement>(null);
  const [atEnd, setAtEnd] = useState(!fromStart);
  const [unseen, setUnseen] = useState(0);
  // eslint-disable-next-line react-hooks/incompatible-library -- it is read here and passed nowhere
  const virtual = useVirtualizer({
    count: items.length,
    getScrollElement: () => box.current,
    estimateSize: () => guess,
    overscan: 8,
    getItemKey: useCallback((index: number) => items[index]?.seq ?? index, [items]),
  });
  const first = items[0]?.seq ?? 0;
  const before = useRef({ first, items });

  const toEnd = useCallback(() => {
    virtual.scrollToIndex(items.length - 1, { align: "end" });
    setUnseen(0);
  }, [virtual, items.length]);

  // Older ones came in above: what was in view stays where it was.
  useLayoutEffect(() => {
    const added = items.findIndex(({ seq }) => seq >= before.current.first);
    if (before.current.first !== first && added > 0) {
      virtual.scrollToIndex(added, { align: "start" });
    }
    before.current.first = first;
  }, [first, items, virtual]);

  // Newer ones came in below, or the last one grew: followed by those who are at the end, counted
  // for the others.
  useEffect(() => {
    const known = before.current.items;
    before.current.items = items;
    if (fromStart || known === items) return;
    const last = known.at(-1)?.seq ?? 0;
    if (atEnd) toEnd();
    else setUnseen((count) => count + items.filter(({ seq }) => seq > last).length);
  }, [items, atEnd, toEnd, fromStart]);

  useLayoutEffect(() => {
    if (!fromStart) toEnd();
    // eslint-disable-next-line react-hooks/exhaustive-deps -- only when it is first shown
  }, []);

  const onScroll = () => {
    const element = box.current;
    if (!element) return;
    const below = element.scrollHeight - element.scrollTop - element.clientHeight;
    const end = below < NEAR;
    setAtEnd(end);
    if (end) setUnseen(0);
    const far = fromStart ? below : element.scrollTop;
    if (more && !loading && far < AHEAD) onMore();
    // At the end of what was read from the start: from here on it is live.
    if (fromStart && end && !more) props.onEnd();
  };
  useHotkeys({
    End: fromStart ? props.onEnd : toEnd,
    Home: more && !fromStart ? props.onStart : () => virtual.scrollToIndex(0),
  });

  return (
    <div className="timeline-wrap">
      <div
        ref={box}
        className="timeline"
        onScroll={onScroll}
        role="log"
        aria-label={label}
        aria-live="off"
        tabIndex={0}
      >
        {loading && more && !fromStart && <p className="timeline-note">Reading older {word}s …</p>}
        <div className="timeline-inner" style={{ height: virtual.getTotalSize() }}>
          {virtual.getVirtualItems().map(({ key, index, start }) => {
            const item = items[index];
            if (!item) return null;
            return (
              <div
                key={key}
                ref={virtual.measureElement}
                data-index={index}
                className="timeline-item"
                style={{ transform: `translateY(${start}px)` }}
              >
                {draw(item, items[index - 1])}
              </div>
            );
          })}
        </div>
      </div>
      {unseen > 0 && (
        <button type="button" className="btn unseen" onClick={toEnd}>
          <Icon name="down" size={14} /> {plural(unseen, `new ${word}`)}
        </button>
      )}
      {fromStart && (
        <button type="button" className="btn unseen" onClick={props.onEnd}>
          <Icon name="down" size={14} /> To the newest
        </button>
      )}
      {!fromStart && !atEnd && more && unseen === 0 && (
        <button type="button" className="btn unseen" onClick={props.onStart}>
          To the first
        </button>
      )}
    </div>
  );
}
