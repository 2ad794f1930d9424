// The plan's text: read it, or change it with what is wrong beside it.

import { useQueryClient } from "@tanstack/react-query";
import { lazy, Suspense, useState } from "react";
import * as act from "../../api/actions";
import { keys, type Scope } from "../../api/queries";
import type { PlanDetail } from "../../api/types";
import { usePlanCheck } from "../../lib/usePlanCheck";
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
  const client = useQueryClient();
  const check = usePlanCheck(draft ?? "");
  const errors = check.diagnostics.filter(({ severity }) => severity === "error").length;
  const { plan_id } = detail.board;

  const save = async () => {
    if (draft === null) return;
    setBusy(true);
    setError(null);
    try {
      await act.plan.save(plan_id, draft, detail.sha256, scope);
      await client.invalidateQueries({ queryKey: keys.plan(plan_id) });
      await client.invalidateQueries({ queryKey: keys.dag(plan_id) });
      await client.invalidateQueries({ queryKey: keys.diff(plan_id) });
      toast({ tone: "passed", title: "Saved", body: "The next run takes the new text." });
      setDraft(null);
    } catch (caught) {
      setError(caught);
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
          A running engine keeps the text it began with; a new revision is applied when it goes on.
        </p>
        <div className="actions">
          <button type="button" className="btn s" onClick={() => setDraft(null)}>
            Discard
          </button>
          <button
            type="button"
            className="btn s primary"
            disabled={busy || errors > 0 || draft === detail.markdown}
            onClick={() => void save()}
          >
            Save revision
          </button>
        </div>
      </div>
      {error !== null && <Problem error={error} />}
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
