// The agent programs that can work here.

import { useQuery } from "@tanstack/react-query";
import * as act from "../../api/actions";
import { get } from "../../api/client";
import type { Page } from "../../api/types";
import { Problem, Skeleton } from "../../ui/Feedback";
import { TestedList } from "./TestedList";

interface AgentItem {
  name: string;
  found?: boolean;
  default?: boolean;
  command?: string | string[] | null;
  source?: string | null;
}

export default function Agents() {
  const agents = useQuery({ queryKey: ["agents"], queryFn: () => get<Page<AgentItem>>("/agents") });
  if (agents.isPending) return <Skeleton lines={4} />;
  if (agents.error) return <Problem error={agents.error} retry={() => void agents.refetch()} />;
  return (
    <TestedList
      items={agents.data.items.map((agent) => ({
        name: agent.name,
        tags: [
          agent.default ? "default" : null,
          agent.found === undefined ? null : agent.found ? "found" : "not found on this machine",
        ].filter((tag): tag is string => tag !== null),
        text: Array.isArray(agent.command) ? agent.command.join(" ") : (agent.command ?? undefined),
      }))}
      test={act.settings.testAgent}
    />
  );
}
