// The channel as a timeline, live or from its first message on.

import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import {
  channelQuery,
  channelStartQuery,
  keys,
  type ChannelFilter,
  type Scope,
} from "../../api/queries";
import type { RoomDetail } from "../../api/types";
import { Empty, Problem, Skeleton } from "../../ui/Feedback";
import { LongList } from "../../ui/LongList";
import { ChannelFilterBar } from "./ChannelFilterBar";
import { Composer } from "./Composer";
import { MessageItem } from "./MessageItem";

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
        <LongList
          key={JSON.stringify([filter, fromStart])}
          label="Messages"
          word="message"
          items={messages}
          guess={96}
          draw={(message, before) => (
            <MessageItem
              message={message}
              before={before}
              room={room}
              scope={scope}
              criteria={criteria}
            />
          )}
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
