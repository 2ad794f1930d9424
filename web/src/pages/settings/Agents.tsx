// The agent programs that can work here.

import { useQuery } from "@tanstack/react-query";
import * as act from "../../api/actions";
import { chosenScope } from "../../api/chosen";
import { get } from "../../api/client";
import type { Page, AgentItem } from "../../api/types";
import { Problem, Skeleton } from "../../ui/Feedback";
import { TestedList } from "./TestedList";

export default function Agents() {
  const agents = useQuery({
    queryKey: ["agents"],
    queryFn: () => get<Page<AgentItem>>("/agents", chosenScope()),
  });
  if (agents.isPending) return <Skeleton lines={4} />;
  if (agents.error) return <Problem error={agents.error} retry={() => void agents.refetch()} />;
  return (
    <TestedList
      items={agents.data.items.map((agent) => ({
        name: agent.name,
        tags: [
          agent.default ? "default" : null,
          agent.found ? (agent.version ?? "found") : "not on this machine",
        ].filter((tag): tag is string => tag !== null),
        text: agent.found ? agent.command.join(" ") : (agent.install ?? agent.command.join(" ")),
      }))}
      test={act.settings.testAgent}
    />
  );
}
