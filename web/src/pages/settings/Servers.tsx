// The tool servers that sessions are given.

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import * as act from "../../api/actions";
import { chosenScope } from "../../api/chosen";
import { get } from "../../api/client";
import type { Page, ServerItem } from "../../api/types";
import { argv } from "../../lib/argv";
import { Confirm } from "../../ui/Confirm";
import { Problem, Skeleton } from "../../ui/Feedback";
import { toast } from "../../ui/Toaster";
import { useAct } from "../../ui/useAct";
import { TestedList } from "./TestedList";

export default function Servers() {
  const servers = useQuery({
    queryKey: ["mcp"],
    queryFn: () => get<Page<ServerItem>>("/mcp", chosenScope()),
  });
  const [removing, setRemoving] = useState<string | null>(null);
  const client = useQueryClient();
  const refresh = () => client.invalidateQueries({ queryKey: ["mcp"] });
  if (servers.isPending) return <Skeleton lines={4} />;
  if (servers.error) return <Problem error={servers.error} retry={() => void servers.refetch()} />;
  return (
    <div className="stack">
      <AddServer onDone={() => void refresh()} />
      <TestedList
        items={servers.data.items.map(({ name, tier, transport, state, command, url }) => ({
          name,
          tags: [tier, transport, state].filter((tag) => tag !== null),
          text: url ?? command ?? undefined,
          ...(tier === "project" && { onRemove: () => setRemoving(name) }),
        }))}
        test={act.settings.testMcp}
      />
      {removing && (
        <Confirm
          title={`Remove ${removing}?`}
          text="The next sessions are not given it any more."
          confirm="Remove"
          danger
          onConfirm={async () => {
            await act.settings.removeMcp(removing);
            await refresh();
          }}
          onClose={() => setRemoving(null)}
        />
      )}
    </div>
  );
}

function AddServer({ onDone }: { onDone: () => void }) {
  const [name, setName] = useState("");
  const [how, setHow] = useState("");
  const { busy, error, run } = useAct();
  const add = async () => {
    const done = await run(async () => {
      const line = how.trim();
      const server = /^https?:/.test(line) ? { url: line } : { command: argv(line) };
      const { warnings } = await act.settings.saveMcp(name.trim(), server);
      toast({ tone: "passed", title: `Added ${name.trim()}`, body: warnings.join(" ") });
    });
    if (!done) return;
    setName("");
    setHow("");
    onDone();
  };
  return (
    <form
      className="card card-body row wrap add-server"
      aria-label="Add a server"
      onSubmit={(event) => {
        event.preventDefault();
        void add();
      }}
    >
      <input
        className="input code"
        aria-label="Name of the server"
        placeholder="Name"
        value={name}
        onChange={(event) => setName(event.target.value)}
      />
      <input
        className="input code"
        aria-label="Its command line or address"
        placeholder="A command line, or https://…"
        value={how}
        onChange={(event) => setHow(event.target.value)}
      />
      <button type="submit" className="btn" disabled={busy || !name.trim() || !how.trim()}>
        Add
      </button>
      <p className="small quiet">
        A secret is written as <code>{"${vault:server/name}"}</code>, never itself.
      </p>
      {error !== null && <Problem error={error} />}
    </form>
  );
}
