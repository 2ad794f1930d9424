// Secrets of tool servers: they can be set and removed here, and never read.

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import * as act from "../../api/actions";
import { chosenScope } from "../../api/chosen";
import { get } from "../../api/client";
import type { Page, Secret } from "../../api/types";
import { Confirm } from "../../ui/Confirm";
import { Empty, Problem, Skeleton } from "../../ui/Feedback";
import { TextField } from "../../ui/Field";
import { toast } from "../../ui/Toaster";
import { useAct } from "../../ui/useAct";

export default function Vault() {
  const vault = useQuery({
    queryKey: ["vault"],
    queryFn: () => get<Page<Secret>>("/vault", chosenScope()),
  });
  const [server, setServer] = useState("");
  const [key, setKey] = useState("");
  const [value, setValue] = useState("");
  const [removing, setRemoving] = useState<Secret | null>(null);
  const { busy, error, run } = useAct();
  const client = useQueryClient();
  const refresh = () => client.invalidateQueries({ queryKey: ["vault"] });
  const save = async () => {
    const done = await run(async () => {
      await act.settings.setSecret(server.trim(), key.trim(), value);
      await refresh();
    });
    if (!done) return;
    toast({ tone: "passed", title: "Kept", body: `${server.trim()}/${key.trim()}` });
    setKey("");
    setValue("");
  };
  if (vault.isPending) return <Skeleton lines={3} />;
  if (vault.error) return <Problem error={vault.error} retry={() => void vault.refetch()} />;
  return (
    <div className="stack">
      <form
        className="card card-body form-grid"
        autoComplete="off"
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        <TextField label="Server" code value={server} onChange={setServer} />
        <TextField label="Name" code value={key} onChange={setKey} />
        <TextField
          label="Secret"
          code
          type="password"
          autoComplete="new-password"
          value={value}
          onChange={setValue}
        />
        <div className="field">
          <span className="label" aria-hidden="true">
            &nbsp;
          </span>
          <button
            type="submit"
            className="btn primary"
            disabled={busy || !server.trim() || !key.trim() || !value}
          >
            Keep
          </button>
        </div>
        {error !== null && <Problem error={error} />}
      </form>
      <div className="card">
        {vault.data.items.map((secret) => (
          <div key={`${secret.server}/${secret.key}`} className="thing">
            <span className="mono grow">
              {secret.server}/<strong>{secret.key}</strong>
            </span>
            <span className="quiet" aria-label="hidden">
              ••••••••
            </span>
            {secret.of_project ? (
              <button type="button" className="btn s danger" onClick={() => setRemoving(secret)}>
                Remove
              </button>
            ) : (
              <span className="small quiet">in {secret.vault}</span>
            )}
          </div>
        ))}
        {vault.data.items.length === 0 && (
          <Empty icon="settings" title="The vault is empty">
            <p>
              A secret kept here replaces <code>{"${vault:server/name}"}</code> in the configuration
              of a tool server. It is written to no log and no transcript.
            </p>
          </Empty>
        )}
      </div>
      {removing && (
        <Confirm
          title={`Remove ${removing.server}/${removing.key}?`}
          text="Sessions that need it fail until it is set again."
          confirm="Remove"
          danger
          onConfirm={async () => {
            await act.settings.removeSecret(removing.server, removing.key);
            await refresh();
          }}
          onClose={() => setRemoving(null)}
        />
      )}
    </div>
  );
}
