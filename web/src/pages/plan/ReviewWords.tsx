// What the reviewer of the plan said last.

import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { channelQuery, type Scope } from "../../api/queries";
import { Markdown } from "../../ui/Markdown";
import { Role } from "../../ui/Role";
import { answers } from "../../lib/verdict";
import { VerdictView } from "../../ui/VerdictView";

const NO_CRITERIA = new Map<string, string>();

export function ReviewWords({ room, scope }: { room: string; scope: Scope }) {
  const channel = useInfiniteQuery(channelQuery(room, scope, {}));
  const last = channel.data?.pages[0]?.items.findLast(({ from }) => from !== "engine");
  return (
    <div className="stack">
      {last && (
        <>
          <Role role={last.from} />
          <Markdown source={last.body} />
          <VerdictView answers={answers(last.data)} texts={NO_CRITERIA} />
        </>
      )}
      <p className="small">
        <Link to="/rooms/$roomId" params={{ roomId: room }} search={scope}>
          Open the review&rsquo;s room
        </Link>
      </p>
    </div>
  );
}
