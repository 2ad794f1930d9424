// The channel as a timeline: the newest at the bottom, older ones as one scrolls up; or from its
// first message on, newer ones as one scrolls down. Only what can be seen is drawn, and only what
// was scrolled to is read, so that a hundred thousand messages are as quick as ten.

import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import {
  channelQuery,
  channelStartQuery,
  keys,
  type ChannelFilter,
  type Scope,
} from "../../api/queries";
import type { Message, RoomDetail } from "../../api/types";
import { useHotkeys } from "../../lib/hotkeys";
import { plural } from "../../lib/format";
import { Empty, Problem, Skeleton } from "../../ui/Feedback";
import { Icon } from "../../ui/Icon";
import { ChannelFilterBar } from "./ChannelFilterBar";
import { Composer } from "./Composer";
import { MessageItem } from "./MessageItem";

/** Nearer to the end than this counts as being at it: new messages then keep it in view. */
const NEAR = 80;
/** Nearer to what is not read yet than this, and it is read. */
const AHEAD = 400;

interface Props {
  room: string;
  detail: RoomDetail;
  scope: Scope;
}

export function Channel({ room, detail, scope }: Props) {
  const [filter, setFilter] = useState<ChannelFilter>({});
  const [fromStart, setFromStart] = useState(false);
  const client = useQueryClient();
  const newest = useInfiniteQuery(channelQuery(room, scope, filter));
  const oldest = useInfiniteQuery({
    ...channelStartQuery(room, scope, filter),
    enabled: fromStart,
  });
  const channel = fromStart ? oldest : newest;
  const pages = channel.data?.pages;
  const messages = useMemo(() => {
    const inOrder = fromStart ? pages : pages && [...pages].reverse();
    return inOrder?.flatMap((page) => page.items) ?? [];
  }, [pages, fromStart]);
  const toStart = () => {
    // Where it ended the last time is no end any more.
    client.removeQueries({ queryKey: keys.channelStart(room) });
    setFromStart(true);
  };
  const criteria = useMemo(
    () => new Map(detail.criteria.map(({ id, text }) => [id, text])),
    [detail.criteria],
  );
  const filtered = Boolean(filter.type ?? filter.from ?? filter.q);
  return (
    <section className="card channel" aria-label="Channel">
      <ChannelFilterBar filter={filter} onChange={setFilter} messages={messages} />
      {channel.isPending && (
        <div className="channel-wait">
          <Skeleton lines={4} height={72} />
        </div>
      )}
      {channel.error && <Problem error={channel.error} retry={() => void channel.refetch()} />}
      {channel.data && messages.length === 0 && (
        <div className="channel-wait">
          <Empty icon="rooms" title={filtered ? "No such message" : "Nobody has said anything yet"}>
            <p>
              {filtered
                ? "Take the filter away to see all messages."
                : "Messages of the agents arrive here while they work. You can write first."}
            </p>
          </Empty>
        </div>
      )}
      {messages.length > 0 && (
        <Timeline
          key={JSON.stringify([filter, fromStart])}
          room={room}
          scope={scope}
          messages={messages}
          criteria={criteria}
          more={channel.hasNextPage}
          loading={channel.isFetchingNextPage}
          onMore={channel.fetchNextPage}
          fromStart={fromStart}
          onStart={toStart}
          onEnd={() => setFromStart(false)}
        />
      )}
      <Composer room={room} scope={scope} />
    </section>
  );
}

interface TimelineProps {
  room: string;
  scope: Scope;
  messages: Message[];
  criteria: Map<string, string>;
  more: boolean;
  loading: boolean;
  onMore: () => unknown;
  /** Read from the first message on: what is more stands below. */
  fromStart: boolean;
  onStart: () => void;
  onEnd: () => void;
}

function Timeline(props: TimelineProps) {
  const { room, scope, messages, criteria, more, loading, onMore, fromStart } = props;
  const box = useRef<HTMLDivElement>(null);
  const [atEnd, setAtEnd] = useState(!fromStart);
  const [unseen, setUnseen] = useState(0);
  // eslint-disable-next-line react-hooks/incompatible-library -- it is read here and passed nowhere
  const virtual = useVirtualizer({
    count: messages.length,
    getScrollElement: () => box.current,
    estimateSize: () => 96,
    overscan: 8,
    getItemKey: useCallback((index: number) => messages[index]?.id ?? index, [messages]),
  });
  const first = messages[0]?.seq ?? 0;
  const last = messages.at(-1)?.seq ?? 0;
  const before = useRef({ first, last, height: 0 });

  const toEnd = useCallback(() => {
    virtual.scrollToIndex(messages.length - 1, { align: "end" });
    setUnseen(0);
  }, [virtual, messages.length]);

  // Older messages came in above: what was in view stays where it was.
  useLayoutEffect(() => {
    const added = messages.findIndex(({ seq }) => seq === before.current.first);
    if (before.current.first !== first && added > 0) {
      virtual.scrollToIndex(added, { align: "start" });
    }
    before.current.first = first;
  }, [first, messages, virtual]);

  // Newer ones came in below: followed by those who are at the end, counted for the others.
  useEffect(() => {
    if (fromStart || last === before.current.last) return;
    const added = messages.filter(({ seq }) => seq > before.current.last).length;
    before.current.last = last;
    if (atEnd) toEnd();
    else setUnseen((count) => count + added);
  }, [last, messages, atEnd, toEnd, fromStart]);

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
        aria-label="Messages"
        aria-live="off"
        tabIndex={0}
      >
        {loading && !fromStart && <p className="timeline-note">Reading older messages …</p>}
        <div className="timeline-inner" style={{ height: virtual.getTotalSize() }}>
          {virtual.getVirtualItems().map((item) => {
            const message = messages[item.index];
            if (!message) return null;
            return (
              <div
                key={item.key}
                ref={virtual.measureElement}
                data-index={item.index}
                className="timeline-item"
                style={{ transform: `translateY(${item.start}px)` }}
              >
                <MessageItem
                  message={message}
                  before={messages[item.index - 1]}
                  room={room}
                  scope={scope}
                  criteria={criteria}
                />
              </div>
            );
          })}
        </div>
      </div>
      {unseen > 0 && (
        <button type="button" className="btn unseen" onClick={toEnd}>
          <Icon name="down" size={14} /> {plural(unseen, "new message")}
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
