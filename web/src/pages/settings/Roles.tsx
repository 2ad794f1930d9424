// Who can work: every role with where it is defined, and its text to be changed.

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { lazy, Suspense, useState } from "react";
import * as act from "../../api/actions";
import { chosenScope } from "../../api/chosen";
import { get, part } from "../../api/client";
import type { Page, RoleDetail, RoleItem } from "../../api/types";
import { Confirm } from "../../ui/Confirm";
import { Dialog } from "../../ui/Dialog";
import { Problem, Skeleton } from "../../ui/Feedback";
import { TextField } from "../../ui/Field";
import { FormDialog } from "../../ui/FormDialog";
import { Icon } from "../../ui/Icon";
import { Role } from "../../ui/Role";
import { Ticks } from "../../ui/Ticks";
import { toast } from "../../ui/Toaster";
import { useAct } from "../../ui/useAct";

const Editor = lazy(() => import("../../ui/Editor"));

/** What a role begins with that is not there yet. */
const BLANK = "# Role\n\nWhat it is for, how it works, and when its work is done.\n";

export default function Roles() {
  const roles = useQuery({
    queryKey: ["roles"],
    queryFn: () => get<Page<RoleItem>>("/roles", chosenScope()),
  });
  const [open, setOpen] = useState<string | null>(null);
  const [naming, setNaming] = useState(false);
  const [made, setMade] = useState<string | null>(null);
  if (roles.isPending) return <Skeleton lines={6} />;
  if (roles.error) return <Problem error={roles.error} retry={() => void roles.refetch()} />;
  const { items } = roles.data;
  const used = items.filter(({ shadowed }) => !shadowed);
  const behind = (of: string) =>
    items.flatMap(({ name, shadowed, tier }) => (name === of && shadowed && tier ? [tier] : []));
  return (
    <div className="card">
      <div className="card-head">
        <h2>Roles</h2>
        <button type="button" className="btn s" onClick={() => setNaming(true)}>
          <Icon name="plus" size={14} /> New role
        </button>
      </div>
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
      {naming && (
        <NewRole
          taken={used.map(({ name }) => name)}
          onName={setMade}
          onClose={() => setNaming(false)}
        />
      )}
      {made && <RoleForm role={blank(made)} behind={[]} onClose={() => setMade(null)} />}
    </div>
  );
}

const blank = (name: string): RoleDetail => ({
  name,
  tier: "",
  dir: "",
  role_json: { description: "" },
  of_project: false,
  role_md: BLANK,
  findings: [],
});

interface NewProps {
  taken: string[];
  onName: (name: string) => void;
  onClose: () => void;
}

function NewRole({ taken, onName, onClose }: NewProps) {
  const [name, setName] = useState("");
  const wanted = name.trim();
  const isTaken = taken.includes(wanted);
  return (
    <FormDialog
      title="New role"
      confirm="Write it"
      ready={wanted !== "" && !isTaken}
      onSubmit={() => Promise.resolve(onName(wanted))}
      onClose={onClose}
    >
      <TextField
        label="Its name"
        hint={isTaken && "There is a role of this name: edit that one."}
        code
        autoFocus
        value={name}
        onChange={setName}
      />
    </FormDialog>
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
  const [findings, setFindings] = useState(role.findings);
  const { busy, error, run } = useAct();
  const client = useQueryClient();
  const save = () =>
    run(async () => {
      const saved = await act.settings.saveRole(
        role.name,
        JSON.parse(json) as Record<string, unknown>,
        md,
      );
      await client.invalidateQueries({ queryKey: ["roles"], exact: true });
      const { findings: found } = saved;
      const body = found.length === 0 ? "The next session works by it." : undefined;
      toast({ tone: "passed", title: `Saved ${role.name}`, body });
      // What was found is read before one leaves.
      if (found.length === 0) onClose();
      else setFindings(found);
    });
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
        <p className="small quiet">
          What you save here counts for this project.
          {role.tier && ` Now it is defined in the ${role.tier} tier.`}
        </p>
      </div>
      {error !== null && <Problem error={error} />}
      {findings.length > 0 && (
        <ul className="diagnostics" aria-label="What is not in order">
          {findings.map(({ severity, problem }) => (
            <li key={problem} className={severity === "error" ? "tone-failed" : "tone-trouble"}>
              <Icon name={severity === "error" ? "failed" : "trouble"} size={14} label={severity} />
              <p>
                <Ticks text={problem} />
              </p>
            </li>
          ))}
        </ul>
      )}
      <div className="role-editor">
        <Suspense fallback={<Skeleton lines={1} height={380} />}>
          {view === "md" ? (
            <Editor key="md" label="ROLE.md" language="markdown" initial={md} onChange={setMd} />
          ) : (
            <Editor
              key="json"
              label="role.json"
              language="json"
              initial={json}
              onChange={setJson}
            />
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
