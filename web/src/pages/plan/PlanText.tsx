// The plan's text: read it, or change it with what is wrong beside it.

import { useQueryClient } from "@tanstack/react-query";
import { lazy, Suspense, useState } from "react";
import * as act from "../../api/actions";
import { ApiError, type ProblemItem } from "../../api/client";
import { keys, type Scope } from "../../api/queries";
import type { PlanDetail } from "../../api/types";
import { usePlanCheck } from "../../lib/usePlanCheck";
import { Dialog } from "../../ui/Dialog";
import { Diagnostics } from "../../ui/Diagnostics";
import { Problem, Skeleton } from "../../ui/Feedback";
import { Markdown } from "../../ui/Markdown";
import { toast } from "../../ui/Toaster";
import { Waves } from "../../ui/Waves";

const Editor = lazy(() => import("../../ui/Editor"));

export default function PlanText({ detail, scope }: { detail: PlanDetail; scope: Scope }) {
  const [draft, setDraft] = useState<string | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const [touched, setTouched] = useState<ProblemItem[]>([]);
  const client = useQueryClient();
  const check = usePlanCheck(draft ?? "");
  const errors = check.diagnostics.filter(({ severity }) => severity === "error").length;
  const { plan_id, engine } = detail.board;
  const driven = engine?.alive ?? false;

  const save = async (begun?: "keep" | "redo") => {
    if (draft === null) return;
    setBusy(true);
    setError(null);
    setTouched([]);
    try {
      await act.plan.save(plan_id, draft, detail.sha256, begun, scope);
      await client.invalidateQueries({ queryKey: keys.plan(plan_id) });
      await client.invalidateQueries({ queryKey: keys.dag(plan_id) });
      await client.invalidateQueries({ queryKey: keys.diff(plan_id) });
      toast({ tone: "passed", title: "Saved", body: "The next run takes the new text." });
      setDraft(null);
    } catch (caught) {
      const epics = begunEpics(caught);
      if (epics.length > 0) setTouched(epics);
      else setError(caught);
    } finally {
      setBusy(false);
    }
  };

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
            onClick={() => void save()}
          >
            Save revision
          </button>
        </div>
      </div>
      {error !== null && <Problem error={error} />}
      {touched.length > 0 && (
        <Dialog
          title="Epics that have begun"
          onClose={() => setTouched([])}
          foot={
            <>
              <button type="button" className="btn" onClick={() => setTouched([])}>
                Back
              </button>
              <button type="button" className="btn" onClick={() => void save("keep")}>
                Keep them as they are
              </button>
              <button type="button" className="btn danger" onClick={() => void save("redo")}>
                Start them over
              </button>
            </>
          }
        >
          <p>The new text changes what is being worked on, or was:</p>
          <ul className="stack">
            {touched.map(({ message }) => (
              <li key={message}>{message}.</li>
            ))}
          </ul>
          <p className="small quiet">
            Kept, they go on by the text that they began with. Started over, their work begins anew
            by this one; an epic that it leaves out is cancelled.
          </p>
        </Dialog>
      )}
      <div className="edit-split tall">
        <Suspense fallback={<Skeleton lines={1} height={480} />}>
          <Editor
            label="The plan's text"
            language="markdown"
            value={draft}
            onChange={setDraft}
            diagnostics={check.diagnostics}
          />
        </Suspense>
        <div className="stack edit-side">
          <Diagnostics found={check.diagnostics} checked={check.checked} />
          {check.dag && <Waves dag={check.dag} />}
        </div>
      </div>
    </div>
  );
}

/** What the server says about epics that have begun; nothing if it refused for another reason. */
const begunEpics = (error: unknown): ProblemItem[] =>
  error instanceof ApiError && error.status === 409
    ? error.errors.filter(({ code }) => code?.startsWith("EPIC-"))
    : [];
