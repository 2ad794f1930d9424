// The tool servers that sessions are given.

import { useQuery } from "@tanstack/react-query";
import * as act from "../../api/actions";
import { chosenScope } from "../../api/chosen";
import { get } from "../../api/client";
import type { Page } from "../../api/types";
import { Empty, Problem, Skeleton } from "../../ui/Feedback";
import { TestedList } from "./TestedList";

interface ServerItem {
  name: string;
  tier: string;
  transport: string;
  state: string;
  command?: string | null;
  url?: string | null;
}

export default function Servers() {
  const servers = useQuery({
    queryKey: ["mcp"],
    queryFn: () => get<Page<ServerItem>>("/mcp", chosenScope()),
  });
  if (servers.isPending) return <Skeleton lines={4} />;
  if (servers.error) return <Problem error={servers.error} retry={() => void servers.refetch()} />;
  if (servers.data.items.length === 0) {
    return (
      <div className="card">
        <Empty icon="tool" title="No server of your own">
          <p>Put servers into `.agents/mcp/config.json`; sessions are given them with ours.</p>
        </Empty>
      </div>
    );
  }
  return (
    <TestedList
      items={servers.data.items.map(({ name, tier, transport, state, command, url }) => ({
        name,
        tags: [tier, transport, state],
        text: url ?? command ?? undefined,
      }))}
      test={act.settings.testMcp}
    />
  );
}
