// Who can work: every role with where it is defined, and its text to be changed.

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { lazy, Suspense, useState } from "react";
import * as act from "../../api/actions";
import { get, part } from "../../api/client";
import type { Page } from "../../api/types";
import { Dialog } from "../../ui/Dialog";
import { Problem, Skeleton } from "../../ui/Feedback";
import { Role } from "../../ui/Role";
import { toast } from "../../ui/Toaster";
import { useAct } from "../../ui/useAct";

const Editor = lazy(() => import("../../ui/Editor"));

interface RoleItem {
  name: string;
  tier?: string;
  description?: string | null;
  problem?: string | null;
}

interface RoleDetail extends RoleItem {
  role_json: unknown;
  of_project: boolean;
  role_md: string | null;
}

export default function Roles() {
  const roles = useQuery({ queryKey: ["roles"], queryFn: () => get<Page<RoleItem>>("/roles") });
  const [open, setOpen] = useState<string | null>(null);
  if (roles.isPending) return <Skeleton lines={6} />;
  if (roles.error) return <Problem error={roles.error} retry={() => void roles.refetch()} />;
  return (
    <div className="card">
      {roles.data.items.map(({ name, tier, description, problem }) => (
        <div key={name} className="thing">
          <Role role={name} />
          {tier && <span className="tag">{tier}</span>}
          <p className="small quiet grow">{problem ?? description}</p>
          <button type="button" className="btn s" onClick={() => setOpen(name)}>
            Edit<span className="visually-hidden"> {name}</span>
          </button>
        </div>
      ))}
      {open && <RoleEditor name={open} onClose={() => setOpen(null)} />}
    </div>
  );
}

function RoleEditor({ name, onClose }: { name: string; onClose: () => void }) {
  const role = useQuery({
    queryKey: ["roles", name],
    queryFn: () => get<RoleDetail>(`/roles/${part(name)}`),
  });
  if (!role.data) {
    return (
      <Dialog title={name} onClose={onClose} wide>
        {role.error ? <Problem error={role.error} /> : <Skeleton lines={3} />}
      </Dialog>
    );
  }
  return <RoleForm role={role.data} onClose={onClose} />;
}

function RoleForm({ role, onClose }: { role: RoleDetail; onClose: () => void }) {
  const [view, setView] = useState<"md" | "json">("md");
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
    </Dialog>
  );
}
