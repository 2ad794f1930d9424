// The plan's text: read it, or change it with what is wrong beside it.

import { useQueryClient } from "@tanstack/react-query";
import { lazy, Suspense, useState } from "react";
import * as act from "../../api/actions";
import { ApiError, type ProblemItem } from "../../api/client";
import { keys, type Scope } from "../../api/queries";
import type { PlanDetail } from "../../api/types";
import { usePlanCheck } from "../../lib/usePlanCheck";
import { BegunChoice } from "../../ui/BegunChoice";
import { Problem, Skeleton } from "../../ui/Feedback";
import { EditSide } from "../../ui/EditSide";
import { FormDialog } from "../../ui/FormDialog";
import { Markdown } from "../../ui/Markdown";
import { Ticks } from "../../ui/Ticks";
import { toast } from "../../ui/Toaster";
import { useAct } from "../../ui/useAct";

const Editor = lazy(() => import("../../ui/Editor"));

export default function PlanText({ detail, scope }: { detail: PlanDetail; scope: Scope }) {
  const [draft, setDraft] = useState<string | null>(null);
  const [touched, setTouched] = useState<ProblemItem[]>([]);
  const { busy, error, run } = useAct();
  const client = useQueryClient();
  const check = usePlanCheck(draft ?? "", scope);
  const errors = check.diagnostics.filter(({ severity }) => severity === "error").length;
  const { plan_id, engine } = detail.board;
  const driven = engine?.alive ?? false;

  const save = async (begun?: act.Begun) => {
    if (draft === null) return;
    await act.plan.save(plan_id, draft, detail.sha256, begun, scope);
    await client.invalidateQueries({ queryKey: keys.plan(plan_id) });
    await client.invalidateQueries({ queryKey: keys.dag(plan_id) });
    await client.invalidateQueries({ queryKey: keys.diff(plan_id) });
    toast({ tone: "passed", title: "Saved", body: "The next run takes the new text." });
    setDraft(null);
  };
  const trySave = () =>
    run(async () => {
      try {
        await save();
      } catch (refused) {
        const epics = begunEpics(refused);
        if (epics.length === 0) throw refused;
        setTouched(epics);
      }
    });

  if (draft === null) {
    return (
      <div className="card">
        <div className="card-head">
          <h2 className="mono small quiet">PLAN.md · {detail.sha256.slice(0, 12)}</h2>
          <button type="button" className="btn s" onClick={() => setDraft(detail.markdown)}>
            Edit
          </button>
        </div>
        <div className="card-body reading">
          <Markdown source={detail.markdown} />
        </div>
      </div>
    );
  }
  return (
    <div className="stack">
      <div className="row wrap spread">
        <p className="small quiet">
          {driven
            ? "The plan runs by the text it began with: stop the run to save another one."
            : "The next run takes the new text."}
        </p>
        <div className="actions">
          <button type="button" className="btn s" onClick={() => setDraft(null)}>
            Discard
          </button>
          <button
            type="button"
            className="btn s primary"
            disabled={busy || driven || errors > 0 || draft === detail.markdown}
            onClick={() => void trySave()}
          >
            Save revision
          </button>
        </div>
      </div>
      {error !== null && <Problem error={error} />}
      {touched.length > 0 && (
        <SaveBegun touched={touched} onSave={save} onClose={() => setTouched([])} />
      )}
      <div className="edit-split tall">
        <Suspense fallback={<Skeleton lines={1} height={480} />}>
          <Editor
            label="The plan's text"
            language="markdown"
            initial={draft}
            onChange={setDraft}
            diagnostics={check.diagnostics}
          />
        </Suspense>
        <EditSide check={check} />
      </div>
    </div>
  );
}

interface SaveBegunProps {
  touched: ProblemItem[];
  onSave: (begun: act.Begun) => Promise<void>;
  onClose: () => void;
}

function SaveBegun({ touched, onSave, onClose }: SaveBegunProps) {
  const [begun, setBegun] = useState<act.Begun | null>(null);
  return (
    <FormDialog
      title="Save the revision"
      confirm="Save revision"
      ready={begun !== null}
      onSubmit={async () => begun && onSave(begun)}
      onClose={onClose}
    >
      <ul className="stack">
        {touched.map(({ message }) => (
          <li key={message}>
            <Ticks text={message} />.
          </li>
        ))}
      </ul>
      <BegunChoice value={begun} onChange={setBegun} />
    </FormDialog>
  );
}

/** What the server says about epics that have begun; nothing if it refused for another reason. */
const begunEpics = (error: unknown): ProblemItem[] =>
  error instanceof ApiError && error.status === 409
    ? error.errors.filter(({ code }) => code?.startsWith("EPIC-"))
    : [];
