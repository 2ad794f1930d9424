// A long list in its own box: the newest at the bottom, older ones as one scrolls up; or from its
// first entry on, newer ones as one scrolls down. Only what can be seen is drawn, and only what was
// scrolled to is read, so that a hundred thousand entries are as quick as ten.

import { useVirtualizer } from "@tanstack/react-virtual";
import { useCallback, useLayoutEffect, useRef, useState, type ReactNode } from "react";
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
  const top = useRef(0);
  const [atEnd, setAtEnd] = useState(!fromStart);
  const [unseen, setUnseen] = useState(0);
  // eslint-disable-next-line react-hooks/incompatible-library -- it is read here and passed nowhere
  const virtual = useVirtualizer({
    count: items.length,
    getScrollElement: () => box.current,
    estimateSize: () => guess,
    overscan: 6,
    getItemKey: useCallback((index: number) => items[index]?.seq ?? index, [items]),
    // What comes in above leaves in view what is in view.
    anchorTo: fromStart ? "start" : "end",
    scrollEndThreshold: NEAR,
    useFlushSync: false,
  });
  const toEnd = () => {
    virtual.scrollToEnd();
    setUnseen(0);
  };

  // Newer ones came in below, or the last one grew: followed by those who are at the end, counted
  // for the others.
  const known = useRef(items);
  useLayoutEffect(() => {
    if (fromStart || known.current === items) return;
    const last = known.current.at(-1)?.seq ?? 0;
    known.current = items;
    if (atEnd) virtual.scrollToEnd();
    else setUnseen((count) => count + items.filter(({ seq }) => seq > last).length);
  }, [items, atEnd, fromStart, virtual]);

  useLayoutEffect(() => {
    if (!fromStart) virtual.scrollToEnd();
    // eslint-disable-next-line react-hooks/exhaustive-deps -- only when it is first shown
  }, []);

  const onScroll = () => {
    const element = box.current;
    if (!element) return;
    const below = element.scrollHeight - element.scrollTop - element.clientHeight;
    const end = below < NEAR;
    // Who scrolls up leaves the end; who is there is not led away by what grows below.
    if (end || element.scrollTop < top.current) setAtEnd(end);
    top.current = element.scrollTop;
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
      {loading && more && !fromStart && <p className="reading">Reading older {word}s …</p>}
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
