// Who can work: every role with where it is defined, and its text to be changed.

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { lazy, Suspense, useState } from "react";
import * as act from "../../api/actions";
import { chosenScope } from "../../api/chosen";
import { get, part } from "../../api/client";
import type { Page } from "../../api/types";
import { Confirm } from "../../ui/Confirm";
import { Dialog } from "../../ui/Dialog";
import { Problem, Skeleton } from "../../ui/Feedback";
import { Role } from "../../ui/Role";
import { toast } from "../../ui/Toaster";
import { useAct } from "../../ui/useAct";

const Editor = lazy(() => import("../../ui/Editor"));

interface RoleItem {
  name: string;
  tier?: string;
  /** Whether a nearer tier has a role of this name, which sessions get instead. */
  shadowed?: boolean;
  description?: string | null;
  problem?: string | null;
}

interface RoleDetail extends RoleItem {
  role_json: unknown;
  of_project: boolean;
  role_md: string | null;
}

export default function Roles() {
  const roles = useQuery({
    queryKey: ["roles"],
    queryFn: () => get<Page<RoleItem>>("/roles", chosenScope()),
  });
  const [open, setOpen] = useState<string | null>(null);
  if (roles.isPending) return <Skeleton lines={6} />;
  if (roles.error) return <Problem error={roles.error} retry={() => void roles.refetch()} />;
  const { items } = roles.data;
  const used = items.filter(({ shadowed }) => !shadowed);
  const behind = (of: string) =>
    items.flatMap(({ name, shadowed, tier }) => (name === of && shadowed && tier ? [tier] : []));
  return (
    <div className="card">
      {used.map(({ name, tier, description, problem }) => (
        <div key={name} className="thing">
          <div className="grow">
            <p className="row wrap">
              <Role role={name} />
              {tier && <span className="tag">{tier}</span>}
              {behind(name).length > 0 && (
                <span className="small quiet">instead of {behind(name).join(", ")}</span>
              )}
            </p>
            <p className="small quiet">{problem ?? description}</p>
          </div>
          <button type="button" className="btn s" onClick={() => setOpen(name)}>
            Edit<span className="visually-hidden"> {name}</span>
          </button>
        </div>
      ))}
      {open && <RoleEditor name={open} behind={behind(open)} onClose={() => setOpen(null)} />}
    </div>
  );
}

interface EditorProps {
  name: string;
  /** The tiers that have the role too, and are not used. */
  behind: string[];
  onClose: () => void;
}

function RoleEditor({ name, behind, onClose }: EditorProps) {
  const role = useQuery({
    queryKey: ["roles", name],
    queryFn: () => get<RoleDetail>(`/roles/${part(name)}`, chosenScope()),
    // The form begins with what is on disk, not with what was there when it was open last.
    gcTime: 0,
  });
  if (!role.data) {
    return (
      <Dialog title={name} onClose={onClose} wide>
        {role.error ? <Problem error={role.error} /> : <Skeleton lines={3} />}
      </Dialog>
    );
  }
  return <RoleForm role={role.data} behind={behind} onClose={onClose} />;
}

interface FormProps {
  role: RoleDetail;
  behind: string[];
  onClose: () => void;
}

function RoleForm({ role, behind, onClose }: FormProps) {
  const [view, setView] = useState<"md" | "json">("md");
  const [removing, setRemoving] = useState(false);
  const [md, setMd] = useState(role.role_md ?? "");
  const [json, setJson] = useState(JSON.stringify(role.role_json ?? {}, null, 2));
  const { busy, error, run } = useAct();
  const client = useQueryClient();
  const save = async () => {
    const done = await run(async () => {
      await act.settings.saveRole(role.name, JSON.parse(json) as unknown, md);
      await client.invalidateQueries({ queryKey: ["roles"] });
    });
    if (!done) return;
    toast({ tone: "passed", title: `Saved ${role.name}`, body: "The next session works by it." });
    onClose();
  };
  return (
    <Dialog
      title={role.name}
      wide
      onClose={onClose}
      foot={
        <>
          {role.of_project && (
            <>
              <button
                type="button"
                className="btn danger"
                disabled={busy}
                onClick={() => setRemoving(true)}
              >
                Remove
              </button>
              <span className="grow" />
            </>
          )}
          <button type="button" className="btn" onClick={onClose}>
            Back
          </button>
          <button type="button" className="btn primary" disabled={busy} onClick={() => void save()}>
            Save in this project
          </button>
        </>
      }
    >
      <div className="row wrap spread">
        <div className="choices" role="group" aria-label="File">
          <button type="button" aria-pressed={view === "md"} onClick={() => setView("md")}>
            ROLE.md
          </button>
          <button type="button" aria-pressed={view === "json"} onClick={() => setView("json")}>
            role.json
          </button>
        </div>
        {role.tier && (
          <p className="small quiet">
            Defined in the {role.tier} tier; what you save here counts for this project.
          </p>
        )}
      </div>
      {error !== null && <Problem error={error} />}
      <div className="role-editor">
        <Suspense fallback={<Skeleton lines={1} height={380} />}>
          {view === "md" ? (
            <Editor key="md" label="ROLE.md" language="markdown" value={md} onChange={setMd} />
          ) : (
            <Editor key="json" label="role.json" language="json" value={json} onChange={setJson} />
          )}
        </Suspense>
      </div>
      {removing && (
        <Confirm
          title={`Remove ${role.name} from this project?`}
          text={removedWords(behind)}
          confirm="Remove"
          danger
          onConfirm={async () => {
            await act.settings.removeRole(role.name);
            await client.invalidateQueries({ queryKey: ["roles"] });
            onClose();
          }}
          onClose={() => setRemoving(false)}
        />
      )}
    </Dialog>
  );
}

const removedWords = ([tier]: string[]): string =>
  tier ? `Sessions get the ${tier} one again.` : "No session can have this role any more.";
